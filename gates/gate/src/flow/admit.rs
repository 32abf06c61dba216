//! Whether a request may have a page of the application.

use countersign::session::{Access, Freshness, Refused, Stage, StepUp};

use super::Stop;
use super::prove::{Asked, prove_path};
use super::visit::{Sender, Visit, is_same_site};
use crate::accounts::Accounts;
use crate::gate::{SignedInVisitor, Visitor};
use crate::page::Message;
use crate::sign_ins::SignInStore;

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn admit(&mut self, access: Access) -> Result<Visitor, Stop> {
        if self.request.post && !is_same_site(&self.request.headers) {
            return Err(self.message(Message::NotOurForm).into());
        }
        let sender = self.sender().await?;
        let stage = match &sender {
            Sender::Anonymous | Sender::Moved { .. } => Stage::Anonymous,
            Sender::Half(half) => Stage::FirstFactor(half.session.clone()),
            Sender::Full(member) => Stage::Full(member.full.factors),
        };
        match stage.admit(access, self.now) {
            Ok(()) => Ok(self.visitor(sender)),
            Err(Refused::StepUp(step_up)) => {
                let freshness = match access {
                    Access::Fresh(freshness) => Some(freshness),
                    _ => None,
                };
                Err(self.step_up(step_up, freshness, &stage))
            }
            Err(_) => {
                // The first page may be closed itself, so a session that has moved does not go
                // there.
                let sender = match sender {
                    Sender::Moved { .. } => Sender::Anonymous,
                    known => known,
                };
                Err(self.send_away(&sender))
            }
        }
    }

    fn visitor(&self, sender: Sender) -> Visitor {
        match sender {
            Sender::Anonymous | Sender::Moved { .. } => Visitor::Anonymous,
            Sender::Half(half) => Visitor::Half {
                account: half.session.account().clone(),
            },
            Sender::Full(member) => Visitor::Full(SignedInVisitor {
                account: member.account,
                sign_in: member.full.id,
                factors: member.full.factors,
                csrf: self.session.csrf.clone(),
            }),
        }
    }

    /// Asks for a fresh factor first, and comes back to this page.
    fn step_up(&mut self, step_up: StepUp, freshness: Option<Freshness>, stage: &Stage) -> Stop {
        if self.wants_json() {
            let mut answer = self.message(Message::StepUp);
            let challenge = freshness.map(|freshness| freshness.challenge());
            let header = challenge.map(|challenge| ("www-authenticate", challenge));
            answer.headers.extend(header);
            return answer.into();
        }
        let asked = match (freshness, stage) {
            (Some(freshness), Stage::Full(factors)) => {
                Asked::for_access(freshness, factors, self.now)
            }
            _ => Asked::NOTHING,
        };
        let page = match step_up {
            StepUp::Enroll => self.path("/setup"),
            _ => {
                let to = match self.request.query.as_str() {
                    "" => self.request.path.clone(),
                    query => format!("{}?{query}", self.request.path),
                };
                self.path(&prove_path(&to, asked))
            }
        };
        self.redirect(&page).into()
    }
}

/// A path of this site that a user may be sent to.
pub(super) fn own_path(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let second = text.as_bytes().get(1);
    let own = text.starts_with('/') && second != Some(&b'/') && text.bytes().all(is_plain);
    own.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for own in ["/", "/a", "/a/b?c=d&e=%2F%2F"] {
            assert_eq!(own_path(own), Some(own));
        }
        for other in [
            "",
            "a",
            "//a",
            "/\\a",
            "\\/a",
            "https://a",
            "/a b",
            "/a\nb",
            "/ä",
            "javascript:a",
        ] {
            assert_eq!(own_path(other), None, "{other:?}");
        }
    }
}
