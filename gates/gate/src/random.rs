//! Random values, and values that are derived from the secret of a half session.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

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

/// What is derived from the secret of a half session. A repeat of the same form derives the same
/// values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use {
    SignIn,
    SessionId,
    FormToken,
}

pub(crate) fn derive(secret: &str, request: &str, used: Use) -> Result<[u8; 16], BoxError> {
    let domain: &[u8] = match used {
        Use::SignIn => b"countersign-gate sign-in\0",
        Use::SessionId => b"countersign-gate session\0",
        Use::FormToken => b"countersign-gate form\0",
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
        for used in [Use::SignIn, Use::SessionId, Use::FormToken] {
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
