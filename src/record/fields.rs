//! The additional fields of the second form: which a record needs, and how they are written.

use super::parts::{self, MALFORMED, Unreadable, Written, length};
use super::{RecordError, devices, ended, extensions, last_request, pending_codes};
use crate::backup::{BackupCodeSet, ImportedCodeSet};
use crate::factor::{
    Beginnings, CodeSet, Ended, ImportFingerprint, IssueRight, Issues, Issuing, SecondFactor,
};
use alloc::boxed::Box;
use minicbor::encode::Write;
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
    pub(super) const DEVICES: u32 = 9;
    pub(super) const PENDING_CODES: u32 = 10;
    pub(super) const ENDED: u32 = 11;
    pub(super) const KEYED_CODES: u32 = 12;
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
        !factor.devices.is_empty(),
        pending_codes::is_needed(factor),
        !factor.ended().is_empty(),
        keyed_codes(factor).is_some(),
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

/// The set of backup codes with a fast digest, which needs a field.
fn keyed_codes(factor: &SecondFactor) -> Option<&BackupCodeSet> {
    let set = factor.code_set.as_ref().filter(|set| set.is_keyed());
    set.and_then(CodeSet::issued)
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
        .as_deref()
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
        e.u32(field::LAST_REQUEST)?;
        last_request::write_last_request(last, factor, e)?;
    }
    if !factor.devices.is_empty() {
        e.u32(field::DEVICES)?;
        devices::write_devices(&factor.devices, e)?;
    }
    if pending_codes::is_needed(factor) {
        e.u32(field::PENDING_CODES)?;
        pending_codes::write_codes(factor, e)?;
    }
    if !factor.ended().is_empty() {
        e.u32(field::ENDED)?;
        ended::write_ended(factor.ended(), e)?;
    }
    if let Some(set) = keyed_codes(factor) {
        e.u32(field::KEYED_CODES)?;
        set.encode_into(e)?;
    }
    Ok(())
}

pub(super) fn read_fields(
    d: &mut Decoder<'_>,
    factor: &mut SecondFactor,
) -> Result<(), Unreadable> {
    let count = d.map()?.filter(|count| *count > 0).ok_or(MALFORMED)?;
    let mut last = 0;
    let mut two_sets = None;
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
            field::PENDING_COUNTER => {
                extensions::read_pending_counter(d, factor.pending.as_deref_mut())?;
            }
            field::IMPORTED_CODES if factor.code_set.is_none() => {
                factor.code_set = Some(CodeSet::Imported(parts::read_imported_set(d)?));
            }
            field::IMPORTED_CODES => return Err(MALFORMED),
            field::LAST_REQUEST => {
                factor.last_request = Some(last_request::read_last_request(d)?);
            }
            field::DEVICES => factor.devices = devices::read_devices(d)?,
            field::PENDING_CODES => two_sets = Some(pending_codes::read_codes(d)?),
            field::ENDED => {
                let kept = ended::read_ended(d)?;
                factor.ended = Some(Box::new(Ended::from_kept(kept)));
            }
            field::KEYED_CODES if factor.code_set.is_none() => {
                factor.code_set = Some(CodeSet::Issued(parts::read_keyed_set(d)?));
            }
            field::KEYED_CODES => return Err(MALFORMED),
            number => return Err(Unreadable(RecordError::UnknownField(number))),
        }
    }
    if let Some(two_sets) = two_sets {
        two_sets.add_to(factor)?;
    }
    // Whether a result can be depends on later fields, too.
    match &factor.last_request {
        Some(last) if !factor.can_have(last.result) => Err(MALFORMED),
        _ => Ok(()),
    }
}
