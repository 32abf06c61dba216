use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use super::Error;

/// Markdown that is shown as it grows.
#[derive(Debug, Default)]
pub struct Report(String);

impl Report {
    /// A heading of the second level.
    pub fn heading(&mut self, text: &str) {
        self.add(&format!("## {text}\n\n"));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.add(&format!("{text}\n\n"));
    }

    /// The head of a table.
    pub fn columns(&mut self, names: &[&str]) {
        let rule: String = names.iter().map(|_| "|---").collect();
        self.add(&format!("| {} |\n{rule}|\n", names.join(" | ")));
    }

    /// A row of it.
    pub fn row(&mut self, cells: &[String]) {
        self.add(&format!("| {} |\n", cells.join(" | ")));
    }

    /// Ends it.
    pub fn end(&mut self) {
        self.add("\n");
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        Ok(fs::write(path, &self.0)?)
    }

    fn add(&mut self, text: &str) {
        // If nobody reads along, there is still the file.
        _ = stdout().write_all(text.as_bytes());
        self.0.push_str(text);
    }
}

/// A number with a comma at the thousands.
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
    fn thousands_have_a_comma() {
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
