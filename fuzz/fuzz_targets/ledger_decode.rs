//! Any bytes as a ledger, and ledgers that were damaged: refused, or what encodes to these bytes.
#![no_main]

use countersign::{Ledger, Passcode, Timestamp};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(Debug, arbitrary::Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// One of the known ledgers, with bytes put over it at places, and cut or extended.
    Damaged {
        ledger: u8,
        over: Vec<(u8, u8)>,
        length: Option<u8>,
    },
}

fn known(index: u8) -> Vec<u8> {
    let ledgers: Vec<&str> = include_str!("../../tests/data/ledgers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').nth(3))
        .collect();
    let hex = ledgers[usize::from(index) % ledgers.len()];
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match input {
        Input::Bytes(bytes) => bytes.to_vec(),
        Input::Damaged {
            ledger,
            over,
            length,
        } => {
            let mut bytes = known(ledger);
            for (place, value) in over {
                if let Some(byte) = bytes.get_mut(usize::from(place)) {
                    *byte = value;
                }
            }
            if let Some(length) = length {
                bytes.resize(length.into(), 0);
            }
            bytes
        }
    };
    let Ok(mut ledger) = Ledger::decode(&bytes) else {
        return;
    };
    assert_eq!(ledger.encode(), bytes);
    assert!(ledger.remaining() <= ledger.status().len());
    // Slow digests would leave no time for anything else.
    if ledger.params().memory_kib() <= 64 {
        let code = "1".repeat(ledger.format().length().into());
        if let Ok(passcode) = Passcode::parse(&code) {
            let outcome = ledger.redeem(&passcode, Timestamp::UNIX_EPOCH, None);
            assert_eq!(ledger.encode() == bytes, outcome.is_err());
        }
    }
});
