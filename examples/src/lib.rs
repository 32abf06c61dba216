//! The examples are programs in the directory of this package:
//!
//! - `otp` is a tool for passcodes, secrets, key URIs and QR codes.
//! - `custom_store` runs the conformance tests on your own store.
//! - `host_transaction` commits the session together with the accepted code.
//! - `rollback_protected_store` stores revisions separately, against restored records.
//! - `blocking` uses the verifier without futures.
//! - `annual_risk` computes the chance of an attacker under this and other default policies.
//! - `attack` counts a year of guesses.
//! - `import` imports the accounts of another system from JSON lines.
//! - `rotate_keys` changes the encryption key while users sign in.
//!
//! The package in `login` shows the whole flow in a terminal. `host_transaction` writes its own rows
//! in the same transaction by [`write_record`].

mod record_row;

pub use record_row::write_record;
