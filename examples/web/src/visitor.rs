use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::runtime::Clock;
use countersign::{EnrollmentId, Receipt, SealedReceipt, Timestamp};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::app::App;
use crate::cookie::Standing;
use crate::failure::Failure;
use crate::frame::{Flash, Frame};
use crate::token;
use crate::users::User;

/// Whoever sent the request, with what the server keeps for the browser. Anybody is a visitor.
pub(crate) struct Visitor {
    session: Session,
    standing: Standing,
}

/// How far somebody has come. The server's session holds it, so nobody can forge it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// The password was right, and a code is to follow. Opens the code page and nothing else.
    Half {
        user: i64,
        password_checked_at: Timestamp,
    },
    /// Signed in.
    Full(SignIn),
}

/// A sign-in. It counts only as long as its row is in the table.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) password_checked_at: Timestamp,
    /// Of the second factor, half of the proof for a change. `None`: the account had none.
    pub(crate) receipt: Option<KeptReceipt>,
}

/// A receipt as the session keeps it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptReceipt {
    /// When the code was accepted. It tells what to ask for; the verifier itself goes by the sealed time.
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

/// An enrollment that was begun in this session, and what it is to be.
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
    /// What all pages have, with the flash, which is shown once.
    pub(crate) async fn frame(&self, title: &'static str) -> Result<Frame, Failure> {
        Ok(Frame {
            csrf: self.csrf().await?,
            flash: self.take(FLASH).await?,
            ..Frame::bare(title)
        })
    }

    pub(crate) async fn stage(&self) -> Result<Option<Stage>, Failure> {
        Ok(self.session.get(STAGE).await?)
    }

    /// Begins anew at this stage, whatever session there was: the password was right.
    pub(crate) async fn begin(&self, stage: Stage) -> Result<(), Failure> {
        self.standing.begin();
        self.enter(stage).await.map(|_| ())
    }

    /// Goes on to another stage: a session with a new id, and with nothing of the old one. Says whether this request may:
    /// if another one has ended or replaced the session meanwhile, that one's answer has the cookie.
    pub(crate) async fn enter(&self, stage: Stage) -> Result<bool, Failure> {
        self.session.clear().await;
        self.session.cycle_id().await?;
        self.session.insert(CSRF, token::new()?).await?;
        self.session.insert(STAGE, stage).await?;
        Ok(!self.standing.is_old())
    }

    /// Ends the session.
    pub(crate) async fn leave(&self) -> Result<(), Failure> {
        Ok(self.session.flush().await?)
    }

    /// Leaves words for the next page.
    pub(crate) async fn say(&self, flash: Flash) -> Result<(), Failure> {
        Ok(self.session.insert(FLASH, flash).await?)
    }

    /// Leaves words for the next page, and goes there.
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

    /// The digest of the sheet of backup codes that was shown last, until the owner says that it is saved.
    pub(crate) async fn sheet(&self) -> Result<Option<String>, Failure> {
        Ok(self.session.get(SHEET).await?)
    }

    pub(crate) async fn set_sheet(&self, digest: &str) -> Result<(), Failure> {
        Ok(self.session.insert(SHEET, digest).await?)
    }

    pub(crate) async fn forget_sheet(&self) -> Result<(), Failure> {
        self.take::<String>(SHEET).await.map(|_| ())
    }

    async fn csrf(&self) -> Result<String, Failure> {
        if let Some(token) = self.session.get(CSRF).await? {
            return Ok(token);
        }
        // The form needs a session to come back to, also in a browser that has an old cookie.
        self.standing.begin();
        let token = token::new()?;
        self.session.insert(CSRF, &token).await?;
        Ok(token)
    }

    async fn take<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        // Asked first, because removing counts as a change, and a change is a write.
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
        let standing = parts.extensions.get::<Standing>().cloned();
        let (session, standing) = session.zip(standing).ok_or(NoSessionLayer)?;
        Ok(Self { session, standing })
    }
}

/// Somebody whose password was right a short while ago, and whose code is still to come.
pub(crate) struct Half {
    pub(crate) visitor: Visitor,
    pub(crate) user: User,
    pub(crate) password_checked_at: Timestamp,
}

impl FromRequestParts<App> for Half {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let (user, password_checked_at) = match visitor.stage().await? {
            Some(Stage::Half {
                user,
                password_checked_at,
            }) => (user, password_checked_at),
            Some(Stage::Full(_)) => return Err(Failure::see("/account")),
            None => return Err(Failure::see("/sign-in")),
        };
        let age = app.clock().now().saturating_since(password_checked_at);
        let user = app
            .users()
            .by_id(user)
            .await
            .map_err(crate::failure::Boxed)?;
        match user {
            Some(user) if age <= HALF_LASTS => Ok(Self {
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

/// Somebody who is signed in.
pub(crate) struct Member {
    pub(crate) visitor: Visitor,
    pub(crate) user: User,
    pub(crate) sign_in: SignIn,
}

impl Member {
    pub(crate) async fn frame(&self, app: &App, title: &'static str) -> Result<Frame, Failure> {
        Ok(Frame {
            email: Some(self.user.email.clone()),
            operator: self.is_operator(app),
            ..self.visitor.frame(title).await?
        })
    }

    /// Operators are named when the service is started, and have given a second factor.
    fn is_operator(&self, app: &App) -> bool {
        self.sign_in.receipt.is_some() && app.operators().contains(&self.user.email)
    }

    /// Keeps what has changed of the sign-in.
    pub(crate) async fn keep(&self) -> Result<(), Failure> {
        let stage = Stage::Full(self.sign_in.clone());
        Ok(self.visitor.session.insert(STAGE, stage).await?)
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let sign_in = match visitor.stage().await? {
            Some(Stage::Full(sign_in)) => sign_in,
            Some(Stage::Half { .. }) => return Err(Failure::see("/sign-in/code")),
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

/// A member who may see `/admin`. To everybody else there is no such page.
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
const SHEET: &str = "sheet";

/// How long after the password the code may come, in seconds.
const HALF_LASTS: u64 = 10 * 60;
