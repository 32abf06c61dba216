//! Every JSON answer of the flows fits the schema that `openapi.json` has for it.

use countersign_gate::{GateAnswer, SessionChange};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap());

/// The validators of the schemas that have a name.
static NAMED: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let names = DOCUMENT["components"]["schemas"].as_object().unwrap();
    let all = names.keys().map(|name| {
        let reference = format!("#/components/schemas/{name}");
        let validator = validator(&json!({ "$ref": reference }));
        (reference, validator)
    });
    all.collect()
});

fn validator(schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = DOCUMENT["components"].clone();
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// Checks an answer of a page of the gate: its path is without the prefix.
#[track_caller]
pub(crate) fn check_page(post: bool, path: &str, answer: &GateAnswer) {
    let operation = operation(post, path);
    check(&format!("{post} {path}"), operation, answer);
}

/// Checks an answer outside the pages: a first factor, or a page of the application.
#[track_caller]
pub(crate) fn check_other(path: &str, answer: &GateAnswer) {
    check(path, None, answer);
}

/// HTML and redirects are not for programs, so the document does not describe them.
#[track_caller]
fn check(what: &str, operation: Option<&Value>, answer: &GateAnswer) {
    let mut headers = answer.headers.iter();
    let kind = headers.find(|(name, _)| *name == "content-type");
    let kind = kind.and_then(|(_, text)| text.split(';').next());
    let Some(kind) = kind.filter(|kind| *kind != "text/html") else {
        return;
    };
    let body = match kind.ends_with("json") {
        true => serde_json::from_slice(&answer.body).unwrap(),
        false => Value::from(String::from_utf8_lossy(&answer.body)),
    };
    let schema = match operation {
        Some(operation) => documented(operation, answer.status, kind),
        None if kind == "application/problem+json" => {
            Some(json!({ "$ref": "#/components/schemas/Problem" }))
        }
        None => Some(json!({ "$ref": "#/components/schemas/Next" })),
    };
    let status = answer.status;
    let schema = schema.unwrap_or_else(|| panic!("{what}: {status} {kind} is not documented"));
    let named = schema["$ref"].as_str().and_then(|name| NAMED.get(name));
    let own;
    let validator = match named {
        Some(named) => named,
        None => {
            own = validator(&schema);
            &own
        }
    };
    let errors = validator.iter_errors(&body);
    let errors: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?} in {body:#}");
    if let Some(member) = body.get("status") {
        assert_eq!(*member, json!(status), "{what}");
    }
}

/// The operation of the document for a request.
fn operation(post: bool, path: &str) -> Option<&'static Value> {
    let method = if post { "post" } else { "get" };
    let mut paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let found = paths.find(|(template, _)| {
        let mut parts = template.trim_end_matches('/').split('/');
        let fits = path.trim_end_matches('/').split('/').all(|part| {
            let expected = parts.next();
            expected.is_some_and(|expected| expected == part || expected.starts_with('{'))
        });
        fits && parts.next().is_none()
    });
    found.and_then(|(_, operations)| operations.get(method))
}

/// The schema of an answer with this status and content type.
fn documented(operation: &Value, status: u16, kind: &str) -> Option<Value> {
    let responses = &operation["responses"];
    let class = format!("{}XX", status / 100);
    let response = responses.get(status.to_string()).or(responses.get(class))?;
    let response = match response["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.strip_prefix('#')?)?,
        None => response,
    };
    Some(response["content"].get(kind)?["schema"].clone())
}

#[test]
fn operations_are_found_by_their_templates() {
    for (post, path, expected) in [
        (false, "", Some("showOverview")),
        (true, "/code", Some("enterCode")),
        (false, "/setup/0123", Some("showSetup")),
        (false, "/sign-out", None),
        (false, "/unknown", None),
        (false, "/setup/a/b", None),
    ] {
        let found = operation(post, path).and_then(|found| found["operationId"].as_str());
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
#[should_panic(expected = "is not documented")]
fn other_content_is_not_documented() {
    let answer = GateAnswer {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: b"{}".to_vec(),
        session: SessionChange::Keep,
    };
    check_page(true, "/backup-codes/file", &answer);
}
