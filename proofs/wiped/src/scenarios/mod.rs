//! The operations of a service on secrets. Each scenario is a function that is not inlined, so that
//! its stack frame is dead when the search starts.
//!
//! Like a careful application, the scenarios wipe their own copies of secrets.

mod backup_codes;
mod controls;
mod devices;
mod login;
mod long_codes;
mod migration;
mod passcodes;
mod qr_images;
mod receipts;
mod text_input;

use crate::known_secrets::{Kind, KnownSecrets};
use crate::stop::Stop;
use countersign::otp::{Passcode, Secret};
use countersign::uri::KeyUri;
use std::any::Any;
use std::error::Error;

/// The values that a control keeps alive during the search.
pub(crate) type Kept = Option<Box<dyn Any>>;

/// A function that uses secrets, and adds them to the known secrets.
pub(crate) type Scenario = fn(&KnownSecrets, &Stop) -> Result<Kept, Box<dyn Error>>;

/// All scenarios by name. The scenarios in [`controls`] leak on purpose.
pub(crate) const ALL: [(&str, Scenario); 15] = [
    ("login", login::run),
    ("passcodes", passcodes::run),
    ("text_input", text_input::run),
    ("migration", migration::run),
    ("qr_images", qr_images::run),
    ("backup_codes", backup_codes::run),
    ("long_codes", long_codes::run),
    ("receipts", receipts::run),
    ("devices", devices::run),
    ("control_unwiped", controls::unwiped),
    ("control_in_use", controls::in_use),
    ("control_unwiped_copy", controls::unwiped_copy),
    (
        "control_freed_before_registration",
        controls::freed_before_registration,
    ),
    ("control_stack", controls::stack),
    ("control_unregistered", controls::unregistered),
];

fn add_secret(known: &KnownSecrets, secret: &Secret) {
    known.add(Kind::Secret, secret.expose());
    known.add(Kind::Base32, secret.to_base32().expose().as_bytes());
    known.add(Kind::Base32, secret.to_base32_grouped().expose().as_bytes());
}

fn add_passcode<'a>(known: &KnownSecrets, passcode: &'a Passcode) -> &'a str {
    known.add(Kind::Passcode, passcode.expose().as_bytes());
    passcode.expose()
}

/// Adds the codewords of the secret in a key URI.
fn add_codewords(known: &KnownSecrets, uri: &KeyUri) {
    let text = uri.to_secret_text();
    let secret = text
        .expose()
        .split_once("?secret=")
        .map_or("", |(_, rest)| rest);
    let secret = secret.split('&').next().unwrap_or_default();
    known.add_codewords(secret.as_bytes());
}
