//! The account under attack, and its owner.

use std::collections::BTreeSet;

use countersign::testing::{Phone, block_on};
use countersign::{AccountId, EnrollmentRequest, FirstFactor, Proof, Timestamp};

use crate::Failure;
use crate::policies::Rules;
use crate::service::{Outcome, START, Server};

pub(crate) struct Victim {
    pub(crate) account: AccountId,
    phones: Vec<Phone>,
    codes: BTreeSet<String>,
}

impl Victim {
    /// Enrolls this many authenticators at the start, and issues a backup-code set if asked for.
    pub(crate) fn enroll(
        server: &Server,
        account: AccountId,
        authenticators: u8,
        with_codes: bool,
    ) -> Result<Self, Failure> {
        let verifier = &server.verifier;
        let mut victim = Self {
            account,
            phones: Vec::new(),
            codes: BTreeSet::new(),
        };
        let mut receipt = None;
        for _ in 0..authenticators {
            let proof = match &receipt {
                None => Proof::Password { checked_at: START },
                Some(receipt) => Proof::Reauthenticated {
                    first_factor: FirstFactor::password(START),
                    receipt,
                },
            };
            let request = EnrollmentRequest::new("victim@example.com");
            let enrollment = block_on(verifier.begin_enrollment(&victim.account, request, proof))?;
            let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
            let passcode = phone.passcode(START);
            let confirmed =
                verifier.confirm_enrollment(&victim.account, enrollment.id(), &passcode);
            receipt = Some(verifier.seal_receipt(&block_on(confirmed)?));
            victim.phones.push(phone);
        }
        if let (true, Some(receipt)) = (with_codes, &receipt) {
            let proof = Proof::Reauthenticated {
                first_factor: FirstFactor::password(START),
                receipt,
            };
            let codes = block_on(verifier.issue_backup_codes(&victim.account, proof))?;
            victim.codes = codes.iter().map(String::from).collect();
        }
        Ok(victim)
    }

    /// The owner signs in with the passcode of the phone.
    pub(crate) fn log_in(&self, server: &Server) -> Result<Outcome, Failure> {
        let phone = self.phones.first().ok_or("the victim has no phone")?;
        server.verify(&self.account, &phone.passcode(server.now()))
    }

    /// The passcode of the first phone at a time step.
    pub(crate) fn passcode(&self, step: u64) -> String {
        let first = self.phones.first();
        first.map_or_else(String::new, |phone| phone.passcode(Self::begin_of(step)))
    }

    /// The time step of a time.
    pub(crate) const fn step(at: Timestamp) -> u64 {
        at.as_unix() / PERIOD
    }

    /// When a time step begins.
    pub(crate) const fn begin_of(step: u64) -> Timestamp {
        Timestamp::from_unix(step * PERIOD)
    }

    /// A code that is neither a passcode of any phone near this time nor a backup code.
    pub(crate) fn wrong_passcode(&self, rules: &Rules, now: Timestamp) -> Result<String, Failure> {
        let (window, period) = (rules.policy.window(), rules.policy.period().as_secs());
        let first = now
            .as_unix()
            .saturating_sub(period * u64::from(window.before));
        let times = (0..u64::from(window.width()))
            .map(|step| Timestamp::from_unix(first.saturating_add(step.saturating_mul(period))));
        let correct: BTreeSet<String> = times
            .flat_map(|time| self.phones.iter().map(move |phone| phone.passcode(time)))
            .collect();
        self.none_of(&correct, rules.policy.digits().get())
    }

    pub(crate) fn wrong_backup_code(
        &self,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<String, Failure> {
        if rules.policy.digits().get() == rules.policy.code_format().length() {
            return self.wrong_passcode(rules, now);
        }
        self.none_of(&BTreeSet::new(), rules.policy.code_format().length())
    }

    fn none_of(&self, correct: &BTreeSet<String>, length: u8) -> Result<String, Failure> {
        let width = usize::from(length);
        (0..1000_u32)
            .map(|number| format!("{number:0width$}"))
            .find(|text| !correct.contains(text) && !self.codes.contains(text))
            .ok_or_else(|| "every code is correct".into())
    }
}

/// The period of every policy here, in seconds.
const PERIOD: u64 = 30;
