//! The content of a record in CBOR (RFC 8949), with arrays and maps of definite length.
//!
//! There are two forms. A record without additional fields has the first form, which every version
//! of this crate reads. Later versions add fields to the second form. A field that this version
//! does not know is an error.
//!
//! ```text
//! record        = [history, rate limit, [* authenticator], code set / null, pending / null,
//!                  ? {+ field number => field}]
//! history       = [from creation: bool, 1*8 revision]
//! rate limit    = [failures, failed at, guesses left, refilled at]
//! authenticator = [id, name, secret, parameters, added at, last used at / null, last step / null]
//! parameters    = [algorithm, digits, period]
//! pending       = [id, authenticator id, name, account name, issuer, secret, parameters,
//!                  replaces / null, begun at, wrong]
//! field 1       = [id, granted at]          the right to store a set of backup codes
//! field 2       = [1*3 time]                when such rights were granted
//! field 3       = [1*10 time]               when enrollments began, unless only pending.begun at
//! field 4       = fingerprint: 16 bytes     the import that made the record
//! field 5       = {+ index => extension}    of some authenticators, in ascending order
//! extension     = [imported: bool, T0, next counter / null]
//! field 6       = imported set              the backup codes; the code set above is null
//! field 7       = counter                   the first one, if pending is counter-based
//! field 8       = [tag, time, result, n]    the last attempt, if it had a request id
//! field 9       = [1*20 device]             the devices that the user signed in with before
//! device        = [id, seed, label, kind, issued at, number, advanced at, last used at / null,
//!                  failures]
//! field 10      = [id / null, ? (id, issued at, hashes)]  of the code set, and of a pending one
//! field 11      = [1*20 ended]              authenticators that are no longer active
//! ended         = [id, name, added at, ended at, reason]
//! field 12      = code set                  the backup codes, if their digest has a key; the code
//!                                           set above is null
//! ```
//! A code set is a `BackupCodeSet`, and an imported set is an `ImportedCodeSet`. Both encode
//! themselves. An authenticator has an extension only if it is imported, counter-based or has a T0.
//! The parameters of a counter-based one have the period 30, and there is no last step.
//!
//! Field 10 has the id of a code set that was pending; the salt is the id of any other. A pending
//! set has the salt, the digest and the format of the code set, and no used code.
//!
//! The result of a request is 0 (wrong, n = 0), 1 (reserved, n joins), 2 (accepted by the
//! authenticator with index n), 3 (accepted by backup code number n) or 4 (reserved as a failure of
//! a device, n joins). The kind of a device is 1 (known) or 2 (trusted).
//!
//! The reason of an end is 1 (removed), 2 (replaced), 3 (disabled) or 4 (disabled by staff).

use super::parts::{self, MALFORMED, Unreadable, Written, at_most, length};
use super::{History, RecordError, fields};
use crate::backup::CodeDigest;
use crate::factor::{Beginnings, CodeSet, Devices, Issuing, SecondFactor};
use alloc::boxed::Box;
use alloc::vec::Vec;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// The most authenticators that a policy allows.
const MAX_AUTHENTICATORS: u64 = 32;

/// The two forms of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Five parts.
    First,
    /// Five parts and the additional fields, at least one.
    WithFields,
}

impl Form {
    /// The form in which a second factor is written.
    pub(super) fn of(factor: &SecondFactor) -> Self {
        match fields::field_count(factor) {
            0 => Self::First,
            _ => Self::WithFields,
        }
    }

    const fn parts(self) -> u64 {
        match self {
            Self::First => 5,
            Self::WithFields => 6,
        }
    }
}

/// Encodes a record after a prefix, and leaves room for more bytes.
///
/// Overwrites the buffer if the record fits, and replaces it by a larger one if not. No buffer
/// grows, so none leaves a copy of a secret behind.
///
/// # Errors
/// [`RecordError::Malformed`] for content that [`decode`] would refuse.
pub(super) fn encode_after(
    prefix: &[&[u8]],
    factor: &SecondFactor,
    history: &History,
    room: usize,
    buffer: &mut Zeroizing<Vec<u8>>,
) -> Result<(), RecordError> {
    /// Most records fit.
    const NEW_BUFFER: usize = 512;
    loop {
        match write_within(prefix, factor, history, room, buffer) {
            Err(error) if error.is_write() => {
                let larger = buffer.capacity().saturating_mul(2).max(NEW_BUFFER);
                *buffer = Zeroizing::new(Vec::with_capacity(larger));
            }
            written => return written.map_err(|_| RecordError::Malformed),
        }
    }
}

fn write_within(
    prefix: &[&[u8]],
    factor: &SecondFactor,
    history: &History,
    room: usize,
    buffer: &mut Vec<u8>,
) -> Result<(), encode::Error<Full>> {
    buffer.clear();
    let mut within = Within {
        end: buffer.capacity().saturating_sub(room),
        buffer,
    };
    for part in prefix {
        within.write_all(part).map_err(encode::Error::write)?;
    }
    write_record(factor, history, &mut Encoder::new(within))
}

/// Decodes a record that [`encode_after`] wrote after its prefix.
///
/// # Errors
/// [`RecordError::Malformed`], or [`RecordError::UnknownField`].
pub(super) fn decode(plain: &[u8], form: Form) -> Result<(SecondFactor, History), RecordError> {
    let mut d = Decoder::new(plain);
    let record = read_record(&mut d, form).map_err(|Unreadable(error)| error)?;
    if d.position() != plain.len() {
        return Err(RecordError::Malformed);
    }
    Ok(record)
}

/// Writes to a buffer up to an end, which is at most the capacity.
struct Within<'a> {
    buffer: &'a mut Vec<u8>,
    end: usize,
}

/// The buffer is full.
struct Full;

impl Write for Within<'_> {
    type Error = Full;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes.len() > self.end.saturating_sub(self.buffer.len()) {
            return Err(Full);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

fn write_record<W: Write>(
    factor: &SecondFactor,
    history: &History,
    e: &mut Encoder<W>,
) -> Written<W> {
    let form = Form::of(factor);
    e.array(form.parts())?;
    parts::write_history(history, e)?;
    parts::write_rate_limit(&factor.rate_limit, e)?;
    let authenticators = length(factor.authenticators.len());
    e.array(at_most(authenticators, MAX_AUTHENTICATORS)?)?;
    for authenticator in &factor.authenticators {
        parts::write_authenticator(authenticator, e)?;
    }
    match &factor.code_set {
        Some(CodeSet::Issued(set) | CodeSet::Successor { set, .. })
            if set.digest() != CodeDigest::HmacSha256 =>
        {
            set.encode_into(e)?;
        }
        // Other sets have a field.
        Some(_) | None => e.null()?.ok()?,
    }
    match &factor.pending {
        Some(pending) => parts::write_pending(pending, e)?,
        None => e.null()?.ok()?,
    }
    if form == Form::WithFields {
        fields::write_fields(factor, e)?;
    }
    Ok(())
}

fn read_record(d: &mut Decoder<'_>, form: Form) -> Result<(SecondFactor, History), Unreadable> {
    parts::array(d, form.parts())?;
    let history = parts::read_history(d)?;
    let rate_limit = parts::read_rate_limit(d)?;
    let count = d
        .array()?
        .filter(|count| *count <= MAX_AUTHENTICATORS)
        .ok_or(MALFORMED)?;
    let mut authenticators = Vec::new();
    authenticators.reserve_exact(usize::try_from(count).unwrap_or_default());
    for _ in 0..count {
        authenticators.push(parts::read_authenticator(d)?);
    }
    let code_set = parts::optional(d, parts::read_code_set)?.map(CodeSet::Issued);
    let pending = parts::optional(d, parts::read_pending)?.map(Box::new);
    let mut factor = SecondFactor {
        authenticators,
        pending,
        code_set,
        pending_codes: None,
        rate_limit,
        beginnings: Beginnings::new(),
        issuing: Issuing::new(),
        import: None,
        last_request: None,
        devices: Devices::new(),
        ended: None,
    };
    if form == Form::WithFields {
        fields::read_fields(d, &mut factor)?;
    }
    if let ([], Some(pending)) = (factor.beginnings.times(), &factor.pending) {
        factor.beginnings = Beginnings::from_times(Vec::from([pending.begun_at]));
    }
    Ok((factor, history))
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
pub(super) mod tests {
    use super::*;
    use crate::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat, Digester};
    use crate::factor::{
        Authenticator, EndReason, Ended, EndedAuthenticator, ImportFingerprint, IssueRight, Issues,
        LastRequest, MovingFactor, Parameters, Pending, RateLimit, RequestResult, RequestTag,
    };
    use crate::otp::{Period, Secret, TimeStep};
    use crate::record::devices::example;
    use crate::store::Revision;
    use crate::{AuthenticatorId, AuthenticatorName, EnrollmentId, Policy, Timestamp};
    use alloc::vec;
    use core::mem;

    pub(in crate::record) const AT: Timestamp = Timestamp::from_unix(1_800_000_000);

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
            moving: time(Some(60_000_000)),
            imported: false,
        }
    }

    fn time(last_step: Option<u64>) -> MovingFactor {
        MovingFactor::Time {
            period: Period::THIRTY_SECONDS,
            t0: Timestamp::UNIX_EPOCH,
            last_step: last_step.map(TimeStep::new),
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
            moving: time(None),
            replaces: None,
            begun_at: AT,
            wrong: 0,
        }
    }

    fn ended() -> EndedAuthenticator {
        let (id, name) = (
            AuthenticatorId::from_bytes([9; 8]),
            AuthenticatorName::default(),
        );
        EndedAuthenticator::new(id, name, AT, AT, EndReason::Replaced)
    }

    /// A second factor with something in every field.
    pub(in crate::record) fn full() -> SecondFactor {
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let digester = Digester::argon2id([4; 16], params);
        let hashes = BackupCodeSet::issue_job(&codes, &digester, None).run();
        let set = BackupCodeSet::from_hashes(codes.format(), digester, AT, None, hashes.unwrap());
        SecondFactor {
            authenticators: vec![authenticator()],
            pending: Some(Box::new(pending())),
            code_set: Some(CodeSet::Issued(set)),
            pending_codes: None,
            rate_limit: RateLimit::new(AT, &Policy::default()),
            beginnings: Beginnings::from_times(vec![AT; 10]),
            issuing: Issuing {
                issues: Issues::from_times(vec![AT; 3]),
                right: Some(IssueRight {
                    id: [5; 8],
                    granted_at: AT,
                }),
            },
            import: Some(ImportFingerprint([6; 16])),
            last_request: Some(Box::new(LastRequest {
                tag: RequestTag([7; 16]),
                at: AT,
                result: RequestResult::Authenticator { index: 0 },
            })),
            devices: Devices::from(vec![example()]),
            ended: Some(Box::new(Ended::from_kept(vec![ended(); 20]))),
        }
    }

    fn history(length: usize) -> History {
        (1..).take(length).fold(History::new(), |history, n| {
            history.followed_by(Revision::from_i64(n).unwrap())
        })
    }

    /// Encodes a record into a buffer of its own.
    pub(in crate::record) fn encode(
        factor: &SecondFactor,
        history: &History,
    ) -> Result<Vec<u8>, RecordError> {
        let mut buffer = Zeroizing::default();
        encode_after(&[], factor, history, 0, &mut buffer)?;
        Ok(mem::take(&mut *buffer))
    }

    /// Whether an encoding decodes to the same content, or `None` if the encoder refuses.
    pub(in crate::record) fn survives(factor: &SecondFactor) -> Option<bool> {
        let plain = encode(factor, &history(3)).ok()?;
        let decoded = decode(&plain, Form::of(factor));
        Some(decoded.is_ok_and(|(decoded, _)| {
            let again = encode(&decoded, &history(3));
            again.is_ok_and(|again| again == plain)
        }))
    }

    type Set = fn(&mut SecondFactor, usize);

    #[test]
    fn every_field_survives_at_its_limit_only() {
        let fields: [(&str, usize, Set); 7] = [
            ("authenticators", 32, |factor, count| {
                factor.authenticators = vec![authenticator(); count];
                factor.last_request = None;
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
            ("devices", 20, |factor, count| {
                factor.devices = Devices::from(vec![example(); count]);
            }),
            ("beginnings", 10, |factor, count| {
                factor.beginnings = Beginnings::from_times(vec![AT; count]);
            }),
        ];
        for (name, limit, set) in fields {
            for size in 0..=limit {
                let mut factor = full();
                set(&mut factor, size);
                assert_eq!(survives(&factor), Some(true), "{name}: {size}");
            }
            for size in [limit + 1, limit + 2, 2 * limit, 100 * limit] {
                let mut factor = full();
                set(&mut factor, size);
                assert_eq!(survives(&factor), None, "{name}: {size}");
            }
        }
    }

    #[test]
    fn the_extreme_values_of_each_type_survive() {
        let ends = [0, 1, u64::MAX];
        for end in ends.map(Timestamp::from_unix) {
            let mut factor = full();
            let authenticator = factor.authenticators.first_mut().unwrap();
            authenticator.added_at = end;
            authenticator.last_used_at = Some(end);
            authenticator.moving = time(Some(end.as_unix()));
            factor.pending.as_mut().unwrap().begun_at = end;
            factor.rate_limit = RateLimit {
                failures: u32::MAX,
                failed_at: end,
                guesses_left: u32::MAX,
                refilled_at: end,
            };
            factor.beginnings = Beginnings::from_times(vec![end]);
            factor.issuing.issues = Issues::from_times(vec![end]);
            assert_eq!(survives(&factor), Some(true), "{end}");
        }
        for bytes in [1, 20, Secret::MAX_BYTES] {
            let mut factor = full();
            let secret = Secret::from_bytes_with_minimum(&vec![9; bytes], 0).unwrap();
            factor.authenticators.first_mut().unwrap().secret = secret.clone();
            factor.pending.as_mut().unwrap().secret = secret;
            assert_eq!(survives(&factor), Some(true), "{bytes} bytes");
        }
        for name in ["a", &"a".repeat(64), &"\u{20ac}".repeat(21)] {
            let mut factor = full();
            factor.pending.as_mut().unwrap().name = AuthenticatorName::new(name).unwrap();
            assert_eq!(survives(&factor), Some(true), "{name}");
        }
    }

    #[test]
    fn a_record_without_fields_has_the_first_form() {
        let mut factor = full();
        factor.issuing = Issuing::new();
        factor.import = None;
        factor.last_request = None;
        factor.devices.clear();
        factor.ended = None;
        factor.beginnings = Beginnings::from_times(vec![AT]);
        assert_eq!(Form::of(&factor), Form::First);
        let plain = encode(&factor, &history(1)).unwrap();
        let (read, _) = decode(&plain, Form::First).unwrap();
        assert_eq!(
            read.beginnings.times(),
            [AT],
            "the pending enrollment's time"
        );
        assert!(decode(&plain, Form::WithFields).is_err());
    }

    #[test]
    fn counters_survive() {
        for next in [0, 1, u64::MAX] {
            let mut factor = full();
            let counter = MovingFactor::Counter { next };
            factor.authenticators.first_mut().unwrap().moving = counter;
            factor.pending.as_mut().unwrap().moving = counter;
            assert_eq!(survives(&factor), Some(true), "{next}");
        }
        let mut factor = full();
        factor.pending.as_mut().unwrap().moving = time(Some(1));
        assert_eq!(
            survives(&factor),
            None,
            "a pending one has no accepted step"
        );
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_number() {
        let factor = SecondFactor::new(AT, &Policy::default());
        let first = encode(&factor, &history(1)).unwrap();
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
