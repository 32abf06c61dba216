use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

/// The clocks of the accounts, in a file that all processes of a test share. Every read advances a
/// clock, so no two attempts on an account have the same second. Next to each clock is a counter
/// for a token, which only advances when a client knows that the counter is used.
#[derive(Debug)]
pub struct SharedClock(Mutex<File>);

impl SharedClock {
    /// Creates a clock for each account, all at `time`, and a counter.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(directory: &Path, accounts: usize, time: u64, counter: u64) -> io::Result<()> {
        let entry = [time.to_ne_bytes(), counter.to_ne_bytes()].concat();
        std::fs::write(directory.join(NAME), entry.repeat(accounts))
    }

    /// Opens the clocks of a test.
    ///
    /// # Errors
    /// If the file does not exist.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(directory.join(NAME))?;
        Ok(Self(Mutex::new(file)))
    }

    /// The next second of an account's clock.
    pub fn next_second(&self, account: usize) -> u64 {
        self.advance(account * 2, |now| now + 1)
    }

    /// The first second of the next time step of an account's clock.
    pub fn next_step(&self, account: usize) -> u64 {
        self.advance(account * 2, |now| (now / STEP + 1) * STEP)
    }

    /// The first second of a time step whose passcode ends a row that nobody has used: the row
    /// begins after the passcodes that other tasks may use now.
    pub fn next_row_time(&self, account: usize) -> u64 {
        self.advance(account * 2, |now| (now / STEP + ROW + 1) * STEP)
    }

    /// The first second of a time step eight hours later. The verifier allows three issues of
    /// backup codes within 24 hours, so issues are eight hours apart.
    pub fn next_issue_time(&self, account: usize) -> u64 {
        self.advance(account * 2, |now| {
            (now / STEP + STEPS_BETWEEN_ISSUES) * STEP
        })
    }

    /// The lowest counter that no client knows to be used. The verifier's next counter is at most
    /// `AHEAD` more.
    pub fn next_counter(&self, account: usize) -> u64 {
        self.advance(account * 2 + 1, |counter| counter)
    }

    /// Notes that a counter is used.
    pub fn used_counter(&self, account: usize, counter: u64) {
        self.advance(account * 2 + 1, |next| next.max(counter + 1));
    }

    fn advance(&self, index: usize, next: impl Fn(u64) -> u64) -> u64 {
        let file = self.0.lock().unwrap();
        // The operating system releases this lock when the process is killed.
        file.lock().unwrap();
        let place = u64::try_from(index * size_of::<u64>()).unwrap();
        let mut bytes = [0; size_of::<u64>()];
        file.read_exact_at(&mut bytes, place).unwrap();
        let time = next(u64::from_ne_bytes(bytes));
        file.write_all_at(&time.to_ne_bytes(), place).unwrap();
        file.unlock().unwrap();
        time
    }
}

/// The seconds of a time step.
pub(crate) const STEP: u64 = 30;
/// The passcodes of a row.
pub(crate) const ROW: u64 = 3;
/// Clients use counters of a token below the next one plus this number.
pub(crate) const AHEAD: u64 = 5;
/// The time steps in eight hours.
const STEPS_BETWEEN_ISSUES: u64 = 8 * 3600 / STEP;
const NAME: &str = "clocks";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_reads_return_the_same_second() {
        let directory = tempfile::tempdir().unwrap();
        SharedClock::create(directory.path(), 2, 60, 2).unwrap();
        let (one, other) = (
            SharedClock::open(directory.path()).unwrap(),
            SharedClock::open(directory.path()).unwrap(),
        );
        assert_eq!(one.next_second(1), 61);
        assert_eq!(other.next_second(1), 62);
        assert_eq!(one.next_step(1), 90);
        assert_eq!(other.next_step(1), 120);
        assert_eq!(one.next_second(0), 61);
        assert_eq!(one.next_issue_time(0), 60 + 8 * 3600);
        assert_eq!(other.next_second(0), 61 + 8 * 3600);
        assert_eq!((one.next_counter(0), other.next_counter(0)), (2, 2));
        one.used_counter(0, 3);
        other.used_counter(0, 2);
        assert_eq!((one.next_counter(0), one.next_counter(1)), (4, 2));
    }
}
