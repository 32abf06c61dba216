use crate::memcheck;
use std::hint::black_box;

/// Prints one line for each section; `tests/constant_time` reads them:
///
/// ```text
/// proof <name> <results> <errors>
/// leak <name> <errors>
/// ```
pub(crate) struct Report;

impl Report {
    /// Runs code in which only results may depend on poisoned bytes. At least `results` results
    /// must do so.
    pub(crate) fn proof<T>(&self, name: &str, results: usize, code: impl FnOnce() -> T) -> T {
        let (errors, out) = counted(code);
        println!("proof\t{name}\t{results}\t{errors}");
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
