//! Files of hardware tokens.

use std::fs;
use std::process::Command;

use countersign::Timestamp;
use countersign::otp::{Algorithm, Digits, Hotp, Period, Totp};

use crate::support::example;
use crate::{Directory, NOW, report};

fn data(name: &str) -> String {
    format!(
        "{}/../formats/pskc/tests/data/{name}.pskcxml",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// Converts a file. Returns the status, the lines and the errors.
fn convert(file: &str, options: &[&str]) -> (i32, String, String) {
    let mut command: Command = example("import");
    let output = command
        .arg("pskc")
        .arg(file)
        .args(options)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

const LINES: &str = r#"{"account":"dana","authenticators":[{"type":"totp","secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","algorithm":"SHA1","digits":8,"period":60,"name":"TOTP1"}]}
{"account":"TOTP2","authenticators":[{"type":"totp","secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA","algorithm":"SHA256","digits":6,"period":30,"name":"The grey one","last_step":59849000}]}
{"account":"HOTP1","authenticators":[{"type":"hotp","secret":"HE4DONRVGQZTEMJQHE4DONRVGQZTEMJQ","algorithm":"SHA1","digits":6,"counter":1000,"name":"HOTP1"}]}
"#;

#[test]
fn token_files_become_lines_of_accounts() {
    let directory = Directory::new();
    let (key, password) = (directory.file("key"), directory.file("password"));
    fs::write(&key, "000102030405060708090a0b0c0d0e0f\n").unwrap();
    fs::write(&password, "correct horse\r\n").unwrap();
    let (key, password) = (key.to_str().unwrap(), password.to_str().unwrap());
    for (name, options) in [
        ("plain", &[][..]),
        ("key128", &["--key-file", key]),
        ("password", &["--password-file", password]),
    ] {
        let (status, lines, errors) = convert(&data(name), options);
        assert_eq!((status, lines.as_str()), (0, LINES), "{errors}");
        for note in [
            "note: the file names no hash function: SHA-1",
            "note: not imported: DeviceInfo/Model",
            "note: the clock of the device was off by -2 time steps, which is left out",
            "3 tokens written, 0 refused; ask for one code of each device",
        ] {
            assert!(errors.contains(note), "{note}: {errors}");
        }
        assert!(
            !errors.contains("GEZDGNBV") && !errors.contains("MTIz"),
            "{errors}"
        );
    }
}

#[test]
fn tokens_of_a_file_sign_in() {
    let directory = Directory::new();
    let imported = directory.import(&convert(&data("plain"), &[]).1);
    assert_eq!(
        (imported.status, imported.report),
        (0, report(3, 0)),
        "{}",
        imported.errors
    );
    let minute = Period::from_secs(60).unwrap();
    let totp = Totp::new(
        b"12345678901234567890",
        Algorithm::Sha1,
        Digits::EIGHT,
        minute,
    );
    let code = totp.generate(Timestamp::from_unix(NOW)).expose().to_owned();
    assert_eq!(directory.check("dana", NOW, &code).status, 0);
    assert_eq!(directory.check("dana", NOW, &code).status, 1);
    let hotp = Hotp::new(b"98765432109876543210", Algorithm::Sha1, Digits::SIX);
    let code = |counter| hotp.generate(counter).expose().to_owned();
    assert_eq!(directory.check("HOTP1", NOW, &code(999)).status, 1);
    assert_eq!(directory.check("HOTP1", NOW, &code(1000)).status, 0);
}

#[test]
fn refused_tokens_are_status_1() {
    let directory = Directory::new();
    let file = directory.file("tokens.csv");
    let file = file.to_str().unwrap();
    fs::write(
        file,
        "serial,secret,user\nA1,3132333435363738393031323334353637383930,dana\n\
         A2,GEZDGNBVGY3TQOJQ,dana\nA3,3132333435363738393031323334353637383931,erin\n",
    )
    .unwrap();
    let (status, lines, errors) = convert(file, &["--csv"]);
    assert_eq!((status, lines.lines().count()), (1, 1), "{errors}");
    assert!(lines.starts_with("{\"account\":\"erin\""), "{lines}");
    for error in [
        "line 3 (serial A2): secret: the text is base32; the column must be hexadecimal\n",
        "line 2: left out, because another token of the account is refused\n",
        "1 tokens written, 2 refused",
    ] {
        assert!(errors.contains(error), "{errors}");
    }
    assert!(
        !errors.contains("GEZD") && !errors.contains("3132"),
        "{errors}"
    );

    let (status, lines, errors) = convert(&data("key128"), &[]);
    assert_eq!((status, lines.as_str()), (1, ""), "{errors}");
    let error = "Data/Secret: the value is encrypted with a key that was agreed on; give this key";
    assert_eq!(errors.matches(error).count(), 3, "{errors}");
}

#[test]
fn user_ids_and_serials_are_kept_apart() {
    let directory = Directory::new();
    let file = directory.file("tokens.csv");
    let file = file.to_str().unwrap();
    fs::write(
        file,
        "serial,secret,user\nA1,3132333435363738393031323334353637383930,A2\n\
         A2,3132333435363738393031323334353637383931,\n",
    )
    .unwrap();
    let (status, lines, errors) = convert(file, &["--csv"]);
    assert_eq!((status, lines.as_str()), (1, ""), "{errors}");
    assert!(
        errors.contains("a serial number of the file is also a user id"),
        "{errors}"
    );
}

#[test]
fn files_that_cannot_be_read_are_status_3() {
    let (status, lines, errors) = convert("no such file", &[]);
    assert_eq!((status, lines.as_str()), (3, ""), "{errors}");
    let (status, ..) = convert(&data("plain"), &["--csv", "--key-file", "key"]);
    assert_eq!(status, 2);
    let directory = Directory::new();
    let empty = directory.file("empty");
    fs::write(&empty, "").unwrap();
    let (status, _, errors) = convert(empty.to_str().unwrap(), &[]);
    assert_eq!(status, 1);
    assert!(
        errors.contains("the file is not well-formed XML"),
        "{errors}"
    );
}
