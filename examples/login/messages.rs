//! The messages that the user sees.

use std::error::Error;
use std::time::Duration;

use countersign::{AcceptedBy, Denied, Rejection, Timestamp};

/// Whether another code can help.
pub(crate) const fn is_about_the_code(rejection: Rejection) -> bool {
    matches!(
        rejection,
        Rejection::Malformed
            | Rejection::WrongCode
            | Rejection::Replayed
            | Rejection::BackupCodeUsed
    )
}

/// Tells the user why something was refused, and what to do.
pub(crate) fn refusal(denied: &Denied) -> String {
    let rejection = match denied {
        Denied::Rejected(rejection) | Denied::Repeated(rejection) => *rejection,
        Denied::Failed(error) => return failure(error),
    };
    match rejection {
        // One message for every refused code, so that an attacker does not learn how close a guess
        // was.
        rejection if is_about_the_code(rejection) => "That code was not accepted. Each code works once, so wait for \
            the next one in your app. If this keeps happening, check that the clock of your phone is set automatically."
            .into(),
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => format!(
            "Too many wrong codes. Try again in {}.",
            span(retry_after)
        ),
        Rejection::ReplayedAhead { retry_after } => format!(
            "A code of a later time was used before, because a clock was fast. The codes of your app work again in {}. \
             Until then, use a backup code.",
            span(retry_after)
        ),
        Rejection::ClockFault => CLOCK_FAULT.into(),
        Rejection::TooManyEnrollments { retry_after } => format!(
            "You started to set up too many authenticators. Try again in {}.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "You made three sets of backup codes within a day. Try again in {}. The newest set is valid.",
            span(retry_after)
        ),
        Rejection::Locked => LOCKED.into(),
        Rejection::WrongConfirmation { tries_left: 0 } => {
            "Too many wrong codes: this QR code no longer works. Delete its entry from your app, and type \"enroll\" \
             to start again."
                .into()
        }
        Rejection::WrongConfirmation { tries_left } => format!(
            "That is not the code of this entry. You have {} left. The QR code and key stay the same.",
            count(usize::from(tries_left), "try", "tries")
        ),
        Rejection::EnrollmentExpired => {
            "This QR code has expired. Delete its entry from your app, and type \"enroll\" to start again.".into()
        }
        Rejection::EnrollmentSuperseded => {
            "You started the setup again in another window. Delete the entry of this QR code from your app, and \
             continue there."
                .into()
        }
        Rejection::NoEnrollment => "This setup is over: it was finished or cancelled.".into(),
        Rejection::Absent | Rejection::Disabled => OFF.into(),
        other => format!("That was refused: {other}."),
    }
}

pub(crate) const OFF: &str = "Your second factor is off. Type \"enroll\" to turn it on.";
pub(crate) const LOCKED: &str =
    "Too many wrong codes: your second factor is locked. Ask our staff to unlock it.";
pub(crate) const CLOCK_FAULT: &str =
    "We cannot check codes for your account just now. Ask our staff.";
pub(crate) const NOT_CONFIRMED: &str =
    "Your new authenticator is not confirmed yet. Type \"confirm\" to continue.";

/// Tells the user that the service failed. A service logs the reason and shows less. No error of
/// countersign contains a code or a key.
pub(crate) fn failure(error: &dyn Error) -> String {
    format!(
        "That could not be done just now ({}). It is not your fault. Please try again.",
        chain(error)
    )
}

/// Tells the user which code was accepted.
pub(crate) fn accepted(by: AcceptedBy) -> String {
    match by {
        AcceptedBy::BackupCode {
            number, remaining, ..
        } => format!(
            "Accepted: backup code number {number}. Cross it out; {} left.{}",
            count(usize::from(remaining), "code is", "codes are"),
            if remaining < 4 {
                " Type \"codes\" soon to make a new set."
            } else {
                ""
            }
        ),
        _ => "Accepted.".into(),
    }
}

/// An error with its sources.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Some errors repeat their source in their own text.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

/// A duration in the largest unit that is exact enough: 45 s, 3 min, 2 h, 5 days.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (units, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds.div_ceil(60), "min"),
        7_200..172_800 => (seconds.div_ceil(3_600), "h"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    format!("{units} {unit}")
}

/// The time since `time`: 3 min ago.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    match now.saturating_since(time) {
        0..5 => "just now".into(),
        seconds => format!("{} ago", span(Duration::from_secs(seconds))),
    }
}

pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
