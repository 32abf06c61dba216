use crate::memcheck;
use std::hint::black_box;

/// One line on standard output for each section, which `tests/constant_time.rs` reads:
///
/// ```text
/// proof <name> <verdicts> <errors>
/// leak <name> <errors>
/// ```
pub(crate) struct Report;

impl Report {
    /// Runs code in which only verdicts may depend on what is poisoned: at least as many as said.
    pub(crate) fn proof<T>(&self, name: &str, verdicts: usize, code: impl FnOnce() -> T) -> T {
        let (errors, out) = counted(code);
        println!("proof\t{name}\t{verdicts}\t{errors}");
        out
    }

    /// Runs code that leaks on purpose.
    pub(crate) fn leak<T>(&self, name: &str, code: impl FnOnce() -> T) {
        let (errors, _) = counted(code);
        println!("leak\t{name}\t{errors}");
    }
}

fn counted<T>(code: impl FnOnce() -> T) -> (usize, T) {
    let before = memcheck::errors();
    let out = black_box(code());
    (memcheck::errors() - before, out)
}
