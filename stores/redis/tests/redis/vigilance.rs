//! The vigilance of several processes.

use countersign::Timestamp;
use countersign::vigilance::{DayStatus, MemoryVigilance, Observation, Vigilance};
use countersign_redis::{Cursor, Error, RedisStore, RedisVigilance};
use countersign_store_testing::{Fault, Proxy};

use crate::support::*;

const DAY: u64 = 86_400;

fn at(day: u64, seconds: u64) -> Timestamp {
    Timestamp::from_unix((20_000 + day) * DAY + seconds)
}

/// Two processes of one service.
fn processes(url: &str, prefix: &str) -> [RedisVigilance; 2] {
    [(); 2].map(|()| {
        let store = RedisStore::new(client(url)).with_prefix(prefix).unwrap();
        store.with_timeout(PATIENT).vigilance()
    })
}

async fn status(vigilance: &impl Vigilance<Error = Error>, now: Timestamp) -> DayStatus {
    vigilance.observe(Observation::None, now).await.unwrap()
}

async fn wrong(vigilance: &impl Vigilance<Error = Error>, id: u32, now: Timestamp) -> DayStatus {
    let account = &account(id);
    let observation = Observation::WrongCode { account };
    vigilance.observe(observation, now).await.unwrap()
}

async fn accepted(vigilance: &impl Vigilance<Error = Error>, id: u32, now: Timestamp) -> DayStatus {
    let account = &account(id);
    let observation = Observation::AcceptedAfterWrongCode { account };
    vigilance.observe(observation, now).await.unwrap()
}

#[tokio::test]
async fn processes_share_the_counts() {
    let [a, b] = processes(&shared!(SINGLE).url(), "shared-counts:");
    assert_eq!(wrong(&a, 1, at(0, 0)).await.accounts, 1);
    assert_eq!(wrong(&b, 1, at(0, 1)).await.accounts, 1);
    assert_eq!(wrong(&b, 2, at(0, 2)).await.accounts, 2);
    assert_eq!(accepted(&a, 2, at(0, 601)).await.accounts, 1);
    assert_eq!(accepted(&a, 1, at(0, 601)).await.accounts, 1, "too late");
    assert_eq!(status(&b, at(1, 0)).await.accounts, 0);
    assert_eq!(wrong(&a, 1, at(1, 1)).await.accounts, 1);
    assert_eq!(wrong(&b, 1, at(1, 1)).await.accounts, 1);
}

#[tokio::test]
async fn a_cluster_counts_too() {
    let vigilance = in_cluster(shared!(CLUSTER)).vigilance();
    for id in 0..30 {
        wrong(&vigilance, id, at(0, 0)).await;
    }
    assert_eq!(status(&vigilance, at(0, 600)).await.accounts, 30);
    assert_eq!(status(&vigilance, at(1, 0)).await.accounts, 0);
}

#[tokio::test]
async fn redis_and_memory_agree() {
    let processes = processes(&shared!(SINGLE).url(), "agree:");
    let memory = MemoryVigilance::new();
    let (mut now, mut number) = (at(0, 0), 1_u64);
    let mut alarms = 0;
    for round in 0..4000 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = number >> 33;
        now = now.saturating_add(random % 700);
        // At first only a few accounts, so that the others raise an alarm later.
        let others = if round < 2500 { 9 } else { 97 };
        let account = &account(u32::try_from(random % others).unwrap());
        let observation = match random % 5 {
            0 => Observation::None,
            1 => Observation::AcceptedAfterWrongCode { account },
            _ => Observation::WrongCode { account },
        };
        let vigilance = &processes[usize::from(random % 2 == 0)];
        let answer = vigilance.observe(observation, now).await.unwrap();
        let expected = memory.observe(observation, now).await.unwrap();
        assert_eq!(answer, expected, "{observation:?} at {now}");
        alarms += u32::from(answer.is_alarm());
    }
    assert!(now > at(15, 0) && alarms > 0, "{now}, {alarms}");
}

#[tokio::test]
async fn a_lost_answer_counts_once() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let [direct, _] = processes(&server.url(), "lost-answer:");
    let [behind, _] = processes(&server.url_at(proxy.address()), "lost-answer:");
    // The server knows the scripts from now on.
    wrong(&direct, 1, at(0, 0)).await;
    wrong(&behind, 2, at(0, 0)).await;
    for fault in [Fault::DropReply, Fault::DropRequest, Fault::Reset] {
        proxy.inject(observe_script(), fault);
        let answer = wrong(&behind, 3, at(0, 1)).await;
        assert_eq!(answer.accounts, 3, "{fault:?}");
    }
    assert_eq!(proxy.injected(), 3);
    proxy.inject_always(Fault::DropReply);
    let account = &account(4);
    let observation = Observation::WrongCode { account };
    assert!(behind.observe(observation, at(0, 2)).await.is_err());
    assert_eq!(wrong(&direct, 4, at(0, 3)).await.accounts, 4);
}

#[tokio::test]
async fn a_lost_answer_closes_a_day_once() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let [direct, _] = processes(&server.url(), "lost-day:");
    let [behind, _] = processes(&server.url_at(proxy.address()), "lost-day:");
    for day in 0..9 {
        wrong(&direct, 1, at(day, 0)).await;
        proxy.inject(new_day_script(), Fault::DropReply);
        assert_eq!(status(&behind, at(day + 1, 0)).await.accounts, 0);
    }
    let history: String = run(&server.url(), "GET lost-day:{vigilance}:history").await;
    let days = ["1"; 9].join(" ");
    assert_eq!(history, format!("1 20008 6633 {days}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_close_a_day_once() {
    let url = shared!(SINGLE).url();
    let [first, _] = processes(&url, "new-day:");
    for id in 0..40 {
        wrong(&first, id, at(0, 5)).await;
    }
    let tasks: Vec<_> = (0..40)
        .map(|id| {
            let [vigilance, _] = processes(&url, "new-day:");
            tokio::spawn(async move { wrong(&vigilance, id % 20, at(1, 0)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(status(&first, at(1, 1)).await.accounts, 20);
    let history: String = run(&url, "GET new-day:{vigilance}:history").await;
    assert_eq!(history, "1 20000 - 40");
}

#[tokio::test]
async fn no_account_is_kept_and_keys_end_with_the_day() {
    let url = shared!(SINGLE).url();
    let [vigilance, _] = processes(&url, "no-ids:");
    let tags = || run::<Vec<Vec<u8>>>(&url, "ZRANGE no-ids:{vigilance}:accounts 0 -1");
    let key = || run::<Vec<u8>>(&url, "HGET no-ids:{vigilance}:day key");
    wrong(&vigilance, 1, at(0, 0)).await;
    let (first_tags, first_key) = (tags().await, key().await);
    assert_eq!((first_tags.len(), first_tags[0].len()), (1, 16));
    wrong(&vigilance, 1, at(1, 0)).await;
    let (second_tags, second_key) = (tags().await, key().await);
    assert_eq!(second_tags.len(), 1);
    assert_ne!(first_tags, second_tags);
    assert_ne!(first_key, second_key);
    for name in ["accounts", "day"] {
        let ttl: i64 = run(&url, &format!("TTL no-ids:{{vigilance}}:{name}")).await;
        assert!((1..=172_800).contains(&ttl), "{name}: {ttl}");
    }
}

#[tokio::test]
async fn a_listing_shows_no_key_of_the_vigilance() {
    let url = shared!(SINGLE).url();
    let store = store(&url);
    wrong(&store.vigilance(), 1, at(0, 0)).await;
    create(&store, &account(7)).await;
    let mut cursor = Some(Cursor::default());
    let mut found = Vec::new();
    while let Some(at) = cursor {
        let page = store.accounts(at).await.unwrap();
        found.extend(page.accounts);
        cursor = page.next;
    }
    assert_eq!(found, [account(7)]);
}

#[tokio::test]
async fn a_damaged_history_is_an_error() {
    let url = shared!(SINGLE).url();
    let [vigilance, _] = processes(&url, "damaged:");
    wrong(&vigilance, 1, at(0, 0)).await;
    let _: String = run(&url, "SET damaged:{vigilance}:history x").await;
    let error = vigilance.observe(Observation::None, at(0, 1)).await;
    assert!(matches!(error, Err(Error::CorruptKey { .. })), "{error:?}");
}
