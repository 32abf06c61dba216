//! The strategies of the attacker.

use std::time::Duration;

use countersign::{ServerClock, Timestamp};

use crate::service::START;

/// One way to spend a year.
pub(crate) struct Strategy {
    pub(crate) name: &'static str,
    /// Whether the attacker avoids guesses that would make the owner wait at the next login. The
    /// attacker tries a guess on a copy first. The owner's login resets the failure count, so this
    /// strategy reaches the most guesses.
    pub(crate) spares_the_owner: bool,
    /// The most guesses between two logins of the owner.
    pub(crate) between_logins: u32,
    /// The number of guesses that are sent at the same time.
    pub(crate) threads: usize,
    /// The ways in which the attacker guesses, in turn.
    pub(crate) ways: &'static [Way],
    pub(crate) authenticators: u8,
    pub(crate) accounts: u32,
    pub(crate) clocks: Clocks,
    /// Whether the attacker uses only the second server on the first day, before the other server
    /// counts a failure and stores the time of the failure.
    pub(crate) begins_on_the_second: bool,
    /// The age of the second factor when the attack starts. Before the attack there was no failure.
    pub(crate) age: Duration,
    /// How the staff unlocks the account whenever the owner must wait. `None`: the staff never
    /// does.
    pub(crate) staff: Option<Staff>,
    /// Whether this strategy reaches the limit.
    pub(crate) reaches_the_bound: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Way {
    Passcode,
    BackupCode,
    /// A passcode as the proof for a change.
    Proof,
}

#[derive(Clone, Copy)]
pub(crate) struct Staff {
    /// Whether the staff uses the second server, whose clock can be wrong.
    pub(crate) on_the_second: bool,
    pub(crate) clock: ServerClock,
}

impl Staff {
    /// The staff uses the server whose clock is correct, but has not checked this clock.
    const UNCONFIRMED: Self = Self {
        on_the_second: false,
        clock: ServerClock::Unconfirmed,
    };
}

/// The error of the second server's clock.
#[derive(Clone, Copy)]
pub(crate) enum Clocks {
    Right,
    Ahead(Duration),
    /// From day 100 on, for one day.
    AheadForADay(Duration),
    Behind(Duration),
    /// The clock started at 1970-01-01, like a clock without a battery.
    From1970,
}

impl Clocks {
    pub(crate) const fn second(self, elapsed: u64) -> Timestamp {
        const DAY: u64 = 86_400;
        let now = START.saturating_add(elapsed);
        match self {
            Self::Ahead(ahead) => now.saturating_add(ahead.as_secs()),
            Self::AheadForADay(ahead) if elapsed / DAY == 100 => {
                now.saturating_add(ahead.as_secs())
            }
            Self::Right | Self::AheadForADay(_) => now,
            Self::Behind(behind) => {
                Timestamp::from_unix(now.as_unix().saturating_sub(behind.as_secs()))
            }
            Self::From1970 => Timestamp::from_unix(elapsed),
        }
    }

    pub(crate) const fn are_right(self) -> bool {
        matches!(self, Self::Right)
    }

    /// The seconds of refills that the difference between the clocks adds, once. A fast clock adds
    /// the seconds by which it is ahead at the end. A slow clock adds the seconds by which it was
    /// behind at the first failure: before that, only the time of the enrollment is stored.
    pub(crate) fn added(self, age: Duration) -> u64 {
        match self {
            Self::Right | Self::AheadForADay(_) => 0,
            Self::Ahead(ahead) => ahead.as_secs(),
            Self::Behind(behind) => behind.min(age).as_secs(),
            Self::From1970 => age.as_secs(),
        }
    }
}

/// Guesses whenever the verifier checks a guess and the owner will not have to wait: this reaches
/// the most guesses.
const BETWEEN: Strategy = Strategy {
    name: "between the owner's logins",
    spares_the_owner: true,
    between_logins: u32::MAX,
    threads: 1,
    ways: &[Way::Passcode],
    authenticators: 1,
    accounts: 1,
    clocks: Clocks::Right,
    begins_on_the_second: false,
    age: HOUR,
    staff: None,
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
        name: "a server 10 min ahead",
        clocks: Clocks::Ahead(minutes(10)),
        ..BETWEEN
    },
    Strategy {
        name: "a server 50 min ahead",
        clocks: Clocks::Ahead(minutes(50)),
        ..BETWEEN
    },
    Strategy {
        name: "a server 59 min ahead",
        clocks: Clocks::Ahead(minutes(59)),
        ..BETWEEN
    },
    Strategy {
        name: "a server 3 d ahead for a day",
        clocks: Clocks::AheadForADay(THREE_DAYS),
        ..BETWEEN
    },
    Strategy {
        name: "a server 3 d ahead all year",
        clocks: Clocks::Ahead(THREE_DAYS),
        // A stored failure from the fast clock makes the other server reject everything.
        reaches_the_bound: false,
        ..BETWEEN
    },
    Strategy {
        name: "a server 50 min behind",
        clocks: Clocks::Behind(minutes(50)),
        ..BETWEEN
    },
    Strategy {
        name: "a server 2 h behind",
        clocks: Clocks::Behind(minutes(120)),
        ..BETWEEN
    },
    Strategy {
        name: "2 h behind, without a pause",
        spares_the_owner: false,
        clocks: Clocks::Behind(minutes(120)),
        reaches_the_bound: false,
        ..BETWEEN
    },
    Strategy {
        name: "a server 1 d behind",
        clocks: Clocks::Behind(DAY),
        ..BETWEEN
    },
    Strategy {
        name: "a server at 1970",
        clocks: Clocks::From1970,
        ..BETWEEN
    },
    Strategy {
        name: "first a server at 1970, 30 d later",
        clocks: Clocks::From1970,
        begins_on_the_second: true,
        // The first day's refill is lost.
        reaches_the_bound: false,
        age: THIRTY_DAYS,
        ..BETWEEN
    },
    Strategy {
        name: "staff unlocks whenever asked",
        staff: Some(Staff::UNCONFIRMED),
        ..STAFF
    },
    Strategy {
        name: "staff unlocks, 50 min behind",
        clocks: Clocks::Behind(minutes(50)),
        ..STAFF
    },
    Strategy {
        name: "staff unlocks, at 1970",
        clocks: Clocks::From1970,
        ..STAFF
    },
    Strategy {
        name: "staff confirms, other 3 d ahead",
        clocks: Clocks::Ahead(THREE_DAYS),
        staff: Some(Staff {
            clock: ServerClock::Confirmed,
            ..Staff::UNCONFIRMED
        }),
        ..STAFF
    },
];

/// The staff unlocks on the second server.
const STAFF: Strategy = Strategy {
    name: "",
    spares_the_owner: false,
    staff: Some(Staff {
        on_the_second: true,
        ..Staff::UNCONFIRMED
    }),
    reaches_the_bound: false,
    ..BETWEEN
};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const HOUR: Duration = minutes(60);
const DAY: Duration = minutes(24 * 60);
const THREE_DAYS: Duration = minutes(3 * 24 * 60);
const THIRTY_DAYS: Duration = minutes(30 * 24 * 60);
