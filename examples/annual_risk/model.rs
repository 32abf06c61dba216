//! The attacker, the owner, and the chance of the attacker. `docs/comparison.md` describes the
//! model.

/// In seconds.
const DAY: u64 = 86_400;
const DAYS: u64 = 365;
const YEAR: u64 = DAYS * DAY;

/// How a server limits wrong codes, per account.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// No limit. The attacker makes one guess per second.
    None,
    /// For how many seconds the server checks no code, by the number of consecutive failures.
    Wait(fn(u64) -> u64),
    /// A budget of guesses: `burst` guesses at once, and one more every `refill` seconds. A
    /// successful login adds nothing to the budget.
    Budget { burst: u64, refill: u64 },
}

/// A set of backup codes.
#[derive(Clone, Copy)]
pub(crate) struct BackupCodes {
    /// How many codes a guess is compared with.
    pub(crate) count: f64,
    /// How many codes are possible.
    pub(crate) space: f64,
    /// Whether the limit also applies to backup codes.
    pub(crate) limited: bool,
}

/// The default policy of a library or server.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    /// The version whose source was read.
    pub(crate) version: &'static str,
    /// The limit in words.
    pub(crate) summary: &'static str,
    /// The file that has the limit.
    pub(crate) source: &'static str,
    pub(crate) limit: Limit,
    /// Whether a successful login of the owner sets the count of failures back to zero.
    pub(crate) owner_resets: bool,
    pub(crate) digits: u32,
    /// How many passcodes the server accepts at the same time.
    pub(crate) accepted: u32,
    pub(crate) backup_codes: Option<BackupCodes>,
}

impl Rules {
    /// How many codes the server checks for the attacker in a year.
    pub(crate) fn guesses(&self) -> u64 {
        guesses(self.limit, self.owner_resets)
    }

    /// The chance that at least one guess of a year is right.
    pub(crate) fn chance(&self) -> f64 {
        let guesses = self.guesses();
        let passcodes = missed(self.passcode_chance(), guesses);
        let backup_codes = self.backup_codes.map_or(1.0, |codes| {
            let guesses = if codes.limited {
                guesses
            } else {
                self::guesses(Limit::None, false)
            };
            missed(codes.count / codes.space, guesses)
        });
        1.0 - passcodes * backup_codes
    }

    /// A passcode is 31 bits modulo a power of ten (RFC 4226, section 5.3), so some passcodes are a
    /// little likelier than others. The attacker tries the likeliest ones.
    fn passcode_chance(&self) -> f64 {
        const TRUNCATED: u32 = 1 << 31;
        let likeliest = TRUNCATED.div_ceil(10_u32.pow(self.digits));
        f64::from(self.accepted) * f64::from(likeliest) / f64::from(TRUNCATED)
    }
}

/// The chance that all guesses are wrong.
fn missed(chance: f64, guesses: u64) -> f64 {
    (guesses as f64 * (-chance).ln_1p()).exp()
}

fn guesses(limit: Limit, owner_resets: bool) -> u64 {
    match limit {
        Limit::None => YEAR,
        Limit::Budget { burst, refill } => burst + YEAR / refill,
        Limit::Wait(wait) if owner_resets => between_logins(wait).max(without_regard(wait)),
        Limit::Wait(wait) => without_regard(wait),
    }
}

/// The owner logs in once a day, which resets the count. The attacker makes no guess whose wait
/// would last into the next login: the owner never has to wait, and resets the count every
/// day. On the last day, a wait of the owner no longer matters to the attacker.
fn between_logins(wait: fn(u64) -> u64) -> u64 {
    let careful = guesses_until(wait, DAY, DAY);
    let last = guesses_until(wait, DAY, u64::MAX);
    careful * (DAYS - 1) + last
}

/// The attacker guesses whenever the server checks a code, and never stops. The owner is locked out
/// most of the time, so nothing resets the count.
fn without_regard(wait: fn(u64) -> u64) -> u64 {
    guesses_until(wait, YEAR, u64::MAX)
}

/// How many guesses an attacker makes before `end`, if every wait must end by `latest`. The count
/// starts with no failures.
fn guesses_until(wait: fn(u64) -> u64, end: u64, latest: u64) -> u64 {
    let mut now = 0_u64;
    let mut failures = 0;
    while now < end {
        let then = now.saturating_add(wait(failures + 1));
        if then > latest {
            break;
        }
        failures += 1;
        now = then;
    }
    failures
}
