//! Sessions of actix-session 0.11.

mod order;
mod store;

pub(crate) use order::{answer_quietly, count_cookies};
pub use store::{ChosenKeys, GateSessions, KeyChoice, RandomKeys, SaveAs};

use actix_session::{Session, SessionExt};
use actix_web::HttpRequest;
use countersign_gate::{BoxError, Renewal, SessionData};

use crate::session::GateSession;
use order::Order;

/// The key of the gate's data in the session.
const KEY: &str = "countersign";

impl GateSession for Session {
    fn from_request(request: &HttpRequest) -> Option<Self> {
        Some(request.get_session())
    }

    async fn read(&self) -> Result<Option<String>, BoxError> {
        Ok(self.entries().get(KEY).cloned())
    }

    async fn write(&self, text: String) -> Result<(), BoxError> {
        // As a JSON object, not as a text in JSON: its quotes would need backslashes.
        Ok(self.insert(KEY, SessionData::from_text(&text))?)
    }

    async fn renew(&self, renewal: Renewal) -> Result<(), BoxError> {
        self.renew();
        self.write(renewal.text).await?;
        let key = format!("{:032x}", u128::from_be_bytes(renewal.id));
        Order::Renew {
            key,
            left: renewal.left,
        }
        .give();
        Ok(())
    }

    async fn end(&self, left: String) -> Result<(), BoxError> {
        self.purge();
        Order::End { left }.give();
        Ok(())
    }
}
