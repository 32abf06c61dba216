//! Under valgrind's memcheck every secret is undefined, and every branch or address that depends on
//! a secret is an error.

use crate::programs::{UNDER_TEST, installed, output, suppressions_file};

/// A section of the output of `proofs/constant-time`.
struct Section {
    name: String,
    kind: Kind,
    errors: usize,
}

enum Kind {
    /// Only results may depend on a secret: exactly this number for one-time passwords, and at
    /// least this number for the rest.
    Proof { results: usize },
    /// The section leaks on purpose.
    Leak,
}

impl Section {
    fn parse(line: &str) -> Self {
        let number = |text: &str| text.parse().expect("a number");
        let (name, kind, errors) = match line.split('\t').collect::<Vec<_>>()[..] {
            ["proof", name, results, errors] => {
                let results = number(results);
                (name, Kind::Proof { results }, errors)
            }
            ["leak", name, errors] => (name, Kind::Leak, errors),
            _ => panic!("not a section: {line}"),
        };
        Self {
            name: name.into(),
            kind,
            errors: number(errors),
        }
    }
}

/// The sections, and valgrind's report; `None` without valgrind.
fn run(arguments: &[&str]) -> Option<(Vec<Section>, String)> {
    let mut valgrind = installed("valgrind")?;
    valgrind.args(["-q", "--error-limit=no"]).args(arguments);
    let output = output(valgrind.arg(&*UNDER_TEST));
    let sections = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    Some((
        sections.lines().map(Section::parse).collect(),
        errors.into(),
    ))
}

#[test]
fn invariant_10_only_results_depend_on_secrets() {
    let suppressions = format!("--suppressions={}", suppressions_file().display());
    let Some((sections, report)) = run(&[&suppressions]) else {
        return;
    };
    for Section { name, kind, errors } in &sections {
        match kind {
            Kind::Proof { .. } => assert_eq!(*errors, 0, "{name}\n{report}"),
            Kind::Leak => assert_ne!(*errors, 0, "{name}: memcheck reports no leak"),
        }
    }
    let count = |start| {
        sections
            .iter()
            .filter(|section| section.name.starts_with(start))
            .count()
    };
    // 3 hashes, 3 numbers of digits, 11 windows; and a long key for each hash.
    assert_eq!(count("HOTP"), 3 * 3 * 11 + 3);
    assert_eq!(count("TOTP"), 3 * 3 * 11);
    assert_eq!(count("Steam Guard"), 11);
    assert_eq!(count("generate"), 3 * 3);
    assert_eq!(count("resynchronize"), 3 * 3);
    // Nine unused codes of a set of ten; then the used code and a wrong code.
    assert_eq!(count("backup code"), 9 + 2);
    assert_eq!(count("long backup code"), 9 + 2);
    // Ten for phones, four with a pending set of backup codes, five for tokens, and five with long
    // backup codes.
    assert_eq!(count("verify, "), 10 + 4 + 5 + 5);
    // Five at each end of the reach of a phone, and one for a token.
    assert_eq!(count("verify_consecutive"), 2 * 5 + 1);
    assert_eq!(count("confirm_enrollment"), 2 + 2);
    assert_eq!(count("request"), 4);
    // Each of three devices, a wrong passcode, and two forged tokens.
    assert_eq!(count("device"), 3 + 1 + 2);
    assert_eq!(count("receipt"), 2);
    assert_eq!(count("early exit"), 1);
    assert_eq!(count("indexed truncation"), 1);
}

/// If memcheck did not report the results, no secret would be undefined, and the test above would
/// show nothing.
#[test]
fn every_result_is_reported_without_suppressions() {
    let Some((sections, report)) = run(&[]) else {
        return;
    };
    for Section { name, kind, errors } in &sections {
        let Kind::Proof { results } = kind else {
            continue;
        };
        if name.contains("OTP") || name.starts_with("Steam Guard") {
            // The program branches on a result twice.
            assert_eq!(*errors, 2 * results, "{name}\n{report}");
        } else {
            assert!(errors >= results, "{name}: {errors} of {results}\n{report}");
        }
    }
}
