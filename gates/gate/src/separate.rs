use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};

use crate::sign_ins::{RowsOfRequest, SignInRows, SignInStore};

/// A store of records, and a table of sign-ins that is written after the record.
///
/// If the process dies between the two writes, an accepted code is used up without a sign-in, and
/// the user enters the next code. The flag has three values, so that no such moment shuts an owner
/// out.
///
/// The gate writes the rows of its own changes. If your application changes a record by the
/// verifier itself, set the flag around the call as
/// [`FactorFlag`](countersign::session::FactorFlag) says, and call
/// [`Gate::end_sign_ins`](crate::Gate::end_sign_ins). If the flag stays on without a second
/// factor, nobody signs in to the account. For a reset by your staff, call
/// [`Gate::force_disable`](crate::Gate::force_disable).
#[derive(Clone, Debug)]
pub struct Separate<S, R> {
    records: S,
    rows: R,
}

impl<S, R> Separate<S, R> {
    /// Makes a store of both.
    pub const fn new(records: S, rows: R) -> Self {
        Self { records, rows }
    }
}

impl<S: Store, R: SignInRows> Store for Separate<S, R> {
    type Error = S::Error;

    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, Self::Error>> + Send {
        self.records.load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, Self::Error>> + Send {
        self.records.compare_and_swap(account, write)
    }
}

impl<S, R> SignInStore for Separate<S, R>
where
    S: Store + Clone + 'static,
    R: SignInRows + Clone + 'static,
{
    type Rows = R;

    const IN_TRANSACTION: bool = false;

    fn rows(&self) -> &R {
        &self.rows
    }

    fn with(&self, _: RowsOfRequest) -> Self {
        self.clone()
    }
}
