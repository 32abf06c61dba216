use crate::support::SeededRng;
use crate::welch::{Difference, largest};
use rand_core::Rng;
use std::hint::black_box;
use std::time::Instant;

/// The class of an input. Both classes must take the same time.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Class {
    Left,
    Right,
}

/// Measures `run` on inputs of both classes, in random order, and compares the times. All inputs of
/// a batch are made before the first is measured.
pub(crate) fn measure<I, O>(
    samples: usize,
    random: &mut SeededRng,
    mut input: impl FnMut(Class, &mut SeededRng) -> I,
    mut run: impl FnMut(&mut I) -> O,
) -> Difference {
    const BATCH: usize = 1_000;
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while left.len() + right.len() < samples {
        let mut batch: Vec<_> = (0..BATCH)
            .map(|_| {
                let class = if random.next_u32() & 1 == 0 {
                    Class::Left
                } else {
                    Class::Right
                };
                (class, input(class, random))
            })
            .collect();
        for (class, input) in &mut batch {
            let start = Instant::now();
            black_box(run(black_box(input)));
            let time = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
            match class {
                Class::Left => left.push(time),
                Class::Right => right.push(time),
            }
        }
    }
    largest(left, right)
}
