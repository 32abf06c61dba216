use std::fmt;

use hyper::header::HeaderValue;
use serde::Serialize;
use tokio::sync::Mutex;

/// A user of etcd, and the token of its last login.
pub(crate) struct Login {
    user: String,
    password: String,
    /// Locked by the one call that logs in. The others then use its token.
    pub(crate) token: Mutex<Option<HeaderValue>>,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    password: &'a str,
}

impl Login {
    pub(crate) fn new(user: String, password: String) -> Self {
        Self {
            user,
            password,
            token: Mutex::default(),
        }
    }

    /// The JSON text of a login.
    pub(crate) fn body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Body {
            name: &self.user,
            password: &self.password,
        })
    }

    /// Forgets a token that etcd does not accept any more, unless another call has replaced it.
    pub(crate) async fn forget(&self, refused: &HeaderValue) {
        let mut token = self.token.lock().await;
        if token.as_ref() == Some(refused) {
            *token = None;
        }
    }
}

impl fmt::Debug for Login {
    /// Shows the user only: no password, no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
