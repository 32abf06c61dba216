//! Any text at any time, in any window, at any counter. A code is accepted at most once, in every
//! spelling.

use arbitrary::Arbitrary;
use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Hotp, Period, TimeStep, Totp, Window};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    time: u64,
    t0: u64,
    period: u64,
    before: u8,
    after: u8,
    last: Option<u64>,
    text: Text<'a>,
}

#[derive(Debug, Arbitrary)]
enum Text<'a> {
    Any(&'a str),
    /// The passcode of this many time steps before the current step.
    Of(u8),
}

const KEY: [u8; 20] = [0x5a; 20];

pub(super) fn run(input: &[u8]) {
    let Some(input) = super::read::<Input<'_>>(input) else {
        return;
    };
    let Ok(period) = Period::from_secs(input.period) else {
        return;
    };
    let totp = Totp::new(&KEY, Algorithm::Sha1, Digits::SIX, period)
        .with_t0(Timestamp::from_unix(input.t0));
    let at = Timestamp::from_unix(input.time);
    let text = match input.text {
        Text::Any(text) => text.to_owned(),
        Text::Of(steps) => {
            let ago = period.as_secs().saturating_mul(steps.into());
            let earlier = Timestamp::from_unix(input.time.saturating_sub(ago));
            totp.generate(earlier).expose().to_owned()
        }
    };
    let Ok(code) = Code::parse(&text) else {
        return;
    };
    assert!((1..=Code::MAX_SYMBOLS).contains(&code.symbol_count()));
    counters(&code, input.time, input.after);

    let window = Window {
        before: input.before,
        after: input.after,
    };
    let last = input.last.map(TimeStep::new);
    let Some(matched) = totp.verify(&code, at, window, last) else {
        return;
    };
    assert!(last.is_none_or(|last| matched.step() > last));
    let current = totp.step(at).get();
    let first = current.saturating_sub(window.before.into());
    let end = current.saturating_add(window.after.into());
    assert!((first..=end).contains(&matched.step().get()));
    let distance = i128::from(matched.step().get()) - i128::from(current);
    assert_eq!(i128::from(matched.drift()), distance);

    let used = Some(matched.step());
    assert_eq!(totp.verify(&code, at, window, used), None);
    let spaced: String = text.chars().flat_map(|c| [' ', c, '-', '\u{ad}']).collect();
    if let Ok(again) = Code::parse(&spaced) {
        assert_eq!(totp.verify(&again, at, window, last), Some(matched));
        assert_eq!(totp.verify(&again, at, window, used), None);
    }
}

/// The same text as a counter-based passcode, also near the end of all counters.
fn counters(code: &Code, counter: u64, look_ahead: u8) {
    let hotp = Hotp::new(&KEY, Algorithm::Sha1, Digits::SIX);
    if let Some(matched) = hotp.verify(code, counter, look_ahead) {
        assert!(matched.next().is_none_or(|next| next > counter));
    }
    let found = hotp.resynchronize(code, code, counter, look_ahead.into());
    if let Some(matched) = found {
        assert!(matched.next().is_none_or(|next| next > counter));
    }
    let shown = Code::parse(hotp.generate(counter).expose()).expect("digits");
    assert!(hotp.verify(&shown, counter, 0).is_some());
}
