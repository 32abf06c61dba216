use super::*;
use crate::samples;
use crate::words::Language;
use countersign::Rejection;
use jsonschema::Validator;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io};

/// The validator of a schema of the document.
fn schema(name: &str) -> Validator {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    assert!(
        document["components"]["schemas"][name].is_object(),
        "{name}"
    );
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn assert_valid(validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in {value:#}");
}

fn schema_of(content: &Content) -> &'static str {
    match content {
        Content::Code(_) => "CodePage",
        Content::Codes(_) => "CodesPage",
        Content::Overview(_) => "OverviewPage",
        Content::Devices(_) => "DevicesPage",
        Content::Setup(_) => "SetupPage",
        Content::Prove(_) => "ProvePage",
        Content::BackupCodes(_) => "BackupCodesPage",
        Content::Message(_) => "Problem",
    }
}

#[test]
fn every_page_fits_its_schema() {
    let mut seen = BTreeSet::new();
    for language in [Language::English, Language::German] {
        for (_, page) in samples::pages(language).unwrap() {
            let name = schema_of(&page.content);
            assert_valid(&schema(name), &page_json(&page, language.words()));
            seen.insert(name);
        }
    }
    assert_eq!(seen.len(), 8);
}

#[test]
fn a_schema_refuses_other_members() {
    let (_, page) = samples::pages(Language::English).unwrap().remove(0);
    let good = page_json(&page, Language::English.words());
    let validator = schema("CodePage");
    assert!(validator.is_valid(&good));
    let mut extra = good.clone();
    extra["content"]["secret"] = "1".into();
    assert!(!validator.is_valid(&extra));
    let mut missing = good.clone();
    missing["content"].as_object_mut().unwrap().remove("wait");
    assert!(!validator.is_valid(&missing));
    assert!(!schema("CodesPage").is_valid(&good));
}

#[test]
fn every_problem_fits_its_schema() {
    let (_, page) = samples::pages(Language::English).unwrap().remove(0);
    let validator = schema("Problem");
    let mut codes = BTreeSet::new();
    for problem in problems() {
        for language in [Language::English, Language::German] {
            let value = problem_json(&problem, &page.frame, language.words());
            assert_valid(&validator, &value);
            assert_eq!(value["csrf"], "a-token");
            assert!(!value["detail"].as_str().unwrap().is_empty());
            codes.insert(value["code"].as_str().unwrap().to_owned());
        }
    }
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let documented = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let documented: BTreeSet<String> = serde_json::from_value(documented.clone()).unwrap();
    assert_eq!(codes, documented);
}

fn problems() -> Vec<Problem> {
    use Rejection as R;
    let retry_after = Duration::from_secs(90);
    let rejections = [
        R::Malformed,
        R::WrongCode,
        R::Replayed,
        R::ReplayedAhead { retry_after },
        R::BackupCodeUsed,
        R::Absent,
        R::Disabled,
        R::Locked,
        R::Waiting { retry_after },
        R::BudgetSpent { retry_after },
        R::ClockFault,
        R::ProofTooWeak,
        R::ProofExpired,
        R::ForeignReceipt,
        R::NoEnrollment,
        R::EnrollmentSuperseded,
        R::TooManyEnrollments { retry_after },
        R::EnrollmentExpired,
        R::WrongConfirmation { tries_left: 1 },
        R::WrongConfirmation { tries_left: 2 },
        R::UnknownAuthenticator,
        R::UnknownDevice,
        R::LastAuthenticator,
        R::NameInUse,
        R::TooManyAuthenticators { maximum: 1 },
        R::TooManyAuthenticators { maximum: 5 },
        R::SecretInUse,
        R::TooManyIssues { retry_after },
        R::IssueExpired,
        R::NoPendingCodes,
    ];
    let messages = [
        Message::RecordLost,
        Message::NotOurForm,
        Message::Failed,
        Message::NotFound,
        Message::MethodNotAllowed,
        Message::Malformed,
        Message::SetupReplaced,
        Message::SetupExpired,
        Message::SetupTooManyTries,
        Message::SetupOver,
        Message::CodesGone,
        Message::SignIn,
        Message::EnterCode,
        Message::StepUp,
    ];
    let others = [
        Problem::NotPasscode { digits: 6 },
        Problem::CodesNotAccepted { count: 3 },
        Problem::CodesNeeded { count: 3 },
        Problem::CodeMissing,
        Problem::PasswordMissing,
        Problem::WrongPassword,
        Problem::TooManyPasswords { retry_after },
        Problem::NameMissing,
        Problem::NameTooLong,
        Problem::NameUnprintable,
        Problem::CodesShownBefore,
        Problem::ChangedMeanwhile,
        Problem::SessionEnded,
        Problem::CodeTooLate,
        Problem::MustEnroll,
    ];
    rejections
        .map(Problem::from)
        .into_iter()
        .chain(messages.map(Problem::from))
        .chain(others)
        .collect()
}

#[test]
fn problems_name_field_wait_and_next_page() {
    let (_, page) = samples::pages(Language::English).unwrap().remove(0);
    let json = |problem: Problem| problem_json(&problem, &page.frame, Language::English.words());
    let wrong = json(Rejection::WrongCode.into());
    assert_eq!(wrong["type"], "/two-factor/openapi.json#code-not-accepted");
    assert_eq!(wrong["title"], "Code not accepted");
    assert_eq!(
        (&wrong["status"], &wrong["field"]),
        (&json!(422), &json!("code"))
    );
    assert_eq!(wrong["next"], Value::Null);
    let retry_after = Duration::from_secs(90);
    let waiting = json(Rejection::Waiting { retry_after }.into());
    assert_eq!(
        (&waiting["status"], &waiting["retry_after"]),
        (&json!(429), &json!(90))
    );
    let half = json(Message::EnterCode.into());
    assert_eq!(
        (&half["status"], &half["next"]),
        (&json!(403), &json!("/two-factor/code"))
    );
    let nobody = json(Message::SignIn.into());
    assert_eq!(
        (&nobody["status"], &nobody["next"]),
        (&json!(401), &json!("/sign-in"))
    );
}

#[test]
fn answers_to_forms_fit_their_schema() {
    let validator = schema("Next");
    assert_valid(&validator, &next_json("/"));
    assert_valid(&validator, &next_json("/two-factor/backup-codes"));
}

#[test]
fn the_document_has_the_prefix() {
    let document: Value = serde_json::from_str(&openapi("/a\"b")).unwrap();
    assert_eq!(document["servers"], json!([{ "url": "/a\"b" }]));
    assert_eq!(openapi("/two-factor"), OPENAPI);
}

/// `OPENAPI_SPEC_VALIDATOR` or the path names the program.
#[test]
fn a_validator_accepts_the_document() {
    let program = env::var_os("OPENAPI_SPEC_VALIDATOR");
    let program = program.unwrap_or_else(|| "openapi-spec-validator".into());
    let path = format!("{}/openapi.json", env!("CARGO_MANIFEST_DIR"));
    assert!(fs::exists(&path).unwrap());
    match Command::new(&program).arg(&path).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}");
        }
        Err(error) => {
            let required =
                env::var_os("COUNTERSIGN_SKIP_NOTHING").is_some_and(|value| value == "1");
            assert!(
                !required,
                "openapi-spec-validator is missing ({error}), and COUNTERSIGN_SKIP_NOTHING=1 is set"
            );
            // The test harness hides the output of `eprintln!`.
            _ = writeln!(io::stderr(), "skipped: no openapi-spec-validator ({error})");
        }
    }
}
