//! The key file, the database, and dry runs.

use std::fs;

use serde_json::json;

use crate::{Directory, line, lines, report, run};

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_new_key_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new();
    assert_eq!(directory.import(&line(1)).status, 0);
    let metadata = fs::metadata(directory.key()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 32);

    fs::set_permissions(directory.key(), fs::Permissions::from_mode(0o644)).unwrap();
    let readable = directory.import(&line(2));
    assert_eq!(readable.status, 3);
    assert!(readable.errors.contains("chmod 600"), "{}", readable.errors);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_new_database() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    let directory = Directory::new();
    let import = directory.command("");
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"umask 022; exec "$0" "$@""#])
        .arg(import.get_program())
        .args(import.get_args())
        .stdin(Stdio::null());
    assert_eq!(run(&mut command).status, 0);
    let mode = || fs::metadata(directory.db()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);

    fs::set_permissions(directory.db(), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(directory.import(&line(1)).status, 0);
    assert_eq!(mode(), 0o640, "the mode that the owner chose");
}

#[test]
fn a_key_file_is_never_overwritten() {
    let directory = Directory::new();
    assert_eq!(directory.import(&line(1)).status, 0);
    let key = fs::read(directory.key()).unwrap();
    assert_eq!(directory.import(&line(2)).status, 0);
    assert_eq!(fs::read(directory.key()).unwrap(), key);

    // The file of a run that was killed before it made the database.
    let killed = Directory::new();
    fs::copy(directory.key(), killed.key()).unwrap();
    assert_eq!(killed.import(&line(1)).status, 0);
    assert_eq!(fs::read(killed.key()).unwrap(), key);
}

#[test]
fn a_missing_key_file_is_not_made_again() {
    let directory = Directory::new();
    assert_eq!(directory.import(&line(1)).status, 0);
    fs::rename(directory.key(), directory.file("backup")).unwrap();
    let output = directory.import(&line(2));
    assert_eq!((output.status, output.report), (3, report(0, 0)));
    assert!(
        output.errors.contains("it is missing") && output.errors.contains("restore the file"),
        "{}",
        output.errors
    );
    assert!(!directory.key().exists());
}

#[test]
fn another_key_imports_nothing() {
    let (directory, other) = (Directory::new(), Directory::new());
    assert_eq!(directory.import(&line(1)).status, 0);
    assert_eq!(other.import(&line(1)).status, 0);
    fs::copy(other.key(), directory.key()).unwrap();
    let output = directory.import(&line(2));
    assert_eq!((output.status, output.report), (3, report(0, 0)));
    assert!(
        output.errors.contains("does not decrypt the records"),
        "{}",
        output.errors
    );
}

#[test]
fn a_database_that_cannot_be_opened_is_status_3() {
    let directory = Directory::new();
    fs::create_dir(directory.db()).unwrap();
    fs::write(directory.key(), [7; 32]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(directory.key(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let output = directory.import(&line(1));
    assert_eq!((output.status, output.report), (3, report(0, 0)));
    assert_eq!(directory.check("1", 1, "123456").status, 3);
}

#[test]
fn a_dry_run_writes_nothing() {
    let directory = Directory::new();
    let dry = |text: &str| run(directory.command(text).arg("--dry-run"));
    let other = line(3).replace(r#""phone""#, r#""old phone""#);
    let text = format!("{}{}{}{other}", line(1), line(1), line(3));
    let output = dry(&text);
    assert_eq!(output.status, 1);
    assert_eq!(
        (&output.report["imported"], &output.report["already"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(output.report["refused"][0]["line"], 4);
    assert!(!directory.db().exists() && !directory.key().exists());

    assert_eq!(directory.import(&lines(1..=2)).status, 0);
    let files = || {
        let mut files: Vec<_> = fs::read_dir(directory.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("rows.jsonl"))
            .collect();
        files.sort();
        let read = |path: &std::path::PathBuf| (path.clone(), fs::read(path).unwrap());
        files.iter().map(read).collect::<Vec<_>>()
    };
    let before = files();
    let output = dry(&text);
    assert_eq!(output.status, 1);
    assert_eq!(
        (&output.report["imported"], &output.report["already"]),
        (&json!(1), &json!(2))
    );
    assert!(files() == before, "the dry run changed a file");
}
