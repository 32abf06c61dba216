//! A login by a form: its code, perhaps its request id, and perhaps the device that sent it.
//!
//! A repeat of the last request gets the same result. An overtaken token ends its device before the
//! code is checked.

use super::attempt::{Progress, Refusal, by_backup_code};
use super::code_set::CodeSet;
use super::device::{Charge, Standing};
use super::device_token::DeviceToken;
use super::request::{Form, LastRequest, MOST_JOINS, RequestResult, RequestTag};
use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
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
    /// Signs in with a code, perhaps with a request id, perhaps on a known device. A repeat of the
    /// last request gets the same result, before the rate limit.
    pub(crate) fn log_in_form(
        mut self,
        code: &Code,
        form: &Form<'_>,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<FormAccepted>> {
        let standing = form.device.map_or(Standing::Stranger, |shown| {
            self.devices.standing(shown, now)
        });
        if let (Standing::Overtaken { id }, Progress::Start) = (&standing, progress) {
            self.devices.remove(*id);
            return Step::Write(self, WriteKind::DeviceSuspected, Outcome::DeviceForgotten);
        }
        let device = self.devices.known(&standing);
        let tag = form.tag.as_ref();
        match (self.repeated(tag, now), progress) {
            (Some((RequestResult::Wrong, _)), Progress::Start) => {
                return Step::Answer(Outcome::Repeated(Rejection::WrongCode));
            }
            (Some((RequestResult::Reserved { joins, by_device }, at)), Progress::Start)
                if joins < MOST_JOINS =>
            {
                // A repeat computes the same hash as the first request.
                if let Some((job, set)) = self.redeem_job(code) {
                    let joins = joins.saturating_add(1);
                    self.remember(tag, at, RequestResult::Reserved { joins, by_device });
                    let charge = match by_device {
                        true => Charge::Device(standing.known_id()),
                        false => Charge::Budget,
                    };
                    let joined = true;
                    let needed = Outcome::HashNeeded {
                        job,
                        set,
                        charge,
                        joined,
                    };
                    return Step::Write(self, WriteKind::Joined, needed);
                }
            }
            (Some((result, at)), _) => {
                if let Some(by) = self.accepted_by(result) {
                    return Step::Answer(Outcome::Accepted(FormAccepted {
                        accepted: self.accepted(by, at),
                        token: form.next_token(device.and_then(|id| self.devices.get(id))),
                        is_repeat: true,
                    }));
                }
            }
            (None, _) => {}
        }
        match self.check(code, device, progress, now, policy) {
            Ok(by) => {
                if let Some(result) = self.result_of(by) {
                    self.remember(tag, now, result);
                }
                self.devices.accept(&standing, now);
                let device = self.devices.known(&standing);
                let accepted = Outcome::Accepted(FormAccepted {
                    accepted: self.accepted(by, now),
                    token: form.next_token(device.and_then(|id| self.devices.get(id))),
                    is_repeat: false,
                });
                Step::Write(self, WriteKind::Accepted, accepted)
            }
            Err(refusal) => {
                match &refusal {
                    Refusal::Unchanged(rejection) if progress.repeats(*rejection) => {
                        return Step::Answer(Outcome::Repeated(*rejection));
                    }
                    Refusal::Unchanged(_) => {}
                    Refusal::Counted(_) => self.remember(tag, now, RequestResult::Wrong),
                    Refusal::HashNeeded { charge, .. } => {
                        let by_device = *charge != Charge::Budget;
                        let joins = 0;
                        self.remember(tag, now, RequestResult::Reserved { joins, by_device });
                    }
                }
                self.refuse(refusal)
            }
        }
    }

    /// The result and the time of the last request, if this is a repeat of it.
    fn repeated(
        &self,
        tag: Option<&RequestTag>,
        now: Timestamp,
    ) -> Option<(RequestResult, Timestamp)> {
        let (tag, last) = tag.zip(self.last_request.as_ref())?;
        (last.is(tag) && last.counts(now)).then_some((last.result, last.at))
    }

    fn remember(&mut self, tag: Option<&RequestTag>, at: Timestamp, result: RequestResult) {
        self.last_request = tag.map(|tag| {
            let tag = tag.clone();
            Box::new(LastRequest { tag, at, result })
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
                let has_device = !by_device || !self.devices.0.is_empty();
                joins <= MOST_JOINS && self.code_set.is_some() && has_device
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
