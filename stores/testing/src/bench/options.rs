use std::num::NonZeroUsize;
use std::time::Duration;

use super::Error;
use crate::Durability;

/// What the program was told.
#[derive(Debug, Default)]
pub(super) struct Options {
    fast: bool,
    short: bool,
    turns: Option<NonZeroUsize>,
    engines: Vec<String>,
}

impl Options {
    pub(super) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--fast" => options.fast = true,
                "--short" => options.short = true,
                "--turns" => {
                    let turns = arguments.next().and_then(|turns| turns.parse().ok());
                    options.turns = Some(turns.ok_or(USAGE)?);
                }
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

    /// An engine that was asked for and is none of these.
    pub(super) fn unknown(&self, engines: &[&str]) -> Option<&str> {
        let mut wanted = self.engines.iter().map(String::as_str);
        wanted.find(|name| !engines.contains(name))
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
        let default = if self.short { 2 } else { 24 };
        self.turns.map_or(default, NonZeroUsize::get)
    }

    /// How long a turn is.
    pub(super) fn turn(&self) -> Duration {
        Duration::from_millis(if self.short { 40 } else { 250 })
    }
}

const USAGE: &str = "Usage: [--fast] [--short] [--turns N] [ENGINE]...
  --fast     without waiting for the disk
  --short    a few seconds, to see that it works; its figures are worth nothing
  --turns N  how often each of what is compared has its turn: 24
  ENGINE     one of those that the benchmark knows; all, if none is named";

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
        assert_eq!(options.unknown(&["one", "three"]), Some("two"));
        assert_eq!(options.unknown(&["two", "one"]), None);
        assert_eq!(parse("")?.durability(), Durability::Durable);
        assert_eq!(parse("--turns 3")?.rounds(), 3);
        for wrong in ["--fats", "--turns", "--turns 0", "--turns few"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }
}
