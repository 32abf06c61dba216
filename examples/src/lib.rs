//! The examples, each of which is a program in the folder of this package:
//!
//! - `login`: the main job, in a terminal, on a SQLite file;
//! - `otp`: one-time passwords, secrets, key URIs and QR codes as a tool;
//! - `custom_store`: a host's own store, and the suite that checks it;
//! - `host_transaction`: the session in the same SQL transaction as the accepted code;
//! - `anchored_store`: records whose older versions nobody can put back;
//! - `blocking`: the verifier without async;
//! - `annual_risk`: the chance of an attacker, under this and other default policies;
//! - `attack`: a year of guessing, counted;
//! - `rotate_keys`: the sealing key changed while people sign in.
//!
//! Two of them write rows of their own in the transaction of a swap, and share [`write_record`].

mod record_row;

pub use record_row::write_record;
