//! Why a line is refused: the field, and what is wrong. A fault never holds a value of the line.

use std::fmt::{self, Display};

use countersign::backup::ImportedCodesError;
use countersign::import::{ImportError, ImportFault};

use crate::form::Row;
use crate::row::Form;

/// The reason why a line is refused.
#[derive(Debug)]
pub(crate) struct Fault {
    field: String,
    problem: String,
}

impl Fault {
    /// A fault of a field.
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// A fault of the whole line.
    pub(crate) fn line(problem: impl Into<String>) -> Self {
        Self::new("", problem)
    }

    /// The fault that an error of the library describes. These errors hold no secrets.
    pub(crate) fn of(field: impl Into<String>, error: impl Display) -> Self {
        Self::new(field, error.to_string())
    }

    /// The fault of a field of this object.
    pub(crate) fn within(self, object: &str) -> Self {
        Self {
            field: format!("{object}.{}", self.field),
            ..self
        }
    }

    /// The fault of an account that the verifier does not import.
    pub(crate) fn of_import(error: &ImportError, form: Form) -> Self {
        let problem = chain(error);
        match error {
            ImportError::Unfit(fault) => of_authenticator(fault, form),
            ImportError::BackupCodes(error) => Self::new(code_field(error), problem),
            ImportError::Occupied(_) => Self::new("account", problem),
            _ => Self::line(problem),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.field, self.problem)
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

fn of_authenticator(fault: &ImportFault, form: Form) -> Fault {
    let list = match form {
        Form::Authenticators => "authenticators",
        Form::Uri => "uri",
        Form::Uris => "uris",
    };
    // The library counts from 1.
    let place = |number: &usize, field: &str| {
        let place = number.saturating_sub(1);
        match form {
            Form::Authenticators => format!("authenticators[{place}].{field}"),
            Form::Uri => "uri".into(),
            Form::Uris => format!("uris[{place}]"),
        }
    };
    let field = match fault {
        ImportFault::WeakSecret {
            number,
            bits,
            minimum,
        } => {
            let problem = format!(
                "the secret has {bits} bits; at least {minimum} are needed: pass --min-bits \
                 {bits}, or let the user enroll again"
            );
            return Fault::new(place(number, "secret"), problem);
        }
        ImportFault::ZeroSecret { number } | ImportFault::SecretInUse { number } => {
            place(number, "secret")
        }
        ImportFault::StepInFuture { number, .. } => match form {
            Form::Authenticators => place(number, "last_step"),
            Form::Uri | Form::Uris => "last_step".into(),
        },
        ImportFault::CounterTooHigh { number, .. } => place(number, "counter"),
        ImportFault::AddedInFuture { number, .. } => place(number, "added_at"),
        ImportFault::ExportedInFuture { .. } => "exported_at".into(),
        _ => list.into(),
    };
    Fault::of(field, fault)
}

/// The field that an error of backup codes is about.
pub(crate) fn code_field(error: &ImportedCodesError) -> String {
    let entry = |number: &usize, field: &str| {
        let place = number.saturating_sub(1);
        format!("backup_codes.codes[{place}]{field}")
    };
    match error {
        ImportedCodesError::Unreadable { number, .. } | ImportedCodesError::Shape { number } => {
            entry(number, ".code")
        }
        ImportedCodesError::Hash { number, .. } => entry(number, ".hash"),
        ImportedCodesError::Duplicate { number } => entry(number, ""),
        _ => "backup_codes.codes".into(),
    }
}

/// The fault of a line that is not JSON or does not have the form.
///
/// The texts of serde quote values. So this function takes from them only the name of an unknown,
/// missing or repeated field.
pub(crate) fn json_fault(line: &str) -> Fault {
    let mut json = serde_json::Deserializer::from_str(line);
    let read: Result<Row<'_>, _> = serde_path_to_error::deserialize(&mut json);
    let (path, error) = match read {
        Err(error) => (error.path().to_string(), error.into_inner()),
        Ok(_) => match json.end() {
            Err(error) => (".".into(), error),
            Ok(()) => return Fault::line("cannot be read"),
        },
    };
    if !error.is_data() {
        return Fault::line(format!("is not JSON at column {}", error.column()));
    }
    let path = path.trim_end_matches(['?', '.']);
    let text = error.to_string();
    for (start, problem) in [
        ("unknown field `", "is not a field of the form"),
        ("missing field `", "is missing"),
        ("duplicate field `", "is given twice"),
    ] {
        let Some(rest) = text.strip_prefix(start) else {
            continue;
        };
        let name = short(rest.split('`').next().unwrap_or_default());
        // serde_path_to_error adds the name of some fields.
        let object = path.strip_suffix(&name).unwrap_or(path);
        let object = object.trim_end_matches('.');
        let separator = if object.is_empty() { "" } else { "." };
        return Fault::new(format!("{object}{separator}{name}"), problem);
    }
    let expected = text.rsplit(", expected ").next().unwrap_or_default();
    Fault::new(path, expected_type(expected))
}

/// What a field must be, in the words of JSON.
fn expected_type(serde: &str) -> &'static str {
    if serde.starts_with("u64") {
        "must be a whole number from 0 to 2^64 - 1"
    } else if serde.starts_with("a string") {
        "must be a string"
    } else if serde.starts_with("a sequence") {
        "must be a list"
    } else if serde.starts_with("struct") {
        "must be an object"
    } else {
        "has the wrong type"
    }
}

/// A name from the line, cut to a length that fits into a message.
fn short(name: &str) -> String {
    name.chars().take(64).collect()
}
