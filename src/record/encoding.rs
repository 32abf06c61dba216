//! The content of a record in CBOR (RFC 8949): arrays and maps of definite length.
//!
//! There are two forms. A record that needs none of the additional fields is written in the first form, which
//! every version of this crate reads. Later versions add fields to the second form; a field that this version
//! does not know is an error.
//!
//! ```text
//! record        = [history, throttle, [* authenticator], ledger / null, pending / null,
//!                  ? {+ field number => field}]
//! history       = [from creation: bool, 1*8 revision]
//! throttle      = [failures, failed at, level, refilled at]
//! authenticator = [id, name, secret, parameters, added at, last used at / null, last step / null]
//! parameters    = [algorithm, digits, period]
//! pending       = [id, authenticator id, name, account name, issuer, secret, parameters,
//!                  replaces / null, begun at, wrong]
//! field 1       = [id, granted at]          the right to store a set of backup codes
//! field 2       = [1*3 time]                when such rights were granted
//! field 3       = [1*10 time]               when enrollments were begun, unless that is pending.begun at
//! ```
//! A ledger encodes itself.

use super::{History, RecordError};
use crate::backup::BackupCodeSet;
use crate::factor::{
    Authenticator, Beginnings, IssueRight, Issues, Issuing, Parameters, Pending, RateLimit,
    SecondFactor,
};
use crate::otp::{Algorithm, Digits, Period, Secret, TimeStep};
use crate::store::Revision;
use crate::{AuthenticatorId, AuthenticatorName, EnrollmentId, Timestamp};
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use minicbor::data::Type;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// No policy allows more authenticators.
const MAX_AUTHENTICATORS: u64 = 32;
/// What an account name or an issuer may hold, in bytes.
pub(crate) const MAX_TEXT: usize = 1024;

/// The two forms of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Five parts.
    First,
    /// Five parts and the additional fields, at least one.
    WithFields,
}

impl Form {
    /// The form that a second factor is written in.
    pub(super) fn of(factor: &SecondFactor) -> Self {
        match field_count(factor) {
            0 => Self::First,
            _ => Self::WithFields,
        }
    }
}

/// Numbers of the additional fields, which are written in ascending order.
mod field {
    pub(super) const ISSUE_RIGHT: u32 = 1;
    pub(super) const ISSUES: u32 = 2;
    pub(super) const BEGINNINGS: u32 = 3;
}

/// Encodes behind the parts of a prefix, into a buffer that never grows, so that it leaves no copy of a
/// secret behind: it has room for so many bytes more. What [`decode`] would refuse is refused.
pub(super) fn encode_after(
    prefix: &[&[u8]],
    factor: &SecondFactor,
    history: &History,
    room: usize,
) -> Result<Zeroizing<Vec<u8>>, RecordError> {
    let before: usize = prefix.iter().map(|part| part.len()).sum();
    let mut length = Length(before.saturating_add(room));
    write_record(factor, history, &mut Encoder::new(&mut length))
        .map_err(|_| RecordError::Malformed)?;
    let mut buffer = Zeroizing::new(Vec::with_capacity(length.0));
    for part in prefix {
        buffer.extend_from_slice(part);
    }
    write_record(factor, history, &mut Encoder::new(&mut *buffer))
        .map_err(|_| RecordError::Malformed)?;
    Ok(buffer)
}

/// Counts what would be written.
struct Length(usize);

impl Write for Length {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

type Written<W> = Result<(), encode::Error<<W as Write>::Error>>;

fn write_record<W: Write>(
    factor: &SecondFactor,
    history: &History,
    e: &mut Encoder<W>,
) -> Written<W> {
    let fields = field_count(factor);
    e.array(if fields == 0 { 5 } else { 6 })?;
    e.array(length(history.revisions().len()).saturating_add(1))?
        .bool(history.reaches_creation())?;
    for revision in history.revisions() {
        e.i64(revision.as_i64())?;
    }
    let limit = &factor.rate_limit;
    e.array(4)?
        .u32(limit.failures)?
        .u64(limit.failed_at.as_unix())?;
    e.u32(limit.guesses_left)?
        .u64(limit.refilled_at.as_unix())?;
    e.array(at_most(
        length(factor.authenticators.len()),
        MAX_AUTHENTICATORS,
    )?)?;
    for authenticator in &factor.authenticators {
        write_authenticator(authenticator, e)?;
    }
    match &factor.code_set {
        Some(codes) => codes.encode_into(e)?,
        None => e.null()?.ok()?,
    }
    match &factor.pending {
        Some(pending) => write_pending(pending, e)?,
        None => e.null()?.ok()?,
    }
    if fields > 0 {
        e.map(fields)?;
        write_fields(factor, e)?;
    }
    Ok(())
}

fn write_fields<W: Write>(factor: &SecondFactor, e: &mut Encoder<W>) -> Written<W> {
    let Issuing { issues, right } = &factor.issuing;
    if let Some(right) = right {
        e.u32(field::ISSUE_RIGHT)?.array(2)?;
        e.bytes(&right.id)?.u64(right.granted_at.as_unix())?;
    }
    if !issues.times().is_empty() {
        e.u32(field::ISSUES)?;
        write_times(issues.times(), Issues::MOST, e)?;
    }
    if needs_beginnings(factor) {
        e.u32(field::BEGINNINGS)?;
        write_times(factor.beginnings.times(), Beginnings::MOST, e)?;
    }
    Ok(())
}

fn field_count(factor: &SecondFactor) -> u64 {
    let Issuing { issues, right } = &factor.issuing;
    let fields = [
        right.is_some(),
        !issues.times().is_empty(),
        needs_beginnings(factor),
    ];
    length(fields.into_iter().filter(|needed| *needed).count())
}

/// The beginning of the pending enrollment, if it is the only one, is written with that enrollment.
fn needs_beginnings(factor: &SecondFactor) -> bool {
    let pending = factor.pending.as_ref().map(|pending| pending.begun_at);
    match factor.beginnings.times() {
        [] => false,
        [only] => Some(*only) != pending,
        _ => true,
    }
}

fn write_times<W: Write>(times: &[Timestamp], most: usize, e: &mut Encoder<W>) -> Written<W> {
    e.array(at_most(length(times.len()), length(most))?)?;
    for time in times {
        e.u64(time.as_unix())?;
    }
    Ok(())
}

fn write_text<W: Write>(text: &str, e: &mut Encoder<W>) -> Written<W> {
    at_most::<W::Error>(length(text.len()), length(MAX_TEXT))?;
    e.str(text)?.ok()
}

fn at_most<E>(length: u64, limit: u64) -> Result<u64, encode::Error<E>> {
    if length > limit {
        return Err(encode::Error::message("more than a record may hold"));
    }
    Ok(length)
}

fn write_authenticator<W: Write>(authenticator: &Authenticator, e: &mut Encoder<W>) -> Written<W> {
    e.array(7)?
        .bytes(authenticator.id.as_bytes())?
        .str(authenticator.name.as_str())?;
    e.bytes(authenticator.secret.expose())?;
    write_parameters(authenticator.parameters, e)?;
    e.u64(authenticator.added_at.as_unix())?;
    write_optional(authenticator.last_used_at.map(Timestamp::as_unix), e)?;
    write_optional(authenticator.last_step.map(TimeStep::get), e)
}

fn write_pending<W: Write>(pending: &Pending, e: &mut Encoder<W>) -> Written<W> {
    e.array(10)?
        .bytes(pending.id.as_bytes())?
        .bytes(pending.authenticator_id.as_bytes())?;
    e.str(pending.name.as_str())?;
    write_text(&pending.account_name, e)?;
    write_text(&pending.issuer, e)?;
    e.bytes(pending.secret.expose())?;
    write_parameters(pending.parameters, e)?;
    match pending.replaces {
        Some(id) => e.bytes(id.as_bytes())?,
        None => e.null()?,
    };
    e.u64(pending.begun_at.as_unix())?.u8(pending.wrong)?.ok()
}

fn write_parameters<W: Write>(parameters: Parameters, e: &mut Encoder<W>) -> Written<W> {
    let algorithm = match parameters.algorithm {
        Algorithm::Sha1 => 1,
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
    };
    e.array(3)?
        .u8(algorithm)?
        .u8(parameters.digits.get())?
        .u64(parameters.period.as_secs())?
        .ok()
}

fn write_optional<W: Write>(number: Option<u64>, e: &mut Encoder<W>) -> Written<W> {
    match number {
        Some(number) => e.u64(number)?.ok(),
        None => e.null()?.ok(),
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Decodes what [`encode_after`] wrote behind the prefix, and nothing else.
pub(super) fn decode(plain: &[u8], form: Form) -> Result<(SecondFactor, History), RecordError> {
    let mut d = Decoder::new(plain);
    let record = read_record(&mut d, form).map_err(|Unreadable(error)| error)?;
    if d.position() != plain.len() {
        return Err(RecordError::Malformed);
    }
    Ok(record)
}

/// Why a record cannot be read. The errors of the encoding library end here.
struct Unreadable(RecordError);

/// What is read is not what [`encode_after`] writes.
const MALFORMED: Unreadable = Unreadable(RecordError::Malformed);

impl From<minicbor::decode::Error> for Unreadable {
    fn from(_: minicbor::decode::Error) -> Self {
        MALFORMED
    }
}

fn read_record(d: &mut Decoder<'_>, form: Form) -> Result<(SecondFactor, History), Unreadable> {
    array(
        d,
        match form {
            Form::First => 5,
            Form::WithFields => 6,
        },
    )?;
    let history = read_history(d)?;
    let rate_limit = read_rate_limit(d)?;
    let count = d
        .array()?
        .filter(|count| *count <= MAX_AUTHENTICATORS)
        .ok_or(MALFORMED)?;
    let authenticators = (0..count)
        .map(|_| read_authenticator(d))
        .collect::<Result<_, _>>()?;
    let code_set = optional(d, |d| BackupCodeSet::decode_from(d).map_err(|_| MALFORMED))?;
    let pending = optional(d, read_pending)?;
    let mut factor = SecondFactor {
        authenticators,
        pending,
        code_set,
        rate_limit,
        beginnings: Beginnings::new(),
        issuing: Issuing::new(),
    };
    if form == Form::WithFields {
        read_fields(d, &mut factor)?;
    }
    if let ([], Some(pending)) = (factor.beginnings.times(), &factor.pending) {
        factor.beginnings = Beginnings::from_times(Vec::from([pending.begun_at]));
    }
    Ok((factor, history))
}

fn read_fields(d: &mut Decoder<'_>, factor: &mut SecondFactor) -> Result<(), Unreadable> {
    let count = d.map()?.filter(|count| *count > 0).ok_or(MALFORMED)?;
    let mut last = 0;
    for _ in 0..count {
        let number = d.u32()?;
        if number <= last {
            return Err(MALFORMED);
        }
        last = number;
        match number {
            field::ISSUE_RIGHT => {
                array(d, 2)?;
                factor.issuing.right = Some(IssueRight {
                    id: bytes(d)?,
                    granted_at: Timestamp::from_unix(d.u64()?),
                });
            }
            field::ISSUES => {
                factor.issuing.issues = Issues::from_times(read_times(d, Issues::MOST)?);
            }
            field::BEGINNINGS => {
                factor.beginnings = Beginnings::from_times(read_times(d, Beginnings::MOST)?);
            }
            number => return Err(Unreadable(RecordError::UnknownField(number))),
        }
    }
    Ok(())
}

fn read_times(d: &mut Decoder<'_>, most: usize) -> Result<Vec<Timestamp>, Unreadable> {
    let count = d
        .array()?
        .filter(|count| (1..=length(most)).contains(count))
        .ok_or(MALFORMED)?;
    (0..count)
        .map(|_| Ok(Timestamp::from_unix(d.u64()?)))
        .collect()
}

fn read_history(d: &mut Decoder<'_>) -> Result<History, Unreadable> {
    let count = d
        .array()?
        .and_then(|length| length.checked_sub(1))
        .filter(|count| *count <= length(History::LENGTH))
        .ok_or(MALFORMED)?;
    let from_creation = d.bool()?;
    let mut revisions = Vec::with_capacity(History::LENGTH);
    for _ in 0..count {
        revisions.push(Revision::from_i64(d.i64()?).map_err(|_| MALFORMED)?);
    }
    History::from_parts(revisions, from_creation).ok_or(MALFORMED)
}

fn read_rate_limit(d: &mut Decoder<'_>) -> Result<RateLimit, Unreadable> {
    array(d, 4)?;
    Ok(RateLimit {
        failures: d.u32()?,
        failed_at: Timestamp::from_unix(d.u64()?),
        guesses_left: d.u32()?,
        refilled_at: Timestamp::from_unix(d.u64()?),
    })
}

fn read_authenticator(d: &mut Decoder<'_>) -> Result<Authenticator, Unreadable> {
    array(d, 7)?;
    Ok(Authenticator {
        id: AuthenticatorId::from_bytes(bytes(d)?),
        name: read_name(d)?,
        secret: read_secret(d)?,
        parameters: read_parameters(d)?,
        added_at: Timestamp::from_unix(d.u64()?),
        last_used_at: optional(d, |d| Ok(Timestamp::from_unix(d.u64()?)))?,
        last_step: optional(d, |d| Ok(TimeStep::new(d.u64()?)))?,
    })
}

fn read_pending(d: &mut Decoder<'_>) -> Result<Pending, Unreadable> {
    array(d, 10)?;
    Ok(Pending {
        id: EnrollmentId::from_bytes(bytes(d)?),
        authenticator_id: AuthenticatorId::from_bytes(bytes(d)?),
        name: read_name(d)?,
        account_name: read_text(d)?,
        issuer: read_text(d)?,
        secret: read_secret(d)?,
        parameters: read_parameters(d)?,
        replaces: optional(d, |d| Ok(AuthenticatorId::from_bytes(bytes(d)?)))?,
        begun_at: Timestamp::from_unix(d.u64()?),
        wrong: d.u8()?,
    })
}

fn read_parameters(d: &mut Decoder<'_>) -> Result<Parameters, Unreadable> {
    array(d, 3)?;
    let algorithm = match d.u8()? {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Err(MALFORMED),
    };
    let digits = Digits::new(d.u8()?).map_err(|_| MALFORMED)?;
    let period = Period::from_secs(d.u64()?).map_err(|_| MALFORMED)?;
    Ok(Parameters {
        algorithm,
        digits,
        period,
    })
}

fn read_name(d: &mut Decoder<'_>) -> Result<AuthenticatorName, Unreadable> {
    AuthenticatorName::from_record(d.str()?).map_err(|_| MALFORMED)
}

fn read_secret(d: &mut Decoder<'_>) -> Result<Secret, Unreadable> {
    Secret::from_bytes_with_minimum(d.bytes()?, 0).map_err(|_| MALFORMED)
}

fn read_text(d: &mut Decoder<'_>) -> Result<String, Unreadable> {
    let text = d.str()?;
    if text.len() > MAX_TEXT {
        return Err(MALFORMED);
    }
    Ok(text.into())
}

fn array(d: &mut Decoder<'_>, length: u64) -> Result<(), Unreadable> {
    if d.array()? == Some(length) {
        Ok(())
    } else {
        Err(MALFORMED)
    }
}

fn bytes<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], Unreadable> {
    d.bytes()?.try_into().map_err(|_| MALFORMED)
}

fn optional<'b, T>(
    d: &mut Decoder<'b>,
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    read(d).map(Some)
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::Policy;
    use crate::backup::{Argon2Params, BackupCodes, CodeFormat};
    use alloc::vec;

    const AT: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn parameters() -> Parameters {
        Parameters::of(&Policy::default())
    }

    fn authenticator() -> Authenticator {
        Authenticator {
            id: AuthenticatorId::from_bytes([1; 8]),
            name: AuthenticatorName::default(),
            secret: Secret::from_bytes(&[7; 20]).unwrap(),
            parameters: parameters(),
            added_at: AT,
            last_used_at: Some(AT),
            last_step: Some(TimeStep::new(60_000_000)),
        }
    }

    fn pending() -> Pending {
        Pending {
            id: EnrollmentId::from_bytes([2; 16]),
            authenticator_id: AuthenticatorId::from_bytes([3; 8]),
            name: AuthenticatorName::default(),
            account_name: "alice".into(),
            issuer: "Example".into(),
            secret: Secret::from_bytes(&[8; 20]).unwrap(),
            parameters: parameters(),
            replaces: None,
            begun_at: AT,
            wrong: 0,
        }
    }

    /// A second factor with something in every field.
    fn full() -> SecondFactor {
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let digests = BackupCodeSet::issue_job(&codes, [4; 16], params, None).run();
        let ledger =
            BackupCodeSet::from_hashes(codes.format(), [4; 16], params, AT, None, digests.unwrap());
        SecondFactor {
            authenticators: vec![authenticator()],
            pending: Some(pending()),
            code_set: Some(ledger),
            rate_limit: RateLimit::new(AT, &Policy::default()),
            beginnings: Beginnings::from_times(vec![AT; 10]),
            issuing: Issuing {
                issues: Issues::from_times(vec![AT; 3]),
                right: Some(IssueRight {
                    id: [5; 8],
                    granted_at: AT,
                }),
            },
        }
    }

    fn history(length: usize) -> History {
        (1..).take(length).fold(History::new(), |history, n| {
            history.followed_by(Revision::from_i64(n).unwrap())
        })
    }

    /// What is written, if it is, and whether it can be read.
    fn written(factor: &SecondFactor) -> Option<bool> {
        let plain = encode_after(&[], factor, &history(3), 16).ok()?;
        let read = decode(&plain, Form::of(factor));
        Some(read.is_ok_and(|(again, _)| {
            let again = encode_after(&[], &again, &history(3), 16);
            again.is_ok_and(|again| *again == *plain)
        }))
    }

    type Set = fn(&mut SecondFactor, usize);

    #[test]
    fn every_field_is_read_back_at_its_limit_and_refused_beyond() {
        let fields: [(&str, usize, Set); 6] = [
            ("authenticators", 32, |factor, count| {
                factor.authenticators = vec![authenticator(); count];
            }),
            ("account name", 1024, |factor, bytes| {
                factor.pending.as_mut().unwrap().account_name = "a".repeat(bytes);
            }),
            ("issuer", 1024, |factor, bytes| {
                factor.pending.as_mut().unwrap().issuer = "a".repeat(bytes);
            }),
            ("issuer, not ASCII", 1024, |factor, bytes| {
                let (two, one) = (bytes / 2, bytes % 2);
                factor.pending.as_mut().unwrap().issuer = "\u{e9}".repeat(two) + &"a".repeat(one);
            }),
            ("issues", 3, |factor, count| {
                factor.issuing.issues = Issues::from_times(vec![AT; count]);
            }),
            ("beginnings", 10, |factor, count| {
                factor.beginnings = Beginnings::from_times(vec![AT; count]);
            }),
        ];
        for (name, limit, set) in fields {
            for size in 0..=limit {
                let mut factor = full();
                set(&mut factor, size);
                assert_eq!(written(&factor), Some(true), "{name}: {size}");
            }
            for size in [limit + 1, limit + 2, 2 * limit, 100 * limit] {
                let mut factor = full();
                set(&mut factor, size);
                assert_eq!(written(&factor), None, "{name}: {size}");
            }
        }
    }

    #[test]
    fn values_that_are_valid_by_their_type_are_read_back_at_their_ends() {
        let ends = [0, 1, u64::MAX];
        for end in ends.map(Timestamp::from_unix) {
            let mut factor = full();
            let authenticator = factor.authenticators.first_mut().unwrap();
            authenticator.added_at = end;
            authenticator.last_used_at = Some(end);
            authenticator.last_step = Some(TimeStep::new(end.as_unix()));
            factor.pending.as_mut().unwrap().begun_at = end;
            factor.rate_limit = RateLimit {
                failures: u32::MAX,
                failed_at: end,
                guesses_left: u32::MAX,
                refilled_at: end,
            };
            factor.beginnings = Beginnings::from_times(vec![end]);
            factor.issuing.issues = Issues::from_times(vec![end]);
            assert_eq!(written(&factor), Some(true), "{end}");
        }
        for bytes in [1, 20, Secret::MAX_BYTES] {
            let mut factor = full();
            let secret = Secret::from_bytes_with_minimum(&vec![9; bytes], 0).unwrap();
            factor.authenticators.first_mut().unwrap().secret = secret.clone();
            factor.pending.as_mut().unwrap().secret = secret;
            assert_eq!(written(&factor), Some(true), "{bytes} bytes");
        }
        for name in ["a", &"a".repeat(64), &"\u{20ac}".repeat(21)] {
            let mut factor = full();
            factor.pending.as_mut().unwrap().name = AuthenticatorName::new(name).unwrap();
            assert_eq!(written(&factor), Some(true), "{name}");
        }
    }

    #[test]
    fn a_record_that_needs_no_field_is_in_the_first_form() {
        let mut factor = full();
        factor.issuing = Issuing::new();
        factor.beginnings = Beginnings::from_times(vec![AT]);
        assert_eq!(Form::of(&factor), Form::First);
        let plain = encode_after(&[], &factor, &history(1), 0).unwrap();
        let (read, _) = decode(&plain, Form::First).unwrap();
        assert_eq!(
            read.beginnings.times(),
            [AT],
            "that of the pending enrollment"
        );
        assert!(decode(&plain, Form::WithFields).is_err());
    }

    #[test]
    fn a_field_of_a_later_version_is_an_error_that_says_so() {
        let factor = SecondFactor::new(AT, &Policy::default());
        let first = encode_after(&[], &factor, &history(1), 0).unwrap();
        let mut plain = vec![0x86];
        plain.extend_from_slice(first.get(1..).unwrap());
        let with = |fields: &[u8]| {
            let mut plain = plain.clone();
            plain.extend_from_slice(fields);
            decode(&plain, Form::WithFields).map(drop)
        };
        assert_eq!(
            with(&[0xA1, 0x18, 99, 0]),
            Err(RecordError::UnknownField(99))
        );
        let malformed = Err(RecordError::Malformed);
        assert_eq!(with(&[0xA0]), malformed, "no field");
        assert_eq!(with(&[0xA1, 2, 0x80]), malformed, "no time");
        assert_eq!(with(&[0xA1, 2, 0x84, 1, 1, 1, 1]), malformed, "four issues");
        assert_eq!(with(&[0xA2, 3, 0x81, 1, 2, 0x81, 1]), malformed, "order");
        assert_eq!(with(&[0xA2, 2, 0x81, 1, 2, 0x81, 1]), malformed, "twice");
        assert_eq!(with(&[0xA2, 2, 0x81, 1, 3, 0x81, 1]), Ok(()));
    }
}
