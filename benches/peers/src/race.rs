use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many turns each contender has that count.
    pub turns: usize,
    /// How long a turn is at least, if the contender can do its work more than once in it.
    pub turn: Duration,
}

/// Contenders that take turns. Each repeats its work in a turn as often as fits in, and the turns go round in an order
/// that is drawn anew each time.
#[derive(Default)]
pub struct Race<'a>(Vec<Entry<'a>>);

struct Entry<'a> {
    /// Does the work so many times, and says how long that took.
    work: Box<dyn FnMut(u32) -> Duration + 'a>,
    most: u32,
    times: u32,
    nanoseconds: Vec<f64>,
}

/// One who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Contender(usize);

impl<'a> Race<'a> {
    /// Enters work that can be repeated as it is.
    pub fn enter<T>(&mut self, mut work: impl FnMut() -> T + 'a) -> Contender {
        self.enter_timed(u32::MAX, move |times| {
            let begun = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            begun.elapsed()
        })
    }

    /// Enters work on inputs that are made before each turn, `most` of them in one.
    pub fn enter_prepared<I, T>(
        &mut self,
        most: u32,
        mut prepare: impl FnMut(u32) -> Vec<I> + 'a,
        mut work: impl FnMut(&mut I) -> T + 'a,
    ) -> Contender {
        self.enter_timed(most, move |times| {
            let mut inputs = prepare(times);
            let begun = Instant::now();
            for input in &mut inputs {
                black_box(work(black_box(input)));
            }
            begun.elapsed()
        })
    }

    /// Enters work that times itself, at most `most` times in a turn.
    pub fn enter_timed(&mut self, most: u32, work: impl FnMut(u32) -> Duration + 'a) -> Contender {
        self.0.push(Entry {
            work: Box::new(work),
            most,
            times: 1,
            nanoseconds: Vec::new(),
        });
        Contender(self.0.len() - 1)
    }

    /// Lets all of them run.
    pub fn run(mut self, effort: Effort) -> Figures {
        for entry in &mut self.0 {
            entry.fit_into(effort.turn);
        }
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let mut random = Rng::with_seed(0);
        let warm_up = effort.turns / 20;
        for turn in 0..warm_up + effort.turns {
            random.shuffle(&mut order);
            for &place in &order {
                let entry = &mut self.0[place];
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
        Figures(self.0.into_iter().map(sorted).collect())
    }
}

impl Entry<'_> {
    /// Finds how often the work fits into a turn.
    fn fit_into(&mut self, turn: Duration) {
        while (self.work)(self.times) < turn && self.times < self.most {
            self.times = self.times.saturating_mul(2).min(self.most);
        }
    }
}

impl fmt::Debug for Race<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Race").field(&self.0.len()).finish()
    }
}

/// What the turns took, for each time that the work was done.
#[derive(Debug)]
pub struct Figures(Vec<Vec<f64>>);

impl Figures {
    /// The median of a contender's turns, in nanoseconds.
    pub fn median(&self, contender: Contender) -> f64 {
        self.quantile(contender, 0.5)
    }

    /// The ratio of two medians.
    pub fn ratio(&self, this: Contender, other: Contender) -> f64 {
        self.median(this) / self.median(other)
    }

    /// How far the middle half of the turns lies apart, as a share of the median: that of the contender where it is
    /// most.
    pub fn spread(&self) -> f64 {
        let spreads = (0..self.0.len()).map(Contender).map(|contender| {
            (self.quantile(contender, 0.75) - self.quantile(contender, 0.25))
                / self.median(contender)
        });
        spreads.fold(0.0, f64::max)
    }

    fn quantile(&self, contender: Contender, share: f64) -> f64 {
        let sorted = &self.0[contender.0];
        sorted[((sorted.len() - 1) as f64 * share) as usize]
    }
}
