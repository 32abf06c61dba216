use std::time::Duration;

use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, Value};
use tokio::time::Instant;

/// How many replicas a server has, as the server said (`ROLE`), and until when this is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ReplicaCount {
    replicas: u32,
    /// `None` if the server must be asked for each call.
    until: Option<Instant>,
}

impl ReplicaCount {
    pub(crate) fn question() -> Pipeline {
        let mut question = redis::pipe();
        question.cmd("ROLE");
        question
    }

    /// The answer of a primary is `master`, an offset, and the list of its connected replicas.
    pub(crate) fn from_answer(answer: Value) -> Result<Self, RedisError> {
        let mut parts = Vec::<Value>::from_redis_value(answer)?.into_iter();
        let mut next = || parts.next().unwrap_or(Value::Nil);
        let role = String::from_redis_value(next())?;
        let (_, replicas) = (next(), next());
        match (role.as_str(), replicas) {
            ("master", Value::Array(replicas)) => Ok(Self {
                replicas: replicas.len().try_into().unwrap_or(u32::MAX),
                until: Instant::now().checked_add(BELIEVED_FOR),
            }),
            // Replicas of a replica do not count. It may become a primary on this connection.
            ("slave", _) => Ok(Self::default()),
            _ => Err((ErrorKind::UnexpectedReturnType, "not an answer to ROLE").into()),
        }
    }

    pub(crate) fn replicas(self) -> u32 {
        self.replicas
    }

    /// The number, unless the server must be asked again.
    pub(crate) fn known_at(self, now: Instant) -> Option<u32> {
        let until = self.until?;
        (now < until).then_some(self.replicas)
    }
}

/// A new replica is noticed after this time at the latest.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn replicas(answer: Vec<Value>) -> Result<ReplicaCount, RedisError> {
        ReplicaCount::from_answer(Value::Array(answer))
    }

    #[test]
    fn a_primary_counts_its_connected_replicas() {
        let replica = Value::Array(vec![text("10.0.0.2"), text("6379"), text("15")]);
        for count in 0..3 {
            let list = Value::Array(vec![replica.clone(); count]);
            let found = replicas(vec![text("master"), Value::Int(15), list]).unwrap();
            assert_eq!(found.replicas(), u32::try_from(count).unwrap());
            assert_eq!(found.known_at(Instant::now()), Some(found.replicas()));
        }
    }

    #[test]
    fn a_replica_is_asked_again_each_time() {
        let answer = vec![text("slave"), text("10.0.0.1"), Value::Int(6379)];
        let found = replicas(answer).unwrap();
        assert_eq!(
            (found.replicas(), found.known_at(Instant::now())),
            (0, None)
        );
    }

    #[test]
    fn other_answers_are_errors() {
        for answer in [vec![], vec![text("sentinel")], vec![text("master")]] {
            assert!(replicas(answer.clone()).is_err(), "{answer:?}");
        }
        assert!(ReplicaCount::from_answer(Value::Okay).is_err());
    }

    #[test]
    fn a_count_is_believed_for_a_minute() {
        let answer = vec![text("master"), Value::Int(0), Value::Array(vec![])];
        let found = replicas(answer).unwrap();
        let until = found.until.unwrap();
        let before = until - Duration::from_millis(1);
        assert_eq!(
            (found.known_at(before), found.known_at(until)),
            (Some(0), None)
        );
    }
}
