mod overview;

use countersign::Timestamp;
use countersign::backup::BackupCodes;
use countersign::factor::BackupCodeSetId;
use countersign::otp::SecretText;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::words::Language;
pub use overview::{
    AuthenticatorEntry, BackupCodesEntry, DeviceEntry, DevicesPage, OverviewPage, PendingCodesEntry,
};

/// A page, before it becomes HTML or JSON.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// What all pages have.
    pub frame: Frame,
    /// What this page has.
    pub content: Content,
}

/// What all pages have.
#[derive(Clone)]
#[non_exhaustive]
pub struct Frame {
    /// The name of your service.
    pub service: String,
    /// The language of the words.
    pub language: Language,
    /// The path of the gate's pages, without a slash at the end: `/two-factor`.
    pub prefix: String,
    /// Your sign-in page.
    pub sign_in: String,
    /// Your page after the sign-in.
    pub home: String,
    /// The token that every form sends in the field `csrf`.
    pub csrf: String,
    /// A message that something went well.
    pub notice: Option<String>,
    /// What went wrong with the form on this page.
    pub problem: Option<FormProblem>,
    /// What was typed into the field for a name.
    pub typed: Option<String>,
    /// The name of the account, if it is known.
    pub account_name: Option<String>,
    /// Who looks at the page.
    pub viewer: Viewer,
}

/// Hides the token.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("language", &self.language)
            .field("viewer", &self.viewer)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// Who looks at a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Viewer {
    /// Nobody is known.
    #[default]
    Anonymous,
    /// The second factor is missing.
    Half,
    /// The user is signed in.
    Full,
}

/// What went wrong with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormProblem {
    /// What it says.
    pub text: String,
    /// The field to correct, if there is one.
    pub field: Option<Field>,
}

impl FormProblem {
    pub(crate) const fn new(text: String, field: Option<Field>) -> Self {
        Self { text, field }
    }
}

/// Something that went well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Done {
    /// The second factor is on. Backup codes come next.
    Enabled,
    /// An authenticator was added.
    Added {
        /// Its name.
        name: String,
    },
    /// An authenticator was replaced.
    Replaced {
        /// Its name.
        name: String,
    },
    /// An authenticator was removed.
    Removed {
        /// Its name.
        name: String,
    },
    /// The second factor is off.
    Disabled,
    /// The user has saved the backup codes.
    CodesSaved,
    /// The new backup codes are discarded. The earlier ones stay valid.
    CodesDiscarded,
    /// An enrollment was cancelled.
    SetupCancelled,
    /// The user signed in with a backup code.
    BackupCodeUsed {
        /// The number of the code in its set, from 1.
        number: u8,
        /// The number of codes left.
        remaining: u8,
    },
    /// The user signed out.
    SignedOut,
    /// A known browser was forgotten.
    BrowserForgotten,
    /// All known browsers were forgotten.
    BrowsersForgotten,
}

/// A field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Field {
    /// `code`, or the first of the codes in a row.
    Code,
    /// `password`.
    Password,
    /// `name`: the name of an authenticator.
    Name,
}

/// What a page has of its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// Asks for a code, after the first factor.
    Code(CodePage),
    /// Asks for codes in a row, while a limit holds the account.
    Codes(CodesPage),
    /// The second factor of the account.
    Overview(OverviewPage),
    /// The browsers that the account knows.
    Devices(DevicesPage),
    /// Shows the QR code and the key, and asks for the first passcode.
    Setup(SetupPage),
    /// Explains a change, and asks for the proof.
    Prove(ProvePage),
    /// Shows new backup codes, once.
    BackupCodes(BackupCodesPage),
    /// A message with a link.
    Message(MessagePage),
}

/// Asks for a code.
#[derive(Debug)]
#[non_exhaustive]
pub struct CodePage {
    /// The id that makes a repeat of the form recognizable, for the field `request`.
    pub request: String,
    /// Whether the user must wait.
    pub wait: Option<Wait>,
    /// How many codes in a row can replace the wait, if they can. During an alarm, they replace one
    /// passcode.
    pub in_a_row: Option<u8>,
    /// Whether a backup code replaces the wait, because it has at least 112 bits.
    pub backup_code: bool,
    /// Whether backup codes have letters. If not, phones show only digits to type.
    pub letters: bool,
    /// For how many days the browser can sign in without a code, if the form may ask for it by the
    /// field `trust`, which is `true`.
    pub trust_days: Option<u8>,
}

/// Asks for codes in a row, in the fields `code_1`, `code_2` and so on.
#[derive(Debug)]
#[non_exhaustive]
pub struct CodesPage {
    /// The id that makes a repeat of the form recognizable, for the field `request`.
    pub request: String,
    /// How many codes.
    pub count: u8,
}

/// A limit that holds the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Until this time.
    Until {
        /// The end.
        at: Timestamp,
        /// The seconds until then, as the server sees it.
        seconds: u64,
    },
    /// Until staff unlocks the account.
    Locked,
    /// A clock of the servers is wrong.
    ClockFault,
}

/// Shows a new authenticator.
#[non_exhaustive]
pub struct SetupPage {
    /// The name of the enrollment in addresses.
    pub tag: String,
    /// The QR code: an SVG element.
    pub qr: SecretText,
    /// The key to type, in groups.
    pub key: SecretText,
    /// The key URI: a link that opens an app on this device.
    pub link: SecretText,
    /// The name of the account in the app.
    pub account_name: String,
    /// The name of the service in the app.
    pub issuer: String,
    /// The number of digits of a passcode.
    pub digits: u8,
    /// The seconds that a passcode is shown.
    pub period: u64,
    /// The hash function, as apps name it: `SHA1`.
    pub algorithm: String,
    /// When the enrollment ends.
    pub expires_at: Timestamp,
    /// The seconds until then.
    pub expires_in: u64,
    /// What the new authenticator is for.
    pub purpose: SetupPurpose,
}

/// What a new authenticator is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupPurpose {
    /// The first one: it switches the second factor on.
    First,
    /// Another one.
    Another {
        /// Its name.
        name: String,
    },
    /// It replaces an authenticator.
    Replacement {
        /// The name of both.
        name: String,
    },
}

impl fmt::Debug for SetupPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupPage").finish_non_exhaustive()
    }
}

/// What a change needs a proof for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Switch the second factor on.
    Enable,
    /// Add an authenticator.
    Add,
    /// Replace an authenticator by a new one.
    Replace {
        /// Its name.
        name: String,
    },
    /// Remove an authenticator.
    Remove {
        /// Its name.
        name: String,
        /// Whether it is the last one.
        last: bool,
    },
    /// Switch the second factor off.
    Disable,
    /// Issue backup codes.
    IssueBackupCodes {
        /// Whether there is an earlier set, which the new one will replace.
        replaces: bool,
    },
    /// Reach a page of your application that needs fresh factors.
    Reach,
}

/// Explains a change, and asks for the proof.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProvePage {
    /// The change.
    pub change: Change,
    /// The address that the form is sent to, from the root.
    pub action: String,
    /// The address of "Cancel".
    pub back: String,
    /// Whether the password is asked for.
    pub password: bool,
    /// Whether a code is asked for.
    pub code: bool,
    /// A name to suggest, if the form asks for one.
    pub name: Option<String>,
    /// The address to go to afterwards, for [`Change::Reach`].
    pub to: Option<String>,
    /// A token for the field `once`, if the form works once.
    pub once: Option<String>,
    /// Whether the user must wait before a code is checked.
    pub wait: Option<Wait>,
    /// Whether backup codes have letters. If not, phones show only digits to type.
    pub letters: bool,
}

/// What is true of the backup codes before the new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EarlierCodes {
    /// There were none.
    None,
    /// They are valid until the user has saved the new ones, or uses one of them.
    Valid,
    /// They are no longer valid.
    Ended,
}

/// Shows new backup codes.
#[non_exhaustive]
pub struct BackupCodesPage {
    /// The codes.
    pub codes: BackupCodes,
    /// The id of the set, for the field `set`.
    pub set: BackupCodeSetId,
    /// What is true of the earlier codes.
    pub earlier: EarlierCodes,
    /// The date, as the file has it.
    pub date: String,
    /// The text file.
    pub file: SecretText,
    /// Its name.
    pub file_name: String,
}

impl fmt::Debug for BackupCodesPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupCodesPage").finish_non_exhaustive()
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessagePage {
    /// What it says.
    pub message: Message,
}

/// The messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// The record of the second factor is lost or out of date.
    RecordLost,
    /// The form came from elsewhere, or its token is old.
    NotOurForm,
    /// Something failed in the server.
    Failed,
    /// There is no such page.
    NotFound,
    /// The page does not take this method.
    MethodNotAllowed,
    /// The body is no form, or a field is missing or too long.
    Malformed,
    /// Another enrollment replaced this one.
    SetupReplaced,
    /// The enrollment was not confirmed in time.
    SetupExpired,
    /// Too many wrong codes: the enrollment is over.
    SetupTooManyTries,
    /// The enrollment is over.
    SetupOver,
    /// The second factor changed during the sign-in. The user signs in again.
    ChangedMeanwhile,
    /// The backup codes are no longer there to download.
    CodesGone,
    /// The session is not signed in. Only JSON shows it; a browser is sent to the sign-in page.
    SignIn,
    /// The second factor is missing. Only JSON shows it; a browser is sent to the code page.
    EnterCode,
    /// The factors are too old. Only JSON shows it; a browser is sent to the page that asks for
    /// them.
    StepUp,
}
