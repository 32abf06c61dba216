//! Encrypted values of RFC 6030, section 6: AES-CBC with a MAC, and keys from a password.

use std::fmt;

use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::error::Problem;
use crate::key::base64;
use crate::limits::MAX_ITERATIONS;
use crate::xml::Element;

/// The key or the password of an encrypted file. It is wiped on drop.
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    None,
    Key(Zeroizing<Vec<u8>>),
    Password(Zeroizing<Vec<u8>>),
}

impl Credential {
    /// For a file that is not encrypted.
    ///
    /// In an encrypted file, the encrypted tokens are refused, and the plain ones are read.
    #[must_use]
    pub const fn none() -> Self {
        Self(Kind::None)
    }

    /// The pre-shared key (RFC 6030, section 6.1): 16, 24 or 32 bytes.
    #[must_use]
    pub fn key(bytes: &[u8]) -> Self {
        Self(Kind::Key(Zeroizing::new(bytes.to_vec())))
    }

    /// The password (RFC 6030, section 6.2), from which PBKDF2 derives the key.
    #[must_use]
    pub fn password(password: &str) -> Self {
        Self(Kind::Password(Zeroizing::new(password.into())))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::None => "Credential::none()",
            Kind::Key(_) => "Credential::key(..)",
            Kind::Password(_) => "Credential::password(..)",
        })
    }
}

type Bytes = Zeroizing<Vec<u8>>;

/// How the values of a file are decrypted.
pub(crate) struct Encryption {
    key: Result<Bytes, Problem>,
    mac: Result<(MacHash, Bytes), Problem>,
}

impl Encryption {
    /// Reads the encryption of a container.
    pub(crate) fn new(container: &Element, credential: &Credential) -> Self {
        let key = encryption_key(container, credential);
        let mac = match &key {
            Ok(key) => mac_key(container, key),
            Err(problem) => Err(problem.clone()),
        };
        Self { key, mac }
    }

    /// Checks the MAC of an encrypted value, and decrypts the value.
    pub(crate) fn decrypt(&self, value: &Element, mac: Option<&Element>) -> Result<Bytes, Problem> {
        let mac = mac.ok_or(Problem::NoMac)?;
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let (hash, mac_key) = self.mac.as_ref().map_err(Clone::clone)?;
        let mac = base64(mac.text().ok_or(Problem::Divided)?)?;
        let (cipher, content) = cipher_value(value)?;
        if !hash.verifies(mac_key, &content, &mac) {
            return Err(Problem::Mac);
        }
        cipher.decrypt(key, content)
    }
}

/// The one element of this name, in any namespace.
fn single<'a>(parent: &'a Element, name: &str) -> Result<Option<&'a Element>, Problem> {
    let mut found = parent.named(name);
    match (found.next(), found.next()) {
        (element, None) => Ok(element),
        _ => Err(Problem::Duplicate),
    }
}

fn encryption_key(container: &Element, credential: &Credential) -> Result<Bytes, Problem> {
    let element = single(container, "EncryptionKey")?;
    let derived = match element {
        Some(element) => single(element, "DerivedKey")?,
        None => None,
    };
    let is_other = |element: &Element| {
        let mut children = element.children.iter();
        children.any(|child| child.name != "KeyName" && child.name != "DerivedKey")
    };
    if element.is_some_and(is_other) {
        return Err(Problem::EncryptionKey);
    }
    match (derived, &credential.0) {
        (None, Kind::Key(key)) => Ok(key.clone()),
        (None, _) => Err(Problem::KeyNeeded),
        (Some(derived), Kind::Password(password)) => derive(derived, password),
        (Some(_), _) => Err(Problem::PasswordNeeded),
    }
}

/// Derives the key from a password by PBKDF2 (RFC 8018).
fn derive(derived: &Element, password: &[u8]) -> Result<Bytes, Problem> {
    let wrong = Problem::KeyDerivation;
    let method = single(derived, "KeyDerivationMethod")?.ok_or(wrong.clone())?;
    if !matches!(
        method.attribute("Algorithm"),
        Some(
            "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"
                | "http://www.w3.org/2009/xmlenc11#pbkdf2"
        )
    ) {
        return Err(wrong);
    }
    let parameters = single(method, "PBKDF2-params")?.ok_or(wrong.clone())?;
    let text = |name: &str| {
        let element = single(parameters, name)?.ok_or(Problem::KeyDerivation)?;
        element.text().ok_or(Problem::KeyDerivation)
    };
    let salt = single(parameters, "Salt")?.ok_or(wrong.clone())?;
    let salt = single(salt, "Specified")?.ok_or(wrong.clone())?;
    let salt = base64(salt.text().ok_or(wrong.clone())?)?;
    let iterations: u32 = text("IterationCount")?.parse().map_err(|_| wrong.clone())?;
    let length: usize = text("KeyLength")?.parse().map_err(|_| wrong.clone())?;
    if iterations == 0 || iterations > MAX_ITERATIONS || salt.is_empty() {
        return Err(wrong);
    }
    if !matches!(length, 16 | 24 | 32) {
        return Err(wrong);
    }
    // python-pskc writes the name of the function as text.
    let function = match single(parameters, "PRF")? {
        None => "",
        Some(prf) => match (prf.attribute("Algorithm"), prf.text()) {
            (Some(attribute), Some("")) => attribute,
            (None, Some(text)) => text,
            _ => return Err(wrong),
        },
    };
    let hash = match function {
        "" => MacHash::Sha1,
        name => MacHash::named(name).ok_or(wrong)?,
    };
    let mut key = Zeroizing::new(vec![0; length]);
    match hash {
        MacHash::Sha1 => pbkdf2_hmac::<Sha1>(password, &salt, iterations, &mut key),
        MacHash::Sha256 => pbkdf2_hmac::<Sha256>(password, &salt, iterations, &mut key),
        MacHash::Sha384 => pbkdf2_hmac::<Sha384>(password, &salt, iterations, &mut key),
        MacHash::Sha512 => pbkdf2_hmac::<Sha512>(password, &salt, iterations, &mut key),
    }
    Ok(key)
}

fn mac_key(container: &Element, key: &[u8]) -> Result<(MacHash, Bytes), Problem> {
    let method = single(container, "MACMethod")?.ok_or(Problem::MacMethod)?;
    let hash = method.attribute("Algorithm").and_then(MacHash::named);
    let hash = hash.ok_or(Problem::MacMethod)?;
    let encrypted = single(method, "MACKey")?.ok_or(Problem::MacKey)?;
    let (cipher, content) = cipher_value(encrypted)?;
    let mac_key = match cipher.decrypt(key, content) {
        Err(Problem::Ciphertext) => return Err(Problem::MacKey),
        decrypted => decrypted?,
    };
    if mac_key.is_empty() {
        return Err(Problem::MacKey);
    }
    Ok((hash, mac_key))
}

/// The algorithm and the content of an encrypted value: the initialization vector, then the blocks.
fn cipher_value(value: &Element) -> Result<(Cipher, Bytes), Problem> {
    let method = single(value, "EncryptionMethod")?.ok_or(Problem::Cipher)?;
    let cipher = method.attribute("Algorithm").and_then(Cipher::named);
    let cipher = cipher.ok_or(Problem::Cipher)?;
    let data = single(value, "CipherData")?.ok_or(Problem::Missing)?;
    let content = single(data, "CipherValue")?.ok_or(Problem::Missing)?;
    Ok((cipher, base64(content.text().ok_or(Problem::Divided)?)?))
}

/// AES in CBC mode (XML Encryption, section 5.2).
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Self::Aes128,
            "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => Self::Aes192,
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Self::Aes256,
            _ => return None,
        })
    }

    /// Decrypts a value, and removes the padding: its last byte says how long it is.
    fn decrypt(self, key: &[u8], content: Bytes) -> Result<Bytes, Problem> {
        let needed = match self {
            Self::Aes128 => 16_usize,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        };
        if key.len() != needed {
            return Err(Problem::KeyLength {
                bits: key.len().saturating_mul(8),
                needed: needed.saturating_mul(8),
            });
        }
        let (iv, blocks) = content.split_first_chunk().ok_or(Problem::Ciphertext)?;
        let mut plain = Zeroizing::new(blocks.to_vec());
        match self {
            Self::Aes128 => blocks_of::<cbc::Decryptor<Aes128>>(key, iv, &mut plain),
            Self::Aes192 => blocks_of::<cbc::Decryptor<Aes192>>(key, iv, &mut plain),
            Self::Aes256 => blocks_of::<cbc::Decryptor<Aes256>>(key, iv, &mut plain),
        }?;
        let padding = plain.last().copied().ok_or(Problem::Ciphertext)?;
        if !(1..=16).contains(&padding) {
            return Err(Problem::Ciphertext);
        }
        let length = plain.len().saturating_sub(padding.into());
        plain.truncate(length);
        Ok(plain)
    }
}

fn blocks_of<D>(key: &[u8], iv: &[u8; 16], content: &mut [u8]) -> Result<(), Problem>
where
    D: KeyIvInit + BlockModeDecrypt<BlockSize = aes::cipher::consts::U16>,
{
    let mut decryptor = D::new_from_slices(key, iv).map_err(|_| Problem::Ciphertext)?;
    let (blocks, []) = content.as_chunks_mut::<16>() else {
        return Err(Problem::Ciphertext);
    };
    for block in blocks {
        decryptor.decrypt_block(<&mut Array<u8, _>>::from(block));
    }
    Ok(())
}

/// The hash function of an HMAC.
#[derive(Clone, Copy)]
enum MacHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl MacHash {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1" => Self::Sha1,
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" => Self::Sha256,
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384" => Self::Sha384,
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// Compares the whole MAC in constant time.
    fn verifies(self, key: &[u8], content: &[u8], mac: &[u8]) -> bool {
        match self {
            Self::Sha1 => verifies::<Hmac<Sha1>>(key, content, mac),
            Self::Sha256 => verifies::<Hmac<Sha256>>(key, content, mac),
            Self::Sha384 => verifies::<Hmac<Sha384>>(key, content, mac),
            Self::Sha512 => verifies::<Hmac<Sha512>>(key, content, mac),
        }
    }
}

fn verifies<M: Mac + KeyInit>(key: &[u8], content: &[u8], mac: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key)
        .is_ok_and(|hmac| hmac.chain_update(content).verify_slice(mac).is_ok())
}
