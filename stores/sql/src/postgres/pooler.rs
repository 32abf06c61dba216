use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A statement on PostgreSQL that counts itself among the prepared statements of its server
/// process. Two connections that prepare it see whether a pooler gives them the same process.
///
/// A pooler that pools by transaction, such as `PgBouncer`, Supavisor or Neon's pooler, mixes up
/// the prepared statements of its clients. It can even run the statement of another client and
/// report success. So a store that prepares statements looks for a pooler before its first call.
/// It repeats this [`ROUNDS`](Self::ROUNDS) times, with two connections:
///
/// 1. The first one asks.
/// 2. The other one begins a transaction with [`SHORT_TRANSACTION`](Self::SHORT_TRANSACTION), which
///    keeps its process, and asks.
/// 3. The first one asks again, after each of the [`PAUSES`](Self::PAUSES). It must change to
///    another process, which does not know its statement, or both find out that they share one.
/// 4. The other one ends its transaction.
///
/// A pooler mixes up the statements if an answer is not [alone](Self::is_alone), or if an error of
/// the server is [`Failure::Pooler`](crate::Failure::Pooler). A pooler that knows which client
/// prepared which statement passes.
#[derive(Debug, Clone)]
pub struct PoolerQuestion {
    sql: String,
    /// Occurs in no other statement.
    mark: i64,
}

impl PoolerQuestion {
    /// How often to ask. Twice, for poolers that take the process that was free longest.
    pub const ROUNDS: usize = 2;

    /// The pauses before the first connection asks again. With busy clients on a pooler, a
    /// connection that asks in their rhythm can get the same process each time.
    pub const PAUSES: [Duration; 4] = [
        Duration::ZERO,
        Duration::from_millis(1),
        Duration::from_millis(3),
        Duration::from_millis(7),
    ];

    /// If several clients of a pooler look at the same time, their transactions can keep all server
    /// processes, and each client waits for another one. After this statement, the server ends such
    /// a transaction.
    pub const SHORT_TRANSACTION: &str = "SET LOCAL idle_in_transaction_session_timeout = 1000";

    /// A question that no other client asks.
    #[must_use]
    pub fn new() -> Self {
        let mark = (RandomState::new().hash_one(()) >> 1).cast_signed();
        // These are the names that diesel and tokio-postgres give. A pooler that keeps its clients
        // apart gives the statements names of its own.
        let sql = format!(
            "SELECT CAST({mark} AS bigint), count(*) FROM pg_prepared_statements \
             WHERE strpos(statement, '{mark}') > 0 AND name ~ '^(__diesel_stmt_|s)[0-9]+$'"
        );
        Self { sql, mark }
    }

    /// The text of the statement. It has no arguments, and its answer is one row of two numbers,
    /// both `bigint`.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Whether the answer is the one to this question, and the server process knows the statement
    /// from one connection only.
    #[must_use]
    pub fn is_alone(&self, rows: &[(i64, i64)]) -> bool {
        matches!(rows, [(mark, known)] if *mark == self.mark && *known <= 1)
    }
}

impl Default for PoolerQuestion {
    fn default() -> Self {
        Self::new()
    }
}

/// When a store looks for a pooler: before its first call. If it could not find out, it looks again
/// after 10 seconds, and then after twice as long each time. The clones share what was found.
#[derive(Debug, Clone, Default)]
pub struct PoolerCheck(Arc<Mutex<Due>>);

#[derive(Debug, Clone, Copy, Default)]
enum Due {
    #[default]
    Now,
    /// At this time. The time before it took this long.
    After(Instant, Duration),
    Never,
}

impl PoolerCheck {
    /// A check that is never due.
    #[must_use]
    pub fn off() -> Self {
        Self(Arc::new(Mutex::new(Due::Never)))
    }

    /// Whether the store must look now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        match *self.due() {
            Due::Now => true,
            Due::After(time, _) => Instant::now() >= time,
            Due::Never => false,
        }
    }

    /// No pooler mixes up the statements, so the store never looks again.
    pub fn pass(&self) {
        *self.due() = Due::Never;
    }

    /// There was no second connection, so the store looks again later.
    pub fn fail(&self) {
        let mut due = self.due();
        let pause = match *due {
            Due::After(_, pause) => pause.saturating_mul(2),
            Due::Now | Due::Never => PAUSE,
        };
        let later = Instant::now().checked_add(pause);
        *due = later.map_or(Due::Never, |time| Due::After(time, pause));
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        // The value is replaced as a whole, so a panic leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_alone_if_one_connection_asked_this_question() {
        let question = PoolerQuestion::new();
        let mark = question.mark;
        assert!(question.sql().contains(&mark.to_string()));
        assert!(question.is_alone(&[(mark, 0)]));
        assert!(question.is_alone(&[(mark, 1)]));
        assert!(!question.is_alone(&[(mark, 2)]));
        assert!(!question.is_alone(&[(PoolerQuestion::new().mark, 1)]));
        assert!(!question.is_alone(&[]));
    }

    #[test]
    fn a_check_that_failed_is_due_later() {
        let check = PoolerCheck::default();
        assert!(check.is_due());
        for pause in [10, 20, 40].map(Duration::from_secs) {
            check.fail();
            assert!(!check.is_due());
            assert!(matches!(*check.due(), Due::After(_, last) if last == pause));
        }
        *check.due() = Due::After(Instant::now(), PAUSE);
        assert!(check.clone().is_due());
        check.clone().pass();
        assert!(!check.is_due());
        assert!(!PoolerCheck::off().is_due());
    }
}
