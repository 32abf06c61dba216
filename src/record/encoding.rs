//! The content of a record in CBOR (RFC 8949): arrays of definite length, nothing optional left out.
//!
//! ```text
//! record        = [history, throttle, [* authenticator], ledger / null, pending / null]
//! history       = [from creation: bool, 1*8 revision]
//! throttle      = [failures, failed at, level, refilled at]
//! authenticator = [id, name, secret, parameters, added at, last used at / null, last step / null]
//! parameters    = [algorithm, digits, period]
//! pending       = [id, authenticator id, name, account name, issuer, secret, parameters,
//!                  replaces / null, begun at, wrong]
//! ```
//! A ledger encodes itself.

use super::{History, RecordError};
use crate::factor::{Authenticator, Parameters, Pending, SecondFactor, Throttle};
use crate::{
    Algorithm, AuthenticatorId, AuthenticatorName, Digits, EnrollmentId, Ledger, Period, Revision,
    Secret, TimeStep, Timestamp,
};
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use minicbor::data::Type;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// No policy allows more authenticators.
const MAX_AUTHENTICATORS: u64 = 32;
/// What an account name or issuer may hold; more does not fit a QR code.
const MAX_TEXT: usize = 1024;

/// Encodes behind the parts of a prefix, into a buffer that never grows, so that it leaves no copy of a secret behind: it
/// has room for so many bytes more.
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
    e.array(5)?;
    e.array(length(history.revisions().len()).saturating_add(1))?
        .bool(history.reaches_creation())?;
    for revision in history.revisions() {
        e.i64(revision.as_i64())?;
    }
    let throttle = &factor.throttle;
    e.array(4)?
        .u32(throttle.failures)?
        .u64(throttle.failed_at.as_unix())?;
    e.u32(throttle.level)?.u64(throttle.refilled_at.as_unix())?;
    e.array(length(factor.authenticators.len()))?;
    for authenticator in &factor.authenticators {
        write_authenticator(authenticator, e)?;
    }
    match &factor.ledger {
        Some(ledger) => ledger.encode_into(e)?,
        None => e.null()?.ok()?,
    }
    match &factor.pending {
        Some(pending) => write_pending(pending, e),
        None => e.null()?.ok(),
    }
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
    e.str(pending.name.as_str())?
        .str(&pending.account_name)?
        .str(&pending.issuer)?;
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
pub(super) fn decode(plain: &[u8]) -> Result<(SecondFactor, History), RecordError> {
    let mut d = Decoder::new(plain);
    let record = read_record(&mut d).map_err(|Malformed| RecordError::Malformed)?;
    if d.position() != plain.len() {
        return Err(RecordError::Malformed);
    }
    Ok(record)
}

/// What is read is not what [`encode_after`] writes. The errors of the encoding library end here.
struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

fn read_record(d: &mut Decoder<'_>) -> Result<(SecondFactor, History), Malformed> {
    array(d, 5)?;
    let history = read_history(d)?;
    let throttle = read_throttle(d)?;
    let count = d
        .array()?
        .filter(|count| *count <= MAX_AUTHENTICATORS)
        .ok_or(Malformed)?;
    let authenticators = (0..count)
        .map(|_| read_authenticator(d))
        .collect::<Result<_, _>>()?;
    let ledger = optional(d, |d| Ledger::decode_from(d).map_err(|_| Malformed))?;
    let pending = optional(d, read_pending)?;
    Ok((
        SecondFactor {
            authenticators,
            pending,
            ledger,
            throttle,
        },
        history,
    ))
}

fn read_history(d: &mut Decoder<'_>) -> Result<History, Malformed> {
    let count = d
        .array()?
        .and_then(|length| length.checked_sub(1))
        .filter(|count| *count <= length(History::LENGTH))
        .ok_or(Malformed)?;
    let from_creation = d.bool()?;
    let mut revisions = Vec::with_capacity(History::LENGTH);
    for _ in 0..count {
        revisions.push(Revision::from_i64(d.i64()?).map_err(|_| Malformed)?);
    }
    History::from_parts(revisions, from_creation).ok_or(Malformed)
}

fn read_throttle(d: &mut Decoder<'_>) -> Result<Throttle, Malformed> {
    array(d, 4)?;
    Ok(Throttle {
        failures: d.u32()?,
        failed_at: Timestamp::from_unix(d.u64()?),
        level: d.u32()?,
        refilled_at: Timestamp::from_unix(d.u64()?),
    })
}

fn read_authenticator(d: &mut Decoder<'_>) -> Result<Authenticator, Malformed> {
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

fn read_pending(d: &mut Decoder<'_>) -> Result<Pending, Malformed> {
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

fn read_parameters(d: &mut Decoder<'_>) -> Result<Parameters, Malformed> {
    array(d, 3)?;
    let algorithm = match d.u8()? {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Err(Malformed),
    };
    let digits = Digits::new(d.u8()?).map_err(|_| Malformed)?;
    let period = Period::from_secs(d.u64()?).map_err(|_| Malformed)?;
    Ok(Parameters {
        algorithm,
        digits,
        period,
    })
}

fn read_name(d: &mut Decoder<'_>) -> Result<AuthenticatorName, Malformed> {
    AuthenticatorName::from_record(d.str()?).map_err(|_| Malformed)
}

fn read_secret(d: &mut Decoder<'_>) -> Result<Secret, Malformed> {
    Secret::from_bytes_with_minimum(d.bytes()?, 0).map_err(|_| Malformed)
}

fn read_text(d: &mut Decoder<'_>) -> Result<String, Malformed> {
    let text = d.str()?;
    if text.len() > MAX_TEXT {
        return Err(Malformed);
    }
    Ok(text.into())
}

fn array(d: &mut Decoder<'_>, length: u64) -> Result<(), Malformed> {
    if d.array()? == Some(length) {
        Ok(())
    } else {
        Err(Malformed)
    }
}

fn bytes<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], Malformed> {
    d.bytes()?.try_into().map_err(|_| Malformed)
}

fn optional<'b, T>(
    d: &mut Decoder<'b>,
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    read(d).map(Some)
}
