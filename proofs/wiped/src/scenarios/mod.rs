//! What a service does with secrets. Each scenario is a function of its own that is not inlined, so that its
//! frame is dead when the search begins.
//!
//! They do as a careful host does: what they copy out of the library they wipe.

mod backup_codes;
mod controls;
mod login;
mod passcodes;
mod pictures;
mod receipts;
mod typed;

use crate::needles::{Kind, Learned};
use crate::stop::Stop;
use countersign::otp::{Passcode, Secret};
use countersign::uri::KeyUri;
use std::any::Any;
use std::error::Error;

/// What a control keeps alive during the search.
pub(crate) type Kept = Option<Box<dyn Any>>;

/// Learns the secrets that it uses.
pub(crate) type Scenario = fn(&Learned, &Stop) -> Result<Kept, Box<dyn Error>>;

/// All scenarios by name. Those of [`controls`] leak on purpose.
pub(crate) const ALL: [(&str, Scenario); 12] = [
    ("login", login::run),
    ("passcodes", passcodes::run),
    ("typed", typed::run),
    ("pictures", pictures::run),
    ("backup_codes", backup_codes::run),
    ("receipts", receipts::run),
    ("control_nothing_is_wiped", controls::nothing_is_wiped),
    ("control_alive", controls::alive),
    ("control_copied_out", controls::copied_out),
    (
        "control_freed_before_it_is_learned",
        controls::freed_before_it_is_learned,
    ),
    ("control_dead_frame", controls::dead_frame),
    ("control_nothing_is_known", controls::nothing_is_known),
];

fn learn_secret(learned: &Learned, secret: &Secret) {
    learned.learn(Kind::Secret, secret.expose());
    learned.learn(Kind::Base32, secret.to_base32().expose().as_bytes());
    learned.learn(Kind::Base32, secret.to_base32_grouped().expose().as_bytes());
}

fn learn_passcode<'a>(learned: &Learned, otp: &'a Passcode) -> &'a str {
    learned.learn(Kind::Passcode, otp.expose().as_bytes());
    otp.expose()
}

/// Learns what a QR code holds: the part of the URI that is its own.
fn learn_codewords(learned: &Learned, uri: &KeyUri) {
    let text = uri.to_secret_text();
    let secret = text
        .expose()
        .split_once("?secret=")
        .map_or("", |(_, rest)| rest);
    let secret = secret.split('&').next().unwrap_or_default();
    learned.learn_codewords(secret.as_bytes());
}
