//! Every decision of a run, in one place: drawn from a seed, or one of all sequences there are.

use std::sync::{Arc, Mutex};

/// Where decisions come from. Clones are the same source.
#[derive(Clone)]
pub(crate) struct Choices(Arc<Mutex<Source>>);

enum Source {
    /// `SplitMix64`.
    Seeded(u64),
    /// A sequence that is followed to its end, and then the first of everything.
    Replayed { taken: Vec<Choice>, place: usize },
}

/// One decision, and how many ways there were.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Choice {
    way: usize,
    ways: usize,
}

impl Choices {
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut state = seed;
        draw(&mut state);
        Self(Arc::new(Mutex::new(Source::Seeded(state))))
    }

    pub(crate) fn first() -> Self {
        let (taken, place) = (Vec::new(), 0);
        Self(Arc::new(Mutex::new(Source::Replayed { taken, place })))
    }

    /// One of `ways` ways, from 0.
    pub(crate) fn pick(&self, ways: usize) -> usize {
        match &mut *self.0.lock().unwrap() {
            Source::Seeded(state) => (draw(state) % ways as u64) as usize,
            Source::Replayed { taken, place } => {
                if taken.len() == *place {
                    taken.push(Choice { way: 0, ways });
                }
                let choice = taken[*place];
                assert_eq!(choice.ways, ways, "a run that is repeated goes another way");
                *place += 1;
                choice.way
            }
        }
    }

    pub(crate) fn one_in(&self, n: usize) -> bool {
        n > 0 && self.pick(n) == 0
    }

    pub(crate) fn one_of<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        Some(&items[self.pick(items.len())])
    }

    /// Whether the next choice is made for the first time.
    pub(crate) fn is_fresh(&self) -> bool {
        match &*self.0.lock().unwrap() {
            Source::Seeded(_) => true,
            Source::Replayed { taken, place } => *place == taken.len(),
        }
    }

    /// Follows the same sequence again.
    pub(crate) fn rewind(&self) {
        if let Source::Replayed { place, .. } = &mut *self.0.lock().unwrap() {
            *place = 0;
        }
    }

    /// Goes on to the next sequence, depth first; `false` after the last.
    pub(crate) fn next(&self) -> bool {
        let mut source = self.0.lock().unwrap();
        let Source::Replayed { taken, place } = &mut *source else {
            return false;
        };
        *place = 0;
        while let Some(last) = taken.last_mut() {
            last.way += 1;
            if last.way < last.ways {
                return true;
            }
            taken.pop();
        }
        false
    }
}

/// The next number of `SplitMix64`.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
