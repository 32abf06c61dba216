//! The CSV of vendors: a row for each token, with the secret in hexadecimal.

use std::sync::Arc;

use countersign::otp::{Digits, Period, Secret};
use csv_core::{ReadRecordResult, Reader};
use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{FileError, Place, Problem, TokenError};
use crate::fields::Fault;
use crate::key::MINIMUM_BITS;
use crate::limits::{MAX_FILE_BYTES, MAX_ROW_BYTES};
use crate::names::{self, Kind};
use crate::token::{Device, MovingFactor, Note, Token, Tokens};
use crate::wiped::is_space;

const MAX_COLUMNS: usize = 64;

/// Reads a CSV file.
///
/// If the first row has a column `serial`, it is a header. The columns are then `serial` and
/// `secret`, and optionally `digits`, `period`, `type` (`totp` or `hotp`), `algorithm`, `counter`
/// and `user`. Without a header, the columns are serial number, secret, digits and period, and the
/// last two are optional. Empty fields count as missing.
///
/// # Errors
/// [`FileError`] if the file is too large, has no rows, or has an unknown header.
pub fn read_csv(file: &[u8]) -> Result<Tokens, FileError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { bytes: file.len() });
    }
    let mut rows = Rows::new(file);
    let mut tokens = Vec::new();
    let mut columns = None;
    while let Some(row) = rows.next() {
        let columns = match (&columns, &row.fields) {
            (Some(columns), _) => columns,
            (None, Ok(fields)) => match Columns::header(fields)? {
                Some(header) => {
                    columns = Some(header);
                    continue;
                }
                None => columns.insert(Columns::default()),
            },
            (None, Err(_)) => columns.insert(Columns::default()),
        };
        tokens.push(read_row(&row, columns));
    }
    if tokens.is_empty() {
        return Err(FileError::Empty);
    }
    Ok(Tokens {
        packages: tokens.len(),
        tokens,
        is_signed: false,
        other_fields: Vec::new(),
    })
}

const NAMES: [&str; 8] = [
    "serial",
    "secret",
    "digits",
    "period",
    "type",
    "algorithm",
    "counter",
    "user",
];

/// Which column has which field: the place of each name.
struct Columns([Option<usize>; NAMES.len()]);

impl Default for Columns {
    fn default() -> Self {
        Self([Some(0), Some(1), Some(2), Some(3), None, None, None, None])
    }
}

impl Columns {
    /// Reads a row as header, if it is one.
    fn header(fields: &[&str]) -> Result<Option<Self>, FileError> {
        if !fields
            .iter()
            .any(|field| field.eq_ignore_ascii_case("serial"))
        {
            return Ok(None);
        }
        let mut columns = [None; NAMES.len()];
        for (place, field) in fields.iter().enumerate() {
            let column = place.saturating_add(1);
            let mut names = NAMES.iter().zip(&mut columns);
            let known = names.find(|(name, _)| field.eq_ignore_ascii_case(name));
            let (_, slot) = known.ok_or(FileError::UnknownColumn { column })?;
            if slot.replace(place).is_some() {
                return Err(FileError::DuplicateColumn { column });
            }
        }
        match columns {
            [_, None, ..] => Err(FileError::MissingColumn { name: "secret" }),
            _ => Ok(Some(Self(columns))),
        }
    }

    /// How many columns a row can have.
    fn most(&self) -> usize {
        let last = self.0.iter().flatten().max();
        last.map_or(0, |last| last.saturating_add(1))
    }
}

fn read_row(row: &Row<'_>, columns: &Columns) -> Result<Token, TokenError> {
    let place = Place::Row { line: row.line };
    let fail = |serial: Option<&str>, user: Option<&str>, fault: Fault| TokenError {
        place,
        serial: serial.map(Arc::from),
        user_id: user.map(Arc::from),
        field: fault.field.into(),
        problem: fault.problem,
    };
    let fields = match &row.fields {
        Ok(fields) => fields,
        Err(problem) => return Err(fail(None, None, Fault::new("row", problem.clone()))),
    };
    let mut given = columns.0.map(|column| {
        let field = column.and_then(|column| fields.get(column).copied());
        field.filter(|field| !field.is_empty())
    });
    let [serial, .., user] = given;
    if fields.len() > columns.most() {
        return Err(fail(serial, user, Fault::new("row", Problem::Row)));
    }
    token(&mut given, place).map_err(|fault| fail(serial, user, fault))
}

fn token(given: &mut [Option<&str>; NAMES.len()], place: Place) -> Result<Token, Fault> {
    let [
        serial,
        secret,
        digits,
        period,
        kind,
        algorithm,
        counter,
        user,
    ] = *given;
    let missing = |field: &str| Fault::new(field, Problem::Missing);
    let mut notes = Vec::new();
    let serial = serial.ok_or_else(|| missing("serial"))?;
    let secret = secret.ok_or_else(|| missing("secret"))?;
    let secret = hexadecimal(secret).map_err(Fault::of("secret"))?;
    let digits = match digits {
        Some(digits) => {
            let digits = digits
                .parse()
                .ok()
                .and_then(|digits| Digits::new(digits).ok());
            digits.ok_or_else(|| Fault::new("digits", Problem::Digits))?
        }
        None => {
            notes.push(Note::DefaultDigits);
            Digits::SIX
        }
    };
    let algorithm = match algorithm {
        Some(name) => names::hash(name).ok_or_else(|| Fault::new("algorithm", Problem::Hash))?,
        None => {
            notes.push(Note::DefaultHash);
            countersign::otp::Algorithm::Sha1
        }
    };
    let number = |field: &str, text: &str| {
        text.parse::<u64>()
            .map_err(|_| Fault::new(field, Problem::Number))
    };
    let kind = kind.map_or(Some(Kind::Totp), names::kind);
    let moving_factor = match kind.ok_or_else(|| Fault::new("type", Problem::Algorithm))? {
        Kind::Hotp => {
            let next = counter.map(|text| number("counter", text)).transpose()?;
            MovingFactor::Counter { next }
        }
        Kind::Totp => {
            let seconds = period.map(|text| number("period", text)).transpose()?;
            let period = match seconds {
                Some(seconds) => {
                    let period = Period::from_secs(seconds);
                    period.map_err(|_| Fault::new("period", Problem::Number))?
                }
                None => {
                    notes.push(Note::DefaultPeriod);
                    Period::THIRTY_SECONDS
                }
            };
            MovingFactor::Time {
                period,
                step: None,
                drift: None,
            }
        }
    };
    Ok(Token {
        place,
        device: Device {
            serial: Some(Arc::from(serial)),
            manufacturer: None,
            user_id: None,
        },
        key_id: None,
        key_user_id: user.map(str::to_owned),
        friendly_name: None,
        secret,
        algorithm,
        digits,
        moving_factor,
        notes,
        device_fields: Arc::from([]),
        other_fields: Vec::new(),
    })
}

fn hexadecimal(text: &str) -> Result<Secret, Problem> {
    let fault = || match text.bytes().all(is_base32) {
        true => Problem::Base32InHex,
        false => Problem::NotHex,
    };
    let length = HEXLOWER_PERMISSIVE
        .decode_len(text.len())
        .map_err(|_| fault())?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .map_err(|_| fault())?;
    Secret::from_bytes_with_minimum(&bytes, MINIMUM_BITS).map_err(Problem::Secret)
}

const fn is_base32(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'2'..=b'7' | b'=')
}

struct Row<'a> {
    line: u64,
    fields: Result<Vec<&'a str>, Problem>,
}

/// Reads rows into a buffer that is wiped. A row is a line, so an open quote spoils no other row.
struct Rows<'a> {
    reader: Reader,
    rest: &'a [u8],
    line: u64,
    buffer: Zeroizing<Vec<u8>>,
    ends: [usize; MAX_COLUMNS],
}

impl<'a> Rows<'a> {
    fn new(file: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(),
            rest: file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file),
            line: 0,
            buffer: Zeroizing::new(vec![0; MAX_ROW_BYTES]),
            ends: [0; MAX_COLUMNS],
        }
    }

    /// The next line that is not blank.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
            let end = self.rest.iter().position(is_end);
            let (line, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let without_end = rest.strip_prefix(b"\r\n").or(rest.get(1..));
            self.rest = without_end.unwrap_or_default();
            self.line = self.line.saturating_add(1);
            if !line.iter().all(|byte| is_space(char::from(*byte))) {
                return Some(line);
            }
        }
        None
    }

    fn next(&mut self) -> Option<Row<'_>> {
        let mut rest = self.next_line()?;
        let line = self.line;
        let refuse = |problem| {
            let fields = Err(problem);
            Some(Row { line, fields })
        };
        if rest.iter().filter(|byte| **byte == b'"').count() & 1 == 1 {
            return refuse(Problem::Quote);
        }
        self.reader.reset();
        self.buffer.zeroize();
        self.buffer.resize(MAX_ROW_BYTES, 0);
        let (mut written, mut columns) = (0_usize, 0_usize);
        loop {
            let output = self.buffer.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(columns..).unwrap_or_default();
            let (result, read, wrote, ended) = self.reader.read_record(rest, output, ends);
            rest = rest.get(read..).unwrap_or_default();
            written = written.saturating_add(wrote);
            columns = columns.saturating_add(ended);
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => break,
                // The next call has no input and ends the row.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return refuse(Problem::Row);
                }
            }
        }
        let mut start = 0;
        let fields = self.ends.iter().take(columns).map(|end| {
            let field = self.buffer.get(start..*end).unwrap_or_default();
            start = *end;
            let text = str::from_utf8(field).map_err(|_| Problem::NotUtf8)?;
            Ok(text.trim_matches(is_space))
        });
        let fields = fields.collect();
        Some(Row { line, fields })
    }
}
