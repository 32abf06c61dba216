//! The secrets to search for, masked so that the search does not find this list.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kind of secret that a needle is a part of. It is as wide as a word, because padding next to
/// a narrower type could carry bytes of the scanner's stack to the heap.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The shared secret of an authenticator.
    Secret,
    /// The secret as base32, with or without groups, alone or in a key URI.
    Base32,
    /// The secret in the base64 of an export, with or without escapes.
    Base64,
    /// A secret or a key, combined with the inner pad of HMAC.
    InnerPad,
    /// A secret or a key, combined with the outer pad of HMAC.
    OuterPad,
    /// The state of the hash after the inner pad.
    InnerState,
    /// The state of the hash after the outer pad.
    OuterState,
    /// A passcode as text.
    Passcode,
    /// A backup code as text, with or without groups.
    BackupCode,
    /// The random bytes that backup codes are made from.
    CodeEntropy,
    /// The hash of a backup code.
    CodeHash,
    /// The key of a set of long backup codes.
    DigestKey,
    /// A key of the keyring. Its AES key schedule begins with the same bytes.
    RecordKey,
    /// The key that authenticates receipts, derived from a key of the keyring.
    ReceiptKey,
    /// The key URI as codewords of a QR code, shifted by half a byte.
    Codewords,
    /// A part of the image of a QR code.
    QrImage,
    /// The seed of a device.
    DeviceSeed,
    /// The tag of a device token, as text.
    DeviceToken,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 18] = [
        Self::Secret,
        Self::Base32,
        Self::Base64,
        Self::InnerPad,
        Self::OuterPad,
        Self::InnerState,
        Self::OuterState,
        Self::Passcode,
        Self::BackupCode,
        Self::CodeEntropy,
        Self::CodeHash,
        Self::DigestKey,
        Self::RecordKey,
        Self::ReceiptKey,
        Self::Codewords,
        Self::QrImage,
        Self::DeviceSeed,
        Self::DeviceToken,
    ];

    /// The number of consecutive bytes that count as found. A register spills eight bytes of a
    /// secret. The search looks for whole codes and passcodes, and for parts of images that no
    /// other image has.
    const fn window(self) -> Option<usize> {
        match self {
            Self::Passcode | Self::BackupCode => None,
            Self::QrImage => Some(32),
            _ => Some(8),
        }
    }

    /// The distance between the starts of the parts of a secret. Parts of images do not overlap,
    /// because an image has many zeros, and so does memory.
    const fn step(self) -> usize {
        match self {
            Self::QrImage => 32,
            _ => 1,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

const MASK: [u8; 8] = [0xa7, 0x5e, 0xc3, 0x19, 0xd4, 0x6b, 0x82, 0xf1];

/// Masked bytes to search for, at least [`Needle::PREFIX`] of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needle {
    masked: Vec<u8>,
    kind: Kind,
}

impl Needle {
    /// The number of bytes in the index of the needles.
    pub(crate) const PREFIX: usize = 4;

    /// The kind of secret.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The length in bytes.
    pub(crate) const fn len(&self) -> usize {
        self.masked.len()
    }

    /// Whether these bytes begin with the needle.
    pub(crate) fn begins(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.len()
            && masked(bytes)
                .zip(&self.masked)
                .all(|(one, two)| one == *two)
    }

    /// The first bytes, masked.
    pub(crate) fn prefix(&self) -> u32 {
        prefix(self.masked.iter().copied())
    }
}

/// The first bytes of a memory location, masked, to compare with [`Needle::prefix`].
pub(crate) fn masked_prefix(bytes: &[u8]) -> u32 {
    prefix(masked(bytes))
}

fn prefix(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes
        .take(Needle::PREFIX)
        .fold(0, |prefix, byte| (prefix << 8) | u32::from(byte))
}

fn masked(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes
        .iter()
        .zip(MASK.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
}

/// The secrets of a scenario, masked. Clones share one list.
///
/// Adding a secret allocates nothing. An allocation could reuse memory that was freed before, and
/// overwrite its content.
#[derive(Clone, Debug)]
pub(crate) struct KnownSecrets(Arc<Mutex<Masked>>);

/// All secrets one after the other, and the position of each.
#[derive(Debug)]
struct Masked {
    bytes: Vec<u8>,
    secrets: Vec<(Kind, Range<usize>)>,
}

/// Enough capacity for every scenario. For so much memory, the allocator asks the system and reuses
/// no freed memory.
const CAPACITY: usize = 1 << 20;

impl Default for KnownSecrets {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Masked {
            bytes: Vec::with_capacity(CAPACITY),
            secrets: Vec::with_capacity(CAPACITY / 8),
        })))
    }
}

impl Masked {
    fn push(&mut self, kind: Kind, masked: impl Iterator<Item = u8>) {
        let start = self.bytes.len();
        self.bytes.extend(masked);
        self.secrets.push((kind, start..self.bytes.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.secrets.iter().map(|(kind, range)| {
            let secret = self.bytes.get(range.clone()).unwrap_or_default();
            (*kind, secret)
        })
    }
}

impl KnownSecrets {
    /// Adds a secret.
    pub(crate) fn add(&self, kind: Kind, bytes: &[u8]) {
        self.entries().push(kind, masked(bytes));
    }

    /// Adds text as the codewords of a QR code in byte mode. The four bits of the mode come first,
    /// so the text is shifted by half a byte.
    pub(crate) fn add_codewords(&self, text: &[u8]) {
        let pairs = text.windows(2).zip(MASK.iter().cycle());
        let masked = pairs.map(|(pair, mask)| match pair {
            [one, two] => (one << 4 | two >> 4) ^ mask,
            _ => *mask,
        });
        self.entries().push(Kind::Codewords, masked);
    }

    /// Every part of every secret.
    pub(crate) fn needles(&self) -> BTreeSet<Needle> {
        let mut needles = BTreeSet::new();
        for (kind, secret) in self.entries().iter() {
            let window = kind.window().unwrap_or(secret.len());
            for part in (0..=secret.len().saturating_sub(window)).step_by(kind.step()) {
                // The mask starts again at each part.
                let masked = secret
                    .iter()
                    .zip(MASK.iter().cycle())
                    .skip(part)
                    .take(window)
                    .zip(MASK.iter().cycle())
                    .map(|((byte, mask), again)| byte ^ mask ^ again)
                    .collect();
                needles.insert(Needle { masked, kind });
            }
        }
        needles
    }

    /// Passes every secret of a kind, in the clear, to a function that keeps it on its stack.
    pub(crate) fn each(&self, wanted: Kind, mut with: impl FnMut(&[u8])) {
        let of_kind: Vec<Vec<u8>> = self
            .entries()
            .iter()
            .filter(|(kind, _)| *kind == wanted)
            .map(|(_, secret)| secret.to_vec())
            .collect();
        for secret in of_kind {
            let mut clear = [0; 64];
            for (target, byte) in clear.iter_mut().zip(masked(&secret)) {
                *target = byte;
            }
            with(clear.get(..secret.len()).unwrap_or_default());
        }
    }

    /// Leaks every secret of a kind in the clear to the heap, for a control.
    pub(crate) fn leak(&self, wanted: Kind) {
        for (kind, secret) in self.entries().iter() {
            if kind == wanted {
                std::mem::forget(masked(secret).collect::<Vec<u8>>());
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Masked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
