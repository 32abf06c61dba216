//! Ends a sign-in and its session.

use serde::Deserialize;

use super::Stop;
use super::visit::{Sender, Visit};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::session_data::SessionChange;
use crate::sign_ins::{SignInRows, SignInStore};

#[derive(Deserialize)]
struct Nothing {}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// The gate's own form for it.
    pub(crate) async fn leave(&mut self) -> Result<GateAnswer, Stop> {
        if let Sender::Half(_) | Sender::Full(_) = self.sender().await? {
            let Nothing {} = self.form()?;
        }
        self.end().await
    }

    pub(crate) async fn end(&mut self) -> Result<GateAnswer, Stop> {
        let answer = self.redirect(&self.flow.settings.sign_in);
        match self.sender().await? {
            // Another request ended or renewed this session, or there is none.
            Sender::Moved { .. } | Sender::Anonymous => {
                return Ok(GateAnswer {
                    session: SessionChange::Keep,
                    ..answer
                });
            }
            Sender::Half(_) => {}
            Sender::Full(member) => {
                self.flow
                    .verifier
                    .store()
                    .rows()
                    .end(&member.full.id)
                    .await?;
            }
        }
        Ok(GateAnswer {
            session: SessionChange::End {
                left: self.left(None),
            },
            ..answer
        })
    }
}
