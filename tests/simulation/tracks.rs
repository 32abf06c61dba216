//! What tells two moments of two runs apart: what each client has seen, and what the database has taken. Where all of it
//! is equal, all that can follow is equal, so one of the two runs need not go on.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Everything up to now. Revisions are drawn, and differ between runs, so they are known by who sent them, and when.
#[derive(Clone, Default)]
pub(crate) struct Tracks {
    /// For each client, what it has seen.
    clients: Vec<Track>,
    database: Track,
    names: HashMap<i64, u64>,
    /// The client that is being polled.
    polled: usize,
    /// How many late writes are about to land.
    landing: usize,
}

#[derive(Clone, Copy, Default)]
struct Track(u64);

impl Track {
    fn add(&mut self, seen: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.0, seen).hash(&mut hasher);
        self.0 = hasher.finish();
    }
}

impl Tracks {
    pub(crate) fn polls(&mut self, client: usize) {
        self.polled = client;
    }

    fn client(&mut self) -> &mut Track {
        if self.clients.len() <= self.polled {
            self.clients.resize(self.polled + 1, Track::default());
        }
        &mut self.clients[self.polled]
    }

    /// The client that is being polled sees something.
    pub(crate) fn sees(&mut self, what: impl Hash) {
        self.client().add(what);
    }

    /// It loads a record, or gets an error.
    pub(crate) fn loads(&mut self, revision: Option<Option<i64>>) {
        let name = revision.map(|it| it.map(|it| self.names.get(&it).copied()));
        self.sees(name);
    }

    /// It sends a swap.
    pub(crate) fn sends(&mut self, revision: i64) {
        let name = (self.client().0, self.polled);
        let mut track = Track::default();
        track.add(name);
        self.names.entry(revision).or_insert(track.0);
    }

    pub(crate) fn lands_late(&mut self) {
        self.landing += 1;
    }

    /// A swap reaches the database.
    pub(crate) fn reaches(&mut self, revision: i64, done: bool) {
        let late = self.landing > 0;
        self.landing = self.landing.saturating_sub(1);
        if late || done {
            self.database.add((self.names.get(&revision), late, done));
        }
    }

    /// All of it in one number, with what else there is.
    pub(crate) fn sum(&self, more: impl Hash) -> u64 {
        let mut sum = self.database;
        for client in &self.clients {
            sum.add(client.0);
        }
        sum.add(more);
        sum.0
    }
}
