//! The second factor of a web service as a gate, without a web framework.
//!
//! Use countersign-axum or countersign-actix, which put this gate in front of a service. This
//! package has what they share: the rules, the pages, the words and the JSON.

mod accounts;
mod assets;
mod cause;
#[cfg(feature = "conformance")]
pub mod conformance;
mod device_cookie;
mod exchange;
mod flow;
mod gate;
mod json;
mod memory;
mod noted;
mod notice;
/// The content of the pages, before it becomes HTML or JSON.
pub mod page;
mod problem;
mod random;
mod render;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
mod say;
mod separate;
mod session_data;
mod sign_ins;
mod templates;
#[cfg(feature = "testing")]
pub mod testing;
mod view;
pub mod words;

pub use accounts::{Accounts, BoxError, PasswordCheck};
pub use assets::{script, style};
pub use cause::Cause;
pub use exchange::{GateAnswer, GateRequest, Headers};
pub use gate::{Admission, Gate, GateBuilder, SignedInVisitor, Visitor};
pub use memory::MemoryRows;
pub use noted::NotedRoute;
pub use notice::{Client, Notice, What};
pub use problem::Problem;
pub use render::{DefaultPages, Pages};
pub use separate::Separate;
pub use session_data::{Renewal, SessionChange, SessionData};
pub use sign_ins::{
    NewSignIn, RowsOfRequest, SignIn, SignInId, SignInIdError, SignInRows, SignInStore,
};

/// The second factor itself.
pub use countersign;
