use crate::Failure;

impl Failure {
    /// Classifies an extended result code of SQLite. The general code 1 needs the message as well.
    #[must_use]
    pub fn sqlite(extended_code: i32, message: &str) -> Self {
        match extended_code {
            SQLITE_CONSTRAINT_FOREIGNKEY => return Self::ForeignKey,
            SQLITE_CONSTRAINT_NOTNULL | SQLITE_CONSTRAINT_CHECK | SQLITE_CONSTRAINT_DATATYPE => {
                return Self::WrongTable;
            }
            SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE => return Self::AlreadyExists,
            _ => {}
        }
        match extended_code & PRIMARY_CODE {
            SQLITE_ERROR if message.contains("no such table") => Self::NoTable,
            SQLITE_ERROR if message.contains("column") => Self::WrongTable,
            // The column `account` is not a key.
            SQLITE_ERROR if message.contains("ON CONFLICT") => Self::WrongTable,
            SQLITE_BUSY | SQLITE_LOCKED => Self::Locked,
            SQLITE_READONLY => Self::ReadOnly,
            SQLITE_FULL => Self::DiskFull,
            SQLITE_CANTOPEN | SQLITE_NOTADB => Self::CannotOpen,
            _ => Self::Other,
        }
    }
}

// https://www.sqlite.org/rescode.html: the low byte of an extended code is the primary code.
const PRIMARY_CODE: i32 = 0xFF;
const SQLITE_ERROR: i32 = 1;
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_NOTADB: i32 = 26;
const SQLITE_CONSTRAINT_CHECK: i32 = 275;
const SQLITE_CONSTRAINT_FOREIGNKEY: i32 = 787;
const SQLITE_CONSTRAINT_NOTNULL: i32 = 1299;
const SQLITE_CONSTRAINT_PRIMARYKEY: i32 = 1555;
const SQLITE_CONSTRAINT_UNIQUE: i32 = 2067;
const SQLITE_CONSTRAINT_DATATYPE: i32 = 3091;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_failure() {
        for (code, message, failure) in [
            (1, "no such table: countersign", Failure::NoTable),
            (1, "no such column: revision", Failure::WrongTable),
            (
                1,
                "ON CONFLICT clause does not match any PRIMARY KEY",
                Failure::WrongTable,
            ),
            (1, "syntax error", Failure::Other),
            (787, "", Failure::ForeignKey),
            (1299, "", Failure::WrongTable),
            (1555, "", Failure::AlreadyExists),
            (2067, "", Failure::AlreadyExists),
            (5, "", Failure::Locked),
            (517, "", Failure::Locked),
            (6, "", Failure::Locked),
            (8, "", Failure::ReadOnly),
            (13, "", Failure::DiskFull),
            (14, "", Failure::CannotOpen),
            (26, "", Failure::CannotOpen),
            (10, "", Failure::Other),
        ] {
            assert_eq!(Failure::sqlite(code, message), failure, "{code} {message}");
        }
    }
}
