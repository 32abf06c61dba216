//! The marks of Steam Guard in a key URI. Without the feature `steam`, every mark is an error.

use super::parameters::{after, is_steam};
use super::repair::Reader;
use super::{KeyUri, KeyUriError};
#[cfg(feature = "steam")]
use super::{
    KeyUriKind, KeyUriPart, Repair,
    key_uri::Parts,
    label::{Colons, Names},
    parameters::is_name,
};
use crate::otp::Algorithm;
#[cfg(feature = "steam")]
use crate::otp::{Digits, Period, Secret};

impl Reader<'_> {
    /// Reads a text that does not begin with `otpauth://`.
    pub(super) fn other_scheme(self, text: &str) -> Result<KeyUri, KeyUriError> {
        if after(text, "otpauth-migration://").is_some() {
            return Err(KeyUriError::Migration);
        }
        match after(text, "steam://") {
            Some(secret) => self.steam_scheme(secret),
            None => Err(KeyUriError::Scheme),
        }
    }

    /// Reads a type other than totp and hotp.
    pub(super) fn steam_type(&mut self, kind: &str) -> Result<(), KeyUriError> {
        match kind {
            "steam" => self.steam_mark(),
            _ if is_steam(kind) => self.other_steam_mark(KeyUriError::Type),
            _ => Err(KeyUriError::Type),
        }
    }

    /// Reads the algorithm `STEAM`.
    pub(super) fn steam_algorithm(
        &mut self,
        refusal: KeyUriError,
    ) -> Result<Algorithm, KeyUriError> {
        self.other_steam_mark(refusal)?;
        Ok(Algorithm::Sha1)
    }
}

#[cfg(not(feature = "steam"))]
impl Reader<'_> {
    fn steam_mark(&mut self) -> Result<(), KeyUriError> {
        Err(KeyUriError::Steam)
    }

    fn other_steam_mark(&mut self, _: KeyUriError) -> Result<(), KeyUriError> {
        Err(KeyUriError::Steam)
    }

    fn steam_scheme(self, _: &str) -> Result<KeyUri, KeyUriError> {
        Err(KeyUriError::Steam)
    }

    /// Reads an unknown parameter whose name or value is a mark.
    pub(super) fn steam_parameter(&mut self, _: usize, _: &str) -> Result<(), KeyUriError> {
        Err(KeyUriError::Steam)
    }
}

#[cfg(feature = "steam")]
impl Reader<'_> {
    /// Notes a mark that the strict reader accepts too.
    fn steam_mark(&mut self) -> Result<(), KeyUriError> {
        self.is_steam = true;
        Ok(())
    }

    /// Notes a mark that only the lenient reader accepts.
    fn other_steam_mark(&mut self, refusal: KeyUriError) -> Result<(), KeyUriError> {
        self.repair_or_refuse(Repair::SteamMark, refusal)?;
        self.steam_mark()
    }

    /// Reads `steam://` and a secret.
    ///
    /// The commands of the Steam program begin with `steam://` too, and a short word can be base32.
    /// So the secret must have 128 bits.
    fn steam_scheme(mut self, secret: &str) -> Result<KeyUri, KeyUriError> {
        self.other_steam_mark(KeyUriError::Scheme)?;
        self.minimum_bits = self.minimum_bits.max(Secret::MINIMUM_BITS);
        let secret = self.secret(Some(secret))?;
        let part = KeyUriPart::Account;
        self.repair_or_refuse(Repair::AccountMissing, KeyUriError::Missing { part })?;
        KeyUri::assemble(Parts {
            secret,
            kind: KeyUriKind::Steam,
            names: Names {
                prefix: None,
                issuer: Some("Steam"),
                account: "Steam",
            },
            colons: Colons::Refused,
            algorithm: Algorithm::Sha1,
            digits: Digits::default(),
            image: None,
        })
    }

    /// Reads the parameter `encoder`.
    pub(super) fn steam_encoder(&mut self, value: Option<&str>) -> Result<(), KeyUriError> {
        let name = KeyUriPart::Encoder.name();
        match value {
            None => Ok(()),
            Some("steam") => self.steam_mark(),
            Some(value) if is_steam(value) => {
                self.other_steam_mark(KeyUriError::Unsupported { name })
            }
            Some(_) => Err(KeyUriError::Unsupported { name }),
        }
    }

    /// Reads an unknown parameter whose name or value is a mark. Only `representation` is known to
    /// be one. Another parameter can be a mark of Steam Guard or not, such as the name of an icon.
    pub(super) fn steam_parameter(
        &mut self,
        position: usize,
        name: &str,
    ) -> Result<(), KeyUriError> {
        let unknown = KeyUriError::UnknownParameter { position };
        if is_name(name, "representation") {
            self.other_steam_mark(unknown)
        } else {
            Err(unknown)
        }
    }

    /// Checks the parameters of a Steam Guard URI, and returns its type. `Reader::digits` checks
    /// the number of digits.
    pub(super) fn steam_kind(
        &self,
        kind: KeyUriKind,
        algorithm: Algorithm,
    ) -> Result<KeyUriKind, KeyUriError> {
        let part = match kind {
            _ if !self.is_steam => return Ok(kind),
            KeyUriKind::Totp { .. } if algorithm != Algorithm::Sha1 => KeyUriPart::Algorithm,
            KeyUriKind::Totp { period } if period != Period::THIRTY_SECONDS => KeyUriPart::Period,
            KeyUriKind::Hotp { .. } => KeyUriPart::Counter,
            _ => return Ok(KeyUriKind::Steam),
        };
        Err(KeyUriError::NotForType { part })
    }
}
