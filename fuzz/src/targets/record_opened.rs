//! Any content, encrypted with the right key as only a holder of the keys can. The content is
//! refused, or every call on the account works at any time.

use super::record_sealed::refuses;
use super::service::{KNOWN, START, Service, staff};
use super::{Edit, edited, sealing};
use arbitrary::Arbitrary;
use countersign::backup::{BackupCodeSet, CodeDigest};
use countersign::otp::{Algorithm, Digits, Period, Totp};
use countersign::store::Revision;
use countersign::testing::block_on;
use countersign::{
    Denied, EnrollmentId, FirstFactor, Proof, Rejection, ServerClock, Timestamp, VerifierError,
};
use minicbor::Decoder;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    at: At,
    typed: Typed,
    /// The pending enrollment. Its id repeats this byte.
    enrollment: u8,
    plain: Plain<'a>,
}

#[derive(Debug, Arbitrary)]
enum At {
    Near(i32),
    Any(u64),
}

#[derive(Debug, Arbitrary)]
enum Typed {
    /// The passcode of this many time steps from now. The secret repeats this byte.
    Passcode {
        secret: u8,
        step: i8,
    },
    Digits {
        number: u32,
        long: bool,
    },
}

#[derive(Debug, Arbitrary)]
enum Plain<'a> {
    Bytes(&'a [u8]),
    /// The content of one of the known records after edits.
    Damaged(u8, Vec<(u16, Edit)>),
}

pub(super) fn run(input: &[u8]) {
    let Some(input) = super::read::<Input<'_>>(input) else {
        return;
    };
    let (plain, version) = match input.plain {
        // The version that belongs to an array of this length.
        Plain::Bytes(bytes) => (
            bytes.to_vec(),
            if bytes.first() == Some(&0x86) { 2 } else { 1 },
        ),
        Plain::Damaged(which, edits) => {
            let known = &KNOWN[usize::from(which) % KNOWN.len()];
            let nonce = sealing::nonce(&known.record);
            let version = sealing::version(&known.record);
            assert_eq!(sealing::seal(&known.plain, version, nonce), known.record);
            (edited(&known.plain, &edits), version)
        }
    };
    let record = sealing::seal(&plain, version, [0; 12]);
    let revision = current_revision(&plain).unwrap_or(KNOWN[0].revision);
    let service = Service::with_record(&record, revision);
    let at = match input.at {
        At::Near(seconds) => Timestamp::from_unix(START.saturating_add_signed(seconds.into())),
        At::Any(seconds) => Timestamp::from_unix(seconds),
    };
    service.set(at);
    match service.status() {
        Ok(_) => {
            let is_cheap = code_set(&plain).is_none_or(|code_set| match code_set.digest() {
                CodeDigest::Argon2id(params) => params.memory_kib() <= 64 && params.passes() <= 4,
                _ => true,
            });
            service.compute(is_cheap && !has_imported_codes(&plain));
            let id = format!("{:02x}", input.enrollment).repeat(16);
            let id = id.parse().expect("hexadecimal digits");
            call_everything(&service, &typed(&input.typed, at), id);
        }
        Err(VerifierError::Record(error)) => refuses(&service, error),
        Err(other) => panic!("{other:?}"),
    }
}

fn typed(typed: &Typed, at: Timestamp) -> String {
    match typed {
        Typed::Passcode { secret, step } => {
            let period = Period::THIRTY_SECONDS;
            let totp = Totp::new(&[*secret; 20], Algorithm::Sha1, Digits::SIX, period);
            let seconds = i64::from(*step) * period.as_secs().cast_signed();
            let at = Timestamp::from_unix(at.as_unix().saturating_add_signed(seconds));
            totp.generate(at).expose().to_owned()
        }
        Typed::Digits { number, long } => {
            let length = if *long { 8 } else { 6 };
            format!("{:08}", number % 100_000_000)[..length].to_owned()
        }
    }
}

/// Makes every call. A call may be rejected but must not fail, and every written record must
/// decrypt.
fn call_everything(service: &Service, typed: &str, id: EnrollmentId) {
    let (verifier, account) = (&service.verifier, &service.account);
    let accepted = service.verify(typed);
    let receipt = accepted.as_ref().ok().map(|receipt| service.seal(receipt));
    accepted_or_rejected(service, accepted);
    accepted_or_rejected(service, service.confirm(id, typed));
    match block_on(verifier.pending_enrollment(account, id)) {
        // The names of the pending enrollment may be invalid in a key URI.
        Err(Denied::Failed(VerifierError::KeyUri(_))) => {}
        other => accepted_or_rejected(service, other),
    }
    accepted_or_rejected(service, service.begin(None));
    accepted_or_rejected(service, service.begin(Some(Proof::Code(typed))));
    accepted_or_rejected(service, service.issue(Proof::Code(typed)));
    if let Some(receipt) = &receipt {
        let proof = || Proof::Reauthenticated {
            first_factor: FirstFactor::password(service.now()),
            receipt,
        };
        accepted_or_rejected(service, service.begin(Some(proof())));
        accepted_or_rejected(service, service.issue(proof()));
    }
    let disabled = block_on(verifier.disable(account, Proof::Code(typed)));
    accepted_or_rejected(service, disabled);

    // A clock fault writes nothing.
    let before = service.stored();
    let unlocked = block_on(verifier.unlock(account, ServerClock::Unconfirmed, &staff()));
    if let Err(denied) = &unlocked {
        assert_eq!(denied.rejection(), Some(Rejection::ClockFault));
        assert!(service.stored() == before, "a clock fault was written");
    }
    accepted_or_rejected(service, unlocked);

    // The content that was read has one encoding.
    let unlock = || block_on(verifier.unlock(account, ServerClock::Confirmed, &staff()));
    unlock().expect("a record");
    let once = sealing::open(&service.stored().record);
    unlock().expect("a record");
    let twice = sealing::open(&service.stored().record);
    assert_eq!(after_history(&once), after_history(&twice));
}

fn accepted_or_rejected<T>(service: &Service, outcome: Result<T, Denied>) {
    match outcome {
        Ok(_) | Err(Denied::Rejected(_) | Denied::Failed(VerifierError::HashExecutor(_))) => {}
        Err(failed) => panic!("{failed:?}"),
    }
    service.status().expect("a written record decrypts");
}

/// The last revision in the history.
fn current_revision(plain: &[u8]) -> Option<Revision> {
    let mut d = Decoder::new(plain);
    d.array().ok()?;
    let entries = d.array().ok()??;
    d.bool().ok()?;
    let revisions = (1..entries.min(9)).map(|_| d.i64());
    Revision::from_i64(revisions.last()?.ok()?).ok()
}

fn after_history(plain: &[u8]) -> &[u8] {
    let mut d = Decoder::new(plain);
    d.array().expect("an array");
    d.skip().expect("a history");
    &plain[d.position()..]
}

/// Whether the record has an imported set of backup codes, whose hashes may be expensive.
fn has_imported_codes(plain: &[u8]) -> bool {
    const IMPORTED_CODES: u32 = 6;
    let mut d = Decoder::new(plain);
    let mut numbers = || {
        d.array().ok().flatten().filter(|parts| *parts == 6)?;
        for _ in 0..5 {
            d.skip().ok()?;
        }
        for _ in 0..d.map().ok()?? {
            if d.u32().ok()? == IMPORTED_CODES {
                return Some(());
            }
            d.skip().ok()?;
        }
        None
    };
    numbers().is_some()
}

/// The backup-code set, after history, rate limit and authenticators.
fn code_set(plain: &[u8]) -> Option<BackupCodeSet> {
    let mut d = Decoder::new(plain);
    d.array().ok()?;
    for _ in 0..3 {
        d.skip().ok()?;
    }
    let begin = d.position();
    d.skip().ok()?;
    BackupCodeSet::decode(&plain[begin..d.position()]).ok()
}
