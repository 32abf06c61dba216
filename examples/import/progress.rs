//! A progress bar on standard error, if it is a terminal.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress through the input.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// `total` is the size of the input in bytes, if it is a file.
    pub(crate) fn new(total: Option<u64>) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {percent:>3} %  {msg}  {eta} left",
            ),
            None => (ProgressBar::no_length(), "{spinner} {msg}  {elapsed}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how many lines were read, and up to which byte.
    pub(crate) fn set(&self, lines: u64, bytes: u64) {
        self.0.set_position(bytes);
        self.0.set_message(format!("{lines} lines"));
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
