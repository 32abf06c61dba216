//! How the tests open a store, and what each case does with it.

use countersign::session::FactorFlag;
use countersign::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{AccountId, FirstFactorKind, KeyId, Timestamp};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::accounts::BoxError;
use crate::sign_ins::{NewSignIn, RowsOfRequest, SignIn, SignInId, SignInRows, SignInStore};

/// How the tests open your store.
///
/// The harness of a store on tokio holds the tokio runtime, and runs the futures on it.
pub trait Harness: Sync {
    /// The store to check.
    type Store: SignInStore;

    /// Opens another handle on the same database.
    fn open(&self) -> Self::Store;

    /// Runs a future of the store to its end. The default is for stores that need no runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }

    /// Returns an account of this number, which is random. Write another method if your column
    /// takes only certain ids, or if a foreign key needs a user first.
    fn account(&self, number: u64) -> AccountId {
        let text = format!("sign-in-{number:x}");
        AccountId::new(text).unwrap_or_else(|_| AccountId::from(number))
    }

    /// Returns accounts whose ids are similar, also random. The default has other letters, spaces
    /// and quotes.
    fn similar_accounts(&self, number: u64) -> Vec<AccountId> {
        let names = [
            "Bob",
            "bob",
            "B\u{F6}b",
            "B'ob",
            "B\"ob",
            "B`ob",
            "%",
            "_",
            "\u{1F511}",
            "0",
        ];
        let names = names
            .into_iter()
            .flat_map(|name| [format!("{number:x}{name}"), format!("{number:x}{name} ")]);
        names.filter_map(|name| AccountId::new(name).ok()).collect()
    }
}

/// Makes a sign-in for a test of your own table. In a service, only the gate makes one.
#[must_use]
pub const fn new_sign_in(id: SignInId, account: AccountId, at: Timestamp) -> NewSignIn {
    NewSignIn {
        id,
        account,
        at,
        first_factor: FirstFactorKind::Password,
    }
}

/// A case that the store failed: what the case expected, and what the store did.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    case: &'static str,
    expected: String,
    seen: String,
}

impl Failure {
    /// The name of the case.
    #[must_use]
    pub const fn case(&self) -> &'static str {
        self.case
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            expected,
            seen,
        } = self;
        write!(f, "{case}\n  expected: {expected}\n  seen: {seen}")
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Error for Failure {}

/// A case that runs.
pub(super) struct Run<'h, H: Harness> {
    case: &'static str,
    harness: &'h H,
    pub(super) store: H::Store,
}

/// A write that can be sent again.
pub(super) struct Planned {
    expected: Option<Revision>,
    pub(super) revision: Revision,
    record: [u8; 8],
    kind: WriteKind,
}

impl Planned {
    pub(super) const fn write(&self) -> ConditionalWrite<'_> {
        let summary = Summary::new(true, 7, KeyId::new(1));
        ConditionalWrite::put(
            self.expected,
            self.revision,
            &self.record,
            self.kind,
            summary,
        )
    }
}

impl<'h, H: Harness> Run<'h, H> {
    pub(super) fn new(case: &'static str, harness: &'h H) -> Self {
        Self {
            case,
            harness,
            store: harness.open(),
        }
    }

    pub(super) fn open(&self) -> H::Store {
        self.harness.open()
    }

    pub(super) fn rows(&self) -> &<H::Store as SignInStore>::Rows {
        self.store.rows()
    }

    pub(super) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        Failure {
            case: self.case,
            expected: expected.into(),
            seen: seen.into(),
        }
    }

    pub(super) fn expect(&self, holds: bool, expected: &str) -> Result<(), Failure> {
        if holds {
            Ok(())
        } else {
            Err(self.failure(expected, "something else"))
        }
    }

    pub(super) fn ok<T>(&self, result: Result<T, BoxError>) -> Result<T, Failure> {
        result.map_err(|error| {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(error) = source {
                text = format!("{text}: {error}");
                source = error.source();
            }
            self.failure("an answer", text)
        })
    }

    pub(super) fn random(&self) -> Result<u64, Failure> {
        getrandom::u64().map_err(|error| self.failure("a random number", error.to_string()))
    }

    pub(super) fn account(&self) -> Result<AccountId, Failure> {
        Ok(self.harness.account(self.random()?))
    }

    pub(super) fn similar_accounts(&self) -> Result<Vec<AccountId>, Failure> {
        Ok(self.harness.similar_accounts(self.random()?))
    }

    /// A sign-in with a new id.
    pub(super) fn sign_in(&self, account: &AccountId, at: u64) -> Result<NewSignIn, Failure> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| self.failure("a random number", error.to_string()))?;
        let at = Timestamp::from_unix(at);
        Ok(new_sign_in(SignInId::from_bytes(id), account.clone(), at))
    }

    pub(super) async fn inserted(
        &self,
        account: &AccountId,
        at: u64,
    ) -> Result<NewSignIn, Failure> {
        let new = self.sign_in(account, at)?;
        self.ok(self.rows().insert(&new).await)?;
        Ok(new)
    }

    pub(super) async fn find(&self, new: &NewSignIn) -> Result<Option<SignIn>, Failure> {
        self.ok(self.rows().find(new.id()).await)
    }

    pub(super) async fn expect_live(&self, new: &NewSignIn, when: &str) -> Result<(), Failure> {
        let found = self.find(new).await?;
        let expected = found.filter(|row| row.account == *new.account());
        self.expect(expected.is_some(), &format!("the sign-in {when}"))
    }

    pub(super) async fn expect_gone(&self, new: &NewSignIn, when: &str) -> Result<(), Failure> {
        let found = self.find(new).await?;
        self.expect(found.is_none(), &format!("no sign-in {when}"))
    }

    pub(super) async fn expect_flag(
        &self,
        account: &AccountId,
        flag: FactorFlag,
        when: &str,
    ) -> Result<(), Failure> {
        let stored = self.ok(self.rows().flag(account).await)?;
        let (expected, seen) = (format!("{flag:?} {when}"), format!("{stored:?}"));
        if stored == flag {
            Ok(())
        } else {
            Err(self.failure(expected, seen))
        }
    }

    pub(super) fn plan(
        &self,
        expected: Option<Revision>,
        kind: WriteKind,
    ) -> Result<Planned, Failure> {
        let number = self.random()?;
        let positive = i64::try_from(number >> 1).unwrap_or(1).max(1);
        let revision = Revision::from_i64(positive)
            .map_err(|error| self.failure("a revision", error.to_string()))?;
        Ok(Planned {
            expected,
            revision,
            record: number.to_be_bytes(),
            kind,
        })
    }

    pub(super) async fn send(
        &self,
        store: &H::Store,
        account: &AccountId,
        planned: &Planned,
    ) -> Result<WriteResult, Failure> {
        let answer = store.compare_and_swap(account, planned.write()).await;
        self.ok(answer.map_err(Into::into))
    }

    pub(super) async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Failure> {
        let answer = self.store.load(account).await;
        self.ok(answer.map_err(Into::into))
    }

    /// Writes in the store of a request, and expects `Done`.
    pub(super) async fn done(
        &self,
        rows: RowsOfRequest,
        account: &AccountId,
        expected: Option<Revision>,
        kind: WriteKind,
    ) -> Result<Revision, Failure> {
        let planned = self.plan(expected, kind)?;
        let result = self.send(&self.store.with(rows), account, &planned).await?;
        let why = format!("Done for a write of the kind {kind:?}");
        self.expect(result == WriteResult::Done, &why)?;
        Ok(planned.revision)
    }

    /// A new account with a second factor.
    pub(super) async fn enrolled(&self) -> Result<(AccountId, Revision), Failure> {
        let account = self.account()?;
        let none = RowsOfRequest::default;
        let began = self
            .done(none(), &account, None, WriteKind::Enrolling)
            .await?;
        let revision = self
            .done(none(), &account, Some(began), WriteKind::Enrolled)
            .await?;
        Ok((account, revision))
    }
}

/// The rows of a request.
pub(super) fn with(new: Option<&NewSignIn>, keep: Option<&NewSignIn>) -> RowsOfRequest {
    RowsOfRequest {
        new: new.cloned(),
        keep: keep.map(|sign_in| sign_in.id().clone()),
        ..RowsOfRequest::default()
    }
}

pub(super) type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs the futures at the same time, and returns their outputs in the same order.
pub(super) async fn join<T>(tasks: Vec<Task<'_, T>>) -> Vec<T> {
    let mut running: Vec<_> = tasks.into_iter().map(|task| (task, None)).collect();
    poll_fn(|context| {
        let mut all = true;
        for (task, output) in &mut running {
            if output.is_none() {
                match task.as_mut().poll(context) {
                    Poll::Ready(ready) => *output = Some(ready),
                    Poll::Pending => all = false,
                }
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

/// The time of the tests.
pub(super) const NOW: u64 = 1_800_000_000;
