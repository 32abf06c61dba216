//! Two servers on one store, and the slow reference model. The property tests here and the fuzz
//! target `account` use both.

mod account;
mod attempt;
pub(crate) mod command;
pub(crate) mod devices;
mod invariants;
mod issue_calls;
mod issue_rules;
mod observed;
mod rate_limit;
mod reference;
mod request_invariants;
mod requests;
mod resolve;
pub(crate) mod rows;
mod rules;
mod system;
pub(crate) mod typed;
mod world;

pub(crate) use rules::Rules;
pub(crate) use world::World;
