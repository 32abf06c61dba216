//! Shows text and reads answers, on a terminal or over pipes.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

/// Why a step did not finish.
pub(crate) enum Stop {
    /// The input ended, or nobody reads the output.
    EndOfInput,
    /// The service failed. The user sees a message, and may try again.
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) struct Terminal {
    /// The input is a terminal, so passwords are not shown.
    keyboard: bool,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let keyboard = io::stdin().is_terminal();
        Self { keyboard }
    }

    /// The columns and rows of the terminal, or `None` for a pipe.
    pub(crate) fn size(&self) -> Option<(usize, usize)> {
        let (width, height) = terminal_size::terminal_size_of(io::stdout())?;
        Some((width.0.into(), height.0.into()))
    }

    /// Shows one or more lines.
    pub(crate) fn say(&mut self, text: impl Display) -> Result<(), Stop> {
        show(format_args!("{text}\n"))
    }

    /// Asks for a line, and trims it.
    pub(crate) fn ask(&mut self, prompt: impl Display) -> Result<String, Stop> {
        loop {
            show(&prompt)?;
            if let Some(line) = read_line()? {
                return Ok(line.trim().to_owned());
            }
            self.say("That was not UTF-8 text. Please try again.")?;
        }
    }

    /// Asks for a line; an empty one means back.
    pub(crate) fn ask_or_back(&mut self, prompt: impl Display) -> Result<Option<String>, Stop> {
        let line = self.ask(prompt)?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// Asks for a password, which is not shown and not trimmed.
    pub(crate) fn ask_password(&mut self, prompt: &str) -> Result<String, Stop> {
        if self.keyboard {
            // Ctrl-D in an empty field ends the input.
            return rpassword::prompt_password(prompt).map_err(ended);
        }
        loop {
            show(prompt)?;
            if let Some(line) = read_line()? {
                return Ok(line);
            }
            self.say("That was not UTF-8 text. Please try again.")?;
        }
    }

    /// Asks a question. Every answer but yes means no.
    pub(crate) fn confirm(&mut self, question: impl Display) -> Result<bool, Stop> {
        let answer = self.ask(format_args!("{question} [y/N] "))?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}

fn show(text: impl Display) -> Result<(), Stop> {
    let mut output = io::stdout().lock();
    write!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(ended)
}

/// A line without its end, or `None` if it is not UTF-8.
fn read_line() -> Result<Option<String>, Stop> {
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .read_until(b'\n', &mut line)
        .map_err(ended)?;
    if line.is_empty() {
        // The shell's prompt starts on a new line.
        show("\n")?;
        return Err(Stop::EndOfInput);
    }
    let text = String::from_utf8(line).ok();
    Ok(text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Treats every error of the terminal or the pipe as its end.
fn ended(_: io::Error) -> Stop {
    Stop::EndOfInput
}
