//! Reads the lines of standard input on a thread of their own, and parses them.

use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::row::{self, Account, Unreadable};

/// The longest line, in bytes.
const MAX_LINE: usize = 1 << 20;
/// A line of that length, with its line end.
const MAX_READ: u64 = (MAX_LINE + 2) as u64;
/// The lines that go to the other thread together.
const TOGETHER: usize = 64;
/// The messages that wait for the other thread.
const WAITING: usize = 4;

/// A line that was read.
pub(crate) struct Line {
    /// The number of the line, from 1.
    pub(crate) number: u64,
    pub(crate) content: Result<Account, Unreadable>,
    /// The bytes of the input up to the end of this line.
    pub(crate) bytes: u64,
}

/// The lines of an input, in order.
pub(crate) struct Lines {
    messages: mpsc::Receiver<io::Result<Vec<Line>>>,
    ready: std::vec::IntoIter<Line>,
}

impl Lines {
    /// Begins to read. `most` is the number of authenticators that the policy allows.
    pub(crate) fn read<R: Read + Send + 'static>(input: R, most: usize) -> Self {
        let (sender, messages) = mpsc::channel(WAITING);
        thread::spawn(move || {
            let mut reader = Reader::new(input, most);
            loop {
                let lines = reader.next_lines();
                let is_last = !matches!(&lines, Ok(lines) if !lines.is_empty());
                // Nobody receives if the program ends early.
                if sender.blocking_send(lines).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            messages,
            ready: Vec::new().into_iter(),
        }
    }

    /// The next line, or `None` at the end of the input.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.ready.next() {
                return Ok(Some(line));
            }
            match self.messages.recv().await {
                Some(lines) => self.ready = lines?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

struct Reader<R> {
    input: BufReader<R>,
    line: Zeroizing<Vec<u8>>,
    most: usize,
    number: u64,
    bytes: u64,
}

impl<R: Read> Reader<R> {
    fn new(input: R, most: usize) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            // A buffer that grows leaves copies of secrets behind.
            line: Zeroizing::new(Vec::with_capacity(MAX_LINE + 2)),
            most,
            number: 0,
            bytes: 0,
        }
    }

    /// The lines that can be read without waiting, at least one. No line is the end of the input.
    fn next_lines(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::with_capacity(TOGETHER);
        while lines.len() < TOGETHER {
            match self.next_line()? {
                None => break,
                Some(Some(line)) => lines.push(line),
                Some(None) => {}
            }
            if !lines.is_empty() && self.input.buffer().is_empty() {
                break;
            }
        }
        Ok(lines)
    }

    /// The next line, or `Some(None)` for an empty line.
    fn next_line(&mut self) -> io::Result<Option<Option<Line>>> {
        self.line.clear();
        let mut line = self.input.by_ref().take(MAX_READ);
        let read = line.read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        self.count(read);
        if self.line.pop_if(|byte| *byte == b'\n').is_none() && self.line.len() > MAX_LINE {
            let skipped = self.input.skip_until(b'\n')?;
            self.count(skipped);
        }
        let line = self.line.trim_ascii();
        if line.is_empty() {
            return Ok(Some(None));
        }
        let content = if line.len() > MAX_LINE {
            Err(Unreadable {
                account: None,
                fault: Fault::line(format!("is longer than {MAX_LINE} bytes")),
            })
        } else {
            row::read(line, self.most)
        };
        Ok(Some(Some(Line {
            number: self.number,
            content,
            bytes: self.bytes,
        })))
    }

    fn count(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
