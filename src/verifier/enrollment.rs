use crate::factor::{MovingFactor, Pending};
use crate::record;
use crate::uri::{KeyUri, KeyUriError, KeyUriPart};
use crate::{AuthenticatorId, AuthenticatorName, EnrollmentId, Policy, Timestamp};
use std::borrow::ToOwned;
use std::string::String;

/// A request to enroll an authenticator: an additional one, or a replacement.
///
/// ```
/// use countersign::{AuthenticatorName, EnrollmentRequest};
///
/// let request = EnrollmentRequest::new("alice@example.com")
///     .authenticator_name(AuthenticatorName::new("work phone")?);
/// # Ok::<(), countersign::factor::NameError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EnrollmentRequest {
    pub(super) account_name: String,
    pub(super) name: Option<AuthenticatorName>,
    pub(super) issuer: Option<String>,
    pub(super) replaces: Option<AuthenticatorId>,
    pub(super) hotp: bool,
}

impl EnrollmentRequest {
    /// Returns a request for one more authenticator, or for the first one. The app shows the
    /// account name: use the login name or mail address.
    ///
    /// `begin_enrollment` refuses an account name or an [issuer](Self::issuer) that
    ///
    /// - is empty,
    /// - has a colon, which separates issuer and account in a key URI,
    /// - has a control character,
    /// - begins or ends with white space,
    /// - is longer than 1,024 bytes, or
    /// - makes the key URI longer than the 2,331 bytes that a QR code holds.
    ///
    /// [`KeyUri::fit_name`] makes any text fit:
    ///
    /// ```
    /// use countersign::EnrollmentRequest;
    /// use countersign::uri::KeyUri;
    ///
    /// let name = KeyUri::fit_name("@alice:example.org", 30);
    /// assert_eq!(name, "@alice-example.org");
    /// let request = EnrollmentRequest::new(&name);
    /// # let _ = request;
    /// ```
    pub fn new(account_name: &str) -> Self {
        Self {
            account_name: account_name.to_owned(),
            name: None,
            issuer: None,
            replaces: None,
            hotp: false,
        }
    }

    /// Returns a request that replaces an authenticator, for a new phone. The old authenticator
    /// works until you confirm the new one.
    pub fn replacing(id: AuthenticatorId, account_name: &str) -> Self {
        Self {
            replaces: Some(id),
            ..Self::new(account_name)
        }
    }

    /// Sets the user's name for the authenticator. No other authenticator of the account may have
    /// the same name.
    ///
    /// A replacement gets the name of the replaced authenticator by default. An additional
    /// authenticator gets "Authenticator app", then "Authenticator app 2" and so on.
    pub fn authenticator_name(mut self, name: AuthenticatorName) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the issuer that the app shows, for a service with tenants. Default: the verifier's
    /// issuer.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// Asks for a HOTP authenticator (RFC 4226), whose passcodes come from a counter instead of the
    /// time. The policy must allow it:
    /// [`PolicyBuilder::hotp_enrollment`](crate::PolicyBuilder::hotp_enrollment).
    ///
    /// The first counter is 0. Some apps begin with counter 1, so the policy's look-ahead applies
    /// to the confirmation as well.
    ///
    /// ```
    /// use countersign::{EnrollmentRequest, Policy};
    ///
    /// let policy = Policy::builder().hotp_enrollment(true).build()?;
    /// let request = EnrollmentRequest::new("alice@example.com").hotp();
    /// # let _ = (policy, request);
    /// # Ok::<(), countersign::factor::PolicyError>(())
    /// ```
    pub fn hotp(mut self) -> Self {
        self.hotp = true;
        self
    }
}

/// A pending enrollment: what the user scans or types. Its passcodes are not valid for a login
/// until you confirm the enrollment.
#[derive(Clone, Debug)]
pub struct Enrollment {
    id: EnrollmentId,
    key_uri: KeyUri,
    expires_at: Timestamp,
}

impl Enrollment {
    /// Makes an enrollment to begin. Refuses names that do not fit a record or a QR code.
    pub(super) fn new(pending: &Pending) -> Result<Self, KeyUriError> {
        let enrollment = Self::of(pending)?;
        check_lengths(&enrollment.key_uri)?;
        Ok(enrollment)
    }

    /// Makes an enrollment that has begun or is about to begin.
    pub(super) fn of(pending: &Pending) -> Result<Self, KeyUriError> {
        Ok(Self {
            id: pending.id,
            key_uri: key_uri(pending)?,
            expires_at: Timestamp::UNIX_EPOCH,
        })
    }

    pub(super) fn begun_at(mut self, begun_at: Timestamp, policy: &Policy) -> Self {
        self.expires_at = begun_at.saturating_add(policy.enrollment_age().as_secs());
        self
    }

    /// Returns the id with which you confirm or read the enrollment. Keep it in the session on your
    /// server.
    #[must_use]
    pub const fn id(&self) -> EnrollmentId {
        self.id
    }

    /// Returns the key URI: show its QR code to scan, and its secret in groups to type.
    #[must_use]
    pub const fn key_uri(&self) -> &KeyUri {
        &self.key_uri
    }

    /// Returns the last second at which you can confirm the enrollment.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Whether a record can hold the names, and a QR code of [`KeyUri::qr`] the whole key URI.
pub(super) fn check_lengths(uri: &KeyUri) -> Result<(), KeyUriError> {
    /// The most bytes that a symbol of version 40 holds at level M (ISO/IEC 18004, table 7).
    const QR_CODE: usize = 2331;
    let parts = [
        (KeyUriPart::Account, Some(uri.account())),
        (KeyUriPart::Issuer, uri.issuer()),
    ];
    for (part, text) in parts {
        let bytes = text.map_or(0, str::len);
        if bytes > record::MAX_TEXT {
            return Err(KeyUriError::PartTooLong { part, bytes });
        }
    }
    let bytes = uri.to_secret_text().expose().len();
    if bytes > QR_CODE {
        return Err(KeyUriError::TooLongForQrCode { bytes });
    }
    Ok(())
}

fn key_uri(pending: &Pending) -> Result<KeyUri, KeyUriError> {
    let (secret, account) = (&pending.secret, &pending.account_name);
    let builder = match pending.moving {
        MovingFactor::Time { period, .. } => KeyUri::totp(secret, account).period(period),
        MovingFactor::Counter { next } => KeyUri::hotp(secret, account, next),
    };
    builder
        .issuer(&pending.issuer)
        .algorithm(pending.parameters.algorithm)
        .digits(pending.parameters.digits)
        .build()
}
