//! The words of the pages, in a table per language.
//!
//! Copy a table and change what you want to say in another way:
//!
//! ```
//! use countersign_gate::DefaultPages;
//! use countersign_gate::words::{Language, Words};
//!
//! let mut words = Words::ENGLISH;
//! words.sign_out = "Log out";
//! let pages = DefaultPages::new().with_words(Language::English, words);
//! ```

mod calendar;
mod english;
mod german;
mod german_changes;
mod language;
mod notices;
mod table;
#[cfg(test)]
mod tests;

pub use calendar::datetime;
pub use language::Language;
pub use table::{ChangeWords, MailWords, MessageWords, Words};
