use countersign::backup::BackupCodeFile;
use countersign::{Rejection, Timestamp};
use std::time::Duration;

use super::calendar::{Span, Utc};
use super::devices;
use super::german_changes::change;
use super::notices::{german_event, german_mail};
use super::table::{MessageWords, Words};
use crate::page::{Done, Message};
use crate::problem::Problem;

impl Words {
    /// German.
    pub const GERMAN: Self = Self {
        skip: "Zum Inhalt",
        error: "Fehler: ",
        sign_out: "Abmelden",
        other_account: "Anderes Konto verwenden",
        cancel: "Abbrechen",
        try_again: "Erneut versuchen",
        copied: "Kopiert",
        copy_failed: "Ihr Browser erlaubt das Kopieren nicht. Markieren Sie den Text, und kopieren Sie ihn selbst.",
        span,
        date,
        date_and_time: |at| format!("{}, {}", date(at), time_of_day(at)),
        time_of_day,
        code: "Code",
        code_hint: "Aus Ihrer Authenticator-App, oder ein Backup-Code.",
        password: "Ihr Passwort",
        name: "Name",
        code_title: "Code eingeben",
        code_explained: |account| {
            match account {
            Some(account) => format!(
                "Öffnen Sie Ihre Authenticator-App, und geben Sie den Code für {account} ein, oder einen Ihrer \
                 Backup-Codes."
            ),
            None => {
                "Öffnen Sie Ihre Authenticator-App, und geben Sie den Code ein, oder einen Ihrer Backup-Codes."
                    .into()
            }
        }
        },
        sign_in: "Anmelden",
        lost_phone: "Telefon verloren?",
        lost_phone_explained: "Geben Sie einen der Backup-Codes ein, die Sie bei der Einrichtung gespeichert haben, mit \
            oder ohne Leerzeichen. Jeder Code gilt einmal. Richten Sie nach der Anmeldung Ihr neues Telefon ein.",
        lost_phone_later: "Warten Sie, bis Sie wieder einen Code eingeben können. Geben Sie dann einen der Backup-Codes \
            ein, die Sie bei der Einrichtung gespeichert haben. Jeder Code gilt einmal.",
        backup_code_instead: "Oder geben Sie einen Ihrer Backup-Codes ein. Er gilt sofort.",
        lost_everything: "Wenn Sie weder Ihr Telefon noch einen Backup-Code haben, schreiben Sie uns. Wir müssen dann \
            prüfen, ob Sie es sind.",
        wait: |span| format!("Zu viele falsche Codes. Sie können es in {span} erneut versuchen."),
        time_left: "Noch:",
        wait_over: "Sie können jetzt einen Code eingeben.",
        locked: "Zu viele falsche Codes: Ihr zweiter Faktor ist gesperrt. Schreiben Sie uns, damit wir ihn entsperren.",
        clock_fault: "Wir können gerade keine Codes für Ihr Konto prüfen. Bitte schreiben Sie uns.",
        codes_instead: |count| {
            format!(
                "Wenn Sie Ihr Telefon haben, können Sie sich jetzt mit {count} Codes hintereinander anmelden."
            )
        },
        codes_link: |count| format!("{count} Codes hintereinander eingeben"),
        codes_title: |count| format!("{count} Codes hintereinander eingeben"),
        codes_explained: |count| {
            format!(
                "Geben Sie {count} Codes ein, die Ihre Authenticator-App nacheinander anzeigt. Warten Sie jeweils auf \
                 den nächsten Code."
            )
        },
        code_of: |number, count| format!("Code {number} von {count}"),
        overview_title: "Zwei-Faktor-Authentifizierung",
        on: "Ein",
        off: "Aus",
        on_explained: "Für die Anmeldung brauchen Sie Ihr Passwort und einen Code.",
        off_explained: "Ein Passwort kann erraten, mehrfach verwendet oder gestohlen werden. Mit der \
            Zwei-Faktor-Authentifizierung ist für die Anmeldung auch ein Code aus einer App auf Ihrem Telefon nötig.",
        enroll_by: |date| {
            format!("Ab dem {date} braucht Ihr Konto die Zwei-Faktor-Authentifizierung.")
        },
        enable: "Einschalten",
        added: "Hinzugefügt am",
        last_used: "zuletzt verwendet am",
        replace: "Auf ein neues Telefon umziehen",
        replace_of: |name| format!("Von {name} auf ein neues Telefon umziehen"),
        remove: "Entfernen",
        remove_of: |name| format!("{name} entfernen"),
        add: "Weitere App hinzufügen",
        disable: "Ausschalten",
        backup_codes: "Backup-Codes",
        codes_left: |left, total| format!("{left} von {total} übrig"),
        codes_made: "Erstellt am",
        code_used: "verwendet am",
        code_unused: "nicht verwendet",
        codes_few: |left| {
            match left {
            0 => "Sie haben alle Backup-Codes verwendet. Erstellen Sie neue: Wenn Sie ohne Backup-Codes Ihr Telefon \
                verlieren, verlieren Sie Ihr Konto."
                .into(),
            1 => "Nur noch 1 Code ist übrig. Erstellen Sie neue Backup-Codes, solange Sie sich anmelden können."
                .into(),
            _ => format!(
                "Nur noch {left} Codes sind übrig. Erstellen Sie neue Backup-Codes, solange Sie sich anmelden können."
            ),
        }
        },
        codes_pending: |date| {
            format!(
                "Sie haben am {date} neue Codes erstellt. Ihre früheren Codes gelten, bis Sie sagen, dass Sie die neuen \
                 gespeichert haben, oder bis Sie einen der neuen verwenden."
            )
        },
        discard: "Neue Codes verwerfen",
        codes_never: "Sie haben keine Backup-Codes. Wenn Sie ohne Backup-Codes Ihr Telefon verlieren, verlieren Sie Ihr \
            Konto.",
        issue: "Backup-Codes erstellen",
        issue_again: "Neue Backup-Codes erstellen",
        devices: devices::GERMAN,
        setup_title: "Authenticator-App einrichten",
        replacement_title: "Auf ein neues Telefon umziehen",
        replacement_explained: |name| {
            format!("„{name}“ funktioniert weiter, bis Sie den neuen Code bestätigen.")
        },
        get_app: "Noch keine App?",
        apps: "Jede App für zeitbasierte Codes ist geeignet, zum Beispiel Google Authenticator, Microsoft Authenticator, \
            1Password, Bitwarden, Aegis, 2FAS oder FreeOTP.",
        add_account: "Konto zur App hinzufügen",
        open_app: "App öffnen",
        app_here: "Scannen Sie den QR-Code. Wenn die App auf diesem Gerät ist, öffnen Sie sie, oder kopieren Sie den \
            Schlüssel in die App.",
        to_qr: "QR-Code für ein anderes Gerät",
        scan: "Für eine App auf einem anderen Gerät.",
        qr: "QR-Code für Ihre Authenticator-App",
        key: "Schlüssel",
        copy_key: "Schlüssel kopieren",
        details: "Was die App sonst noch fragt",
        account: "Konto",
        issuer: "Aussteller",
        kind: "Art",
        time_based: "zeitbasiert (TOTP)",
        digits: "Ziffern",
        digits_every: |digits, seconds| format!("{digits}, alle {seconds} Sekunden"),
        algorithm: "Algorithmus",
        confirm: |digits| format!("Den {digits}-stelligen Code aus der App eingeben"),
        confirm_button: "Bestätigen",
        replace_button: "Ersetzen",
        setup_cancel: "Einrichtung abbrechen",
        setup_ends: |span, time| format!("Bestätigen Sie innerhalb von {span}, bis {time}."),
        codes_page_title: |service| format!("Backup-Codes für {service}"),
        codes_page_explained: |date| {
            format!(
                "Erstellt am {date}. Mit jedem Code können Sie sich einmal anmelden, wenn Sie Ihr Telefon nicht haben."
            )
        },
        save_now: "Speichern Sie diese Codes jetzt: Sie werden nur einmal angezeigt.",
        save_now_pending: "Speichern Sie diese Codes jetzt: Sie werden nur einmal angezeigt. Ihre früheren Backup-Codes \
            gelten, bis Sie unten sagen, dass Sie diese gespeichert haben, oder bis Sie einen davon verwenden.",
        save_now_ended: "Speichern Sie diese Codes jetzt: Sie werden nur einmal angezeigt. Ihre früheren Backup-Codes \
            gelten nicht mehr.",
        codes_on_paper: "Schreiben Sie das Datum neben einen Code, wenn Sie ihn verwendet haben. Bewahren Sie diese Seite \
            dort auf, wo nur Sie sie finden, und nicht beim Telefon. Wenn nur noch wenige Codes übrig sind, erstellen \
            Sie neue; sie ersetzen diese.",
        download: "Herunterladen",
        copy: "Kopieren",
        print: "Drucken",
        saved: "Ich habe sie gespeichert",
        file,
        change,
        message,
        done,
        problem,
        to_overview: "Zur Zwei-Faktor-Authentifizierung",
        to_sign_in: "Zur Anmeldung",
        to_code: "Code eingeben",
        to_setup: "Neu beginnen",
        event: german_event,
        mail: german_mail,
    };
}

/// In the dative, for "in" and "innerhalb von".
fn span(duration: Duration) -> String {
    match Span::from(duration) {
        Span::Seconds(1) => "1 Sekunde".into(),
        Span::Seconds(seconds) => format!("{seconds} Sekunden"),
        Span::Minutes(minutes) => format!("{minutes} Minuten"),
        Span::Hours(hours) => format!("{hours} Stunden"),
        Span::Days(days) => format!("{days} Tagen"),
    }
}

fn date(at: Timestamp) -> String {
    let Utc {
        year, month, day, ..
    } = at.into();
    let month = match month {
        1 => "Januar",
        2 => "Februar",
        3 => "März",
        4 => "April",
        5 => "Mai",
        6 => "Juni",
        7 => "Juli",
        8 => "August",
        9 => "September",
        10 => "Oktober",
        11 => "November",
        _ => "Dezember",
    };
    format!("{day}. {month} {year}")
}

fn time_of_day(at: Timestamp) -> String {
    let Utc { hour, minute, .. } = at.into();
    format!("{hour:02}:{minute:02} Uhr (UTC)")
}

fn file(service: &str, date: &str) -> BackupCodeFile {
    BackupCodeFile {
        heading: format!("Backup-Codes für {service}"),
        date: format!("Erstellt am {date}"),
        advice: format!(
            "Wenn Sie Ihre Authenticator-App nicht verwenden können, geben Sie einen dieser Codes ein. Jeder Code gilt \
             einmal: Schreiben Sie das Datum daneben, wenn Sie ihn verwenden.\n\
             Bewahren Sie diese Seite dort auf, wo nur Sie sie finden, und nicht auf dem Telefon mit der App.\n\
             Wenn nur noch wenige Codes übrig sind oder jemand anders sie gesehen haben könnte, melden Sie sich bei \
             {service} an, und erstellen und speichern Sie neue. Die Codes auf dieser Seite gelten dann nicht \
             mehr."
        ),
    }
}

const fn message(message: Message) -> MessageWords {
    let (title, text) = match message {
        Message::RecordLost => (
            "Sie können sich gerade nicht anmelden",
            "Die Daten Ihres zweiten Faktors fehlen oder sind veraltet. Bitte schreiben Sie uns.",
        ),
        Message::NotOurForm => (
            "Bitte versuchen Sie es erneut",
            "Das Formular war veraltet oder kam von einer anderen Website. Es wurde nichts geändert.",
        ),
        Message::Failed => (
            "Ein Fehler ist aufgetreten",
            "Der Fehler liegt bei uns. Bitte versuchen Sie es in einer Minute erneut.",
        ),
        Message::NotFound => (
            "Diese Seite gibt es nicht",
            "Die Adresse ist falsch, oder die Seite gibt es nicht mehr.",
        ),
        Message::MethodNotAllowed => (
            "Das geht nicht",
            "Die Seite nimmt eine solche Anfrage nicht an. Es wurde nichts geändert.",
        ),
        Message::Malformed => (
            "Das geht nicht",
            "Das Formular war unvollständig, oder ein Feld war zu lang. Es wurde nichts geändert.",
        ),
        Message::SetupReplaced => (
            "Dieser QR-Code wurde ersetzt",
            "Sie haben die Einrichtung in einem anderen Tab oder Browser neu begonnen. Wenn Sie diesen Eintrag schon \
             in Ihrer App haben, löschen Sie ihn dort. Fahren Sie dann im anderen Tab fort.",
        ),
        Message::SetupExpired => (
            "Dieser QR-Code ist abgelaufen",
            "Sie haben ihn nicht rechtzeitig bestätigt. Wenn Sie den Eintrag schon in Ihrer App haben, löschen Sie ihn \
             dort. Beginnen Sie dann neu.",
        ),
        Message::SetupTooManyTries => (
            "Zu viele falsche Codes",
            "Dieser QR-Code gilt nicht mehr. Löschen Sie den Eintrag aus Ihrer App, und beginnen Sie neu. Wenn das \
             öfter geschieht, prüfen Sie, ob die Uhr Ihres Telefons automatisch gestellt wird.",
        ),
        Message::SetupOver => (
            "Diese Einrichtung ist beendet",
            "Sie haben sie abgeschlossen oder abgebrochen.",
        ),
        Message::CodesGone => (
            "Diese Codes werden nicht mehr angezeigt",
            "Backup-Codes werden einmal angezeigt. Wenn Sie sie nicht gespeichert haben, erstellen Sie neue.",
        ),
        Message::ChangedMeanwhile => (
            "Bitte melden Sie sich erneut an",
            "Ihr zweiter Faktor wurde gerade geändert.",
        ),
        Message::SignIn => ("Bitte melden Sie sich an", "Sie sind nicht angemeldet."),
        Message::EnterCode => (
            "Code eingeben",
            "Sie haben Ihr Passwort eingegeben. Geben Sie jetzt einen Code ein.",
        ),
        Message::StepUp => (
            "Bestätigen, dass Sie es sind",
            "Ihre Anmeldung liegt schon länger zurück. Bitte weisen Sie erneut nach, dass Sie es sind.",
        ),
    };
    MessageWords { title, text }
}

fn done(done: &Done) -> String {
    match done {
        Done::Enabled => {
            "Die Zwei-Faktor-Authentifizierung ist eingeschaltet. Erstellen Sie jetzt Backup-Codes für den Fall, dass \
             Sie Ihr Telefon verlieren."
                .into()
        }
        Done::Added { name } => format!("„{name}“ ist hinzugefügt."),
        Done::Replaced { name } => format!(
            "„{name}“ ist ersetzt. Der alte Eintrag in Ihrer App funktioniert nicht mehr: Löschen Sie ihn."
        ),
        Done::Removed { name } => {
            format!("„{name}“ ist entfernt. Löschen Sie den Eintrag aus Ihrer App.")
        }
        Done::Disabled => {
            "Die Zwei-Faktor-Authentifizierung ist ausgeschaltet. Löschen Sie den Eintrag aus Ihrer App."
                .into()
        }
        Done::CodesSaved => {
            "Gut. Bewahren Sie Ihre Backup-Codes dort auf, wo nur Sie sie finden, und nicht auf Ihrem Telefon."
                .into()
        }
        Done::CodesDiscarded => {
            "Die neuen Backup-Codes sind verworfen. Ihre früheren Codes gelten weiter.".into()
        }
        Done::SetupCancelled => {
            "Abgebrochen. Es wurde nichts geändert. Wenn Ihre App einen neuen Eintrag hat, löschen Sie ihn."
                .into()
        }
        Done::BackupCodeUsed { number, remaining } => {
            let left = match remaining {
                0 => "keinen Code".into(),
                1 => "1 Code".into(),
                _ => format!("{remaining} Codes"),
            };
            format!(
                "Sie haben sich mit dem Backup-Code {number} angemeldet. Streichen Sie ihn durch: Sie haben noch {left}."
            )
            .replace("noch keinen Code", "keinen Code mehr")
        }
        Done::SignedOut => "Sie sind abgemeldet.".into(),
        Done::BrowserForgotten => {
            "Der Browser ist vergessen. Die nächste Anmeldung dort braucht einen Code.".into()
        }
        Done::BrowsersForgotten => "Alle Browser sind vergessen.".into(),
    }
}

fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Rejected(why) => return rejection(*why),
        Problem::NotPasscode { digits } => {
            return format!("Das ist kein Code: Ihre App zeigt {digits} Ziffern an.");
        }
        Problem::CodesNotAccepted { count } => {
            return format!(
                "Diese Codes wurden nicht angenommen. Geben Sie {count} neue Codes ein, die Ihre App nacheinander \
                 anzeigt."
            );
        }
        Problem::CodesNeeded { count } => {
            return format!("Heute reicht ein Code nicht. Geben Sie {count} Codes hintereinander ein.");
        }
        Problem::TooManyPasswords { retry_after } => {
            return format!(
                "Zu viele falsche Passwörter. Versuchen Sie es in {} erneut.",
                span(*retry_after)
            );
        }
        Problem::Message(about) => return message(*about).text.into(),
        Problem::CodeMissing => "Bitte geben Sie einen Code ein.",
        Problem::PasswordMissing => "Bitte geben Sie Ihr Passwort ein.",
        Problem::WrongPassword => "Das ist nicht Ihr Passwort.",
        Problem::NameMissing => "Bitte geben Sie einen Namen ein.",
        Problem::NameTooLong => "Dieser Name ist zu lang. Bitte wählen Sie einen kürzeren.",
        Problem::NameUnprintable => {
            "Dieser Name enthält Zeichen, die nicht angezeigt werden können. Bitte wählen Sie einen anderen."
        }
        Problem::CodesShownBefore => {
            "Ihre neuen Backup-Codes werden einmal angezeigt, und die Seite wurde schon angezeigt. Wenn Sie sie nicht \
             gespeichert haben, erstellen Sie neue."
        }
        Problem::ChangedMeanwhile => {
            "Ihr zweiter Faktor wurde gerade geändert. Bitte melden Sie sich erneut an."
        }
        Problem::SessionEnded => "Sie wurden abgemeldet. Bitte melden Sie sich erneut an.",
        Problem::CodeTooLate => "Das hat zu lange gedauert. Bitte melden Sie sich erneut an.",
        Problem::MustEnroll => {
            "Ihr Konto braucht die Zwei-Faktor-Authentifizierung. Richten Sie sie jetzt ein."
        }
    }
    .into()
}

fn rejection(rejection: Rejection) -> String {
    match rejection {
        Rejection::Malformed
        | Rejection::WrongCode
        | Rejection::Replayed
        | Rejection::BackupCodeUsed => {
            "Dieser Code wurde nicht angenommen. Jeder Code gilt einmal: Warten Sie auf den nächsten in Ihrer App. Wenn \
             das öfter geschieht, prüfen Sie, ob die Uhr Ihres Telefons automatisch gestellt wird."
                .into()
        }
        Rejection::ReplayedAhead { retry_after } => format!(
            "Ein Code einer späteren Zeit wurde schon verwendet, weil eine Uhr vorging. Die Codes Ihrer App gelten in {} \
             wieder. Verwenden Sie bis dahin einen Backup-Code. Prüfen Sie, ob sich die Uhr Ihres Telefons selbst stellt.",
            span(retry_after)
        ),
        Rejection::ClockFault => Words::GERMAN.clock_fault.into(),
        Rejection::Locked => Words::GERMAN.locked.into(),
        Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => format!(
            "Zu viele falsche Codes. Versuchen Sie es in {} erneut.",
            span(retry_after)
        ),
        Rejection::WrongConfirmation { tries_left } => {
            let tries = if tries_left == 1 {
                "1 Versuch"
            } else {
                &format!("{tries_left} Versuche")
            };
            format!(
                "Das ist nicht der Code dieses Eintrags. Sie haben noch {tries}. QR-Code und Schlüssel bleiben gleich."
            )
        }
        Rejection::NoEnrollment => message(Message::SetupOver).text.into(),
        Rejection::EnrollmentSuperseded => message(Message::SetupReplaced).text.into(),
        Rejection::EnrollmentExpired => message(Message::SetupExpired).text.into(),
        Rejection::SecretInUse => {
            "Eine Ihrer Apps hat denselben Schlüssel. Bitte beginnen Sie neu.".into()
        }
        Rejection::TooManyEnrollments { retry_after } => format!(
            "Sie haben zu oft eine Einrichtung begonnen. Versuchen Sie es in {} erneut.",
            span(retry_after)
        ),
        Rejection::TooManyIssues { retry_after } => format!(
            "Sie haben an einem Tag drei Mal Backup-Codes erstellt. Versuchen Sie es in {} erneut. Die neuesten gelten.",
            span(retry_after)
        ),
        Rejection::IssueExpired => {
            "Das hat zu lange gedauert. Es wurden keine neuen Backup-Codes erstellt. Bitte versuchen Sie es erneut."
                .into()
        }
        Rejection::NoPendingCodes => {
            "Diese Backup-Codes sind nicht Ihre neuesten, oder Sie haben sie verworfen. Wenn Sie keine Backup-Codes \
             haben, erstellen Sie neue."
                .into()
        }
        Rejection::NameInUse => {
            "Eine andere Ihrer Apps hat diesen Namen. Bitte wählen Sie einen anderen.".into()
        }
        Rejection::UnknownAuthenticator => "Diese App haben Sie nicht mehr.".into(),
        Rejection::UnknownDevice => "Dieser Browser ist nicht mehr auf der Liste.".into(),
        Rejection::TooManyAuthenticators { maximum: 1 } => {
            "Sie haben schon eine App. Entfernen Sie sie zuerst.".into()
        }
        Rejection::TooManyAuthenticators { maximum } => {
            format!("Sie haben schon {maximum} Apps. Entfernen Sie zuerst eine.")
        }
        Rejection::ProofExpired | Rejection::ProofTooWeak | Rejection::ForeignReceipt => {
            "Bitte geben Sie einen Code ein, damit wir wissen, dass Sie es sind.".into()
        }
        Rejection::Absent | Rejection::Disabled => {
            "Die Zwei-Faktor-Authentifizierung ist ausgeschaltet.".into()
        }
        _ => "Das wurde abgelehnt. Es wurde nichts geändert.".into(),
    }
}
