//! Runs each command on the system and on the reference, and compares everything that is visible.

use super::account::{App, By, Device};
use super::command::{
    Action, Command, Enrollment, JUST_NOW, Naming, Pick, Proof, Receipt, Target, Typed,
};
use super::invariants::Invariants;
use super::issue_calls::Started;
use super::observed::{Call, Observation, Recorded, View};
use super::reference::Reference;
use super::requests::Request;
use super::resolve::{Kept, Known};
use super::rules::Rules;
use super::system::System;
use super::typed::Spelling;
use countersign::factor::BackupCodeSetId;
use countersign::testing::block_on;
use countersign::{
    AcceptedBy, Actor, Attempt, AuthenticatorName, Denied, DeviceId, EnrollmentRequest,
    Receipt as GoodReceipt, Rejection, ServerClock, Timestamp, Verifier,
};
use std::fmt::Debug;

/// The error describes a difference.
pub(crate) type Agreement<T = ()> = Result<T, String>;

pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) system: System,
    pub(crate) reference: Reference,
    invariants: Invariants,
    pub(crate) known: [Known; 2],
    pub(crate) views: [View; 2],
    /// The account and the server of the current command, and its time.
    pub(crate) who: usize,
    pub(crate) server: usize,
    pub(crate) now: u64,
    /// The issues of codes whose second write is still to come.
    pub(crate) started: [Vec<Started>; 2],
    /// The ids that the system gave to the code sets, and their numbers.
    pub(crate) set_ids: Vec<(BackupCodeSetId, usize)>,
    pub(crate) last_request: [Option<Request>; 2],
    /// Whether the current command got a receipt for a repeat.
    is_repeat: bool,
    /// The device whose token the current command sent.
    device: Option<DeviceId>,
    /// Whether the answer says that an earlier call counted the failure.
    rejected_before: bool,
}

/// A call and its answer.
pub(crate) type Called = (Call, Result<Option<By>, Rejection>);

impl World {
    pub(crate) fn new(rules: &Rules, seed: u8) -> Self {
        Self {
            rules: rules.clone(),
            system: System::new(rules, seed),
            reference: Reference::new(rules),
            invariants: Invariants::new(rules),
            known: [Known::default(), Known::default()],
            views: [View::Absent, View::Absent],
            who: 0,
            server: 0,
            now: 0,
            started: [Vec::new(), Vec::new()],
            set_ids: Vec::new(),
            last_request: [None, None],
            is_repeat: false,
            device: None,
            rejected_before: false,
        }
    }

    pub(crate) fn run(&mut self, command: &Command) -> Agreement {
        (self.who, self.server) = (command.account, command.server);
        match command.action {
            Action::Enroll => {
                let proof = self.usual_proof();
                self.step(Action::Begin(Target::Additional, Naming::Fresh, proof))?;
                let newest = Enrollment::Own(Pick::Back(0));
                self.step(Action::Confirm(newest, Typed::Newest(0), Spelling::Plain))
            }
            Action::LogIn(pick) => self.log_in(pick),
            Action::LogInAndBegin(target, naming) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Begin(target, naming, JUST_NOW))
            }
            Action::Issue(proof) => self.issue(proof),
            Action::LogInAndIssue(count) => {
                self.log_in(Pick::Back(0))?;
                (0..count).try_for_each(|_| self.issue(JUST_NOW))
            }
            Action::BeginOften(count) => {
                if self.views[self.who].is_enabled() {
                    self.log_in(Pick::Back(0))?;
                }
                let proof = self.usual_proof();
                let begin = Action::Begin(Target::Additional, Naming::Default, proof);
                (0..count).try_for_each(|_| self.step(begin))
            }
            Action::LogInAndRemove(pick) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Remove(pick, JUST_NOW))
            }
            Action::LogInAndRemoveUnlessLast(pick) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::RemoveUnlessLast(pick, JUST_NOW))
            }
            Action::ClockTo(end, more) => match self.end(end) {
                Some(end) if end > self.now => {
                    self.step(Action::Clock((end - self.now).cast_signed() + more))
                }
                _ => Ok(()),
            },
            Action::Repeat(times, after) => {
                self.step(Action::Clock(after))?;
                (0..times).try_for_each(|_| self.step(Action::Repeat(1, 0)))
            }
            Action::LogInAndRemember(trusted) => {
                self.log_in(Pick::Back(0))?;
                self.step(Action::Remember(Receipt::Own(Pick::Back(0)), trusted))
            }
            Action::LogInOn(shown, logins, wrong) => {
                for _ in 0..logins {
                    self.step(Action::Clock(self.rules.period.cast_signed()))?;
                    let typed = Typed::Active(Pick::Back(0), 0);
                    self.step(Action::Attempt(shown, None, typed, Spelling::Plain))?;
                }
                (0..u32::from(wrong)).try_for_each(|number| {
                    let typed = Typed::Digits(number);
                    self.step(Action::Attempt(shown, None, typed, Spelling::Plain))
                })
            }
            Action::Guess(count, gap) => (0..u32::from(count)).try_for_each(|number| {
                self.step(Action::Verify(Typed::Digits(number), Spelling::Plain))?;
                self.step(Action::Clock(gap))
            }),
            action => self.step(action),
        }
    }

    /// The proof that an owner usually has.
    fn usual_proof(&self) -> Proof {
        if self.views[self.who].is_enabled() {
            JUST_NOW
        } else {
            Proof::Password(0)
        }
    }

    fn issue(&mut self, proof: Proof) -> Agreement {
        let before = self.started[self.who].len();
        self.step(Action::StartIssue(proof))?;
        if self.started[self.who].len() == before {
            return Ok(());
        }
        self.step(Action::FinishIssue(Pick::Back(0)))
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
        let started = match action {
            Action::FinishIssue(pick) => self.started(pick),
            _ => None,
        };
        if let Some(started) = &started {
            self.server = started.server;
        }
        let (verifier, key) = self.system.server(self.server);
        self.reference.enter(self.who, self.now, key);
        (self.is_repeat, self.rejected_before) = (false, false);
        self.device = None;
        let (call, answer) = match started {
            Some(started) => self.finish_issue(started)?,
            None => self.call(&verifier, action)?,
        };
        let journal = self.system.recorded.journal.take();
        let [written, told] = self.system.recorded.take_events();
        same("told", &told, &written)?;
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
            answer: &answer,
            is_repeat: self.is_repeat,
            device: self.device,
            on_known_device: self.reference.device.is_some(),
            rejected_before: self.rejected_before,
            journal: &journal,
            before: &before,
            after: &self.views,
        })
    }

    /// Calls the system and the reference, and compares the answers.
    fn call(&mut self, verifier: &Verifier<Recorded>, action: Action) -> Agreement<Called> {
        let account = self.system.accounts[self.who].clone();
        let plain = |outcome: Result<(), Rejection>| outcome.map(|()| None);
        match action {
            Action::Begin(target, naming, proof) => self.begin(verifier, target, naming, proof),
            Action::ReadPending(which) => self.read_pending(verifier, which),
            Action::Confirm(which, typed, spelling) => {
                let text = self.typed(typed, spelling);
                self.confirm(verifier, which, text)
            }
            Action::Verify(typed, spelling) => {
                let text = self.typed(typed, spelling);
                let receipt = answer_of(block_on(verifier.verify(&account, &text)))?;
                let expected = self.reference.verify(&text);
                let got = self.keep(verifier, receipt, &text)?;
                same(&format!("verify {text:?}"), &got, &expected)?;
                Ok((Call::Verify(text), got.map(Some)))
            }
            Action::Request(id, typed, spelling) => {
                let text = self.typed(typed, spelling);
                let token = None;
                self.request(verifier, Request { id, text, token })
            }
            Action::Repeat(..) => match self.last_request[self.who].clone() {
                Some(request) => {
                    self.device = request.token.map(|token| token.id);
                    self.request(verifier, request)
                }
                None => Ok((Call::Nothing, Ok(None))),
            },
            Action::VerifyConsecutive(row) => self.row(verifier, row),
            Action::Attempt(shown, id, typed, spelling) => {
                let text = self.typed(typed, spelling);
                let token = self.token(shown);
                self.device = token.map(|token| token.id);
                match id {
                    Some(id) => self.request(verifier, Request { id, text, token }),
                    None => self.attempt_on(verifier, token, text),
                }
            }
            Action::Remember(receipt, trusted) => self.remember(verifier, receipt, trusted),
            Action::Trust(shown) => {
                let token = self.token(shown);
                self.device = token.map(|token| token.id);
                self.trust(verifier, token)
            }
            Action::ForgetDevice(pick) => self.forget(verifier, Some(pick)),
            Action::ForgetDevices => self.forget(verifier, None),
            Action::PasswordChanged => self.password_changed(verifier),
            Action::StartIssue(proof) => self.start_issue(verifier, proof),
            Action::ConfirmSaved(pick) => self.confirm_saved(verifier, pick),
            Action::DiscardCodes(pick) => self.discard_codes(verifier, pick),
            Action::Remove(pick, proof) => {
                let id = self.active(pick);
                let proven = self.proven(proof);
                let proof = proven.for_system();
                let got = answer_of(block_on(verifier.remove_authenticator(&account, id, proof)))?;
                let expected = self.reference.remove(id, &proven.proof);
                same(
                    &format!("remove {id} by {:?}", proven.proof),
                    &got,
                    &expected,
                )?;
                Ok((Call::Remove(id, proven.proof), got.map(|_| None)))
            }
            Action::RemoveUnlessLast(pick, proof) => {
                let id = self.active(pick);
                let proven = self.proven(proof);
                let removed =
                    verifier.remove_authenticator_unless_last(&account, id, proven.for_system());
                let got = answer_of(block_on(removed))?;
                let expected = self.reference.remove_unless_last(id, &proven.proof);
                same(&format!("remove {id}, not the last"), &got, &expected)?;
                Ok((Call::RemoveUnlessLast(id, proven.proof), plain(got)))
            }
            Action::Disable(proof) => {
                let proven = self.proven(proof);
                let got = answer_of(block_on(verifier.disable(&account, proven.for_system())))?;
                let expected = self.reference.disable(&proven.proof);
                same(&format!("disable by {:?}", proven.proof), &got, &expected)?;
                Ok((Call::Disable(proven.proof), got.map(|_| None)))
            }
            Action::ForceDisable => {
                let got = answer_of(block_on(verifier.force_disable(&account, &staff())))?;
                same("force_disable", &got, &self.reference.force_disable())?;
                Ok((Call::ForceDisable, plain(got)))
            }
            Action::Unlock(confirmed) => {
                let clock = if confirmed {
                    ServerClock::Confirmed
                } else {
                    ServerClock::Unconfirmed
                };
                let got = answer_of(block_on(verifier.unlock(&account, clock, &staff())))?;
                same("unlock", &got, &self.reference.unlock(confirmed))?;
                Ok((Call::Unlock, plain(got)))
            }
            Action::Reseal => {
                let got = block_on(verifier.reseal(&account)).map_err(|e| format!("{e:?}"))?;
                same("reseal", &got, &self.reference.reseal())?;
                Ok((Call::Nothing, Ok(None)))
            }
            Action::Erase => {
                block_on(verifier.erase(&account, &staff())).map_err(|e| format!("{e:?}"))?;
                self.reference.erase();
                Ok((Call::Erase, Ok(None)))
            }
            // `Clock` has moved the clock already. `run` splits the composed commands into the
            // commands above.
            _ => Ok((Call::Nothing, Ok(None))),
        }
    }

    fn request(&mut self, verifier: &Verifier<Recorded>, request: Request) -> Agreement<Called> {
        let account = self.system.accounts[self.who].clone();
        self.last_request[self.who] = Some(request.clone());
        let (id, sent) = (request.id(), self.sent(request.token));
        let attempt = Attempt::new(&request.text).request(&id);
        let attempt = attempt.device(sent.as_ref());
        let answer = block_on(verifier.verify_attempt(&account, attempt));
        self.rejected_before = matches!(answer, Err(Denied::Repeated(_)));
        let receipt = answer_of(answer)?;
        let next = receipt
            .as_ref()
            .ok()
            .and_then(|it| it.device_token().cloned());
        let at = receipt.as_ref().map(|one| one.at().as_unix()).ok();
        let expected = self.reference.verify_request(&request);
        let got = self.keep(verifier, receipt, &request.text)?;
        let what = format!("{request:?}");
        let by = expected.map(|accepted| accepted.by);
        same(&what, &got, &by)?;
        let expected_next = expected.ok().and_then(|accepted| accepted.next);
        self.keep_token(next, expected_next)?;
        let repeats = self.reference.repeats_failure;
        same(&what, &self.rejected_before, &repeats)?;
        if let Ok(accepted) = expected {
            let seen = (at, self.is_repeat);
            same(&what, &seen, &(Some(accepted.at), accepted.is_repeat))?;
        }
        Ok((Call::Request(request), got.map(Some)))
    }

    fn begin(
        &mut self,
        verifier: &Verifier<Recorded>,
        target: Target,
        naming: Naming,
        proof: Proof,
    ) -> Agreement<Called> {
        let account = &self.system.accounts[self.who];
        let replaces = match target {
            Target::Additional => None,
            Target::Replacing(pick) => Some(self.active(pick)),
        };
        let request = match replaces {
            Some(id) => EnrollmentRequest::replacing(id, account.as_str()),
            None => EnrollmentRequest::new(account.as_str()),
        };
        // Every second authenticator is a token, if the policy allows tokens.
        let is_token = self.rules.tokens.is_some() && self.known[self.who].begun.len() % 2 == 1;
        let request = if is_token { request.hotp() } else { request };
        let name = self.name(naming);
        let request = match &name {
            Some(name) => request.authenticator_name(AuthenticatorName::new(name).unwrap()),
            None => request,
        };
        let proven = self.proven(proof);
        let got = answer_of(block_on(verifier.begin_enrollment(
            account,
            request,
            proven.for_system(),
        )))?;
        let expected = (self.reference).begin(replaces, name.as_deref(), &proven.proof);
        let what = format!(
            "begin {name:?}, replacing {replaces:?}, by {:?}",
            proven.proof
        );
        same(&what, &outcome(&got), &outcome(&expected))?;
        let answer = match (got, expected) {
            (Ok(enrollment), Ok(name)) => {
                let app = App::scan(&enrollment, name);
                same("token", &matches!(app.device, Device::Token(_)), &is_token)?;
                let last = self.now + self.rules.enrollment_age;
                same("expires_at", &enrollment.expires_at().as_unix(), &last)?;
                self.reference.begun(enrollment.id(), app.clone(), replaces);
                self.invariants
                    .begun(self.who, enrollment.id(), app.clone(), replaces);
                self.known[self.who].begun.push((enrollment.id(), app));
                Ok(None)
            }
            (Err(rejection), _) | (_, Err(rejection)) => Err(rejection),
        };
        Ok((Call::Begin(proven.proof), answer))
    }

    fn read_pending(&self, verifier: &Verifier<Recorded>, which: Enrollment) -> Agreement<Called> {
        let id = self.enrollment(which);
        let account = &self.system.accounts[self.who];
        let got = answer_of(block_on(verifier.pending_enrollment(account, id)))?;
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
    ) -> Agreement<Called> {
        let id = self.enrollment(which);
        let account = &self.system.accounts[self.who];
        let receipt = answer_of(block_on(verifier.confirm_enrollment(account, id, &text)))?;
        let expected = self.reference.confirm(id, &text);
        let what = format!("confirm with {text:?}");
        same(&what, &outcome(&receipt), &outcome(&expected))?;
        let by = self.keep(verifier, receipt, &text)?;
        if let (Ok(By::Enrollment(id)), Ok(step)) = (by, expected) {
            self.reference.confirmed(id, step);
            let kept = self.known[self.who].receipts.last().unwrap();
            let (offset, at) = (kept.receipt.clock_offset(), kept.receipt.at().as_unix());
            let expected = self.reference.clock_offset(By::Enrollment(id), at);
            same("clock offset", &offset, &expected)?;
        }
        Ok((Call::Confirm(id, text), by.map(Some)))
    }

    /// Keeps a receipt, its sealed form, and what the accepted code came from.
    pub(crate) fn keep(
        &mut self,
        verifier: &Verifier<Recorded>,
        receipt: Result<GoodReceipt, Rejection>,
        text: &str,
    ) -> Agreement<Result<By, Rejection>> {
        let receipt = match receipt {
            Ok(receipt) => receipt,
            Err(rejection) => return Ok(Err(rejection)),
        };
        self.is_repeat = receipt.is_repeat();
        if !self.is_repeat {
            same("receipt's time", &receipt.at().as_unix(), &self.now)?;
        }
        same(
            "receipt's account",
            receipt.account(),
            &self.system.accounts[self.who],
        )?;
        let by = self.by(receipt.accepted_by())?;
        let (offset, at) = (receipt.clock_offset(), receipt.at().as_unix());
        let known = &mut self.known[self.who];
        let sealed = verifier.seal_receipt(&receipt);
        known.receipts.push(Kept {
            receipt,
            sealed,
            by,
        });
        known.accepted.push(text.to_owned());
        match by {
            // The reference does not know the authenticator yet.
            By::Enrollment(_) => {}
            _ => same(
                "clock offset",
                &offset,
                &self.reference.clock_offset(by, at),
            )?,
        }
        Ok(Ok(by))
    }

    /// Keeps the id of a code set. Each set has exactly one id, and no other set has it.
    pub(crate) fn name_set(&mut self, id: BackupCodeSetId, set: usize) -> Agreement {
        let mut known = self.set_ids.iter();
        if known.any(|(it, other)| (*it == id) != (*other == set)) {
            return Err("a code set has two ids, or an id two sets".into());
        }
        self.set_ids.push((id, set));
        Ok(())
    }

    /// Converts the id of a code set to its number.
    fn by(&mut self, by: AcceptedBy) -> Agreement<By> {
        Ok(match by {
            AcceptedBy::Authenticator { id } => By::App(id),
            AcceptedBy::Enrollment { id } => By::Enrollment(id),
            AcceptedBy::BackupCode {
                set: id,
                number,
                remaining,
            } => {
                let current = self.reference.set(self.who);
                let current = current.ok_or("there is no code set")?;
                self.name_set(id, current)?;
                By::Code {
                    set: current,
                    number,
                    remaining,
                }
            }
            other => return Err(format!("accepted by {other:?}")),
        })
    }
}

/// Accepted, or the reason for the rejection.
pub(crate) fn outcome<T>(answer: &Result<T, Rejection>) -> Result<(), Rejection> {
    answer.as_ref().map(|_| ()).map_err(|rejection| *rejection)
}

/// The answer. An error of the verifier is a difference.
pub(crate) fn answer_of<T>(outcome: Result<T, Denied>) -> Agreement<Result<T, Rejection>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => Ok(Err(rejection)),
        Err(Denied::Failed(error)) => Err(format!("failed: {error:?}")),
    }
}

pub(crate) fn same<T: PartialEq + Debug>(what: &str, system: &T, reference: &T) -> Agreement {
    if system == reference {
        return Ok(());
    }
    Err(format!(
        "{what}\n  system:    {system:?}\n  reference: {reference:?}"
    ))
}

/// A person who acts without a proof.
fn staff() -> Actor {
    Actor::new("staff", "a test").unwrap()
}
