//! Runs each command on the system and on the reference, and compares all that can be seen.

use super::command::{Action, Command, Enrollment, JUST_NOW, Pick, Proof, Target, Typed};
use super::hands::Hands;
use super::invariants::Invariants;
use super::observed::{Call, Observation, Recorded, View};
use super::reference::{App, Reference};
use super::rules::Rules;
use super::system::System;
use super::typed::Spelling;
use countersign::testing::{Phone, block_on};
use countersign::{
    AcceptedBy, AuthenticatorName, Denied, EnrollmentRequest, Rejection, Timestamp, Verifier,
};
use std::fmt::Debug;

/// What differs, in words.
pub(crate) type Agreement<T = ()> = Result<T, String>;

pub(crate) struct World {
    pub(crate) rules: Rules,
    system: System,
    pub(crate) reference: Reference,
    invariants: Invariants,
    pub(crate) hands: [Hands; 2],
    pub(crate) views: [View; 2],
    /// Whose command runs, on which machine, and when.
    pub(crate) who: usize,
    machine: usize,
    pub(crate) now: u64,
}

impl World {
    pub(crate) fn new(rules: &Rules, seed: u8) -> Self {
        Self {
            rules: rules.clone(),
            system: System::new(rules, seed),
            reference: Reference::new(rules),
            invariants: Invariants::new(rules),
            hands: [Hands::default(), Hands::default()],
            views: [View::Absent, View::Absent],
            who: 0,
            machine: 0,
            now: 0,
        }
    }

    pub(crate) fn run(&mut self, command: &Command) -> Agreement {
        (self.who, self.machine) = (command.account, command.machine);
        match command.action {
            Action::Enroll => {
                let enabled = self.views[self.who].is_enabled();
                let proof = if enabled {
                    JUST_NOW
                } else {
                    Proof::Password(0)
                };
                self.step(Action::Begin(Target::Additional, proof))?;
                let newest = Enrollment::Own(Pick::Back(0));
                self.step(Action::Confirm(newest, Typed::Newest(0), Spelling::Plain))
            }
            Action::LogIn(pick) => self.log_in(pick),
            Action::LogInAndBegin(target) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Begin(target, JUST_NOW))
            }
            Action::LogInAndIssue => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Issue(JUST_NOW))
            }
            Action::LogInAndRemove(pick) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Remove(pick, JUST_NOW))
            }
            Action::ClockTo(end, more) => match self.end(end) {
                Some(end) if end > self.now => {
                    self.step(Action::Clock((end - self.now).cast_signed() + more))
                }
                _ => Ok(()),
            },
            Action::Guess(count, gap) => (0..u32::from(count)).try_for_each(|number| {
                self.step(Action::Verify(Typed::Digits(number), Spelling::Plain))?;
                self.step(Action::Clock(gap))
            }),
            action => self.step(action),
        }
    }

    fn log_in(&mut self, pick: Pick) -> Agreement {
        self.step(Action::Clock(self.rules.period.cast_signed()))?;
        self.step(Action::Verify(Typed::Active(pick, 0), Spelling::Plain))
    }

    fn step(&mut self, action: Action) -> Agreement {
        if let Action::Clock(seconds) = action {
            let clock = &self.system.clock;
            let moved = clock.now().as_unix().saturating_add_signed(seconds);
            clock.set(Timestamp::from_unix(moved));
            self.invariants.moved(seconds);
        }
        self.now = self.system.clock.now().as_unix();
        let (verifier, key) = self.system.machine(self.machine);
        self.reference.enter(self.who, self.now, key);
        let (call, verdict) = self.call(&verifier, action)?;
        let journal = self.system.recorded.journal.take();
        same("written", &journal, &self.reference.take_journal())?;
        let views = [0, 1].map(|who| {
            let status = block_on(verifier.status(&self.system.accounts[who]));
            View::of(status.unwrap())
        });
        for (who, view) in views.iter().enumerate() {
            let expected = self.reference.view(who, self.now);
            same(&format!("status of account {who}"), view, &expected)?;
        }
        let before = std::mem::replace(&mut self.views, views);
        self.invariants.check(&Observation {
            who: self.who,
            now: self.now,
            call: &call,
            verdict: &verdict,
            journal: &journal,
            before: &before,
            after: &self.views,
        })
    }

    /// Calls the system and the reference, and compares what they answer.
    fn call(
        &mut self,
        verifier: &Verifier<Recorded>,
        action: Action,
    ) -> Agreement<(Call, Result<Option<AcceptedBy>, Rejection>)> {
        let account = self.system.accounts[self.who].clone();
        let plain = |outcome: Result<(), Rejection>| outcome.map(|()| None);
        match action {
            Action::Begin(target, proof) => self.begin(verifier, target, proof),
            Action::ReadPending(which) => self.read_pending(verifier, which),
            Action::Confirm(which, typed, spelling) => {
                let text = self.typed(typed, spelling);
                self.confirm(verifier, which, text)
            }
            Action::Verify(typed, spelling) => {
                let text = self.typed(typed, spelling);
                let receipt = verdict(block_on(verifier.verify(&account, &text)))?;
                let expected = self.reference.verify(&text);
                let got = receipt
                    .as_ref()
                    .map(countersign::Receipt::by)
                    .map_err(|e| *e);
                same(&format!("verify {text:?}"), &got, &expected)?;
                self.keep(receipt, &text)?;
                Ok((Call::Verify(text), got.map(Some)))
            }
            Action::Issue(proof) => self.issue(verifier, proof),
            Action::Remove(pick, proof) => {
                let id = self.active(pick);
                let proven = self.proven(proof);
                let proof = proven.for_system();
                let got = verdict(block_on(verifier.remove_authenticator(&account, id, proof)))?;
                let expected = self.reference.remove(id, &proven.proof);
                same(
                    &format!("remove {id} by {:?}", proven.proof),
                    &got,
                    &expected,
                )?;
                Ok((Call::Remove(id, proven.proof), plain(got)))
            }
            Action::Disable(proof) => {
                let proven = self.proven(proof);
                let got = verdict(block_on(verifier.disable(&account, proven.for_system())))?;
                let expected = self.reference.disable(&proven.proof);
                same(&format!("disable by {:?}", proven.proof), &got, &expected)?;
                Ok((Call::Disable(proven.proof), plain(got)))
            }
            Action::ForceDisable => {
                let got = verdict(block_on(verifier.force_disable(&account)))?;
                same("force_disable", &got, &self.reference.force_disable())?;
                Ok((Call::ForceDisable, plain(got)))
            }
            Action::Unlock => {
                let got = verdict(block_on(verifier.unlock(&account)))?;
                same("unlock", &got, &self.reference.unlock())?;
                Ok((Call::Unlock, plain(got)))
            }
            Action::Reseal => {
                let got = block_on(verifier.reseal(&account)).map_err(|e| format!("{e:?}"))?;
                same("reseal", &got, &self.reference.reseal())?;
                Ok((Call::Nothing, Ok(None)))
            }
            Action::Erase => {
                block_on(verifier.erase(&account)).map_err(|e| format!("{e:?}"))?;
                self.reference.erase();
                Ok((Call::Erase, Ok(None)))
            }
            // The clock has been moved; the others run as what they consist of.
            _ => Ok((Call::Nothing, Ok(None))),
        }
    }

    fn begin(
        &mut self,
        verifier: &Verifier<Recorded>,
        target: Target,
        proof: Proof,
    ) -> Agreement<(Call, Result<Option<AcceptedBy>, Rejection>)> {
        let account = &self.system.accounts[self.who];
        let replaces = match target {
            Target::Additional => None,
            Target::Replacing(pick) => Some(self.active(pick)),
        };
        let request = match replaces {
            Some(id) => EnrollmentRequest::replacing(id, account.as_str()),
            None => EnrollmentRequest::additional(account.as_str()),
        };
        let name = format!("phone {}", self.hands[self.who].begun.len());
        let request = request.authenticator_name(AuthenticatorName::new(&name).unwrap());
        let proven = self.proven(proof);
        let got = verdict(block_on(verifier.begin_enrollment(
            account,
            request,
            proven.for_system(),
        )))?;
        let expected = self.reference.begin(replaces, &proven.proof);
        let what = format!("begin, replacing {replaces:?}, by {:?}", proven.proof);
        same(&what, &got.as_ref().map(|_| ()).map_err(|e| *e), &expected)?;
        let verdict = match got {
            Ok(enrollment) => {
                let uri = enrollment.key_uri().to_secret_text().expose().to_owned();
                let app = App {
                    phone: Phone::scan(&uri).unwrap(),
                    uri,
                    name,
                };
                let last = self.now + self.rules.enrollment_age;
                same("expires_at", &enrollment.expires_at().as_unix(), &last)?;
                self.reference.begun(enrollment.id(), app.clone(), replaces);
                self.invariants
                    .begun(self.who, enrollment.id(), app.clone(), replaces);
                self.hands[self.who].begun.push((enrollment.id(), app));
                Ok(None)
            }
            Err(rejection) => Err(rejection),
        };
        Ok((Call::Begin(proven.proof), verdict))
    }

    fn read_pending(
        &self,
        verifier: &Verifier<Recorded>,
        which: Enrollment,
    ) -> Agreement<(Call, Result<Option<AcceptedBy>, Rejection>)> {
        let id = self.enrollment(which);
        let account = &self.system.accounts[self.who];
        let got = verdict(block_on(verifier.pending_enrollment(account, id)))?;
        let got = got.map(|enrollment| {
            let uri = enrollment.key_uri().to_secret_text().expose().to_owned();
            (enrollment.id(), uri, enrollment.expires_at().as_unix())
        });
        let expected = self.reference.pending(id).map(|pending| {
            let last = self.reference.pending_ends_at(self.who).unwrap();
            (pending.id, pending.app.uri.clone(), last)
        });
        same("pending_enrollment", &got, &expected)?;
        Ok((Call::ReadPending(id), got.map(|_| None)))
    }

    fn confirm(
        &mut self,
        verifier: &Verifier<Recorded>,
        which: Enrollment,
        text: String,
    ) -> Agreement<(Call, Result<Option<AcceptedBy>, Rejection>)> {
        let id = self.enrollment(which);
        let account = &self.system.accounts[self.who];
        let receipt = verdict(block_on(verifier.confirm_enrollment(account, id, &text)))?;
        let expected = self.reference.confirm(id, &text);
        let got = receipt.as_ref().map(|_| ()).map_err(|e| *e);
        same(
            &format!("confirm with {text:?}"),
            &got,
            &expected.map(|_| ()),
        )?;
        let by = receipt
            .as_ref()
            .map(countersign::Receipt::by)
            .map_err(|e| *e);
        if let (Ok(AcceptedBy::Enrollment { id }), Ok(step)) = (by, expected) {
            self.reference.confirmed(id, step);
        }
        self.keep(receipt, &text)?;
        Ok((Call::Confirm(id, text), by.map(Some)))
    }

    fn issue(
        &mut self,
        verifier: &Verifier<Recorded>,
        proof: Proof,
    ) -> Agreement<(Call, Result<Option<AcceptedBy>, Rejection>)> {
        let account = &self.system.accounts[self.who];
        let proven = self.proven(proof);
        let issued = block_on(verifier.issue_backup_codes(account, proven.for_system()));
        let got = verdict(issued)?.map(|codes| codes.iter().map(str::to_owned).collect::<Vec<_>>());
        let expected = self.reference.issue(&proven.proof);
        let what = format!("issue by {:?}", proven.proof);
        same(&what, &got.as_ref().map(|_| ()).map_err(|e| *e), &expected)?;
        let codes = got.clone().unwrap_or_default();
        if got.is_ok() {
            self.reference.issued(codes.clone());
            self.hands[self.who].sets.push(codes.clone());
        }
        Ok((Call::Issue(proven.proof, codes), got.map(|_| None)))
    }

    /// Keeps a receipt, and what it was given for.
    fn keep(&mut self, receipt: Result<countersign::Receipt, Rejection>, text: &str) -> Agreement {
        let Ok(receipt) = receipt else { return Ok(()) };
        same("receipt's time", &receipt.at().as_unix(), &self.now)?;
        same(
            "receipt's account",
            receipt.account(),
            &self.system.accounts[self.who],
        )?;
        let hands = &mut self.hands[self.who];
        hands.receipts.push(receipt);
        hands.accepted.push(text.to_owned());
        Ok(())
    }
}

/// The verdict; a failure of the machinery is none.
fn verdict<T>(outcome: Result<T, Denied>) -> Agreement<Result<T, Rejection>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Denied::Rejected(rejection)) => Ok(Err(rejection)),
        Err(Denied::Failed(error)) => Err(format!("failed: {error:?}")),
    }
}

fn same<T: PartialEq + Debug>(what: &str, system: &T, reference: &T) -> Agreement {
    if system == reference {
        return Ok(());
    }
    Err(format!(
        "{what}\n  system:    {system:?}\n  reference: {reference:?}"
    ))
}
