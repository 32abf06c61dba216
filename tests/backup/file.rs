//! The text file with the backup codes.

use super::*;

#[test]
fn codes_are_shown_in_groups() {
    let shown = |alphabet, length, group| {
        let format = CodeFormat::new(alphabet, length, group, 1).unwrap();
        let codes = BackupCodes::generate_with(format, &mut SeededRng(5)).unwrap();
        codes.iter().next().unwrap().to_owned()
    };
    assert_eq!(shown(Alphabet::Digits, 8, 4).replace(' ', "").len(), 8);
    let groups = |code: String| code.split(' ').map(str::len).collect::<Vec<_>>();
    assert_eq!(groups(shown(Alphabet::Digits, 8, 4)), [4, 4]);
    assert_eq!(groups(shown(Alphabet::Digits, 8, 0)), [8]);
    assert_eq!(groups(shown(Alphabet::Digits, 8, 8)), [8]);
    assert_eq!(groups(shown(Alphabet::Digits, 6, 1)), [1; 6]);
    assert_eq!(groups(shown(Alphabet::Unambiguous, 13, 5)), [5, 5, 3]);
    assert_eq!(groups(shown(Alphabet::Unambiguous, 23, 6)), [6, 6, 6, 5]);
}

#[test]
fn the_file_has_the_expected_text() {
    let codes = codes(2_026);
    let text = codes.to_text(&BackupCodeFile::english("Example", "24 November 2026"));
    assert_eq!(text.expose(), include_str!("../data/backup_code_file.txt"));
}

#[test]
fn every_line_ends_with_crlf() {
    let advice = [
        "",
        "one",
        "one\ntwo",
        "one\r\ntwo\r\n\nthree",
        &"word ".repeat(99),
        &"x".repeat(200),
    ];
    for advice in advice {
        let file = BackupCodeFile {
            advice: advice.into(),
            ..BackupCodeFile::english("Example\r\nMail", "today\n")
        };
        let text = codes(1).to_text(&file);
        let lines: Vec<&str> = text.expose().split_terminator("\r\n").collect();
        assert!(lines.len() >= 13, "{lines:?}");
        assert!(
            lines.iter().all(|line| !line.contains(['\r', '\n'])),
            "{lines:?}"
        );
        assert!(text.expose().ends_with("\r\n"));
    }
}

#[test]
fn every_line_is_shorter_than_80_columns() {
    let longest = CodeFormat::new(Alphabet::Unambiguous, 32, 1, 100).unwrap();
    let codes = BackupCodes::generate_with(longest, &mut SeededRng(1)).unwrap();
    let file = BackupCodeFile {
        heading: "word ".repeat(40),
        date: "x".repeat(200),
        advice: format!(
            "{}\n\n{}",
            "バックアップ".repeat(30),
            "and words ".repeat(50)
        ),
    };
    let text = codes.to_text(&file);
    let wide = |c: char| if c.is_ascii() { 1 } else { 2 };
    for line in text.expose().lines() {
        let columns: usize = line.chars().map(wide).sum();
        assert!(columns < 80, "{columns}: {line}");
    }
    let last = text
        .expose()
        .lines()
        .find(|line| line.starts_with("100.  "))
        .unwrap();
    assert!(last.ends_with("________"), "space for a date: {last}");
    assert!(
        text.expose().contains(&"x".repeat(79)),
        "a long word is split and kept"
    );
    assert_eq!(text.expose().matches('x').count(), 200);
}

#[test]
fn the_first_wide_character_counts_as_two_columns() {
    let advice = |characters| BackupCodeFile {
        advice: "\u{1100}".repeat(characters),
        ..BackupCodeFile::english("Example", "today")
    };
    let last = |file: &BackupCodeFile| {
        let text = codes(1).to_text(file);
        let last = text
            .expose()
            .lines()
            .last()
            .map(|line| line.chars().count());
        last.unwrap()
    };
    assert_eq!(last(&advice(39)), 39);
    assert_eq!(last(&advice(40)), 1, "the 40th character does not fit");
}

#[test]
fn the_heading_cannot_add_lines_or_control_characters() {
    let file = BackupCodeFile::english("Evil\n 1.  0000 0000\u{7}\u{1b}[2J", "today\rtomorrow");
    let codes = codes(3);
    let text = codes.to_text(&file);
    let mut lines = text.expose().lines();
    assert_eq!(lines.next(), Some("Evil 1. 0000 0000[2J backup codes"));
    assert_eq!(lines.next(), Some("Made on today tomorrow"));
    assert!(lines.all(|line| !line.chars().any(char::is_control)));
}

#[test]
fn file_names_are_safe_on_every_system() {
    let name = |heading: &str| {
        let file = BackupCodeFile {
            heading: heading.into(),
            ..BackupCodeFile::english("", "")
        };
        file.file_name()
    };
    assert_eq!(
        BackupCodeFile::english("Example", "").file_name(),
        "example-backup-codes.txt"
    );
    assert_eq!(
        BackupCodeFile::english("", "").file_name(),
        "backup-codes.txt"
    );
    assert_eq!(name("../../etc/passwd"), "etc-passwd.txt");
    assert_eq!(name("CON"), "con-backup-codes.txt");
    assert_eq!(name("バックアップコード"), "backup-codes.txt");
    assert_eq!(name("Codes de récupération"), "codes-de.txt");
    assert_eq!(name(""), "backup-codes.txt");
    let whole = format!("{} {}", "a".repeat(31), "b".repeat(33));
    assert_eq!(name(&whole), format!("{}.txt", whole.replace(' ', "-")));
    assert_eq!(
        name(&format!("{whole}b")),
        format!("{}-backup-codes.txt", "a".repeat(31))
    );
    let long = name(&"word ".repeat(100));
    assert!(long.len() < 80, "{long}");
    assert_eq!(name(&"x".repeat(300)), "backup-codes.txt");
}
