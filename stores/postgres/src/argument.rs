use countersign_sql::Value;
use tokio_postgres::types::{ToSql, Type};

/// An argument of a call that may outlive its caller.
#[derive(Debug)]
pub(crate) enum Argument {
    /// Text, or a UUID as text: the statements cast it.
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
    Flag(bool),
}

impl Argument {
    pub(crate) fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number,
            Self::Bytes(bytes) => bytes,
            Self::Flag(flag) => flag,
        }
    }

    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Number(_) => Type::INT8,
            Self::Bytes(_) => Type::BYTEA,
            Self::Flag(_) => Type::BOOL,
        }
    }
}

impl From<Value<'_>> for Argument {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) | Value::Uuid { text, .. } => Self::Text(text.to_owned()),
            Value::Number(number) => Self::Number(number),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
            Value::Flag(flag) => Self::Flag(flag),
        }
    }
}
