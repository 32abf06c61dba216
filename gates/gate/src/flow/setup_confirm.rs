//! Confirms an enrollment by its first passcode. A user who had to enroll is signed in by it.

use countersign::session::SecondFactorUse;
use countersign::{DeviceKind, Receipt, Rejection, Timestamp};
use serde::Deserialize;

use super::proof::has_code;
use super::setup::{Enroller, end_of_setup};
use super::visit::{Member, Visit};
use super::{Stop, rejected};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::Done;
use crate::problem::Problem;
use crate::say::Say;
use crate::session_data::{Half, Purpose, Setup};
use crate::sign_ins::{RowsOfRequest, SignInRows, SignInStore};

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn confirm_setup(&mut self, asked: &str) -> Result<GateAnswer, Stop> {
        let who = self.enroller().await?;
        let CodeForm { code } = self.form()?;
        let setup = self.this_setup(asked)?;
        if setup.confirmed {
            return Ok(self.confirmed(setup));
        }
        let rows = match &who {
            Enroller::Half(half) => RowsOfRequest::inserting(self.new_sign_in(half)?),
            Enroller::Full(member) => RowsOfRequest::keeping(&member.full.id),
        };
        let verifier = self.verifier(rows);
        let account = who.account();
        let confirmed = verifier.confirm_enrollment(account, setup.id, &code).await;
        let rejection = match (confirmed, who.clone()) {
            (Ok(receipt), Enroller::Full(member)) => {
                return self.confirm_full(member, setup, receipt, &code).await;
            }
            (Ok(receipt), Enroller::Half(half)) => {
                return self.confirm_half(&half, setup, receipt, &code).await;
            }
            (Err(denied), _) => rejected(denied)?,
        };
        let path = self.path(&format!("/setup/{asked}"));
        match rejection {
            Rejection::WrongConfirmation { tries_left: 0 } => {
                Ok(self.message(end_of_setup(rejection)))
            }
            Rejection::WrongConfirmation { .. } => Ok(self.refuse(rejection, &path)),
            Rejection::Malformed => {
                let digits = self.flow.verifier.policy().digits().get();
                Ok(self.refuse(Problem::NotPasscode { digits }, &path))
            }
            Rejection::NoEnrollment => self.confirmed_before(who, setup, &code).await,
            _ => Ok(self.message(end_of_setup(rejection))),
        }
    }

    async fn confirm_full(
        &mut self,
        mut member: Member,
        setup: Setup,
        receipt: Receipt,
        code: &str,
    ) -> Result<GateAnswer, Stop> {
        let rows = self.enrolled(&member.account, &member.full.id).await;
        let what = match &setup.purpose {
            Purpose::First => What::Enabled,
            Purpose::Another { name } => What::Added { name: name.clone() },
            Purpose::Replacement { name } => What::Replaced { name: name.clone() },
        };
        self.notify(&member.account, what).await;
        rows?;
        let sealed = self.flow.verifier.seal_receipt(&receipt);
        self.remember_stranger(&receipt, &sealed).await?;
        self.take_receipt(&mut member, receipt, code)?;
        Ok(self.confirmed(setup))
    }

    /// The receipt makes the half session a full one.
    async fn confirm_half(
        &mut self,
        half: &Half,
        setup: Setup,
        receipt: Receipt,
        code: &str,
    ) -> Result<GateAnswer, Stop> {
        let new = self.new_sign_in(half)?;
        let rows = match S::IN_TRANSACTION {
            true => Ok(()),
            // The flag is first: a sign-in without a code that begins later finds it.
            false => {
                let followed = self.enrolled(&new.account, &new.id).await;
                let inserted = self.flow.rows().insert(&new).await;
                followed.and(inserted.map_err(Stop::from))
            }
        };
        self.notify(&new.account, What::Enabled).await;
        rows?;
        if !self.lives(half).await? {
            // The password was changed while the code was checked.
            self.flow.rows().end(&new.id).await?;
            return Ok(self.changed_meanwhile());
        }
        let sealed = self.flow.verifier.seal_receipt(&receipt);
        self.remember_browser(&receipt, &sealed, DeviceKind::Known)
            .await?;
        let full = half.session.pass(receipt.into(), self.now)?;
        self.signed_in(half, &full).await;
        let (say, next) = self.after(&setup.purpose);
        let answer = self.complete(half, &full, Some(sealed), Some(say), &next)?;
        self.with_repeat(answer, code, &next)
    }

    /// Another request has ended this enrollment. If it confirmed it just now, with the same code,
    /// this request gets the same answer.
    async fn confirmed_before(
        &mut self,
        who: Enroller,
        setup: Setup,
        code: &str,
    ) -> Result<GateAnswer, Stop> {
        let over = self.message(end_of_setup(Rejection::NoEnrollment));
        let Some(enabled) = self.enabled(who.account()).await? else {
            return Ok(over);
        };
        let half = match who {
            Enroller::Half(half) => half,
            Enroller::Full(mut member) => {
                let is_it = |name: &str| match &setup.purpose {
                    Purpose::First => true,
                    Purpose::Another { name: new } | Purpose::Replacement { name: new } => {
                        new == name
                    }
                };
                let mut all = enabled.authenticators.iter();
                if !all.any(|one| {
                    is_it(one.name.as_str()) && self.now.saturating_since(one.added_at) <= REPEAT
                }) {
                    return Ok(over);
                }
                // If that request failed after the confirmation, this one follows it up.
                self.enrolled(&member.account, &member.full.id).await?;
                let factors = &mut member.full.factors;
                if !has_code(factors.second) {
                    // The session has no receipt of the code, so a fresh page asks for one.
                    factors.second = SecondFactorUse::Passcode;
                    factors.second_at = Timestamp::UNIX_EPOCH;
                }
                self.renew_after(&mut member.full, code)?;
                self.keep(&member);
                return Ok(self.confirmed(setup));
            }
        };
        let account = half.session.account();
        let Some(factors) = self.factors_by_passcode(&half).await? else {
            return Ok(self.go_to_code());
        };
        // The code that confirmed the enrollment is correct, and used: no other code is.
        let verifier = self.verifier(RowsOfRequest::default());
        match verifier.verify(account, code).await {
            Ok(_) => {}
            Err(denied) => match rejected(denied)? {
                Rejection::Replayed | Rejection::ReplayedAhead { .. } => {}
                _ => return Ok(self.go_to_code()),
            },
        }
        let (say, next) = self.after(&setup.purpose);
        let answer = self.renew_as_full(&half, factors, None, Some(say), &next)?;
        self.with_repeat(answer, code, &next)
    }

    /// The answer to a confirmed enrollment, also to a repeat.
    fn confirmed(&mut self, setup: Setup) -> GateAnswer {
        let (say, next) = self.after(&setup.purpose);
        self.session.setup = Some(Setup {
            confirmed: true,
            ..setup
        });
        self.say(say);
        self.redirect(&next)
    }

    fn after(&self, purpose: &Purpose) -> (Say, String) {
        let (done, next) = match purpose.clone() {
            Purpose::First => (Done::Enabled, self.path("/backup-codes")),
            Purpose::Another { name } => (Done::Added { name }, self.path("")),
            Purpose::Replacement { name } => (Done::Replaced { name }, self.path("")),
        };
        (Say::Done(done), next)
    }
}

/// How long after a confirmation its repeat can come, in seconds.
const REPEAT: u64 = 60;
