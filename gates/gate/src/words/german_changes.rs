//! The German words of the pages that ask for a proof.

use super::table::ChangeWords;
use crate::page::Change;

pub(super) fn change(change: &Change) -> ChangeWords {
    let (title, text, button) = match change {
        Change::Enable => (
            "Zwei-Faktor-Authentifizierung einschalten",
            "Bitte weisen Sie zuerst nach, dass Sie es sind.".into(),
            "Weiter",
        ),
        Change::Add => (
            "Weitere App hinzufügen",
            "Sie können sich auch mit einer zweiten App anmelden, zum Beispiel auf einem Tablet oder einem \
             Diensttelefon. Geben Sie ihr einen Namen, an dem Sie sie erkennen."
                .into(),
            "Weiter",
        ),
        Change::Replace { name } => (
            "Auf ein neues Telefon umziehen",
            format!(
                "Sie fügen das Konto zur App auf Ihrem neuen Telefon hinzu. „{name}“ funktioniert weiter, bis Sie die \
                 neue App bestätigen."
            ),
            "Weiter",
        ),
        Change::Remove { name, last: false } => (
            "App entfernen",
            format!("Mit den Codes von „{name}“ können Sie sich nicht mehr anmelden."),
            "Entfernen",
        ),
        Change::Remove { name, last: true } => (
            "Letzte App entfernen",
            format!(
                "Ohne „{name}“ ist die Zwei-Faktor-Authentifizierung ausgeschaltet, und Ihre Backup-Codes gelten nicht \
                 mehr. Sie melden sich dann nur mit Ihrem Passwort an."
            ),
            "Entfernen und ausschalten",
        ),
        Change::Disable => (
            "Zwei-Faktor-Authentifizierung ausschalten",
            "Ihre Apps und Backup-Codes gelten nicht mehr. Sie melden sich dann nur mit Ihrem Passwort an."
                .into(),
            "Ausschalten",
        ),
        Change::IssueBackupCodes { replaces } => (
            "Backup-Codes erstellen",
            if *replaces {
                "Mit jedem neuen Code können Sie sich einmal anmelden, wenn Sie Ihr Telefon nicht haben. Die neuen \
                 Codes ersetzen die früheren. Die nächste Seite sagt, bis wann die früheren gelten."
            } else {
                "Mit jedem Code können Sie sich einmal anmelden, wenn Sie Ihr Telefon nicht haben."
            }
            .into(),
            "Backup-Codes erstellen",
        ),
        Change::Reach => (
            "Bestätigen, dass Sie es sind",
            "Ihre Anmeldung liegt schon länger zurück. Bitte weisen Sie erneut nach, dass Sie es sind."
                .into(),
            "Weiter",
        ),
    };
    ChangeWords {
        title: title.into(),
        text,
        button: button.into(),
    }
}
