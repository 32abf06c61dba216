use std::sync::Arc;

use countersign_sql::Call;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Untyped;

use crate::argument::Argument;
use crate::database::Database;

/// A statement with its arguments, which may outlive its caller.
///
/// Diesel prepares it once for each connection, and finds it by its text. It would prepare a
/// `sql_query` for each call.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    sql: Arc<str>,
    arguments: Vec<Argument>,
}

impl Statement {
    /// A statement without arguments.
    pub(crate) fn text(sql: &str) -> Self {
        Self {
            sql: sql.into(),
            arguments: Vec::new(),
        }
    }
}

impl From<Call<'_>> for Statement {
    fn from(call: Call<'_>) -> Self {
        Self {
            sql: Arc::clone(call.sql()),
            arguments: call.arguments().iter().copied().map(Into::into).collect(),
        }
    }
}

impl Query for Statement {
    type SqlType = Untyped;
}

/// No static id, so that diesel takes the text as the key of its cache.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<B: Database> QueryFragment<B> for Statement {
    /// Diesel writes each placeholder itself, so the text is pushed in the pieces between them. The
    /// arguments are in the order of their placeholders.
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, B>) -> QueryResult<()> {
        let mut pieces = Pieces(&self.sql);
        for argument in &self.arguments {
            pass.push_sql(pieces.next_piece());
            B::push(pass.reborrow(), argument)?;
        }
        pass.push_sql(pieces.0);
        Ok(())
    }
}

/// The rest of a text with placeholders: `$1`, `?1` or `?`. Neither character occurs elsewhere in
/// the statements.
struct Pieces<'a>(&'a str);

impl<'a> Pieces<'a> {
    /// The text before the next placeholder.
    fn next_piece(&mut self) -> &'a str {
        let (piece, rest) = self.0.split_once(['$', '?']).unwrap_or((self.0, ""));
        self.0 = rest.trim_start_matches(|char: char| char.is_ascii_digit());
        piece
    }
}
