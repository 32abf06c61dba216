//! Backup codes (look-up secrets, NIST SP 800-63B 3.1.2) and their ledger: no clock, no I/O.

mod alphabet;
mod backup_codes;
mod code_format;
mod digest_job;
mod digest_memory;
mod digest_params;
mod digests;
mod found;
mod ledger;
mod ledger_encoding;
mod pepper;
mod redemption;
mod sheet;

pub use alphabet::Alphabet;
pub use backup_codes::BackupCodes;
pub use code_format::{CodeFormat, CodeFormatError};
pub use digest_job::{DigestError, DigestJob};
#[cfg(feature = "tokio")]
pub(crate) use digest_memory::DigestMemory;
pub use digest_params::{DigestParams, DigestParamsError};
pub use digests::Digests;
pub(crate) use found::Found;
pub use ledger::{CodeStatus, Ledger};
pub use ledger_encoding::LedgerDecodeError;
pub use pepper::{Pepper, PepperError, PepperId};
pub use redemption::{LedgerError, Redemption};
pub use sheet::Sheet;
