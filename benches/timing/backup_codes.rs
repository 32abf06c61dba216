use crate::case::Case;
use crate::measure::{Class, measure};
use crate::passcodes::{either, with_right_digits};
use crate::support::SeededRng;
use countersign::Timestamp;
use countersign::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat};
use countersign::otp::Code;
use rand_core::Rng;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// The position of the typed code's hash in the set.
#[derive(Clone, Copy)]
enum Stored {
    First,
    Last,
    Nowhere,
    /// One entry differs in the last byte only.
    AllButOneByte,
}

/// The two classes get the same answer for different reasons.
pub(crate) fn cases() -> Vec<Case> {
    let hash = at_places(
        "wrong in 1 byte of a hash, in all 16",
        Stored::AllButOneByte,
        Stored::Nowhere,
    );
    let digits = (1..=5).map(|count| {
        let name = format!("backup code, right in {count} leading digits, in none");
        Case::new(name, move |samples, random| {
            let issued = Issued::new(random);
            let input = |class: Class, random: &mut _| {
                let typed = with_right_digits(&issued.code, either(class, count, 0), random);
                (
                    issued.code_set.clone(),
                    Code::parse(&typed).expect("a code"),
                )
            };
            measure(samples, random, input, |(code_set, typed)| {
                code_set.redeem(typed, NOW, None).is_ok()
            })
        })
    });
    std::iter::once(hash).chain(digits).collect()
}

/// Classes with different answers. They have no limit, because the caller receives the answer.
pub(crate) fn answers() -> [Case; 2] {
    [
        at_places(
            "accepted as the first of ten, as the last",
            Stored::First,
            Stored::Last,
        ),
        at_places("accepted, wrong", Stored::First, Stored::Nowhere),
    ]
}

/// The typed code is always the same; only the stored hashes differ.
fn at_places(name: &str, left: Stored, right: Stored) -> Case {
    Case::new(format!("backup code, {name}"), move |samples, random| {
        let issued = Issued::new(random);
        let typed = Code::parse(&issued.code).expect("a code");
        let (left, right) = (
            issued.with_hashes(left, random),
            issued.with_hashes(right, random),
        );
        let input = |class, _: &mut _| either(class, &left, &right).clone();
        measure(samples, random, input, |code_set| {
            code_set.redeem(&typed, NOW, None).is_ok()
        })
    })
}

/// Ten issued backup codes. `code` is the first code.
struct Issued {
    code: String,
    code_set: BackupCodeSet,
}

impl Issued {
    fn new(random: &mut SeededRng) -> Self {
        let codes = BackupCodes::generate_with(CodeFormat::default(), random).expect("a set");
        // The cheapest hash, so that the comparison is a visible part of the time.
        let params = Argon2Params::new(8, 1, 1).expect("the minimum of Argon2");
        let code_set = BackupCodeSet::issue(&codes, NOW, params, None, random).expect("a code set");
        let code = codes.iter().next().expect("ten codes").replace(' ', "");
        Self { code, code_set }
    }

    /// The same set with its hashes in other positions. The hashes are the last field of the CBOR
    /// encoding before the empty map of used codes, which has one byte.
    fn with_hashes(&self, stored: Stored, random: &mut SeededRng) -> BackupCodeSet {
        let mut bytes = self.code_set.encode();
        let used = bytes.len() - 1;
        let hashes = &mut bytes[used - 160..used];
        match stored {
            Stored::First => {}
            Stored::Last => hashes.rotate_left(16),
            Stored::Nowhere => random.fill_bytes(&mut hashes[..16]),
            Stored::AllButOneByte => hashes[15] ^= 1,
        }
        BackupCodeSet::decode(&bytes).expect("a code set")
    }
}
