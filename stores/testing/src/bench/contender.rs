use std::mem;

use super::clients::{Job, Work, turn};
use super::database::Error;
use super::options::Options;

/// Clients that take turns with others, and their results so far.
pub(super) struct Contender<J> {
    jobs: Vec<J>,
    pub(super) work: Work,
    /// The rate per second of each turn.
    rates: Vec<f64>,
    /// The median latency of each turn, in seconds.
    latencies: Vec<f64>,
}

impl<J: Job> Contender<J> {
    /// The first turn does not count, because it prepares the statements.
    pub(super) async fn warm(jobs: Vec<J>, options: &Options) -> Result<Self, Error> {
        let (jobs, _) = turn(jobs, options.turn()).await?;
        Ok(Self {
            jobs,
            work: Work::default(),
            rates: Vec::new(),
            latencies: Vec::new(),
        })
    }

    pub(super) async fn turn(&mut self, options: &Options) -> Result<(), Error> {
        let jobs = mem::take(&mut self.jobs);
        let (jobs, mut work) = turn(jobs, options.turn()).await?;
        self.jobs = jobs;
        self.rates.push(work.per_second());
        self.latencies.push(work.percentile(0.5).as_secs_f64());
        self.work.add(work);
        Ok(())
    }

    /// The median rate of the turns.
    pub(super) fn per_second(&self) -> f64 {
        quartile(&sorted(self.rates.clone()), 2)
    }

    /// The rate divided by the rate of `other`, for each turn, sorted.
    pub(super) fn faster_than<K>(&self, other: &Contender<K>) -> Vec<f64> {
        ratios(&self.rates, &other.rates)
    }

    /// The median latency divided by the median latency of `other`, for each turn, sorted.
    pub(super) fn slower_than<K>(&self, other: &Contender<K>) -> Vec<f64> {
        ratios(&self.latencies, &other.latencies)
    }
}

fn ratios(these: &[f64], others: &[f64]) -> Vec<f64> {
    let pairs = these.iter().zip(others);
    sorted(pairs.map(|(this, other)| this / other).collect())
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

pub(super) fn quartile(sorted: &[f64], quartile: usize) -> f64 {
    sorted[sorted.len().saturating_sub(1) * quartile / 4]
}
