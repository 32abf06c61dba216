//! The devices that an account knows: the tokens that count, and the failures of each.
//!
//! The user signed in with each device before. A device has a random seed, and a number n. Its
//! tokens for n and n + 1 count. An accepted token for n + 1 makes n + 1 the new n. The answer
//! carries the token for the new n + 1, the same for every request. So a lost answer, a second tab
//! and the back button raise no alarm. An older genuine token shows that there is a copy.

use super::device_token::DeviceToken;
use super::policy::{DeviceKind, MOST_FAILURES, TrustedDevices};
use super::rate_limit::{is_clock_fault, is_recent};
use crate::constant_time::{reveal, reveal_index};
use crate::mac::{first_16, hmac_sha256};
use crate::{AccountId, DeviceId, DeviceLabel, Policy, Timestamp};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use hmac::Mac;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// How long a token that was overtaken raises no alarm, in seconds: a request can be late.
const LATE: u64 = 60;

const DAY: u64 = 86_400;

/// The account whose devices are checked, and the namespace of the service.
#[derive(Clone, Copy)]
pub(crate) struct DeviceScope<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) account: &'a AccountId,
}

/// A token that the browser sent, and where it was sent to.
#[derive(Clone, Copy)]
pub(crate) struct ShownToken<'a> {
    pub(crate) token: &'a DeviceToken,
    pub(crate) scope: DeviceScope<'a>,
}

/// The seed of a device: 128 random bits, wiped on drop. Boxed, so that a list that grows leaves no
/// copy behind.
#[derive(Clone)]
pub(crate) struct DeviceSeed(pub(crate) Box<[u8; 16]>);

impl Drop for DeviceSeed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DeviceSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSeed").finish_non_exhaustive()
    }
}

/// A device that the user signed in with before.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) seed: DeviceSeed,
    pub(crate) label: DeviceLabel,
    pub(crate) kind: DeviceKind,
    pub(crate) issued_at: Timestamp,
    /// The number n: the tokens for n and n + 1 count.
    pub(crate) number: u32,
    /// When n became n.
    pub(crate) advanced_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    /// The failures in the life of the device.
    pub(crate) failures: u8,
}

impl Device {
    /// The first 16 bytes of HMAC-SHA-256, as a tag of the token with this number.
    fn tag(&self, scope: DeviceScope<'_>, number: u32) -> Zeroizing<[u8; 16]> {
        const DOMAIN: &[u8] = b"countersign device";
        let mut mac = hmac_sha256(&self.seed.0).chain_update(DOMAIN);
        for part in [
            scope.namespace.as_bytes(),
            scope.account.as_str().as_bytes(),
        ] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        let mac = mac.chain_update(self.id.as_bytes());
        Zeroizing::new(first_16(mac.chain_update(number.to_be_bytes())))
    }

    /// The token for n + 1, which the answer carries.
    pub(super) fn successor(&self, scope: DeviceScope<'_>) -> Option<DeviceToken> {
        let number = self.number.checked_add(1)?;
        Some(DeviceToken::new(self.id, number, &self.tag(scope, number)))
    }

    /// Marks a token for n or n + 1 as used.
    fn accept(&mut self, number: u32, now: Timestamp) {
        if number > self.number {
            self.number = number;
            self.advanced_at = self.advanced_at.max(now);
        }
        self.last_used_at = self.last_used_at.max(Some(now));
    }

    /// Whether the device had all its failures. It counts as unknown then.
    pub(crate) const fn is_spent(&self) -> bool {
        self.failures >= MOST_FAILURES
    }

    /// Whether it was remembered as a trusted device.
    pub(crate) fn is_for_trust(&self) -> bool {
        self.kind == DeviceKind::Trusted
    }

    /// The last second in which the device signs in without a code.
    fn trusted_until(&self, policy: &Policy) -> Option<Timestamp> {
        match (self.kind, policy.trusted_devices()) {
            (DeviceKind::Trusted, TrustedDevices::Days(days)) => {
                let seconds = u64::from(days).saturating_mul(DAY);
                Some(self.issued_at.saturating_add(seconds))
            }
            _ => None,
        }
    }

    pub(super) fn is_trusted(&self, now: Timestamp, policy: &Policy) -> bool {
        let until = self.trusted_until(policy);
        until.is_some_and(|until| {
            is_recent(self.issued_at, now, until.saturating_since(self.issued_at))
        })
    }
}

/// What a token says about the device that sent it.
pub(crate) enum Standing {
    /// Nothing: the token is forged, too new, late, or of a device that is not there.
    Stranger,
    /// The device is known, by a token with this number.
    Known { id: DeviceId, number: u32 },
    /// The token was overtaken a while ago. So there is a copy of it.
    Overtaken { id: DeviceId },
}

impl Standing {
    /// The device that sent the token, even if it had all its failures.
    pub(super) const fn known_id(&self) -> Option<DeviceId> {
        match self {
            Self::Known { id, .. } => Some(*id),
            Self::Stranger | Self::Overtaken { .. } => None,
        }
    }
}

/// The devices of an account, oldest first. Boxed, because a second factor moves often, and most
/// accounts have no devices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices(Option<Box<List>>);

#[derive(Clone, Debug, Default)]
struct List(Vec<Device>);

impl Devices {
    /// The most devices that a policy allows.
    pub(crate) const MOST: usize = 20;

    pub(crate) const fn new() -> Self {
        Self(None)
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Device] {
        self.0.as_ref().map_or(&[], |list| &list.0)
    }

    pub(crate) fn get(&self, id: DeviceId) -> Option<&Device> {
        self.as_slice().iter().find(|device| device.id == id)
    }

    pub(super) fn get_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        let list = self.0.as_mut()?;
        list.0.iter_mut().find(|device| device.id == id)
    }

    /// Drops the device. Returns whether it was there.
    pub(super) fn remove(&mut self, id: DeviceId) -> bool {
        self.retain(|device| device.id != id)
    }

    /// Drops the devices that had all their failures.
    pub(super) fn drop_spent(&mut self) {
        self.retain(|device| !device.is_spent());
    }

    /// Sets times that lie in the future to now. Drops the devices that were remembered more than
    /// an hour ahead, because nobody knows how old they are. Call this only if the clock is
    /// correct.
    pub(super) fn reset_future_times(&mut self, now: Timestamp) {
        self.retain(|device| !is_clock_fault(device.issued_at, now));
        for device in self.0.iter_mut().flat_map(|list| &mut list.0) {
            device.issued_at = device.issued_at.min(now);
            device.advanced_at = device.advanced_at.min(now);
            device.last_used_at = device.last_used_at.min(Some(now));
        }
    }

    /// Drops the other devices. Returns whether there were any.
    fn retain(&mut self, keep: impl FnMut(&Device) -> bool) -> bool {
        let before = self.as_slice().len();
        if let Some(list) = &mut self.0 {
            list.0.retain(keep);
        }
        self.as_slice().len() < before
    }

    /// Adds a device. The oldest ones make room.
    pub(super) fn add(&mut self, device: Device, most: u8) {
        self.drop_spent();
        self.remove(device.id);
        let list = &mut self.0.get_or_insert_default().0;
        while list.len() >= usize::from(most).clamp(1, Self::MOST) {
            list.remove(0);
        }
        list.push(device);
    }

    /// Compares a token with every device, in constant time. If the policy allows fewer devices
    /// than there are, the oldest are strangers.
    pub(crate) fn standing(
        &self,
        shown: ShownToken<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Standing {
        let Some(parts) = shown.token.parts() else {
            return Standing::Stranger;
        };
        let (mut found, mut place, mut last) = (Choice::from(0), 0_u16, 0);
        for (index, device) in (0..).zip(self.as_slice()) {
            let tag = device.tag(shown.scope, parts.number);
            let is_same = device.id.as_bytes().ct_eq(parts.id.as_bytes()) & tag.ct_eq(&*parts.tag);
            place.conditional_assign(&index, is_same);
            found |= is_same;
            last = index;
        }
        if !reveal(found) {
            return Standing::Stranger;
        }
        let (id, number) = (parts.id, parts.number);
        let place = usize::from(reveal_index(place, last));
        let oldest = self
            .as_slice()
            .len()
            .saturating_sub(policy.devices().into());
        let Some(device) = self.as_slice().get(place).filter(|_| place >= oldest) else {
            return Standing::Stranger;
        };
        if number < device.number {
            // A token before n - 1 was overtaken even earlier. Its own time is not stored: until
            // the last one is late, it is only a stranger's.
            return match now.saturating_since(device.advanced_at) {
                0..=LATE => Standing::Stranger,
                _ => Standing::Overtaken { id },
            };
        }
        match number.saturating_sub(device.number) {
            0 | 1 => Standing::Known { id, number },
            // A later record than this one was restored, or written to another database.
            _ => Standing::Stranger,
        }
    }

    /// A code of this device was wrong, or is counted as wrong.
    pub(super) fn fail(&mut self, id: DeviceId) {
        if let Some(device) = self.get_mut(id) {
            device.failures = device.failures.saturating_add(1);
        }
    }

    /// A code of this device that was counted as wrong is right.
    pub(super) fn refund(&mut self, id: Option<DeviceId>) {
        if let Some(device) = id.and_then(|id| self.get_mut(id)) {
            device.failures = device.failures.saturating_sub(1);
        }
    }

    /// The device that sent the token, unless it is a stranger or had all its failures.
    pub(crate) fn known(&self, standing: &Standing) -> Option<DeviceId> {
        let id = standing.known_id()?;
        self.get(id).filter(|device| !device.is_spent())?;
        Some(id)
    }

    /// Marks the token of a known device as used.
    pub(super) fn accept(&mut self, standing: &Standing, now: Timestamp) {
        if let Standing::Known { id, number } = standing
            && let Some(device) = self.get_mut(*id).filter(|device| !device.is_spent())
        {
            device.accept(*number, now);
        }
    }

    fn counting(&self) -> impl Iterator<Item = &Device> {
        let all = self.as_slice().iter();
        all.filter(|device| !device.is_spent())
    }

    /// The number of devices that the account knows.
    pub(crate) fn count(&self) -> usize {
        self.counting().count()
    }

    pub(super) fn status(&self, policy: &Policy) -> Vec<DeviceStatus> {
        self.counting()
            .map(|device| DeviceStatus {
                id: device.id,
                label: device.label.clone(),
                kind: device.kind,
                issued_at: device.issued_at,
                last_used_at: device.last_used_at,
                trusted_until: device.trusted_until(policy),
            })
            .collect()
    }
}

/// One device of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DeviceStatus {
    /// Its id, to forget it.
    pub id: DeviceId,
    /// What your application called it.
    pub label: DeviceLabel,
    /// Whether it was remembered as known or as trusted.
    pub kind: DeviceKind,
    /// When it was remembered.
    pub issued_at: Timestamp,
    /// When its token was last accepted, together with a code or, if it is trusted, alone.
    pub last_used_at: Option<Timestamp>,
    /// The last second in which it signs in without a code, if it is trusted and the policy allows
    /// trusted devices. This second may be over.
    pub trusted_until: Option<Timestamp>,
}

impl From<Vec<Device>> for Devices {
    fn from(list: Vec<Device>) -> Self {
        Self((!list.is_empty()).then(|| Box::new(List(list))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn alice() -> AccountId {
        AccountId::new("alice").unwrap()
    }

    fn device(number: u32) -> Device {
        Device {
            id: DeviceId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8]),
            seed: DeviceSeed(Box::new(core::array::from_fn(|place| {
                u8::try_from(place).unwrap()
            }))),
            label: DeviceLabel::fit("Firefox"),
            kind: DeviceKind::Known,
            issued_at: NOW,
            number,
            advanced_at: NOW,
            last_used_at: None,
            failures: 0,
        }
    }

    /// Computed with the modules `hmac` and `base64` of Python.
    #[test]
    fn a_token_is_the_known_answer() {
        let scope = DeviceScope {
            namespace: "shop",
            account: &alice(),
        };
        let token = device(4).successor(scope).unwrap();
        assert_eq!(token.expose(), "AQIDBAUGBwgAAAAFa1yZi5EQ1PIea3A5hCWt-w");
    }

    #[test]
    fn the_last_number_has_no_successor() {
        let account = alice();
        let scope = DeviceScope {
            namespace: "",
            account: &account,
        };
        let last = device(u32::MAX - 1).successor(scope).unwrap();
        let devices = Devices::from(Vec::from([device(u32::MAX)]));
        let token = &last;
        let shown = ShownToken { token, scope };
        assert!(matches!(
            devices.standing(shown, NOW, &Policy::default()),
            Standing::Known { .. }
        ));
        assert!(device(u32::MAX).successor(scope).is_none());
    }

    #[test]
    fn only_n_and_the_next_number_count() {
        let account = alice();
        let scope = DeviceScope {
            namespace: "",
            account: &account,
        };
        let standing = |number: u32, seconds: u64| {
            let devices = Devices::from(Vec::from([device(7)]));
            let token = device(number - 1).successor(scope).unwrap();
            let shown = ShownToken {
                token: &token,
                scope,
            };
            let now = NOW.saturating_add(seconds);
            match devices.standing(shown, now, &Policy::default()) {
                Standing::Stranger => 's',
                Standing::Known { .. } => 'k',
                Standing::Overtaken { .. } => 'o',
            }
        };
        for (number, late, later) in [
            (1, 's', 'o'),
            (6, 's', 'o'),
            (7, 'k', 'k'),
            (8, 'k', 'k'),
            (9, 's', 's'),
            (u32::MAX, 's', 's'),
        ] {
            assert_eq!(standing(number, 60), late, "{number}");
            assert_eq!(standing(number, 61), later, "{number}");
        }
    }

    #[test]
    fn times_in_the_future_are_reset() {
        let at = |seconds: u64| Device {
            id: DeviceId::from_bytes([u8::try_from(seconds % 251).unwrap(); 8]),
            issued_at: NOW.saturating_add(seconds),
            advanced_at: NOW.saturating_add(10 * seconds),
            last_used_at: Some(NOW.saturating_add(10 * seconds)),
            ..device(7)
        };
        let mut devices = Devices::from(Vec::from([at(0), at(3600), at(3601)]));
        devices.reset_future_times(NOW);
        let times = |device: &Device| (device.issued_at, device.advanced_at, device.last_used_at);
        let left: Vec<_> = devices.as_slice().iter().map(times).collect();
        assert_eq!(left, [(NOW, NOW, Some(NOW)); 2]);
        devices.reset_future_times(NOW.saturating_add(60));
        assert!(
            devices
                .as_slice()
                .iter()
                .all(|device| device.issued_at == NOW)
        );
        let mut unused = Devices::from(Vec::from([device(7)]));
        unused.reset_future_times(NOW);
        assert_eq!(unused.as_slice().first().unwrap().last_used_at, None);
    }

    #[test]
    fn a_smaller_policy_counts_at_once() {
        let account = alice();
        let scope = DeviceScope {
            namespace: "",
            account: &account,
        };
        let newest = Device {
            id: DeviceId::from_bytes([9; 8]),
            ..device(7)
        };
        let tokens = [device(7), newest.clone()].map(|device| device.successor(scope).unwrap());
        let devices = Devices::from(Vec::from([device(7), newest]));
        for (most, known) in [(2, [true, true]), (1, [false, true]), (0, [false, false])] {
            let policy = Policy::builder().devices(most).build().unwrap();
            let standing = |token| devices.standing(ShownToken { token, scope }, NOW, &policy);
            let is_known = |token| matches!(standing(token), Standing::Known { .. });
            assert_eq!(tokens.each_ref().map(is_known), known, "{most}");
        }
    }
}
