use std::time::{Duration, Instant};

use super::database::Error;
use super::machine::cpu_time;

/// The work that a client repeats.
pub(super) trait Job: Send + 'static {
    /// Does the work once. An error ends the benchmark.
    fn once(&mut self) -> impl Future<Output = Result<Attempt, Error>> + Send;
}

/// The result of one piece of work.
pub(super) enum Attempt {
    /// The work is done and stored.
    Done,
    /// Another client was first, and nothing was written.
    Overtaken,
}

/// The results of clients in their turns.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) done: u64,
    pub(super) overtaken: u64,
    pub(super) took: Duration,
    /// The processor time of this process.
    pub(super) cpu: Duration,
    /// The latencies of finished work, unsorted.
    pub(super) latencies: Vec<Duration>,
}

impl Work {
    pub(super) fn add(&mut self, other: Self) {
        self.done += other.done;
        self.overtaken += other.overtaken;
        self.took += other.took;
        self.cpu += other.cpu;
        self.latencies.extend(other.latencies);
    }

    pub(super) fn per_second(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }

    /// The processor time per piece of work, in microseconds.
    pub(super) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.done as f64
    }

    /// How often another client was first, per finished piece of work.
    pub(super) fn overtaken_each(&self) -> f64 {
        self.overtaken as f64 / self.done as f64
    }

    /// The latency that this share of the work does not exceed.
    pub(super) fn percentile(&mut self, share: f64) -> Duration {
        self.latencies.sort_unstable();
        let place = (self.latencies.len() as f64 * share) as usize;
        let last = self.latencies.len().saturating_sub(1);
        self.latencies
            .get(place.min(last))
            .copied()
            .unwrap_or_default()
    }
}

/// Runs all clients concurrently until the time is over, and lets them finish the work that they
/// have begun.
pub(super) async fn turn<J: Job>(jobs: Vec<J>, length: Duration) -> Result<(Vec<J>, Work), Error> {
    let cpu = cpu_time()?;
    let start = Instant::now();
    let clients: Vec<_> = jobs
        .into_iter()
        .map(|job| tokio::spawn(client(job, start, length)))
        .collect();
    let (mut jobs, mut all) = (Vec::new(), Work::default());
    for client in clients {
        let (job, work) = client.await??;
        jobs.push(job);
        all.add(work);
    }
    all.took = start.elapsed();
    all.cpu = cpu_time()?.saturating_sub(cpu);
    Ok((jobs, all))
}

async fn client<J: Job>(mut job: J, start: Instant, length: Duration) -> Result<(J, Work), Error> {
    let mut work = Work::default();
    let mut before = start.elapsed();
    while before < length {
        let attempt = job.once().await?;
        let after = start.elapsed();
        match attempt {
            Attempt::Done => {
                work.done += 1;
                work.latencies.push(after - before);
            }
            Attempt::Overtaken => work.overtaken += 1,
        }
        before = after;
    }
    Ok((job, work))
}
