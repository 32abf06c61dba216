//! The additional field of authenticators that are no longer active.

use super::parts::{self, MALFORMED, Unreadable, Written, at_most, length};
use crate::AuthenticatorId;
use crate::factor::{EndReason, Ended, EndedAuthenticator};
use alloc::vec::Vec;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

pub(super) fn write_ended<W: Write>(
    ended: &[EndedAuthenticator],
    e: &mut Encoder<W>,
) -> Written<W> {
    e.array(at_most(length(ended.len()), length(Ended::MOST))?)?;
    for one in ended {
        e.array(5)?
            .bytes(one.id.as_bytes())?
            .str(one.name.as_str())?
            .u64(one.added_at.as_unix())?
            .u64(one.ended_at.as_unix())?
            .u8(reason_number(one.reason))?;
    }
    Ok(())
}

pub(super) fn read_ended(d: &mut Decoder<'_>) -> Result<Vec<EndedAuthenticator>, Unreadable> {
    let count = d
        .array()?
        .filter(|count| (1..=length(Ended::MOST)).contains(count))
        .ok_or(MALFORMED)?;
    (0..count).map(|_| read_one(d)).collect()
}

fn read_one(d: &mut Decoder<'_>) -> Result<EndedAuthenticator, Unreadable> {
    parts::array(d, 5)?;
    let id = AuthenticatorId::from_bytes(parts::bytes(d)?);
    let name = parts::read_name(d)?;
    let (added_at, ended_at) = (parts::time(d)?, parts::time(d)?);
    let reason = match d.u8()? {
        1 => EndReason::Removed,
        2 => EndReason::Replaced,
        3 => EndReason::Disabled,
        4 => EndReason::ForceDisabled,
        _ => return Err(MALFORMED),
    };
    Ok(EndedAuthenticator::new(
        id, name, added_at, ended_at, reason,
    ))
}

const fn reason_number(reason: EndReason) -> u8 {
    match reason {
        EndReason::Removed => 1,
        EndReason::Replaced => 2,
        EndReason::Disabled => 3,
        EndReason::ForceDisabled => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthenticatorName, Timestamp};

    const REASONS: [EndReason; 4] = [
        EndReason::Removed,
        EndReason::Replaced,
        EndReason::Disabled,
        EndReason::ForceDisabled,
    ];

    fn one(reason: EndReason) -> EndedAuthenticator {
        let name = AuthenticatorName::new("old phone").unwrap();
        let (added, ended) = (Timestamp::from_unix(5), Timestamp::from_unix(7));
        EndedAuthenticator::new(
            AuthenticatorId::from_bytes([3; 8]),
            name,
            added,
            ended,
            reason,
        )
    }

    fn written(ended: &[EndedAuthenticator]) -> Option<Vec<u8>> {
        let mut e = Encoder::new(Vec::new());
        write_ended(ended, &mut e).ok()?;
        Some(e.into_writer())
    }

    fn read(bytes: &[u8]) -> Option<Vec<EndedAuthenticator>> {
        let mut d = Decoder::new(bytes);
        let read = read_ended(&mut d).ok()?;
        (d.position() == bytes.len()).then_some(read)
    }

    #[test]
    fn every_reason_survives() {
        let ended = REASONS.map(one);
        assert_eq!(read(&written(&ended).unwrap()).unwrap(), ended);
    }

    #[test]
    fn at_most_twenty_survive() {
        let twenty = alloc::vec![one(EndReason::Removed); 20];
        assert_eq!(read(&written(&twenty).unwrap()), Some(twenty.clone()));
        let more = [twenty, alloc::vec![one(EndReason::Removed)]].concat();
        assert_eq!(written(&more), None);
    }

    #[test]
    fn what_is_never_written_is_refused() {
        assert_eq!(read(&[0x80]), None, "no entry");
        let bytes = written(&[one(EndReason::Removed)]).unwrap();
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "cut at {length}");
        }
        let (last, before) = bytes.split_last().unwrap();
        assert_eq!(*last, 1);
        for reason in [0, 5] {
            assert_eq!(read(&[before, &[reason]].concat()), None, "reason {reason}");
        }
    }
}
