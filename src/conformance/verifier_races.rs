//! What a whole [`Verifier`] does on the store, when 30 requests come at once.
//! What calls leave behind that are broken off.

use super::run::{Run, write};
use super::{Failure, Harness};
use crate::backup::Argon2Params;
use crate::store::{Revision, Store, WriteResult};
use crate::testing::{ManualClock, Phone};
use crate::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Receipt, Rejection,
    SealingKey, Timestamp, Verifier,
};
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::format;
use std::string::{String, ToString};

const REQUESTS: usize = 30;

/// Thirty requests at once with one passcode: exactly one is accepted.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_passcode_is_spent_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_passcode_is_spent_once", harness);
    let service = Service::new(&run, harness)?;
    let passcode = service.phone.passcode(service.clock.now());
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&passcode)))?;
    service.expect_one_accepted(&outcomes)
}

/// Thirty requests at once with one backup code: exactly one is accepted.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_backup_code_is_spent_once<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_backup_code_is_spent_once", harness);
    let service = Service::new(&run, harness)?;
    let code = service.issue_backup_code()?;
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&code)))?;
    service.expect_one_accepted(&outcomes)
}

/// Thirty wrong passcodes at once: as many are looked at as the throttle allows one after the other, and the
/// rest have to wait.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn guesses_at_once_are_all_counted<H: Harness>(harness: &H) -> Result<(), Failure> {
    const FREE_FAILURES: usize = 5;
    let run = Run::new("guesses_at_once_are_all_counted", harness);
    let service = Service::new(&run, harness)?;
    let wrong = service.wrong_passcode();
    let outcomes = run.race(REQUESTS, |_| Ok(service.verify(&wrong)))?;
    let rejection =
        |outcome: &Result<_, Denied>| outcome.as_ref().err().and_then(Denied::rejection);
    let count = |counted: fn(Rejection) -> bool| {
        outcomes
            .iter()
            .filter(|outcome| rejection(outcome).is_some_and(counted))
            .count()
    };
    let looked_at = count(|rejection| rejection == Rejection::WrongCode);
    let held_off = count(|rejection| matches!(rejection, Rejection::Waiting { .. }));
    if (looked_at, held_off) == (FREE_FAILURES, REQUESTS.saturating_sub(FREE_FAILURES)) {
        return Ok(());
    }
    let seen = format!("{looked_at} looked at, {held_off} held off: {outcomes:?}");
    Err(run.failure("5 guesses looked at, 25 held off", seen))
}

/// A failure that one request was told of is known to the next one, on another handle, once the first handle
/// is gone.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_failure_outlives_its_request<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_failure_outlives_its_request", harness);
    let service = Service::new(&run, harness)?;
    let wrong = service.wrong_passcode();
    for _ in 0..5 {
        let outcome = service.verify(&wrong);
        if outcome.as_ref().err().and_then(Denied::rejection) != Some(Rejection::WrongCode) {
            return Err(run.failure("a wrong passcode that is counted", format!("{outcome:?}")));
        }
    }
    match service.verify(&wrong).map_err(|denied| denied.rejection()) {
        Err(Some(Rejection::Waiting { .. })) => Ok(()),
        seen => Err(run.failure("a wait after five failures", format!("{seen:?}"))),
    }
}

/// A service on the store with one account that has a second factor; every request opens the store anew.
struct Service<'r, H> {
    run: &'r Run<'r, H>,
    harness: &'r H,
    account: AccountId,
    key: SealingKey,
    clock: ManualClock,
    phone: Phone,
}

impl<'r, H: Harness> Service<'r, H> {
    fn new(run: &'r Run<'r, H>, harness: &'r H) -> Result<Self, Failure> {
        let uri = "otpauth://totp/nobody?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let mut service = Self {
            run,
            harness,
            account: run.account()?,
            key: SealingKey::generate().map_err(|error| run.failure("a key", error.to_string()))?,
            clock: ManualClock::at(Timestamp::from_unix(1_800_000_000)),
            phone: Phone::scan(uri).map_err(|error| run.failure("a phone", error.to_string()))?,
        };
        service.enroll()?;
        Ok(service)
    }

    fn enroll(&mut self) -> Result<(), Failure> {
        let verifier = self.verifier()?;
        let request = EnrollmentRequest::new("somebody");
        let proof = Proof::Password {
            checked_at: self.clock.now(),
        };
        let begun = verifier.begin_enrollment(&self.account, request, proof);
        let enrollment = self.done(self.harness.block_on(begun))?;
        let uri = enrollment.key_uri().to_secret_text();
        self.phone = Phone::scan(uri.expose())
            .map_err(|error| self.run.failure("a key URI", error.to_string()))?;
        let passcode = self.phone.passcode(self.clock.now());
        let confirmed = verifier.confirm_enrollment(&self.account, enrollment.id(), &passcode);
        let _receipt = self.done(self.harness.block_on(confirmed))?;
        self.clock.advance(Duration::from_secs(60));
        Ok(())
    }

    fn issue_backup_code(&self) -> Result<String, Failure> {
        let verifier = self.verifier()?;
        let passcode = self.phone.passcode(self.clock.now());
        let proof = Proof::Code(&passcode);
        let codes = verifier.issue_backup_codes(&self.account, proof);
        let codes = self.done(self.harness.block_on(codes))?;
        let first = codes.iter().next().map(String::from);
        first.ok_or_else(|| self.run.failure("a backup code", "none"))
    }

    fn wrong_passcode(&self) -> String {
        let now = self.clock.now().as_unix();
        let window =
            [now.saturating_sub(30), now, now.saturating_add(30)].map(Timestamp::from_unix);
        let right = |passcode: &String| {
            window
                .iter()
                .any(|at| self.phone.passcode(*at) == *passcode)
        };
        let mut candidates = (0..).map(|number: u32| format!("{number:06}"));
        candidates
            .find(|passcode| !right(passcode))
            .unwrap_or_default()
    }

    fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        let Ok(verifier) = self.verifier() else {
            return Err(Rejection::Absent.into());
        };
        self.harness.block_on(verifier.verify(&self.account, code))
    }

    fn verifier(&self) -> Result<Verifier<H::Store>, Failure> {
        let digest = Argon2Params::new(8, 1, 1)
            .map_err(|error| self.run.failure("a digest", error.to_string()))?;
        let policy = Policy::builder().code_hash(digest).build();
        let policy = policy.map_err(|error| self.run.failure("a policy", error.to_string()))?;
        let keyring = Keyring::new(KeyId::new(1), self.key.clone());
        Verifier::builder(self.run.open(), keyring, "Conformance")
            .policy(policy)
            .clock(self.clock.clone())
            .build()
            .map_err(|error| self.run.failure("a verifier", error.to_string()))
    }

    fn done<T>(&self, outcome: Result<T, Denied>) -> Result<T, Failure> {
        outcome.map_err(|denied| {
            self.run
                .failure("a change that is made", format!("{denied:?}"))
        })
    }

    fn expect_one_accepted(&self, outcomes: &[Result<Receipt, Denied>]) -> Result<(), Failure> {
        match outcomes.iter().filter(|outcome| outcome.is_ok()).count() {
            1 => Ok(()),
            accepted => Err(self.run.failure(
                format!("1 of {} requests accepted", outcomes.len()),
                format!("{accepted} accepted: {outcomes:?}"),
            )),
        }
    }
}

/// A call whose future is dropped, at any of its awaits, leaves the store usable, and its write whole: it lands or it does
/// not.
///
/// # Errors
/// [`Failure`] if the store does otherwise.
pub fn a_dropped_call_leaves_the_store_usable<H: Harness>(harness: &H) -> Result<(), Failure> {
    let run = Run::new("a_dropped_call_leaves_the_store_usable", harness);
    let (store, account) = (run.open(), run.account()?);
    let mut revision = run.write(&store, &account, None, &record_of(0))?;
    for polls in 0..MOST_POLLS {
        let mut finished = true;
        for _ in 0..DROPPED {
            finished &= drop_after(&run, polls, store.load(&account));
            let new = run.revision()?;
            let record = record_of(polls);
            let swap = write(Some(revision), new, &record);
            finished &= drop_after(&run, polls, store.compare_and_swap(&account, swap));
            revision = settled(&run, &store, &account)?;
        }
        if finished {
            break;
        }
    }
    let (record, there) = (record_of(MOST_POLLS), run.open());
    let when = "after the calls that were dropped";
    let last = run.write(&store, &account, Some(revision), &record)?;
    run.holds(&there, &account, &record, last, when)
}

/// Polls a future so many times, drops it, and tells whether it had come to its end.
fn drop_after<H: Harness>(run: &Run<'_, H>, polls: usize, call: impl Future) -> bool {
    run.block_on(async {
        let mut call = pin!(call);
        let mut left = polls;
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left = left.saturating_sub(1);
            match call.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    })
}

/// Writes until that is done: what was dropped can land in between, once for each call.
fn settled<H: Harness>(
    run: &Run<'_, H>,
    store: &H::Store,
    account: &AccountId,
) -> Result<Revision, Failure> {
    for _ in 0..=DROPPED {
        let Some(stored) = run.load(store, account)? else {
            return Err(run.failure("the record after a dropped call", "no record"));
        };
        let whole = stored.record.len() == RECORD
            && stored
                .record
                .first()
                .is_some_and(|first| stored.record.iter().all(|byte| byte == first));
        if !whole {
            return Err(run.failure("a record that was written whole", format!("{stored:?}")));
        }
        let new = run.revision()?;
        let swap = write(Some(stored.revision), new, &stored.record);
        if run.swap(store, account, swap)? == WriteResult::Done {
            return Ok(new);
        }
    }
    Err(run.failure(
        "a swap that is done",
        format!("Stale, more often than {DROPPED} dropped calls can bring about"),
    ))
}

/// Long enough to be written in more than one piece, and of one byte.
fn record_of(polls: usize) -> [u8; RECORD] {
    [u8::try_from(polls).unwrap_or(u8::MAX); RECORD]
}

const RECORD: usize = 16_384;
/// More than a usual pool has connections.
const DROPPED: usize = 24;
/// Enough for the calls of any client. A call that takes more is dropped at the first ones only.
const MOST_POLLS: usize = 40;
