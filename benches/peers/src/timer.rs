use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The number of counted turns of each candidate.
    pub turns: usize,
    /// The minimum length of a turn, if a candidate can repeat its work within one turn.
    pub turn: Duration,
}

/// Candidates that take turns, in a new random order each round. In a turn, a candidate repeats its
/// work as often as the turn allows.
#[derive(Default)]
pub struct Timer<'a>(Vec<Entry<'a>>);

struct Entry<'a> {
    /// Repeats the work, and returns the time.
    work: Box<dyn FnMut(u32) -> Duration + 'a>,
    at_most: u32,
    times: u32,
    nanoseconds: Vec<f64>,
}

/// A piece of work that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Candidate(usize);

impl<'a> Timer<'a> {
    /// Adds work that can be repeated without preparation.
    pub fn add<T>(&mut self, mut work: impl FnMut() -> T + 'a) -> Candidate {
        self.add_timed(u32::MAX, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        })
    }

    /// Adds work on inputs that are prepared before each turn, `at_most` inputs per turn.
    pub fn add_prepared<I, T>(
        &mut self,
        at_most: u32,
        mut prepare: impl FnMut(u32) -> Vec<I> + 'a,
        mut work: impl FnMut(&mut I) -> T + 'a,
    ) -> Candidate {
        self.add_timed(at_most, move |times| {
            let mut inputs = prepare(times);
            let start = Instant::now();
            for input in &mut inputs {
                black_box(work(black_box(input)));
            }
            start.elapsed()
        })
    }

    /// Adds work that measures its own time, `at_most` times per turn.
    pub fn add_timed(&mut self, at_most: u32, work: impl FnMut(u32) -> Duration + 'a) -> Candidate {
        self.0.push(Entry {
            work: Box::new(work),
            at_most,
            times: 1,
            nanoseconds: Vec::new(),
        });
        Candidate(self.0.len() - 1)
    }

    /// Measures all candidates.
    pub fn run(mut self, effort: Effort) -> Timings {
        for entry in &mut self.0 {
            entry.fit_into(effort.turn);
        }
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let mut random = Rng::with_seed(0);
        let warm_up = effort.turns / 20;
        for turn in 0..warm_up + effort.turns {
            random.shuffle(&mut order);
            for &index in &order {
                let entry = &mut self.0[index];
                let took = (entry.work)(entry.times).as_nanos() as f64 / f64::from(entry.times);
                if turn >= warm_up {
                    entry.nanoseconds.push(took);
                }
            }
        }
        let sorted = |mut entry: Entry<'a>| {
            entry.nanoseconds.sort_unstable_by(f64::total_cmp);
            entry.nanoseconds
        };
        Timings(self.0.into_iter().map(sorted).collect())
    }
}

impl Entry<'_> {
    /// Finds how often the work fits into one turn.
    fn fit_into(&mut self, turn: Duration) {
        while (self.work)(self.times) < turn && self.times < self.at_most {
            self.times = self.times.saturating_mul(2).min(self.at_most);
        }
    }
}

impl fmt::Debug for Timer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.len()).finish()
    }
}

/// The times of all turns, per repetition of the work.
#[derive(Debug)]
pub struct Timings(Vec<Vec<f64>>);

impl Timings {
    /// The median of a candidate's turns, in nanoseconds.
    pub fn median(&self, candidate: Candidate) -> f64 {
        self.quantile(candidate, 0.5)
    }

    /// The ratio of two medians.
    pub fn ratio(&self, this: Candidate, other: Candidate) -> f64 {
        self.median(this) / self.median(other)
    }

    /// The largest interquartile range of all candidates, as a share of the median.
    pub fn spread(&self) -> f64 {
        let spreads = (0..self.0.len()).map(Candidate).map(|candidate| {
            (self.quantile(candidate, 0.75) - self.quantile(candidate, 0.25))
                / self.median(candidate)
        });
        spreads.fold(0.0, f64::max)
    }

    fn quantile(&self, candidate: Candidate, share: f64) -> f64 {
        let sorted = &self.0[candidate.0];
        sorted[((sorted.len() - 1) as f64 * share) as usize]
    }
}
