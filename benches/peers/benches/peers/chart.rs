use std::fmt::Write;

use countersign_benches::Timings;

use crate::operation::Operation;

/// Draws the times of the floor, of this crate and of the other crates as bars, as SVG.
pub(crate) fn draw(operations: &[Operation], timings: &Timings) -> String {
    const WIDTH: f64 = 460.0;
    const LEFT: f64 = 210.0;
    const FLOOR: &str = "#8a8f98";
    const OURS: &str = "#1f5fa8";
    const THEIRS: &str = "#e8c07d";
    let mut y = 52;
    let mut bars = String::new();
    let shown = || {
        operations
            .iter()
            .filter(|shown| SHOWN.contains(&shown.name))
    };
    let longest = shown()
        .flat_map(|operation| &operation.others)
        .map(|(_, other)| timings.median(*other))
        .fold(1.0, f64::max);
    for operation in shown() {
        y += 16;
        // Writing to a string does not fail.
        _ = writeln!(
            bars,
            "<text x=\"20\" y=\"{y}\" font-weight=\"600\">{}</text>",
            operation.name
        );
        y += 10;
        let floor = operation
            .floor
            .map(|floor| ("the hash alone (floor)", floor, FLOOR));
        let ours = ("countersign", operation.ours, OURS);
        let others = operation
            .others
            .iter()
            .map(|(name, other)| (*name, *other, THEIRS));
        for (name, candidate, colour) in floor.into_iter().chain([ours]).chain(others) {
            let time = timings.median(candidate);
            let width = time / longest * WIDTH;
            _ = writeln!(
                bars,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{}\">{time:.0} ns</text>",
                LEFT - 8.0,
                y + 12,
                LEFT + width + 6.0,
                y + 12,
            );
            y += 19;
        }
        y += 8;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{y}\" viewBox=\"0 0 760 {y}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1a1d21\" role=\"img\">\n\
         <title>{TITLE}</title>\n\
         <rect width=\"760\" height=\"{y}\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"28\" font-size=\"15\">{TITLE}</text>\n{bars}</svg>\n"
    )
}

const TITLE: &str = "Passcodes: the lower bound, this crate and other crates, median times";
/// The operations with a floor, where all crates do the same work.
const SHOWN: [&str; 4] = [
    "generate, key state kept",
    "generate from the secret",
    "verify \u{b1}1, wrong code, key state kept",
    "verify \u{b1}1, wrong code, from the secret",
];
