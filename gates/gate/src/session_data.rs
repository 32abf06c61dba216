use countersign::session::{HalfSession, SignInFactors};
use countersign::{AuthenticatorId, EnrollmentId, SealedReceipt, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::say::Say;
use crate::sign_ins::SignInId;

/// The gate's part of a session: one text under one key.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionData {
    /// The token of the forms. Empty until a page with a form was shown.
    #[serde(default, rename = "c", skip_serializing_if = "String::is_empty")]
    pub(crate) csrf: String,
    #[serde(default, rename = "s")]
    pub(crate) stage: StageData,
    /// A message for the next page.
    #[serde(default, rename = "f", skip_serializing_if = "Option::is_none")]
    pub(crate) flash: Option<Flash>,
    /// The enrollment that began in this session.
    #[serde(default, rename = "e", skip_serializing_if = "Option::is_none")]
    pub(crate) setup: Option<Setup>,
    /// The digest of the backup-code file that was shown last, until the user has saved it.
    #[serde(default, rename = "b", skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The authenticator that this session removed last, for a repeat of the form.
    #[serde(default, rename = "r", skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<RemovedOne>,
}

/// The stage, as the session stores it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum StageData {
    #[default]
    #[serde(rename = "a")]
    Anonymous,
    #[serde(rename = "h")]
    Half(Half),
    /// Names the row of a sign-in. Without the row it is worth nothing.
    #[serde(rename = "f")]
    Full(Full),
    /// This session was renewed or ended. What is left of it serves only the repeat of the form
    /// that renewed it.
    #[serde(rename = "m")]
    Moved {
        #[serde(rename = "h")]
        half: Option<Half>,
        at: Timestamp,
        #[serde(default, rename = "r", skip_serializing_if = "Option::is_none")]
        repeat: Option<Box<Repeat>>,
    },
}

/// What a repeat of the form gets that renewed a session.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repeat {
    /// Recognizes the form: its address and its code.
    pub(crate) form: String,
    /// The bytes of the new id.
    pub(crate) id: [u8; 16],
    /// The page that the form leads to.
    pub(crate) next: String,
    /// The data under the new id.
    pub(crate) data: SessionData,
}

/// The first factor was right.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Half {
    pub(crate) session: HalfSession,
    /// 16 random bytes as hexadecimal digits. The id of the sign-in is derived from them.
    pub(crate) secret: String,
    /// The id of the code form, as text of `RequestId`.
    pub(crate) request: String,
    /// The id of the form before, whose repeat can still come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// Whether the account must enroll before anything else.
    #[serde(default)]
    pub(crate) must_enroll: bool,
}

/// Signed in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Full {
    pub(crate) id: SignInId,
    /// 16 bytes as hexadecimal digits. The next id of the session is derived from them.
    pub(crate) secret: String,
    pub(crate) factors: SignInFactors,
    pub(crate) receipt: Option<SealedReceipt>,
}

/// A message for the next page. A form answers with a redirect, so that a reload does not send it
/// again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flash {
    pub(crate) say: Say,
    /// What was typed, if it is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typed: Option<String>,
}

/// An enrollment that began in this session, and its purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) id: EnrollmentId,
    pub(crate) purpose: Purpose,
    /// Whether it was confirmed, so that a repeat of the form gets the same answer.
    #[serde(default)]
    pub(crate) confirmed: bool,
}

/// An authenticator that was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RemovedOne {
    pub(crate) id: AuthenticatorId,
    pub(crate) name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    First,
    Another { name: String },
    Replacement { name: String },
}

/// Shows the stage only: the rest holds tokens.
impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            StageData::Anonymous => "anonymous",
            StageData::Half(_) => "half",
            StageData::Full(_) => "full",
            StageData::Moved { .. } => "moved",
        };
        f.debug_struct("SessionData")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Half")
            .field("session", &self.session)
            .field("must_enroll", &self.must_enroll)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Full")
            .field("factors", &self.factors)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeat")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl SessionData {
    /// Reads what [`to_text`](Self::to_text) wrote. Any other text counts as no session.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Returns the text for the session.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What stays under the id of a session that ended otherwise than by the gate: nothing that
    /// counts.
    #[must_use]
    pub const fn ended(at: Timestamp) -> Self {
        Self {
            csrf: String::new(),
            stage: StageData::Moved {
                half: None,
                at,
                repeat: None,
            },
            flash: None,
            setup: None,
            file: None,
            removed: None,
        }
    }

    /// Whether this is what a renewal or a sign-out left under the old id of a session. An answer
    /// to a request with such a session sets and deletes no cookie, unless the gate says so.
    #[must_use]
    pub const fn is_moved(&self) -> bool {
        matches!(self.stage, StageData::Moved { .. })
    }
}

/// What an answer does to the session.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one answer, on the stack"
)]
pub enum SessionChange {
    /// Nothing: write nothing, and set no cookie.
    Keep,
    /// Store this data in the session.
    Store(SessionData),
    /// Give the session a new id, and store the data under it. Your own data in the session moves
    /// with it.
    Renew {
        /// The data for the new id.
        data: SessionData,
        /// 16 bytes for the new id, if the session crate lets the adapter choose it. A repeat of
        /// the same form gets the same bytes.
        id: [u8; 16],
        /// What stays under the old id for [`LEFT_FOR`](Self::LEFT_FOR) seconds.
        left: SessionData,
    },
    /// End the session. `left` stays under the old id for [`LEFT_FOR`](Self::LEFT_FOR) seconds.
    End {
        /// What stays.
        left: SessionData,
    },
}

impl SessionChange {
    /// How long the rest of a session stays under its old id, in seconds.
    pub const LEFT_FOR: u64 = 60;
}

/// Hides the bytes of the new id.
impl fmt::Debug for SessionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("Keep"),
            Self::Store(data) => f.debug_tuple("Store").field(data).finish(),
            Self::Renew { data, left, .. } => f
                .debug_struct("Renew")
                .field("data", data)
                .field("left", left)
                .finish_non_exhaustive(),
            Self::End { left } => f.debug_struct("End").field("left", left).finish(),
        }
    }
}

/// A session that gets a new id, as an adapter gives it to a session crate.
#[derive(Clone)]
#[non_exhaustive]
pub struct Renewal {
    /// The text to store under the new id.
    pub text: String,
    /// 16 bytes for the new id, if the session crate lets you choose it. The repeat of a form has
    /// the same bytes: then the session with this id exists already, and must stay as it is.
    pub id: [u8; 16],
    /// The text that stays under the old id for [`LEFT_FOR`](SessionChange::LEFT_FOR) seconds.
    /// `None`: it is there already.
    pub left: Option<String>,
}

impl Renewal {
    /// Makes the renewal of [`SessionChange::Renew`]. The old id of a session that was moved before
    /// has its rest already.
    #[must_use]
    pub fn new(data: &SessionData, id: [u8; 16], left: &SessionData, was_moved: bool) -> Self {
        Self {
            text: data.to_text(),
            id,
            left: (!was_moved).then(|| left.to_text()),
        }
    }
}

/// Hides everything: the texts have tokens, and the bytes become the id of a signed-in session.
impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{GateAnswer, GateRequest, Headers};
    use countersign::FirstFactor;
    use countersign::session::SecondFactorUse;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    #[test]
    fn debug_of_a_renewal_shows_nothing() {
        let renewal = Renewal {
            text: "5ec2e7".to_owned(),
            id: [0x5e; 16],
            left: Some("5ec2e7".to_owned()),
        };
        let shown = format!("{renewal:?}");
        assert!(
            !shown.contains("5ec2e7") && !shown.contains("94"),
            "{shown}"
        );
    }

    #[test]
    fn debug_shows_no_token() {
        let token = || "5ec2e7".repeat(5) + "00";
        let half = Half {
            session: HalfSession::new(1_u32.into(), FirstFactor::password(NOW)),
            secret: token(),
            request: token(),
            previous: Some(token()),
            must_enroll: false,
        };
        let full = Full {
            id: token().parse().unwrap(),
            secret: token(),
            factors: SignInFactors {
                first: FirstFactor::password(NOW),
                second: SecondFactorUse::Passcode,
                second_at: NOW,
            },
            receipt: Some(token().into()),
        };
        let data = |stage| SessionData {
            csrf: token(),
            stage,
            file: Some(token()),
            ..SessionData::default()
        };
        let repeat = Repeat {
            form: token(),
            id: [0x5e; 16],
            next: "/".into(),
            data: data(StageData::Full(full.clone())),
        };
        let moved = StageData::Moved {
            half: Some(half.clone()),
            at: NOW,
            repeat: Some(Box::new(repeat)),
        };
        let change = SessionChange::Renew {
            data: data(StageData::Full(full.clone())),
            id: [0x5e; 16],
            left: data(moved.clone()),
        };
        let headers = Headers {
            csrf_token: Some(token()),
            ..Headers::default()
        };
        let request = GateRequest {
            body: token().into_bytes(),
            query: token(),
            headers,
            session: data(StageData::Half(half.clone())),
            ..GateRequest::default()
        };
        let answer = GateAnswer {
            body: token().into_bytes(),
            session: change.clone(),
            ..GateAnswer::empty(200)
        };
        let shown = format!("{half:?} {full:?} {moved:?} {change:?} {request:?} {answer:?}");
        assert!(shown.contains("half") && shown.contains("full"), "{shown}");
        for secret in ["5ec2e7", "94, 94", "53, 101, 99"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
