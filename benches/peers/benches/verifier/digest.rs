//! A backup code and its slow digest.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use countersign::backup::Argon2Params;
use countersign::blocking;
use countersign::runtime::{InlineExecutor, TokioPool};
use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteKind, WriteResult};
use countersign_benches::{Contender, Effort, Error, Goal, Race};
use countersign_store_testing::bench::Report;

use crate::attempts::Person;
use crate::service::{SUMMARY, Service, Shape};

/// The row of an account as it was.
pub(crate) struct Row<'a> {
    person: &'a Person,
    before: Option<StoredRecord>,
}

impl<'a> Row<'a> {
    pub(crate) fn of(person: &'a Person) -> Self {
        let before = load(person);
        Self { person, before }
    }

    /// Puts it back, so that what was used since is unused.
    pub(crate) fn put_back(&self) {
        let (Some(now), Some(before)) = (load(self.person), &self.before) else {
            return;
        };
        if now.revision == before.revision {
            return;
        }
        let swap = ConditionalWrite::put(
            Some(now.revision),
            before.revision,
            &before.record,
            WriteKind::Accepted,
            SUMMARY,
        );
        let swapped =
            blocking::Store::compare_and_swap(store(self.person), &self.person.owner.id, swap);
        assert!(matches!(swapped, Ok(WriteResult::Done)));
    }
}

fn store(person: &Person) -> &MemoryStore {
    person.service.verifier.store()
}

fn load(person: &Person) -> Option<StoredRecord> {
    let Ok(stored) = blocking::Store::load(store(person), &person.owner.id);
    stored
}

/// Compares an attempt with one Argon2id, for sets of 1, 10 and 100 codes.
pub(crate) fn measure(turns: usize, report: &mut Report) -> Result<Vec<Goal>, Error> {
    let params = Argon2Params::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let _guard = runtime.enter();
    let inline = |codes| -> Result<(String, Person), Error> {
        let shape = with(codes);
        let service = Service::with_digest(shape, params, InlineExecutor)?;
        Ok((
            format!("`InlineExecutor`, a set of {codes}"),
            Person::of(service, shape)?,
        ))
    };
    let pooled = |codes| -> Result<(String, Person), Error> {
        let shape = with(codes);
        let service = Service::with_digest(shape, params, TokioPool::new(NonZeroUsize::MIN))?;
        Ok((
            format!("`TokioPool`, a set of {codes}"),
            Person::of(service, shape)?,
        ))
    };
    let people = [
        inline(1)?,
        inline(10)?,
        inline(100)?,
        pooled(10)?,
        pooled(100)?,
    ];
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(
            params.memory_kib(),
            params.passes(),
            params.lanes(),
            Some(16),
        )?,
    );

    let mut race = Race::default();
    let alone = race.enter_timed(1, |_| {
        let begun = Instant::now();
        let mut digest = [0; 16];
        let done = argon2.hash_password_into(black_box(b"12345678"), &[7; 16], &mut digest);
        black_box((done.is_ok(), digest));
        begun.elapsed()
    });
    let attempts: Vec<(&str, Contender)> = people
        .iter()
        .map(|(name, person)| (name.as_str(), enter(person, &mut race)))
        .collect();
    let effort = Effort {
        turns,
        turn: Duration::ZERO,
    };
    let figures = race.run(effort);

    report.columns(&["a right backup code", "ms", "times one Argon2id"]);
    let milliseconds = |contender| format!("{:.2}", figures.median(contender) / 1e6);
    report.row(&[
        "one Argon2id, alone".into(),
        milliseconds(alone),
        "1".into(),
    ]);
    let mut goals = Vec::new();
    for (name, attempt) in attempts {
        let ratio = figures.ratio(attempt, alone);
        report.row(&[name.into(), milliseconds(attempt), format!("{ratio:.3}")]);
        let what = format!("a backup code, {name}, against one Argon2id");
        goals.push(Goal::ratio(what, 1.05, ratio));
    }
    report.end();
    Ok(goals)
}

fn with(codes: u8) -> Shape {
    Shape {
        codes,
        ..Shape::default()
    }
}

fn enter<'a>(person: &'a Person, race: &mut Race<'a>) -> Contender {
    let row = Row::of(person);
    race.enter_timed(1, move |_| {
        row.put_back();
        let begun = Instant::now();
        let accepted = person.verify(&person.owner.codes[0]);
        let took = begun.elapsed();
        assert!(accepted.is_ok(), "{accepted:?}");
        took
    })
}
