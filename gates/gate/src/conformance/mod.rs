//! Conformance tests for your own table of sign-ins: does it satisfy the contract of
//! [`SignInRows`](crate::SignInRows) and [`SignInStore`](crate::SignInStore)?
//!
//! A table that breaks the contract works well in every demonstration. Later, a sign-in comes back
//! after its owner signed out, or stays after a phone was replaced. So run these cases in your own
//! tests, against the real database. The cases use new accounts and ids, so the tables may already
//! hold rows. They leave rows behind, and one case purges rows from before 1970-01-13.
//!
//! Implement [`Harness`] to open your store. [`sign_in_tests!`](crate::sign_in_tests) makes a
//! `#[test]` of every case:
//!
//! ```
//! use countersign::store::MemoryStore;
//! use countersign_gate::conformance::Harness;
//! use countersign_gate::{MemoryRows, Separate};
//!
//! #[derive(Default)]
//! struct InMemory(MemoryStore, MemoryRows);
//!
//! impl Harness for InMemory {
//!     type Store = Separate<MemoryStore, MemoryRows>;
//!
//!     fn open(&self) -> Self::Store {
//!         Separate::new(self.0.clone(), self.1.clone())
//!     }
//! }
//!
//! countersign_gate::sign_in_tests!(InMemory::default());
//! ```
//!
//! Some cases write the rows in the transaction of the record. They do nothing if
//! [`IN_TRANSACTION`](crate::SignInStore::IN_TRANSACTION) is `false`.
//!
//! Run the conformance tests of `countersign::conformance` too: they check the records.
//!
//! # Needs
//!
//! The feature `conformance`.

mod harness;
mod races;
mod rows;
mod writes;

pub use harness::{Failure, Harness, new_sign_in};
pub use races::*;
pub use rows::*;
pub use writes::*;

/// Makes a `#[test]` of every case. Each test has the name of its case.
///
/// The expression makes the [`Harness`](crate::conformance::Harness). The expression runs again for
/// each test.
#[macro_export]
macro_rules! sign_in_tests {
    ($harness:expr) => {
        $crate::sign_in_tests! { $harness;
            // The table alone.
            a_new_sign_in_is_found,
            a_repeated_insert_changes_nothing,
            an_ended_sign_in_stays_ended,
            ending_the_others_keeps_one,
            similar_accounts_are_distinct,
            a_late_use_never_goes_back,
            the_flag_is_stored,
            a_sign_in_without_factor_needs_the_flag_off,
            a_purge_keeps_what_ended_lately,
            // In the transaction of the record.
            an_accepted_code_inserts_its_sign_in,
            a_stale_write_writes_no_rows,
            each_kind_writes_its_rows,
            an_existing_sign_in_is_not_inserted_again,
            a_sign_in_of_another_account_is_not_inserted,
            // At the same time.
            equal_inserts_make_one_row,
            an_enrollment_ends_a_racing_sign_in,
            one_of_16_accepted_codes_signs_in,
            a_removal_ends_a_racing_sign_in,
            a_dropped_write_is_whole_or_absent,
        }
    };
    ($harness:expr; $($name:ident,)+) => { $(
        #[test]
        fn $name() -> Result<(), $crate::conformance::Failure> {
            $crate::conformance::$name(&$harness)
        }
    )+ };
}

#[cfg(test)]
mod tests {
    use super::Harness;
    use crate::{MemoryRows, Separate};
    use countersign::store::MemoryStore;

    #[derive(Default)]
    struct InMemory(MemoryStore, MemoryRows);

    impl Harness for InMemory {
        type Store = Separate<MemoryStore, MemoryRows>;

        fn open(&self) -> Self::Store {
            Separate::new(self.0.clone(), self.1.clone())
        }
    }

    crate::sign_in_tests!(InMemory::default());
}
