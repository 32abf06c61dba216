use crate::Failure;

impl Failure {
    /// Classifies the SQLSTATE of a PostgreSQL server: 5 characters.
    #[must_use]
    pub fn postgres(sqlstate: &str) -> Self {
        match sqlstate {
            UNDEFINED_TABLE => Self::NoTable,
            UNDEFINED_COLUMN | DATATYPE_MISMATCH | UNDEFINED_FUNCTION | NOT_NULL_VIOLATION
            | CHECK_VIOLATION | STRING_TOO_LONG | NUMBER_OUT_OF_RANGE | NO_SUCH_CONSTRAINT
            | WRONG_OBJECT_TYPE | NOT_SUPPORTED => Self::WrongTable,
            FOREIGN_KEY_VIOLATION => Self::ForeignKey,
            UNIQUE_VIOLATION | DUPLICATE_TABLE | DUPLICATE_OBJECT => Self::AlreadyExists,
            SERIALIZATION_FAILURE | DEADLOCK_DETECTED => Self::Conflict,
            LOCK_NOT_AVAILABLE => Self::Locked,
            READ_ONLY_TRANSACTION => Self::ReadOnly,
            INSUFFICIENT_PRIVILEGE => Self::NotAllowed,
            DISK_FULL => Self::DiskFull,
            UNKNOWN_STATEMENT | DUPLICATE_STATEMENT | PROTOCOL_VIOLATION => Self::Pooler,
            TOO_MANY_CONNECTIONS | CANNOT_CONNECT_NOW => Self::Unreachable,
            ADMIN_SHUTDOWN | CRASH_SHUTDOWN | IDLE_SESSION | IDLE_IN_TRANSACTION
            | LONG_TRANSACTION => Self::ConnectionLost,
            INVALID_AUTHORIZATION | INVALID_PASSWORD | NO_SUCH_DATABASE => Self::CannotOpen,
            code if code.starts_with(CONNECTION_EXCEPTIONS) => Self::ConnectionLost,
            _ => Self::Other,
        }
    }
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const CONNECTION_EXCEPTIONS: &str = "08";
const PROTOCOL_VIOLATION: &str = "08P01";
/// A prepared load whose columns got another type, or an insert into a table with rules.
const NOT_SUPPORTED: &str = "0A000";
const STRING_TOO_LONG: &str = "22001";
const NUMBER_OUT_OF_RANGE: &str = "22003";
const NOT_NULL_VIOLATION: &str = "23502";
const FOREIGN_KEY_VIOLATION: &str = "23503";
const UNIQUE_VIOLATION: &str = "23505";
const CHECK_VIOLATION: &str = "23514";
const READ_ONLY_TRANSACTION: &str = "25006";
const IDLE_IN_TRANSACTION: &str = "25P03";
const LONG_TRANSACTION: &str = "25P04";
const UNKNOWN_STATEMENT: &str = "26000";
const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const NO_SUCH_DATABASE: &str = "3D000";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// The row type of a table that is being created.
const DUPLICATE_OBJECT: &str = "42710";
const UNDEFINED_COLUMN: &str = "42703";
const DATATYPE_MISMATCH: &str = "42804";
const WRONG_OBJECT_TYPE: &str = "42809";
const UNDEFINED_FUNCTION: &str = "42883";
const UNDEFINED_TABLE: &str = "42P01";
const DUPLICATE_STATEMENT: &str = "42P05";
const DUPLICATE_TABLE: &str = "42P07";
const NO_SUCH_CONSTRAINT: &str = "42P10";
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const ADMIN_SHUTDOWN: &str = "57P01";
const CRASH_SHUTDOWN: &str = "57P02";
const CANNOT_CONNECT_NOW: &str = "57P03";
const IDLE_SESSION: &str = "57P05";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_has_its_failure() {
        for (sqlstate, failure) in [
            ("42P01", Failure::NoTable),
            ("42703", Failure::WrongTable),
            ("42P10", Failure::WrongTable),
            ("0A000", Failure::WrongTable),
            ("23503", Failure::ForeignKey),
            ("23505", Failure::AlreadyExists),
            ("42P07", Failure::AlreadyExists),
            ("42710", Failure::AlreadyExists),
            ("40001", Failure::Conflict),
            ("40P01", Failure::Conflict),
            ("55P03", Failure::Locked),
            ("25006", Failure::ReadOnly),
            ("42501", Failure::NotAllowed),
            ("53100", Failure::DiskFull),
            ("26000", Failure::Pooler),
            ("08P01", Failure::Pooler),
            ("53300", Failure::Unreachable),
            ("57P01", Failure::ConnectionLost),
            ("57P05", Failure::ConnectionLost),
            ("25P03", Failure::ConnectionLost),
            ("25P04", Failure::ConnectionLost),
            ("08006", Failure::ConnectionLost),
            ("28P01", Failure::CannotOpen),
            ("42601", Failure::Other),
            ("", Failure::Other),
        ] {
            assert_eq!(Failure::postgres(sqlstate), failure, "{sqlstate}");
        }
    }
}
