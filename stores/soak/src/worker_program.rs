//! The program `soak-worker`: a client process of a test.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::client::Client;
use crate::journal::Journal;
use crate::service::Service;
use crate::users::TestUsers;
use crate::{SeededRandom, SharedClock, connect, race_round};

/// Runs the program with these arguments:
///
/// - `load URL DIRECTORY NAME TASKS SEED`: logs in until its input ends
/// - `race URL DIRECTORY TASKS`: runs the rounds of a race, as its input says
pub fn main(arguments: impl Iterator<Item = String>) {
    let arguments: Vec<_> = arguments.collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    match arguments[..] {
        ["load", url, directory, name, tasks, seed] => {
            let (tasks, seed) = (tasks.parse().unwrap(), seed.parse().unwrap());
            runtime.block_on(load(url, directory, name, tasks, seed));
        }
        ["race", url, directory, tasks] => {
            runtime.block_on(race_round::run(
                url,
                Path::new(directory),
                tasks.parse().unwrap(),
            ));
        }
        _ => panic!("{arguments:?}"),
    }
}

async fn load(url: &str, directory: &str, name: &str, tasks: u32, seed: u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    thread::spawn(move || {
        _ = io::stdin().read_to_end(&mut Vec::new());
        stopped.store(true, Ordering::SeqCst);
    });
    let directory = Arc::new(PathBuf::from(directory));
    let users = Arc::new(TestUsers::read(&directory));
    let clocks = Arc::new(SharedClock::open(&directory).unwrap());
    let journal = Arc::new(Journal::open(&directory, name).unwrap());
    let store = connect::connect(url, tasks).await;
    let mut random = SeededRandom::new(seed);
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let stop = Arc::clone(&stop);
            let mut client = Client {
                service: Service::new(store.clone()),
                directory: Arc::clone(&directory),
                users: Arc::clone(&users),
                clocks: Arc::clone(&clocks),
                journal: Arc::clone(&journal),
                random: SeededRandom::new(random.below(u64::MAX)),
            };
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    client.attempt().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
