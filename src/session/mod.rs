//! The stages of a session, without I/O: what a user may reach before and after the second factor.
//!
//! The verifier cannot be fooled, but your application can forget to ask it. These types are for
//! that part. Your application keeps a [`Stage`] per session, and asks [`Stage::admit`] before it
//! shows a page. A session becomes a full one only by [`HalfSession::pass`], with a [`Passed`]. And
//! only the verifier makes a `Passed`: from the [`Receipt`](crate::Receipt) of a code that it
//! accepted in this call, or because [`Verifier::after_first_factor`] found that the account has no
//! second factor and needs none.
//!
//! The packages countersign-axum and countersign-actix build on this module: there, every route is
//! closed unless you open it.
//!
//! ```
//! use countersign::session::{
//!     Access, FactorFlag, HalfSession, NextStep, Requirement, Stage,
//! };
//! use countersign::store::MemoryStore;
//! use countersign::{AccountId, FirstFactor, KeyId, Keyring, SealingKey, Timestamp, Verifier};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # countersign::testing::block_on(async {
//! let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
//! let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example").build()?;
//! let alice = AccountId::new("alice")?;
//!
//! // You have just checked the password. Renew the id of the session, and store the half session.
//! let now = Timestamp::now();
//! let half = HalfSession::new(alice.clone(), FirstFactor::password(now));
//! let stage = Stage::FirstFactor(half.clone());
//! assert!(stage.admit(Access::Full, now).is_err());
//!
//! // Ask what comes next. The flag is from your own table of users.
//! let flag = FactorFlag::Off;
//! match verifier.after_first_factor(&alice, flag, &Requirement::Optional).await? {
//!     // Show the code page, and then call `half.pass(verifier.verify(..).await?.into(), now)`.
//!     NextStep::EnterCode(_) => unreachable!("alice has no second factor"),
//!     // Insert a row for the sign-in, renew the id of the session again, and let it name the row.
//!     NextStep::Passed(passed) => {
//!         let full = half.pass(passed, now)?;
//!         assert_eq!(full.account(), &alice);
//!         assert!(Stage::from(&full).admit(Access::Full, now).is_ok());
//!     }
//!     other => return Err(format!("alice cannot sign in: {other:?}").into()),
//! }
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # Needs
//!
//! The feature `verifier`.
//!
//! [`Verifier::after_first_factor`]: crate::Verifier::after_first_factor

mod freshness;
mod next_step;
mod passed;
mod requirement;
mod stage;

pub use freshness::{Freshness, StepUp};
pub use next_step::NextStep;
pub(crate) use next_step::next_step;
pub use passed::{Passed, SecondFactorUse, SignInFactors};
pub use requirement::{Exemption, FactorFlag, Requirement};
pub use stage::{Access, FullSession, HalfSession, PassError, Refused, Stage};
