//! How many crates the gate adds to a service.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that a package needs, and how deep they are below it.
fn tree(package: &str, features: &str, more: &[&str]) -> Vec<(usize, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--no-dedupe"])
        .args(["--prefix", "depth", "--format", " {p}"])
        .args(["--package", package, "--no-default-features"])
        .args(["--features", features])
        .args(more)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(|line| {
        let mut words = line.split_whitespace();
        let depth = words.next().unwrap().parse().unwrap();
        (depth, words.next().unwrap().to_owned())
    });
    lines.collect()
}

#[test]
fn the_gate_adds_few_crates() {
    for version in ["014", "015"] {
        let feature = format!("tower-sessions-{version}");
        let names = |lines: Vec<(usize, String)>| -> BTreeSet<_> {
            lines.into_iter().map(|(_, name)| name).collect()
        };
        let all = names(tree("countersign-axum", &feature, &[]));
        // What the service has already: the framework, the session crate and countersign.
        let mut known = names(tree("countersign", "std,getrandom,qr,png,verifier", &[]));
        known.extend(["axum".to_owned(), "tower-sessions".to_owned()]);
        let without_gate = tree(
            "countersign-axum",
            &feature,
            &["--prune", "countersign-gate"],
        );
        let below = without_gate.into_iter().filter(|(depth, _)| *depth > 1);
        known.extend(names(below.collect()));
        let added: Vec<_> = all.difference(&known).collect();
        assert!(
            all.len() > 50 && (1..=15).contains(&added.len()),
            "{added:?}"
        );
        println!("{feature}: {} crates: {added:?}", added.len());
    }
}
