//! Two machines on one store, and the slow reference model beside them. Shared by the property tests here and by
//! the fuzz target `account`.

mod account;
mod attempt;
pub(crate) mod command;
mod halves;
mod hands;
mod invariants;
mod issuing;
mod limits;
mod observed;
mod reference;
mod rules;
mod system;
mod throttle;
pub(crate) mod typed;
mod world;

pub(crate) use rules::Rules;
pub(crate) use world::World;
