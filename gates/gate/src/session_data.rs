use countersign::session::{HalfSession, SignInFactors};
use countersign::{AuthenticatorId, EnrollmentId, SealedReceipt, Timestamp};
use serde::{Deserialize, Serialize};

use crate::say::Say;
use crate::sign_ins::SignInId;

/// The gate's part of a session: one text under one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    /// Whether this is what a renewal or a sign-out left under the old id of a session. An answer to
    /// a request with such a session sets and deletes no cookie, unless the gate says so.
    #[must_use]
    pub const fn is_moved(&self) -> bool {
        matches!(self.stage, StageData::Moved { .. })
    }
}

/// What an answer does to the session.
#[derive(Clone, Debug, PartialEq)]
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
        /// 16 bytes for the new id, if the session crate lets the adapter choose it. A repeat of the
        /// same form gets the same bytes.
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
