//! `otp migrate`, run like a user or a script runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod support;

use crate::support::example;
use std::io::Write;
use std::process::Stdio;

/// The exit status, standard output and standard error.
fn run(args: &[&str], input: &str) -> (i32, String, String) {
    let mut child = example("otp")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A tool that refuses its arguments reads nothing.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn success(args: &[&str], input: &str) -> String {
    let (status, out, err) = run(args, input);
    assert_eq!((status, err.as_str()), (0, ""), "{args:?}: {out}");
    out
}

fn uri(account: &str) -> String {
    format!(
        "otpauth://totp/Example:{account}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example\n"
    )
}

fn uris(count: usize) -> String {
    (0..count)
        .map(|number| uri(&format!("user{number}")))
        .collect()
}

const ENCODE: [&str; 4] = ["migrate", "--encode", "--batch-id", "-42"];

#[test]
fn key_uris_survive_both_directions() {
    let uris = uris(23) + "otpauth://hotp/door?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=7\n";
    let export = success(&ENCODE, &uris);
    assert_eq!(export.lines().count(), 3);
    assert!(export.starts_with("otpauth-migration://offline?data="));
    assert_eq!(success(&["migrate"], &export), uris);
    assert_eq!(success(&["migrate", "--strict"], &export), uris);
    let as_arguments: Vec<&str> = ["migrate"].into_iter().chain(export.lines()).collect();
    assert_eq!(success(&as_arguments, ""), uris);
    // Another id each time, unless it is given.
    assert_eq!(success(&ENCODE, &uris), export);
    let random = success(&["migrate", "--encode"], &uris);
    assert_ne!(random, success(&["migrate", "--encode"], &uris));
    assert_eq!(success(&["migrate"], &random), uris);
}

#[test]
fn missing_parts_are_named_after_the_rest() {
    let export = success(&ENCODE, &uris(35));
    let lines: Vec<&str> = export.lines().collect();
    let (status, out, err) = run(&["migrate"], &format!("{}\n\n{}\n", lines[3], lines[1]));
    assert_eq!((status, out.lines().count()), (1, 15));
    assert_eq!(
        err,
        "end: error: parts 1, 3 of 4 are missing; read the QR codes too\n"
    );
}

#[test]
fn parts_of_other_exports_are_refused() {
    let first = success(&ENCODE, &uris(12));
    let other = success(&["migrate", "--encode", "--batch-id", "7"], &uri("other"));
    let lines: Vec<&str> = first.lines().collect();
    let mixed = format!("{}\n{other}{}\n", lines[0], lines[1]);
    let (status, out, err) = run(&["migrate"], &mixed);
    assert_eq!((status, out), (1, uris(12)));
    assert_eq!(
        err,
        "line 2: error: the part belongs to another export; collect the parts of that export separately\n"
    );
    // After its last part, another export may follow.
    let (status, out, err) = run(&["migrate"], &format!("{first}{other}"));
    assert_eq!(
        (status, out, err),
        (0, uris(12) + &uri("other"), String::new())
    );
    let (status, out, err) = run(&["migrate"], &format!("{first}{first}"));
    assert_eq!((status, out), (0, uris(12)));
    assert_eq!(err.matches("was read already").count(), 2);
}

#[test]
fn faults_name_line_and_entry() {
    // The second of three entries has MD5, and the third an unknown field.
    let faulty = "otpauth-migration://offline?data=Ch8KFDEyMzQ1Njc4OTAxMjM0NTY3ODkwEgFhIAEoATACCh8KFDEyMzQ1Njc4OTAxMjM0NTY3ODkwEgFiIAQoATACCiEKFDEyMzQ1Njc4OTAxMjM0NTY3ODkwEgFjIAEoATACSDwQARgBKCo=";
    let input = format!(
        "{}otpauth-migration://offline?data=Cg\n{faulty}\n",
        uri("alice")
    );
    let (status, out, err) = run(&["migrate"], &input);
    assert_eq!((status, out.lines().count()), (1, 2));
    assert_eq!(
        err,
        "line 1: error: the export does not begin with otpauth-migration://offline\n\
         line 2: error: the data is damaged; copy the whole text, or scan the QR code again\n\
         line 3, entry 2: error: the algorithm is MD5, which is not supported\n\
         line 3, entry 3: note: field 9 is unknown and was ignored\n"
    );
    let (status, out, err) = run(&["migrate", "--strict", faulty], "");
    assert_eq!((status, out.lines().count()), (1, 1));
    assert_eq!(
        err,
        "argument 1, entry 2: error: the algorithm is MD5, which is not supported\n\
         argument 1, entry 3: error: field 9 is unknown, and may change the passcodes\n"
    );
}

#[test]
fn the_other_key_uris_are_exported() {
    let period = uri("period").replace('\n', "&period=60\n");
    let short = "otpauth://totp/short?secret=GEZDGNBVGY3TQOJQ\n";
    let input = format!("{}{period}nonsense\n{short}", uri("alice"));
    let (status, out, err) = run(&ENCODE, &input);
    assert_eq!((status, out.lines().count()), (1, 1));
    assert_eq!(
        err,
        "line 2: error: an export cannot hold this period\n\
         line 3: error: the key URI does not begin with otpauth://\n\
         line 4: note: the secret has 80 bits; 128 are the least that is safe\n"
    );
    let (status, out, _) = run(&["migrate"], &out);
    assert_eq!((status, out), (0, uri("alice") + short));
}

#[test]
fn a_part_can_be_a_qr_code() {
    let export = success(&ENCODE, &uris(10));
    let image = success(&["qr", "--terminal", "-"], &export);
    assert!(image.lines().count() > 40);
    let svg = success(&["qr", "--svg", export.trim()], "");
    assert!(svg.starts_with("<svg "));
    let cut = &export[..60];
    assert_eq!(run(&["qr", "--terminal", cut], "").0, 2);
}

#[test]
fn lines_of_64_kib_are_read() {
    let long = format!("otpauth-migration://offline?data={}\n", "%".repeat(60_000));
    let (_, _, err) = run(&["migrate"], &long);
    assert!(
        err.starts_with("line 1: error: the data is not base64"),
        "{err}"
    );
    let longer = format!(
        "{long}otpauth-migration://offline?data={}\n",
        "A".repeat(70_000)
    );
    let (_, _, err) = run(&["migrate"], &longer);
    assert!(
        err.ends_with("line 2: error: the line is longer than 65536 bytes\n"),
        "{err}"
    );
}
