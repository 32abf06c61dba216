use countersign_sql::{CorruptRow, TableName};

/// The only row of an answer, or `None`.
pub(crate) fn at_most_one<R>(table: &TableName, mut rows: Vec<R>) -> Result<Option<R>, CorruptRow> {
    let row = rows.pop();
    if rows.is_empty() {
        Ok(row)
    } else {
        Err(several_rows(table))
    }
}

pub(crate) fn several_rows(table: &TableName) -> CorruptRow {
    CorruptRow::new(
        table,
        "several rows have the same key; make it the primary key",
    )
}
