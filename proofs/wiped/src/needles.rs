//! What is looked for, kept so that it is not found here.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a needle is a part of. As wide as a word: a narrower one would stand beside padding, and padding can
/// carry what was on the scanner's stack to the heap.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The shared secret of an authenticator.
    Secret,
    /// The secret as base32, in a row or in groups, by itself or in a key URI.
    Base32,
    /// A secret or a key with the inner pad of HMAC over it.
    InnerPad,
    /// A secret or a key with the outer pad of HMAC over it.
    OuterPad,
    /// The state of the hash after the inner pad.
    InnerState,
    /// The state of the hash after the outer pad.
    OuterState,
    /// A passcode as text.
    Passcode,
    /// A backup code as text, in a row or in groups.
    BackupCode,
    /// The random bytes that backup codes are made from.
    CodeEntropy,
    /// The digest of a backup code.
    Digest,
    /// A key of the keyring, which is also the beginning of its AES key schedule.
    RecordKey,
    /// The key of the message authentication code of receipts, which is derived from a key of the keyring.
    ReceiptKey,
    /// The key URI as the codewords of a QR code: shifted by half a byte.
    Codewords,
    /// A part of the picture of a QR code.
    Picture,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 14] = [
        Self::Secret,
        Self::Base32,
        Self::InnerPad,
        Self::OuterPad,
        Self::InnerState,
        Self::OuterState,
        Self::Passcode,
        Self::BackupCode,
        Self::CodeEntropy,
        Self::Digest,
        Self::RecordKey,
        Self::ReceiptKey,
        Self::Codewords,
        Self::Picture,
    ];

    /// How many bytes in a row are a find. Eight bytes of a secret are what a register spills. Codes and
    /// passcodes are found whole; pictures by a part that no other picture has.
    const fn window(self) -> Option<usize> {
        match self {
            Self::Passcode | Self::BackupCode => None,
            Self::Picture => Some(32),
            _ => Some(8),
        }
    }

    /// How far apart the parts of a secret begin. Those of pictures do not overlap, because much of a picture is
    /// zeros, as much of memory is.
    const fn step(self) -> usize {
        match self {
            Self::Picture => 32,
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

/// Bytes to look for, masked, of at least [`Needle::PREFIX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needle {
    masked: Vec<u8>,
    kind: Kind,
}

impl Needle {
    /// The bytes that needles are sorted by.
    pub(crate) const PREFIX: usize = 4;

    /// What it is a part of.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// How long it is.
    pub(crate) const fn len(&self) -> usize {
        self.masked.len()
    }

    /// Whether some bytes begin with it.
    pub(crate) fn begins(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.len()
            && masked(bytes)
                .zip(&self.masked)
                .all(|(one, two)| one == *two)
    }

    /// Its first bytes, masked.
    pub(crate) fn prefix(&self) -> u32 {
        prefix(self.masked.iter().copied())
    }
}

/// The first bytes of a place in memory, masked, to compare with [`Needle::prefix`].
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

/// The secrets that a scenario has met, masked. Clones are the same.
///
/// Learning allocates nothing: an allocation would get the very place of what was freed before, and
/// overwrite it.
#[derive(Clone, Debug)]
pub(crate) struct Learned(Arc<Mutex<Masked>>);

/// Secrets in one row, and where each is.
#[derive(Debug)]
struct Masked {
    bytes: Vec<u8>,
    secrets: Vec<(Kind, Range<usize>)>,
}

/// Room for what every scenario learns. The allocator asks the system for so much, and takes no
/// freed place.
const ROOM: usize = 1 << 20;

impl Default for Learned {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Masked {
            bytes: Vec::with_capacity(ROOM),
            secrets: Vec::with_capacity(ROOM / 8),
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
        self.secrets.iter().map(|(kind, place)| {
            let secret = self.bytes.get(place.clone()).unwrap_or_default();
            (*kind, secret)
        })
    }
}

impl Learned {
    /// Remembers a secret.
    pub(crate) fn learn(&self, kind: Kind, bytes: &[u8]) {
        self.entries().push(kind, masked(bytes));
    }

    /// Remembers text as the codewords of a QR code in byte mode: the four bits of the mode stand first, so that
    /// all is half a byte off.
    pub(crate) fn learn_codewords(&self, text: &[u8]) {
        let pairs = text.windows(2).zip(MASK.iter().cycle());
        let masked = pairs.map(|(pair, mask)| match pair {
            [one, two] => (one << 4 | two >> 4) ^ mask,
            _ => *mask,
        });
        self.entries().push(Kind::Codewords, masked);
    }

    /// The needles: every part of every secret.
    pub(crate) fn needles(&self) -> BTreeSet<Needle> {
        let mut needles = BTreeSet::new();
        for (kind, secret) in self.entries().iter() {
            let window = kind.window().unwrap_or(secret.len());
            for part in (0..=secret.len().saturating_sub(window)).step_by(kind.step()) {
                // The mask of a part starts anew.
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

    /// Hands every secret of a kind, in the clear, to something that keeps it on its own stack.
    pub(crate) fn each(&self, wanted: Kind, mut with: impl FnMut(&[u8])) {
        let of_kind: Vec<Vec<u8>> = self
            .entries()
            .iter()
            .filter(|(kind, _)| *kind == wanted)
            .map(|(_, secret)| secret.to_vec())
            .collect();
        for secret in of_kind {
            let mut clear = [0; 64];
            for (place, byte) in clear.iter_mut().zip(masked(&secret)) {
                *place = byte;
            }
            with(clear.get(..secret.len()).unwrap_or_default());
        }
    }

    /// Leaves every secret of a kind in the clear on the heap, for a control.
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
