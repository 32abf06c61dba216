mod failure;
mod statements;

pub(crate) use statements::statements;
