//! What people are told.

use std::error::Error;
use std::time::Duration;

use countersign::{AcceptedBy, Denied, Rejection, Timestamp};

/// Whether another code may do better: all else needs more than that.
pub(crate) const fn is_about_the_code(rejection: Rejection) -> bool {
    matches!(
        rejection,
        Rejection::Malformed
            | Rejection::WrongCode
            | Rejection::Replayed
            | Rejection::BackupCodeUsed
    )
}

/// Why not, for the person.
pub(crate) fn why(denied: &Denied) -> String {
    let rejection = match denied {
        Denied::Rejected(rejection) => *rejection,
        Denied::Failed(error) => return sorry(error),
    };
    match rejection {
        // One answer for all of them, so that a thief does not learn how close a guess was.
        rejection if is_about_the_code(rejection) => "That code was not accepted. Each code works once, so wait for \
            the next one in your app; if it goes on, check the clock of the phone."
            .into(),
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => format!(
            "Too many wrong codes. Try again in {}; until then no code is looked at.",
            span(retry_after)
        ),
        Rejection::ClockFault => "Codes cannot be checked for your account just now. Ask our staff.".into(),
        Rejection::TooManyEnrollments { retry_after } => format!(
            "You have begun too many enrollments. Try again in {}.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "You have made new backup codes three times within a day. Try again in {}; the newest codes are valid.",
            span(retry_after)
        ),
        Rejection::Locked => "Too many wrong codes: your second factor is locked. Ask our staff to unlock it.".into(),
        Rejection::WrongConfirmation { tries_left: 0 } => {
            "That was not the passcode of this entry, too many times. Begin again with a new QR code: enroll.".into()
        }
        Rejection::WrongConfirmation { tries_left } => format!(
            "That is not the passcode that the new entry shows. The QR code and the key stay the same; {} left.",
            count(usize::from(tries_left), "try is", "tries are")
        ),
        Rejection::EnrollmentExpired => {
            "That QR code is too old. Delete its entry in the app, and begin again: enroll.".into()
        }
        Rejection::EnrollmentSuperseded => {
            "That enrollment was begun anew elsewhere. Delete its entry in the app, and begin again: enroll.".into()
        }
        Rejection::NoEnrollment => "No enrollment is waiting. Begin one: enroll.".into(),
        Rejection::Absent | Rejection::Disabled => "You have no second factor. Begin with: enroll.".into(),
        other => format!("That was refused: {other}."),
    }
}

/// For what is the service's fault. A service logs the reason and shows less; no error of countersign holds a code or a
/// key.
pub(crate) fn sorry(error: &dyn Error) -> String {
    format!(
        "That could not be done just now ({}). It is not your fault: try again.",
        chain(error)
    )
}

/// What let somebody in.
pub(crate) fn accepted(by: AcceptedBy) -> String {
    match by {
        AcceptedBy::BackupCode {
            number, remaining, ..
        } => format!(
            "Accepted: backup code number {number}. Cross it out; {} left.{}",
            count(usize::from(remaining), "code is", "codes are"),
            if remaining < 4 {
                " Make a new set soon: codes."
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

/// How long, as precisely as one needs it: 45 s, 3 min, 2 h, 5 days.
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

/// How long ago.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    match now.saturating_since(time) {
        0..5 => "just now".into(),
        seconds => format!("{} ago", span(Duration::from_secs(seconds))),
    }
}

pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
