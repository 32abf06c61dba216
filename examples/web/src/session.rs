use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::runtime::Clock;
use countersign::{EnrollmentId, Receipt, SealedReceipt, Timestamp};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::app::App;
use crate::cookie::SessionState;
use crate::failure::Failure;
use crate::layout::{Flash, Layout};
use crate::token;
use crate::users::User;

/// The sender of a request, with the session of the browser. Everybody is a visitor.
pub(crate) struct Visitor {
    session: Session,
    state: SessionState,
}

/// The stage of a sign-in. It is stored on the server, so nobody can forge it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The password was correct, and the code is missing. This stage reaches only the code page.
    Partial {
        user: i64,
        password_checked_at: Timestamp,
    },
    /// Signed in.
    SignedIn(SignIn),
}

/// A sign-in. It is valid only while its row is in the table.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) password_checked_at: Timestamp,
    /// The receipt of the second factor, for the proof of a change. `None`: the account had no
    /// second factor.
    pub(crate) receipt: Option<KeptReceipt>,
}

/// A receipt, as the session stores it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptReceipt {
    /// The time when the code was accepted. The pages use it to decide what to ask for; the
    /// verifier reads the sealed time.
    pub(crate) at: Timestamp,
    pub(crate) sealed: SealedReceipt,
}

impl KeptReceipt {
    pub(crate) fn of(app: &App, receipt: &Receipt) -> Self {
        Self {
            at: receipt.at(),
            sealed: app.verifier().seal_receipt(receipt),
        }
    }
}

/// An enrollment that was started in this session, and its purpose.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) id: EnrollmentId,
    pub(crate) purpose: Purpose,
}

#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) enum Purpose {
    First,
    Another { name: String },
    Replacement { name: String },
}

impl Visitor {
    /// The parts of every page, with the flash message, which is shown once.
    pub(crate) async fn layout(&self, title: &'static str) -> Result<Layout, Failure> {
        Ok(Layout {
            csrf: self.csrf().await?,
            flash: self.take(FLASH).await?,
            ..Layout::bare(title)
        })
    }

    pub(crate) async fn stage(&self) -> Result<Option<Stage>, Failure> {
        Ok(self.session.get(STAGE).await?)
    }

    /// Starts a new session at this stage, because the password was correct.
    pub(crate) async fn begin(&self, stage: Stage) -> Result<(), Failure> {
        self.state.start();
        self.enter(stage).await.map(|_| ())
    }

    /// Moves to another stage, in a new session with a new id and no other data. Returns false if
    /// another request has ended or replaced the session meanwhile: then the answer of that request
    /// sets the cookie.
    pub(crate) async fn enter(&self, stage: Stage) -> Result<bool, Failure> {
        self.session.clear().await;
        self.session.cycle_id().await?;
        self.session.insert(CSRF, token::new()?).await?;
        self.session.insert(STAGE, stage).await?;
        Ok(!self.state.is_old())
    }

    /// Ends the session.
    pub(crate) async fn leave(&self) -> Result<(), Failure> {
        Ok(self.session.flush().await?)
    }

    /// Stores a message for the next page.
    pub(crate) async fn say(&self, flash: Flash) -> Result<(), Failure> {
        Ok(self.session.insert(FLASH, flash).await?)
    }

    /// Stores a message for the next page, and redirects to it.
    pub(crate) async fn say_at(&self, flash: Flash, path: &str) -> Result<Response, Failure> {
        self.say(flash).await?;
        Ok(Redirect::to(path).into_response())
    }

    pub(crate) async fn setup(&self) -> Result<Option<Setup>, Failure> {
        Ok(self.session.get(SETUP).await?)
    }

    pub(crate) async fn set_setup(&self, setup: &Setup) -> Result<(), Failure> {
        Ok(self.session.insert(SETUP, setup).await?)
    }

    pub(crate) async fn forget_setup(&self) -> Result<(), Failure> {
        self.take::<Setup>(SETUP).await.map(|_| ())
    }

    /// The hash of the backup-code file that was shown last, until the user confirms that it is
    /// saved.
    pub(crate) async fn file(&self) -> Result<Option<String>, Failure> {
        Ok(self.session.get(FILE).await?)
    }

    pub(crate) async fn set_file(&self, hash: &str) -> Result<(), Failure> {
        Ok(self.session.insert(FILE, hash).await?)
    }

    pub(crate) async fn forget_file(&self) -> Result<(), Failure> {
        self.take::<String>(FILE).await.map(|_| ())
    }

    async fn csrf(&self) -> Result<String, Failure> {
        if let Some(token) = self.session.get(CSRF).await? {
            return Ok(token);
        }
        // The form needs a session, even in a browser with an old cookie.
        self.state.start();
        let token = token::new()?;
        self.session.insert(CSRF, &token).await?;
        Ok(token)
    }

    async fn take<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        // Reads first, because `remove` marks the session as changed, which causes a write.
        match self.session.get::<T>(key).await? {
            Some(_) => Ok(self.session.remove(key).await?),
            None => Ok(None),
        }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let session = parts.extensions.get::<Session>().cloned();
        let state = parts.extensions.get::<SessionState>().cloned();
        let (session, state) = session.zip(state).ok_or(NoSessionLayer)?;
        Ok(Self { session, state })
    }
}

/// A user whose password was correct recently, and whose code is missing.
pub(crate) struct Partial {
    pub(crate) visitor: Visitor,
    pub(crate) user: User,
    pub(crate) password_checked_at: Timestamp,
}

impl FromRequestParts<App> for Partial {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let (user, password_checked_at) = match visitor.stage().await? {
            Some(Stage::Partial {
                user,
                password_checked_at,
            }) => (user, password_checked_at),
            Some(Stage::SignedIn(_)) => return Err(Failure::see("/account")),
            None => return Err(Failure::see("/sign-in")),
        };
        let age = app.clock().now().saturating_since(password_checked_at);
        let user = app
            .users()
            .by_id(user)
            .await
            .map_err(crate::failure::Boxed)?;
        match user {
            Some(user) if age <= PARTIAL_LIFETIME => Ok(Self {
                visitor,
                user,
                password_checked_at,
            }),
            _ => {
                visitor.leave().await?;
                Err(Failure::see("/sign-in?ended"))
            }
        }
    }
}

/// A user who is signed in.
pub(crate) struct Member {
    pub(crate) visitor: Visitor,
    pub(crate) user: User,
    pub(crate) sign_in: SignIn,
}

impl Member {
    pub(crate) async fn layout(&self, app: &App, title: &'static str) -> Result<Layout, Failure> {
        Ok(Layout {
            email: Some(self.user.email.clone()),
            operator: self.is_operator(app),
            ..self.visitor.layout(title).await?
        })
    }

    /// Operators are listed when the service starts, and must have used a second factor.
    fn is_operator(&self, app: &App) -> bool {
        self.sign_in.receipt.is_some() && app.operators().contains(&self.user.email)
    }

    /// Stores the changed sign-in in the session.
    pub(crate) async fn keep(&self) -> Result<(), Failure> {
        let stage = Stage::SignedIn(self.sign_in.clone());
        Ok(self.visitor.session.insert(STAGE, stage).await?)
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let sign_in = match visitor.stage().await? {
            Some(Stage::SignedIn(sign_in)) => sign_in,
            Some(Stage::Partial { .. }) => return Err(Failure::see("/sign-in/code")),
            None => return Err(Failure::see("/sign-in")),
        };
        let user = app.users().signed_in(&sign_in.id).await;
        match user.map_err(crate::failure::Boxed)? {
            Some(user) => Ok(Self {
                visitor,
                user,
                sign_in,
            }),
            None => {
                visitor.leave().await?;
                Err(Failure::see("/sign-in?ended"))
            }
        }
    }
}

/// A member who may see `/admin`. Everybody else gets 404.
pub(crate) struct Operator(pub(crate) Member);

impl FromRequestParts<App> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        if app.operators().is_empty() {
            return Err(Failure::not_found());
        }
        let member = Member::from_request_parts(parts, app).await?;
        if member.is_operator(app) {
            Ok(Self(member))
        } else {
            Err(Failure::not_found())
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the route has no session layer")]
struct NoSessionLayer;

pub(crate) const CSRF: &str = "csrf";
const FLASH: &str = "flash";
const STAGE: &str = "stage";
const SETUP: &str = "setup";
const FILE: &str = "file";

/// The time for entering the code after the password, in seconds.
const PARTIAL_LIFETIME: u64 = 10 * 60;
