//! The limits of a file.

/// The largest file that is read, in bytes: 32 MiB.
pub const MAX_FILE_BYTES: usize = 32 << 20;

/// The most elements and attributes of an XML file. An encrypted token needs about 50.
pub const MAX_ELEMENTS: usize = 600_000;

/// The most elements that contain each other. RFC 6030 needs 8.
pub const MAX_DEPTH: usize = 16;

/// The longest name of an element or an attribute, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// The most attributes of an element.
pub const MAX_ATTRIBUTES: usize = 32;

/// The longest row of a CSV file, in bytes.
pub const MAX_ROW_BYTES: usize = 4096;

/// The most iterations of PBKDF2.
pub const MAX_ITERATIONS: u32 = 10_000_000;
