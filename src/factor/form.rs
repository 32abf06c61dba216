//! A login by a form: its code, perhaps its request id, and perhaps the device that sent it.
//!
//! A repeat of the last request gets the same result. An overtaken token ends its device before the
//! code is checked.

use super::attempt::{Progress, Refusal, by_backup_code};
use super::code_set::CodeSet;
use super::device::Standing;
use super::device_token::DeviceToken;
use super::rate_limit::Charge;
use super::request::{Form, LastRequest, MOST_JOINS, RequestResult};
use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
use crate::backup::CodeMatch;
use crate::otp::Code;
use crate::store::WriteKind;
use crate::{AcceptedBy, Policy, Rejection, Timestamp};
use alloc::boxed::Box;

/// An accepted code, the next token of a known device, and whether an earlier call accepted the
/// code.
#[derive(Debug)]
pub(crate) struct FormAccepted {
    pub(crate) accepted: Accepted,
    pub(crate) token: Option<DeviceToken>,
    pub(crate) is_repeat: bool,
}

impl SecondFactor {
    /// What the token of a form says about the device.
    pub(crate) fn standing(&self, form: &Form<'_>, now: Timestamp, policy: &Policy) -> Standing {
        form.device.map_or(Standing::Stranger, |shown| {
            self.devices.standing(shown, now, policy)
        })
    }

    /// Signs in with a code, perhaps with a request id, perhaps on a known device. A repeat of the
    /// last request gets the same result, before the rate limit.
    pub(crate) fn log_in_form(
        mut self,
        code: &Code,
        form: &Form<'_>,
        standing: &Standing,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<FormAccepted>> {
        if let (Standing::Overtaken { id }, Progress::Start) = (standing, progress) {
            self.devices.remove(*id);
            return Step::Write(self, WriteKind::DeviceSuspected, Outcome::DeviceForgotten);
        }
        if let Some(result) = self.repeated(form, now) {
            match self.repeat(code, form, standing, progress, result) {
                Some(needed @ Outcome::HashNeeded { .. }) => {
                    return Step::Write(self, WriteKind::Joined, needed);
                }
                Some(outcome) => return Step::Answer(outcome),
                None => {}
            }
        }
        let device = self.devices.known(standing);
        match self.check(code, device, progress, now, policy) {
            Ok(by) => {
                if let Some(result) = self.result_of(by) {
                    self.remember(form, now, result);
                }
                self.devices.accept(standing, now);
                let accepted = self.form_accepted(by, now, form, standing, false);
                Step::Write(self, WriteKind::Accepted, Outcome::Accepted(accepted))
            }
            Err(Refusal::Unchanged(rejection)) if progress.repeats(rejection) => {
                Step::Answer(Outcome::Repeated(rejection))
            }
            Err(refusal) => {
                match &refusal {
                    Refusal::Unchanged(_) => {}
                    Refusal::Counted(_) => self.remember(form, now, RequestResult::Wrong),
                    Refusal::HashNeeded { charge, .. } => {
                        let by_device = *charge != Charge::Budget;
                        let joins = 0;
                        self.remember(form, now, RequestResult::Reserved { joins, by_device });
                    }
                }
                self.refuse(refusal)
            }
        }
    }

    /// What a repeat of the last request gets: the same result, or the hash to compute, which is
    /// the hash of the first request. `None` if the repeat is an attempt like any other.
    fn repeat(
        &mut self,
        code: &Code,
        form: &Form<'_>,
        standing: &Standing,
        progress: &Progress,
        (result, at): (RequestResult, Timestamp),
    ) -> Option<Outcome<FormAccepted>> {
        match (result, progress) {
            (RequestResult::Wrong, Progress::Start) => {
                Some(Outcome::Repeated(self.repeated_rejection(code)))
            }
            (RequestResult::Reserved { joins, by_device }, Progress::Start)
                if joins < MOST_JOINS =>
            {
                let (job, set) = self.redeem_job(code)?;
                let joins = joins.saturating_add(1);
                self.remember(form, at, RequestResult::Reserved { joins, by_device });
                Some(Outcome::HashNeeded {
                    job,
                    set,
                    charge: match by_device {
                        true => Charge::Device(standing.known_id()),
                        false => Charge::Budget,
                    },
                    joined: true,
                })
            }
            _ => {
                let by = self.accepted_by(result)?;
                let accepted = self.form_accepted(by, at, form, standing, true);
                Some(Outcome::Accepted(accepted))
            }
        }
    }

    /// The reason why the same code was counted as a failure before. Nothing changed since then.
    fn repeated_rejection(&self, code: &Code) -> Rejection {
        let codes = self.code_set.as_ref().and_then(CodeSet::issued);
        let found = codes.and_then(|codes| Some(codes.find(&codes.fast_digest(code)?)));
        match found {
            Some(CodeMatch::Used(_)) => Rejection::BackupCodeUsed,
            _ => Rejection::WrongCode,
        }
    }

    fn form_accepted(
        &self,
        by: AcceptedBy,
        at: Timestamp,
        form: &Form<'_>,
        standing: &Standing,
        is_repeat: bool,
    ) -> FormAccepted {
        let device = self.devices.known(standing);
        FormAccepted {
            accepted: self.accepted(by, at),
            token: form.next_token(device.and_then(|id| self.devices.get(id))),
            is_repeat,
        }
    }

    /// The result and the time of the last request, if this is a repeat of it.
    fn repeated(&self, form: &Form<'_>, now: Timestamp) -> Option<(RequestResult, Timestamp)> {
        let (tag, last) = form.tag.as_ref().zip(self.last_request.as_ref())?;
        (last.is(tag) && last.counts(now)).then_some((last.result, last.at))
    }

    fn remember(&mut self, form: &Form<'_>, at: Timestamp, result: RequestResult) {
        self.last_request = form.tag.clone().map(|tag| {
            let last = LastRequest { tag, at, result };
            Box::new(last)
        });
    }

    fn result_of(&self, by: AcceptedBy) -> Option<RequestResult> {
        match by {
            AcceptedBy::Authenticator { id } => {
                let mut active = self.authenticators.iter();
                let index = active.position(|active| active.id == id)?;
                let index = u8::try_from(index).ok()?;
                Some(RequestResult::Authenticator { index })
            }
            AcceptedBy::BackupCode { number, .. } => Some(RequestResult::BackupCode { number }),
            AcceptedBy::Enrollment { .. } => None,
        }
    }

    /// What accepted the code of the last request. Nothing changed since then.
    fn accepted_by(&self, result: RequestResult) -> Option<AcceptedBy> {
        match result {
            RequestResult::Wrong | RequestResult::Reserved { .. } => None,
            RequestResult::Authenticator { index } => {
                let active = self.authenticators.get(usize::from(index))?;
                Some(AcceptedBy::Authenticator { id: active.id })
            }
            RequestResult::BackupCode { number } => {
                let codes = self.code_set.as_ref()?;
                Some(by_backup_code(codes, number))
            }
        }
    }

    /// Whether the last request of this second factor can have had this result.
    pub(crate) fn can_have(&self, result: RequestResult) -> bool {
        let is_possible = match result {
            RequestResult::Wrong => true,
            RequestResult::Reserved { joins, by_device } => {
                let codes = self.code_set.as_ref();
                let has_password_hashes = codes.is_some_and(|codes| !codes.is_keyed());
                let has_device = !by_device || !self.devices.is_empty();
                joins <= MOST_JOINS && has_password_hashes && has_device
            }
            RequestResult::Authenticator { .. } => self.accepted_by(result).is_some(),
            RequestResult::BackupCode { number } => {
                let used_at = self.code_set.as_ref().map(CodeSet::used_at);
                let index = usize::from(number).checked_sub(1);
                let code = index.zip(used_at).and_then(|(at, all)| *all.get(at)?);
                code.is_some()
            }
        };
        self.is_enabled() && is_possible
    }
}
