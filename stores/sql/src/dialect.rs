/// The SQL of one kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite from 3.37, with placeholders `?1`.
    Sqlite,
    /// PostgreSQL, with placeholders `$1`.
    Postgres,
    /// MySQL and MariaDB, with placeholders `?`.
    MySql,
}
