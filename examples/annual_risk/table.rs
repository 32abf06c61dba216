//! The result as a Markdown table.

use std::fmt::Write;

use crate::model::Rules;

pub(crate) fn markdown(all: &[Rules]) -> String {
    let mut table = String::from(
        "| | version | passcodes accepted | limit by default | guesses per year | chance per year | source |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for rules in all {
        let Rules {
            name,
            version,
            accepted,
            summary,
            source,
            ..
        } = rules;
        let guesses = grouped(rules.guesses());
        let chance = percent(rules.chance());
        // Writing to a `String` does not fail.
        let _ = writeln!(
            table,
            "| {name} | {version} | {accepted} | {summary} | {guesses} | {chance} | {source} |"
        );
    }
    table
}

/// A percentage with two digits, or as precise as the model allows: 0.12 %, 41 %, over 99.9 %.
pub(crate) fn percent(chance: f64) -> String {
    let percent = chance * 100.0;
    match percent {
        ..1.0 => format!("{percent:.2} %"),
        1.0..10.0 => format!("{percent:.1} %"),
        10.0..99.0 => format!("{percent:.0} %"),
        99.0..99.9 => format!("{percent:.1} %"),
        _ => String::from("over 99.9 %"),
    }
}

/// 31536000 as 31,536,000.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
