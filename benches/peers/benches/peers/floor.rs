//! The floor: only the compression function of the hash crate that this crate uses, on the same
//! number of blocks.

use std::hint::black_box;

use countersign_benches::{Candidate, Timer};
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

/// Compresses independent blocks.
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

/// Compresses two blocks. As in HMAC, the outer block contains the result of the inner block.
fn chained(mut inner: State, mut outer: State, mut block: Block) -> State {
    compress(&mut inner, &[block]);
    for (bytes, word) in block.chunks_exact_mut(4).zip(inner) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    compress(&mut outer, &[block]);
    outer
}

/// One HMAC of a short message, with the pads already hashed.
pub(crate) fn two_chained(timer: &mut Timer<'_>) -> Candidate {
    timer.add(|| chained(black_box(STATE), black_box(STATE), black_box([0x5a; 64])))
}

/// One HMAC of a short message, with the two pads hashed independently.
pub(crate) fn pads_and_two_chained(timer: &mut Timer<'_>) -> Candidate {
    let mut pads = independent::<2>();
    timer.add(move || {
        let [inner, outer] = pads();
        chained(inner, outer, black_box([0x5a; 64]))
    })
}

/// The two pads.
pub(crate) fn two(timer: &mut Timer<'_>) -> Candidate {
    timer.add(independent::<2>())
}

/// Three time steps, as independent blocks.
pub(crate) fn six(timer: &mut Timer<'_>) -> Candidate {
    timer.add(independent::<6>())
}

/// Three time steps and the two pads, as independent blocks.
pub(crate) fn eight(timer: &mut Timer<'_>) -> Candidate {
    timer.add(independent::<8>())
}
