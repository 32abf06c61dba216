use crate::Failure;

impl Failure {
    /// Classifies the error number of a MySQL or MariaDB server.
    #[must_use]
    pub const fn mysql(number: u16) -> Self {
        match number {
            NO_SUCH_TABLE => Self::NoTable,
            BAD_FIELD
            | NO_DEFAULT_FOR_FIELD
            | BAD_NULL
            | WRONG_VALUE
            | WRONG_VALUE_FOR_FIELD
            | OUT_OF_RANGE
            | DATA_TOO_LONG
            | CHECK_VIOLATED
            | CHECK_FAILED => Self::WrongTable,
            NO_REFERENCED_ROW | NO_REFERENCED_ROW_2 => Self::ForeignKey,
            DUP_KEY | DUP_ENTRY | DUP_UNIQUE | DUP_ENTRY_WITH_KEY_NAME | DUP_UNKNOWN_IN_INDEX => {
                Self::AlreadyExists
            }
            LOCK_DEADLOCK | RECORD_HAS_CHANGED => Self::Conflict,
            LOCK_WAIT_TIMEOUT => Self::Locked,
            READ_ONLY_SERVER | READ_ONLY_TRANSACTION | READ_ONLY_MODE => Self::ReadOnly,
            TABLE_ACCESS_DENIED | COLUMN_ACCESS_DENIED => Self::NotAllowed,
            DISK_FULL | TABLE_FULL => Self::DiskFull,
            UNKNOWN_STATEMENT => Self::Pooler,
            TOO_MANY_CONNECTIONS | TOO_MANY_USER_CONNECTIONS | USER_LIMIT_REACHED => {
                Self::Unreachable
            }
            SHUTDOWN | CONNECTION_KILLED | IDLE_FOR_TOO_LONG => Self::ConnectionLost,
            DATABASE_ACCESS_DENIED | ACCESS_DENIED | NO_SUCH_DATABASE | NO_PASSWORD => {
                Self::CannotOpen
            }
            UNKNOWN_COMMAND | ERROR_DURING_COMMIT => Self::LeftCluster,
            _ => Self::Other,
        }
    }
}

// https://mariadb.com/kb/en/mariadb-error-code-reference/
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
const RECORD_HAS_CHANGED: u16 = 1020;
const DISK_FULL: u16 = 1021;
const DUP_KEY: u16 = 1022;
const TOO_MANY_CONNECTIONS: u16 = 1040;
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_COMMAND: u16 = 1047;
const BAD_NULL: u16 = 1048;
const NO_SUCH_DATABASE: u16 = 1049;
const SHUTDOWN: u16 = 1053;
const BAD_FIELD: u16 = 1054;
const DUP_ENTRY: u16 = 1062;
const TABLE_FULL: u16 = 1114;
const TABLE_ACCESS_DENIED: u16 = 1142;
const COLUMN_ACCESS_DENIED: u16 = 1143;
const NO_SUCH_TABLE: u16 = 1146;
const DUP_UNIQUE: u16 = 1169;
const ERROR_DURING_COMMIT: u16 = 1180;
const TOO_MANY_USER_CONNECTIONS: u16 = 1203;
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const LOCK_DEADLOCK: u16 = 1213;
const NO_REFERENCED_ROW: u16 = 1216;
const USER_LIMIT_REACHED: u16 = 1226;
const UNKNOWN_STATEMENT: u16 = 1243;
const OUT_OF_RANGE: u16 = 1264;
const READ_ONLY_SERVER: u16 = 1290;
const WRONG_VALUE: u16 = 1292;
const NO_DEFAULT_FOR_FIELD: u16 = 1364;
const WRONG_VALUE_FOR_FIELD: u16 = 1366;
const DATA_TOO_LONG: u16 = 1406;
const NO_REFERENCED_ROW_2: u16 = 1452;
const DUP_ENTRY_WITH_KEY_NAME: u16 = 1586;
const NO_PASSWORD: u16 = 1698;
const READ_ONLY_TRANSACTION: u16 = 1792;
const READ_ONLY_MODE: u16 = 1836;
const DUP_UNKNOWN_IN_INDEX: u16 = 1859;
const CONNECTION_KILLED: u16 = 1927;
const CHECK_VIOLATED: u16 = 3819;
const CHECK_FAILED: u16 = 4025;
const IDLE_FOR_TOO_LONG: u16 = 4031;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_failure() {
        for (number, failure) in [
            (1146, Failure::NoTable),
            (1054, Failure::WrongTable),
            (1452, Failure::ForeignKey),
            (1062, Failure::AlreadyExists),
            (1213, Failure::Conflict),
            (1020, Failure::Conflict),
            (1205, Failure::Locked),
            (1290, Failure::ReadOnly),
            (1142, Failure::NotAllowed),
            (1021, Failure::DiskFull),
            (1243, Failure::Pooler),
            (1040, Failure::Unreachable),
            (1053, Failure::ConnectionLost),
            (1045, Failure::CannotOpen),
            (1047, Failure::LeftCluster),
            (1180, Failure::LeftCluster),
            (1064, Failure::Other),
        ] {
            assert_eq!(Failure::mysql(number), failure, "{number}");
        }
    }
}
