use std::time::{Duration, Instant};

use super::Error;
use super::machine::cpu_time;

/// What one client does again and again.
pub(super) trait Job: Send + 'static {
    /// Does it once. An error ends the benchmark.
    fn once(&mut self) -> impl Future<Output = Result<Attempt, Error>> + Send;
}

/// How it went.
pub(super) enum Attempt {
    /// It is done and on record.
    Done,
    /// Another client was first, and nothing was done.
    Overtaken,
}

/// What clients did in their turns.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) done: u64,
    pub(super) overtaken: u64,
    pub(super) took: Duration,
    /// Of this process.
    pub(super) cpu: Duration,
    /// Of what was done, in no order.
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

    /// Processor time for one, in microseconds.
    pub(super) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.done as f64
    }

    /// How often others were first for one that was done.
    pub(super) fn overtaken_each(&self) -> f64 {
        self.overtaken as f64 / self.done as f64
    }

    /// The latency that this share of them does not exceed.
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

/// Lets every client do its job, all at once, until the time is over and what they had begun is done.
pub(super) async fn turn<J: Job>(jobs: Vec<J>, length: Duration) -> Result<(Vec<J>, Work), Error> {
    let cpu = cpu_time()?;
    let begun = Instant::now();
    let clients: Vec<_> = jobs
        .into_iter()
        .map(|job| tokio::spawn(client(job, begun, length)))
        .collect();
    let (mut jobs, mut all) = (Vec::new(), Work::default());
    for client in clients {
        let (job, work) = client.await??;
        jobs.push(job);
        all.add(work);
    }
    all.took = begun.elapsed();
    all.cpu = cpu_time()?.saturating_sub(cpu);
    Ok((jobs, all))
}

async fn client<J: Job>(mut job: J, begun: Instant, length: Duration) -> Result<(J, Work), Error> {
    let mut work = Work::default();
    let mut before = begun.elapsed();
    while before < length {
        let attempt = job.once().await?;
        let after = begun.elapsed();
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
