//! Reads a line into the import of an account. An error names the field, and never a value that can
//! be a secret.

use std::fmt::Display;

use countersign::backup::{CodeShape, ImportedCodes};
use countersign::import::{Import, ImportedAuthenticator};
use countersign::otp::{Digits, Period, Secret, TimeStep};
use countersign::uri::{KeyUri, KeyUriKind, Repair};
use countersign::{AccountId, AuthenticatorName, Timestamp};

use crate::fault::{Fault, code_field, json_fault};
use crate::form::{AccountOnly, Authenticator, BackupCodes, Row, Text};

/// An account to import.
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) import: Import,
    pub(crate) form: Form,
    /// Whether the import hashes the backup codes.
    pub(crate) has_plain_codes: bool,
}

/// How a line gives the authenticators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Authenticators,
    Uri,
    Uris,
}

/// A line that is refused, and its account, if the line names one.
pub(crate) struct Unreadable {
    pub(crate) account: Option<AccountId>,
    pub(crate) fault: Fault,
}

/// Reads a line. `most` is the number of authenticators that the policy allows.
pub(crate) fn read(line: &[u8], most: usize) -> Result<Account, Unreadable> {
    let line = str::from_utf8(line).map_err(|_| Unreadable {
        account: None,
        fault: Fault::line("is not UTF-8"),
    })?;
    let row: Row<'_> = serde_json::from_str(line).map_err(|_| {
        let account: Option<AccountOnly<'_>> = serde_json::from_str(line).ok();
        Unreadable {
            account: account
                .and_then(|found| found.account)
                .and_then(|id| AccountId::new(id.as_str()).ok()),
            fault: json_fault(line),
        }
    })?;
    let id = AccountId::new(row.account.as_str()).map_err(|error| Unreadable {
        account: None,
        fault: Fault::of("account", error),
    })?;
    match import(&row, most) {
        Ok((import, form, has_plain_codes)) => Ok(Account {
            id,
            import,
            form,
            has_plain_codes,
        }),
        Err(fault) => Err(Unreadable {
            account: Some(id),
            fault,
        }),
    }
}

fn import(row: &Row<'_>, most: usize) -> Result<(Import, Form, bool), Fault> {
    let (form, authenticators) = authenticators(row, most)?;
    let mut import = Import::new(authenticators);
    if let Some(at) = row.exported_at {
        import = import.exported_at(Timestamp::from_unix(at));
    }
    let mut has_plain_codes = false;
    if let Some(codes) = &row.backup_codes {
        has_plain_codes = codes.codes.iter().any(|entry| entry.code.is_some());
        import = import.backup_codes(backup_codes(codes, has_plain_codes)?);
    }
    Ok((import, form, has_plain_codes))
}

fn authenticators(row: &Row<'_>, most: usize) -> Result<(Form, Vec<ImportedAuthenticator>), Fault> {
    let check_count = |field: &'static str, count: usize| match count {
        0 => Err(Fault::new(
            field,
            "the list is empty; leave the account out",
        )),
        count if count > most => Err(Fault::new(
            field,
            format!("the list has {count} entries; at most {most} are allowed"),
        )),
        _ => Ok(()),
    };
    match (&row.authenticators, &row.uri, &row.uris) {
        (Some(list), None, None) => {
            check_count("authenticators", list.len())?;
            if row.last_step.is_some() {
                return Err(Fault::new("last_step", "belongs into an authenticator"));
            }
            let list = list.iter().enumerate();
            let read = list.map(|(place, authenticator)| {
                let within = |fault: Fault| fault.within(&format!("authenticators[{place}]"));
                read_authenticator(authenticator).map_err(within)
            });
            Ok((Form::Authenticators, read.collect::<Result<_, _>>()?))
        }
        (None, Some(uri), None) => {
            let authenticator = read_uri("uri", uri, row.last_step)?;
            Ok((Form::Uri, vec![authenticator]))
        }
        (None, None, Some(list)) => {
            check_count("uris", list.len())?;
            if row.last_step.is_some() && list.len() > 1 {
                return Err(Fault::new(
                    "last_step",
                    "belongs to one key URI; write `authenticators`, each with its own",
                ));
            }
            let list = list.iter().enumerate();
            let read =
                list.map(|(place, uri)| read_uri(&format!("uris[{place}]"), uri, row.last_step));
            Ok((Form::Uris, read.collect::<Result<_, _>>()?))
        }
        (None, None, None) => Err(Fault::line("`authenticators`, `uri` or `uris` is missing")),
        _ => Err(Fault::line(
            "use only one of `authenticators`, `uri` and `uris`",
        )),
    }
}

fn read_authenticator(from: &Authenticator<'_>) -> Result<ImportedAuthenticator, Fault> {
    let secret = Secret::from_base32_with_minimum(from.secret.as_str(), 8);
    let secret = secret.map_err(|error| Fault::of("secret", error))?;
    let kind = from.kind.as_ref().map_or("totp", Text::as_str);
    let mut authenticator = match kind {
        "totp" => {
            refuse(from.counter.is_some(), "counter", "hotp")?;
            let mut totp = ImportedAuthenticator::totp(secret);
            if let Some(seconds) = from.period {
                let period = Period::from_secs(seconds);
                totp = totp.period(period.map_err(|error| Fault::of("period", error))?);
            }
            if let Some(t0) = from.t0 {
                totp = totp.t0(Timestamp::from_unix(t0));
            }
            if let Some(step) = from.last_step {
                totp = totp.last_step(TimeStep::new(step));
            }
            totp
        }
        "hotp" => {
            refuse(from.period.is_some(), "period", "totp")?;
            refuse(from.t0.is_some(), "t0", "totp")?;
            refuse(from.last_step.is_some(), "last_step", "totp")?;
            let missing = || Fault::new("counter", "is missing; hotp needs the next counter");
            ImportedAuthenticator::hotp(secret, from.counter.ok_or_else(missing)?)
        }
        _ => return Err(Fault::new("type", "is neither totp nor hotp")),
    };
    if let Some(name) = &from.algorithm {
        let algorithm = name.as_str().parse();
        let fault = |_| Fault::new("algorithm", "is not SHA1, SHA256 or SHA512");
        authenticator = authenticator.algorithm(algorithm.map_err(fault)?);
    }
    if let Some(digits) = from.digits {
        let digits = u8::try_from(digits)
            .ok()
            .and_then(|digits| Digits::new(digits).ok());
        let digits = digits.ok_or_else(|| Fault::new("digits", "is not 6, 7 or 8"))?;
        authenticator = authenticator.digits(digits);
    }
    if let Some(name) = &from.name {
        let name = AuthenticatorName::new(name.as_str());
        authenticator = authenticator.name(name.map_err(|error| Fault::of("name", error))?);
    }
    if let Some(at) = from.added_at {
        authenticator = authenticator.added_at(Timestamp::from_unix(at));
    }
    Ok(authenticator)
}

fn refuse(is_given: bool, field: &'static str, kind: &str) -> Result<(), Fault> {
    if is_given {
        return Err(Fault::new(field, format!("belongs to the type {kind}")));
    }
    Ok(())
}

fn read_uri(
    field: &str,
    uri: &Text<'_>,
    last_step: Option<u64>,
) -> Result<ImportedAuthenticator, Fault> {
    let lenient = KeyUri::parse_lenient(uri.as_str());
    let lenient = lenient.map_err(|error| Fault::of(field, error))?;
    if lenient.repairs.contains(&Repair::CounterMissing) {
        return Err(Fault::new(field, "the counter is missing"));
    }
    let authenticator = ImportedAuthenticator::try_from(&lenient.uri);
    let authenticator = authenticator.map_err(|error| Fault::of(field, error))?;
    match (lenient.uri.kind(), last_step) {
        (KeyUriKind::Hotp { .. }, Some(_)) => {
            Err(Fault::new("last_step", "belongs to the type totp"))
        }
        (_, Some(step)) => Ok(authenticator.last_step(TimeStep::new(step))),
        (_, None) => Ok(authenticator),
    }
}

fn backup_codes(from: &BackupCodes<'_>, are_plain: bool) -> Result<ImportedCodes, Fault> {
    let shape = shape(from).map_err(|fault| fault.within("backup_codes"))?;
    let mut entries = Vec::with_capacity(from.codes.len());
    for (place, entry) in from.codes.iter().enumerate() {
        let text = match (&entry.code, &entry.hash) {
            (Some(code), None) if are_plain => code,
            (None, Some(hash)) if !are_plain => hash,
            _ => {
                let field = format!("backup_codes.codes[{place}]");
                let problem = "every entry needs `code`, or every entry needs `hash`";
                return Err(Fault::new(field, problem));
            }
        };
        entries.push((text.as_str(), entry.used_at.map(Timestamp::from_unix)));
    }
    let codes = if are_plain {
        ImportedCodes::plain(shape, entries)
    } else {
        ImportedCodes::hashed(shape, entries)
    };
    let codes = codes.map_err(|error| Fault::of(code_field(&error), error))?;
    Ok(match from.issued_at {
        Some(at) => codes.issued_at(Timestamp::from_unix(at)),
        None => codes,
    })
}

fn shape(from: &BackupCodes<'_>) -> Result<CodeShape, Fault> {
    let number = |field: &'static str, number: u64| {
        u8::try_from(number).map_err(|_| Fault::new(field, "is above 255"))
    };
    let of = |field: &'static str| move |error: &dyn Display| Fault::of(field, error);
    let length = number("length", from.length)?;
    let shape = CodeShape::new(from.alphabet.as_str(), length).map_err(|error| {
        let field = match error {
            countersign::backup::CodeShapeError::Length { .. } => "length",
            _ => "alphabet",
        };
        of(field)(&error)
    })?;
    match (from.group, &from.separator) {
        (None, None) => Ok(shape),
        (Some(group), Some(separator)) => {
            let mut characters = separator.as_str().chars();
            let (Some(separator), None) = (characters.next(), characters.next()) else {
                return Err(Fault::new("separator", "is not one character"));
            };
            let group = number("group", group)?;
            shape.with_groups(group, separator).map_err(|error| {
                let field = match error {
                    countersign::backup::CodeShapeError::Separator => "separator",
                    _ => "group",
                };
                of(field)(&error)
            })
        }
        (Some(_), None) => Err(Fault::new("separator", "is missing; `group` needs it")),
        (None, Some(_)) => Err(Fault::new("group", "is missing; `separator` needs it")),
    }
}
