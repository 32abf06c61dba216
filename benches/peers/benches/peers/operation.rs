use std::fmt::Debug;

use countersign_benches::{Contender, Error, Figures, Goal, Race};
use countersign_store_testing::bench::{Report, grouped};

/// Something that this crate does, and others too.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) ours: Contender,
    pub(crate) peers: Vec<(&'static str, Contender)>,
    pub(crate) floor: Option<Contender>,
    /// The most that ours may take, as a share of what a peer or the floor does.
    pub(crate) goals: Vec<(&'static str, f64)>,
}

/// The floor, among the goals.
pub(crate) const FLOOR: &str = "the floor";

/// Enters work, if what it computes is what all compute.
pub(crate) fn agreed<'a, T, S: PartialEq + Debug>(
    race: &mut Race<'a>,
    name: &str,
    expected: &S,
    read: impl Fn(T) -> S,
    mut work: impl FnMut() -> T + 'a,
) -> Result<Contender, Error> {
    agrees(name, expected, &read(work()))?;
    Ok(race.enter(work))
}

/// Ends the benchmark if a contender computes something else.
pub(crate) fn agrees<S: PartialEq<E> + Debug, E: Debug + ?Sized>(
    name: &str,
    expected: &E,
    computed: &S,
) -> Result<(), Error> {
    if computed == expected {
        Ok(())
    } else {
        Err(format!("{name} computes {computed:?}, and not {expected:?}").into())
    }
}

/// A row for each peer of each operation.
pub(crate) fn write(operations: &[Operation], figures: &Figures, report: &mut Report) {
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
                grouped(figures.median(floor)),
                format!("{:.2}", figures.ratio(operation.ours, floor)),
            ),
            None => ("-".into(), "-".into()),
        };
        for (name, peer) in &operation.peers {
            report.row(&[
                operation.name.into(),
                (*name).into(),
                grouped(figures.median(operation.ours)),
                grouped(figures.median(*peer)),
                format!("{:.2}", figures.ratio(operation.ours, *peer)),
                floor.clone(),
                above.clone(),
            ]);
        }
    }
    report.end();
}

/// The goals of all operations.
pub(crate) fn goals(operations: &[Operation], figures: &Figures) -> Vec<Goal> {
    let mut goals = Vec::new();
    for operation in operations {
        for &(against, at_most) in &operation.goals {
            let peer = operation.peers.iter().find(|(name, _)| *name == against);
            let other = peer.map(|(_, peer)| *peer).or(operation.floor);
            let what = format!("{}, against {against}", operation.name);
            let ratio = other.map_or(f64::NAN, |other| figures.ratio(operation.ours, other));
            goals.push(Goal::ratio(what, at_most, ratio));
        }
    }
    goals
}
