//! The field for backup codes in two steps: the own id of the current set, and the pending set.

use super::parts::{self, MALFORMED, Unreadable, Written};
use crate::backup::PendingCodeSet;
use crate::factor::{BackupCodeSetId, CodeSet, SecondFactor};
use alloc::boxed::Box;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};

/// The id of a set that was pending. Other sets have no id of their own.
const fn own_id(factor: &SecondFactor) -> Option<&BackupCodeSetId> {
    match &factor.code_set {
        Some(CodeSet::Successor { id, .. }) => Some(id),
        _ => None,
    }
}

pub(super) const fn is_needed(factor: &SecondFactor) -> bool {
    own_id(factor).is_some() || factor.pending_codes.is_some()
}

pub(super) fn write_codes<W: Write>(factor: &SecondFactor, e: &mut Encoder<W>) -> Written<W> {
    let pending = factor.pending_codes.as_deref();
    e.array(if pending.is_some() { 4 } else { 1 })?;
    match own_id(factor) {
        Some(id) => e.bytes(id.as_bytes())?,
        None => e.null()?,
    };
    let Some(pending) = pending else {
        return Ok(());
    };
    let current = factor.code_set.as_ref().and_then(CodeSet::issued);
    if current.is_none_or(|current| current.status().len() != pending.remaining()) {
        return Err(encode::Error::message("no set to share a digester with"));
    }
    e.bytes(pending.id())?;
    pending.encode_into(e)
}

/// What the field says about the current set, which another field can hold.
pub(super) struct TwoSets {
    own_id: Option<BackupCodeSetId>,
    pending: Option<PendingCodeSet>,
}

pub(super) fn read_codes(d: &mut Decoder<'_>) -> Result<TwoSets, Unreadable> {
    let count = d.array()?;
    let own_id = parts::optional(d, |d| Ok(BackupCodeSetId::from_bytes(parts::bytes(d)?)))?;
    let pending = match (count, own_id) {
        (Some(1), Some(_)) => None,
        (Some(4), _) => {
            let id = parts::bytes(d)?;
            Some(PendingCodeSet::decode_from(d, id).map_err(|_| MALFORMED)?)
        }
        _ => return Err(MALFORMED),
    };
    Ok(TwoSets { own_id, pending })
}

impl TwoSets {
    /// Adds the id and the pending set to the current set.
    pub(super) fn add_to(self, factor: &mut SecondFactor) -> Result<(), Unreadable> {
        let Some(CodeSet::Issued(current)) = &factor.code_set else {
            return Err(MALFORMED);
        };
        if let Some(pending) = self.pending {
            if current.status().len() != pending.remaining() {
                return Err(MALFORMED);
            }
            factor.pending_codes = Some(Box::new(pending));
        }
        if let Some(id) = self.own_id {
            factor.code_set = factor.code_set.take().map(|set| set.with_id(id));
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use crate::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat, Digester};
    use crate::record::encoding::tests;
    use crate::record::encoding::{Form, decode};
    use crate::record::{History, RecordError};
    use crate::store::Revision;
    use crate::{Policy, Timestamp};
    use alloc::vec::Vec;

    const AT: Timestamp = Timestamp::from_unix(1_800_000_000);
    const OWN: [u8; 16] = [7; 16];

    fn issued(format: CodeFormat) -> BackupCodeSet {
        let codes = BackupCodes::generate(format).unwrap();
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let digester = Digester::argon2id([4; 16], params);
        let hashes = BackupCodeSet::issue_job(&codes, &digester, None).run();
        BackupCodeSet::from_hashes(format, digester, AT, None, hashes.unwrap())
    }

    /// A second factor with a current set, and perhaps an id of its own and a pending set.
    fn factor(own_id: bool, pending: bool) -> SecondFactor {
        let current = issued(CodeFormat::BITS_64);
        let mut factor = SecondFactor::new(AT, &Policy::default());
        if pending {
            let new = issued(CodeFormat::BITS_64);
            let set = PendingCodeSet::new(&new, &current, [9; 16]).unwrap();
            factor.pending_codes = Some(Box::new(set));
        }
        let set = CodeSet::Issued(current);
        factor.code_set = Some(match own_id {
            true => set.with_id(BackupCodeSetId::from_bytes(OWN)),
            false => set,
        });
        factor
    }

    fn encode(factor: &SecondFactor) -> Option<Vec<u8>> {
        let history = History::new().followed_by(Revision::from_i64(1).unwrap());
        let plain = tests::encode(factor, &history).ok()?;
        Some(plain.to_vec())
    }

    fn refused(plain: &[u8]) -> bool {
        decode(plain, Form::WithFields).map(drop) == Err(RecordError::Malformed)
    }

    #[test]
    fn a_set_alone_needs_no_field() {
        let plain = encode(&factor(false, false)).unwrap();
        assert_eq!(plain[0], 0x85);
    }

    #[test]
    fn both_parts_survive() {
        for (own_id, pending) in [(true, false), (false, true), (true, true)] {
            let before = factor(own_id, pending);
            let plain = encode(&before).unwrap();
            let (read, _) = decode(&plain, Form::WithFields).unwrap();
            assert_eq!(encode(&read).unwrap(), plain);
            let (one, other) = (before.code_set.unwrap(), read.code_set.unwrap());
            assert_eq!(one.id(), other.id());
            assert_eq!(one.issued(), other.issued());
            assert_eq!(read.pending_codes.is_some(), pending);
            for length in 0..plain.len() {
                assert!(refused(&plain[..length]), "{length}");
            }
        }
    }

    #[test]
    fn lengths_are_as_documented() {
        let length = |own_id, pending| encode(&factor(own_id, pending)).unwrap().len();
        let alone = length(false, false);
        assert_eq!(length(true, false) - alone, 20, "field, id");
        assert_eq!(length(false, true) - alone, 188, "field, id, time, hashes");
        assert_eq!(length(true, true) - alone, 204);
    }

    #[test]
    fn a_pending_set_needs_a_current_one() {
        let mut without = factor(false, true);
        without.code_set = None;
        assert_eq!(encode(&without), None);
        let mut shorter = factor(false, true);
        shorter.code_set = Some(CodeSet::Issued(issued(
            CodeFormat::new(CodeFormat::BITS_64.alphabet(), 13, 4, 9).unwrap(),
        )));
        assert_eq!(encode(&shorter), None);
    }

    #[test]
    fn other_forms_of_the_field_are_refused() {
        let plain = encode(&factor(true, false)).unwrap();
        let field = plain.len() - 19;
        assert_eq!(plain[field..][..3], [10, 0x81, 0x50], "field 10, one part");
        let with = |parts: &[u8]| [&plain[..=field], parts].concat();
        assert!(!refused(&with(&plain[field + 1..])));
        assert!(refused(&with(&[0x81, 0xF6])), "no part");
        assert!(refused(&with(&[0x80])), "an empty array");
        assert!(refused(&with(&[&[0x82, 0x50][..], &OWN, &[0xF6]].concat())));
        let hashes = [&[0x58, 160][..], &[1; 160]].concat();
        let pending =
            |hashes: &[u8]| with(&[&[0x84, 0xF6, 0x50][..], &OWN, &[0x00], hashes].concat());
        assert!(!refused(&pending(&hashes)));
        let few = [&[0x58, 144][..], &[1; 144]].concat();
        assert!(refused(&pending(&few)), "nine hashes");
        let cut = [&[0x58, 159][..], &[1; 159]].concat();
        assert!(refused(&pending(&cut)), "a part of a hash");
    }
}
