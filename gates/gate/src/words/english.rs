use countersign::backup::BackupCodeFile;
use countersign::{Rejection, Timestamp};
use std::time::Duration;

use super::calendar::{Span, Utc};
use super::devices;
use super::notices::{english_event, english_mail};
use super::table::{ChangeWords, MessageWords, Words};
use crate::page::{Change, Done, Message};
use crate::problem::Problem;

impl Words {
    /// English.
    pub const ENGLISH: Self = Self {
        skip: "Skip to content",
        error: "Error: ",
        sign_out: "Sign out",
        other_account: "Use another account",
        cancel: "Cancel",
        try_again: "Try again",
        copied: "Copied",
        copy_failed: "Your browser does not allow copying. Select the text, and copy it yourself.",
        span,
        date,
        date_and_time: |at| format!("{}, {}", date(at), time_of_day(at)),
        time_of_day,
        code: "Code",
        code_hint: "From your authenticator app, or a backup code.",
        password: "Your password",
        name: "Name",
        code_title: "Enter your code",
        code_explained: |account| match account {
            Some(account) => format!(
                "Open your authenticator app and enter the code for {account}, or one of your backup codes."
            ),
            None => "Open your authenticator app and enter the code, or one of your backup codes."
                .into(),
        },
        sign_in: "Sign in",
        lost_phone: "Lost your phone?",
        lost_phone_explained: "Enter one of the backup codes that you saved when you set up two-factor authentication, \
            with or without the space. Each code works once. After you have signed in, set up your new phone.",
        lost_phone_later: "Wait until you can enter a code again. Then enter one of the backup codes that you saved \
            when you set up two-factor authentication. Each code works once.",
        backup_code_instead: "Or enter one of your backup codes. It is accepted at once.",
        lost_everything: "If you have neither your phone nor a backup code, write to us. We will have to check that it \
            is you.",
        wait: |span| format!("Too many wrong codes. You can try again in {span}."),
        time_left: "Time left:",
        wait_over: "You can enter a code now.",
        locked: "Too many wrong codes: your second factor is locked. Write to us to have it unlocked.",
        clock_fault: "We cannot check codes for your account just now. Please write to us.",
        codes_instead: |count| {
            format!("If you have your phone, {count} codes in a row let you in now.")
        },
        codes_link: |count| format!("Enter {count} codes in a row"),
        codes_title: |count| format!("Enter {count} codes in a row"),
        codes_explained: |count| {
            format!(
                "Enter {count} codes that your authenticator app shows one after the other. Wait for each new code."
            )
        },
        code_of: |number, count| format!("Code {number} of {count}"),
        overview_title: "Two-factor authentication",
        on: "On",
        off: "Off",
        on_explained: "Signing in needs your password and a code.",
        off_explained: "A password can be guessed, reused or stolen. With two-factor authentication, signing in also \
            needs a code from an app on your phone.",
        enroll_by: |date| format!("Your account needs two-factor authentication from {date} on."),
        enable: "Enable 2FA",
        added: "Added",
        last_used: "last used",
        replace: "Move to a new phone",
        replace_of: |name| format!("Move to a new phone from {name}"),
        remove: "Remove",
        remove_of: |name| format!("Remove {name}"),
        add: "Add another authenticator",
        disable: "Turn off",
        backup_codes: "Backup codes",
        codes_left: |left, total| format!("{left} of {total} left"),
        codes_made: "Made",
        code_used: "used",
        code_unused: "not used",
        codes_few: |left| {
            match left {
            0 => "You have used all your backup codes. Generate new ones: without them, losing your phone means \
                losing your account."
                .into(),
            _ => format!("Only {left} left. Generate new backup codes while you can sign in."),
        }
        },
        codes_pending: |date| {
            format!(
                "You generated new codes on {date}. Your earlier codes work until you say that you have saved the new \
                 ones, or until you use one of the new ones."
            )
        },
        discard: "Discard the new codes",
        codes_never: "You have no backup codes. Without one, losing your phone means losing your account.",
        issue: "Generate backup codes",
        issue_again: "Generate new backup codes",
        devices: devices::ENGLISH,
        setup_title: "Set up your authenticator app",
        replacement_title: "Move to a new phone",
        replacement_explained: |name| {
            format!("“{name}” keeps working until you confirm the new code.")
        },
        get_app: "No app yet?",
        apps: "Any app for time-based codes works, for example Google Authenticator, Microsoft Authenticator, \
            1Password, Bitwarden, Aegis, 2FAS or FreeOTP.",
        add_account: "Add the account to the app",
        open_app: "Open the app",
        app_here: "Scan the QR code. If the app is on this device, open it, or copy the key into it.",
        to_qr: "QR code for another device",
        scan: "For an app on another device.",
        qr: "QR code for your authenticator app",
        key: "Key",
        copy_key: "Copy the key",
        details: "What else the app may ask for",
        account: "Account",
        issuer: "Issuer",
        kind: "Type",
        time_based: "time-based (TOTP)",
        digits: "Digits",
        digits_every: |digits, seconds| format!("{digits}, every {seconds} seconds"),
        algorithm: "Algorithm",
        confirm: |digits| format!("Enter the {digits}-digit code from the app"),
        confirm_button: "Confirm",
        replace_button: "Replace",
        setup_cancel: "Cancel the setup",
        setup_ends: |span, time| format!("Confirm within {span}, by {time}."),
        codes_page_title: |service| format!("{service} backup codes"),
        codes_page_explained: |date| {
            format!("Made on {date}. Each code signs you in once, when you do not have your phone.")
        },
        save_now: "Save these codes now: they are shown only once.",
        save_now_pending: "Save these codes now: they are shown only once. Your earlier backup codes work until you say \
            below that you have saved these, or until you use one of these.",
        save_now_ended: "Save these codes now: they are shown only once. Your earlier backup codes no longer work.",
        codes_on_paper: "Write the date next to a code when you have used it. Keep this page in a place that only you \
            can reach, and not with your phone. When few codes are left, generate a new set; it replaces this one.",
        download: "Download",
        copy: "Copy",
        print: "Print",
        saved: "I have saved these",
        file: BackupCodeFile::english,
        change,
        message,
        done,
        problem,
        to_overview: "Go to two-factor authentication",
        to_sign_in: "Go to the sign-in page",
        to_code: "Enter a code",
        to_setup: "Start again",
        event: english_event,
        mail: english_mail,
    };
}

fn span(duration: Duration) -> String {
    match Span::from(duration) {
        Span::Seconds(1) => "1 second".into(),
        Span::Seconds(seconds) => format!("{seconds} seconds"),
        Span::Minutes(minutes) => format!("{minutes} minutes"),
        Span::Hours(hours) => format!("{hours} hours"),
        Span::Days(days) => format!("{days} days"),
    }
}

fn date(at: Timestamp) -> String {
    let Utc {
        year, month, day, ..
    } = at.into();
    let month = match month {
        1 => "January",
        2 => "February",
        3 => "March",
        4 => "April",
        5 => "May",
        6 => "June",
        7 => "July",
        8 => "August",
        9 => "September",
        10 => "October",
        11 => "November",
        _ => "December",
    };
    format!("{day} {month} {year}")
}

fn time_of_day(at: Timestamp) -> String {
    let Utc { hour, minute, .. } = at.into();
    format!("{hour:02}:{minute:02} UTC")
}

fn change(change: &Change) -> ChangeWords {
    let (title, text, button) = match change {
        Change::Enable => (
            "Enable two-factor authentication",
            "To make sure that it is you, please prove it first.".into(),
            "Continue",
        ),
        Change::Add => (
            "Add another authenticator",
            "You can sign in with a second app too, for example on a tablet or a work phone. Give it a name that you \
             will recognize."
                .into(),
            "Continue",
        ),
        Change::Replace { name } => (
            "Move to a new phone",
            format!(
                "You will add the account to the app on your new phone. “{name}” keeps working until you confirm the \
                 new one."
            ),
            "Continue",
        ),
        Change::Remove { name, last: false } => (
            "Remove an authenticator",
            format!("The codes of “{name}” will no longer sign you in."),
            "Remove",
        ),
        Change::Remove { name, last: true } => (
            "Remove your last authenticator",
            format!(
                "Without “{name}”, two-factor authentication is off, and your backup codes stop working. You will \
                 sign in with your password alone."
            ),
            "Remove, and turn off",
        ),
        Change::Disable => (
            "Turn off two-factor authentication",
            "Your authenticators and backup codes will stop working. You will sign in with your password alone."
                .into(),
            "Turn off",
        ),
        Change::IssueBackupCodes { replaces } => (
            "Generate backup codes",
            if *replaces {
                "Each new code signs you in once, when you do not have your phone. The new codes will replace your \
                 earlier codes. The next page says until when the earlier ones work."
            } else {
                "Each code signs you in once, when you do not have your phone."
            }
            .into(),
            "Generate backup codes",
        ),
        Change::Reach => (
            "Confirm that it is you",
            "You signed in a while ago. Please prove again that it is you.".into(),
            "Continue",
        ),
    };
    ChangeWords {
        title: title.into(),
        text,
        button: button.into(),
    }
}

const fn message(message: Message) -> MessageWords {
    let (title, text) = match message {
        Message::RecordLost => (
            "You cannot sign in just now",
            "The data of your second factor is missing or out of date. Please write to us.",
        ),
        Message::NotOurForm => (
            "Please try again",
            "The form was out of date, or came from another site. Nothing was changed.",
        ),
        Message::Failed => (
            "Something went wrong",
            "The error is ours. Please try again in a minute.",
        ),
        Message::NotFound => (
            "There is no such page",
            "The address is wrong, or the page is gone.",
        ),
        Message::MethodNotAllowed => (
            "This does not work",
            "The page does not take this kind of request. Nothing was changed.",
        ),
        Message::Malformed => (
            "This does not work",
            "The form was incomplete, or a field was too long. Nothing was changed.",
        ),
        Message::SetupReplaced => (
            "This QR code was replaced",
            "You started the setup again in another tab or browser. If you have added this entry to your app, delete \
             it there. Then continue in the other tab.",
        ),
        Message::SetupExpired => (
            "This QR code has expired",
            "You did not confirm it in time. If you have added the entry to your app, delete it there. Then start \
             again.",
        ),
        Message::SetupTooManyTries => (
            "Too many wrong codes",
            "This QR code no longer works. Delete its entry from your app, and start again. If this keeps happening, \
             check that the clock of your phone is set automatically.",
        ),
        Message::SetupOver => ("This setup is over", "You finished or cancelled it."),
        Message::CodesGone => (
            "These codes are no longer shown",
            "Backup codes are shown once. If you have not saved them, generate new ones.",
        ),
        Message::ChangedMeanwhile => (
            "Please sign in again",
            "Your second factor has just been changed.",
        ),
        Message::SignIn => ("Please sign in", "You are not signed in."),
        Message::EnterCode => (
            "Enter a code",
            "You have entered your password. Now enter a code.",
        ),
        Message::StepUp => (
            "Confirm that it is you",
            "You signed in a while ago. Please prove again that it is you.",
        ),
    };
    MessageWords { title, text }
}

fn done(done: &Done) -> String {
    match done {
        Done::Enabled => {
            "Two-factor authentication is on. Now generate backup codes, in case you lose your phone."
                .into()
        }
        Done::Added { name } => format!("“{name}” is added."),
        Done::Replaced { name } => format!(
            "“{name}” is replaced. The old entry in your app no longer works: delete it."
        ),
        Done::Removed { name } => format!("“{name}” is removed. Delete its entry from your app."),
        Done::Disabled => {
            "Two-factor authentication is off. Delete the entry from your app.".into()
        }
        Done::CodesSaved => {
            "Good. Keep your backup codes in a place that only you can reach, and not on your phone."
                .into()
        }
        Done::CodesDiscarded => {
            "The new backup codes are discarded. Your earlier codes still work.".into()
        }
        Done::SetupCancelled => {
            "Cancelled. Nothing was changed. If your app has a new entry, delete it.".into()
        }
        Done::BackupCodeUsed { number, remaining } => {
            let left = match remaining {
                0 => "no code".into(),
                1 => "1 code".into(),
                _ => format!("{remaining} codes"),
            };
            format!("You have signed in with backup code {number}. Cross it out: you have {left} left.")
        }
        Done::SignedOut => "You are signed out.".into(),
        Done::BrowserForgotten => {
            "The browser is forgotten. The next sign-in there needs a code.".into()
        }
        Done::BrowsersForgotten => "All browsers are forgotten.".into(),
    }
}

fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Rejected(why) => return rejection(*why),
        Problem::NotPasscode { digits } => {
            return format!("That is not a code: your app shows {digits} digits.");
        }
        Problem::CodesNotAccepted { count } => {
            return format!(
                "These codes were not accepted. Enter {count} new codes that your app shows one after the other."
            );
        }
        Problem::CodesNeeded { count } => {
            return format!("One code is not enough today. Enter {count} codes in a row.");
        }
        Problem::TooManyPasswords { retry_after } => {
            return format!("Too many wrong passwords. Try again in {}.", span(*retry_after));
        }
        Problem::Message(about) => return message(*about).text.into(),
        Problem::CodeMissing => "Please enter a code.",
        Problem::PasswordMissing => "Please enter your password.",
        Problem::WrongPassword => "That is not your password.",
        Problem::NameMissing => "Please enter a name.",
        Problem::NameTooLong => "That name is too long. Please choose a shorter one.",
        Problem::NameUnprintable => {
            "That name contains characters that cannot be shown. Please choose another name."
        }
        Problem::CodesShownBefore => {
            "Your new backup codes are shown once, and the page was shown already. If you have not saved them, \
             generate new ones."
        }
        Problem::ChangedMeanwhile => {
            "Your second factor has just been changed. Please sign in again."
        }
        Problem::SessionEnded => "You were signed out. Please sign in again.",
        Problem::CodeTooLate => "That took too long. Please sign in again.",
        Problem::MustEnroll => "Your account needs two-factor authentication. Set it up now.",
    }
    .into()
}

fn rejection(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed
        | Rejection::WrongCode
        | Rejection::Replayed
        | Rejection::BackupCodeUsed => {
            "That code was not accepted. Each code works once, so wait for the next one in your app. If this keeps \
             happening, check that the clock of your phone is set automatically."
                .into()
        }
        Rejection::ReplayedAhead { retry_after } => format!(
            "A code of a later time was used before, because a clock was fast. The codes of your app work again in {}. \
             Until then, use a backup code. Check that the clock of your phone is set automatically.",
            span(retry_after)
        ),
        Rejection::ClockFault => Words::ENGLISH.clock_fault.into(),
        Rejection::Locked => Words::ENGLISH.locked.into(),
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
            format!("Too many wrong codes. Try again in {}.", span(retry_after))
        }
        Rejection::WrongConfirmation { tries_left } => {
            let tries = if tries_left == 1 { "1 try" } else { &format!("{tries_left} tries") };
            format!(
                "That is not the code of this entry. You have {tries} left. The QR code and the key stay the same."
            )
        }
        Rejection::NoEnrollment => message(Message::SetupOver).text.into(),
        Rejection::EnrollmentSuperseded => message(Message::SetupReplaced).text.into(),
        Rejection::EnrollmentExpired => message(Message::SetupExpired).text.into(),
        Rejection::SecretInUse => {
            "One of your authenticators has the same key. Please start again.".into()
        }
        Rejection::TooManyEnrollments { retry_after } => format!(
            "You started to set up too many authenticators. Try again in {}.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "You made three sets of backup codes within a day. Try again in {}. The newest set is valid.",
            span(retry_after)
        ),
        Rejection::IssueExpired => {
            "That took too long. No new backup codes were made. Please try again.".into()
        }
        Rejection::NoPendingCodes => {
            "Those backup codes are not your newest ones, or you have discarded them. If you have no backup codes, \
             generate new ones."
                .into()
        }
        Rejection::NameInUse => {
            "Another of your authenticators has this name. Please choose another name.".into()
        }
        Rejection::UnknownAuthenticator => "You no longer have that authenticator.".into(),
        Rejection::UnknownDevice => "This browser is not on the list any more.".into(),
        Rejection::TooManyAuthenticators { maximum: 1 } => {
            "You have an authenticator already. Remove it first.".into()
        }
        Rejection::TooManyAuthenticators { maximum } => {
            format!("You have {maximum} authenticators already. Remove one first.")
        }
        Rejection::ProofExpired | Rejection::ProofTooWeak | Rejection::ForeignReceipt => {
            "To make sure that it is you, please enter a code.".into()
        }
        Rejection::Absent | Rejection::Disabled => "Two-factor authentication is off.".into(),
        _ => "That was refused. Nothing was changed.".into(),
    }
}
