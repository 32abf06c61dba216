//! One year of an honest owner, against the real verifier.

use std::ops::AddAssign;

use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Rejection, SealingKey,
    Timestamp, Verifier,
};

use crate::Failure;
use crate::repeatable_random::RepeatableRandom;

/// How an owner signs in.
pub(crate) struct Habits {
    /// The wrong ones of 100 typed passcodes.
    pub(crate) wrong_percent: u32,
}

/// What owners noticed.
#[derive(Default)]
pub(crate) struct Noticed {
    pub(crate) sign_ins: u64,
    /// The typed passcodes that were wrong.
    pub(crate) wrong: u64,
    /// The times that an owner had to wait after consecutive failures.
    pub(crate) waits: u64,
    /// The sign-ins at which the budget was spent.
    pub(crate) spent: u64,
    /// The years with at least one such sign-in.
    pub(crate) years_spent: u64,
}

impl AddAssign for Noticed {
    fn add_assign(&mut self, other: Self) {
        self.sign_ins += other.sign_ins;
        self.wrong += other.wrong;
        self.waits += other.waits;
        self.spent += other.spent;
        self.years_spent += other.years_spent;
    }
}

pub(crate) fn year(
    policy: &Policy,
    habits: &Habits,
    seed: u64,
    number: u64,
) -> Result<Noticed, Failure> {
    let mut owner = Owner::enroll(policy, seed, number)?;
    let mut at = 0;
    while at < YEAR {
        at += owner.seconds_to_next();
        at = owner.sign_in(at, habits)?;
    }
    owner.noticed.years_spent = u64::from(owner.noticed.spent > 0);
    Ok(owner.noticed)
}

struct Owner {
    verifier: Verifier<MemoryStore>,
    clock: ManualClock,
    account: AccountId,
    phone: Phone,
    random: RepeatableRandom,
    noticed: Noticed,
}

impl Owner {
    fn enroll(policy: &Policy, seed: u64, number: u64) -> Result<Self, Failure> {
        let clock = ManualClock::at(START);
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let random = RepeatableRandom::new(seed, 2 * number);
        let verifier =
            Verifier::builder_with_random(MemoryStore::new(), keyring, "Example", random)
                .policy(policy.clone())
                .clock(clock.clone())
                .build()?;
        let account = AccountId::from(number);
        let proof = Proof::Password { checked_at: START };
        let request = EnrollmentRequest::new("owner@example.com");
        let enrollment = block_on(verifier.begin_enrollment(&account, request, proof))?;
        let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
        let passcode = phone.passcode(START);
        let _receipt = block_on(verifier.confirm_enrollment(&account, enrollment.id(), &passcode))?;
        Ok(Self {
            verifier,
            clock,
            account,
            phone,
            random: RepeatableRandom::new(seed, 2 * number + 1),
            noticed: Noticed::default(),
        })
    }

    /// 1.5 sign-ins per day on average, at random times.
    fn seconds_to_next(&self) -> u64 {
        const MEAN: u64 = 86_400 * 2 / 3;
        // Half a minute apart, so that each sign-in has a passcode of its own.
        PERIOD + self.random.next() % (2 * (MEAN - PERIOD))
    }

    /// The owner types passcodes until one is accepted. Returns when that was done.
    fn sign_in(&mut self, mut at: u64, habits: &Habits) -> Result<u64, Failure> {
        self.noticed.sign_ins += 1;
        loop {
            self.clock.set(START.saturating_add(at));
            let is_wrong = self.random.next() % 100 < u64::from(habits.wrong_percent);
            let right = self.phone.passcode(self.clock.now());
            let typed = if is_wrong { self.wrong() } else { right };
            match block_on(self.verifier.verify(&self.account, &typed)) {
                Ok(_) => return Ok(at),
                Err(Denied::Rejected(Rejection::WrongCode)) => {
                    self.noticed.wrong += 1;
                    at += 10;
                }
                // The next time step has another passcode.
                Err(Denied::Rejected(Rejection::Replayed)) => at += PERIOD,
                Err(Denied::Rejected(Rejection::Waiting { retry_after })) => {
                    self.noticed.waits += 1;
                    at += retry_after.as_secs();
                }
                Err(Denied::Rejected(Rejection::BudgetSpent { .. })) => {
                    self.noticed.spent += 1;
                    return self.sign_in_with_row(at + 3 * PERIOD);
                }
                Err(denied) => return Err(denied.into()),
            }
        }
    }

    /// The owner types the three passcodes that the app showed last.
    fn sign_in_with_row(&self, at: u64) -> Result<u64, Failure> {
        self.clock.set(START.saturating_add(at));
        let now = self.clock.now().as_unix();
        let row = [2, 1, 0].map(|step| {
            let shown_at = Timestamp::from_unix(now - step * PERIOD);
            self.phone.passcode(shown_at)
        });
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        let _receipt = block_on(self.verifier.verify_consecutive(&self.account, &row))?;
        Ok(at)
    }

    /// A code that is no passcode near now.
    fn wrong(&self) -> String {
        let now = self.clock.now().as_unix();
        let near = [now - PERIOD, now, now + PERIOD];
        let near = near.map(|at| self.phone.passcode(Timestamp::from_unix(at)));
        let codes = (0..4_u32).map(|number| format!("{number:06}"));
        let mut wrong = codes.filter(|code| !near.contains(code));
        wrong.next().unwrap_or_default()
    }
}

/// 2027-01-15, at the start of a time step.
const START: Timestamp = Timestamp::from_unix(1_800_000_000);
/// In seconds.
const PERIOD: u64 = 30;
const YEAR: u64 = 365 * 86_400;
