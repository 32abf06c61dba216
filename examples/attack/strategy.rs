//! What the attacker does with a year.

use std::time::Duration;

use countersign::{ServerClock, Timestamp};

use crate::service::BEGINNING;

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
    /// Whether the attacker spends the first day on the second machine alone, before the other one counts a failure and
    /// stores its time.
    pub(crate) begins_on_the_second: bool,
    /// How long the owner has had the second factor when the attack begins, without a failure.
    pub(crate) age: Duration,
    /// How staff unlocks the account whenever its owner is held off, if it does.
    pub(crate) staff: Option<Staff>,
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

#[derive(Clone, Copy)]
pub(crate) struct Staff {
    /// Whether it works on the second machine, whose clock can be wrong.
    pub(crate) on_the_second: bool,
    pub(crate) clock: ServerClock,
}

impl Staff {
    /// On the machine whose clock is right, which staff does not know.
    const UNCONFIRMED: Self = Self {
        on_the_second: false,
        clock: ServerClock::Unconfirmed,
    };
}

/// What the second machine's clock shows.
#[derive(Clone, Copy)]
pub(crate) enum Clocks {
    Right,
    Ahead(Duration),
    /// From day 100 on, for one day.
    AheadForADay(Duration),
    Behind(Duration),
    /// It has run from 1970-01-01 on, as the clock of a machine without a battery.
    From1970,
}

impl Clocks {
    pub(crate) const fn second(self, elapsed: u64) -> Timestamp {
        const DAY: u64 = 86_400;
        let now = BEGINNING.saturating_add(elapsed);
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

    /// How many seconds of refills the difference between the two clocks adds to the year, which it does once: as
    /// many as the later one is ahead at the end, or as the earlier one was behind at the first failure. Before
    /// that no time is stored, but that of the enrollment.
    pub(crate) fn added(self, age: Duration) -> u64 {
        match self {
            Self::Right | Self::AheadForADay(_) => 0,
            Self::Ahead(ahead) => ahead.as_secs(),
            Self::Behind(behind) => behind.min(age).as_secs(),
            Self::From1970 => age.as_secs(),
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
        name: "a machine 10 min ahead",
        clocks: Clocks::Ahead(minutes(10)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 50 min ahead",
        clocks: Clocks::Ahead(minutes(50)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 59 min ahead",
        clocks: Clocks::Ahead(minutes(59)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 3 d ahead for a day",
        clocks: Clocks::AheadForADay(THREE_DAYS),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 3 d ahead all year",
        clocks: Clocks::Ahead(THREE_DAYS),
        // Where a wait hangs on its time, the other machine looks at nothing.
        reaches_the_bound: false,
        ..BETWEEN
    },
    Strategy {
        name: "a machine 50 min behind",
        clocks: Clocks::Behind(minutes(50)),
        ..BETWEEN
    },
    Strategy {
        name: "a machine 2 h behind",
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
        name: "a machine 1 d behind",
        clocks: Clocks::Behind(DAY),
        ..BETWEEN
    },
    Strategy {
        name: "a machine at 1970",
        clocks: Clocks::From1970,
        ..BETWEEN
    },
    Strategy {
        name: "first a machine at 1970, 30 d later",
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

/// Staff unlocks on the second machine.
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
