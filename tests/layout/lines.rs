//! The width of lines of text.

/// The long lines of a Markdown document, by number and width. A row of a table and a single word
/// cannot be split. In code blocks, only shell commands and Rust code can be split.
pub(crate) fn long_lines_of_markdown(text: &str, most: usize) -> Vec<(usize, usize)> {
    let mut fence: Option<&str> = None;
    let mut long = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start();
        if let Some(language) = trimmed.strip_prefix("```") {
            fence = match fence {
                None => Some(language),
                Some(_) => None,
            };
            continue;
        }
        let splittable = match fence {
            None => !trimmed.starts_with('|') && can_be_split(trimmed),
            Some(language) => ["sh", "bash", "rust"]
                .iter()
                .any(|kind| language.starts_with(kind)),
        };
        let columns = line.chars().count();
        if columns > most && splittable {
            long.push((number, columns));
        }
    }
    long
}

/// The long comment lines of a Rust file, by number and width.
pub(crate) fn long_comments(text: &str, most: usize) -> Vec<(usize, usize)> {
    let lines = (1..).zip(text.lines());
    let long = lines.filter_map(|(number, line)| {
        let comment = line.trim_start().strip_prefix("//")?;
        let text = comment.trim_start_matches(['/', '!']).trim_start();
        let columns = line.chars().count();
        let splittable = !text.starts_with('|') && can_be_split(text);
        (columns > most && splittable).then_some((number, columns))
    });
    long.collect()
}

/// Whether a line has a space after the marker of a list or a heading.
fn can_be_split(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '#', '>', '*', ' ']);
    text.contains(' ')
}
