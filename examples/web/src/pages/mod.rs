//! The pages of the service. The pages of the second factor are the gate's.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod api;
pub(crate) mod link;
pub(crate) mod sign_in;
pub(crate) mod sign_up;

/// A form that asks for an email address.
#[derive(serde::Deserialize)]
pub(crate) struct Address {
    email: String,
}
