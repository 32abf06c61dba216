//! pskctool of OATH Toolkit reads the same values, and this package reads what pskctool writes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use countersign_pskc::MovingFactor;

use crate::{file, plain};

/// Runs pskctool. Without pskctool, the test is skipped, unless nothing may be skipped.
fn pskctool(arguments: &[&str], input: &[u8]) -> Option<Output> {
    let child = Command::new("pskctool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            let required = std::env::var_os("COUNTERSIGN_SKIP_NOTHING");
            assert!(
                required.is_none_or(|value| value != "1"),
                "pskctool: {error}"
            );
            eprintln!("SKIPPED: pskctool does not start: {error}");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    Some(child.wait_with_output().unwrap())
}

#[test]
fn pskctool_reads_the_same_values() {
    let plain_file = file("plain");
    let Some(output) = pskctool(&["--info"], &plain_file) else {
        return;
    };
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let packages: Vec<_> = text.split("KeyPackage ").skip(1).collect();
    let tokens = plain(&plain_file);
    assert_eq!(packages.len(), tokens.packages());
    for (package, token) in packages.into_iter().zip(tokens.tokens()) {
        let token = token.as_ref().unwrap();
        let value = |name: &str| {
            let mut lines = package.lines().map(str::trim);
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        assert_eq!(value("SerialNo"), token.serial());
        assert_eq!(
            value("Key Secret (base64)"),
            Some(secret(token.secret().expose())).as_deref()
        );
        match token.moving_factor() {
            MovingFactor::Time { period, .. } => {
                assert_eq!(
                    value("Key TimeInterval"),
                    Some(&*period.as_secs().to_string())
                );
                assert_eq!(
                    value("Response Format Length"),
                    Some(&*token.digits().to_string())
                );
            }
            MovingFactor::Counter { next, .. } => {
                assert_eq!(
                    value("Key Counter"),
                    next.map(|next| next.to_string()).as_deref()
                );
            }
            _ => panic!("another moving factor"),
        }
    }
}

fn secret(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

#[test]
fn all_files_satisfy_the_schema() {
    for name in [
        "plain",
        "key128",
        "key192",
        "key256",
        "password",
        "password_sha256",
    ] {
        let Some(output) = pskctool(&["--validate"], &file(name)) else {
            return;
        };
        assert!(output.status.success(), "{name}");
    }
}
