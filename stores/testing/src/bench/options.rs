use std::num::NonZeroUsize;
use std::time::Duration;

use super::database::Error;
use crate::Durability;

/// The arguments of the program.
#[derive(Debug, Default)]
pub(super) struct Options {
    fast: bool,
    short: bool,
    turns: Option<NonZeroUsize>,
    databases: Vec<String>,
}

impl Options {
    pub(super) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo adds this argument.
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
                _ => options.databases.push(argument),
            }
        }
        Ok(options)
    }

    pub(super) fn wants(&self, database: &str) -> bool {
        self.databases.is_empty() || self.databases.iter().any(|name| name == database)
    }

    /// A database that the arguments name and that is not in this list.
    pub(super) fn unknown(&self, databases: &[&str]) -> Option<&str> {
        let mut wanted = self.databases.iter().map(String::as_str);
        wanted.find(|name| !databases.contains(name))
    }

    pub(super) fn durability(&self) -> Durability {
        if self.fast {
            Durability::Fast
        } else {
            Durability::Durable
        }
    }

    /// The sizes of the tables, the smallest first. The rates are measured on the second.
    pub(super) fn sizes(&self) -> &'static [u32] {
        if self.short {
            &[1_000, 10_000]
        } else {
            &[1_000, 100_000, 1_000_000]
        }
    }

    /// The maximum number of enrolled accounts of a table.
    pub(super) fn accounts(&self) -> u32 {
        if self.short { 500 } else { 10_000 }
    }

    /// The number of turns of each contender.
    pub(super) fn rounds(&self) -> usize {
        let default = if self.short { 2 } else { 24 };
        self.turns.map_or(default, NonZeroUsize::get)
    }

    /// The length of a turn.
    pub(super) fn turn(&self) -> Duration {
        Duration::from_millis(if self.short { 40 } else { 250 })
    }
}

const USAGE: &str = "Usage: [--fast] [--short] [--turns N] [DATABASE]...
  --fast     do not wait for the disk
  --short    take a few seconds, to test the benchmark; its figures mean nothing
  --turns N  the number of turns of each contender; the default is 24
  DATABASE   a database of this benchmark; the default is all of them";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, Error> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_select_databases_and_refuse_typos() -> Result<(), Error> {
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
