//! The floor: the compression function of the hash crate that this crate uses, on as many blocks, and nothing else.

use std::hint::black_box;

use countersign_benches::{Contender, Race};
use sha1::block_api::compress;

type State = [u32; 5];
type Block = [u8; 64];

const STATE: State = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// A number of blocks that do not wait for each other.
fn independent<const N: usize>() -> impl FnMut() -> [State; N] {
    move || {
        let mut states = black_box([STATE; N]);
        let blocks = black_box([[0x5a; 64]; N]);
        for (state, block) in states.iter_mut().zip(&blocks) {
            compress(state, std::slice::from_ref(block));
        }
        states
    }
}

/// The outer block is made of what the inner one gives, as in HMAC.
fn chained(mut inner: State, mut outer: State, mut block: Block) -> State {
    compress(&mut inner, &[block]);
    for (place, word) in block.chunks_exact_mut(4).zip(inner) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    compress(&mut outer, &[block]);
    outer
}

/// One HMAC of a short message whose pads are hashed.
pub(crate) fn two_chained(race: &mut Race<'_>) -> Contender {
    race.enter(|| chained(black_box(STATE), black_box(STATE), black_box([0x5a; 64])))
}

/// The same with the pads, which do not wait for each other.
pub(crate) fn pads_and_two_chained(race: &mut Race<'_>) -> Contender {
    let mut pads = independent::<2>();
    race.enter(move || {
        let [inner, outer] = pads();
        chained(inner, outer, black_box([0x5a; 64]))
    })
}

/// The pads.
pub(crate) fn two(race: &mut Race<'_>) -> Contender {
    race.enter(independent::<2>())
}

/// Three steps, if nothing waited.
pub(crate) fn six(race: &mut Race<'_>) -> Contender {
    race.enter(independent::<6>())
}

/// The same with the pads.
pub(crate) fn eight(race: &mut Race<'_>) -> Contender {
    race.enter(independent::<8>())
}
