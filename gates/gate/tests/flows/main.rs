//! The flows of the gate, driven as a browser and as a program with JSON drive them.

mod backup_codes;
mod browser;
mod changes;
mod crashes;
mod faults;
mod guards;
mod prove;
mod required;
mod setup;
mod sign_in;
mod support;
