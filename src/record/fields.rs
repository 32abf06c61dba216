//! The additional fields of the second form: which a record needs, and how they are written.

use super::parts::{self, MALFORMED, Unreadable, Written, length};
use super::{RecordError, ended, extensions, pending_codes};
use crate::backup::ImportedCodeSet;
use crate::factor::{
    Beginnings, CodeSet, Ended, ImportFingerprint, IssueRight, Issues, Issuing, LastRequest,
    RequestResult, RequestTag, SecondFactor,
};
use alloc::boxed::Box;
use minicbor::encode::{self, Write};
use minicbor::{Decoder, Encoder};

/// Numbers of the additional fields, which are written in ascending order.
mod field {
    pub(super) const ISSUE_RIGHT: u32 = 1;
    pub(super) const ISSUES: u32 = 2;
    pub(super) const BEGINNINGS: u32 = 3;
    pub(super) const IMPORT: u32 = 4;
    pub(super) const EXTENSIONS: u32 = 5;
    pub(super) const IMPORTED_CODES: u32 = 6;
    pub(super) const PENDING_COUNTER: u32 = 7;
    pub(super) const LAST_REQUEST: u32 = 8;
    pub(super) const PENDING_CODES: u32 = 10;
    pub(super) const ENDED: u32 = 11;
}

pub(super) fn field_count(factor: &SecondFactor) -> u64 {
    let Issuing { issues, right } = &factor.issuing;
    let fields = [
        right.is_some(),
        !issues.times().is_empty(),
        needs_beginnings(factor),
        factor.import.is_some(),
        needs_extensions(factor),
        imported_codes(factor).is_some(),
        pending_counter(factor).is_some(),
        factor.last_request.is_some(),
        pending_codes::is_needed(factor),
        !factor.ended().is_empty(),
    ];
    length(fields.into_iter().filter(|needed| *needed).count())
}

/// The imported set of backup codes, which needs a field.
const fn imported_codes(factor: &SecondFactor) -> Option<&ImportedCodeSet> {
    match &factor.code_set {
        Some(CodeSet::Imported(set)) => Some(set),
        _ => None,
    }
}

/// Whether the times at which enrollments began need a field. They need no field if the only time
/// is the beginning of the pending enrollment.
fn needs_beginnings(factor: &SecondFactor) -> bool {
    let pending = factor.pending.as_ref().map(|pending| pending.begun_at);
    match factor.beginnings.times() {
        [] => false,
        [only] => Some(*only) != pending,
        _ => true,
    }
}

fn needs_extensions(factor: &SecondFactor) -> bool {
    factor.authenticators.iter().any(extensions::is_extended)
}

fn pending_counter(factor: &SecondFactor) -> Option<u64> {
    factor
        .pending
        .as_ref()
        .and_then(extensions::pending_counter)
}

pub(super) fn write_fields<W: Write>(factor: &SecondFactor, e: &mut Encoder<W>) -> Written<W> {
    let Issuing { issues, right } = &factor.issuing;
    e.map(field_count(factor))?;
    if let Some(right) = right {
        e.u32(field::ISSUE_RIGHT)?.array(2)?;
        e.bytes(&right.id)?.u64(right.granted_at.as_unix())?;
    }
    if !issues.times().is_empty() {
        e.u32(field::ISSUES)?;
        parts::write_times(issues.times(), Issues::MOST, e)?;
    }
    if needs_beginnings(factor) {
        e.u32(field::BEGINNINGS)?;
        parts::write_times(factor.beginnings.times(), Beginnings::MOST, e)?;
    }
    if let Some(ImportFingerprint(fingerprint)) = &factor.import {
        e.u32(field::IMPORT)?.bytes(fingerprint)?;
    }
    if needs_extensions(factor) {
        e.u32(field::EXTENSIONS)?;
        extensions::write_extensions(&factor.authenticators, e)?;
    }
    if let Some(set) = imported_codes(factor) {
        e.u32(field::IMPORTED_CODES)?;
        set.encode_into(e)?;
    }
    if let Some(counter) = pending_counter(factor) {
        e.u32(field::PENDING_COUNTER)?.u64(counter)?;
    }
    if let Some(last) = &factor.last_request {
        if !factor.can_have(last.result) {
            return Err(encode::Error::message("a result that cannot be"));
        }
        let (result, n) = parts_of(last.result);
        e.u32(field::LAST_REQUEST)?.array(4)?.bytes(&last.tag.0)?;
        e.u64(last.at.as_unix())?.u8(result)?.u8(n)?;
    }
    if pending_codes::is_needed(factor) {
        e.u32(field::PENDING_CODES)?;
        pending_codes::write_codes(factor, e)?;
    }
    if !factor.ended().is_empty() {
        e.u32(field::ENDED)?;
        ended::write_ended(factor.ended(), e)?;
    }
    Ok(())
}

/// The result of a request as two numbers.
const fn parts_of(result: RequestResult) -> (u8, u8) {
    match result {
        RequestResult::Wrong => (0, 0),
        RequestResult::Reserved { joins } => (1, joins),
        RequestResult::Authenticator { index } => (2, index),
        RequestResult::BackupCode { number } => (3, number),
    }
}

fn read_last_request(
    d: &mut Decoder<'_>,
    factor: &SecondFactor,
) -> Result<Box<LastRequest>, Unreadable> {
    parts::array(d, 4)?;
    let (tag, at) = (RequestTag(parts::bytes(d)?), parts::time(d)?);
    let result = match (d.u8()?, d.u8()?) {
        (0, 0) => RequestResult::Wrong,
        (1, joins) => RequestResult::Reserved { joins },
        (2, index) => RequestResult::Authenticator { index },
        (3, number) => RequestResult::BackupCode { number },
        _ => return Err(MALFORMED),
    };
    if !factor.can_have(result) {
        return Err(MALFORMED);
    }
    Ok(Box::new(LastRequest { tag, at, result }))
}

pub(super) fn read_fields(
    d: &mut Decoder<'_>,
    factor: &mut SecondFactor,
) -> Result<(), Unreadable> {
    let count = d.map()?.filter(|count| *count > 0).ok_or(MALFORMED)?;
    let mut last = 0;
    for _ in 0..count {
        let number = d.u32()?;
        if number <= last {
            return Err(MALFORMED);
        }
        last = number;
        match number {
            field::ISSUE_RIGHT => {
                parts::array(d, 2)?;
                factor.issuing.right = Some(IssueRight {
                    id: parts::bytes(d)?,
                    granted_at: parts::time(d)?,
                });
            }
            field::ISSUES => {
                let times = parts::read_times(d, Issues::MOST)?;
                factor.issuing.issues = Issues::from_times(times);
            }
            field::BEGINNINGS => {
                let times = parts::read_times(d, Beginnings::MOST)?;
                factor.beginnings = Beginnings::from_times(times);
            }
            field::IMPORT => factor.import = Some(ImportFingerprint(parts::bytes(d)?)),
            field::EXTENSIONS => extensions::read_extensions(d, &mut factor.authenticators)?,
            field::PENDING_COUNTER => extensions::read_pending_counter(d, factor.pending.as_mut())?,
            field::IMPORTED_CODES if factor.code_set.is_none() => {
                factor.code_set = Some(CodeSet::Imported(parts::read_imported_set(d)?));
            }
            field::IMPORTED_CODES => return Err(MALFORMED),
            field::LAST_REQUEST => factor.last_request = Some(read_last_request(d, factor)?),
            field::PENDING_CODES => pending_codes::read_codes(d, factor)?,
            field::ENDED => {
                let kept = ended::read_ended(d)?;
                factor.ended = Some(Box::new(Ended::from_kept(kept)));
            }
            number => return Err(Unreadable(RecordError::UnknownField(number))),
        }
    }
    Ok(())
}
