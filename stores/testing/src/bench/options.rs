use std::time::Duration;

use super::Error;
use crate::Durability;

/// What the program was told.
#[derive(Debug, Default)]
pub(super) struct Options {
    fast: bool,
    short: bool,
    engines: Vec<String>,
}

impl Options {
    pub(super) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--fast" => options.fast = true,
                "--short" => options.short = true,
                option if option.starts_with('-') => {
                    return Err(format!("{option}: no such option. {USAGE}").into());
                }
                _ => options.engines.push(argument),
            }
        }
        Ok(options)
    }

    pub(super) fn wants(&self, engine: &str) -> bool {
        self.engines.is_empty() || self.engines.iter().any(|name| name == engine)
    }

    pub(super) fn durability(&self) -> Durability {
        if self.fast {
            Durability::Fast
        } else {
            Durability::Durable
        }
    }

    /// The sizes of the tables, the smallest first. Rates are measured on the second.
    pub(super) fn sizes(&self) -> &'static [u32] {
        if self.short {
            &[1_000, 10_000]
        } else {
            &[1_000, 100_000, 1_000_000]
        }
    }

    /// How many accounts of a table are enrolled, at most.
    pub(super) fn accounts(&self) -> u32 {
        if self.short { 500 } else { 10_000 }
    }

    /// How often each of what is compared has its turn.
    pub(super) fn rounds(&self) -> usize {
        if self.short { 2 } else { 16 }
    }

    /// How long a turn is.
    pub(super) fn turn(&self) -> Duration {
        Duration::from_millis(if self.short { 40 } else { 250 })
    }
}

const USAGE: &str = "Usage: [--fast] [--short] [ENGINE]...
  --fast   without waiting for the disk
  --short  a few seconds, to see that it works; its figures are worth nothing
  ENGINE   one of those that the benchmark knows; all, if none is named";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, Error> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_engines_all_are_wanted_and_unknown_options_are_refused() -> Result<(), Error> {
        assert!(parse("--bench")?.wants("any"));
        let options = parse("--fast --short one two --bench")?;
        assert!(options.wants("one") && options.wants("two") && !options.wants("three"));
        assert_eq!(options.durability(), Durability::Fast);
        assert_eq!(parse("")?.durability(), Durability::Durable);
        assert!(parse("--fats").is_err());
        Ok(())
    }
}
