use std::sync::Arc;

use crate::Value;

/// One statement with its arguments. A [`RecordTable`](crate::RecordTable) makes it, and your
/// driver runs it.
///
/// A call allocates nothing: the text belongs to the table, and the arguments borrow the account id
/// and the record.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    sql: &'a Arc<str>,
    /// The first `length` values are the arguments.
    values: [Value<'a>; MAX_ARGUMENTS],
    length: usize,
}

impl<'a> Call<'a> {
    pub(crate) fn new(sql: &'a Arc<str>) -> Self {
        Self {
            sql,
            values: [Value::Number(0); MAX_ARGUMENTS],
            length: 0,
        }
    }

    pub(crate) fn with(mut self, values: impl IntoIterator<Item = Value<'a>>) -> Self {
        let free = self.values.iter_mut().skip(self.length);
        for (place, value) in free.zip(values) {
            *place = value;
            self.length = self.length.saturating_add(1);
        }
        self
    }

    /// The text of the statement. It stays the same for every call of this kind on this table, so
    /// prepare it once per connection and find it by this text. To keep the text, clone the `Arc`.
    #[must_use]
    pub const fn sql(&self) -> &'a Arc<str> {
        self.sql
    }

    /// The arguments in the order of their numbers or question marks. There are at most 7.
    #[must_use]
    pub fn arguments(&self) -> &[Value<'a>] {
        self.values.get(..self.length).unwrap_or_default()
    }
}

/// A conditional write that replaces a record has the most.
const MAX_ARGUMENTS: usize = 7;
