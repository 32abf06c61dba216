use crate::case::Case;
use crate::measure::{Class, measure};
use crate::passcodes::{either, with_right_digits};
use crate::support::SeededRng;
use countersign::Timestamp;
use countersign::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat};
use countersign::otp::Code;
use rand_core::Rng;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Where the digest of the code that is typed stands among those of the set.
#[derive(Clone, Copy)]
enum Stored {
    First,
    Last,
    Nowhere,
    /// An entry that differs in the last byte alone.
    AllButOneByte,
}

/// Both classes have the same answer, for different reasons.
pub(crate) fn cases() -> Vec<Case> {
    let digest = at_places(
        "wrong in 1 byte of a digest, in all 16",
        Stored::AllButOneByte,
        Stored::Nowhere,
    );
    let digits = (1..=5).map(|count| {
        let name = format!("backup code, right in {count} leading digits, in none");
        Case::new(name, move |samples, random| {
            let set = Set::new(random);
            let input = |class: Class, random: &mut _| {
                let typed = with_right_digits(&set.code, either(class, count, 0), random);
                (set.ledger.clone(), Code::parse(&typed).expect("a code"))
            };
            measure(samples, random, input, |(ledger, typed)| {
                ledger.redeem(typed, NOW, None).is_ok()
            })
        })
    });
    std::iter::once(digest).chain(digits).collect()
}

/// What is not judged: the answer itself, which whoever asks is told.
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

/// What is typed is always the same: only what is stored differs.
fn at_places(name: &str, left: Stored, right: Stored) -> Case {
    Case::new(format!("backup code, {name}"), move |samples, random| {
        let set = Set::new(random);
        let typed = Code::parse(&set.code).expect("a code");
        let (left, right) = (set.ledger(left, random), set.ledger(right, random));
        let input = |class, _: &mut _| either(class, &left, &right).clone();
        measure(samples, random, input, |ledger| {
            ledger.redeem(&typed, NOW, None).is_ok()
        })
    })
}

/// Ten backup codes; the first is the one that is typed.
struct Set {
    code: String,
    ledger: BackupCodeSet,
}

impl Set {
    fn new(random: &mut SeededRng) -> Self {
        let codes = BackupCodes::generate_with(CodeFormat::default(), random).expect("a set");
        // The least digest that there is, so that the comparison is not lost in it.
        let params = Argon2Params::new(8, 1, 1).expect("the least that Argon2 allows");
        let ledger = BackupCodeSet::issue(&codes, NOW, params, None, random).expect("a ledger");
        let code = codes.iter().next().expect("ten codes").replace(' ', "");
        Self { code, ledger }
    }

    /// The same set with the digests in other places: they are what its CBOR ends with, but for the one byte of an empty
    /// map of used codes.
    fn ledger(&self, stored: Stored, random: &mut SeededRng) -> BackupCodeSet {
        let mut bytes = self.ledger.encode();
        let used = bytes.len() - 1;
        let digests = &mut bytes[used - 160..used];
        match stored {
            Stored::First => {}
            Stored::Last => digests.rotate_left(16),
            Stored::Nowhere => random.fill_bytes(&mut digests[..16]),
            Stored::AllButOneByte => digests[15] ^= 1,
        }
        BackupCodeSet::decode(&bytes).expect("a ledger")
    }
}
