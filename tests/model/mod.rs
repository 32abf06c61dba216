//! Two machines on one store, and the slow reference model beside them. Shared by the property tests here and by
//! the fuzz target `account`.

mod attempt;
mod command;
mod hands;
mod invariants;
mod observed;
mod reference;
mod rules;
mod system;
mod throttle;
mod typed;
mod world;

pub(crate) use command::sequences;
pub(crate) use rules::Rules;
pub(crate) use world::World;
