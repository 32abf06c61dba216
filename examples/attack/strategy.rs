//! What the attacker does with a year.

use std::time::Duration;

/// One way to spend a year.
pub(crate) struct Strategy {
    pub(crate) name: &'static str,
    /// Whether the attacker makes no guess that would hold the owner off at the next login. It knows: a guess is tried on a
    /// copy first. The owner's login is what makes failures be forgotten, so this admits the most.
    pub(crate) spares_the_owner: bool,
    /// How many guesses the attacker makes at most between two logins of the owner.
    pub(crate) between_logins: u32,
    /// Guesses sent at the same instant from as many threads.
    pub(crate) threads: usize,
    /// By which ways the attacker guesses, in turn.
    pub(crate) ways: &'static [Way],
    pub(crate) authenticators: u8,
    pub(crate) accounts: u32,
    pub(crate) clocks: Clocks,
    /// Whether staff unlocks the account whenever its owner is held off.
    pub(crate) unlocks: bool,
    /// Whether it admits all that the bound allows.
    pub(crate) reaches_the_bound: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Way {
    Passcode,
    BackupCode,
    /// A passcode as the proof for a change.
    Proof,
}

/// How far the second machine's clock is ahead.
#[derive(Clone, Copy)]
pub(crate) enum Clocks {
    Right,
    Ahead(Duration),
    /// From day 100 on, for one day.
    AheadForADay(Duration),
}

impl Clocks {
    pub(crate) const fn ahead_at(self, elapsed: u64) -> Duration {
        const DAY: u64 = 86_400;
        match self {
            Self::Ahead(ahead) => ahead,
            Self::AheadForADay(ahead) if elapsed / DAY == 100 => ahead,
            Self::Right | Self::AheadForADay(_) => Duration::ZERO,
        }
    }

    /// How far ahead any clock is at the end of the year.
    pub(crate) const fn ahead_at_the_end(self) -> u64 {
        match self {
            Self::Ahead(ahead) => ahead.as_secs(),
            Self::Right | Self::AheadForADay(_) => 0,
        }
    }
}

/// Whenever a guess is looked at, and the owner is not held off by it: what admits the most.
const BETWEEN: Strategy = Strategy {
    name: "between the owner's logins",
    spares_the_owner: true,
    between_logins: u32::MAX,
    threads: 1,
    ways: &[Way::Passcode],
    authenticators: 1,
    accounts: 1,
    clocks: Clocks::Right,
    unlocks: false,
    reaches_the_bound: true,
};

pub(crate) const STRATEGIES: &[Strategy] = &[
    BETWEEN,
    Strategy {
        name: "without a pause",
        spares_the_owner: false,
        reaches_the_bound: false,
        ..BETWEEN
    },
    Strategy {
        name: "paced: at most 2 between logins",
        between_logins: 2,
        reaches_the_bound: false,
        ..BETWEEN
    },
    Strategy {
        name: "parallel bursts of 8",
        threads: 8,
        ..BETWEEN
    },
    Strategy {
        name: "passcodes, backup codes, proofs in turn",
        ways: &[Way::Passcode, Way::BackupCode, Way::Proof],
        ..BETWEEN
    },
    Strategy {
        name: "backup codes only",
        ways: &[Way::BackupCode],
        ..BETWEEN
    },
    Strategy {
        name: "on five authenticators",
        authenticators: 5,
        ..BETWEEN
    },
    Strategy {
        name: "on 20 accounts",
        accounts: 20,
        ..BETWEEN
    },
    Strategy {
        name: "a machine 50 min ahead",
        clocks: Clocks::Ahead(Duration::from_secs(3000)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 3 d ahead for a day",
        clocks: Clocks::AheadForADay(Duration::from_secs(3 * 86_400)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 3 d ahead all year",
        clocks: Clocks::Ahead(Duration::from_secs(3 * 86_400)),
        ..BETWEEN
    },
    Strategy {
        name: "staff unlocks whenever asked",
        spares_the_owner: false,
        unlocks: true,
        reaches_the_bound: false,
        ..BETWEEN
    },
];
