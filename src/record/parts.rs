//! The parts of a record in CBOR. The writer and the reader of each part are next to each other.

use super::{History, RecordError};
use crate::backup::{BackupCodeSet, CodeDigest, ImportedCodeSet};
use crate::factor::{Authenticator, MovingFactor, Parameters, Pending, RateLimit};
use crate::otp::{Algorithm, Digits, Period, Secret, TimeStep};
use crate::store::Revision;
use crate::{AuthenticatorId, AuthenticatorName, EnrollmentId, Timestamp};
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};

/// The most bytes of an account name or an issuer.
pub(crate) const MAX_TEXT: usize = 1024;

/// The result of a writer.
pub(super) type Written<W> = Result<(), encode::Error<<W as Write>::Error>>;

/// The reason why a record cannot be read. Replaces the errors of the CBOR library.
pub(super) struct Unreadable(pub(super) RecordError);

/// The input is not an encoding that the writers make.
pub(super) const MALFORMED: Unreadable = Unreadable(RecordError::Malformed);

impl From<minicbor::decode::Error> for Unreadable {
    fn from(_: minicbor::decode::Error) -> Self {
        MALFORMED
    }
}

pub(super) fn write_history<W: Write>(history: &History, e: &mut Encoder<W>) -> Written<W> {
    e.array(length(history.revisions().len()).saturating_add(1))?
        .bool(history.reaches_creation())?;
    for revision in history.revisions() {
        e.i64(revision.as_i64())?;
    }
    Ok(())
}

pub(super) fn read_history(d: &mut Decoder<'_>) -> Result<History, Unreadable> {
    let count = d
        .array()?
        .and_then(|length| length.checked_sub(1))
        .and_then(|count| usize::try_from(count).ok())
        .ok_or(MALFORMED)?;
    let from_creation = d.bool()?;
    let revision = || Revision::from_i64(d.i64()?).map_err(|_| MALFORMED);
    History::read(count, from_creation, revision)?.ok_or(MALFORMED)
}

pub(super) fn write_rate_limit<W: Write>(limit: &RateLimit, e: &mut Encoder<W>) -> Written<W> {
    e.array(4)?
        .u32(limit.failures)?
        .u64(limit.failed_at.as_unix())?
        .u32(limit.guesses_left)?
        .u64(limit.refilled_at.as_unix())?
        .ok()
}

pub(super) fn read_rate_limit(d: &mut Decoder<'_>) -> Result<RateLimit, Unreadable> {
    array(d, 4)?;
    Ok(RateLimit {
        failures: d.u32()?,
        failed_at: time(d)?,
        guesses_left: d.u32()?,
        refilled_at: time(d)?,
    })
}

pub(super) fn write_authenticator<W: Write>(
    authenticator: &Authenticator,
    e: &mut Encoder<W>,
) -> Written<W> {
    e.array(7)?
        .bytes(authenticator.id.as_bytes())?
        .str(authenticator.name.as_str())?
        .bytes(authenticator.secret.expose())?;
    let (period, last_step) = time_parts(authenticator.moving);
    write_parameters(authenticator.parameters, period, e)?;
    e.u64(authenticator.added_at.as_unix())?;
    write_optional(authenticator.last_used_at.map(Timestamp::as_unix), e)?;
    write_optional(last_step.map(TimeStep::get), e)
}

pub(super) fn read_authenticator(d: &mut Decoder<'_>) -> Result<Authenticator, Unreadable> {
    array(d, 7)?;
    let id = AuthenticatorId::from_bytes(bytes(d)?);
    let (name, secret) = (read_name(d)?, read_secret(d)?);
    let (parameters, period) = read_parameters(d)?;
    Ok(Authenticator {
        id,
        name,
        secret,
        parameters,
        added_at: time(d)?,
        last_used_at: optional(d, time)?,
        moving: MovingFactor::Time {
            period,
            t0: Timestamp::UNIX_EPOCH,
            last_step: optional(d, |d| Ok(TimeStep::new(d.u64()?)))?,
        },
        imported: false,
    })
}

/// The parts of a moving factor that every record has a place for. A counter leaves these places at
/// their defaults, and needs an additional field.
pub(super) const fn time_parts(moving: MovingFactor) -> (Period, Option<TimeStep>) {
    match moving {
        MovingFactor::Time {
            period, last_step, ..
        } => (period, last_step),
        MovingFactor::Counter { .. } => (Period::THIRTY_SECONDS, None),
    }
}

pub(super) fn write_pending<W: Write>(pending: &Pending, e: &mut Encoder<W>) -> Written<W> {
    e.array(10)?
        .bytes(pending.id.as_bytes())?
        .bytes(pending.authenticator_id.as_bytes())?
        .str(pending.name.as_str())?;
    write_text(&pending.account_name, e)?;
    write_text(&pending.issuer, e)?;
    e.bytes(pending.secret.expose())?;
    write_parameters(pending.parameters, new_period(pending.moving)?, e)?;
    match pending.replaces {
        Some(id) => e.bytes(id.as_bytes())?,
        None => e.null()?,
    };
    e.u64(pending.begun_at.as_unix())?.u8(pending.wrong)?.ok()
}

/// The period of a new authenticator, which has no T0 and no accepted step.
fn new_period<E>(moving: MovingFactor) -> Result<Period, encode::Error<E>> {
    match moving {
        MovingFactor::Time {
            period,
            t0: Timestamp::UNIX_EPOCH,
            last_step: None,
        } => Ok(period),
        MovingFactor::Counter { .. } => Ok(time_parts(moving).0),
        MovingFactor::Time { .. } => Err(encode::Error::message("not a new authenticator")),
    }
}

pub(super) fn read_pending(d: &mut Decoder<'_>) -> Result<Pending, Unreadable> {
    array(d, 10)?;
    let id = EnrollmentId::from_bytes(bytes(d)?);
    let authenticator_id = AuthenticatorId::from_bytes(bytes(d)?);
    let name = read_name(d)?;
    let (account_name, issuer) = (read_text(d)?, read_text(d)?);
    let secret = read_secret(d)?;
    let (parameters, period) = read_parameters(d)?;
    Ok(Pending {
        id,
        authenticator_id,
        name,
        account_name,
        issuer,
        secret,
        parameters,
        moving: MovingFactor::Time {
            period,
            t0: Timestamp::UNIX_EPOCH,
            last_step: None,
        },
        replaces: optional(d, |d| Ok(AuthenticatorId::from_bytes(bytes(d)?)))?,
        begun_at: time(d)?,
        wrong: d.u8()?,
    })
}

fn write_parameters<W: Write>(
    parameters: Parameters,
    period: Period,
    e: &mut Encoder<W>,
) -> Written<W> {
    let algorithm = match parameters.algorithm {
        Algorithm::Sha1 => 1,
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
    };
    e.array(3)?
        .u8(algorithm)?
        .u8(parameters.digits.get())?
        .u64(period.as_secs())?
        .ok()
}

fn read_parameters(d: &mut Decoder<'_>) -> Result<(Parameters, Period), Unreadable> {
    array(d, 3)?;
    let algorithm = match d.u8()? {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Err(MALFORMED),
    };
    let digits = Digits::new(d.u8()?).map_err(|_| MALFORMED)?;
    let period = Period::from_secs(d.u64()?).map_err(|_| MALFORMED)?;
    Ok((Parameters { algorithm, digits }, period))
}

/// Reads a set with password hashes.
pub(super) fn read_code_set(d: &mut Decoder<'_>) -> Result<BackupCodeSet, Unreadable> {
    read_issued_set(d).and_then(|set| match set.digest() {
        CodeDigest::Argon2id(_) => Ok(set),
        CodeDigest::HmacSha256 => Err(MALFORMED),
    })
}

/// Reads a set with fast digests.
pub(super) fn read_keyed_set(d: &mut Decoder<'_>) -> Result<BackupCodeSet, Unreadable> {
    read_issued_set(d).and_then(|set| match set.digest() {
        CodeDigest::HmacSha256 => Ok(set),
        CodeDigest::Argon2id(_) => Err(MALFORMED),
    })
}

fn read_issued_set(d: &mut Decoder<'_>) -> Result<BackupCodeSet, Unreadable> {
    BackupCodeSet::decode_from(d).map_err(|_| MALFORMED)
}

pub(super) fn read_imported_set(d: &mut Decoder<'_>) -> Result<ImportedCodeSet, Unreadable> {
    ImportedCodeSet::decode_from(d).map_err(|_| MALFORMED)
}

pub(super) fn write_times<W: Write>(
    times: &[Timestamp],
    most: usize,
    e: &mut Encoder<W>,
) -> Written<W> {
    e.array(at_most(length(times.len()), length(most))?)?;
    for time in times {
        e.u64(time.as_unix())?;
    }
    Ok(())
}

pub(super) fn read_times(d: &mut Decoder<'_>, most: usize) -> Result<Vec<Timestamp>, Unreadable> {
    let count = d
        .array()?
        .filter(|count| (1..=length(most)).contains(count))
        .ok_or(MALFORMED)?;
    (0..count).map(|_| time(d)).collect()
}

pub(super) fn read_name(d: &mut Decoder<'_>) -> Result<AuthenticatorName, Unreadable> {
    AuthenticatorName::from_record(d.str()?).map_err(|_| MALFORMED)
}

fn read_secret(d: &mut Decoder<'_>) -> Result<Secret, Unreadable> {
    Secret::from_bytes_with_minimum(d.bytes()?, 0).map_err(|_| MALFORMED)
}

fn write_text<W: Write>(text: &str, e: &mut Encoder<W>) -> Written<W> {
    at_most::<W::Error>(length(text.len()), length(MAX_TEXT))?;
    e.str(text)?.ok()
}

fn read_text(d: &mut Decoder<'_>) -> Result<String, Unreadable> {
    let text = d.str()?;
    if text.len() > MAX_TEXT {
        return Err(MALFORMED);
    }
    Ok(text.into())
}

pub(super) fn write_optional<W: Write>(number: Option<u64>, e: &mut Encoder<W>) -> Written<W> {
    match number {
        Some(number) => e.u64(number)?.ok(),
        None => e.null()?.ok(),
    }
}

pub(super) fn optional<'b, T>(
    d: &mut Decoder<'b>,
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    read(d).map(Some)
}

pub(super) fn time(d: &mut Decoder<'_>) -> Result<Timestamp, Unreadable> {
    Ok(Timestamp::from_unix(d.u64()?))
}

pub(super) fn array(d: &mut Decoder<'_>, length: u64) -> Result<(), Unreadable> {
    if d.array()? == Some(length) {
        Ok(())
    } else {
        Err(MALFORMED)
    }
}

pub(super) fn bytes<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], Unreadable> {
    d.bytes()?.try_into().map_err(|_| MALFORMED)
}

pub(super) fn at_most<E>(length: u64, limit: u64) -> Result<u64, encode::Error<E>> {
    if length > limit {
        return Err(encode::Error::message("more than a record may hold"));
    }
    Ok(length)
}

pub(super) fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::Policy;
    use crate::backup::{
        Argon2Params, BackupCodeSet, BackupCodes, CodeShape, Digester, ImportedCodes,
    };
    use crate::factor::{CodeSet, SecondFactor};
    use crate::record::encoding::tests::encode;
    use crate::record::encoding::{Form, decode};

    const AT: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn encoded(code_set: Option<CodeSet>) -> Vec<u8> {
        let mut factor = SecondFactor::new(AT, &Policy::default());
        factor.code_set = code_set;
        let history = History::new().followed_by(Revision::from_i64(1).unwrap());
        encode(&factor, &history).unwrap()
    }

    fn imported() -> CodeSet {
        let shape = CodeShape::new("0123456789", 8).unwrap();
        let codes = [("12345678", Some(AT)), ("23456789", None)];
        let codes = ImportedCodes::plain(shape, codes).unwrap();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let hashes = codes.hash_job([6; 16], params).unwrap().run().unwrap();
        let set = ImportedCodeSet::new(&codes, [6; 16], params, Some(&hashes), AT);
        CodeSet::Imported(set.unwrap())
    }

    #[test]
    fn an_imported_set_has_its_own_field() {
        let (without, with) = (encoded(None), encoded(Some(imported())));
        let parts = without.len();
        assert_eq!((without[0], with[0]), (0x85, 0x86));
        assert_eq!(with[1..parts], without[1..], "no code set in the parts");
        assert_eq!(with[parts..][..2], [0xA1, 6]);
        let (read, _) = decode(&with, Form::WithFields).unwrap();
        assert_eq!(read.codes_left(), 1);
        assert_eq!(encoded(read.code_set), with);
        for length in parts..with.len() {
            let cut = decode(&with[..length], Form::WithFields);
            assert_eq!(cut.map(drop), Err(RecordError::Malformed), "{length}");
        }
    }

    #[test]
    fn two_sets_of_backup_codes_are_refused() {
        let codes = BackupCodes::generate(Policy::default().code_format()).unwrap();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let digester = Digester::argon2id([4; 16], params);
        let hashes = BackupCodeSet::issue_job(&codes, &digester, None).run();
        let (format, hashes) = (codes.format(), hashes.unwrap());
        let set = BackupCodeSet::from_hashes(format, digester, AT, None, hashes);
        let issued = encoded(Some(CodeSet::Issued(set)));
        let field = &encoded(Some(imported()))[encoded(None).len()..];
        let both = [&[0x86], &issued[1..], field].concat();
        let refused = decode(&both, Form::WithFields).map(drop);
        assert_eq!(refused, Err(RecordError::Malformed));
    }
}
