use countersign_store_testing::bench::Report;

/// Something that must not be exceeded.
#[derive(Debug)]
pub struct Goal {
    /// Of what.
    pub what: String,
    /// The most that it may be.
    pub at_most: f64,
    /// What it is.
    pub measured: f64,
    /// What is counted: `""` for a ratio.
    pub unit: &'static str,
}

impl Goal {
    /// A ratio that must not be exceeded.
    pub fn ratio(what: impl Into<String>, at_most: f64, measured: f64) -> Self {
        Self {
            what: what.into(),
            at_most,
            measured,
            unit: "",
        }
    }
}

/// Writes a table of goals, met and missed.
pub fn write_goals(goals: &[Goal], report: &mut Report) {
    report.heading("Targets");
    report.columns(&["target", "at most", "measured", "result"]);
    for goal in goals {
        let Goal {
            what,
            at_most,
            measured,
            unit,
        } = goal;
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
