use countersign_sql::Value;

/// An argument of a statement.
#[derive(Debug, Clone)]
pub enum Argument {
    Text(String),
    Number(i64),
    Uuid { text: String, bytes: [u8; 16] },
    Bytes(Vec<u8>),
    Flag(bool),
}

impl From<Value<'_>> for Argument {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Number(number) => Self::Number(number),
            Value::Uuid { text, bytes } => Self::Uuid {
                text: text.to_owned(),
                bytes,
            },
            Value::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
            Value::Flag(flag) => Self::Flag(flag),
        }
    }
}
