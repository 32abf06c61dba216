//! A backup code with its password hash (Argon2id).

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use countersign::backup::Argon2Params;
use countersign::runtime::{InlineExecutor, TokioPool};
use countersign_benches::{Candidate, Effort, Error, Target, Timer};
use countersign_store_testing::bench::Report;

use crate::person::Person;
use crate::service::{Service, Setup};

/// Compares an attempt with one Argon2id hash, for sets of 1, 10 and 100 codes.
pub(crate) fn measure(turns: usize, report: &mut Report) -> Result<Vec<Target>, Error> {
    let params = Argon2Params::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let _guard = runtime.enter();
    let inline = |codes| -> Result<(String, Person), Error> {
        let setup = with(codes);
        let service = Service::with_hash(setup, params, InlineExecutor)?;
        Ok((
            format!("`InlineExecutor`, a set of {codes}"),
            Person::of(service, setup)?,
        ))
    };
    let pooled = |codes| -> Result<(String, Person), Error> {
        let setup = with(codes);
        let service = Service::with_hash(setup, params, TokioPool::new(NonZeroUsize::MIN))?;
        Ok((
            format!("`TokioPool`, a set of {codes}"),
            Person::of(service, setup)?,
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

    let mut timer = Timer::default();
    let alone = timer.add_timed(1, |_| {
        let start = Instant::now();
        let mut hash = [0; 16];
        let done = argon2.hash_password_into(black_box(b"12345678"), &[7; 16], &mut hash);
        black_box((done.is_ok(), hash));
        start.elapsed()
    });
    let attempts: Vec<(&str, Candidate)> = people
        .iter()
        .map(|(name, person)| Ok((name.as_str(), add(person, &mut timer)?)))
        .collect::<Result<_, Error>>()?;
    let effort = Effort {
        turns,
        turn: Duration::ZERO,
    };
    let timings = timer.run(effort);

    report.columns(&["a right backup code", "ms", "times one Argon2id"]);
    let milliseconds = |candidate| format!("{:.2}", timings.median(candidate) / 1e6);
    report.row(&[
        "one Argon2id, alone".into(),
        milliseconds(alone),
        "1".into(),
    ]);
    let mut targets = Vec::new();
    for (name, attempt) in attempts {
        let ratio = timings.ratio(attempt, alone);
        report.row(&[name.into(), milliseconds(attempt), format!("{ratio:.3}")]);
        let what = format!("a backup code, {name}, against one Argon2id");
        targets.push(Target::ratio(what, 1.05, ratio));
    }
    report.end();
    Ok(targets)
}

fn with(codes: u8) -> Setup {
    Setup {
        codes,
        ..Setup::default()
    }
}

fn add<'a>(person: &'a Person, timer: &mut Timer<'a>) -> Result<Candidate, Error> {
    let unused = person.stored()?;
    Ok(timer.add_timed(1, move |_| {
        let restored = person.restore(&unused);
        assert!(restored.is_ok(), "{restored:?}");
        let start = Instant::now();
        let accepted = person.verify(&person.owner.codes[0]);
        let took = start.elapsed();
        assert!(accepted.is_ok(), "{accepted:?}");
        took
    }))
}
