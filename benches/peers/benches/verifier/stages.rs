//! Where the time of an accepted attempt goes.

use std::cell::Cell;
use std::fs;
use std::hint::black_box;

use countersign::otp::{Algorithm, Code, Digits, Period, Totp, Window};
use countersign::runtime::{RandomSource, SystemRandom};
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{KeyId, Keyring, Resealed, Timestamp, Verifier, blocking};
use countersign_benches::{Candidate, Error, Target, Timer, Timings};
use countersign_store_testing::bench::{Report, grouped};

use crate::chart;
use crate::person::Person;
use crate::record::{CipherAndCodec, Parts};
use crate::service::{KEY_ID, SUMMARY, Setup, insert, key};

/// The account and the record that the stages are measured on.
pub(crate) struct Stages {
    person: Person,
    stored: StoredRecord,
    parts: Parts,
    /// Each verifier has the primary key of the other verifier as a retired key.
    resealers: [Verifier<MemoryStore>; 2],
    totp_rs: totp_rs::Totp,
}

/// The stages alone, and calls whose difference is a stage.
pub(crate) struct Added {
    load: Candidate,
    alone: CipherAndCodec,
    passcode: Candidate,
    random: Candidate,
    write: Candidate,
    wipe: Candidate,
    reseal_nothing: Candidate,
    reseal: Candidate,
}

const SECRET: [u8; 20] = *b"12345678901234567890";
const NOW: u64 = 1_795_521_607;
const WRONG: &str = "000000";

impl Stages {
    pub(crate) fn new() -> Result<Self, Error> {
        let person = Person::new(Setup::default())?;
        let other = Person::new(Setup::default())?;
        let stored = person.stored()?;
        let parts = Parts::of(&stored.record, &person.owner.id)?;
        let keys = [(KEY_ID, key()), (KeyId::new(2), key())];
        let keyring = |primary: usize| -> Result<Keyring, Error> {
            let [(id, key), (retired, old)] = [&keys[primary], &keys[1 - primary]];
            let keyring = Keyring::new(*id, key.clone());
            Ok(keyring.with_retired(*retired, old.clone())?)
        };
        let resealer =
            |keyring: Keyring| Verifier::builder(other.store().clone(), keyring, "Example").build();
        let builder = totp_rs::Builder::new().with_secret(SECRET).with_skew(1);
        Ok(Self {
            stored,
            parts,
            resealers: [resealer(keyring(0)?)?, resealer(keyring(1)?)?],
            totp_rs: builder.with_account_name("alice").build()?,
            person,
        })
    }

    /// The cheapest comparable call of another crate: it checks three time steps and keeps no
    /// state.
    pub(crate) fn add_totp_rs<'a>(&'a self, timer: &mut Timer<'a>) -> Result<Candidate, Error> {
        let check = || self.totp_rs.check(black_box(WRONG), black_box(NOW));
        match check() {
            Some(_) => Err("the check accepted a wrong code".into()),
            None => Ok(timer.add(check)),
        }
    }

    pub(crate) fn add<'a>(&'a self, timer: &mut Timer<'a>) -> Result<Added, Error> {
        let (store, id) = (self.person.store(), &self.person.owner.id);
        let write_store = MemoryStore::new();
        insert(&write_store, id, self.stored.revision, &self.stored.record)?;
        let turn = Cell::new(0);
        let revision = Cell::new(self.stored.revision);
        Ok(Added {
            load: timer.add(move || blocking::Store::load(store, black_box(id))),
            alone: self.parts.add(timer)?,
            passcode: timer.add(passcode),
            random: timer.add(|| {
                let mut random = [0; 20];
                (SystemRandom.fill(&mut random), random)
            }),
            write: timer.add(move || {
                let before = revision.get();
                let next = Revision::from_i64(before.as_i64() ^ 1).unwrap_or(before);
                revision.set(next);
                let record = black_box(&self.stored.record);
                let write =
                    ConditionalWrite::put(Some(before), next, record, WriteKind::Accepted, SUMMARY);
                let result = blocking::Store::compare_and_swap(&write_store, id, write);
                assert!(matches!(result, Ok(WriteResult::Done)));
            }),
            wipe: timer.add(wipe),
            reseal_nothing: timer.add(move || {
                let resealed = block_on(self.person.service.verifier.reseal(id));
                assert!(matches!(resealed, Ok(Resealed::Unchanged)), "{resealed:?}");
            }),
            reseal: timer.add(move || {
                turn.set(turn.get() ^ 1);
                let resealed = block_on(self.resealers[turn.get()].reseal(id));
                assert!(matches!(resealed, Ok(Resealed::Changed)), "{resealed:?}");
            }),
        })
    }
}

/// The check alone: parses the passcode, sets up the key, and computes and compares three time
/// steps.
fn passcode() -> bool {
    let key = black_box(&SECRET);
    let totp = Totp::new(key, Algorithm::Sha1, Digits::SIX, Period::default());
    let now = Timestamp::from_unix(black_box(NOW));
    let typed = Code::parse(black_box(WRONG));
    typed.is_ok_and(|typed| totp.verify(&typed, now, Window::default(), None).is_some())
}

/// Wipes the stack as `src/stack_wipe.rs` does after each poll.
#[inline(never)]
fn wipe() {
    black_box(&mut [0_u8; 16_384]);
}

impl Added {
    /// Reports the stages, and the rest of the whole attempt.
    pub(crate) fn explain(
        &self,
        accepted: Candidate,
        timings: &Timings,
        report: &mut Report,
    ) -> Result<Vec<Target>, Error> {
        let of = |candidate: Candidate| timings.median(candidate);
        let whole = of(accepted);
        let stages = [
            ("load", "`MemoryStore::load`", of(self.load)),
            ("decrypt", "AES-256-GCM-SIV", of(self.alone.decrypt)),
            ("decode", "minicbor", of(self.alone.decode)),
            ("check", "`Code`, `Totp`", of(self.passcode)),
            (
                "random",
                "`SystemRandom`: a revision and a nonce",
                of(self.random),
            ),
            ("encode", "minicbor", of(self.alone.encode)),
            ("encrypt", "AES-256-GCM-SIV", of(self.alone.encrypt)),
            ("write", "`MemoryStore::compare_and_swap`", of(self.write)),
            ("wipe", "16 KiB of stack", of(self.wipe)),
        ];
        let sum: f64 = stages.iter().map(|(_, _, ns)| ns).sum();
        report.columns(&["stage, alone", "code", "ns", "share of the attempt"]);
        let rest = ("other", "rules, futures, moves and frees", whole - sum);
        let parts: Vec<_> = stages
            .iter()
            .chain([&rest])
            .map(|(stage, _, ns)| (*stage, *ns))
            .collect();
        let title = format!("An accepted attempt: {} ns", grouped(whole));
        fs::write(
            concat!(env!("CARGO_TARGET_TMPDIR"), "/../stages.svg"),
            chart::draw(&title, &parts),
        )?;
        let all = ("whole attempt", "", whole);
        for (stage, what, ns) in stages.into_iter().chain([rest, all]) {
            let share = format!("{:.0} %", ns / whole * 100.0);
            report.row(&[stage.into(), what.into(), grouped(ns), share]);
        }
        report.end();

        let opening = of(self.reseal_nothing) - of(self.load) - of(self.wipe);
        let sealing = of(self.reseal) - of(self.reseal_nothing) - of(self.write) - of(self.random);
        let opening_alone = of(self.alone.decrypt) + of(self.alone.decode);
        let sealing_alone = of(self.alone.encode) + of(self.alone.encrypt);
        report.columns(&["by difference", "ns", "cipher and codec alone, ns"]);
        for (stages, ns, alone) in [
            (
                "decrypt and decode: `reseal` with nothing to do, minus load and wipe",
                opening,
                opening_alone,
            ),
            (
                "encode and encrypt: `reseal`, minus the row above, random and write",
                sealing,
                sealing_alone,
            ),
        ] {
            report.row(&[stages.into(), grouped(ns), grouped(alone)]);
        }
        report.end();

        let time = |what: &str, at_most: f64, nanoseconds: f64| Target {
            what: what.into(),
            at_most,
            measured: nanoseconds / 1e3,
            unit: " \u{b5}s",
        };
        Ok(vec![
            Target::ratio(
                "an accepted attempt, against the sum of its stages",
                1.3,
                whole / sum,
            ),
            time("encode and encrypt", 1.3, sealing),
            time("decrypt and decode", 1.9, opening),
            Target::ratio(
                "encode, encrypt, decrypt and decode, against cipher and codec alone",
                1.25,
                (opening + sealing) / (opening_alone + sealing_alone),
            ),
        ])
    }
}
