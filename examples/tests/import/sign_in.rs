//! `check` signs in with the codes of the other system.

use countersign::Timestamp;
use serde_json::json;

use crate::{Directory, NOW, line, passcode, secret};
use data_encoding::BASE32_NOPAD;

#[test]
fn a_passcode_signs_in_once() {
    let directory = Directory::new();
    assert_eq!(directory.import(&line(7)).status, 0);
    for (time, code, status, says) in [
        (NOW, passcode(8, NOW), 1, "rejected: "),
        (NOW, passcode(7, NOW), 0, "accepted: a passcode"),
        (NOW, passcode(7, NOW), 1, "rejected: "),
        (NOW + 30, passcode(7, NOW + 30), 0, "accepted: a passcode"),
    ] {
        let output = directory.check("7", time, &code);
        assert_eq!(output.status, status, "{}", output.all);
        assert!(output.all.starts_with(says), "{}", output.all);
        assert!(!output.all.contains(&code), "{}", output.all);
    }
    assert_eq!(directory.check("9", NOW, "123456").status, 1);
}

#[test]
fn a_passcode_that_the_other_system_accepted_is_refused() {
    let directory = Directory::new();
    let now = Timestamp::now().as_unix();
    let last_step = format!(r#""last_step":{}"#, now / 30);
    let used = line(7).replace(r#""last_step":1000"#, &last_step);
    assert_eq!(directory.import(&used).status, 0);
    assert_eq!(directory.check("7", now, &passcode(7, now)).status, 1);
    let later = now + 30;
    assert_eq!(directory.check("7", later, &passcode(7, later)).status, 0);
}

#[test]
fn backup_codes_sign_in_once() {
    let directory = Directory::new();
    let shape = json!({"alphabet": "0123456789abcdef", "length": 12, "issued_at": 1_700_000_000});
    let mut set = shape;
    set["codes"] = json!([
        {"code": "0123-4567-89ab"},
        {"code": "0123-4567-89ac", "used_at": 1_700_000_500},
    ]);
    let row = json!({
        "account": "7",
        "uri": format!("otpauth://totp/a?secret={}", BASE32_NOPAD.encode(&secret(7))),
        "backup_codes": set,
    });
    let output = directory.import(&row.to_string());
    assert_eq!(output.status, 0, "{}", output.all);
    for (code, status) in [
        ("0123-4567-89ac", 1),
        ("0123 4567 89AB", 0),
        ("0123-4567-89ab", 1),
    ] {
        let output = directory.check("7", NOW, code);
        assert_eq!(output.status, status, "{code}: {}", output.all);
    }
    let again = directory.import(&row.to_string());
    assert_eq!((again.status, &again.report["already"]), (0, &json!(1)));
}

#[test]
fn counters_move_past_the_used_passcode() {
    let directory = Directory::new();
    // RFC 4226, appendix D.
    let row = json!({
        "account": "7",
        "authenticators": [{
            "type": "hotp",
            "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "counter": 3,
        }],
    });
    assert_eq!(directory.import(&row.to_string()).status, 0);
    for (code, status) in [("359152", 1), ("338314", 0), ("338314", 1), ("254676", 0)] {
        let output = directory.check("7", NOW, code);
        assert_eq!(output.status, status, "{code}: {}", output.all);
    }
}
