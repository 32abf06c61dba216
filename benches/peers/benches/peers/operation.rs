use std::fmt::Debug;

use countersign_benches::{Candidate, Error, Target, Timer, Timings};
use countersign_store_testing::bench::{Report, grouped};

/// An operation of this crate and of other crates.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) ours: Candidate,
    pub(crate) others: Vec<(&'static str, Candidate)>,
    pub(crate) floor: Option<Candidate>,
    /// The upper limits for our time, as a share of another crate's time or of the floor.
    pub(crate) targets: Vec<(&'static str, f64)>,
}

/// The name of the floor in the list of targets.
pub(crate) const FLOOR: &str = "the floor";

/// Adds work if its result is as expected. Otherwise returns an error.
pub(crate) fn agreed<'a, T, S: PartialEq + Debug>(
    timer: &mut Timer<'a>,
    name: &str,
    expected: &S,
    read: impl Fn(T) -> S,
    mut work: impl FnMut() -> T + 'a,
) -> Result<Candidate, Error> {
    agrees(name, expected, &read(work()))?;
    Ok(timer.add(work))
}

/// Returns an error if the result of a candidate is not as expected.
pub(crate) fn agrees<S: PartialEq<E> + Debug, E: Debug + ?Sized>(
    name: &str,
    expected: &E,
    computed: &S,
) -> Result<(), Error> {
    if computed == expected {
        Ok(())
    } else {
        Err(format!("{name} computes {computed:?} instead of {expected:?}").into())
    }
}

/// Writes one row for each other crate of each operation.
pub(crate) fn write(operations: &[Operation], timings: &Timings, report: &mut Report) {
    report.columns(&[
        "operation",
        "compared with",
        "ours ns",
        "theirs ns",
        "ours/theirs",
        "floor ns",
        "ours/floor",
    ]);
    for operation in operations {
        let (floor, above) = match operation.floor {
            Some(floor) => (
                grouped(timings.median(floor)),
                format!("{:.2}", timings.ratio(operation.ours, floor)),
            ),
            None => ("-".into(), "-".into()),
        };
        for (name, other) in &operation.others {
            report.row(&[
                operation.name.into(),
                (*name).into(),
                grouped(timings.median(operation.ours)),
                grouped(timings.median(*other)),
                format!("{:.2}", timings.ratio(operation.ours, *other)),
                floor.clone(),
                above.clone(),
            ]);
        }
    }
    report.end();
}

/// The targets of all operations, with the measured ratios.
pub(crate) fn targets(operations: &[Operation], timings: &Timings) -> Vec<Target> {
    let mut targets = Vec::new();
    for operation in operations {
        for &(against, at_most) in &operation.targets {
            let other = operation.others.iter().find(|(name, _)| *name == against);
            let other = other.map(|(_, other)| *other).or(operation.floor);
            let what = format!("{}, against {against}", operation.name);
            let ratio = other.map_or(f64::NAN, |other| timings.ratio(operation.ours, other));
            targets.push(Target::ratio(what, at_most, ratio));
        }
    }
    targets
}
