//! The outbox: a row for each event, in the transaction of the record.

use countersign::event::Event;
use countersign_gate::Cause;
use countersign_sql::Value;
use serde::Serialize;

use super::columns::seconds;
use super::statements::OutboxStatements;
use crate::Error;

/// The row of an event.
pub(super) struct EventRow<'a> {
    pub(super) outbox: &'a OutboxStatements,
    event: &'a Event<'a>,
    texts: [String; 2],
}

impl<'a> EventRow<'a> {
    pub(super) fn new(
        outbox: &'a OutboxStatements,
        event: &'a Event<'a>,
        cause: &Cause,
    ) -> Result<Self, Error> {
        let texts = [json(event)?, json(cause)?];
        Ok(Self {
            outbox,
            event,
            texts,
        })
    }

    pub(super) fn revision(&self) -> Value<'_> {
        Value::Number(self.event.revision.as_i64())
    }

    /// `at, event, cause`.
    pub(super) fn values(&self) -> [Value<'_>; 3] {
        let [event, cause] = &self.texts;
        let at = seconds(self.event.event_timestamp);
        [at, Value::Text(event), Value::Text(cause)]
    }
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value);
    text.map_err(|error| Error::Database(sqlx::Error::Encode(error.into())))
}
