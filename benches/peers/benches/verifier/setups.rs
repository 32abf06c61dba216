//! The cost of an accepted attempt with a wider window, more codes or more authenticators.

use countersign_benches::{Effort, Error, Timer};
use countersign_store_testing::bench::{Report, grouped};

use crate::person::Person;
use crate::service::Setup;

pub(crate) fn measure(effort: Effort, report: &mut Report) -> Result<(), Error> {
    let usual = Setup::default();
    let mut setups = Vec::new();
    for window in [0, 1, 2, 3, 5, 10] {
        setups.push((format!("window of {window}"), Setup { window, ..usual }));
    }
    for codes in [1, 10, 30, 100] {
        setups.push((
            format!("{codes} backup code{}", if codes == 1 { "" } else { "s" }),
            Setup { codes, ..usual },
        ));
    }
    for authenticators in 1..=5 {
        let setup = Setup {
            authenticators,
            ..usual
        };
        setups.push((
            format!(
                "{authenticators} authenticator{}",
                if authenticators == 1 { "" } else { "s" }
            ),
            setup,
        ));
    }
    let people: Vec<Person> = setups
        .iter()
        .map(|(_, setup)| Person::new(*setup))
        .collect::<Result<_, _>>()?;

    let mut timer = Timer::default();
    let added: Vec<_> = people
        .iter()
        .map(|person| person.add_right(&mut timer))
        .collect();
    let timings = timer.run(effort);

    report.columns(&["a right passcode, with", "ns", "record bytes"]);
    for (((name, _), person), candidate) in setups.into_iter().zip(&people).zip(added) {
        report.row(&[
            name,
            grouped(timings.median(candidate)),
            person.stored()?.record.len().to_string(),
        ]);
    }
    report.end();
    Ok(())
}
