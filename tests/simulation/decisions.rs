//! All decisions of a run: random from a seed, or one of all possible sequences.

use std::sync::{Arc, Mutex};

/// A source of decisions. Clones are the same source.
#[derive(Clone)]
pub(crate) struct Decisions(Arc<Mutex<Source>>);

enum Source {
    /// `SplitMix64`.
    Seeded(u64),
    /// Follows a sequence to its end, and then takes the first option of every decision.
    Replayed { taken: Vec<Decision>, place: usize },
}

/// One decision, and the number of its options.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Decision {
    option: usize,
    options: usize,
}

impl Decisions {
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut state = seed;
        next_random(&mut state);
        Self(Arc::new(Mutex::new(Source::Seeded(state))))
    }

    pub(crate) fn first() -> Self {
        let (taken, place) = (Vec::new(), 0);
        Self(Arc::new(Mutex::new(Source::Replayed { taken, place })))
    }

    /// Chooses one of `options` options, counted from 0.
    pub(crate) fn pick(&self, options: usize) -> usize {
        match &mut *self.0.lock().unwrap() {
            Source::Seeded(state) => (next_random(state) % options as u64) as usize,
            Source::Replayed { taken, place } => {
                if taken.len() == *place {
                    taken.push(Decision { option: 0, options });
                }
                let decision = taken[*place];
                assert_eq!(
                    decision.options, options,
                    "a repeated run takes other decisions"
                );
                *place += 1;
                decision.option
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

    /// Whether the next decision is new.
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

    /// Moves to the next sequence, depth first. Returns `false` after the last.
    pub(crate) fn next(&self) -> bool {
        let mut source = self.0.lock().unwrap();
        let Source::Replayed { taken, place } = &mut *source else {
            return false;
        };
        *place = 0;
        while let Some(last) = taken.last_mut() {
            last.option += 1;
            if last.option < last.options {
                return true;
            }
            taken.pop();
        }
        false
    }
}

/// The next number of `SplitMix64`.
pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
