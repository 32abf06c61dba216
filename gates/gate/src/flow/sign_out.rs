//! Ends a sign-in and its session.

use super::Stop;
use super::visit::{NoFields, Sender, Visit};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::session_data::SessionChange;
use crate::sign_ins::{SignInRows, SignInStore};

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// The gate's own form for it.
    pub(crate) async fn leave(&mut self) -> Result<GateAnswer, Stop> {
        let sender = self.sender().await?;
        if let Sender::Half(_) | Sender::Full(_) = sender {
            let NoFields {} = self.form()?;
        }
        self.end_of(sender).await
    }

    /// The application's own form for it.
    pub(crate) async fn end(&mut self) -> Result<GateAnswer, Stop> {
        let sender = self.sender().await?;
        self.end_of(sender).await
    }

    async fn end_of(&mut self, sender: Sender) -> Result<GateAnswer, Stop> {
        let answer = self.redirect(&self.flow.settings.sign_in);
        match sender {
            // Another request ended or renewed this session, or there is none.
            Sender::Moved { .. } | Sender::Anonymous => {
                return Ok(GateAnswer {
                    session: SessionChange::Keep,
                    ..answer
                });
            }
            Sender::Half(_) => {}
            Sender::Full(member) => {
                self.flow.rows().end(&member.full.id).await?;
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
