use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

/// The clocks of the accounts, in a file that all processes of a storm share. Whoever looks moves a clock on, so no two
/// attempts on an account have the same second.
#[derive(Debug)]
pub struct Wall(Mutex<File>);

impl Wall {
    /// Hangs up a clock for each account, all at a time.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(folder: &Path, accounts: usize, time: u64) -> io::Result<()> {
        std::fs::write(folder.join(NAME), time.to_ne_bytes().repeat(accounts))
    }

    /// Opens the file of a storm.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(folder.join(NAME))?;
        Ok(Self(Mutex::new(file)))
    }

    /// The next second of an account's clock.
    pub fn next_second(&self, account: usize) -> u64 {
        self.advance(account, |now| now + 1)
    }

    /// The first second of the next time step of an account's clock.
    pub fn next_step(&self, account: usize) -> u64 {
        self.advance(account, |now| (now / STEP + 1) * STEP)
    }

    /// The first second of a time step eight hours later. As long are the issues of backup codes apart, of which three
    /// are allowed within 24 hours.
    pub fn next_shift(&self, account: usize) -> u64 {
        self.advance(account, |now| (now / STEP + SHIFT) * STEP)
    }

    fn advance(&self, account: usize, next: impl Fn(u64) -> u64) -> u64 {
        let file = self.0.lock().unwrap();
        // The lock is the process's, and gone with it when it is killed.
        file.lock().unwrap();
        let place = u64::try_from(account * size_of::<u64>()).unwrap();
        let mut bytes = [0; size_of::<u64>()];
        file.read_exact_at(&mut bytes, place).unwrap();
        let time = next(u64::from_ne_bytes(bytes));
        file.write_all_at(&time.to_ne_bytes(), place).unwrap();
        file.unlock().unwrap();
        time
    }
}

/// Seconds of a time step.
pub(crate) const STEP: u64 = 30;
/// Time steps of eight hours.
const SHIFT: u64 = 8 * 3600 / STEP;
const NAME: &str = "wall";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_looks_give_the_same_second() {
        let folder = tempfile::tempdir().unwrap();
        Wall::create(folder.path(), 2, 60).unwrap();
        let (one, other) = (
            Wall::open(folder.path()).unwrap(),
            Wall::open(folder.path()).unwrap(),
        );
        assert_eq!(one.next_second(1), 61);
        assert_eq!(other.next_second(1), 62);
        assert_eq!(one.next_step(1), 90);
        assert_eq!(other.next_step(1), 120);
        assert_eq!(one.next_second(0), 61);
        assert_eq!(one.next_shift(0), 60 + 8 * 3600);
        assert_eq!(other.next_second(0), 61 + 8 * 3600);
    }
}
