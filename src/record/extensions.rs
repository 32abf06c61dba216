//! The additional fields of authenticators: of active ones that are imported, counter-based or have
//! a T0, and of a pending one that is counter-based.

use super::parts::write_optional;
use super::parts::{MALFORMED, Unreadable, Written, array, length, optional, time, time_parts};
use crate::Timestamp;
use crate::factor::{Authenticator, MovingFactor, Pending};
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};

/// The parts that only some authenticators need: whether it is imported, T0, and the next counter.
const fn extension(authenticator: &Authenticator) -> (bool, u64, Option<u64>) {
    let (t0, next) = match authenticator.moving {
        MovingFactor::Time { t0, .. } => (t0.as_unix(), None),
        MovingFactor::Counter { next } => (0, Some(next)),
    };
    (authenticator.imported, t0, next)
}

/// Whether an authenticator has a part that needs the additional field.
pub(super) const fn is_extended(authenticator: &Authenticator) -> bool {
    !matches!(extension(authenticator), (false, 0, None))
}

pub(super) fn write_extensions<W: Write>(
    authenticators: &[Authenticator],
    e: &mut Encoder<W>,
) -> Written<W> {
    let extended = || {
        (0_u64..)
            .zip(authenticators)
            .filter(|(_, one)| is_extended(one))
    };
    e.map(length(extended().count()))?;
    for (index, authenticator) in extended() {
        let (imported, t0, next) = extension(authenticator);
        e.u64(index)?.array(3)?.bool(imported)?.u64(t0)?;
        write_optional(next, e)?;
    }
    Ok(())
}

pub(super) fn read_extensions(
    d: &mut Decoder<'_>,
    authenticators: &mut [Authenticator],
) -> Result<(), Unreadable> {
    let count = d.map()?.filter(|count| *count > 0).ok_or(MALFORMED)?;
    let mut rest = (0_u64..).zip(authenticators);
    for _ in 0..count {
        let index = d.u64()?;
        let found = rest.find(|(place, _)| *place == index);
        let (_, authenticator) = found.ok_or(MALFORMED)?;
        array(d, 3)?;
        authenticator.imported = d.bool()?;
        let since = time(d)?;
        match optional(d, |d| Ok(d.u64()?))? {
            Some(next) if since == Timestamp::UNIX_EPOCH => {
                authenticator.moving = with_counter(authenticator.moving, next)?;
            }
            Some(_) => return Err(MALFORMED),
            None => {
                if let MovingFactor::Time { t0, .. } = &mut authenticator.moving {
                    *t0 = since;
                }
            }
        }
        if !is_extended(authenticator) {
            return Err(MALFORMED);
        }
    }
    Ok(())
}

/// Replaces the parts that [`time_parts`] writes for a counter.
fn with_counter(read: MovingFactor, next: u64) -> Result<MovingFactor, Unreadable> {
    let counter = MovingFactor::Counter { next };
    let expected = time_parts(counter);
    if time_parts(read) != expected {
        return Err(MALFORMED);
    }
    Ok(counter)
}

/// The first counter of a pending authenticator, if it is counter-based.
pub(super) const fn pending_counter(pending: &Pending) -> Option<u64> {
    match pending.moving {
        MovingFactor::Time { .. } => None,
        MovingFactor::Counter { next } => Some(next),
    }
}

pub(super) fn read_pending_counter(
    d: &mut Decoder<'_>,
    pending: Option<&mut Pending>,
) -> Result<(), Unreadable> {
    let pending = pending.ok_or(MALFORMED)?;
    pending.moving = with_counter(pending.moving, d.u64()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::parts::{read_authenticator, write_authenticator};
    use super::*;
    use crate::factor::Parameters;
    use crate::otp::{Algorithm, Digits, Period, Secret, TimeStep};
    use crate::{AuthenticatorId, AuthenticatorName};
    use alloc::vec;
    use alloc::vec::Vec;

    const EPOCH: Timestamp = Timestamp::UNIX_EPOCH;
    const T0: Timestamp = Timestamp::from_unix(7);

    fn time(period: u64, t0: Timestamp, last_step: Option<u64>) -> MovingFactor {
        MovingFactor::Time {
            period: Period::from_secs(period).unwrap(),
            t0,
            last_step: last_step.map(TimeStep::new),
        }
    }

    fn authenticator(imported: bool, moving: MovingFactor) -> Authenticator {
        Authenticator {
            id: AuthenticatorId::from_bytes([1; 8]),
            name: AuthenticatorName::default(),
            secret: Secret::from_bytes(&[7; 20]).unwrap(),
            parameters: Parameters {
                algorithm: Algorithm::Sha1,
                digits: Digits::SIX,
            },
            added_at: T0,
            last_used_at: None,
            moving,
            imported,
        }
    }

    /// Reads what the writers make of these authenticators.
    fn reread(authenticators: &[Authenticator]) -> Vec<Authenticator> {
        let mut e = Encoder::new(Vec::new());
        for authenticator in authenticators {
            write_authenticator(authenticator, &mut e).unwrap();
        }
        if authenticators.iter().any(is_extended) {
            write_extensions(authenticators, &mut e).unwrap();
        }
        let bytes = e.into_writer();
        let mut d = Decoder::new(&bytes);
        let read = authenticators.iter().map(|_| read_authenticator(&mut d));
        let mut read: Vec<_> = read.map(|one| one.ok().unwrap()).collect();
        if d.position() < bytes.len() {
            read_extensions(&mut d, &mut read).ok().unwrap();
        }
        assert_eq!(d.position(), bytes.len());
        read
    }

    #[test]
    fn every_moving_factor_survives() {
        let last = Some(u64::MAX);
        let moving = [
            time(30, EPOCH, None),
            time(60, EPOCH, last),
            time(30, T0, None),
            time(1, Timestamp::from_unix(u64::MAX), last),
            MovingFactor::Counter { next: 0 },
            MovingFactor::Counter { next: u64::MAX },
        ];
        let all: Vec<_> = [false, true]
            .into_iter()
            .flat_map(|imported| moving.map(|moving| authenticator(imported, moving)))
            .collect();
        let parts = |one: &Authenticator| (one.imported, one.moving);
        let read = reread(&all);
        assert!(all.iter().map(parts).eq(read.iter().map(parts)));
        for one in all {
            let read = reread(core::slice::from_ref(&one));
            assert_eq!(read.first().map(parts), Some(parts(&one)));
        }
    }

    #[test]
    fn an_ordinary_authenticator_is_written_as_before() {
        let mut e = Encoder::new(Vec::new());
        let ordinary = authenticator(false, time(60, EPOCH, Some(9)));
        write_authenticator(&ordinary, &mut e).unwrap();
        let expected = [
            &[0x87, 0x48][..],
            &[1; 8],
            &[0x71],
            b"Authenticator app",
            &[0x54],
            &[7; 20],
            &[0x83, 1, 6, 0x18, 60, 7, 0xF6, 9],
        ];
        assert_eq!(e.into_writer(), expected.concat());
    }

    #[test]
    fn an_ordinary_authenticator_has_no_extension() {
        assert!(!is_extended(&authenticator(
            false,
            time(60, EPOCH, Some(1))
        )));
        assert!(is_extended(&authenticator(true, time(60, EPOCH, Some(1)))));
        assert!(is_extended(&authenticator(false, time(60, T0, Some(1)))));
        let counter = MovingFactor::Counter { next: 0 };
        assert!(is_extended(&authenticator(false, counter)));
    }

    #[test]
    fn extensions_that_are_never_written_are_malformed() {
        let read = |bytes: &[u8], moving: MovingFactor| {
            let mut read = vec![authenticator(false, moving), authenticator(false, moving)];
            let mut d = Decoder::new(bytes);
            read_extensions(&mut d, &mut read).is_ok() && d.position() == bytes.len()
        };
        let plain = time(30, EPOCH, None);
        assert!(read(&[0xA1, 0, 0x83, 0xF5, 0, 0xF6], plain), "imported");
        assert!(read(&[0xA1, 1, 0x83, 0xF4, 7, 0xF6], plain), "T0");
        assert!(read(&[0xA1, 1, 0x83, 0xF4, 0, 9], plain), "counter");
        assert!(!read(&[0xA0], plain), "no extension");
        assert!(!read(&[0xA1, 0, 0x83, 0xF4, 0, 0xF6], plain), "empty");
        assert!(!read(&[0xA1, 2, 0x83, 0xF5, 0, 0xF6], plain), "index");
        assert!(!read(&[0xA1, 0, 0x83, 0xF4, 7, 9], plain), "T0 and counter");
        let two = [0x83, 0xF5, 0, 0xF6];
        let indexes = |first: u8, second: u8| [&[0xA2, first], &two[..], &[second], &two].concat();
        assert!(read(&indexes(0, 1), plain));
        assert!(!read(&indexes(1, 0), plain), "order");
        assert!(!read(&indexes(0, 0), plain), "twice");
        let counter = [0xA1, 0, 0x83, 0xF4, 0, 9];
        assert!(!read(&counter, time(60, EPOCH, None)), "period");
        assert!(!read(&counter, time(30, EPOCH, Some(1))), "last step");
    }

    #[test]
    fn a_counter_needs_a_pending_enrollment() {
        let bytes = [0];
        assert!(read_pending_counter(&mut Decoder::new(&bytes), None).is_err());
    }
}
