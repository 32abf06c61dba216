use std::fmt::Write;

/// Draws the parts of a whole as a bar with a legend, as SVG.
pub(crate) fn draw(title: &str, parts: &[(&str, f64)]) -> String {
    const WIDTH: f64 = 720.0;
    const LEFT: f64 = 20.0;
    const COLUMNS: usize = 4;
    // Neighbouring colours also differ in lightness.
    const COLOURS: [&str; 10] = [
        "#8a8f98", "#1f5fa8", "#7db3e8", "#c2571a", "#e8c07d", "#2f7d4f", "#9fd3a8", "#6b4a9c",
        "#c9a9e9", "#d8dbe0",
    ];
    let whole: f64 = parts.iter().map(|(_, part)| part).sum();
    let height = 110 + 24 * parts.len().div_ceil(COLUMNS);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" viewBox=\"0 0 760 {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1a1d21\" role=\"img\">\n\
         <title>{title}</title>\n\
         <rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"15\">{title}</text>\n"
    );
    let mut x_start = LEFT;
    for (index, (name, part)) in parts.iter().enumerate() {
        let (colour, width) = (COLOURS[index % COLOURS.len()], part / whole * WIDTH);
        let (column, row) = (index % COLUMNS, index / COLUMNS);
        let (x, y) = (LEFT + 182.0 * column as f64, 112 + 24 * row);
        // Writing to a string does not fail.
        _ = writeln!(
            svg,
            "<rect x=\"{x_start:.1}\" y=\"44\" width=\"{width:.1}\" height=\"38\" fill=\"{colour}\"/>\n\
             <rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\n\
             <text x=\"{}\" y=\"{y}\">{name}: {part:.0} ns, {:.0} %</text>",
            y - 11,
            x + 18.0,
            part / whole * 100.0,
        );
        x_start += width;
    }
    svg.push_str("</svg>\n");
    svg
}
