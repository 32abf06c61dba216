//! The last attempt of a record, if it had a request id, in CBOR.

use super::parts::{self, MALFORMED, Unreadable, Written};
use crate::factor::{LastRequest, RequestResult, RequestTag, SecondFactor};
use alloc::boxed::Box;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};

pub(super) fn write_last_request<W: Write>(
    last: &LastRequest,
    factor: &SecondFactor,
    e: &mut Encoder<W>,
) -> Written<W> {
    if !factor.can_have(last.result) {
        return Err(encode::Error::message("a result that cannot be"));
    }
    let (result, n) = parts_of(last.result);
    e.array(4)?.bytes(&last.tag.0)?;
    e.u64(last.at.as_unix())?.u8(result)?.u8(n)?;
    Ok(())
}

/// The result of a request as two numbers.
const fn parts_of(result: RequestResult) -> (u8, u8) {
    match result {
        RequestResult::Wrong => (0, 0),
        RequestResult::Reserved {
            joins,
            by_device: false,
        } => (1, joins),
        RequestResult::Reserved {
            joins,
            by_device: true,
        } => (4, joins),
        RequestResult::Authenticator { index } => (2, index),
        RequestResult::BackupCode { number } => (3, number),
    }
}

pub(super) fn read_last_request(d: &mut Decoder<'_>) -> Result<Box<LastRequest>, Unreadable> {
    parts::array(d, 4)?;
    let (tag, at) = (RequestTag(parts::bytes(d)?), parts::time(d)?);
    let result = match (d.u8()?, d.u8()?) {
        (0, 0) => RequestResult::Wrong,
        (it @ (1 | 4), joins) => RequestResult::Reserved {
            joins,
            by_device: it == 4,
        },
        (2, index) => RequestResult::Authenticator { index },
        (3, number) => RequestResult::BackupCode { number },
        _ => return Err(MALFORMED),
    };
    Ok(Box::new(LastRequest { tag, at, result }))
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::factor::CodeSet;
    use crate::record::encoding::tests::{AT, full, survives};

    #[test]
    fn only_possible_results_of_a_request_survive() {
        let results = (0..=u8::MAX).flat_map(|n| {
            [
                (true, RequestResult::Wrong),
                (
                    n <= 4,
                    RequestResult::Reserved {
                        joins: n,
                        by_device: false,
                    },
                ),
                (
                    n <= 4,
                    RequestResult::Reserved {
                        joins: n,
                        by_device: true,
                    },
                ),
                (n == 0, RequestResult::Authenticator { index: n }),
                (n == 3, RequestResult::BackupCode { number: n }),
            ]
        });
        for (possible, result) in results {
            let mut factor = full();
            if let Some(CodeSet::Issued(set)) = &mut factor.code_set {
                set.mark_used(2, AT);
            }
            factor.last_request.as_mut().unwrap().result = result;
            assert_eq!(survives(&factor), possible.then_some(true), "{result:?}");
            let devices = core::mem::take(&mut factor.devices);
            let by_device = matches!(
                result,
                Reserved {
                    by_device: true,
                    ..
                }
            );
            let without = (possible && !by_device).then_some(true);
            assert_eq!(survives(&factor), without, "{result:?}");
            factor.devices = devices;
            factor.code_set = None;
            use RequestResult::{BackupCode, Reserved};
            let needs_codes = matches!(result, Reserved { .. } | BackupCode { .. });
            let possible = possible && !needs_codes;
            assert_eq!(survives(&factor), possible.then_some(true), "{result:?}");
            factor.authenticators.clear();
            assert_eq!(survives(&factor), None, "{result:?}");
        }
    }
}
