//! Adds, replaces and removes authenticators.

use countersign::factor::{AuthenticatorStatus, EnabledStatus};
use countersign::{AuthenticatorId, AuthenticatorName, EnrollmentRequest, Rejection};

use super::proof::{Origin, OwnedProof, ProofForm};
use super::visit::{Member, Visit};
use super::{Stop, rejected};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::{Change, Done, Message};
use crate::problem::Problem;
use crate::say::Say;
use crate::session_data::{Purpose, RemovedOne};
use crate::sign_ins::{RowsOfRequest, SignInStore};

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn ask_add(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let Some(enabled) = self.enabled(&member.account).await? else {
            return Ok(self.redirect(&self.path("/setup")));
        };
        let number = enabled.authenticators.len().saturating_add(1);
        let action = self.path("/add");
        self.ask(&member, Change::Add, &action, |page| {
            page.name = Some(format!("{} {number}", AuthenticatorName::default()));
        })
        .await
    }

    pub(crate) async fn add(&mut self) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        if self.enabled(&member.account).await?.is_none() {
            return Ok(self.redirect(&self.path("/setup")));
        }
        let origin = Origin {
            path: self.path("/add"),
            typed: Some(form.name.clone()),
        };
        let name = match AuthenticatorName::new(&form.name) {
            Ok(name) => name,
            Err(error) => return Err(self.refused_at(Problem::from(error), &origin)),
        };
        let change = Change::Add;
        let proof = self.proof_of(&mut member, &form, &change, &origin).await?;
        let request = self.enrollment_request(&member.account, None).await?;
        let purpose = Purpose::Another {
            name: name.to_string(),
        };
        let request = request.authenticator_name(name);
        self.begin(&mut member, request, &proof, purpose, &origin)
            .await
    }

    pub(crate) async fn ask_replace(&mut self, id: &str) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let (_, found) = self.authenticator(&member, id).await?;
        let change = Change::Replace {
            name: found.name.to_string(),
        };
        let action = self.path(&format!("/authenticators/{id}/replace"));
        self.ask(&member, change, &action, |_| {}).await
    }

    pub(crate) async fn replace(&mut self, id: &str) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        let (_, found) = self.authenticator(&member, id).await?;
        let name = found.name.to_string();
        let origin = Origin {
            path: self.path(&format!("/authenticators/{id}/replace")),
            typed: None,
        };
        let change = Change::Replace { name: name.clone() };
        let proof = self.proof_of(&mut member, &form, &change, &origin).await?;
        let request = self.enrollment_request(&member.account, Some(found.id));
        let request = request.await?.authenticator_name(found.name);
        let purpose = Purpose::Replacement { name };
        self.begin(&mut member, request, &proof, purpose, &origin)
            .await
    }

    async fn begin(
        &mut self,
        member: &mut Member,
        request: EnrollmentRequest,
        proof: &OwnedProof,
        purpose: Purpose,
        origin: &Origin,
    ) -> Result<GateAnswer, Stop> {
        let account = member.account.clone();
        match self
            .begin_enrollment(&account, request, proof, purpose)
            .await?
        {
            Ok(path) => {
                self.proof_was_enough(member, proof)?;
                Ok(self.redirect(&path))
            }
            Err(rejection) => Err(self.change_refused(member, rejection, proof, origin)),
        }
    }

    pub(crate) async fn ask_remove(&mut self, id: &str) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let (enabled, found) = self.authenticator(&member, id).await?;
        if enabled.authenticators.len() == 1 {
            return Ok(self.redirect(&self.path("/disable")));
        }
        let change = Change::Remove {
            name: found.name.to_string(),
            last: false,
        };
        let action = self.path(&format!("/authenticators/{id}/remove"));
        self.ask(&member, change, &action, |_| {}).await
    }

    /// Removes one of several authenticators. To remove the last one is to disable.
    pub(crate) async fn remove(&mut self, id: &str) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        if let Some(removed) = self.session.removed.clone()
            && removed.id.to_string() == id
        {
            return Ok(self.removed_one(removed));
        }
        let (enabled, found) = self.authenticator(&member, id).await?;
        if enabled.authenticators.len() == 1 {
            return Ok(self.redirect(&self.path("/disable")));
        }
        let removed = RemovedOne {
            id: found.id,
            name: found.name.to_string(),
        };
        let change = Change::Remove {
            name: removed.name.clone(),
            last: false,
        };
        let origin = Origin {
            path: self.path(&format!("/authenticators/{id}/remove")),
            typed: None,
        };
        let proof = self.proof_of(&mut member, &form, &change, &origin).await?;
        let account = member.account.clone();
        let rows = RowsOfRequest::keeping(&member.full.id);
        let verifier = self.verifier(rows);
        let removal = verifier.remove_authenticator_unless_last(&account, found.id, proof.proof());
        if let Err(denied) = removal.await {
            return match rejected(denied)? {
                // Another request has removed the other one.
                Rejection::LastAuthenticator => Ok(self.redirect(&self.path("/disable"))),
                // Another request did it.
                Rejection::UnknownAuthenticator | Rejection::Disabled => {
                    Ok(self.removed_one(removed))
                }
                rejection => Err(self.change_refused(&mut member, rejection, &proof, &origin)),
            };
        }
        let rows = self.removed(&account, &member.full.id).await;
        let name = removed.name.clone();
        self.notify(&account, What::Removed { name }).await;
        rows?;
        self.proof_was_enough(&mut member, &proof)?;
        Ok(self.removed_one(removed))
    }

    fn removed_one(&mut self, removed: RemovedOne) -> GateAnswer {
        let name = removed.name.clone();
        self.session.removed = Some(removed);
        self.say(Say::Done(Done::Removed { name }));
        self.redirect(&self.path(""))
    }

    /// One of the user's own authenticators. Any other id is not found.
    async fn authenticator(
        &self,
        member: &Member,
        id: &str,
    ) -> Result<(EnabledStatus, AuthenticatorStatus), Stop> {
        let enabled = self.enabled(&member.account).await?;
        let id = id.parse::<AuthenticatorId>().ok();
        let found = enabled.and_then(|enabled| {
            let mut all = enabled.authenticators.iter();
            let found = all.find(|one| Some(one.id) == id).cloned();
            found.map(|found| (enabled, found))
        });
        found.ok_or_else(|| self.message(Message::NotFound).into())
    }
}
