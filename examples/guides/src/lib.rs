//! Tests of the programs in `axum` and `actix-web`, which the guides in `docs/` consist of.
//!
//! [`guide_tests!`] starts a program on a separate PostgreSQL server, and uses the program as a
//! user does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "code of tests"
)]

mod browser;
mod flows;
mod service;

pub use flows::*;

/// Makes the tests of the program whose executable has this path.
#[macro_export]
macro_rules! guide_tests {
    ($program:expr) => {
        $crate::guide_tests!(
            $program;
            a_user_goes_the_whole_way,
            every_refusal_has_its_page,
            old_proofs_and_setups_are_refused,
            a_locked_account_stays_locked,
            a_lost_record_signs_nobody_in,
            a_gone_browser_loses_no_code,
            a_stopped_database_gets_an_answer,
        );
    };
    ($program:expr; $($flow:ident,)+) => {
        $(
            #[test]
            fn $flow() {
                $crate::$flow($program);
            }
        )+
    };
}
