mod failure;
mod pooler;
mod statements;

pub use pooler::{PoolerCheck, PoolerQuestion};
pub(crate) use statements::statements;
