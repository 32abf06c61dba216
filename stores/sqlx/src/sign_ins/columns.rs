//! How times and flags are stored.

use countersign::Timestamp;
use countersign_sql::Value;

pub(super) fn seconds(at: Timestamp) -> Value<'static> {
    Value::Number(i64::try_from(at.as_unix()).unwrap_or(i64::MAX))
}

pub(super) const OFF: i64 = 0;
pub(super) const ON: i64 = 1;
pub(super) const ENDING: i64 = 2;
