use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{Resealed, Verifier};

use super::accounts::{FIRST, ISSUER, Keys, Member, OtherAccounts, Population};
use super::contender::{Contender, quartile};
use super::database::{Database, Error, REVISION, Table};
use super::jobs::{ByDriver, ByStore, ReadAndWrite, Verify};
use super::machine;
use super::options::Options;
use super::report::{Report, grouped};

/// The cost of a verification without a database: the work of the verifier, on one thread.
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

/// A table on its turns.
struct Size<V, D> {
    rows: u32,
    verify: V,
    driver: D,
    /// By how much the process grew while it verified, in bytes.
    growth: f64,
}

/// A database with its tables filled.
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
    /// The account that all clients log in to.
    shared: Arc<[Member]>,
    others: [OtherAccounts; 2],
}

impl<T: Table> Measurement<T> {
    pub(super) async fn prepare<D: Database<Table = T>>(
        database: &D,
        populations: &[Population],
    ) -> Result<Self, Error> {
        let mut tables = Vec::new();
        for population in populations {
            tables.push(Filled::new(database, population).await?);
        }
        Ok(Self { tables })
    }

    /// The size of an account.
    pub(super) fn bytes(&self, place: &str, report: &mut Report) {
        report.columns(&[
            "accounts",
            "bytes per record",
            &format!("bytes per account {place}"),
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
    }

    /// Verifications per second, compared with the store without a verifier and the driver without
    /// a store.
    pub(super) async fn rates(&self, options: &Options, report: &mut Report) -> Result<(), Error> {
        let filled = self.tables.get(1).ok_or("there is only one table")?;
        report.paragraph(&format!(
            "One read and one conditional write each, {} accounts, medians of {} turns of {:?}:",
            grouped(filled.rows.into()),
            options.rounds(),
            options.turn()
        ));
        report.columns(&[
            "accounts",
            "clients",
            "verified / driver",
            "middle half of the turns",
            "store / driver",
            "verified/s",
            "store/s",
            "driver/s",
            "p50, p99 of verified",
            "client CPU: verified, store, driver",
            "overtaken per login: verified, driver",
        ]);
        let one = filled.others.each_ref().map(OtherAccounts::one);
        for (name, others, members) in [
            ("spread", &filled.others, &filled.members),
            ("one", &one, &filled.shared),
        ] {
            for clients in CLIENTS {
                let row = filled.compare(options, others, members, clients).await?;
                let mut cells = vec![name.to_owned(), clients.to_string()];
                cells.extend(row);
                report.row(&cells);
            }
        }
        report.end();
        Ok(())
    }

    /// The latency of a verification in tables of different sizes, which take turns. The latency of
    /// the driver shows how much of the difference is the database.
    pub(super) async fn latencies(
        &self,
        options: &Options,
        report: &mut Report,
    ) -> Result<(), Error> {
        report.columns(&[
            "clients",
            "accounts",
            "p50, relative to the smallest table",
            "the same of the driver",
            "p50",
            "p99",
            "verified/s",
            "client CPU",
            "growth of the process",
        ]);
        for clients in [1, 8] {
            let mut sizes = Vec::new();
            for filled in &self.tables {
                let (members, [theirs, _]) = (&filled.members, &filled.others);
                let verify = Verify::new(&filled.table.store(), &filled.keys, members, clients)?;
                let driver = ByDriver(filled.table.clone());
                let driver = ReadAndWrite::new(&driver, theirs, filled.record_bytes, clients);
                sizes.push(Size {
                    rows: filled.rows,
                    verify: Contender::warm(verify, options).await?,
                    driver: Contender::warm(driver, options).await?,
                    growth: 0.0,
                });
            }
            for _ in 0..options.rounds() {
                for size in &mut sizes {
                    let before = machine::resident()?;
                    size.verify.turn(options).await?;
                    size.growth += machine::resident()? - before;
                    size.driver.turn(options).await?;
                }
                // Reverses the order for the next round.
                sizes.reverse();
            }
            sizes.sort_by_key(|size| size.rows);
            let smallest = &sizes[0];
            let slower: Vec<_> = sizes
                .iter()
                .map(|size| {
                    let verified = size.verify.slower_than(&smallest.verify);
                    let driven = size.driver.slower_than(&smallest.driver);
                    [verified, driven].map(|ratios| format!("{:.2}", quartile(&ratios, 2)))
                })
                .collect();
            for (size, [verified, driven]) in sizes.iter_mut().zip(slower) {
                let verify = &mut size.verify;
                report.row(&[
                    clients.to_string(),
                    grouped(size.rows.into()),
                    verified,
                    driven,
                    milliseconds(verify.work.percentile(0.5)),
                    milliseconds(verify.work.percentile(0.99)),
                    grouped(verify.per_second()),
                    format!("{:.0} µs", verify.work.cpu_each()),
                    format!("{:.0} KiB", size.growth / 1024.0),
                ]);
            }
        }
        report.end();
        Ok(())
    }

    /// The speed of a key change. After the key change, the accounts of the largest table need the
    /// new key.
    pub(super) async fn reseal(&self, report: &mut Report) -> Result<(), Error> {
        let filled = self.tables.last().ok_or("there is no table")?;
        let verifier = Verifier::builder(filled.table.store(), filled.keys.after()?, ISSUER);
        let verifier = Arc::new(verifier.build()?);
        let start = Instant::now();
        let clients: Vec<_> = (0..CONCURRENT)
            .map(|client| {
                let (verifier, members) = (Arc::clone(&verifier), Arc::clone(&filled.members));
                tokio::spawn(async move {
                    for member in members.iter().skip(client).step_by(CONCURRENT) {
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
        let rate = filled.members.len() as f64 / start.elapsed().as_secs_f64();
        report.paragraph(&format!(
            "Re-encrypted with another key: {} records per second, {CONCURRENT} at a time.",
            grouped(rate)
        ));
        Ok(())
    }
}

/// Verifications per second on two databases, which take turns.
pub(super) async fn compare<A: Table, B: Table>(
    names: [&str; 2],
    first: &Measurement<A>,
    second: &Measurement<B>,
    options: &Options,
    report: &mut Report,
) -> Result<(), Error> {
    let ([first], [second]) = (&first.tables[..], &second.tables[..]) else {
        return Err("each database has one table".into());
    };
    report.columns(&[
        "accounts",
        "clients",
        &names.join(" / "),
        "middle half of the turns",
        &format!("{}/s", names[0]),
        &format!("{}/s", names[1]),
        "client CPU",
    ]);
    for (name, shared) in [("spread", false), ("one", true)] {
        for clients in CLIENTS {
            let mut these = first.verifying(options, shared, clients).await?;
            let mut others = second.verifying(options, shared, clients).await?;
            for round in 0..options.rounds() {
                if round % 2 == 0 {
                    these.turn(options).await?;
                    others.turn(options).await?;
                } else {
                    others.turn(options).await?;
                    these.turn(options).await?;
                }
            }
            let ratios = these.faster_than(&others);
            report.row(&[
                name.to_owned(),
                clients.to_string(),
                format!("{:.2}", quartile(&ratios, 2)),
                format!("{:.2} to {:.2}", quartile(&ratios, 1), quartile(&ratios, 3)),
                grouped(these.per_second()),
                grouped(others.per_second()),
                format!(
                    "{:.0}, {:.0} µs",
                    these.work.cpu_each(),
                    others.work.cpu_each()
                ),
            ]);
        }
    }
    report.end();
    Ok(())
}

impl<T: Table> Filled<T> {
    async fn verifying(
        &self,
        options: &Options,
        shared: bool,
        clients: usize,
    ) -> Result<Contender<Verify<T::Store>>, Error> {
        let members = if shared { &self.shared } else { &self.members };
        let verify = Verify::new(&self.table.store(), &self.keys, members, clients)?;
        Contender::warm(verify, options).await
    }

    async fn new<D: Database<Table = T>>(
        database: &D,
        population: &Population,
    ) -> Result<Self, Error> {
        let start = Instant::now();
        let table = database.table(population.rows, population.record()).await?;
        let (fill, bytes) = (start.elapsed(), table.bytes().await?);
        let mut members = Vec::new();
        let mut writes = Vec::new();
        for (member, stored) in population.members() {
            let (store, id, stored) = (table.store(), member.id.clone(), stored.clone());
            members.push(member);
            writes.push(async move {
                let summary = Summary::new(true, 10, FIRST);
                let expected = Some(Revision::from_i64(REVISION)?);
                let (record, kind) = (&stored.record, WriteKind::Enrolled);
                let write = ConditionalWrite::put(expected, stored.revision, record, kind, summary);
                match store
                    .compare_and_swap(&id, write)
                    .await
                    .map_err(Into::into)?
                {
                    WriteResult::Done => Ok::<(), Error>(()),
                    WriteResult::Stale => Err(format!("{id} is not in the table").into()),
                }
            });
        }
        in_parallel(writes).await?;
        let shared = members.pop().ok_or("no account is enrolled")?;
        Ok(Self {
            table,
            rows: population.rows,
            keys: population.keys.clone(),
            record_bytes: population.record().len(),
            bytes,
            fill,
            members: members.into(),
            shared: Arc::from([shared]),
            others: population.others(),
        })
    }

    async fn compare(
        &self,
        options: &Options,
        others: &[OtherAccounts; 2],
        members: &Arc<[Member]>,
        clients: usize,
    ) -> Result<Vec<String>, Error> {
        let store = self.table.store();
        let [theirs, ours] = others;
        let bytes = self.record_bytes;
        let driver = ReadAndWrite::new(&ByDriver(self.table.clone()), theirs, bytes, clients);
        let alone = ReadAndWrite::new(&ByStore(store.clone()), ours, bytes, clients);
        let verify = Verify::new(&store, &self.keys, members, clients)?;
        let mut driver = Contender::warm(driver, options).await?;
        let mut alone = Contender::warm(alone, options).await?;
        let mut verify = Contender::warm(verify, options).await?;
        for round in 0..options.rounds() {
            // Alternates the order, so that a change over time affects all contenders.
            if round % 2 == 0 {
                driver.turn(options).await?;
                alone.turn(options).await?;
                verify.turn(options).await?;
            } else {
                verify.turn(options).await?;
                alone.turn(options).await?;
                driver.turn(options).await?;
            }
        }
        if members.len() > 1 && verify.work.overtaken + driver.work.overtaken > 0 {
            return Err("two clients used an account of one of them".into());
        }
        let ratios = verify.faster_than(&driver);
        let overtaken = format!(
            "{:.1}, {:.1}",
            verify.work.overtaken_each(),
            driver.work.overtaken_each()
        );
        let cpu = format!(
            "{:.0}, {:.0}, {:.0} µs",
            verify.work.cpu_each(),
            alone.work.cpu_each(),
            driver.work.cpu_each()
        );
        let latency = [0.5, 0.99].map(|share| milliseconds(verify.work.percentile(share)));
        Ok(vec![
            format!("{:.2}", quartile(&ratios, 2)),
            format!("{:.2} to {:.2}", quartile(&ratios, 1), quartile(&ratios, 3)),
            format!("{:.2}", quartile(&alone.faster_than(&driver), 2)),
            grouped(verify.per_second()),
            grouped(alone.per_second()),
            grouped(driver.per_second()),
            latency.join(", "),
            cpu,
            overtaken,
        ])
    }
}

/// Runs all futures, `CONCURRENT` at a time.
async fn in_parallel<F>(all: Vec<F>) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut lanes: Vec<Vec<F>> = (0..CONCURRENT).map(|_| Vec::new()).collect();
    for (place, one) in all.into_iter().enumerate() {
        lanes[place % CONCURRENT].push(one);
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

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

const CLIENTS: [usize; 3] = [1, 8, 64];
const CONCURRENT: usize = 16;
