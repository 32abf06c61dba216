//! The words about [`Notice`](crate::Notice)s: a line for the log of an account, and a mail to its
//! owner.

use countersign::FirstFactorKind;
use countersign::session::SecondFactorUse;

use super::table::MailWords;
use crate::notice::What;

fn mail(subject: impl Into<String>, text: impl Into<String>) -> Option<MailWords> {
    let (subject, text) = (subject.into(), text.into());
    Some(MailWords { subject, text })
}

pub(super) fn english_event(what: &What) -> String {
    match what {
        What::SignedIn { first, second } => {
            let first = match first {
                FirstFactorKind::Password => "a password",
                FirstFactorKind::Email => "an email",
                FirstFactorKind::SingleSignOn => "another service",
                FirstFactorKind::Passkey => "a passkey",
                FirstFactorKind::ApiToken => "an API token",
                FirstFactorKind::RememberedBrowser => "a remembered browser",
                _ => "a first factor",
            };
            match second {
                SecondFactorUse::None => format!("Signed in with {first} alone"),
                SecondFactorUse::Passcode => format!("Signed in with {first} and a code"),
                SecondFactorUse::BackupCode => format!("Signed in with {first} and a backup code"),
                SecondFactorUse::TrustedDevice => {
                    format!("Signed in with {first} on a trusted browser")
                }
                _ => format!("Signed in with {first} and a second factor"),
            }
        }
        What::BackupCodeUsed { number, .. } => format!("Backup code {number} was used"),
        What::WrongCode => "A wrong code was entered".into(),
        What::Enabled => "Two-factor authentication was turned on".into(),
        What::Added { name } => format!("Authenticator “{name}” was added"),
        What::Replaced { name } => format!("Authenticator “{name}” was replaced"),
        What::Removed { name } => format!("Authenticator “{name}” was removed"),
        What::Disabled => "Two-factor authentication was turned off".into(),
        What::BackupCodesIssued { .. } => "New backup codes were generated".into(),
        What::BackupCodesConfirmed => "The new backup codes were saved".into(),
        What::BackupCodesDiscarded => "The new backup codes were discarded".into(),
        What::BrowserTrusted { label } => format!("No code is asked for on {label} for some time"),
        What::BrowserSuspected => "An old copy of a known browser was used".into(),
        What::Unlocked => "Unlocked by our staff".into(),
    }
}

pub(super) fn english_mail(what: &What) -> Option<MailWords> {
    match what {
        What::SignedIn { .. } | What::WrongCode | What::BackupCodesDiscarded => None,
        What::BackupCodeUsed { number, remaining } => mail(
            "A backup code was used to sign in",
            format!("It was code number {number}. Codes left: {remaining}."),
        ),
        What::Enabled => mail(
            "Two-factor authentication is on",
            "From now on, signing in needs your password and a code from your app.",
        ),
        What::Added { name } => mail(
            format!("Authenticator “{name}” was added"),
            "Its codes can now sign in to your account.",
        ),
        What::Replaced { name } => mail(
            format!("Authenticator “{name}” was replaced"),
            "The old entry in your app no longer works.",
        ),
        What::Removed { name } => mail(
            format!("Authenticator “{name}” was removed"),
            "Its codes no longer work.",
        ),
        What::Disabled => mail(
            "Two-factor authentication is off",
            "From now on, signing in needs only your password.",
        ),
        What::BackupCodesIssued { pending: true } => mail(
            "You have new backup codes",
            "Your earlier backup codes work until you say that you have saved the new ones, or \
             until you use one of the new ones.",
        ),
        What::BackupCodesIssued { pending: false } => mail(
            "You have new backup codes",
            "Any earlier backup codes no longer work.",
        ),
        What::BackupCodesConfirmed => mail(
            "Your new backup codes are saved",
            "Your earlier backup codes no longer work.",
        ),
        What::BrowserTrusted { label } => mail(
            format!("No code is asked for on {label}"),
            "Until the date that your account shows, signing in on this browser needs only your password. You can \
             forget the browser in your account.",
        ),
        What::BrowserSuspected => mail(
            "An old copy of one of your browsers was used",
            "Your account no longer knows that browser: it needs a code again. If you did not restore the browser \
             from a backup, somebody may have copied its cookies. Then change your password.",
        ),
        What::Unlocked => mail(
            "Your second factor was unlocked",
            "Our staff unlocked it after too many wrong codes.",
        ),
    }
}

pub(super) fn german_event(what: &What) -> String {
    match what {
        What::SignedIn { first, second } => {
            let first = match first {
                FirstFactorKind::Password => "einem Passwort",
                FirstFactorKind::Email => "einer E-Mail",
                FirstFactorKind::SingleSignOn => "einem anderen Dienst",
                FirstFactorKind::Passkey => "einem Passkey",
                FirstFactorKind::ApiToken => "einem API-Token",
                FirstFactorKind::RememberedBrowser => "einem gemerkten Browser",
                _ => "einem ersten Faktor",
            };
            match second {
                SecondFactorUse::None => format!("Nur mit {first} angemeldet"),
                SecondFactorUse::Passcode => format!("Mit {first} und einem Code angemeldet"),
                SecondFactorUse::BackupCode => {
                    format!("Mit {first} und einem Backup-Code angemeldet")
                }
                SecondFactorUse::TrustedDevice => {
                    format!("Mit {first} in einem vertrauten Browser angemeldet")
                }
                _ => format!("Mit {first} und einem zweiten Faktor angemeldet"),
            }
        }
        What::BackupCodeUsed { number, .. } => format!("Backup-Code {number} wurde verwendet"),
        What::WrongCode => "Ein falscher Code wurde eingegeben".into(),
        What::Enabled => "Die Zwei-Faktor-Authentifizierung wurde eingeschaltet".into(),
        What::Added { name } => format!("Authenticator „{name}“ wurde hinzugefügt"),
        What::Replaced { name } => format!("Authenticator „{name}“ wurde ersetzt"),
        What::Removed { name } => format!("Authenticator „{name}“ wurde entfernt"),
        What::Disabled => "Die Zwei-Faktor-Authentifizierung wurde ausgeschaltet".into(),
        What::BackupCodesIssued { .. } => "Neue Backup-Codes wurden erstellt".into(),
        What::BackupCodesConfirmed => "Die neuen Backup-Codes wurden gespeichert".into(),
        What::BackupCodesDiscarded => "Die neuen Backup-Codes wurden verworfen".into(),
        What::BrowserTrusted { label } => format!("In {label} wird einige Zeit kein Code verlangt"),
        What::BrowserSuspected => "Eine alte Kopie eines bekannten Browsers wurde benutzt".into(),
        What::Unlocked => "Von unserem Team entsperrt".into(),
    }
}

pub(super) fn german_mail(what: &What) -> Option<MailWords> {
    match what {
        What::SignedIn { .. } | What::WrongCode | What::BackupCodesDiscarded => None,
        What::BackupCodeUsed { number, remaining } => mail(
            "Ein Backup-Code wurde zur Anmeldung verwendet",
            format!("Es war der Code mit der Nummer {number}. Übrige Codes: {remaining}."),
        ),
        What::Enabled => mail(
            "Die Zwei-Faktor-Authentifizierung ist eingeschaltet",
            "Ab jetzt brauchen Sie für die Anmeldung Ihr Passwort und einen Code aus Ihrer App.",
        ),
        What::Added { name } => mail(
            format!("Authenticator „{name}“ wurde hinzugefügt"),
            "Mit seinen Codes kann man sich jetzt in Ihrem Konto anmelden.",
        ),
        What::Replaced { name } => mail(
            format!("Authenticator „{name}“ wurde ersetzt"),
            "Der alte Eintrag in Ihrer App funktioniert nicht mehr.",
        ),
        What::Removed { name } => mail(
            format!("Authenticator „{name}“ wurde entfernt"),
            "Seine Codes funktionieren nicht mehr.",
        ),
        What::Disabled => mail(
            "Die Zwei-Faktor-Authentifizierung ist ausgeschaltet",
            "Ab jetzt brauchen Sie für die Anmeldung nur Ihr Passwort.",
        ),
        What::BackupCodesIssued { pending: true } => mail(
            "Sie haben neue Backup-Codes",
            "Ihre früheren Backup-Codes gelten, bis Sie angeben, dass Sie die neuen gespeichert \
             haben, oder bis Sie einen der neuen verwenden.",
        ),
        What::BackupCodesIssued { pending: false } => mail(
            "Sie haben neue Backup-Codes",
            "Etwaige frühere Backup-Codes funktionieren nicht mehr.",
        ),
        What::BackupCodesConfirmed => mail(
            "Ihre neuen Backup-Codes sind gespeichert",
            "Ihre früheren Backup-Codes funktionieren nicht mehr.",
        ),
        What::BrowserTrusted { label } => mail(
            format!("In {label} wird kein Code verlangt"),
            "Bis zu dem Tag, den Ihr Konto zeigt, brauchen Sie für die Anmeldung in diesem Browser nur Ihr Passwort. \
             Sie können den Browser in Ihrem Konto vergessen.",
        ),
        What::BrowserSuspected => mail(
            "Eine alte Kopie eines Ihrer Browser wurde benutzt",
            "Ihr Konto kennt diesen Browser nicht mehr: Er braucht wieder einen Code. Falls Sie den Browser nicht \
             aus einer Sicherung wiederhergestellt haben, hat vielleicht jemand seine Cookies kopiert. Ändern Sie dann \
             Ihr Passwort.",
        ),
        What::Unlocked => mail(
            "Ihr zweiter Faktor wurde entsperrt",
            "Unser Team hat ihn nach zu vielen falschen Codes entsperrt.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;
    use std::collections::BTreeSet;

    fn all() -> Vec<What> {
        let name = || "Tablet <1>".to_owned();
        let mut all = vec![
            What::BackupCodeUsed {
                number: 3,
                remaining: 7,
            },
            What::WrongCode,
            What::Enabled,
            What::Added { name: name() },
            What::Replaced { name: name() },
            What::Removed { name: name() },
            What::Disabled,
            What::BackupCodesIssued { pending: true },
            What::BackupCodesConfirmed,
            What::BackupCodesDiscarded,
            What::BrowserTrusted {
                label: "Firefox (Linux)".into(),
            },
            What::BrowserSuspected,
            What::Unlocked,
        ];
        for first in [
            FirstFactorKind::Password,
            FirstFactorKind::Email,
            FirstFactorKind::SingleSignOn,
            FirstFactorKind::Passkey,
            FirstFactorKind::ApiToken,
            FirstFactorKind::RememberedBrowser,
        ] {
            let seconds = [
                SecondFactorUse::None,
                SecondFactorUse::Passcode,
                SecondFactorUse::BackupCode,
                SecondFactorUse::TrustedDevice,
            ];
            all.extend(seconds.map(|second| What::SignedIn { first, second }));
        }
        all
    }

    #[test]
    fn every_notice_has_its_own_line() {
        for words in [Words::ENGLISH, Words::GERMAN] {
            let lines: BTreeSet<_> = all().iter().map(words.event).collect();
            assert_eq!(lines.len(), all().len(), "{lines:#?}");
            assert!(lines.iter().all(|line| !line.ends_with('.')), "{lines:#?}");
        }
        let removed = What::Removed { name: "A".into() };
        let german = (Words::GERMAN.event)(&removed);
        assert_eq!(german, "Authenticator „A“ wurde entfernt");
    }

    #[test]
    fn a_mail_reports_every_change() {
        for words in [Words::ENGLISH, Words::GERMAN] {
            let mails: Vec<_> = all().iter().filter_map(words.mail).collect();
            let subjects: BTreeSet<_> = mails.iter().map(|mail| &mail.subject).collect();
            // All but sign-ins, wrong codes and discarded codes.
            assert_eq!(subjects.len(), 11, "{subjects:#?}");
            for MailWords { subject, text } in &mails {
                assert!(!subject.ends_with('.') && text.ends_with('.'), "{subject}");
            }
        }
        let used = What::BackupCodeUsed {
            number: 3,
            remaining: 7,
        };
        let mail = (Words::ENGLISH.mail)(&used).unwrap();
        assert_eq!(mail.text, "It was code number 3. Codes left: 7.");
    }
}
