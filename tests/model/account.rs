//! The state of an account in the reference model, and the proofs that it checks.

use super::devices::Device as Known;
use super::issue_rules::Right;
use super::observed::EndedView;
use super::requests::LastRequest;

use super::rate_limit::{Recent, Throttle};
use countersign::factor::{AuthenticatorKind, EndReason};
use countersign::otp::Hotp;
use countersign::testing::Phone;
use countersign::uri::KeyUriKind;
use countersign::{AuthenticatorId, Enrollment, EnrollmentId, KeyId, Timestamp};

/// An app entry on a phone, or a token.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) device: Device,
    pub(crate) uri: String,
    /// The secret in base32.
    pub(crate) secret: String,
    pub(crate) name: String,
}

/// What shows the passcodes. Each passcode has a number: its time step, or its counter.
#[derive(Clone, Debug)]
pub(crate) enum Device {
    Phone { app: Phone, period: u64 },
    Token(Hotp),
}

impl App {
    /// Reads the key URI of an enrollment.
    pub(crate) fn scan(enrollment: &Enrollment, name: String) -> Self {
        let uri = enrollment.key_uri();
        let secret = uri.secret();
        let text = uri.to_secret_text();
        let device = match uri.kind() {
            KeyUriKind::Totp { period } => Device::Phone {
                app: Phone::scan(text.expose()).unwrap(),
                period: period.as_secs(),
            },
            KeyUriKind::Hotp { counter } => {
                assert_eq!(counter, 0, "the first counter");
                Device::Token(Hotp::new(secret.expose(), uri.algorithm(), uri.digits()))
            }
            other => panic!("an unknown kind: {other:?}"),
        };
        Self {
            device,
            uri: text.expose().to_owned(),
            secret: secret.to_base32().expose().to_owned(),
            name,
        }
    }

    /// The passcode of a time step or counter.
    pub(crate) fn passcode(&self, number: u64) -> String {
        match &self.device {
            Device::Phone { app, period } => app.passcode(Timestamp::from_unix(number * period)),
            Device::Token(hotp) => hotp.generate(number).expose().to_owned(),
        }
    }

    pub(crate) const fn kind(&self) -> AuthenticatorKind {
        match self.device {
            Device::Phone { period, .. } => AuthenticatorKind::Totp { period },
            Device::Token(_) => AuthenticatorKind::Hotp,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) id: AuthenticatorId,
    pub(crate) app: App,
    pub(crate) added_at: u64,
    /// Every time step or counter that was ever accepted, and the time of each acceptance.
    pub(crate) accepted: Vec<(u64, u64)>,
}

impl Active {
    /// The latest time step or counter that was accepted.
    pub(crate) fn used(&self) -> Option<u64> {
        self.accepted.iter().map(|(number, _)| *number).max()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: EnrollmentId,
    pub(crate) app: App,
    pub(crate) replaces: Option<AuthenticatorId>,
    pub(crate) begun_at: u64,
    pub(crate) wrong: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) used_at: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// The number of the set among all sets that were ever stored, on either account.
    pub(crate) number: usize,
    pub(crate) issued_at: u64,
    pub(crate) codes: Vec<Code>,
}

impl Set {
    /// When the set was issued, and how many codes it has.
    pub(crate) fn pending_view(&self) -> (u64, usize) {
        (self.issued_at, self.codes.len())
    }
}

/// An account that has a record.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) active: Vec<Active>,
    pub(crate) pending: Option<Pending>,
    pub(crate) set: Option<Set>,
    /// The set that is pending next to the current one.
    pub(crate) pending_set: Option<Set>,
    pub(crate) throttle: Throttle,
    pub(crate) beginnings: Recent,
    /// When rights to issue codes were granted.
    pub(crate) issues: Recent,
    pub(crate) right: Option<Right>,
    pub(crate) sealed_with: KeyId,
    pub(crate) last_request: Option<LastRequest>,
    pub(crate) devices: Vec<Known>,
    pub(crate) ended: Vec<EndedView>,
}

impl Account {
    /// Notes an authenticator that is no longer active. The last twenty are kept.
    pub(crate) fn add_ended(&mut self, gone: &Active, now: u64, reason: EndReason) {
        self.ended.push(EndedView {
            id: gone.id,
            name: gone.app.name.clone(),
            added_at: gone.added_at,
            ended_at: now,
            reason,
        });
        if self.ended.len() > 20 {
            self.ended.remove(0);
        }
    }
}

/// What the accepted code of a login or a proof came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    App(AuthenticatorId),
    Code {
        /// The number of the set.
        set: usize,
        number: u8,
        remaining: u8,
    },
    Enrollment(AuthenticatorId),
}

/// A proof with its values.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    Password { checked_at: u64 },
    Code(String),
    Reauthenticated { checked_at: u64, receipt: Receipt },
}

/// A receipt as the caller presents it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) who: usize,
    pub(crate) at: u64,
    pub(crate) by: By,
    pub(crate) seal: Seal,
}

/// Whether the service sealed the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Genuine,
    /// The text was changed, or another namespace sealed it.
    Foreign,
    /// The version or the key is unknown.
    Unknown,
}
