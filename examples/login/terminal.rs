//! The host's pages: what is shown, and what a person types. Works with a keyboard and with a pipe.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

/// Why a step ends before its end.
pub(crate) enum Stop {
    /// There is nobody to talk to any more: the end of the input, or of the reader of the output.
    EndOfInput,
    /// Something of the service failed. The person is told, and may try again.
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) struct Terminal {
    /// Somebody types, so passwords are not to be seen.
    keyboard: bool,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let keyboard = io::stdin().is_terminal();
        Self { keyboard }
    }

    /// Columns and rows of what is shown at once, or `None` if it goes to a pipe.
    pub(crate) fn size(&self) -> Option<(usize, usize)> {
        let (width, height) = terminal_size::terminal_size_of(io::stdout())?;
        Some((width.0.into(), height.0.into()))
    }

    /// Shows a line, or lines.
    pub(crate) fn say(&mut self, text: impl Display) -> Result<(), Stop> {
        show(format_args!("{text}\n"))
    }

    /// Asks for a line, without the white space around it.
    pub(crate) fn ask(&mut self, prompt: impl Display) -> Result<String, Stop> {
        loop {
            show(&prompt)?;
            if let Some(line) = read_line()? {
                return Ok(line.trim().to_owned());
            }
            self.say("That was not UTF-8 text.")?;
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
            // Ctrl-D in an empty field is the end.
            return rpassword::prompt_password(prompt).map_err(nobody);
        }
        loop {
            show(prompt)?;
            if let Some(line) = read_line()? {
                return Ok(line);
            }
            self.say("That was not UTF-8 text.")?;
        }
    }

    /// Asks a question; everything but yes is no.
    pub(crate) fn confirm(&mut self, question: impl Display) -> Result<bool, Stop> {
        let answer = self.ask(format_args!("{question} [y/N] "))?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}

fn show(text: impl Display) -> Result<(), Stop> {
    let mut output = io::stdout().lock();
    write!(output, "{text}")
        .and_then(|()| output.flush())
        .map_err(nobody)
}

/// A line without its end, or `None` if it is not UTF-8.
fn read_line() -> Result<Option<String>, Stop> {
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .read_until(b'\n', &mut line)
        .map_err(nobody)?;
    if line.is_empty() {
        // So that the shell's prompt stands on a line of its own.
        show("\n")?;
        return Err(Stop::EndOfInput);
    }
    let text = String::from_utf8(line).ok();
    Ok(text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Whatever is wrong with the terminal or the pipe: nobody is there.
fn nobody(_: io::Error) -> Stop {
    Stop::EndOfInput
}
