//! Switches the second factor off. This always needs the password and a code.

use super::proof::{Origin, ProofForm};
use super::visit::{Member, Visit};
use super::{Stop, rejected};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::{Change, Done, Message};
use crate::say::Say;
use crate::sign_ins::{RowsOfRequest, SignInStore};

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn ask_disable(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        if self.enabled(&member.account).await?.is_none() {
            return Ok(self.redirect(&self.path("")));
        }
        if !self.may_disable(&member.account).await? {
            return Ok(self.message(Message::NotFound));
        }
        let action = self.path("/disable");
        self.ask(&member, Change::Disable, &action, |_| {}).await
    }

    pub(crate) async fn disable(&mut self) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        let account = member.account.clone();
        if self.enabled(&account).await?.is_none() {
            return Ok(self.disabled(&mut member));
        }
        if !self.may_disable(&account).await? {
            return Ok(self.message(Message::NotFound));
        }
        let origin = Origin {
            path: self.path("/disable"),
            typed: None,
        };
        let proof = self
            .proof_of(&mut member, &form, &Change::Disable, &origin)
            .await?;
        let verifier = self.verifier(RowsOfRequest::keeping(&member.full.id));
        self.may_end(&account).await?;
        if let Err(denied) = verifier.disable(&account, proof.proof()).await {
            let rejection = rejected(denied)?;
            self.not_ended(&account).await?;
            if self.enabled(&account).await?.is_none() {
                // Another request did it.
                return Ok(self.disabled(&mut member));
            }
            return Err(self.change_refused(&mut member, rejection, &proof, &origin));
        }
        let rows = self.ended(&account, &member.full.id).await;
        self.notify(&account, What::Disabled).await;
        rows?;
        self.proof_was_enough(&mut member, &proof)?;
        Ok(self.disabled(&mut member))
    }

    fn disabled(&mut self, member: &mut Member) -> GateAnswer {
        self.without_second_factor(member);
        self.say(Say::Done(Done::Disabled));
        self.redirect(&self.path(""))
    }
}
