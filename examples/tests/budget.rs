//! The example `budget`: the table of the guide, and few years of honest owners.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use crate::support::example;

/// The rows of a Markdown table, by cells.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    lines
        .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_default_budget_is_not_noticed() {
    let output = example("budget").args(["--years", "3"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let default = rows(&printed);
    let default = default.iter().find(|row| row[1].contains("(default)"));
    let default = default.unwrap_or_else(|| panic!("{printed}"));
    let cells: Vec<&str> = default.iter().map(String::as_str).collect();
    assert_eq!(cells[1], "10, and one in 3 days (default)");
    assert_eq!(cells[2..5], ["131", "0.043 %", "never"]);
}

/// The shares of years are measured with many years. The other columns are exact.
#[test]
fn the_guide_has_the_budgets_of_the_example() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/policy.md");
    let guide = std::fs::read_to_string(file).unwrap();
    let (_, table) = guide.split_once("example budget\n").unwrap();
    let (table, _) = table.split_once("An owner who mistypes").unwrap();
    let output = example("budget").args(["--years", "1"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let exact = |text: &str| -> Vec<Vec<String>> {
        let rows = rows(text).into_iter();
        rows.map(|row| row[..4].to_vec()).collect()
    };
    assert_eq!(exact(table), exact(&printed));
}
