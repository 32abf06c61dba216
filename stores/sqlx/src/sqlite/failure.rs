use crate::Error;
use crate::table_name::TableName;

/// What an error of the driver means for whoever runs the service.
pub(super) fn error(table: &TableName, source: sqlx::Error) -> Error {
    let table = || table.as_str().to_owned();
    let Some(database) = source.as_database_error() else {
        return match source {
            sqlx::Error::ColumnDecode { .. } => Error::WrongTable {
                table: table(),
                source,
            },
            _ => Error::Database(source),
        };
    };
    let code = database.code().and_then(|code| code.parse::<u32>().ok());
    match code.unwrap_or_default() & PRIMARY_CODE {
        SQLITE_ERROR if database.message().contains("no such table") => Error::NoTable {
            table: table(),
            source,
        },
        SQLITE_ERROR if database.message().contains("column") => Error::WrongTable {
            table: table(),
            source,
        },
        SQLITE_BUSY | SQLITE_LOCKED => Error::Locked(source),
        SQLITE_READONLY => Error::ReadOnly(source),
        SQLITE_FULL => Error::DiskFull(source),
        SQLITE_CANTOPEN => Error::CannotOpen(source),
        _ => Error::Database(source),
    }
}

// https://www.sqlite.org/rescode.html: the low byte of an extended code is the primary one.
const PRIMARY_CODE: u32 = 0xFF;
const SQLITE_ERROR: u32 = 1;
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
