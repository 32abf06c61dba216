use countersign_store_testing::bench::Report;

/// An upper limit, and the measured value.
#[derive(Debug)]
pub struct Target {
    /// What is measured.
    pub what: String,
    /// The upper limit.
    pub at_most: f64,
    /// The measured value.
    pub measured: f64,
    /// The unit; `""` for a ratio.
    pub unit: &'static str,
}

impl Target {
    /// An upper limit for a ratio.
    pub fn ratio(what: impl Into<String>, at_most: f64, measured: f64) -> Self {
        Self {
            what: what.into(),
            at_most,
            measured,
            unit: "",
        }
    }
}

/// Writes a table of the targets, with the result of each.
pub fn write_targets(targets: &[Target], report: &mut Report) {
    report.heading("Targets");
    report.columns(&["target", "at most", "measured", "result"]);
    for target in targets {
        let Target {
            what,
            at_most,
            measured,
            unit,
        } = target;
        let places = if *at_most < 10.0 { 2 } else { 0 };
        report.row(&[
            what.clone(),
            format!("{at_most}{unit}"),
            format!("{measured:.places$}{unit}"),
            if measured <= at_most {
                "met"
            } else {
                "**missed**"
            }
            .into(),
        ]);
    }
    report.end();
}
