use crate::case::Case;
use crate::measure::{Class, measure};
use crate::support::SeededRng;
use countersign::Timestamp;
use countersign::otp::{Algorithm, Code, Digits, Period, TimeStep, Totp, Window};
use rand_core::Rng;

/// The typed code, the time, and the last accepted step.
type Input = (Code, Timestamp, Option<TimeStep>);

/// The step of the window at which the passcode is right, and whether it was used before.
#[derive(Clone, Copy)]
enum Right {
    First,
    Last,
    UsedFirst,
    UsedLast,
    Nowhere,
}

/// The two classes get the same answer for different reasons.
pub(crate) fn cases() -> Vec<Case> {
    let steps = [
        at_steps(
            "accepted at the first step, at the last",
            Right::First,
            Right::Last,
        ),
        at_steps(
            "used at the first step, at the last",
            Right::UsedFirst,
            Right::UsedLast,
        ),
        at_steps(
            "used at the first step, wrong at all",
            Right::UsedFirst,
            Right::Nowhere,
        ),
        at_steps(
            "used at the last step, wrong at all",
            Right::UsedLast,
            Right::Nowhere,
        ),
    ];
    let digits = (1..=5).map(|count| {
        let name = format!("passcode, right in {count} leading digits, in none");
        Case::new(name, move |samples, random| {
            let totp = totp(random);
            let input = |class, random: &mut _| in_digits(&totp, either(class, count, 0), random);
            measure(samples, random, input, |input| verify(&totp, input))
        })
    });
    steps.into_iter().chain(digits).collect()
}

/// Classes with different answers. They have no limit, because the caller receives the answer.
pub(crate) fn answers() -> [Case; 1] {
    [at_steps("accepted, wrong", Right::First, Right::Nowhere)]
}

fn at_steps(name: &str, left: Right, right: Right) -> Case {
    Case::new(format!("passcode, {name}"), move |samples, random| {
        let totp = totp(random);
        let input = |class, random: &mut _| at_step(&totp, either(class, left, right), random);
        measure(samples, random, input, |input| verify(&totp, input))
    })
}

/// The negative controls: typical code that leaks.
pub(crate) fn controls() -> Vec<Case> {
    let steps = Case::new(
        "control: stops at the first step that matches".into(),
        |samples, random| {
            let totp = totp(random);
            let input = |class, random: &mut _| {
                at_step(&totp, either(class, Right::First, Right::Last), random)
            };
            measure(samples, random, input, |(code, now, _)| {
                (-30..=30).step_by(30).any(|drift| {
                    let at = Timestamp::from_unix(now.as_unix().saturating_add_signed(drift));
                    totp.verify(code, at, Window::EXACT, None).is_some()
                })
            })
        },
    );
    let digits = Case::new(
        "control: stops at the first digit that is wrong".into(),
        |samples, random| {
            let totp = totp(random);
            let input = |class, random: &mut SeededRng| {
                let shown = totp.generate(now(random)).expose().to_owned();
                let typed = with_right_digits(&shown, either(class, 5, 0), random);
                (shown.into_bytes(), typed.into_bytes())
            };
            measure(samples, random, input, |(shown, typed)| {
                shown
                    .iter()
                    .zip(typed.iter())
                    .all(|(shown, typed)| std::hint::black_box(shown == typed))
            })
        },
    );
    vec![steps, digits]
}

pub(crate) fn either<T>(class: Class, left: T, right: T) -> T {
    match class {
        Class::Left => left,
        Class::Right => right,
    }
}

fn totp(random: &mut SeededRng) -> Totp {
    let mut key = [0; 20];
    random.fill_bytes(&mut key);
    Totp::new(&key, Algorithm::Sha1, Digits::SIX, Period::default())
}

fn verify(totp: &Totp, (code, now, last_step): &Input) -> bool {
    totp.verify(code, *now, Window::default(), *last_step)
        .is_some()
}

/// Any time of the next thousand years.
fn now(random: &mut SeededRng) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + u64::from(random.next_u32()) * 7)
}

fn at_step(totp: &Totp, right: Right, random: &mut SeededRng) -> Input {
    let now = now(random);
    let (seconds, last_step) = match right {
        Right::First => (now.as_unix() - 30, 0),
        Right::Last => (now.as_unix() + 30, 0),
        Right::UsedFirst => (now.as_unix() - 30, u64::MAX),
        Right::UsedLast => (now.as_unix() + 30, u64::MAX),
        Right::Nowhere => (now.as_unix() + 3_000, u64::MAX),
    };
    let shown = totp.generate(Timestamp::from_unix(seconds));
    let typed = Code::parse(shown.expose()).expect("a passcode");
    (typed, now, Some(TimeStep::new(last_step)))
}

fn in_digits(totp: &Totp, count: usize, random: &mut SeededRng) -> Input {
    let now = now(random);
    let typed = with_right_digits(totp.generate(now).expose(), count, random);
    (Code::parse(&typed).expect("a passcode"), now, None)
}

/// A code that is right in exactly `count` leading digits. The digits after the first wrong digit
/// are random.
pub(crate) fn with_right_digits(code: &str, count: usize, random: &mut SeededRng) -> String {
    code.char_indices()
        .map(|(index, right)| {
            let right = right.to_digit(10).expect("a digit");
            let typed = match index {
                _ if index < count => right,
                _ if index == count => (right + 1 + random.next_u32() % 9) % 10,
                _ => random.next_u32() % 10,
            };
            char::from_digit(typed, 10).expect("a digit")
        })
        .collect()
}
