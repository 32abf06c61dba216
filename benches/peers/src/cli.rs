use super::Error;

/// The command-line arguments of a benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// Run for only a few seconds, to see that the benchmark works. The figures then mean nothing.
    pub short: bool,
}

impl Arguments {
    /// Reads the arguments of the program.
    pub fn parse() -> Result<Self, Error> {
        let mut arguments = Self { short: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                // Cargo passes this argument.
                "--bench" => {}
                "--short" => arguments.short = true,
                _ => return Err(format!("{argument}: no such option. {USAGE}").into()),
            }
        }
        Ok(arguments)
    }
}

const USAGE: &str = "Usage: [--short]
  --short  run for a few seconds, to see that the benchmark works; the figures then mean nothing";
