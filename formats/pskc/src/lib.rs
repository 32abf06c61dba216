//! Reads the files of hardware tokens for [`countersign`], the second factor: PSKC (RFC 6030),
//! plain and encrypted, and the CSV of vendors.
//!
//! ```
//! use countersign::import::Import;
//! use countersign_pskc::Credential;
//!
//! let file = br#"<?xml version="1.0"?>
//! <KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
//!   <KeyPackage>
//!     <DeviceInfo><SerialNo>987654321</SerialNo></DeviceInfo>
//!     <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
//!       <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
//!       <Data>
//!         <Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
//!         <TimeInterval><PlainValue>60</PlainValue></TimeInterval>
//!       </Data>
//!     </Key>
//!   </KeyPackage>
//! </KeyContainer>"#;
//!
//! for token in countersign_pskc::read(file, &Credential::none())?.tokens() {
//!     match token {
//!         Ok(token) => {
//!             assert_eq!(token.serial(), Some("987654321"));
//!             let import = Import::new([token.to_authenticator()?]);
//!             // Import it, and ask for one code of the device.
//! #           let _ = import;
//!         }
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! - **Algorithms:** TOTP and HOTP, by their URN or by the name alone, with 6 to 8 digits. A key
//!   for another algorithm is an error.
//! - **The hash function** in `Suite`, or in an attribute `hashalgo`: `SHA1`, `SHA-256`,
//!   `HMAC-SHA256`, `HmacSHA512` and the like. Other text is an error. The length of the secret
//!   says nothing about the hash function.
//! - **Numbers:** `TimeInterval` is in seconds. `Time` and `TimeDrift` count time steps.
//! - **Defaults:** without `AlgorithmParameters` or `TimeInterval`, a passcode has 6 digits and is
//!   valid for 30 seconds. A [`Note`] says so.
//! - **Encryption:** AES-CBC with a pre-shared key, or with a password and PBKDF2. Every encrypted
//!   value needs a MAC over its ciphertext, counters included. The MAC is checked first, in
//!   constant time.
//! - **The policy:** a key whose policy does not allow passcodes is an error. So is a policy with
//!   an unknown element, and a PIN that is a part of the passcode.
//!
//! All other fields are kept: [`Token::other_fields`]. Fields of RFC 6030 count only in its
//! namespace.
//!
//! # What is not read
//!
//! - Signatures are not checked: [`Tokens::is_signed`].
//! - Keys that are encrypted with a certificate, with Triple DES or by key wrap are errors.
//! - The drafts before RFC 6030 are errors.
//!
//! # Bad files
//!
//! One bad key is an error for this key alone, with its place and its field. Errors and `Debug`
//! forms contain no secrets. Secrets and keys are wiped on drop, and so is the text of the file,
//! except names such as the serial number. Your own copy of the file is not wiped. No file causes a
//! panic. The [`limits`] bound the size and the depth of a file, and the work for a password. A
//! document type is an error, so a file defines no entities.

mod csv;
mod encryption;
mod error;
mod fields;
mod key;
pub mod limits;
mod names;
mod token;
mod wiped;
mod xml;

pub use csv::read_csv;
pub use encryption::Credential;
pub use error::{FileError, Place, Problem, TokenError};
pub use token::{MovingFactor, Note, OtherField, Token, Tokens};

use encryption::Encryption;
use fields::Fields;

/// Reads a PSKC file (RFC 6030).
///
/// # Errors
/// [`FileError`] if nothing of the file can be read. The error of one token is in
/// [`Tokens::tokens`].
pub fn read(file: &[u8], credential: &Credential) -> Result<Tokens, FileError> {
    let root = xml::parse(file)?;
    if !root.is_pskc || root.name != "KeyContainer" {
        return Err(FileError::NotPskc);
    }
    let mut fields = Fields::new("", &root);
    if fields.attribute("Version") != Some("1.0") {
        return Err(FileError::Version);
    }
    let packages = fields.elements("KeyPackage");
    if packages.is_empty() {
        return Err(FileError::Empty);
    }
    let encryption = Encryption::new(&root, credential);
    let tokens = (1..)
        .zip(&packages)
        .flat_map(|(number, package)| key::read_package(package, number, &encryption))
        .collect();
    // `Encryption` has read these.
    let _ = fields.elements("EncryptionKey");
    let _ = fields.elements("MACMethod");
    let is_signed = root.named("Signature").next().is_some();
    let mut other_fields = Vec::new();
    fields.keep(&mut other_fields);
    Ok(Tokens {
        tokens,
        packages: packages.len(),
        is_signed,
        other_fields,
    })
}
