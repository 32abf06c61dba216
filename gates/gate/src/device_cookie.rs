//! The cookie of a browser that the account knows: the token of its device.
//!
//! Each account has a cookie of its own, so that several users can share a browser.

use countersign::{AccountId, DeviceToken};

use crate::accounts::BoxError;
use crate::exchange::Headers;
use crate::random::{self, Use};

/// The cookie of one account.
pub(crate) struct DeviceCookie {
    name: String,
}

/// A year, in seconds. Every sign-in renews the cookie.
const AGE: u32 = 31_536_000;

impl DeviceCookie {
    /// The name says nothing to anybody who does not know the account.
    pub(crate) fn of(account: &AccountId) -> Result<Self, BoxError> {
        let hash = random::hex(random::derive("", account.as_str(), Use::DeviceCookie)?);
        let name = format!("__Host-device-{}", hash.get(..16).unwrap_or_default());
        Ok(Self { name })
    }

    /// The name of the cookie.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The token that the browser sent.
    pub(crate) fn read(&self, headers: &Headers) -> Option<DeviceToken> {
        let cookies = headers.cookie.as_deref()?.split(';');
        let mut values = cookies.filter_map(|cookie| {
            let (name, value) = cookie.split_once('=')?;
            (name.trim() == self.name).then_some(value.trim())
        });
        DeviceToken::parse(values.next()?).ok()
    }

    /// The header that stores this token.
    pub(crate) fn set(&self, token: &DeviceToken) -> (&'static str, String) {
        self.header(token.expose(), AGE)
    }

    /// The header that deletes the cookie.
    pub(crate) fn delete(&self) -> (&'static str, String) {
        self.header("", 0)
    }

    fn header(&self, value: &str, age: u32) -> (&'static str, String) {
        let Self { name } = self;
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax");
        ("set-cookie", cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAA";

    fn sent(cookie: &str) -> Headers {
        Headers {
            cookie: Some(cookie.to_owned()),
            ..Headers::default()
        }
    }

    #[test]
    fn each_account_has_its_own_cookie() {
        let alice = DeviceCookie::of(&AccountId::new("alice").unwrap()).unwrap();
        let bob = DeviceCookie::of(&AccountId::new("bob").unwrap()).unwrap();
        assert_ne!(alice.name, bob.name);
        let text = format!("id=1; {}={TOKEN}; {}=no token", alice.name, bob.name);
        assert_eq!(alice.read(&sent(&text)).unwrap().expose(), TOKEN);
        assert_eq!(bob.read(&sent(&text)), None);
        assert_eq!(alice.read(&sent("")), None);
        assert_eq!(alice.read(&Headers::default()), None);
    }

    #[test]
    fn a_cookie_is_for_this_host_only() {
        let cookie = DeviceCookie::of(&AccountId::new("alice").unwrap()).unwrap();
        let (header, value) = cookie.set(&DeviceToken::parse(TOKEN).unwrap());
        assert_eq!(header, "set-cookie");
        assert!(value.starts_with("__Host-device-"), "{value}");
        let attributes = "; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax";
        assert!(value.ends_with(&format!("{TOKEN}{attributes}")), "{value}");
        assert!(cookie.delete().1.contains("=; Path=/; Max-Age=0;"));
    }
}
