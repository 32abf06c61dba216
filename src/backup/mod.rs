//! Backup codes (look-up secrets, NIST SP 800-63B 3.1.2): no clock, no I/O.

mod alphabet;
mod backup_codes;
mod code_format;
mod sheet;

pub use alphabet::Alphabet;
pub use backup_codes::BackupCodes;
pub use code_format::{CodeFormat, CodeFormatError};
pub use sheet::Sheet;
