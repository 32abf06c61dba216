//! A thread that reads the memory of its own process.
//!
//! It was started before there were secrets: a search on the stack where the secrets were would overwrite what
//! it looks for.

use crate::hmac_states;
use crate::needles::{Kind, Learned, Needle, masked_prefix};
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
/// How much of its own stack, below where it begins, the scanner may use and does not search.
const OWN_STACK: usize = 3 << 18;
const CHUNK: usize = 1 << 16;

const WAITING: u8 = 0;
const SEARCHING: u8 = 1;

/// A part of a secret that is in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Find {
    /// What it is.
    pub kind: Kind,
    /// The name of the mapping, such as `[heap]`.
    pub mapping: String,
    /// Where it begins.
    pub address: usize,
    /// How many bytes of it stand there.
    pub length: usize,
}

/// The scanner, waiting.
#[derive(Debug)]
pub(crate) struct Scanner {
    signal: Arc<AtomicU8>,
    thread: JoinHandle<io::Result<Vec<Find>>>,
}

impl Scanner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(learned: Learned) -> io::Result<Self> {
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
                    &learned,
                    top.saturating_sub(OWN_STACK)..top.saturating_add(4096),
                )
            })?;
        Ok(Self { signal, thread })
    }

    /// Lets it search, and waits without a call that would need stack of its own, but for a return address.
    ///
    /// # Errors
    /// If memory cannot be read.
    #[inline(always)]
    pub(crate) fn search(self) -> io::Result<Vec<Find>> {
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
fn search(learned: &Learned, own: Range<usize>) -> io::Result<Vec<Find>> {
    hmac_states::learn(learned);
    let needles = Index::new(learned.needles());
    let mut buffer = [0; CHUNK];
    let mut memory = File::open("/proc/self/mem")?;
    let mut finds = BTreeSet::new();
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
                    finds.insert((mapping.clone(), address, needle.kind(), needle.len()));
                }
            }
            // What stands across two chunks is found in the next one.
            let step = if length == CHUNK { CHUNK - 64 } else { length };
            at = at.saturating_add(step);
        }
    }
    Ok(merged(finds))
}

/// Parts of one kind that overlap are one find.
fn merged(parts: BTreeSet<(String, usize, Kind, usize)>) -> Vec<Find> {
    let mut finds: Vec<Find> = Vec::new();
    for (mapping, address, kind, length) in parts {
        let end = address.saturating_add(length);
        let open = finds.iter_mut().rev().take(16).find(|find| {
            find.kind == kind
                && find.mapping == mapping
                && address <= find.address.saturating_add(find.length)
        });
        match open {
            Some(find) => find.length = find.length.max(end.saturating_sub(find.address)),
            None => finds.push(Find {
                kind,
                mapping,
                address,
                length,
            }),
        }
    }
    finds
}

/// The needles by their first bytes.
struct Index {
    by_prefix: BTreeMap<u32, Vec<Needle>>,
    /// The upper halves of the prefixes, to pass over most of memory quickly.
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
            let known = self
                .halves
                .get((prefix >> 16) as usize)
                .is_some_and(|half| *half);
            known
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
        let rights = fields.next()?;
        let name = fields.nth(3).unwrap_or("anonymous");
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        rights.starts_with("rw").then(|| (range, name.to_owned()))
    };
    Ok(text.lines().filter_map(mapping).collect())
}
