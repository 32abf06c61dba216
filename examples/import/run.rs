//! Imports all lines, in batches.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use countersign::backup::Argon2Params;
use countersign::import::{ImportError, Imported};
use countersign::runtime::TokioPool;
use countersign::{Policy, SealingKey, Verifier};
use countersign_sqlx::SqliteStore;
use tokio::task::JoinHandle;

use crate::arguments::ImportArguments;
use crate::batch::{BatchWriter, refusal};
use crate::database::{Database, ISSUER, Place};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::lines::{Line, Lines};
use crate::progress::Progress;
use crate::report::Report;
use crate::row::Account;

/// The accounts of a transaction.
const BATCH: usize = 1000;
/// A batch is stored after this time, however few accounts it has: hashes of backup codes take long,
/// and a kill loses the hashes of a batch.
const BATCH_TIME: Duration = Duration::from_secs(5);

/// Imports the lines of an input. Returns the report, which may be incomplete if there is a failure
/// next to it.
pub(crate) async fn run(
    arguments: &ImportArguments,
    input: impl Read + Send + 'static,
    total: Option<u64>,
    report: &mut Report,
) -> Result<(), Failure> {
    let importer = Importer::open(arguments).await?;
    let most = importer.writer.verifier.policy().max_authenticators();
    let lines = Lines::read(input, most.into());
    let progress = Progress::new(total);
    let outcome = importer.run(lines, report, &progress).await;
    progress.end();
    importer.writer.close().await;
    outcome
}

/// The size of an input that is a file.
#[cfg(unix)]
pub(crate) fn size(input: &impl std::os::fd::AsFd) -> Option<u64> {
    let file = File::from(input.as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

#[cfg(not(unix))]
pub(crate) fn size<T>(_: &T) -> Option<u64> {
    None
}

struct Importer {
    writer: BatchWriter,
    /// How many accounts have their backup codes hashed at the same time. A dry run hashes none
    /// before the batch, because its hashes cost nothing.
    hashes_at_once: Option<NonZeroUsize>,
}

/// A line whose backup codes are hashed.
struct Ready {
    line: Line,
    prepared: Result<(), ImportError>,
}

#[expect(clippy::large_enum_variant, reason = "few of them wait")]
enum Waiting {
    Ready(Ready),
    Hashing(JoinHandle<Ready>),
}

impl Importer {
    async fn open(arguments: &ImportArguments) -> Result<Self, Failure> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let place = Place {
            db: &arguments.db,
            key: &arguments.key,
        };
        let policy = Policy::builder().imported_secret_bits(arguments.min_bits);
        if !arguments.dry_run {
            let database = Database::open_or_create(place).await?;
            return Ok(Self {
                writer: BatchWriter {
                    verifier: verifier(&database, policy.build()?, cores)?,
                    database,
                    existing: None,
                },
                hashes_at_once: Some(cores),
            });
        }
        let policy = policy.code_hash(Argon2Params::new(8, 1, 1)?).build()?;
        let existing = Database::open_read_only(place).await?;
        let key = match &existing {
            Some(existing) => SealingKey::from_bytes(existing.key.expose()),
            None => SealingKey::generate()?,
        };
        let temporary = Database::temporary(key).await?;
        Ok(Self {
            writer: BatchWriter {
                verifier: verifier(&temporary, policy, cores)?,
                database: temporary,
                existing,
            },
            hashes_at_once: None,
        })
    }

    async fn run(
        &self,
        mut lines: Lines,
        report: &mut Report,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let mut waiting = VecDeque::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut began = Instant::now();
        loop {
            let next = lines.next().await?;
            let is_end = next.is_none();
            waiting.extend(next.map(|line| self.hash(line)));
            let most = match is_end {
                true => 0,
                false => self
                    .hashes_at_once
                    .map_or(0, |cores| cores.get().saturating_mul(2)),
            };
            while waiting.len() > most
                && let Some(first) = waiting.pop_front()
            {
                if batch.is_empty() {
                    began = Instant::now();
                }
                batch.push(match first {
                    Waiting::Ready(ready) => ready,
                    Waiting::Hashing(task) => task.await?,
                });
                if batch.len() == BATCH || began.elapsed() >= BATCH_TIME {
                    self.write(&mut batch, report, progress).await?;
                }
            }
            if is_end {
                return self.write(&mut batch, report, progress).await;
            }
        }
    }

    /// Hashes the backup codes of a line, on the threads of the pool.
    fn hash(&self, line: Line) -> Waiting {
        let has_plain_codes = matches!(&line.content, Ok(account) if account.has_plain_codes);
        if self.hashes_at_once.is_none() || !has_plain_codes {
            let prepared = Ok(());
            return Waiting::Ready(Ready { line, prepared });
        }
        let verifier = self.writer.verifier.clone();
        Waiting::Hashing(tokio::spawn(async move {
            let mut line = line;
            let mut prepared = Ok(());
            if let Ok(account) = &mut line.content {
                let import = account.import.clone();
                match verifier.prepare_import(&account.id, import).await {
                    Ok(import) => account.import = import,
                    Err(error) => prepared = Err(error),
                }
            }
            Ready { line, prepared }
        }))
    }

    /// Stores a batch, and adds its answers to the report.
    async fn write(
        &self,
        batch: &mut Vec<Ready>,
        report: &mut Report,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let (lines, bytes) = (last.line.number, last.line.bytes);
        let mut answers = Vec::with_capacity(batch.len());
        // Taken apart first, so that a failed batch leaves nothing in the report.
        let mut accounts: Vec<&Account> = Vec::with_capacity(batch.len());
        for ready in batch.iter_mut() {
            let prepared = std::mem::replace(&mut ready.prepared, Ok(()));
            answers.push(match (&ready.line.content, prepared) {
                (Ok(account), Ok(())) => {
                    accounts.push(account);
                    None
                }
                (Ok(account), Err(error)) => Some(Err(refusal(account, error)?)),
                (Err(_), _) => None,
            });
        }
        let mut written = self.writer.write(accounts.into_iter()).await?.into_iter();
        for (ready, answer) in batch.drain(..).zip(answers) {
            let line = ready.line;
            match line.content {
                Ok(account) => {
                    let answer = answer.or_else(|| written.next());
                    let missing = || Failure::new("a batch has too few answers");
                    let answer: Result<Imported, Fault> = answer.ok_or_else(missing)?;
                    report.add(line.number, Some(account.id.as_str()), &answer)?;
                }
                Err(unreadable) => {
                    let account = unreadable.account.as_ref().map(|id| id.as_str());
                    report.add(line.number, account, &Err(unreadable.fault))?;
                }
            }
        }
        progress.set(lines, bytes);
        Ok(())
    }
}

fn verifier(
    database: &Database,
    policy: Policy,
    cores: NonZeroUsize,
) -> Result<Verifier<SqliteStore>, Failure> {
    let (store, keyring) = (database.store.clone(), database.keyring());
    Ok(Verifier::builder(store, keyring, ISSUER)
        .policy(policy)
        .hash_executor(TokioPool::new(cores))
        .build()?)
}
