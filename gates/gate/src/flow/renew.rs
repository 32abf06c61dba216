//! Gives the session of a signed-in user a new id after an accepted code. A repeat of the form that
//! arrives with the old id gets the same new session.

use serde::Deserialize;

use super::Stop;
use super::visit::Visit;
use crate::accounts::{Accounts, BoxError};
use crate::exchange::GateAnswer;
use crate::random::{self, Use};
use crate::session_data::{Full, Repeat, SessionChange, SessionData, StageData};
use crate::sign_ins::SignInStore;

/// The new id, and what recognizes the form.
#[derive(Clone, Debug)]
pub(super) struct NewSession {
    id: [u8; 16],
    form: String,
}

#[derive(Deserialize)]
struct CodeField {
    #[serde(default)]
    code: String,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    /// The answer to this request gives the session a new id, because it accepted this code.
    pub(super) fn renew_after(&mut self, full: &mut Full, code: &str) -> Result<(), Stop> {
        let form = self.form_with(code);
        let id = random::derive(&full.secret, &form, Use::SessionId)?;
        full.secret = random::hex(random::derive(&full.secret, &form, Use::Secret)?);
        self.renewal = Some(NewSession {
            id,
            form: recognizes(id, &form)?,
        });
        Ok(())
    }

    /// What an answer does to the session, if the form leads to the page `next`.
    pub(super) fn session_change(&self, next: &str) -> SessionChange {
        let data = self.session.clone();
        match &self.renewal {
            Some(NewSession { id, form }) => SessionChange::Renew {
                left: SessionData {
                    csrf: data.csrf.clone(),
                    stage: StageData::Moved {
                        half: None,
                        at: self.now,
                        repeat: Some(Box::new(Repeat {
                            form: form.clone(),
                            id: *id,
                            next: next.to_owned(),
                            data: data.clone(),
                        })),
                    },
                    ..SessionData::default()
                },
                id: *id,
                data,
            },
            None if data == self.request.session => SessionChange::Keep,
            None => SessionChange::Store(data),
        }
    }

    /// Lets a repeat of this form, which renews the session of a half-signed-in user, have the same
    /// answer.
    pub(super) fn with_repeat(
        &self,
        mut answer: GateAnswer,
        code: &str,
        next: &str,
    ) -> Result<GateAnswer, Stop> {
        if let SessionChange::Renew { data, id, left } = &mut answer.session
            && let StageData::Moved { repeat, .. } = &mut left.stage
        {
            *repeat = Some(Box::new(Repeat {
                form: recognizes(*id, &self.form_with(code))?,
                id: *id,
                next: next.to_owned(),
                data: data.clone(),
            }));
        }
        Ok(answer)
    }

    /// The answer to a repeat of the form that renewed this session: the same new session, and the
    /// page that the form leads to.
    pub(super) fn repeated(&mut self) -> Result<Option<GateAnswer>, Stop> {
        let StageData::Moved {
            repeat: Some(repeat),
            at,
            ..
        } = &self.session.stage
        else {
            return Ok(None);
        };
        let in_time = self.now.saturating_since(*at) <= SessionChange::LEFT_FOR;
        if !self.request.post || !in_time {
            return Ok(None);
        }
        let repeat = repeat.clone();
        let CodeField { code } = self.form()?;
        let form = recognizes(repeat.id, &self.form_with(&code))?;
        if !random::is_token(&repeat.form, &form) {
            return Ok(None);
        }
        Ok(Some(GateAnswer {
            session: SessionChange::Renew {
                data: repeat.data,
                id: repeat.id,
                left: self.session.clone(),
            },
            ..self.redirect(&repeat.next)
        }))
    }

    /// The address of a form, and the code in it.
    fn form_with(&self, code: &str) -> String {
        format!("{}?{}\0{code}", self.request.path, self.request.query)
    }
}

fn recognizes(id: [u8; 16], form: &str) -> Result<String, BoxError> {
    Ok(random::hex(random::derive(
        &random::hex(id),
        form,
        Use::Form,
    )?))
}
