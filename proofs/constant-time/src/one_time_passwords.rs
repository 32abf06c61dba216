//! From a key to the result, for HOTP, TOTP and Steam Guard.

use crate::memcheck::poison;
use crate::report::Report;
use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, SteamGuard, TimeStep, Totp, Window};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
const DIGITS: [Digits; 3] = [Digits::SIX, Digits::SEVEN, Digits::EIGHT];
const WINDOWS: std::ops::RangeInclusive<u8> = 0..=10;
const COUNTER: u64 = 59_850_720;

pub(crate) fn run(report: &Report) {
    for algorithm in ALGORITHMS {
        for digits in DIGITS {
            let token = Token::new(algorithm, digits, algorithm.output_len());
            token.generate(report);
            token.resynchronize(report);
            for window in WINDOWS {
                token.hotp(report, window);
                token.totp(report, window);
            }
        }
        // HMAC hashes a key that is longer than a block (RFC 2104, section 2).
        Token::new(algorithm, Digits::SIX, 200).hotp(report, 3);
    }
    let key: Vec<u8> = (1..).take(20).collect();
    for window in WINDOWS {
        steam_guard(report, &key, window);
    }
}

/// A key that is not secret, which gives the right passcodes, and the same key poisoned.
struct Token {
    name: String,
    algorithm: Algorithm,
    digits: Digits,
    key: Vec<u8>,
    known: Hotp,
}

impl Token {
    fn new(algorithm: Algorithm, digits: Digits, key_length: usize) -> Self {
        let key: Vec<u8> = (1..).take(key_length).collect();
        Self {
            name: format!("{algorithm}, {digits} digits, {key_length} byte key"),
            algorithm,
            digits,
            known: Hotp::new(&key, algorithm, digits),
            key,
        }
    }

    fn poisoned_key(&self) -> Vec<u8> {
        let mut key = self.key.clone();
        poison(&mut key);
        key
    }

    fn poisoned_totp(&self, key: &[u8]) -> Totp {
        Totp::new(key, self.algorithm, self.digits, Period::default())
    }

    fn right(&self, counter: u64) -> Code {
        let passcode = self.known.generate(counter);
        Code::parse(passcode.expose()).expect("a passcode")
    }

    /// The first passcode that is wrong at every counter of every window.
    fn wrong(&self) -> Code {
        let digits = usize::from(self.digits.get());
        (0..)
            .map(|number| Code::parse(&format!("{number:0digits$}")).expect("a passcode"))
            .find(|typed| self.known.verify(typed, COUNTER - 10, 20).is_none())
            .expect("not every passcode is right")
    }

    fn generate(&self, report: &Report) {
        let key = self.poisoned_key();
        report.proof(&format!("generate, {}", self.name), 0, || {
            Hotp::new(&key, self.algorithm, self.digits).generate(COUNTER)
        });
    }

    fn hotp(&self, report: &Report, look_ahead: u8) {
        let first = self.right(COUNTER);
        let last = self.right(COUNTER + u64::from(look_ahead));
        let wrong = self.wrong();
        let key = self.poisoned_key();
        report.proof(
            &format!("HOTP, {}, {look_ahead} ahead", self.name),
            3,
            || {
                let hotp = Hotp::new(&key, self.algorithm, self.digits);
                let verify = |code| hotp.verify(code, COUNTER, look_ahead);
                assert!(verify(&first).is_some(), "right at the first counter");
                assert!(verify(&last).is_some(), "right at the last counter");
                assert!(verify(&wrong).is_none(), "wrong at every counter");
            },
        );
    }

    fn resynchronize(&self, report: &Report) {
        let (first, second) = (self.right(COUNTER + 7), self.right(COUNTER + 8));
        let wrong = self.wrong();
        let key = self.poisoned_key();
        report.proof(&format!("resynchronize, {}", self.name), 3, || {
            let hotp = Hotp::new(&key, self.algorithm, self.digits);
            let find = |first, second| hotp.resynchronize(first, second, COUNTER, 10);
            assert!(find(&first, &second).is_some(), "both right");
            assert!(find(&first, &wrong).is_none(), "only the first right");
            assert!(find(&wrong, &second).is_none(), "only the second right");
        });
    }

    fn totp(&self, report: &Report, window: u8) {
        let steps = u64::from(window);
        let now = Timestamp::from_unix(COUNTER * Period::default().as_secs());
        let first = self.right(COUNTER - steps);
        let last = self.right(COUNTER + steps);
        let wrong = self.wrong();
        let key = self.poisoned_key();
        // Three results for four calls: the last call has no step later than the last accepted one,
        // which is public.
        report.proof(&format!("TOTP, {}, window {window}", self.name), 3, || {
            let totp = self.poisoned_totp(&key);
            let window = Window::around(window);
            let verify = |code, last_step| totp.verify(code, now, window, last_step);
            assert!(verify(&first, None).is_some(), "right at the first step");
            assert!(verify(&last, None).is_some(), "right at the last step");
            assert!(verify(&wrong, None).is_none(), "wrong at every step");
            let used = Some(TimeStep::new(COUNTER + steps));
            assert!(verify(&last, used).is_none(), "used before");
        });
    }
}

fn steam_guard(report: &Report, key: &[u8], window: u8) {
    let steps = u64::from(window);
    let now = Timestamp::from_unix(COUNTER * Period::default().as_secs());
    let known = SteamGuard::new(key);
    let right = |step| {
        let passcode = known.generate_step(TimeStep::new(step));
        Code::parse(passcode.expose()).expect("a passcode")
    };
    let (first, last) = (right(COUNTER - steps), right(COUNTER + steps));
    let wrong = right(COUNTER + steps + 1);
    let mut key = key.to_vec();
    poison(&mut key);
    // Three results for five calls: a passcode is no result, and the last call has no step later
    // than the last accepted one.
    report.proof(&format!("Steam Guard, window {window}"), 3, || {
        let steam = SteamGuard::new(&key);
        let passcode = steam.generate(now);
        let window = Window::around(window);
        let verify = |code, last_step| steam.verify(code, now, window, last_step);
        assert!(verify(&first, None).is_some(), "right at the first step");
        assert!(verify(&last, None).is_some(), "right at the last step");
        assert!(verify(&wrong, None).is_none(), "wrong at every step");
        let used = Some(TimeStep::new(COUNTER + steps));
        assert!(verify(&last, used).is_none(), "used before");
        passcode
    });
}
