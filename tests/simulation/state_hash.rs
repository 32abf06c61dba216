//! Hashes the state of a run: what each client has seen, and what the database has stored. If two
//! runs have the same state, the same events can follow in both. So one of the two runs can end.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Everything that has happened so far. Revisions are random and differ between runs, so a revision
/// is named by its sender and the time of sending.
#[derive(Clone, Default)]
pub(crate) struct StateHash {
    /// What each client has seen.
    clients: Vec<RunningHash>,
    database: RunningHash,
    names: HashMap<i64, u64>,
    /// The client that is being polled.
    polled: usize,
    /// How many late writes are about to land.
    landing: usize,
}

#[derive(Clone, Copy, Default)]
struct RunningHash(u64);

impl RunningHash {
    fn add(&mut self, seen: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.0, seen).hash(&mut hasher);
        self.0 = hasher.finish();
    }
}

impl StateHash {
    pub(crate) fn polls(&mut self, client: usize) {
        self.polled = client;
    }

    fn client(&mut self) -> &mut RunningHash {
        if self.clients.len() <= self.polled {
            self.clients.resize(self.polled + 1, RunningHash::default());
        }
        &mut self.clients[self.polled]
    }

    /// The client that is being polled sees something.
    pub(crate) fn sees(&mut self, what: impl Hash) {
        self.client().add(what);
    }

    /// The client loads a record, or gets an error.
    pub(crate) fn loads(&mut self, revision: Option<Option<i64>>) {
        let name = revision.map(|it| it.map(|it| self.names.get(&it).copied()));
        self.sees(name);
    }

    /// The client sends a write.
    pub(crate) fn sends(&mut self, revision: i64) {
        let name = (self.client().0, self.polled);
        let mut hash = RunningHash::default();
        hash.add(name);
        self.names.entry(revision).or_insert(hash.0);
    }

    pub(crate) fn lands_late(&mut self) {
        self.landing += 1;
    }

    /// A write reaches the database.
    pub(crate) fn reaches(&mut self, revision: i64, done: bool) {
        let late = self.landing > 0;
        self.landing = self.landing.saturating_sub(1);
        if late || done {
            self.database.add((self.names.get(&revision), late, done));
        }
    }

    /// One hash of the whole state and of `more`.
    pub(crate) fn sum(&self, more: impl Hash) -> u64 {
        let mut sum = self.database;
        for client in &self.clients {
            sum.add(client.0);
        }
        sum.add(more);
        sum.0
    }
}
