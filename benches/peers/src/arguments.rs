use super::Error;

/// What a benchmark was told.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// A few seconds, to see that it works; the figures are worth nothing.
    pub short: bool,
}

impl Arguments {
    /// Reads the arguments of the program.
    pub fn parse() -> Result<Self, Error> {
        let mut arguments = Self { short: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--short" => arguments.short = true,
                _ => return Err(format!("{argument}: no such option. {USAGE}").into()),
            }
        }
        Ok(arguments)
    }
}

const USAGE: &str = "Usage: [--short]
  --short  a few seconds, to see that it works; its figures are worth nothing";
