use countersign::Timestamp;
use countersign::backup::BackupCodeFile;
use std::time::Duration;

use super::devices::DeviceWords;
use crate::notice::What;
use crate::page::{Change, Done, Message};
use crate::problem::Problem;

/// All texts of the pages in one language.
///
/// A text with a gap is a function. All texts are plain: the pages escape them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Words {
    // Every page.
    /// "Skip to content".
    pub skip: &'static str,
    /// "Error: ", in front of the title of a page.
    pub error: &'static str,
    /// "Sign out".
    pub sign_out: &'static str,
    /// "Use another account": ends a half session.
    pub other_account: &'static str,
    /// "Cancel": leaves a page without a change.
    pub cancel: &'static str,
    /// "Try again": asks the server whether a wait is over.
    pub try_again: &'static str,
    /// "Copied", after a button copied a text.
    pub copied: &'static str,
    /// "Your browser does not allow copying. Select the text and copy it."
    pub copy_failed: &'static str,
    /// A span of time after "in" or "within": "3 minutes".
    pub span: fn(Duration) -> String,
    /// A date: "15 January 2027".
    pub date: fn(Timestamp) -> String,
    /// A date with its time in UTC: "15 January 2027, 08:00 UTC". A script shows local time
    /// instead.
    pub date_and_time: fn(Timestamp) -> String,
    /// A time of day in UTC: "08:00 UTC". A script replaces it by local time.
    pub time_of_day: fn(Timestamp) -> String,

    // Fields.
    /// "Code".
    pub code: &'static str,
    /// "From your authenticator app, or a backup code."
    pub code_hint: &'static str,
    /// "Your password".
    pub password: &'static str,
    /// "Name".
    pub name: &'static str,

    // The code page.
    /// "Enter your code".
    pub code_title: &'static str,
    /// What to enter, for the account of this name, if it is known.
    pub code_explained: fn(Option<&str>) -> String,
    /// "Sign in".
    pub sign_in: &'static str,
    /// "Lost your phone?".
    pub lost_phone: &'static str,
    /// What a backup code is, if the field for it is on the page.
    pub lost_phone_explained: &'static str,
    /// What a backup code is, while the user must wait.
    pub lost_phone_later: &'static str,
    /// A backup code is accepted now, although the user must wait.
    pub backup_code_instead: &'static str,
    /// What to do without phone and backup codes.
    pub lost_everything: &'static str,
    /// "Too many wrong codes. You can try again in 3 minutes.", with the span of time as a gap.
    pub wait: fn(&str) -> String,
    /// "Time left", for the clock that a script shows.
    pub time_left: &'static str,
    /// "You can enter a code now.", at the end of the wait.
    pub wait_over: &'static str,
    /// That the second factor is locked.
    pub locked: &'static str,
    /// That no code can be checked now.
    pub clock_fault: &'static str,
    /// That so many codes in a row can replace the wait.
    pub codes_instead: fn(u8) -> String,
    /// The link to the page for codes in a row.
    pub codes_link: fn(u8) -> String,

    // Codes in a row.
    /// "Enter 3 codes in a row".
    pub codes_title: fn(u8) -> String,
    /// How to enter so many codes.
    pub codes_explained: fn(u8) -> String,
    /// "Code 1 of 3".
    pub code_of: fn(u8, u8) -> String,

    // The overview.
    /// "Two-factor authentication".
    pub overview_title: &'static str,
    /// "On".
    pub on: &'static str,
    /// "Off".
    pub off: &'static str,
    /// What it does, if it is on.
    pub on_explained: &'static str,
    /// What it does, if it is off.
    pub off_explained: &'static str,
    /// That the account needs it from this date on.
    pub enroll_by: fn(&str) -> String,
    /// "Enable 2FA".
    pub enable: &'static str,
    /// "Added", before a date.
    pub added: &'static str,
    /// "last used", before a date.
    pub last_used: &'static str,
    /// "Move to a new phone".
    pub replace: &'static str,
    /// "Move to a new phone from Tablet": what a screen reader says instead of `replace`, with the
    /// name of the authenticator. Keep the words of `replace` together, for speech input.
    pub replace_of: fn(&str) -> String,
    /// "Remove".
    pub remove: &'static str,
    /// "Remove Tablet": what a screen reader says instead of `remove`, with the name of the
    /// authenticator.
    pub remove_of: fn(&str) -> String,
    /// "Add another authenticator".
    pub add: &'static str,
    /// "Turn off".
    pub disable: &'static str,
    /// "Backup codes".
    pub backup_codes: &'static str,
    /// "7 of 10 left".
    pub codes_left: fn(usize, usize) -> String,
    /// "Made", before a date.
    pub codes_made: &'static str,
    /// "used", before a date.
    pub code_used: &'static str,
    /// "not used".
    pub code_unused: &'static str,
    /// That so few codes are left; none, if the number is 0.
    pub codes_few: fn(usize) -> String,
    /// That nobody said that new codes of this date are saved, and that the earlier ones are valid.
    pub codes_pending: fn(&str) -> String,
    /// "Discard the new codes".
    pub discard: &'static str,
    /// That there are no codes.
    pub codes_never: &'static str,
    /// "Generate backup codes".
    pub issue: &'static str,
    /// "Generate new backup codes".
    pub issue_again: &'static str,

    // Known browsers.
    /// The words about known browsers.
    pub devices: DeviceWords,

    // The enrollment.
    /// "Set up your authenticator app".
    pub setup_title: &'static str,
    /// "Move to a new phone".
    pub replacement_title: &'static str,
    /// That the authenticator of this name works until the new one is confirmed.
    pub replacement_explained: fn(&str) -> String,
    /// "No app yet?", above the names of apps.
    pub get_app: &'static str,
    /// Which apps.
    pub apps: &'static str,
    /// "Add the account to the app".
    pub add_account: &'static str,
    /// "Open the app", for an app on this device.
    pub open_app: &'static str,
    /// What to do, on a wide screen.
    pub app_here: &'static str,
    /// "QR code for another device": a link on a narrow screen.
    pub to_qr: &'static str,
    /// "For an app on another device.", below the QR code.
    pub scan: &'static str,
    /// "QR code for your authenticator app", the name of the picture.
    pub qr: &'static str,
    /// "Key".
    pub key: &'static str,
    /// "Copy the key".
    pub copy_key: &'static str,
    /// "What else the app may ask for".
    pub details: &'static str,
    /// "Account".
    pub account: &'static str,
    /// "Issuer".
    pub issuer: &'static str,
    /// "Type".
    pub kind: &'static str,
    /// "time-based (TOTP)".
    pub time_based: &'static str,
    /// "Digits".
    pub digits: &'static str,
    /// "6, every 30 seconds".
    pub digits_every: fn(u8, u64) -> String,
    /// "Algorithm".
    pub algorithm: &'static str,
    /// "Enter the 6-digit code from the app".
    pub confirm: fn(u8) -> String,
    /// "Confirm", for another authenticator.
    pub confirm_button: &'static str,
    /// "Replace".
    pub replace_button: &'static str,
    /// "Cancel the setup".
    pub setup_cancel: &'static str,
    /// "Confirm within 10 minutes, by 08:10 UTC.", with a span of time and a time of day.
    pub setup_ends: fn(&str, &str) -> String,

    // New backup codes.
    /// "Example backup codes", with the name of the service.
    pub codes_page_title: fn(&str) -> String,
    /// When they were made, and what they do.
    pub codes_page_explained: fn(&str) -> String,
    /// That they are shown only once. There were no codes before.
    pub save_now: &'static str,
    /// The same, and that the earlier codes are valid until the user has saved these.
    pub save_now_pending: &'static str,
    /// The same, and that the earlier codes are no longer valid.
    pub save_now_ended: &'static str,
    /// Advice on paper.
    pub codes_on_paper: &'static str,
    /// "Download".
    pub download: &'static str,
    /// "Copy".
    pub copy: &'static str,
    /// "Print".
    pub print: &'static str,
    /// "I have saved these".
    pub saved: &'static str,
    /// The text of the file for the name of the service and a date.
    pub file: fn(&str, &str) -> BackupCodeFile,

    // Messages.
    /// The page that asks for a proof.
    pub change: fn(&Change) -> ChangeWords,
    /// The page of a message.
    pub message: fn(Message) -> MessageWords,
    /// What went well.
    pub done: fn(&Done) -> String,
    /// What went wrong.
    pub problem: fn(&Problem) -> String,
    /// The link to the overview.
    pub to_overview: &'static str,
    /// The link to the sign-in page.
    pub to_sign_in: &'static str,
    /// The link to the code page.
    pub to_code: &'static str,
    /// The link to a new enrollment.
    pub to_setup: &'static str,

    // What the owner of an account reads about a notice.
    /// A line for the log of the account: "Signed in with a password and a code".
    pub event: fn(&What) -> String,
    /// The mail to the owner. `None`: a sign-in or a wrong code needs none.
    pub mail: fn(&What) -> Option<MailWords>,
}

/// A mail to the owner of an account. Add the name of your service, and what to do if the reader
/// knows nothing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailWords {
    /// The subject, without a full stop.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// The page that explains a change and asks for the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeWords {
    /// The title.
    pub title: String,
    /// What the change does.
    pub text: String,
    /// The button.
    pub button: String,
}

/// The page of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageWords {
    /// The title.
    pub title: &'static str,
    /// The text.
    pub text: &'static str,
}

impl Words {
    /// Returns what went wrong.
    #[must_use]
    pub fn problem(&self, problem: impl Into<Problem>) -> String {
        (self.problem)(&problem.into())
    }

    /// Returns what went well.
    #[must_use]
    pub fn done(&self, done: &Done) -> String {
        (self.done)(done)
    }

    /// Returns the text of the backup-code file.
    #[must_use]
    pub fn file(&self, service: &str, at: Timestamp) -> BackupCodeFile {
        (self.file)(service, &(self.date)(at))
    }
}
