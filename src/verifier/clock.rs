use crate::Timestamp;
use std::time::SystemTime;

/// Where the verifier reads the time, once an attempt and after the record is loaded.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock. A time before 1970 counts as 1970, at which no passcode of today is right.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
