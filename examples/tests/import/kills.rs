//! Runs that are killed, and large runs.

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use countersign::testing::ManualClock;
use countersign::{AccountId, KeyId, Keyring, SealingKey, Status, Timestamp, Verifier};
use countersign_sqlx::SqliteStore;
use serde_json::json;
use sqlx::sqlite::SqlitePool;

use crate::{Directory, NOW, lines, passcode, report, run};

const ACCOUNTS: u32 = 2500;
/// The accounts that also have backup codes in clear text.
const WITH_CODES: u32 = 4;

fn rows() -> String {
    let mut rows = lines(0..ACCOUNTS);
    for number in ACCOUNTS..ACCOUNTS + WITH_CODES {
        let line = crate::line(number);
        let codes = json!({
            "alphabet": "0123456789abcdef",
            "length": 12,
            "issued_at": 1_650_000_000,
            "codes": [{"code": "0123-4567-89ab"}, {"code": "ffff-4567-89ab", "used_at": 5}],
        });
        rows.push_str(line.trim_end().trim_end_matches('}'));
        rows.push_str(&format!(",\"backup_codes\":{codes}}}\n"));
    }
    rows
}

/// What users and staff see of all accounts, before and after a sign-in with the phone.
async fn accounts(directory: &Directory) -> Vec<String> {
    let options = SqliteStore::connect_options(directory.db());
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    let key = std::fs::read(directory.key()).unwrap();
    let key = SealingKey::from_bytes(key.as_slice().try_into().unwrap());
    let keyring = Keyring::new(KeyId::new(1), key);
    let verifier = Verifier::builder(store.clone(), keyring, "Example")
        .clock(ManualClock::at(Timestamp::from_unix(NOW)))
        .build()
        .unwrap();
    let mut seen = Vec::new();
    for number in 0..ACCOUNTS + WITH_CODES {
        let account = AccountId::from(number);
        seen.push(status(verifier.status(&account).await.unwrap()));
        let code = passcode(number, NOW);
        let receipt = verifier.verify(&account, &code).await.unwrap();
        assert_eq!(receipt.account(), &account);
        assert!(verifier.verify(&account, &code).await.is_err());
        seen.push(status(verifier.status(&account).await.unwrap()));
    }
    for number in ACCOUNTS..ACCOUNTS + WITH_CODES {
        let account = AccountId::from(number);
        for (code, is_accepted) in [("ffff456789ab", false), ("0123456789ab", true)] {
            let answer = verifier.verify(&account, code).await;
            assert_eq!(answer.is_ok(), is_accepted, "{answer:?}");
        }
    }
    let count = store
        .accounts_after(None, ACCOUNTS + 100)
        .await
        .unwrap()
        .len();
    assert_eq!(count, seen.len() / 2);
    pool.close().await;
    seen
}

/// A status without the ids, which are random.
fn status(status: Status) -> String {
    let Status::Enabled(enabled) = status else {
        panic!("{status:?}");
    };
    let mut text = format!("{:?} {:?}", enabled.backup_codes, enabled.rate_limit);
    for one in &enabled.authenticators {
        assert!(one.imported);
        text.push_str(&format!(
            " {} {:?} {:?} {} {} {:?} {:?}",
            one.name,
            one.kind,
            one.algorithm,
            one.digits,
            one.secret_bits,
            one.added_at,
            one.last_used_at
        ));
    }
    text
}

#[tokio::test]
async fn killed_runs_import_the_same_accounts() {
    let rows = rows();
    let whole = Directory::new();
    let start = Instant::now();
    let output = whole.import(&rows);
    let longest = start.elapsed();
    assert_eq!(
        (output.status, output.report),
        (0, report((ACCOUNTS + WITH_CODES).into(), 0))
    );
    let expected = accounts(&whole).await;

    let mut random = fastrand::Rng::with_seed(13);
    let mut partial = 0;
    for series in 0..5 {
        let killed = Directory::new();
        for _ in 0..6 {
            let mut child = killed.command(&rows).spawn().unwrap();
            sleep(longest.mul_f64(random.f64().powi(2)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let output = killed.import(&rows);
        assert_eq!(output.status, 0, "{}", output.all);
        let (imported, already) = (&output.report["imported"], &output.report["already"]);
        let count = imported.as_u64().unwrap() + already.as_u64().unwrap();
        assert_eq!(count, u64::from(ACCOUNTS + WITH_CODES));
        partial += u32::from(imported != 0 && already != 0);
        assert!(accounts(&killed).await == expected, "series {series}");
    }
    eprintln!("{partial} of 5 series ended with a run that found a part of the accounts");
}

/// The most memory that a process had, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> Option<u64> {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let directory = Directory::new();
    // Every third line is refused: the list of refused lines takes no memory either.
    let mut rows = String::new();
    for number in 0..100_000 {
        rows.push_str(&crate::line(number));
        if number % 3 == 0 {
            rows.push_str("{\"account\":\"refused\",\"uri\":\"\"}\n");
        }
    }
    let mut child = directory
        .command(&rows)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(rows);
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_memory(child.id()).unwrap_or_default().max(peak);
        sleep(Duration::from_millis(50));
    }
    assert!(peak > 0);
    assert!(peak < 64 * 1024, "{peak} KiB");
    let again = run(&mut directory.command(&crate::line(5)));
    assert_eq!(again.report, report(0, 1));
}
