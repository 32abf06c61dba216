//! The calls of a table of records, and the meaning of their answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fmt;

use countersign::store::{ConditionalWrite, Revision, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_sql::{
    AccountColumn, CONFLICT_RETRIES, Dialect, Error, Failure, RecordTable, Value,
};

const DIALECTS: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql];
const COLUMNS: [AccountColumn; 3] = [
    AccountColumn::Text,
    AccountColumn::BigInt,
    AccountColumn::Uuid,
];

type Answer<T> = Result<T, Error<fmt::Error>>;

fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

fn put(expected: Option<i64>) -> ConditionalWrite<'static> {
    let summary = Summary::new(true, 9, KeyId::new(u32::MAX));
    let expected = expected.map(revision);
    ConditionalWrite::put(expected, revision(8), b"new", WriteKind::Accepted, summary)
}

fn erase() -> ConditionalWrite<'static> {
    ConditionalWrite::erase(revision(7), revision(8), put(None).summary())
}

fn account_for(column: AccountColumn) -> AccountId {
    match column {
        AccountColumn::Uuid => AccountId::from_uuid_bytes([0xA1; 16]),
        _ => AccountId::from(7_u32),
    }
}

/// The number of placeholders, which must be numbered in order.
fn placeholders(dialect: Dialect, sql: &str) -> usize {
    let mark = if dialect == Dialect::Postgres {
        '$'
    } else {
        '?'
    };
    let count = sql.matches(mark).count();
    if dialect != Dialect::MySql {
        for number in 1..=count {
            assert!(sql.contains(&format!("{mark}{number}")), "{sql}");
        }
    }
    count
}

#[test]
fn each_call_has_an_argument_per_placeholder() {
    for dialect in DIALECTS {
        for column in COLUMNS {
            let table = RecordTable::new(dialect).with_account_column(column);
            let account = account_for(column);
            for call in [
                table.load(&account).unwrap(),
                table.load_in_transaction(&account).unwrap(),
                table.write(&account, put(None)).unwrap(),
                table.write(&account, put(Some(7))).unwrap(),
                table.write(&account, erase()).unwrap(),
                table.accounts_after(None, 10).unwrap(),
                table.accounts_after(Some(&account), 10).unwrap(),
                table.create_table(),
            ] {
                let marks = placeholders(dialect, call.sql());
                assert_eq!(call.arguments().len(), marks, "{call:?}");
            }
        }
    }
}

#[test]
fn a_write_passes_the_row_and_the_expected_revision() {
    let table = RecordTable::new(Dialect::Sqlite);
    let account = AccountId::new("bob").unwrap();
    let row = [
        Value::Number(8),
        Value::Bytes(b"new"),
        Value::Flag(true),
        Value::Number(9),
        Value::Number(u32::MAX.into()),
        Value::Text("bob"),
        Value::Number(7),
    ];
    let replace = table.write(&account, put(Some(7))).unwrap();
    assert_eq!(replace.arguments(), row);
    let create = table.write(&account, put(None)).unwrap();
    assert_eq!(create.arguments(), row.split_last().unwrap().1);
    let erase = table.write(&account, erase()).unwrap();
    assert_eq!(erase.arguments(), [Value::Text("bob"), Value::Number(7)]);
    for (call, verb) in [(replace, "UPDATE"), (create, "INSERT"), (erase, "DELETE")] {
        assert!(call.sql().starts_with(verb), "{call:?}");
    }
}

#[test]
fn every_statement_names_the_table() {
    for dialect in DIALECTS {
        let table = RecordTable::new(dialect)
            .with_table("second_factor")
            .unwrap();
        assert_eq!(table.name().as_str(), "second_factor");
        let account = AccountId::new("bob").unwrap();
        for sql in [
            table.load(&account).unwrap().sql(),
            table.load_in_transaction(&account).unwrap().sql(),
            table.write(&account, put(None)).unwrap().sql(),
            table.write(&account, put(Some(7))).unwrap().sql(),
            table.write(&account, erase()).unwrap().sql(),
            table.accounts_after(None, 1).unwrap().sql(),
            table.accounts_after(Some(&account), 1).unwrap().sql(),
            table.schema(),
        ] {
            assert!(sql.contains("second_factor"), "{sql}");
        }
    }
    assert!(RecordTable::new(Dialect::MySql).with_table("a`b").is_err());
}

#[test]
fn the_error_names_the_account_that_does_not_fit() {
    let table = RecordTable::new(Dialect::Postgres).with_account_column(AccountColumn::BigInt);
    let bob = AccountId::new("bob").unwrap();
    let wrong = table.load(&bob).unwrap_err();
    assert_eq!(wrong.account, bob);
    assert_eq!(wrong.column, AccountColumn::BigInt);
    let text = wrong.to_string();
    let error: Error<fmt::Error> = wrong.into();
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_load_answers_with_the_only_row() {
    let table = RecordTable::new(Dialect::Sqlite);
    let row = |revision| -> Answer<_> { Ok((b"record".to_vec(), revision)) };
    assert_eq!(table.stored(Answer::Ok(Vec::new())).unwrap(), None);
    let stored = table.stored(Ok([row(7)])).unwrap().unwrap();
    assert_eq!(
        (stored.record, stored.revision),
        (b"record".to_vec(), revision(7))
    );
    for rows in [vec![row(0)], vec![row(7), row(7)]] {
        let error = table.stored(Ok(rows)).unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
}

#[test]
fn a_load_that_waits_names_the_cluster() {
    for dialect in DIALECTS {
        let table = RecordTable::new(dialect);
        let locked = Failure::Locked.error(table.name(), fmt::Error);
        let answer: Answer<Vec<_>> = Err(locked);
        let error = table.stored(answer).unwrap_err();
        let behind = matches!(error, Error::NodeBehind(_));
        assert_eq!(behind, dialect == Dialect::MySql, "{error:?}");
        let locked = Failure::Locked.error(table.name(), fmt::Error);
        let error = table.written(put(None), Err(locked)).unwrap_err();
        assert!(matches!(error, Error::Locked(_)), "{error:?}");
        let locked = Failure::Locked.error(table.name(), fmt::Error);
        let answer: Answer<Vec<_>> = Err(locked);
        let error = table.stored_in_transaction(answer).unwrap_err();
        assert!(matches!(error, Error::Locked(_)), "{error:?}");
    }
}

#[test]
fn a_write_is_done_only_if_one_row_changed() {
    let table = RecordTable::new(Dialect::Sqlite);
    let written = |rows| table.written(put(Some(7)), Answer::Ok(rows));
    assert_eq!(written(0).unwrap(), WriteResult::Stale);
    assert_eq!(written(1).unwrap(), WriteResult::Done);
    assert!(matches!(written(2), Err(Error::CorruptRow { .. })));
}

#[test]
fn only_a_create_on_mysql_is_stale_as_a_duplicate() {
    let written = |dialect, expected| {
        let table = RecordTable::new(dialect);
        let exists = Failure::AlreadyExists.error(table.name(), fmt::Error);
        table.written(put(expected), Err(exists))
    };
    for dialect in DIALECTS {
        for expected in [None, Some(7)] {
            let stale = matches!(written(dialect, expected), Ok(WriteResult::Stale));
            let should = dialect == Dialect::MySql && expected.is_none();
            assert_eq!(stale, should, "{dialect:?} {expected:?}");
        }
    }
}

#[test]
fn a_conflict_is_stale_outside_a_transaction() {
    let table = RecordTable::new(Dialect::Postgres);
    let conflict = || Err(Failure::Conflict.error(table.name(), fmt::Error));
    let stale = table.written(put(Some(7)), conflict());
    assert_eq!(stale.unwrap(), WriteResult::Stale);
    let error = table.written_in_transaction(put(Some(7)), conflict());
    assert!(matches!(error, Err(Error::Conflict(_))));
    let attempts = u16::from(CONFLICT_RETRIES) + 1;
    let text = error.unwrap_err().to_string();
    assert!(text.contains(&format!("{attempts} times")), "{text}");
}

#[test]
fn listed_ids_become_accounts() {
    let table = RecordTable::new(Dialect::MySql).with_account_column(AccountColumn::Uuid);
    let rows = [Answer::Ok(vec![0xA1; 16])];
    let accounts = table.accounts(Ok(rows)).unwrap();
    assert_eq!(accounts, [account_for(AccountColumn::Uuid)]);
    let table = RecordTable::new(Dialect::MySql);
    let error = table.accounts(Ok([Answer::Ok(vec![0xFF])])).unwrap_err();
    assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
}
