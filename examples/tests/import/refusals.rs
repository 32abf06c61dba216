//! Lines that are refused: the report names the line, the account and the field, and no secret.

use serde_json::{Value, json};

use crate::{Directory, Output, line, run};

/// A secret. No message may have the first characters of it.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const MARK: &str = "GEZDGN";

fn import(lines: &[String]) -> Output {
    let output = Directory::new().import(&lines.join("\n"));
    assert_eq!(output.status, 1, "{}", output.errors);
    assert!(!output.all.contains(MARK), "{}", output.all);
    output
}

/// A line with these fields of the only authenticator, on top of its secret.
fn authenticator(fields: Value) -> Value {
    let mut authenticator = json!({"secret": SECRET});
    merge(&mut authenticator, fields);
    json!({"account": "42", "authenticators": [authenticator]})
}

/// A line with these fields of the backup codes.
fn codes(fields: Value) -> Value {
    let mut codes = json!({
        "alphabet": "0123456789abcdef",
        "length": 12,
        "codes": [{"code": "0123-4567-89ab"}],
    });
    merge(&mut codes, fields);
    json!({"account": "42", "authenticators": [{"secret": SECRET}], "backup_codes": codes})
}

fn merge(into: &mut Value, fields: Value) {
    let fields = fields.as_object().unwrap().clone();
    into.as_object_mut().unwrap().extend(fields);
}

fn uri(parameters: &str) -> Value {
    json!({"account": "42", "uri": format!("otpauth://{parameters}")})
}

#[test]
fn errors_name_the_field() {
    let short = "GEZDGNBVGY3TQOJQ";
    let long = "x".repeat(300);
    let wrong: Vec<(Value, &str)> = vec![
        (
            json!({"authenticators": [{"secret": SECRET}]}),
            "account: is missing",
        ),
        (
            json!({"account": "", "uri": ""}),
            "account: the account id is empty",
        ),
        (
            json!({"account": long, "uri": ""}),
            "account: the account id has 300 bytes",
        ),
        (
            json!({"account": 42, "uri": ""}),
            "account: must be a string",
        ),
        (
            json!({"account": "42"}),
            "`authenticators`, `uri` or `uris` is missing",
        ),
        (
            json!({"account": "42", "uri": "", "uris": []}),
            "use only one of",
        ),
        (
            json!({"account": "42", "authenticators": []}),
            "authenticators: the list is empty",
        ),
        (
            json!({"account": "42", "authenticators": {}}),
            "authenticators: must be a list",
        ),
        (
            json!({"account": "42", "authenticators": [7]}),
            "authenticators[0]: must be an object",
        ),
        (
            json!({"account": "42", "authenticators": [{}]}),
            "authenticators[0].secret: is missing",
        ),
        (
            json!({"account": "42", "uris": [7]}),
            "uris[0]: must be a string",
        ),
        (
            json!({"account": "42", "user": 1, "uri": ""}),
            "user: is not a field",
        ),
        (
            authenticator(json!({"kind": "totp"})),
            "authenticators[0].kind: is not a field",
        ),
        (
            authenticator(json!({"secret": "gezdgnbv"})),
            "authenticators[0].secret: the secret is not base32",
        ),
        (
            authenticator(json!({"secret": ""})),
            "authenticators[0].secret: the secret has 0 bits",
        ),
        (
            authenticator(json!({"secret": short})),
            "authenticators[0].secret: the secret has 80 bits; at least 128",
        ),
        (
            authenticator(json!({"secret": "A".repeat(32)})),
            "authenticators[0].secret: ",
        ),
        (
            authenticator(json!({"type": "TOTP"})),
            "authenticators[0].type: is neither",
        ),
        (
            authenticator(json!({"algorithm": "MD5"})),
            "authenticators[0].algorithm: is not",
        ),
        (
            authenticator(json!({"digits": 5})),
            "authenticators[0].digits: is not 6, 7 or 8",
        ),
        (
            authenticator(json!({"digits": 262})),
            "authenticators[0].digits: is not 6, 7 or 8",
        ),
        (
            authenticator(json!({"period": 0})),
            "authenticators[0].period: ",
        ),
        (
            authenticator(json!({"period": 1.5})),
            "authenticators[0].period: must be a whole number",
        ),
        (
            authenticator(json!({"t0": -1})),
            "authenticators[0].t0: must be a whole number",
        ),
        (
            authenticator(json!({"counter": 1})),
            "authenticators[0].counter: belongs to the type hotp",
        ),
        (
            authenticator(json!({"type": "hotp"})),
            "authenticators[0].counter: is missing",
        ),
        (
            authenticator(json!({"type": "hotp", "counter": 1, "period": 30})),
            "authenticators[0].period: belongs",
        ),
        (
            authenticator(json!({"type": "hotp", "counter": u64::MAX})),
            "authenticators[0].counter: ",
        ),
        (
            authenticator(json!({"name": "a\nb"})),
            "authenticators[0].name: ",
        ),
        (
            authenticator(json!({"added_at": 9_999_999_999_u64})),
            "authenticators[0].added_at: ",
        ),
        (
            authenticator(json!({"last_step": 1_700_000_000_u64})),
            "authenticators[0].last_step: ",
        ),
        (
            json!({"account": "42", "uri": format!("otpauth://totp/a?secret={SECRET}"), "last_step": 1_700_000_000_u64}),
            "last_step: ",
        ),
        (
            json!({"account": "42", "uri": format!("otpauth://totp/a?secret={SECRET}"), "exported_at": 9_999_999_999_u64}),
            "exported_at: ",
        ),
        (
            json!({"account": "42", "authenticators": [{"secret": SECRET}], "last_step": 1}),
            "last_step: belongs into",
        ),
        (
            json!({"account": "42", "authenticators": [{"secret": SECRET}, {"secret": SECRET}]}),
            "authenticators[1].secret: ",
        ),
        (uri(&format!("totp/a?secret={SECRET}&digits=9")), "uri: "),
        (
            uri(&format!("hotp/a?secret={SECRET}")),
            "uri: the counter is missing",
        ),
        (uri(&format!("steam/a?secret={SECRET}")), "uri: "),
        (codes(json!({"alphabet": "00"})), "backup_codes.alphabet: "),
        (codes(json!({"length": 5})), "backup_codes.length: "),
        (
            codes(json!({"length": 300})),
            "backup_codes.length: is above 255",
        ),
        (
            codes(json!({"alphabet": "0123456789", "length": 6, "codes": [{"code": "123456"}]})),
            "backup_codes.alphabet: six digits",
        ),
        (
            codes(json!({"group": 4})),
            "backup_codes.separator: is missing",
        ),
        (
            codes(json!({"group": 0, "separator": "-"})),
            "backup_codes.group: ",
        ),
        (
            codes(json!({"group": 4, "separator": "--"})),
            "backup_codes.separator: is not one character",
        ),
        (
            codes(json!({"group": 4, "separator": "_"})),
            "backup_codes.separator: ",
        ),
        (codes(json!({"codes": []})), "backup_codes.codes: "),
        (
            codes(json!({"codes": [{}]})),
            "backup_codes.codes[0]: every entry",
        ),
        (
            codes(json!({"codes": [{"code": "0123-4567-89ab"}, {"hash": "x"}]})),
            "backup_codes.codes[1]: every entry",
        ),
        (
            codes(json!({"codes": [{"code": "0123-4567-89ab"}, {"code": "0123"}]})),
            "backup_codes.codes[1].code: ",
        ),
        (
            codes(json!({"codes": [{"code": "0123-4567-89ab"}, {"code": "0123456789AB"}]})),
            "backup_codes.codes[1]: ",
        ),
        (
            codes(json!({"codes": [{"hash": "$2b$12$x"}]})),
            "backup_codes.codes[0].hash: ",
        ),
        (
            codes(json!({"codes": [{"code": "0123-4567-89ab", "used_at": "x"}]})),
            "backup_codes.codes[0].used_at: must be",
        ),
    ];
    let lines: Vec<String> = wrong.iter().map(|(line, _)| line.to_string()).collect();
    let output = import(&lines);
    let refused = output.report["refused"].as_array().unwrap();
    assert_eq!(refused.len(), wrong.len(), "{}", output.all);
    for (number, ((line, error), refused)) in (1..).zip(wrong.iter().zip(refused)) {
        assert_eq!(refused["line"], number);
        let found = refused["error"].as_str().unwrap();
        assert!(found.starts_with(error), "{line}: {found}, not {error}");
        if line["account"] == "42" {
            assert_eq!(refused["account"], "42");
        }
    }
    assert_eq!(output.report["imported"], 0);
}

#[test]
fn text_that_is_not_json_is_refused() {
    let twice = r#"{"account":"42","account":"43","uri":""}"#;
    let secret = format!(r#"{{"account":"42","uri":"otpauth://totp/a?secret={SECRET}"#);
    let lines = [
        "x".into(),
        "[]".into(),
        "null".into(),
        format!(r#""{SECRET}""#),
        twice.into(),
        secret.clone(),
        format!(r#"{secret}"}} {SECRET}"#),
        format!(r#"{{"account":"42","uri":"{}"}}"#, "x".repeat(1 << 20)),
    ];
    let output = import(&lines);
    let errors: Vec<_> = output.report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["error"].as_str().unwrap())
        .collect();
    let expected = [
        "is not JSON at column 1",
        "must be an object",
        "must be an object",
        "must be an object",
        "account: is given twice",
        "is not JSON at column ",
        "is not JSON at column ",
        "is longer than 1048576 bytes",
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
    assert_eq!(output.report["refused"][6]["account"], Value::Null);
}

/// Puts a secret into every field, in every type.
#[test]
fn errors_never_show_a_value() {
    let full = json!({
        "account": "42",
        "authenticators": [{
            "type": "totp", "secret": SECRET, "algorithm": "SHA1", "digits": 6, "period": 30,
            "t0": 0, "name": "phone", "added_at": 1, "last_step": 1, "counter": 1,
        }],
        "uri": SECRET, "uris": [SECRET], "last_step": 1, "exported_at": 1,
        "backup_codes": {
            "alphabet": "0123456789abcdef", "length": 12, "group": 4, "separator": "-",
            "issued_at": 1, "codes": [{"code": "0123-4567-89ab", "hash": SECRET, "used_at": 1}],
        },
    });
    let mut lines = Vec::new();
    for pointer in pointers(&full, "") {
        // The account is in the report.
        if pointer == "/account" {
            continue;
        }
        for value in [
            json!(SECRET),
            json!([SECRET]),
            json!([[SECRET, 1]]),
            json!({"secret": SECRET}),
            json!({"code": SECRET}),
            json!(format!(
                "otpauth://totp/{SECRET}?secret={SECRET}&digits={SECRET}"
            )),
            json!(format!("${SECRET}${SECRET}${SECRET}")),
        ] {
            let mut line = full.clone();
            *line.pointer_mut(&pointer).unwrap() = value;
            lines.push(line.to_string());
            for other in ["uri", "uris", "authenticators"] {
                let mut line = line.clone();
                for form in ["uri", "uris", "authenticators"] {
                    if form != other {
                        line.as_object_mut().unwrap().remove(form);
                    }
                }
                lines.push(line.to_string());
            }
        }
    }
    assert!(lines.len() > 300);
    let output = import(&lines);
    assert!(output.report["refused"].as_array().unwrap().len() > 300);
}

/// The JSON pointers of all values.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(list) => (0..)
            .map(|place: usize| place.to_string())
            .zip(list)
            .collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        all.extend(pointers(child, &pointer));
        all.push(pointer);
    }
    all
}

#[test]
fn other_lines_are_imported() {
    let directory = Directory::new();
    let text = format!(
        "{}\n\n{}not JSON\r\n{}",
        line(1),
        line(2),
        line(3).trim_end()
    );
    let output = directory.import(&text);
    assert_eq!(output.status, 1);
    assert_eq!(output.report["imported"], 3);
    assert_eq!(output.report["refused"][0]["line"], 5, "{}", output.all);
}

#[test]
fn short_secrets_need_a_lower_minimum() {
    let directory = Directory::new();
    let row =
        json!({"account": "1", "uri": "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ"}).to_string();
    let refused = directory.import(&row);
    assert_eq!(refused.status, 1);
    let error = refused.report["refused"][0]["error"].as_str().unwrap();
    assert!(
        error.starts_with("uri: ") && error.contains("--min-bits 80"),
        "{error}"
    );
    let accepted = run(directory.command(&row).args(["--min-bits", "80"]));
    assert_eq!(
        (accepted.status, &accepted.report["imported"]),
        (0, &json!(1))
    );
}
