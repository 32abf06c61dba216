//! The pages, one module each: the page and its forms.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod authenticators;
pub(crate) mod backup_codes;
pub(crate) mod code;
pub(crate) mod disable;
mod prove;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
