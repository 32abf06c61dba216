use crate::SecretText;
use alloc::format;
use alloc::string::String;
use zeroize::Zeroizing;

/// The words around the codes in the file that a person keeps, in the person's language.
///
/// ```
/// use countersign::Sheet;
///
/// let sheet = Sheet {
///     heading: "Codes de secours Exemple".into(),
///     date: "Créés le 24 novembre 2026".into(),
///     advice: "Chaque code ne sert qu'une fois. Notez la date à côté de celui que vous utilisez.\n\
///              Quand il en reste peu, créez-en de nouveaux."
///         .into(),
/// };
/// assert_eq!(sheet.file_name(), "codes-de-secours-exemple.txt");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The first line: what the codes are, and for which service.
    pub heading: String,
    /// When they were made, as the person writes dates.
    pub date: String,
    /// What to do with them, and when few are left. Each line is a paragraph.
    pub advice: String,
}

impl Sheet {
    /// The words in English. The date stands as it is given.
    #[must_use]
    pub fn english(service: &str, date: &str) -> Self {
        Self {
            heading: format!("{service} backup codes"),
            date: format!("Made on {date}"),
            advice: format!(
                "If you cannot use your authenticator app, type one of these codes instead of the passcode. \
                 Each code works once: write the date beside it when you have used it.\n\
                 Keep this page where only you can get at it, and not on the phone that has the app.\n\
                 When few codes are left, or if somebody else may have seen them, sign in to {service} and \
                 make a new set. A new set ends this one."
            ),
        }
    }

    /// A file name made from the heading: lower-case ASCII letters, digits and hyphens, and `.txt`.
    ///
    /// A heading of fewer than two words that can be written so is made longer, so that the name says what
    /// is in the file and no system has reserved it: `backup-codes.txt` at the least.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for word in self
            .heading
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && word.is_ascii())
        {
            let length = name.len().saturating_add(word.len());
            if length > FILE_NAME_BYTES {
                break;
            }
            if !name.is_empty() {
                name.push('-');
            }
            name.push_str(&word.to_ascii_lowercase());
        }
        name.push_str(match (name.is_empty(), name.contains('-')) {
            (true, _) => "backup-codes.txt",
            (false, false) => "-backup-codes.txt",
            (false, true) => ".txt",
        });
        name
    }

    /// The file.
    pub(super) fn text<'a>(&self, codes: impl ExactSizeIterator<Item = &'a str>) -> SecretText {
        let mut above = String::new();
        wrap(&self.heading, &mut above);
        wrap(&self.date, &mut above);
        let mut below = String::new();
        for paragraph in self.advice.lines() {
            below.push_str(LINE_END);
            wrap(paragraph, &mut below);
        }
        let row = MAX_COLUMNS.saturating_add(LINE_END.len());
        let rows = codes.len().saturating_mul(row);
        let size = above
            .len()
            .saturating_add(LINE_END.len())
            .saturating_add(rows)
            .saturating_add(below.len());

        let mut text = Zeroizing::new(String::with_capacity(size));
        text.push_str(&above);
        text.push_str(LINE_END);
        for (number, code) in (1_u8..).zip(codes) {
            push_row(number, code, &mut text);
        }
        text.push_str(&below);
        SecretText::new(core::mem::take(&mut text))
    }
}

/// The longest line of the file: it must be shorter than the 80 columns of a terminal or a printed page.
const MAX_COLUMNS: usize = 79;

/// Some editors on Windows show a file with line feeds alone as one line, and every other system reads both.
const LINE_END: &str = "\r\n";

/// Room to write the date of use, as long as it fits into the line.
const RULE: &str = "____________________";

/// Longer headings are cut for the file name.
const FILE_NAME_BYTES: usize = 64;

fn push_row(number: u8, code: &str, text: &mut String) {
    let number = format!("{number:>3}.  ");
    let columns = number.len().saturating_add(code.len()).saturating_add(2);
    let rule = RULE
        .get(..MAX_COLUMNS.saturating_sub(columns))
        .unwrap_or(RULE);
    for part in [&number, code, "  ", rule, LINE_END] {
        text.push_str(part);
    }
}

/// Adds the words of one paragraph in lines. A word longer than a line is cut; control characters are left
/// out.
fn wrap(paragraph: &str, text: &mut String) {
    let mut column = 0_usize;
    for word in paragraph.split_whitespace() {
        let visible = || word.chars().filter(|c| !c.is_control());
        let width = visible().map(columns).fold(0, usize::saturating_add);
        if width == 0 {
            continue;
        }
        if column != 0 {
            if column.saturating_add(1).saturating_add(width) > MAX_COLUMNS {
                text.push_str(LINE_END);
                column = 0;
            } else {
                text.push(' ');
                column = column.saturating_add(1);
            }
        }
        for character in visible() {
            let after = column.saturating_add(columns(character));
            if after > MAX_COLUMNS {
                text.push_str(LINE_END);
                column = 0;
            }
            text.push(character);
            column = column.saturating_add(columns(character));
        }
    }
    text.push_str(LINE_END);
}

/// No more columns than this are needed: no character below U+1100 is wide, and none takes more than two.
fn columns(character: char) -> usize {
    if character < '\u{1100}' { 1 } else { 2 }
}
