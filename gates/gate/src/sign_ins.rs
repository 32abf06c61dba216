use countersign::session::FactorFlag;
use countersign::store::Store;
use countersign::{AccountId, FirstFactorKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::accounts::BoxError;
use crate::notice::Client;

/// The id of a sign-in: 128 bits, written as 32 hexadecimal digits.
///
/// The session names it. Only your own table says whether the sign-in exists.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignInId(String);

impl SignInId {
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// Returns the text for your table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignInId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInId").finish_non_exhaustive()
    }
}

impl FromStr for SignInId {
    type Err = SignInIdError;

    fn from_str(text: &str) -> Result<Self, SignInIdError> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(digits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SignInIdError)
        }
    }
}

/// The error for a text that is no id of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a sign-in has 32 hexadecimal digits; check the column")]
pub struct SignInIdError;

/// A sign-in to insert. Only the gate makes one, with an accepted code or for an account that needs
/// none.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    pub(crate) id: SignInId,
    pub(crate) account: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) first_factor: FirstFactorKind,
}

impl NewSignIn {
    /// Returns the id, which is new.
    #[must_use]
    pub const fn id(&self) -> &SignInId {
        &self.id
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the time, for both times of the row.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

/// A sign-in, as your table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The account.
    pub account: AccountId,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
}

/// Your table of sign-ins, and your flag of the second factor of each account.
///
/// A row of this table is what makes a session a full one. The session only names the row. So a
/// session that an old request revives, or that a thief restores, is worth nothing once its row is
/// ended.
///
/// An ended sign-in stays in the table for at least [`ENDED_KEPT`](Self::ENDED_KEPT) seconds, so
/// that a form that is sent twice cannot insert it again.
pub trait SignInRows: Send + Sync {
    /// How long an ended sign-in stays in the table, in seconds.
    const ENDED_KEPT: u64 = 900;

    /// Returns the flag of the account: `Off` if there is no row.
    ///
    /// # Errors
    /// If the row cannot be read. Then nobody is let in.
    fn flag(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<FactorFlag, BoxError>> + Send;

    /// Stores the flag.
    ///
    /// # Errors
    /// If it is not stored.
    fn set_flag(
        &self,
        account: &AccountId,
        flag: FactorFlag,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Inserts a sign-in with a second factor. If the row exists, also as an ended one, this
    /// changes nothing.
    ///
    /// # Errors
    /// If it is not stored.
    fn insert(&self, new: &NewSignIn) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Inserts a sign-in without a second factor, if the flag is `Off` at the same time, and
    /// returns whether it did. Lock the flag for that, so that an enrollment either comes first, or
    /// comes later and ends this sign-in.
    ///
    /// # Errors
    /// If it is not stored.
    fn insert_if_off(&self, new: &NewSignIn)
    -> impl Future<Output = Result<bool, BoxError>> + Send;

    /// Returns the sign-in, unless it is ended.
    ///
    /// # Errors
    /// If the row cannot be read.
    fn find(&self, id: &SignInId) -> impl Future<Output = Result<Option<SignIn>, BoxError>> + Send;

    /// Stores the time of the last use, unless a later one is stored.
    ///
    /// # Errors
    /// If it is not stored.
    fn touch(
        &self,
        id: &SignInId,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Ends the sign-in.
    ///
    /// # Errors
    /// If it is not stored.
    fn end(&self, id: &SignInId) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Ends all sign-ins of the account but this one.
    ///
    /// # Errors
    /// If it is not stored.
    fn end_others(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Deletes the sign-ins whose last use is at least [`ENDED_KEPT`](Self::ENDED_KEPT) seconds
    /// before `idle_since`. So each sign-in that ended while it was not idle stays long enough. It
    /// may also delete those that began so long before `begun_before`: they are no longer used, and
    /// become idle. Call it regularly.
    ///
    /// # Errors
    /// If they are not deleted.
    fn purge(
        &self,
        idle_since: Timestamp,
        begun_before: Timestamp,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A store of records with a table of sign-ins beside it.
///
/// [`Separate`](crate::Separate) makes one from any store. A store that writes both in one
/// transaction is better: then an accepted code and its sign-in are stored together, or not at all.
pub trait SignInStore: Store + Clone + 'static {
    /// The table of sign-ins.
    type Rows: SignInRows;

    /// Whether [`with`](Self::with) writes the rows in the transaction of the record. If not, the
    /// gate writes them after the record.
    const IN_TRANSACTION: bool;

    /// Returns the table of sign-ins.
    fn rows(&self) -> &Self::Rows;

    /// Returns the store for one request, which writes these rows in the transaction of the record:
    ///
    /// - with [`WriteKind::Accepted`](countersign::store::WriteKind::Accepted),
    ///   [`DeviceTrusted`](countersign::store::WriteKind::DeviceTrusted) and
    ///   [`Enrolled`](countersign::store::WriteKind::Enrolled): inserts the sign-in, if one is
    ///   named
    /// - with `Enrolled`: sets the flag `On`; with `Disabled`: sets it `Off`
    /// - with `Enrolled`, `Removed` and `Disabled`: ends the account's other sign-ins, but neither
    ///   `keep` nor the new one
    /// - if it has an outbox: the event of the write, with [`RowsOfRequest::cause`]
    #[must_use]
    fn with(&self, rows: RowsOfRequest) -> Self;
}

/// The rows that one request writes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RowsOfRequest {
    /// A sign-in to insert with an accepted code, or with the token of a trusted device.
    pub new: Option<NewSignIn>,
    /// The sign-in that a change does not end.
    pub keep: Option<SignInId>,
    /// The browser or program that sends the request, for the outbox.
    pub client: Client,
}

impl RowsOfRequest {
    pub(crate) fn inserting(new: NewSignIn) -> Self {
        Self {
            new: Some(new),
            ..Self::default()
        }
    }

    pub(crate) fn keeping(id: &SignInId) -> Self {
        Self {
            keep: Some(id.clone()),
            ..Self::default()
        }
    }
}
