//! Shows the progress on standard error: a bar on a terminal, otherwise a line for every 10 %.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Progress {
    what: String,
    total: u32,
    done: AtomicU32,
}

impl Progress {
    pub(crate) fn new(what: impl Into<String>, total: u32) -> Self {
        Self {
            what: what.into(),
            total: total.max(1),
            done: AtomicU32::new(0),
        }
    }

    /// Counts one more account. Beyond the total, the bar stays full.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let percent = |done: u32| u64::from(done) * 100 / u64::from(self.total);
        let (before, now) = (percent(done - 1), percent(done));
        if before == now || now > 100 {
            return;
        }
        let mut stderr = stderr().lock();
        // An error on standard error cannot be reported.
        _ = if stderr.is_terminal() {
            let full = usize::try_from(now / 4).unwrap_or_default();
            let end = if now == 100 { "\n" } else { "" };
            write!(
                stderr,
                "\r  {:<12} [{:<25}] {now:>3} %{end}",
                self.what,
                "#".repeat(full)
            )
        } else if now / 10 > before / 10 {
            writeln!(stderr, "  {}: {now} %", self.what)
        } else {
            Ok(())
        };
    }
}
