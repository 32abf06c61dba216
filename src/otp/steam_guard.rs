//! Steam Guard: the passcodes of Valve's Steam, five characters from the time.

use super::hmac::{KeyedMac, ONE_HMAC, SEARCH, SET_KEY, with_wiped_mac_stack};
use super::hotp::CounterSearch;
use super::totp::is_after;
use crate::Timestamp;
use crate::otp::{Algorithm, Code, TimeStep, TotpMatch, Window};
use core::fmt;
use core::time::Duration;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// Generates and checks the passcodes of Steam Guard.
///
/// Steam Guard is TOTP with SHA-1 and 30 seconds, but writes a passcode as five characters. Each
/// character is one of 26: `2` to `9`, and the letters without `A`, `E`, `I`, `L`, `O`, `S`, `U`
/// and `Z`. So there are 26<sup>5</sup> = 11,881,376 passcodes. Six digits have 1,000,000.
///
/// Use this type to show the passcodes of a user's Steam account, or to check them in a service of
/// your own. Your application stores the last accepted time step, as with
/// [`Totp`](crate::otp::Totp):
///
/// 1. Read the stored step and pass it to [`verify`](Self::verify) as `last_accepted`.
/// 2. If `verify` returns a match, store [`TotpMatch::step`] on condition that the stored step is
///    still the one that you passed. Without the condition, two concurrent requests are both
///    accepted with one passcode.
/// 3. Let the user in only after that write.
///
/// `Verifier` never accepts these passcodes: Steam Guard cannot be an authenticator of an account.
/// Nothing in this crate chooses Steam Guard by a name. A key URI whose issuer is called Steam is
/// for TOTP, unless it has a mark of Steam Guard.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::otp::{Code, SteamGuard, Window};
///
/// let steam = SteamGuard::new(b"12345678901234567890");
/// let now = Timestamp::from_unix(59);
/// assert_eq!(steam.generate(now).expose(), "PV9M4");
///
/// let code = Code::parse("pv9m4")?;
/// let matched = steam.verify(&code, now, Window::default(), None).expect("the current passcode");
/// let last_accepted = Some(matched.step());
/// assert_eq!(steam.verify(&code, now, Window::default(), last_accepted), None, "used before");
/// # Ok::<(), countersign::otp::CodeError>(())
/// ```
///
/// # Needs
///
/// The feature `steam`. No standard library and no allocator.
#[derive(Clone)]
pub struct SteamGuard {
    mac: KeyedMac,
}

impl SteamGuard {
    /// Prepares a key of any length: the bytes, not their base64 or base32 text. The keys of Steam
    /// have 20 bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        with_wiped_mac_stack::<SET_KEY, _>(Algorithm::Sha1, || {
            let mut mac = KeyedMac::without_key(Algorithm::Sha1);
            mac.set_key(key);
            Self { mac }
        })
    }

    /// Returns the time step of a time: its number of 30 seconds since the Unix epoch.
    #[must_use]
    pub const fn step(&self, at: Timestamp) -> TimeStep {
        TimeStep::new(at.as_unix() / PERIOD)
    }

    /// Generates the passcode of a time.
    #[must_use]
    pub fn generate(&self, at: Timestamp) -> SteamPasscode {
        self.generate_step(self.step(at))
    }

    /// Generates the passcode of a time step.
    #[must_use]
    pub fn generate_step(&self, step: TimeStep) -> SteamPasscode {
        with_wiped_mac_stack::<ONE_HMAC, _>(Algorithm::Sha1, || {
            let [truncated] = self.mac.truncated([step.get()]);
            SteamPasscode::new(truncated)
        })
    }

    /// Returns how long the passcode of `at` stays current: from 1 to 30 seconds.
    #[must_use]
    pub const fn remaining(&self, at: Timestamp) -> Duration {
        Duration::from_secs(PERIOD.saturating_sub(at.as_unix() % PERIOD))
    }

    /// Checks a code against the window around `at`. Returns `None` if no passcode matches.
    ///
    /// Upper and lower case are equal, because Steam shows upper case and users type lower case.
    ///
    /// Only steps after `last_accepted` count, because no passcode may be accepted twice. Pass
    /// `None` only if no passcode of this key was ever accepted.
    ///
    /// The method computes every step of the window and compares it in constant time. Two steps can
    /// have the same passcode. If both match, the method returns the later step, so that the
    /// passcode cannot be accepted again there.
    #[must_use]
    pub fn verify(
        &self,
        code: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> Option<TotpMatch> {
        let current = self.step(at);
        let value = value(code)?;
        let search = with_wiped_mac_stack::<SEARCH, _>(Algorithm::Sha1, || {
            let mut search = CounterSearch::new(value);
            self.mac.for_each(window.steps(current), |step, truncated| {
                search.compare(step, is_after(step, last_accepted), truncated % PASSCODES);
            });
            search
        });
        TotpMatch::of(&search, current)
    }
}

impl fmt::Debug for SteamGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteamGuard").finish_non_exhaustive()
    }
}

/// A Steam Guard passcode that this crate computed: five digits and upper-case letters. Wiped on
/// drop.
///
/// A `SteamPasscode` has no `Display` and no `==`. Show it with [`expose`](Self::expose). To
/// compare a passcode with a code, call [`SteamGuard::verify`].
#[derive(Clone)]
pub struct SteamPasscode {
    ascii: [u8; LENGTH],
}

impl SteamPasscode {
    /// Writes a truncated HMAC in base 26, the lowest place first.
    fn new(truncated: u32) -> Self {
        let mut ascii = [0; LENGTH];
        let mut rest = truncated;
        for place in &mut ascii {
            *place = symbol(rest % BASE);
            rest /= BASE;
        }
        Self { ascii }
    }

    /// Returns the five characters.
    #[must_use]
    pub fn expose(&self) -> &str {
        core::str::from_utf8(&self.ascii).unwrap_or_default()
    }
}

impl fmt::Debug for SteamPasscode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteamPasscode").finish_non_exhaustive()
    }
}

impl Drop for SteamPasscode {
    fn drop(&mut self) {
        self.ascii.zeroize();
    }
}

/// Returns the passcode that a code stands for, as a number below [`PASSCODES`]; `None` if the code
/// has another length or another character.
fn value(code: &Code) -> Option<u32> {
    let symbols: &[u8; LENGTH] = code.symbols().try_into().ok()?;
    symbols.iter().rev().try_fold(0_u32, |value, symbol| {
        let digit = digit(symbol.to_ascii_uppercase())?;
        // At most 26^5: nothing wraps.
        Some(value.wrapping_mul(BASE).wrapping_add(digit))
    })
}

/// Returns the symbol of a digit in base 26. Reads all symbols, because an index that depends on
/// the digit would show in the cache.
fn symbol(digit: u32) -> u8 {
    let mut found = 0;
    for (candidate, symbol) in (0..).zip(&SYMBOLS) {
        found.conditional_assign(symbol, digit.ct_eq(&candidate));
    }
    found
}

/// Returns the digit in base 26 of a symbol; `None` for any other character.
fn digit(symbol: u8) -> Option<u32> {
    let (mut found, mut is_known) = (0, Choice::from(0));
    for (digit, candidate) in (0_u32..).zip(&SYMBOLS) {
        let is_equal = candidate.ct_eq(&symbol);
        found.conditional_assign(&digit, is_equal);
        is_known |= is_equal;
    }
    bool::from(is_known).then_some(found)
}

/// The digits of base 26, in order.
const SYMBOLS: [u8; BASE as usize] = *b"23456789BCDFGHJKMNPQRTVWXY";

const BASE: u32 = 26;

/// The number of characters in a passcode.
const LENGTH: usize = 5;

/// The number of passcodes: 26^5.
const PASSCODES: u32 = BASE.pow(LENGTH as u32);

/// The length of a time step in seconds.
const PERIOD: u64 = 30;
