use crate::args::MigrateArgs;
use crate::failure::{Failure, note};
use crate::lines::Lines;
use countersign::uri::migration::{
    MigrationBatch, MigrationBatchError, MigrationEncodeError, MigrationUri,
};
use countersign::uri::{KeyUri, Repair};
use std::fmt::Display;
use std::io::{Read, Write};
use std::slice;

/// Prints the key URIs of exports, or with `--encode` the export of key URIs, one per line. After
/// an error the tool exits with 1.
pub(crate) fn run(
    args: &MigrateArgs,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut faults = Faults::default();
    if args.encode {
        encode(args, input, out, &mut faults)?;
    } else {
        decode(args, input, out, &mut faults)?;
    }
    if faults.any {
        return Err(Failure::Refused);
    }
    Ok(())
}

/// Reports errors, and remembers whether there was one.
#[derive(Default)]
struct Faults {
    any: bool,
}

impl Faults {
    fn report(&mut self, place: &str, error: impl Display) {
        self.any = true;
        note(&format!("{place}: error: {error}"));
    }
}

/// Calls `take` with each argument and its place. Without arguments, with each line of the input.
/// Empty lines are skipped.
fn each_text(
    args: &MigrateArgs,
    input: &mut Lines<impl Read>,
    faults: &mut Faults,
    mut take: impl FnMut(&mut Faults, &str, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (number, text) in (1..).zip(&args.uris) {
        take(faults, &format!("argument {number}"), text)?;
    }
    if !args.uris.is_empty() {
        return Ok(());
    }
    let mut number = 0_u64;
    while let Some(line) = input.next()? {
        number = number.saturating_add(1);
        let place = format!("line {number}");
        match line {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => take(faults, &place, text)?,
            Err(fault) => faults.report(&place, fault),
        }
    }
    Ok(())
}

fn decode(
    args: &MigrateArgs,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
    faults: &mut Faults,
) -> Result<(), Failure> {
    let mut batch: Option<MigrationBatch> = None;
    each_text(args, input, faults, |faults, place, text| {
        let parsed = if args.strict {
            MigrationUri::parse(text)
        } else {
            MigrationUri::parse_lenient(text)
        };
        let part = match parsed {
            Ok(part) => part,
            Err(error) => {
                faults.report(place, error);
                return Ok(());
            }
        };
        // An export may follow another one, after its last part.
        batch.take_if(|batch| batch.is_complete() && batch.id() != part.batch_id());
        match collect(&mut batch, &part) {
            Ok(true) => {}
            Ok(false) => {
                note(&format!("{place}: note: this part was read already"));
                return Ok(());
            }
            Err(error) => {
                faults.report(place, error);
                let has_no_place = matches!(
                    error,
                    MigrationBatchError::Size { .. } | MigrationBatchError::Index { .. }
                );
                if !has_no_place {
                    return Ok(());
                }
            }
        }
        print(&part, place, out, faults)
    })?;
    if let Some(batch) = batch
        && !batch.is_complete()
    {
        let missing: Vec<_> = batch.missing().map(|part| part.to_string()).collect();
        let (parts, are) = match missing.len() {
            1 => ("part", "is"),
            _ => ("parts", "are"),
        };
        let (missing, size) = (missing.join(", "), batch.size());
        let error = format!("{parts} {missing} of {size} {are} missing; read the QR codes too");
        faults.report("end", error);
    }
    Ok(())
}

/// Adds a part to its batch. Returns whether the batch did not have the part yet.
fn collect(
    batch: &mut Option<MigrationBatch>,
    part: &MigrationUri,
) -> Result<bool, MigrationBatchError> {
    let Some(batch) = batch else {
        *batch = Some(MigrationBatch::new(part.clone())?);
        return Ok(true);
    };
    let before = batch.parts().count();
    batch.add(part.clone())?;
    Ok(batch.parts().count() != before)
}

fn print(
    part: &MigrationUri,
    place: &str,
    out: &mut impl Write,
    faults: &mut Faults,
) -> Result<(), Failure> {
    for warning in part.notes() {
        note(&format!("{place}: note: {warning}"));
    }
    for (number, entry) in (1..).zip(part.entries()) {
        match entry {
            Ok(read) => {
                writeln!(out, "{}", read.uri.to_secret_text().expose())?;
                note_repairs(&format!("{place}, entry {number}"), &read.repairs);
            }
            Err(error) => faults.report(&format!("{place}, entry {number}"), error.fault),
        }
    }
    out.flush()?;
    Ok(())
}

fn note_repairs(place: &str, repairs: &[Repair]) {
    for repair in repairs {
        note(&format!("{place}: note: {repair}"));
    }
}

fn encode(
    args: &MigrateArgs,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
    faults: &mut Faults,
) -> Result<(), Failure> {
    let mut uris: Vec<KeyUri> = Vec::new();
    each_text(args, input, faults, |faults, place, text| {
        let read = match KeyUri::parse_lenient(text) {
            Ok(read) => read,
            Err(error) => {
                faults.report(place, error);
                return Ok(());
            }
        };
        // Finds what an export cannot hold, so that the others are exported.
        match MigrationBatch::split(slice::from_ref(&read.uri), 0) {
            Ok(_) => {
                note_repairs(place, &read.repairs);
                uris.push(read.uri);
            }
            // The place names the key URI already.
            Err(MigrationEncodeError::Unsupported { part, .. }) => {
                faults.report(place, format!("an export cannot hold this {part}"));
            }
            Err(error) => faults.report(place, error),
        }
        Ok(())
    })?;
    if uris.is_empty() {
        return Ok(());
    }
    let id = match args.batch_id {
        Some(id) => id,
        None => MigrationBatch::random_id().map_err(Failure::usage)?,
    };
    for part in MigrationBatch::split(&uris, id).map_err(Failure::usage)? {
        writeln!(out, "{}", part.to_secret_text().expose())?;
    }
    Ok(())
}
