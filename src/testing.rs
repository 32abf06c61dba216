//! Helpers for your tests of your own sign-in: a clock that you set, and a phone with an app.
//!
//! [`ManualClock`] stands still until you move it, and [`Phone`] shows the passcodes of an
//! authenticator app. [`block_on`] runs the verifier without an async runtime.
//!
//! ```
//! use countersign::testing::{ManualClock, Phone};
//! use countersign::Timestamp;
//! use countersign::otp::Secret;
//! use countersign::uri::KeyUri;
//! use std::time::Duration;
//!
//! let clock = ManualClock::at(Timestamp::from_unix(59));
//! let secret = Secret::from_bytes(b"12345678901234567890")?;
//! let uri = KeyUri::totp(&secret, "alice").build()?;
//! let phone = Phone::scan(uri.to_secret_text().expose())?;
//! assert_eq!(phone.passcode(clock.now()), "287082");
//! clock.advance(Duration::from_secs(30));
//! assert_ne!(phone.passcode(clock.now()), "287082");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Needs
//!
//! The feature `verifier`.

use crate::Timestamp;
use crate::otp::Totp;
use crate::runtime::Clock;
use crate::uri::{KeyUri, KeyUriError, KeyUriKind};
use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::borrow::ToOwned;
use std::string::String;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};
use std::thread_local;

/// A clock that your test sets. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Makes a clock that stands at `time`.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(time.as_unix())))
    }

    /// Returns the time that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_unix(), Ordering::SeqCst);
    }

    /// Moves the clock forward, by whole seconds.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by.as_secs()));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// An authenticator app with one entry for TOTP. For HOTP, use [`Hotp`](crate::otp::Hotp).
#[derive(Clone, Debug)]
pub struct Phone(Totp);

impl Phone {
    /// Reads the text of a QR code, as an app does.
    ///
    /// # Errors
    /// [`KeyUriError`] if the text is not a valid key URI for TOTP.
    pub fn scan(key_uri: &str) -> Result<Self, KeyUriError> {
        let uri = KeyUri::parse(key_uri)?;
        match uri.kind() {
            KeyUriKind::Totp { period } => Ok(Self(Totp::new(
                uri.secret().expose(),
                uri.algorithm(),
                uri.digits(),
                period,
            ))),
            KeyUriKind::Hotp { .. } => Err(KeyUriError::Type),
            #[cfg(feature = "steam")]
            KeyUriKind::Steam => Err(KeyUriError::Type),
        }
    }

    /// Returns the passcode that the app shows at `at`.
    #[must_use]
    pub fn passcode(&self, at: Timestamp) -> String {
        self.0.generate(at).expose().to_owned()
    }
}

/// Runs a future to its end on this thread. The thread sleeps while the future waits.
pub fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    // A thread that ends has no thread-local values.
    let waker = WAKER.try_with(Waker::clone);
    let waker = waker.unwrap_or_else(|_| Arc::new(Unpark(thread::current())).into());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
