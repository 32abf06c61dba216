//! A thread that searches the memory of its own process.
//!
//! The thread starts before there are secrets. A search on the stack of the scenario would
//! overwrite the secrets that the search should find.

use crate::hmac_states;
use crate::known_secrets::{Kind, KnownSecrets, Needle, masked_prefix};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const STACK_BYTES: usize = 1 << 20;
/// The part of its own stack that the scanner may use and does not search.
const OWN_STACK: usize = 3 << 18;
const CHUNK: usize = 1 << 16;

const WAITING: u8 = 0;
const SEARCHING: u8 = 1;

/// A part of a secret that is in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// The kind of secret.
    pub kind: Kind,
    /// The name of the mapping, such as `[heap]`.
    pub mapping: String,
    /// The start address.
    pub address: usize,
    /// The number of bytes.
    pub length: usize,
}

/// The waiting scanner.
#[derive(Debug)]
pub(crate) struct Scanner {
    signal: Arc<AtomicU8>,
    thread: JoinHandle<io::Result<Vec<Found>>>,
}

impl Scanner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(known: KnownSecrets) -> io::Result<Self> {
        let signal = Arc::new(AtomicU8::new(WAITING));
        let seen = Arc::clone(&signal);
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || {
                while seen.load(Ordering::SeqCst) == WAITING {
                    thread::sleep(Duration::from_millis(1));
                }
                let mark = 0_u8;
                let top = ptr::from_ref(&mark).addr();
                search(
                    &known,
                    top.saturating_sub(OWN_STACK)..top.saturating_add(4096),
                )
            })?;
        Ok(Self { signal, thread })
    }

    /// Starts the search, and waits for its end. The wait uses no stack except for a return
    /// address.
    ///
    /// # Errors
    /// If memory cannot be read.
    #[inline(always)]
    pub(crate) fn search(self) -> io::Result<Vec<Found>> {
        self.signal.store(SEARCHING, Ordering::SeqCst);
        while !self.thread.is_finished() {
            thread::yield_now();
        }
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the scanner panicked")))
    }
}

/// Searches all writable memory but the scanner's own stack.
#[inline(never)]
fn search(known: &KnownSecrets, own: Range<usize>) -> io::Result<Vec<Found>> {
    hmac_states::add_all(known);
    let needles = Index::new(known.needles());
    let mut buffer = [0; CHUNK];
    let mut memory = File::open("/proc/self/mem")?;
    let mut found = BTreeSet::new();
    for (range, mapping) in writable_mappings()? {
        let mut at = range.start;
        while at < range.end {
            let length = CHUNK.min(range.end.saturating_sub(at));
            let chunk = buffer.get_mut(..length).unwrap_or_default();
            memory.seek(SeekFrom::Start(at as u64))?;
            memory.read_exact(chunk)?;
            for (offset, needle) in needles.found_in(chunk) {
                let address = at.saturating_add(offset);
                if !own.contains(&address) {
                    found.insert((mapping.clone(), address, needle.kind(), needle.len()));
                }
            }
            // The next chunk finds a needle that crosses the end of this chunk.
            let step = if length == CHUNK { CHUNK - 64 } else { length };
            at = at.saturating_add(step);
        }
    }
    Ok(merged(found))
}

/// Merges overlapping parts of one kind.
fn merged(parts: BTreeSet<(String, usize, Kind, usize)>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (mapping, address, kind, length) in parts {
        let end = address.saturating_add(length);
        let overlapping = found.iter_mut().rev().take(16).find(|part| {
            part.kind == kind
                && part.mapping == mapping
                && address <= part.address.saturating_add(part.length)
        });
        match overlapping {
            Some(part) => part.length = part.length.max(end.saturating_sub(part.address)),
            None => found.push(Found {
                kind,
                mapping,
                address,
                length,
            }),
        }
    }
    found
}

/// The needles, indexed by their first bytes.
struct Index {
    by_prefix: BTreeMap<u32, Vec<Needle>>,
    /// The upper halves of the prefixes, to skip most of the memory quickly.
    halves: Vec<bool>,
}

impl Index {
    fn new(needles: BTreeSet<Needle>) -> Self {
        let mut index = Self {
            by_prefix: BTreeMap::new(),
            halves: vec![false; 1 << 16],
        };
        for needle in needles {
            let prefix = needle.prefix();
            if let Some(half) = index.halves.get_mut((prefix >> 16) as usize) {
                *half = true;
            }
            index.by_prefix.entry(prefix).or_default().push(needle);
        }
        index
    }

    fn found_in<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, &'a Needle)> {
        (0..bytes.len()).flat_map(move |offset| {
            let rest = bytes.get(offset..).unwrap_or_default();
            let prefix = masked_prefix(rest);
            let possible = self
                .halves
                .get((prefix >> 16) as usize)
                .is_some_and(|half| *half);
            possible
                .then(|| self.by_prefix.get(&prefix))
                .flatten()
                .into_iter()
                .flatten()
                .filter(move |needle| needle.begins(rest))
                .map(move |needle| (offset, needle))
        })
    }
}

/// The writable mappings of this process and their names.
fn writable_mappings() -> io::Result<Vec<(Range<usize>, String)>> {
    let mut text = String::new();
    File::open("/proc/self/maps")?.read_to_string(&mut text)?;
    let mapping = |line: &str| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let permissions = fields.next()?;
        let name = fields.nth(3).unwrap_or("anonymous");
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        permissions
            .starts_with("rw")
            .then(|| (range, name.to_owned()))
    };
    Ok(text.lines().filter_map(mapping).collect())
}
