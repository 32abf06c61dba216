//! Any text, at any time, in any window: parsed or refused; accepted at most once, in every writing.
#![no_main]

use countersign::{Algorithm, Digits, Passcode, Period, TimeStep, Timestamp, Totp, Window};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(Debug, arbitrary::Arbitrary)]
struct Input<'a> {
    text: Text<'a>,
    time: u64,
    t0: u64,
    period: u64,
    before: u8,
    after: u8,
    last: Option<u64>,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Text<'a> {
    Any(&'a str),
    /// The passcode of this many steps before the current one.
    Of(u8),
}

fuzz_target!(|input: Input<'_>| {
    let Ok(period) = Period::from_secs(input.period) else {
        return;
    };
    let totp = Totp::new(&[0x5a; 20], Algorithm::Sha1, Digits::SIX, period)
        .with_t0(Timestamp::from_unix(input.t0));
    let at = Timestamp::from_unix(input.time);
    let text = match input.text {
        Text::Any(text) => text.to_owned(),
        Text::Of(steps) => {
            let earlier = input
                .time
                .saturating_sub(input.period.saturating_mul(steps.into()));
            totp.generate(Timestamp::from_unix(earlier))
                .expose()
                .to_owned()
        }
    };
    let Ok(passcode) = Passcode::parse(&text) else {
        return;
    };
    assert!((1..=Passcode::MAX_SYMBOLS).contains(&passcode.symbol_count()));

    let window = Window {
        before: input.before,
        after: input.after,
    };
    let last = input.last.map(TimeStep::new);
    let Some(matched) = totp.verify(&passcode, at, window, last) else {
        return;
    };
    assert!(last.is_none_or(|last| matched.step() > last));
    let spaced: String = text.chars().flat_map(|c| [' ', c, '-']).collect();
    if let Ok(again) = Passcode::parse(&spaced) {
        assert_eq!(totp.verify(&again, at, window, last), Some(matched));
        assert_eq!(totp.verify(&again, at, window, Some(matched.step())), None);
    }
});
