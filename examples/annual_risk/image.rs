//! The result as an image: one bar per policy, on a logarithmic scale.

use std::fmt::Write;

use crate::model::Rules;
use crate::table;

const WIDTH: f64 = 840.0;
/// Where the bars begin and end, from the left.
const LEFT: f64 = 240.0;
const RIGHT: f64 = 740.0;
/// Where the first row begins, from the top.
const TOP: f64 = 74.0;
const ROW: f64 = 28.0;
const BAR: f64 = 16.0;

/// The scale, as chances and as text.
const LEAST: f64 = 1e-4;
const TICKS: [(f64, &str); 5] = [
    (1e-4, "0.01 %"),
    (1e-3, "0.1 %"),
    (1e-2, "1 %"),
    (1e-1, "10 %"),
    (1.0, "100 %"),
];

/// The background is white and the text is dark, so the image looks the same on light and dark
/// pages.
/// `ours` is the name of the row in another colour.
pub(crate) fn svg(all: &[Rules], ours: &str) -> String {
    let bottom = TOP + ROW * all.len() as f64;
    let height = bottom + 56.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1a1d21\" \
         role=\"img\">\n<title>Chance per year of an attacker who knows the password, by default policy</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\">Chance per year that an attacker who knows the \
         password passes the second factor</text>\n\
         <text x=\"20\" y=\"50\" fill=\"#565b63\">Under each default policy, by the same model. From one line to the \
         next, the chance is ten times as high.</text>\n",
    );
    // Writing to a `String` does not fail.
    for (chance, text) in TICKS {
        let x = place(chance);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#d8dbe0\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#565b63\">{text}</text>",
            TOP - 6.0,
            bottom + 18.0
        );
    }
    for (index, rules) in all.iter().enumerate() {
        let chance = rules.chance();
        let top = TOP + ROW * index as f64;
        let text = top + BAR - 3.0;
        let width = place(chance) - LEFT;
        let (colour, weight) = if rules.name == ours {
            ("#1f5fa8", " font-weight=\"600\"")
        } else {
            ("#8a8f98", "")
        };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\"{weight}>{} {}</text>\n\
             <rect x=\"{LEFT:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR:.1}\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{text:.1}\"{weight}>{}</text>",
            LEFT - 10.0,
            rules.name,
            rules.version,
            LEFT + width + 8.0,
            table::percent(chance)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#565b63\">\
         chance per year (logarithmic scale)</text>\n</svg>",
        f64::midpoint(LEFT, RIGHT),
        bottom + 40.0
    );
    svg
}

/// Where a chance lies on the scale.
fn place(chance: f64) -> f64 {
    let decades = (chance.max(LEAST) / LEAST).log10();
    LEFT + (RIGHT - LEFT) * decades / (1.0 / LEAST).log10()
}
