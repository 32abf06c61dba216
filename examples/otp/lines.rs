use crate::failure::{Failure, note};
use countersign::otp::Secret;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use zeroize::Zeroizing;

/// The longest line, in bytes, unless a command takes longer ones. A secret of 1,024 bytes has
/// 1,639 characters.
const MAX_LINE: usize = 16 * 1024;

/// The lines of an input, which may be long, endless, or binary.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    line: Zeroizing<Vec<u8>>,
    /// The longest line that is read, in bytes.
    limit: usize,
}

/// Why a line cannot be read.
pub(crate) enum LineFault {
    TooLong { limit: usize },
    NotUtf8,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self::with_limit(input, MAX_LINE)
    }

    pub(crate) fn with_limit(input: R, limit: usize) -> Self {
        // A line of that length, with its line end.
        let longest = limit.saturating_add(2);
        Self {
            input: BufReader::new(input),
            line: Zeroizing::new(Vec::with_capacity(longest)),
            limit,
        }
    }

    /// Reads the next line without its line end (LF or CR LF). `None` at the end of the input.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<&str, LineFault>>> {
        self.line.clear();
        let limit = self.limit;
        let longest = u64::try_from(limit.saturating_add(2)).unwrap_or(u64::MAX);
        let mut line = self.input.by_ref().take(longest);
        if line.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.pop_if(|byte| *byte == b'\n').is_some() {
            self.line.pop_if(|byte| *byte == b'\r');
        } else if self.line.len() > limit {
            self.input.skip_until(b'\n')?;
        }
        if self.line.len() > limit {
            return Ok(Some(Err(LineFault::TooLong { limit })));
        }
        Ok(Some(
            str::from_utf8(&self.line).map_err(|_| LineFault::NotUtf8),
        ))
    }

    /// Answers each line, in order. `answer` returns whether it succeeded; one failure makes the
    /// result `Refused`.
    pub(crate) fn answer<W: Write>(
        &mut self,
        out: &mut W,
        answer: impl Fn(Result<&str, LineFault>, &mut W) -> io::Result<bool>,
    ) -> Result<(), Failure> {
        let mut all_succeeded = true;
        while let Some(line) = self.next()? {
            all_succeeded &= answer(line, out)?;
            // Flush before waiting for the next line.
            if self.input.buffer().is_empty() {
                out.flush()?;
            }
        }
        if all_succeeded {
            Ok(())
        } else {
            Err(Failure::Refused)
        }
    }

    /// Returns the argument, or the next line if the argument is `-`.
    pub(crate) fn argument<'a>(&'a mut self, argument: &'a str) -> Result<&'a str, Failure> {
        if argument != "-" {
            return Ok(argument);
        }
        self.next()?
            .ok_or_else(|| Failure::usage("standard input has no line"))?
            .map_err(Failure::usage)
    }

    /// Reads a secret in base32, from the argument or the next line. A short secret gets a note.
    pub(crate) fn secret(&mut self, argument: &str) -> Result<Secret, Failure> {
        let secret = Secret::from_typed_base32_with_minimum(self.argument(argument)?, 8)
            .map_err(Failure::usage)?;
        if secret.bits() < Secret::MINIMUM_BITS {
            let (bits, least) = (secret.bits(), Secret::MINIMUM_BITS);
            note(&format!(
                "note: the secret has {bits} bits, which is less than the safe minimum of {least}"
            ));
        }
        Ok(secret)
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "the line is longer than {limit} bytes"),
            Self::NotUtf8 => f.write_str("the line is not UTF-8"),
        }
    }
}
