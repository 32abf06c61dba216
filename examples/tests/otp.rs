//! The `otp` tool, run like a user or a script runs it.

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
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// The secret of RFC 4226, appendix D.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const URI: &str = "otpauth://totp/Big%20Corp:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Big%20Corp";

fn start(args: &[&str]) -> Child {
    example("otp")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The exit status, standard output and standard error.
fn run(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = start(args);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A tool that refuses its arguments reads nothing.
        let _ = stdin.write_all(&input);
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
    let (status, out, err) = run(args, input.as_bytes());
    assert_eq!((status, err.as_str()), (0, ""), "{args:?}: {out}");
    out
}

fn status(args: &[&str], input: &str) -> i32 {
    run(args, input.as_bytes()).0
}

#[test]
fn generate_prints_the_passcodes_of_the_standards() {
    let at = |time: &str, more: &[&str]| {
        let mut args = vec!["generate", "--secret", SECRET, "--time", time];
        args.extend(more);
        success(&args, "")
    };
    assert_eq!(at("59", &[]), "287082\n");
    assert_eq!(at("59", &["--digits", "8"]), "94287082\n");
    assert_eq!(at("20000000000", &["--digits", "8"]), "65353130\n");
    assert_eq!(at("60", &["--period", "60"]), "287082\n");
    let counter = ["generate", "--secret", SECRET, "--counter", "9"];
    assert_eq!(success(&counter, ""), "520489\n");
    let sha256 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
    for algorithm in ["SHA256", "sha256"] {
        let args = ["generate", "--secret", sha256, "--algorithm", algorithm];
        let args = [&args[..], &["--digits", "8", "--time", "1111111109"]].concat();
        assert_eq!(success(&args, ""), "68084774\n");
    }
}

#[test]
fn a_secret_comes_from_arguments_or_standard_input() {
    for typed in [
        "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
        "gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq",
    ] {
        let args = ["generate", "--secret", typed, "--time", "59"];
        assert_eq!(success(&args, ""), "287082\n");
        let args = ["generate", "--secret", "-", "--time", "59"];
        assert_eq!(success(&args, &format!("{typed}\r\n")), "287082\n");
    }
    let padded = [
        "generate",
        "--secret",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY======",
        "--time",
        "59",
    ];
    let plain = [
        "generate",
        "--secret",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY",
        "--time",
        "59",
    ];
    assert_eq!(success(&padded, ""), success(&plain, ""));
}

#[test]
fn a_short_secret_works_with_a_note() {
    let (status, out, err) = run(&["generate", "--secret", "GE", "--time", "59"], b"");
    assert_eq!((status, out.len()), (0, 7));
    assert_eq!(
        err,
        "note: the secret has 8 bits, which is less than the safe minimum of 128\n"
    );
}

#[test]
fn bad_usage_exits_with_2() {
    for args in [
        &[][..],
        &["nonsense"],
        &["generate"],
        &["generate", "--secret", "GEZD8"],
        &["generate", "--secret", ""],
        &["generate", "--secret", "-"],
        &["generate", "--secret", SECRET, "--digits", "9"],
        &["generate", "--secret", SECRET, "--digits", "5"],
        &["generate", "--secret", SECRET, "--period", "0"],
        &["generate", "--secret", SECRET, "--algorithm", "MD5"],
        &["generate", "--secret", SECRET, "--time", "-1"],
        &[
            "generate",
            "--secret",
            SECRET,
            "--time",
            "1",
            "--counter",
            "1",
        ],
        &[
            "generate",
            "--secret",
            SECRET,
            "--counter",
            "18446744073709551616",
        ],
        &["verify", "--secret", SECRET],
        &["verify", "--secret", SECRET, "--window", "256", "123456"],
        &["uri", "--secret", SECRET],
        &["uri", "--secret", SECRET, "--account", "a:b"],
        &["uri", "--secret", SECRET, "--account", "a", "--issuer", ""],
        &[
            "uri",
            "--secret",
            SECRET,
            "--account",
            "a",
            "--issuer-prefix",
            "b",
        ],
        &["uri", "--parse", "--secret", SECRET],
        &["uri", "--lenient"],
        &["qr", URI],
        &["qr", "--terminal"],
        &["qr", "--terminal", "otpauth://totp/alice"],
        &["qr", "--terminal", "--svg", URI],
        &["qr", "--terminal", "--module-size", "0", URI],
        &["qr", "--terminal", "file", URI],
        &["backup-codes", "--service", "Example"],
    ] {
        let (status, out, err) = run(args, b"");
        assert_eq!(status, 2, "{args:?}");
        assert_eq!(out, "", "{args:?}");
        assert_ne!(err, "", "{args:?}");
        assert!(
            !err.contains("GEZD8"),
            "a wrong secret is not repeated: {err}"
        );
    }
}

#[test]
fn verify_says_yes_or_no_by_its_status() {
    let verify = |time: &str, more: &[&str], code: &str| {
        let mut args = vec!["verify", "--secret", SECRET, "--time", time];
        args.extend(more);
        let by_input = status(&args, &format!("{code}\n"));
        args.push(code);
        assert_eq!(status(&args, ""), by_input, "{args:?}");
        by_input
    };
    assert_eq!(verify("59", &[], "287082"), 0);
    assert_eq!(verify("59", &[], "287 082"), 0);
    assert_eq!(verify("59", &[], "287083"), 1);
    assert_eq!(verify("59", &[], "94287082"), 1);
    assert_eq!(verify("59", &[], "passcode!"), 1);
    assert_eq!(verify("89", &[], "287082"), 0);
    assert_eq!(verify("90", &[], "287082"), 1);
    assert_eq!(verify("89", &["--window", "0"], "287082"), 1);
    assert_eq!(verify("119", &["--window", "2"], "287082"), 0);
    assert_eq!(
        verify("18446744073709551615", &["--window", "255"], "000000"),
        1
    );
    assert_eq!(verify("59", &["--digits", "8"], "94287082"), 0);
    let hotp = [
        "verify",
        "--secret",
        SECRET,
        "--counter",
        "7",
        "--window",
        "2",
        "520489",
    ];
    assert_eq!(success(&hotp, ""), "accepted: counter 9\n");
    let both = ["verify", "--secret", "-", "--time", "89"];
    assert_eq!(
        success(&both, &format!("{SECRET}\n287082\n")),
        "accepted: step 1, drift -1\n"
    );
}

#[test]
fn steam_guard_works_in_every_command() {
    let at = ["--secret", SECRET, "--steam", "--time", "59"];
    assert_eq!(success(&[&["generate"], &at[..]].concat(), ""), "PV9M4\n");
    let verify = [&["verify"], &at[..]].concat();
    let accepted = success(&[&verify[..], &["pv9m4"]].concat(), "");
    assert_eq!(accepted, "accepted: step 1, drift 0\n");
    assert_eq!(status(&verify, "287082\n"), 1);

    let build = ["uri", "--account", "alice", "--issuer", "Steam", "--steam"];
    let uri = success(&[&build[..], &["--secret", SECRET]].concat(), "");
    let expected = "otpauth://steam/Steam:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                    &issuer=Steam&encoder=steam\n";
    assert_eq!(uri, expected);
    let read: Value = serde_json::from_str(&success(&["uri", "--parse"], &uri)).unwrap();
    assert_eq!(read["type"], "steam");
    assert_eq!([&read["digits"], &read["period"]], [5, 30]);
    assert_eq!(
        status(&[&verify[..], &["--digits", "6"]].concat(), "PV9M4\n"),
        2
    );
}

#[test]
fn new_secrets_and_codes_are_new() {
    let secret = success(&["secret"], "");
    assert_eq!(secret.trim_end().len(), 32);
    assert_ne!(secret, success(&["secret"], ""));
    assert_eq!(success(&["secret", "--grouped"], "").split(' ').count(), 8);
    success(&["generate", "--secret", "-"], &secret);

    let codes = success(&["backup-codes"], "");
    assert_eq!(codes.lines().count(), 10);
    assert!(codes.lines().all(|code| code.len() == "1234 5678".len()));
    assert_ne!(codes, success(&["backup-codes"], ""));
    let long = success(&["backup-codes", "--strength", "112"], "");
    assert!(long.lines().all(|code| code.len() == 26));
    let file = success(
        &[
            "backup-codes",
            "--service",
            "Example",
            "--date",
            "24 November",
        ],
        "",
    );
    assert!(file.starts_with("Example backup codes\r\n"));
    assert!(file.contains("24 November"));
}

#[test]
fn uri_builds_a_key_uri() {
    let uri = [
        "uri",
        "--issuer",
        "Big Corp",
        "--account",
        "alice@example.com",
        "--secret",
        SECRET,
    ];
    assert_eq!(success(&uri, ""), format!("{URI}\n"));
    let hotp = ["uri", "--account", "a", "--secret", "-", "--counter", "5"];
    let (status, out, err) = run(&hotp, format!("{SECRET}\n").as_bytes());
    let expected = format!("otpauth://hotp/a?secret={SECRET}&counter=5\n");
    assert_eq!((status, out), (0, expected));
    assert!(err.lines().all(|line| line.starts_with("note: ")), "{err}");
}

#[test]
fn uri_notes_which_apps_misread_the_uri() {
    let uri = [
        "uri",
        "--account",
        "a",
        "--secret",
        SECRET,
        "--period",
        "60",
    ];
    let uri = [&uri[..], &["--algorithm", "SHA256", "--digits", "8"]].concat();
    let (status, out, err) = run(&uri, b"");
    let parameters = "algorithm=SHA256&digits=8&period=60";
    assert_eq!(
        (status, out),
        (
            0,
            format!("otpauth://totp/a?secret={SECRET}&{parameters}\n")
        )
    );
    assert!(err.lines().all(|line| line.starts_with("note: ")), "{err}");
    for note in [
        "note: Authy misreads the algorithm and does not say so: it takes SHA1 (tests, 2019-2025)\n",
        "note: Authy misreads the period and does not say so: it takes 30 seconds (tests, 2019-2025)\n",
        "note: Duo Mobile refuses the number of digits: it takes 6 (tests, 2019-2025)\n",
    ] {
        assert!(err.contains(note), "{note}{err}");
    }
}

#[test]
fn uri_keeps_a_prefix_unlike_the_issuer() {
    let uri = ["uri", "--account", "a", "--secret", SECRET];
    let uri = [
        &uri[..],
        &["--issuer", "example.com", "--issuer-prefix", "Example"],
    ]
    .concat();
    let (status, out, _) = run(&uri, b"");
    let expected = format!("otpauth://totp/Example:a?secret={SECRET}&issuer=example.com\n");
    assert_eq!((status, &out), (0, &expected));
    let read: Value = serde_json::from_str(&success(&["uri", "--parse"], &out)).unwrap();
    assert_eq!(read["prefix"], "Example");
    assert_eq!(read["issuer"], "example.com");
}

#[test]
fn uri_parse_prints_an_object_for_each_line() {
    let input = format!(
        "{URI}\r\n\nhttps://example.com\notpauth://hotp/a?secret=GE&counter=18446744073709551615"
    );
    let (status, out, _) = run(&["uri", "--parse"], input.as_bytes());
    assert_eq!(status, 1, "two lines cannot be read");
    assert!(out.starts_with(
        "{\"ok\":true,\"type\":\"totp\",\"issuer\":\"Big Corp\",\"account\":\"alice@example.com\",\
         \"secret_hex\":\"3132333435363738393031323334353637383930\",\"algorithm\":\"SHA1\",\"digits\":6,\
         \"period\":30,\"counter\":null,\"repairs\":[]}\n\
         {\"ok\":false,\"error\":\"the key URI does not begin with otpauth://\"}\n"
    ));
    let objects: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 4);
    assert_eq!(
        objects[3],
        json!({
            "ok": true, "type": "hotp", "issuer": null, "account": "a", "secret_hex": "31",
            "algorithm": "SHA1", "digits": 6, "period": null, "counter": u64::MAX,
            "repairs": ["the secret has 8 bits; 128 are the least that is safe"],
        })
    );
}

#[test]
fn uri_parse_repairs_only_with_lenient() {
    let input =
        "otpauth://totp/alice?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq&algorithm=HMAC-SHA-256\n";
    let (status, out, _) = run(&["uri", "--parse"], input.as_bytes());
    assert_eq!(status, 1);
    assert!(out.starts_with("{\"ok\":false,"));
    let object: Value =
        serde_json::from_str(&success(&["uri", "--parse", "--lenient"], input)).unwrap();
    assert_eq!(object["algorithm"], "SHA256");
    assert_eq!(
        object["repairs"],
        json!([
            "the secret has lower-case letters",
            "the algorithm is not written as SHA1, SHA256 or SHA512"
        ])
    );
}

#[test]
fn batch_answers_each_line_in_order() {
    let longest = "A".repeat(1639 - 1);
    let lines: [(String, &str); 22] = [
        (format!("totp\t{SECRET}\tSHA1\t8\t30\t59"), "94287082"),
        (format!("totp\t{SECRET}\tSHA1\t8\t30\t59\r"), "94287082"),
        (String::new(), "error: the kind is missing"),
        (format!("hotp\t{SECRET}\tSHA1\t6\t9\t0"), "520489"),
        (format!("hotp\t{SECRET}\tSHA1\t6\t9\t"), "520489"),
        (format!("hotp\t{SECRET}\tSHA1\t6\t9"), "520489"),
        (
            "totp\tgezd gnbv-gy3tqojq gezdgnbvgy3tqojq====\tSHA1\t8\t30\t59".into(),
            "94287082",
        ),
        ("hotp\tGE\tSHA1\t6\t18446744073709551615\t".into(), "153313"),
        (
            "totp\tGE\tSHA1\t6\t1\t18446744073709551615".into(),
            "153313",
        ),
        (format!("hotp\tA{longest}\tSHA512\t7\t0\t"), "8287250"),
        (
            format!("hotp\tAAAA{longest}\tSHA512\t7\t0\t"),
            "error: the secret is too long: 1026 bytes; at most 1024 are taken, or 16384 of typed text",
        ),
        (
            "hotp\tGE\tSHA1\t6\t18446744073709551616\t".into(),
            "error: the counter is not a decimal number below 2^64",
        ),
        (
            "totp\tGE\tSHA1\t6\t0\t1".into(),
            "error: the period is 0 seconds; it must be at least 1",
        ),
        (
            "totp\tGE\tSHA1\t6\t30\t-1".into(),
            "error: the time is not a decimal number below 2^64",
        ),
        ("totp\tGE\tSHA1\t6\t30".into(), "error: the time is missing"),
        (
            "totp\tGE\tSHA1\t9\t30\t1".into(),
            "error: the number of digits is not 6, 7 or 8",
        ),
        (
            "totp\tGE\tMD5\t6\t30\t1".into(),
            "error: the algorithm is not one of SHA1, SHA256 and SHA512",
        ),
        (
            "totp\t\tSHA1\t6\t30\t1".into(),
            "error: the secret is missing",
        ),
        (
            "totp\tGEZD8\tSHA1\t6\t30\t1".into(),
            "error: the 5th character as typed, counted from 1, is '8': keys have the letters A to Z and the digits 2 to 7; \
             perhaps it is the letter B",
        ),
        (
            "steam\tGE\tSHA1\t6\t30\t1".into(),
            "error: the kind is neither totp nor hotp",
        ),
        (
            "totp\tGE\tSHA1\t6\t30\t1\t2".into(),
            "error: the line has more than six fields",
        ),
        (
            "x".repeat(100_000),
            "error: the line is longer than 16384 bytes",
        ),
    ];
    let (input, expected): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    let mut input = input.join("\n").into_bytes();
    input.extend(b"\n\xff\xfe\nhotp\tGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\tSHA1\t6\t0\t");
    let (status, out, err) = run(&["batch"], &input);
    let out: Vec<_> = out.lines().collect();
    assert_eq!(out[..expected.len()], expected[..]);
    assert_eq!(
        out[expected.len()..],
        ["error: the line is not UTF-8", "755224"]
    );
    assert_eq!((status, err.as_str()), (1, ""), "some lines have errors");
    assert_eq!(success(&["batch"], ""), "");
}

#[test]
fn batch_answers_before_the_next_line() {
    let mut child = start(&["batch"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for (counter, expected) in [(0, "755224\n"), (1, "287082\n")] {
        stdin
            .write_all(format!("hotp\t{SECRET}\tSHA1\t6\t{counter}\t\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, expected);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn batch_ends_quietly_when_the_reader_stops() {
    let mut child = start(&["batch"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let line = format!("hotp\t{SECRET}\tSHA1\t6\t0\t\n");
    stdin.write_all(line.as_bytes()).unwrap();
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    while stdin.write_all(line.as_bytes()).is_ok() {}
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(1), ""));
}

#[test]
fn qr_shows_the_key_uri_in_every_form() {
    let svg = success(&["qr", "--svg", URI], "");
    assert!(svg.starts_with("<svg "));
    assert_eq!(success(&["qr", "--svg", "-"], &format!("{URI}\n")), svg);
    let terminal = success(&["qr", "--terminal", "--level", "L", URI], "");
    assert_eq!(
        terminal.lines().count(),
        23,
        "version 5 with its quiet zone, two modules to a line"
    );
    assert_eq!(success(&["qr", "--terminal", URI], ""), terminal);

    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str| directory.join(format!("{}-{name}", std::process::id()));
    let png = file("qr.png");
    let args = [
        "qr",
        "--png",
        png.to_str().unwrap(),
        "--module-size",
        "8",
        URI,
    ];
    assert_eq!(success(&args, ""), "");
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG\r\n"));
    for order in [false, true] {
        let path = file(if order { "a.svg" } else { "b.svg" });
        let mut arguments = [path.to_str().unwrap(), URI];
        if order {
            arguments.reverse();
        }
        assert_eq!(
            success(&["qr", "--svg", arguments[0], arguments[1]], ""),
            ""
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), svg);
        std::fs::remove_file(path).unwrap();
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&png).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the image contains the secret");
    }
    std::fs::remove_file(png).unwrap();
}
