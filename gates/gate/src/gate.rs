use countersign::runtime::{Clock, SystemClock};
use countersign::session::Access;
use countersign::{AccountId, Actor, FirstFactorKind, Verifier};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::accounts::{Accounts, BoxError};
use crate::exchange::{GateAnswer, GateRequest};
use crate::flow::Flow;
use crate::random;
use crate::render::Pages;
use crate::session_data::{Flash, SessionChange};
use crate::sign_ins::{SignInId, SignInStore};
use crate::words::Language;
use countersign::session::SignInFactors;

/// The gate: every first factor enters by it, and every closed page asks it. Cloning it is cheap.
#[derive(Clone)]
pub struct Gate(Arc<dyn Engine>);

/// The settings of a gate.
pub(crate) struct Settings {
    pub(crate) prefix: String,
    pub(crate) sign_in: String,
    pub(crate) home: String,
    pub(crate) service: String,
    pub(crate) languages: Vec<Language>,
    pub(crate) pages: Box<dyn Pages>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) idle: u64,
    pub(crate) longest: u64,
    pub(crate) devices: bool,
}

/// What the gate needs from its generic part.
pub(crate) trait Engine: Send + Sync {
    fn settings(&self) -> &Settings;
    fn handle(self: Arc<Self>, request: GateRequest) -> Answering;
    fn admit(self: Arc<Self>, request: GateRequest, access: Access) -> Pending<Admission>;
    fn first_factor(
        self: Arc<Self>,
        request: GateRequest,
        account: AccountId,
        kind: FirstFactorKind,
    ) -> Answering;
    fn sign_out(self: Arc<Self>, request: GateRequest) -> Answering;
    fn end_sign_ins(
        self: Arc<Self>,
        account: AccountId,
        keep: Option<SignInId>,
    ) -> Pending<Result<(), BoxError>>;
    fn password_changed(
        self: Arc<Self>,
        account: AccountId,
        keep: Option<SignInId>,
    ) -> Pending<Result<(), BoxError>>;
    fn force_disable(
        self: Arc<Self>,
        account: AccountId,
        actor: Actor,
    ) -> Pending<Result<(), BoxError>>;
    fn purge(self: Arc<Self>) -> Pending<Result<(), BoxError>>;
}

pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Answering = Pending<GateAnswer>;

/// Whether a request may have a page.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "lives for one request, on the stack"
)]
pub enum Admission {
    /// It may.
    Granted(Visitor),
    /// It may not: send this answer.
    Refused(GateAnswer),
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Visitor {
    /// Nobody is known.
    Anonymous,
    /// The first factor was right, and the second factor is missing.
    Half {
        /// The account.
        account: AccountId,
    },
    /// A full session.
    Full(SignedInVisitor),
}

/// The sender of a request with a full session.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct SignedInVisitor {
    /// The account.
    pub account: AccountId,
    /// The sign-in.
    pub sign_in: SignInId,
    /// The factors.
    pub factors: SignInFactors,
    /// The token for the forms of your own pages, in the field `csrf`.
    pub csrf: String,
}

impl SignedInVisitor {
    /// Whether a form of your own page sent this token, compared in constant time.
    #[must_use]
    pub fn sent_token(&self, token: &str) -> bool {
        random::is_token(&self.csrf, token)
    }
}

/// Hides the token.
impl fmt::Debug for SignedInVisitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedInVisitor")
            .field("account", &self.account)
            .field("factors", &self.factors)
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Returns a builder.
    pub fn builder<S: SignInStore, A: Accounts>(
        verifier: Verifier<S>,
        accounts: A,
    ) -> GateBuilder<S, A> {
        GateBuilder::new(verifier, accounts)
    }

    /// The path of the gate's pages, without a slash at the end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0.settings().prefix
    }

    /// Your sign-in page.
    #[must_use]
    pub fn sign_in_path(&self) -> &str {
        &self.0.settings().sign_in
    }

    /// Answers a request for one of the gate's own pages. It runs to its end even if the connection
    /// is dropped.
    pub async fn handle(&self, request: GateRequest) -> GateAnswer {
        Arc::clone(&self.0).handle(request).await
    }

    /// Whether a request may have one of your pages. The body of the request is not needed.
    pub async fn admit(&self, request: GateRequest, access: Access) -> Admission {
        Arc::clone(&self.0).admit(request, access).await
    }

    /// Lets a user in whose first factor your application has just checked. This is the only door:
    /// call it for every first factor, and do not change the session in any other way.
    ///
    /// The answer renews the id of the session. It leads to the code page, to an enrollment, or to
    /// your first page. A password in a form from another site gets status 403, if the browser says
    /// so: otherwise another site could sign the user in to somebody else's account.
    pub async fn first_factor(
        &self,
        request: GateRequest,
        account: AccountId,
        kind: FirstFactorKind,
    ) -> GateAnswer {
        let engine = Arc::clone(&self.0);
        engine.first_factor(request, account, kind).await
    }

    /// Takes the message for the next page out of a session: that a backup code was used, for
    /// example. Show it on the page that a user sees after the sign-in.
    ///
    /// Returns the text, and the change of the session.
    #[must_use]
    pub fn take_message(&self, request: &GateRequest) -> Option<(String, SessionChange)> {
        let settings = self.0.settings();
        let mut data = request.session.clone();
        // The message of a form that was refused belongs to the page of the form.
        let Flash { say, .. } = data.flash.take().filter(|flash| flash.say.is_good())?;
        let languages = request.headers.accept_language.as_deref();
        let language = Language::preferred(languages, &settings.languages);
        let text = say.text(settings.pages.words(language));
        Some((text, SessionChange::Store(data)))
    }

    /// Ends the sign-in and the session of a request.
    pub async fn sign_out(&self, request: GateRequest) -> GateAnswer {
        Arc::clone(&self.0).sign_out(request).await
    }

    /// Ends all sign-ins of an account but this one. After a change of the password, call
    /// [`password_changed`](Self::password_changed) instead.
    ///
    /// A session whose second factor is still missing names no sign-in yet. After a change of the
    /// password, [`Accounts::password_changed_at`] ends it.
    ///
    /// # Errors
    /// If they are not ended.
    pub async fn end_sign_ins(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        let engine = Arc::clone(&self.0);
        engine.end_sign_ins(account.clone(), keep.cloned()).await
    }

    /// Ends what somebody may have who knew the old password: known devices, a pending enrollment,
    /// and all sign-ins but this one. Call it after you stored a new password.
    ///
    /// # Errors
    /// If they are not ended. Call it again.
    pub async fn password_changed(
        &self,
        account: &AccountId,
        keep: Option<&SignInId>,
    ) -> Result<(), BoxError> {
        let engine = Arc::clone(&self.0);
        engine
            .password_changed(account.clone(), keep.cloned())
            .await
    }

    /// Switches the second factor off without a proof, sets the flag of the account, and ends all
    /// of its sign-ins. A session whose second factor is still missing reaches nothing afterwards.
    /// Your staff must first check who asks. The event of the write names the actor.
    ///
    /// This also helps an owner whose record is lost. It runs to its end even if you drop it. The
    /// owner gets the notice [`What::Disabled`](crate::What::Disabled). Call it instead of
    /// [`Verifier::force_disable`], which does not know your flag.
    ///
    /// # Errors
    /// If it is not stored. Call it again.
    pub async fn force_disable(&self, account: &AccountId, actor: &Actor) -> Result<(), BoxError> {
        let engine = Arc::clone(&self.0);
        engine.force_disable(account.clone(), actor.clone()).await
    }

    /// Deletes the sign-ins that are over. Call it regularly.
    ///
    /// # Errors
    /// If they are not deleted.
    pub async fn purge(&self) -> Result<(), BoxError> {
        Arc::clone(&self.0).purge().await
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("prefix", &self.prefix())
            .finish_non_exhaustive()
    }
}

/// Builds a [`Gate`].
#[must_use]
pub struct GateBuilder<S, A> {
    verifier: Verifier<S>,
    accounts: A,
    settings: Settings,
}

impl<S: SignInStore, A: Accounts> GateBuilder<S, A> {
    fn new(verifier: Verifier<S>, accounts: A) -> Self {
        Self {
            settings: Settings {
                prefix: "/two-factor".to_owned(),
                sign_in: "/sign-in".to_owned(),
                home: "/".to_owned(),
                service: "Service".to_owned(),
                languages: vec![Language::English, Language::German],
                pages: Box::new(crate::DefaultPages::new()),
                clock: Box::new(SystemClock),
                idle: 30 * 60,
                longest: 12 * 60 * 60,
                devices: false,
            },
            verifier,
            accounts,
        }
    }

    /// Where the gate's pages are. Default: `/two-factor`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// Where your sign-in page is. Default: `/sign-in`.
    pub fn sign_in_path(mut self, path: impl Into<String>) -> Self {
        self.settings.sign_in = path.into();
        self
    }

    /// Where a user goes after the sign-in. Default: `/`.
    pub fn home_path(mut self, path: impl Into<String>) -> Self {
        self.settings.home = path.into();
        self
    }

    /// The name of your service on the pages.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.settings.service = name.into();
        self
    }

    /// The languages of the pages, the default first. The browser chooses. Default: English,
    /// German.
    pub fn languages(mut self, languages: impl IntoIterator<Item = Language>) -> Self {
        self.settings.languages = languages.into_iter().collect();
        self
    }

    /// Your own pages.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.settings.pages = Box::new(pages);
        self
    }

    /// The clock: the same as the verifier's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.settings.clock = Box::new(clock);
        self
    }

    /// After how many seconds without a request a sign-in ends, and after how many in any case.
    /// Default: half an hour, and twelve hours.
    pub const fn lifetimes(mut self, idle: u64, longest: u64) -> Self {
        self.settings.idle = idle;
        self.settings.longest = longest;
        self
    }

    /// Remembers browsers: after a code, a browser is a known device of the account
    /// ([`Verifier::remember_device`]). Default: no browser is remembered.
    ///
    /// Wrong codes of others do not keep a known browser out. If your policy allows trusted devices
    /// ([`PolicyBuilder::trusted_devices`](countersign::PolicyBuilder::trusted_devices)), the code
    /// page has a check box: "Do not ask for a code on this browser for 30 days". The token is in
    /// the cookie `__Host-device-` and a hash of the account, so the service needs TLS. The page
    /// `/devices` lists the browsers, and forgets them.
    ///
    /// Call [`Gate::password_changed`] after every change of a password. Install a version with
    /// devices on every server first: an earlier one cannot read the record of such an account.
    pub const fn remember_devices(mut self) -> Self {
        self.settings.devices = true;
        self
    }

    /// Returns the gate.
    pub fn build(self) -> Gate {
        Gate(Arc::new(Flow {
            verifier: self.verifier,
            accounts: self.accounts,
            settings: self.settings,
        }))
    }
}

impl<S, A> fmt::Debug for GateBuilder<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder").finish_non_exhaustive()
    }
}
