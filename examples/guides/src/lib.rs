//! Tests of the programs in `axum` and `actix-web`, which the guides in `docs/` consist of.
//!
//! [`password_tests!`] and [`guide_tests!`] start a program on a separate PostgreSQL server, and use
//! the program as a user does.
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
mod page;
mod password_flows;
mod service;

pub use flows::*;
pub use password_flows::*;

/// Makes the tests of the program of part A whose executable has this path.
#[macro_export]
macro_rules! password_tests {
    ($program:expr) => {
        $crate::tests_of!($program; a_password_opens_the_members_page,);
    };
}

/// Makes the tests of the program of part B whose executable has this path.
#[macro_export]
macro_rules! guide_tests {
    ($program:expr) => {
        $crate::tests_of!(
            $program;
            a_password_opens_the_members_page,
            a_user_goes_the_whole_way,
            wrong_and_used_codes_sign_nobody_in,
            a_half_session_reaches_no_page,
            a_form_sent_twice_signs_in_once,
            an_enrollment_ends_other_sign_ins,
            a_lost_record_signs_nobody_in,
            a_gone_browser_loses_no_code,
            a_stopped_database_gets_an_answer,
        );
    };
}

/// Makes a test of each flow.
#[doc(hidden)]
#[macro_export]
macro_rules! tests_of {
    ($program:expr; $($flow:ident,)+) => {
        $(
            #[test]
            fn $flow() {
                $crate::$flow($program);
            }
        )+
    };
}
