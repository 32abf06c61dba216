use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use super::database::Error;

/// Markdown that is printed as it grows.
#[derive(Debug, Default)]
pub struct Report(String);

impl Report {
    /// Adds a heading of the second level.
    pub fn heading(&mut self, text: &str) {
        self.add(&format!("## {text}\n\n"));
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.add(&format!("{text}\n\n"));
    }

    /// Begins a table.
    pub fn columns(&mut self, names: &[&str]) {
        let rule: String = names.iter().map(|_| "|---").collect();
        self.add(&format!("| {} |\n{rule}|\n", names.join(" | ")));
    }

    /// Adds a row to the table.
    pub fn row(&mut self, cells: &[String]) {
        self.add(&format!("| {} |\n", cells.join(" | ")));
    }

    /// Ends the table.
    pub fn end(&mut self) {
        self.add("\n");
    }

    /// Writes the report to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        Ok(fs::write(path, &self.0)?)
    }

    fn add(&mut self, text: &str) {
        // If standard output is closed, the file still gets the report.
        _ = stdout().write_all(text.as_bytes());
        self.0.push_str(text);
    }
}

/// Formats a number with a comma between thousands.
#[must_use]
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_thousands() {
        for (number, text) in [
            (0.4, "0"),
            (999.0, "999"),
            (1e3, "1,000"),
            (12_345_678.0, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
