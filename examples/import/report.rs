//! The last line of standard output. The refused lines wait in a temporary file, so that the
//! program needs the same memory for any number of them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};

use countersign::import::Imported;

use crate::fault::Fault;
use crate::form::RefusedLine;

/// The counts, and the refused lines.
pub(crate) struct Report {
    imported: u64,
    already: u64,
    refused: u64,
    list: BufWriter<File>,
}

impl Report {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            imported: 0,
            already: 0,
            refused: 0,
            list: BufWriter::new(tempfile::tempfile()?),
        })
    }

    /// Adds the answer for a line.
    pub(crate) fn add(
        &mut self,
        line: u64,
        account: Option<&str>,
        answer: &Result<Imported, Fault>,
    ) -> io::Result<()> {
        let count = match answer {
            Ok(Imported::Now) => &mut self.imported,
            Ok(Imported::AlreadyHere) => &mut self.already,
            Err(fault) => {
                if self.refused > 0 {
                    self.list.write_all(b",")?;
                }
                let error = &fault.to_string();
                let line = RefusedLine {
                    line,
                    account,
                    error,
                };
                serde_json::to_writer(&mut self.list, &line)?;
                &mut self.refused
            }
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    pub(crate) const fn has_refused(&self) -> bool {
        self.refused > 0
    }

    /// Writes the report as one JSON object on one line.
    pub(crate) fn write(self, mut out: impl Write) -> io::Result<()> {
        let Self {
            imported, already, ..
        } = self;
        let mut list = self.list.into_inner().map_err(io::Error::from)?;
        list.rewind()?;
        write!(
            out,
            r#"{{"imported":{imported},"already":{already},"refused":["#
        )?;
        io::copy(&mut BufReader::new(list), &mut out)?;
        out.write_all(b"]}\n")?;
        out.flush()
    }
}
