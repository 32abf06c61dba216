//! The result as a Markdown table.

use std::fmt::Write;

use countersign::Policy;
use countersign::factor::GuessTarget;
use countersign::otp::Digits;

use crate::owner::Noticed;

/// A budget, and what each kind of owner noticed.
pub(crate) struct Row {
    pub(crate) burst: u32,
    pub(crate) days: u64,
    pub(crate) policy: Policy,
    pub(crate) noticed: Vec<Noticed>,
}

impl Row {
    /// The guesses of the first year.
    fn guesses(&self) -> u64 {
        u64::from(self.burst) + 365 / self.days
    }

    fn is_default(&self) -> bool {
        let default = Policy::default();
        let budget = |policy: &Policy| (policy.budget_burst(), policy.budget_refill());
        budget(&self.policy) == budget(&default)
    }
}

pub(crate) fn markdown(rows: &[Row], owners: &[u32], years: u32) -> String {
    let mut table = String::from("| budget | guesses per year | risk per year |");
    for percent in owners {
        // Writing to a `String` does not fail.
        let _ = write!(table, " {percent} % wrong |");
    }
    table.push_str("\n|---|---|---|");
    table.push_str(&"---|".repeat(owners.len()));
    table.push('\n');
    for row in rows {
        let risk = row.policy.annual_risk([GuessTarget::totp(Digits::SIX)]);
        let mark = if row.is_default() { " (default)" } else { "" };
        let refill = match row.days {
            1 => "one per day".to_owned(),
            7 => "one per week".to_owned(),
            days => format!("one in {days} days"),
        };
        let _ = write!(
            table,
            "| {}, and {refill}{mark} | {} | {:.3} % |",
            row.burst,
            row.guesses(),
            risk * 100.0
        );
        for noticed in &row.noticed {
            let _ = write!(table, " {} |", share(noticed, years));
        }
        table.push('\n');
    }
    table
}

/// In how many years an owner met a spent budget.
fn share(noticed: &Noticed, years: u32) -> String {
    match noticed.years_spent {
        0 => "never".to_owned(),
        spent => format!("{:.2} %", spent as f64 / f64::from(years) * 100.0),
    }
}
