//! Random values, and values that are derived from the secret of a half session.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::accounts::BoxError;

/// 16 random bytes as hexadecimal digits.
pub(crate) fn token() -> Result<String, BoxError> {
    Ok(hex(random()?))
}

pub(crate) fn random() -> Result<[u8; 16], BoxError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Whether a text is this token, compared in constant time. No text is an empty token.
pub(crate) fn is_token(token: &str, text: &str) -> bool {
    !token.is_empty() && bool::from(token.as_bytes().ct_eq(text.as_bytes()))
}

/// What is derived from the secret of a half session. A repeat of the same form derives the same
/// values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use {
    /// The id of a sign-in.
    SignIn,
    /// The id of a session after a renewal.
    SessionId,
    /// The token of the forms of a full session.
    FormToken,
    /// The secret of a full session.
    Secret,
    /// The id of a form of a full session, for the verifier.
    Request,
    /// What recognizes the form that renewed a session.
    Form,
    /// The name of an enrollment in addresses.
    SetupTag,
    /// The token of a form that works once.
    Once,
    /// The digest of a backup-code file.
    File,
    /// The name of the cookie of a known device.
    DeviceCookie,
}

pub(crate) fn derive(secret: &str, request: &str, used: Use) -> Result<[u8; 16], BoxError> {
    let domain: &[u8] = match used {
        Use::SignIn => b"countersign-gate sign-in\0",
        Use::SessionId => b"countersign-gate session\0",
        Use::FormToken => b"countersign-gate form token\0",
        Use::Secret => b"countersign-gate secret\0",
        Use::Request => b"countersign-gate request\0",
        Use::Form => b"countersign-gate form\0",
        Use::SetupTag => b"countersign-gate setup\0",
        Use::Once => b"countersign-gate once\0",
        Use::File => b"countersign-gate file\0",
        Use::DeviceCookie => b"countersign-gate device cookie\0",
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(domain);
    mac.update(request.as_bytes());
    let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        mac.finalize().into_bytes().0;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_use_secret_and_request_has_its_own_value() {
        let mut seen = HashSet::new();
        let all = [
            Use::SignIn,
            Use::SessionId,
            Use::FormToken,
            Use::Secret,
            Use::Request,
            Use::Form,
            Use::SetupTag,
            Use::Once,
            Use::File,
            Use::DeviceCookie,
        ];
        for used in all {
            for secret in ["a", "b"] {
                for request in ["1", "2"] {
                    let value = derive(secret, request, used).unwrap();
                    assert_eq!(value, derive(secret, request, used).unwrap());
                    assert!(seen.insert(value));
                }
            }
        }
    }
}
