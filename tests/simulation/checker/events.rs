//! Events: each stored write has one, with its id. A verifier tells an event at most once, and only
//! after its write landed.

use super::Checker;
use countersign::event::Event;
use countersign::store::{ConditionalWrite, WriteKind};
use std::collections::{HashMap, HashSet};

/// The events of the writes that landed, and the revisions of the events that were told.
#[derive(Clone, Default)]
pub(super) struct Events {
    stored: HashMap<i64, Event<'static>>,
    told: HashSet<i64>,
    /// Whether the run is over. The probes after it write to the database without this checker.
    closed: bool,
}

impl Checker {
    /// A write landed: its event is stored with it.
    pub(super) fn stores_event(&mut self, write: &ConditionalWrite<'_>) -> Result<(), String> {
        let silent = matches!(write.kind(), WriteKind::Joined | WriteKind::Resealed);
        let Some(event) = write.event() else {
            return match silent {
                true => Ok(()),
                false => Err("the write has no event".into()),
            };
        };
        if silent || event.revision != write.revision() {
            return Err(format!("the write has the event of another: {event:?}"));
        }
        let event = event.clone().into_owned();
        let stored = self.events.stored.entry(write.revision().as_i64());
        let stored = stored.or_insert_with(|| event.clone());
        if *stored == event {
            Ok(())
        } else {
            Err(format!(
                "the write changed its event: {stored:?}, {event:?}"
            ))
        }
    }

    /// The run is over.
    pub(crate) fn stop_events(&mut self) {
        self.events.closed = true;
    }

    /// A verifier told an event.
    pub(crate) fn told(&mut self, event: &Event<'_>) {
        if self.events.closed {
            return;
        }
        let revision = event.revision.as_i64();
        self.coverage.count("an event was told");
        if self.events.stored.get(&revision) != Some(event) {
            self.violated(format!(
                "an event was told before its write landed: {event:?}"
            ));
        }
        if !self.events.told.insert(revision) {
            self.violated(format!("an event was told twice: {event:?}"));
        }
    }
}
