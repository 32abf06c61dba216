use countersign_sql::{Dialect, Failure};
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::AstPass;
use diesel::result::{QueryResult, UnexpectedEndOfRow, UnexpectedNullError};
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Binary, Bool, Text};

use crate::argument::Argument;
use crate::database::Database;

impl Database for Pg {
    const DIALECT: Dialect = Dialect::Postgres;

    fn push<'b>(mut pass: AstPass<'_, 'b, Self>, argument: &'b Argument) -> QueryResult<()> {
        match argument {
            // The statements cast the text of a UUID.
            Argument::Text(text) | Argument::Uuid { text, .. } => {
                pass.push_bind_param::<Text, str>(text)
            }
            Argument::Number(number) => pass.push_bind_param::<BigInt, i64>(number),
            Argument::Bytes(bytes) => pass.push_bind_param::<Binary, [u8]>(bytes),
            Argument::Flag(flag) => pass.push_bind_param::<Bool, bool>(flag),
        }
    }

    fn bytes<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<Vec<u8>> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        FromSql::<Binary, Self>::from_sql(value(field.value(), &[BYTEA, TEXT])?)
    }

    fn number<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<i64> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        FromSql::<BigInt, Self>::from_sql(value(field.value(), &[INT8])?)
    }

    /// Diesel gives no SQLSTATE. So this looks for the words of the server in English, its default
    /// language. In another language, the failure is [`Failure::Other`].
    fn failure(message: &str) -> Failure {
        let is = |start: &str, end: &str| message.starts_with(start) && message.contains(end);
        let contains = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if is("relation ", "already exists") || is("type ", "already exists") {
            Failure::AlreadyExists
        } else if is("relation ", "does not exist") {
            Failure::NoTable
        } else if is("column ", "does not exist")
            || is("column ", "is of type")
            || is("operator ", "does not exist")
            || is("value too long for type", "")
            || is("there is no unique or exclusion constraint", "")
            || is("cached plan must not change result type", "")
            || is("cannot ", " view ")
            || message.ends_with("out of range")
        {
            Failure::WrongTable
        } else if message == "deadlock detected" {
            Failure::Conflict
        } else if is("canceling statement due to lock timeout", "")
            || is("could not obtain lock", "")
        {
            Failure::Locked
        } else if is("cannot execute ", "in a read-only transaction") {
            Failure::ReadOnly
        } else if is("permission denied for", "") {
            Failure::NotAllowed
        } else if contains(&["No space left on device", "disk full"]) {
            Failure::DiskFull
        } else if is("prepared statement ", "")
            || is("bind message ", "prepared statement")
            || is("unnamed prepared statement does not exist", "")
            || is(
                "transaction blocks not allowed in statement pooling mode",
                "",
            )
        {
            Failure::Pooler
        } else if contains(&[
            "too many connections",
            "too many clients",
            "remaining connection slots",
            "the database system is",
        ]) {
            Failure::Unreachable
        } else if contains(&[
            "terminating connection",
            "server closed the connection",
            // The words of PgBouncer for a server that is gone.
            "server conn crashed",
        ]) {
            Failure::ConnectionLost
        } else if contains(&[
            "authentication failed",
            "no pg_hba.conf entry",
            "no encryption",
            "does not support SSL",
            "TLS handshake",
            "permission denied for database",
        ]) || contains(&["database \"", "role \""]) && contains(&["does not exist"])
        {
            Failure::CannotOpen
        } else {
            Failure::Other
        }
    }
}

/// Diesel itself compares only the length of a number with its type.
fn value<'v>(value: Option<PgValue<'v>>, types: &[u32]) -> deserialize::Result<PgValue<'v>> {
    let value = value.ok_or(UnexpectedNullError)?;
    match value.get_oid().get() {
        oid if types.contains(&oid) => Ok(value),
        oid => Err(format!("the column has the type with the oid {oid}").into()),
    }
}

// https://github.com/postgres/postgres/blob/REL_17_0/src/include/catalog/pg_type.dat
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const TEXT: u32 = 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_failure() {
        for (message, failure) in [
            ("relation \"countersign\" does not exist", Failure::NoTable),
            (
                "relation \"countersign\" already exists",
                Failure::AlreadyExists,
            ),
            (
                "type \"countersign\" already exists",
                Failure::AlreadyExists,
            ),
            (
                "column \"record\" of relation \"countersign\" does not exist",
                Failure::WrongTable,
            ),
            (
                "column \"account\" is of type uuid but expression is of type text",
                Failure::WrongTable,
            ),
            ("operator does not exist: uuid = text", Failure::WrongTable),
            (
                "value too long for type character varying(1)",
                Failure::WrongTable,
            ),
            ("integer out of range", Failure::WrongTable),
            (
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
                Failure::WrongTable,
            ),
            (
                "cached plan must not change result type",
                Failure::WrongTable,
            ),
            ("deadlock detected", Failure::Conflict),
            ("canceling statement due to lock timeout", Failure::Locked),
            (
                "cannot execute UPDATE in a read-only transaction",
                Failure::ReadOnly,
            ),
            (
                "permission denied for table countersign",
                Failure::NotAllowed,
            ),
            (
                "could not extend file \"base/5/1\": No space left on device",
                Failure::DiskFull,
            ),
            (
                "prepared statement \"__diesel_stmt_0\" does not exist",
                Failure::Pooler,
            ),
            (
                "bind message supplies 1 parameters, but prepared statement \"s0\" requires 7",
                Failure::Pooler,
            ),
            (
                "transaction blocks not allowed in statement pooling mode",
                Failure::Pooler,
            ),
            ("sorry, too many clients already", Failure::Unreachable),
            (
                "too many connections for role \"app\"",
                Failure::Unreachable,
            ),
            ("the database system is starting up", Failure::Unreachable),
            (
                "terminating connection due to administrator command",
                Failure::ConnectionLost,
            ),
            (
                "connection to server at \"::1\", port 5432 failed: FATAL:  database \"none\" does \
                 not exist",
                Failure::CannotOpen,
            ),
            ("role \"none\" does not exist", Failure::CannotOpen),
            (
                "password authentication failed for user \"app\"",
                Failure::CannotOpen,
            ),
            ("syntax error at or near \"SELEC\"", Failure::Other),
            ("", Failure::Other),
        ] {
            assert_eq!(Pg::failure(message), failure, "{message}");
        }
    }
}
