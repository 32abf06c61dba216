use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::{
    AccountId, Resealed, Revision, Store, Summary, Swap, SwapKind, Swapped, Verifier,
};

use super::accounts::{FIRST, ISSUER, Keys, Member, Population};
use super::clients::{Job, Work, turn};
use super::jobs::{Alone, Bare, Verify};
use super::options::Options;
use super::report::{Report, grouped};
use super::{Engine, Error, REVISION, Table};

/// What a verification costs without a database: the verifier's own work, on one thread.
pub(super) async fn own_work(
    population: &Population,
    options: &Options,
    report: &mut Report,
) -> Result<(), Error> {
    let store = population.store();
    let members: Vec<_> = population.members().map(|(member, _)| member).collect();
    let verify = Verify::new(&store, &population.keys, &members.into(), 1)?;
    let mut verify = Contender::warm(verify, options).await?;
    verify.turn(options).await?;
    report.paragraph(&format!(
        "Without a database (`MemoryStore`), a verification takes {:.1} µs of processor time.",
        verify.work.cpu_each()
    ));
    Ok(())
}

/// An engine with its tables filled.
pub(super) struct Measurement<T> {
    tables: Vec<Filled<T>>,
}

/// A table with its accounts.
struct Filled<T> {
    table: T,
    rows: u32,
    keys: Keys,
    record_bytes: usize,
    bytes: u64,
    fill: Duration,
    members: Arc<[Member]>,
    /// The one that all clients log in to.
    hot: Arc<[Member]>,
    strangers: [Arc<[AccountId]>; 2],
}

impl<T: Table> Measurement<T> {
    pub(super) async fn prepare<E: Engine<Table = T>>(
        engine: &E,
        populations: &[Population],
    ) -> Result<Self, Error> {
        let mut tables = Vec::new();
        for population in populations {
            tables.push(Filled::new(engine, population).await?);
        }
        Ok(Self { tables })
    }

    /// What an account takes on the disk.
    pub(super) async fn bytes(&self, report: &mut Report) -> Result<(), Error> {
        report.columns(&[
            "accounts",
            "bytes of a record",
            "bytes an account on disk",
            "filled in",
        ]);
        for filled in &self.tables {
            report.row(&[
                grouped(filled.rows.into()),
                filled.record_bytes.to_string(),
                grouped(filled.bytes as f64 / f64::from(filled.rows)),
                format!("{:.1} s", filled.fill.as_secs_f64()),
            ]);
        }
        report.end();
        Ok(())
    }

    /// Verifications a second, beside the store without a verifier and the driver without a store.
    pub(super) async fn rates(&self, options: &Options, report: &mut Report) -> Result<(), Error> {
        let filled = self.tables.get(1).ok_or("there is one table")?;
        report.paragraph(&format!(
            "Each a read and a conditional write, {} accounts, {} turns of {:?} each:",
            grouped(filled.rows.into()),
            options.rounds(),
            options.turn()
        ));
        report.columns(&[
            "accounts",
            "clients",
            "driver/s",
            "store/s",
            "verified/s",
            "verified to driver",
            "half of the turns",
            "client CPU: driver, store, verified",
            "overtaken",
        ]);
        let one = filled
            .strangers
            .each_ref()
            .map(|set| Arc::from([set[0].clone()]));
        for (name, strangers, members) in [
            ("spread", &filled.strangers, &filled.members),
            ("one", &one, &filled.hot),
        ] {
            for clients in CLIENTS {
                let row = filled.compare(options, strangers, members, clients).await?;
                let mut cells = vec![name.to_owned(), clients.to_string()];
                cells.extend(row);
                report.row(&cells);
            }
        }
        report.end();
        Ok(())
    }

    /// How long a verification takes in tables of different sizes, which take turns.
    pub(super) async fn latencies(
        &self,
        options: &Options,
        report: &mut Report,
    ) -> Result<(), Error> {
        report.columns(&[
            "clients",
            "accounts",
            "verified/s",
            "p50",
            "p99",
            "p50 to that of the smallest",
        ]);
        for clients in [1, 8] {
            let mut jobs = Vec::new();
            for filled in &self.tables {
                let members = &filled.members;
                let verify = Verify::new(&filled.table.store(), &filled.keys, members, clients)?;
                jobs.push((filled, Contender::warm(verify, options).await?));
            }
            for _ in 0..options.rounds() {
                for (_, contender) in &mut jobs {
                    contender.turn(options).await?;
                }
            }
            let mut smallest = None;
            for (filled, contender) in &mut jobs {
                let work = &mut contender.work;
                let p50 = work.percentile(0.5);
                let smallest = *smallest.get_or_insert(p50);
                report.row(&[
                    clients.to_string(),
                    grouped(filled.rows.into()),
                    grouped(work.per_second()),
                    milliseconds(p50),
                    milliseconds(work.percentile(0.99)),
                    format!("{:.2}", p50.as_secs_f64() / smallest.as_secs_f64()),
                ]);
            }
        }
        report.end();
        Ok(())
    }

    /// How fast a service changes its key. Ends the life of the largest table: its accounts need the new key.
    pub(super) async fn reseal(&self, report: &mut Report) -> Result<(), Error> {
        let filled = self.tables.last().ok_or("there is no table")?;
        let verifier = Verifier::builder(filled.table.store(), filled.keys.after()?, ISSUER);
        let verifier = Arc::new(verifier.build()?);
        let begun = Instant::now();
        let clients: Vec<_> = (0..RESEALERS)
            .map(|client| {
                let (verifier, members) = (Arc::clone(&verifier), Arc::clone(&filled.members));
                tokio::spawn(async move {
                    for member in members.iter().skip(client).step_by(RESEALERS) {
                        match verifier.reseal(&member.id).await? {
                            Resealed::Changed => {}
                            other => return Err(format!("not resealed: {other:?}").into()),
                        }
                    }
                    Ok::<(), Error>(())
                })
            })
            .collect();
        for client in clients {
            client.await??;
        }
        let rate = filled.members.len() as f64 / begun.elapsed().as_secs_f64();
        report.paragraph(&format!(
            "Sealed under another key: {} records a second, {RESEALERS} at once.",
            grouped(rate)
        ));
        Ok(())
    }
}

impl<T: Table> Filled<T> {
    async fn new<E: Engine<Table = T>>(engine: &E, population: &Population) -> Result<Self, Error> {
        let begun = Instant::now();
        let table = engine.table(population.rows, population.record()).await?;
        let (fill, bytes) = (begun.elapsed(), table.bytes().await?);
        let mut members = Vec::new();
        let mut writes = Vec::new();
        for (member, stored) in population.members() {
            let (store, id, stored) = (table.store(), member.id.clone(), stored.clone());
            members.push(member);
            writes.push(async move {
                let summary = Summary::new(true, 10, FIRST);
                let expected = Some(Revision::from_i64(REVISION)?);
                let (record, kind) = (&stored.record, SwapKind::Enrolled);
                let swap = Swap::write(expected, stored.revision, record, kind, summary);
                match store
                    .compare_and_swap(&id, swap)
                    .await
                    .map_err(Into::into)?
                {
                    Swapped::Done => Ok::<(), Error>(()),
                    Swapped::Stale => Err(format!("{id} is not in the table").into()),
                }
            });
        }
        in_parallel(writes).await?;
        let hot = members.pop().ok_or("nobody is enrolled")?;
        Ok(Self {
            table,
            rows: population.rows,
            keys: population.keys.clone(),
            record_bytes: population.record().len(),
            bytes,
            fill,
            members: members.into(),
            hot: Arc::from([hot]),
            strangers: population.strangers(),
        })
    }

    async fn compare(
        &self,
        options: &Options,
        strangers: &[Arc<[AccountId]>; 2],
        members: &Arc<[Member]>,
        clients: usize,
    ) -> Result<Vec<String>, Error> {
        let store = self.table.store();
        let [theirs, ours] = strangers;
        let bare = Bare::new(&self.table, theirs, clients);
        let alone = Alone::new(&store, ours, clients);
        let verify = Verify::new(&store, &self.keys, members, clients)?;
        let mut bare = Contender::warm(bare, options).await?;
        let mut alone = Contender::warm(alone, options).await?;
        let mut verify = Contender::warm(verify, options).await?;
        let mut ratios = Vec::new();
        for round in 0..options.rounds() {
            // Whatever grows or shrinks meanwhile does both no harm and no good.
            let (one, other) = if round % 2 == 0 {
                let one = bare.turn(options).await?;
                alone.turn(options).await?;
                (one, verify.turn(options).await?)
            } else {
                let other = verify.turn(options).await?;
                alone.turn(options).await?;
                (bare.turn(options).await?, other)
            };
            ratios.push(other / one);
        }
        if members.len() > 1 && verify.work.overtaken + bare.work.overtaken > 0 {
            return Err("clients met on an account that only one of them has".into());
        }
        ratios.sort_unstable_by(f64::total_cmp);
        let (bare, alone, verify) = (&bare.work, &alone.work, &verify.work);
        Ok(vec![
            grouped(bare.per_second()),
            grouped(alone.per_second()),
            grouped(verify.per_second()),
            format!("{:.2}", quartile(&ratios, 2)),
            format!("{:.2} to {:.2}", quartile(&ratios, 1), quartile(&ratios, 3)),
            format!(
                "{:.0}, {:.0}, {:.0} µs",
                bare.cpu_each(),
                alone.cpu_each(),
                verify.cpu_each()
            ),
            format!(
                "{:.1} / {:.1}",
                bare.overtaken as f64 / bare.done as f64,
                verify.overtaken as f64 / verify.done as f64
            ),
        ])
    }
}

/// Clients that take turns with others, and what they have done so far.
struct Contender<J> {
    jobs: Vec<J>,
    work: Work,
}

impl<J: Job> Contender<J> {
    /// The first turn does not count: statements are prepared in it.
    async fn warm(jobs: Vec<J>, options: &Options) -> Result<Self, Error> {
        let (jobs, _) = turn(jobs, options.turn()).await?;
        Ok(Self {
            jobs,
            work: Work::default(),
        })
    }

    /// Takes a turn, and says how fast it was.
    async fn turn(&mut self, options: &Options) -> Result<f64, Error> {
        let (jobs, work) = turn(std::mem::take(&mut self.jobs), options.turn()).await?;
        self.jobs = jobs;
        let rate = work.per_second();
        self.work.add(work);
        Ok(rate)
    }
}

/// Runs them all, some at a time.
async fn in_parallel<F>(all: Vec<F>) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut lanes: Vec<Vec<F>> = (0..RESEALERS).map(|_| Vec::new()).collect();
    for (place, one) in all.into_iter().enumerate() {
        lanes[place % RESEALERS].push(one);
    }
    let lanes: Vec<_> = lanes
        .into_iter()
        .map(|lane| {
            tokio::spawn(async move {
                for one in lane {
                    one.await?;
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    for lane in lanes {
        lane.await??;
    }
    Ok(())
}

fn quartile(sorted: &[f64], quartile: usize) -> f64 {
    sorted[sorted.len().saturating_sub(1) * quartile / 4]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

const CLIENTS: [usize; 3] = [1, 8, 64];
const RESEALERS: usize = 16;
