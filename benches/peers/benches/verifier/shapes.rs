//! What an accepted attempt costs with a wider window, more codes or more authenticators.

use countersign_benches::{Effort, Error, Race};
use countersign_store_testing::bench::{Report, grouped};

use crate::attempts::Person;
use crate::service::Shape;

pub(crate) fn measure(effort: Effort, report: &mut Report) -> Result<(), Error> {
    let usual = Shape::default();
    let mut shapes = Vec::new();
    for window in [0, 1, 2, 3, 5, 10] {
        shapes.push((format!("window of {window}"), Shape { window, ..usual }));
    }
    for codes in [1, 10, 30, 100] {
        shapes.push((
            format!("{codes} backup code{}", if codes == 1 { "" } else { "s" }),
            Shape { codes, ..usual },
        ));
    }
    for authenticators in 1..=5 {
        let shape = Shape {
            authenticators,
            ..usual
        };
        shapes.push((
            format!(
                "{authenticators} authenticator{}",
                if authenticators == 1 { "" } else { "s" }
            ),
            shape,
        ));
    }
    let people: Vec<Person> = shapes
        .iter()
        .map(|(_, shape)| Person::new(*shape))
        .collect::<Result<_, _>>()?;

    let mut race = Race::default();
    let entered: Vec<_> = people
        .iter()
        .map(|person| person.enter_right(&mut race))
        .collect();
    let figures = race.run(effort);

    report.columns(&["a right passcode, with", "ns", "record bytes"]);
    for (((name, _), person), contender) in shapes.into_iter().zip(&people).zip(entered) {
        report.row(&[
            name,
            grouped(figures.median(contender)),
            person.record_bytes().to_string(),
        ]);
    }
    report.end();
    Ok(())
}
