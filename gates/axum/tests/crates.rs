//! How many crates the gate adds to a service.

use std::collections::BTreeSet;
use std::process::Command;

fn tree(package: &str, features: Option<&str>) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--package", package]);
    if let Some(features) = features {
        // Only packages of the workspace take them.
        command.args(["--no-default-features", "--features", features]);
    }
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(name)
        .collect()
}

#[test]
fn the_gate_adds_few_crates() {
    for version in ["0.14.0", "0.15.0"] {
        let feature = format!("tower-sessions-0{}", &version[2..4]);
        let all = tree("countersign-axum", Some(&feature));
        assert!(all.contains("tower-sessions"));
        let mut without = tree("countersign", Some("std,getrandom,qr,png,verifier"));
        for package in ["axum", &format!("tower-sessions@{version}")] {
            without.extend(tree(package, None));
        }
        let added: Vec<_> = all.difference(&without).collect();
        assert!(added.len() <= 15, "{added:?}");
        println!("{feature}: {} crates: {added:?}", added.len());
    }
}
