//! The two statements of a login, as diesel writes any statement: it prepares them once for each
//! connection.

use std::sync::Arc;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Text};

pub(crate) struct Select {
    pub(crate) table: Arc<str>,
    pub(crate) account: String,
}

impl Query for Select {
    type SqlType = (Binary, BigInt);
}

impl<C> diesel::RunQueryDsl<C> for Select {}

impl QueryId for Select {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Select {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("SELECT record, revision FROM ");
        pass.push_identifier(&self.table)?;
        pass.push_sql(" WHERE account = ");
        pass.push_bind_param::<Text, _>(&self.account)
    }
}

pub(crate) struct Update {
    pub(crate) table: Arc<str>,
    pub(crate) account: String,
    pub(crate) expected: i64,
    pub(crate) revision: i64,
    pub(crate) record: Vec<u8>,
}

impl QueryId for Update {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Update {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        pass.push_identifier(&self.table)?;
        pass.push_sql(" SET revision = ");
        pass.push_bind_param::<BigInt, _>(&self.revision)?;
        pass.push_sql(", record = ");
        pass.push_bind_param::<Binary, _>(&self.record)?;
        pass.push_sql(" WHERE account = ");
        pass.push_bind_param::<Text, _>(&self.account)?;
        pass.push_sql(" AND revision = ");
        pass.push_bind_param::<BigInt, _>(&self.expected)
    }
}
