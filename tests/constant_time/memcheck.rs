//! Under valgrind's memcheck every secret is undefined, and whatever depends on one is an error.

use crate::programs::{UNDER_PROOF, installed, output, verdicts};

/// What `proofs/constant-time` says of a section.
struct Section {
    name: String,
    kind: Kind,
    errors: usize,
}

enum Kind {
    /// Only so many verdicts, or more where they are not counted one by one, may depend on a secret.
    Proof { verdicts: usize },
    /// Something leaks on purpose.
    Leak,
}

impl Section {
    fn parse(line: &str) -> Self {
        let number = |text: &str| text.parse().expect("a number");
        let (name, kind, errors) = match line.split('\t').collect::<Vec<_>>()[..] {
            ["proof", name, verdicts, errors] => {
                let verdicts = number(verdicts);
                (name, Kind::Proof { verdicts }, errors)
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

/// The sections, and what valgrind has to say about them; `None` without valgrind.
fn run(arguments: &[&str]) -> Option<(Vec<Section>, String)> {
    let mut valgrind = installed("valgrind")?;
    valgrind.args(["-q", "--error-limit=no"]).args(arguments);
    let output = output(valgrind.arg(&*UNDER_PROOF));
    let sections = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    Some((
        sections.lines().map(Section::parse).collect(),
        errors.into(),
    ))
}

#[test]
fn invariant_10_nothing_but_a_verdict_depends_on_a_secret() {
    let excuse = format!("--suppressions={}", verdicts().display());
    let Some((sections, report)) = run(&[&excuse]) else {
        return;
    };
    for Section { name, kind, errors } in &sections {
        match kind {
            Kind::Proof { .. } => assert_eq!(*errors, 0, "{name}\n{report}"),
            Kind::Leak => assert_ne!(*errors, 0, "{name}: a leak that is not reported"),
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
    assert_eq!(count("generate"), 3 * 3);
    assert_eq!(count("resynchronize"), 3 * 3);
    // One of ten codes is used up; a used one and a wrong one.
    assert_eq!(count("backup code"), 9 + 2);
    assert_eq!(count("verify"), 8);
    assert_eq!(count("confirm_enrollment"), 2);
    assert_eq!(count("receipt"), 2);
    assert_eq!(count("early exit"), 1);
    assert_eq!(count("indexed truncation"), 1);
}

/// Else nothing was poisoned, and the proof proves nothing.
#[test]
fn each_verdict_is_reported_where_it_is_not_excused() {
    let Some((sections, report)) = run(&[]) else {
        return;
    };
    for Section { name, kind, errors } in &sections {
        let Kind::Proof { verdicts } = kind else {
            continue;
        };
        if name.contains("OTP") {
            // A verdict asks for both answers.
            assert_eq!(*errors, 2 * verdicts, "{name}\n{report}");
        } else {
            assert!(
                errors >= verdicts,
                "{name}: {errors} of {verdicts}\n{report}"
            );
        }
    }
}
