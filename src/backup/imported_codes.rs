//! Backup codes of another system, to import.

use super::foreign_hash::ForeignHash;
use crate::Timestamp;
use crate::backup::{Argon2Params, CodeShape, Digester, HashJob, HashStringError};
use crate::constant_time::reveal;
use crate::otp::{Code, CodeError};
use crate::stack_wipe::with_wiped_stack;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// A set of backup codes that another system issued, to import into an account. Wiped on drop.
///
/// Give the codes in clear text if the other system has them ([`plain`](Self::plain)). Otherwise
/// give their hashes ([`hashed`](Self::hashed)). Mark the codes that were used there. The next set
/// of the account replaces the imported set.
///
/// Issue new codes soon: an imported hash can be weaker than Argon2id. Only the encryption of the
/// record then protects it. [`Policy::annual_risk`](crate::Policy::annual_risk) does not know
/// imported codes: for `n` codes of `b` bits, add `n / 2^b` per guess.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::backup::{CodeShape, ImportedCodes};
///
/// let shape = CodeShape::new("0123456789abcdef", 12)?;
/// let used = Some(Timestamp::from_unix(1_700_000_500));
/// let codes = ImportedCodes::plain(shape, [
///     ("0123-4567-89ab", None),
///     ("3b1f-77a0-c2d4", used),
/// ])?;
/// let codes = codes.issued_at(Timestamp::from_unix(1_700_000_000));
/// assert_eq!((codes.len(), codes.remaining()), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ImportedCodes {
    pub(super) shape: CodeShape,
    pub(super) issued_at: Option<Timestamp>,
    /// When each code was used.
    pub(super) used_at: Vec<Option<Timestamp>>,
    pub(super) content: Content,
}

#[derive(Clone)]
pub(super) enum Content {
    /// The symbols of all codes, one code after the other.
    Plain(Zeroizing<Vec<u8>>),
    Hashed(Vec<ForeignHash>),
}

impl ImportedCodes {
    /// The most codes of a set in clear text.
    pub const MAX_PLAIN: usize = 100;

    /// The most codes of a set of hashes.
    pub const MAX_HASHED: usize = 32;

    /// Checks codes in clear text, each with the time when it was used.
    ///
    /// The import hashes the codes with the policy's Argon2id parameters, all with one salt. So an
    /// attempt costs one hash, as for an own set.
    ///
    /// # Errors
    /// [`ImportedCodesError`] names the place of a code that does not have the shape or that is in
    /// the list twice, and never shows the code.
    pub fn plain<'a>(
        shape: CodeShape,
        codes: impl IntoIterator<Item = (&'a str, Option<Timestamp>)>,
    ) -> Result<Self, ImportedCodesError> {
        let mut codes = codes.into_iter();
        with_wiped_stack::<1024, _>(|| {
            let length = usize::from(shape.length());
            let capacity = length.saturating_mul(Self::MAX_PLAIN);
            let mut symbols = Zeroizing::new(Vec::with_capacity(capacity));
            let used_at = numbered(&mut codes, Self::MAX_PLAIN, |number, text| {
                let code = Code::parse(text)
                    .map_err(|error| ImportedCodesError::Unreadable { number, error })?;
                let code = shape
                    .canonical(&code)
                    .ok_or(ImportedCodesError::Shape { number })?;
                let mut others = symbols.chunks_exact(length);
                let found = others.by_ref().fold(Choice::from(0), |found, other| {
                    found | other.ct_eq(code.as_slice())
                });
                if reveal(found) {
                    return Err(ImportedCodesError::Duplicate { number });
                }
                symbols.extend_from_slice(&code);
                Ok(())
            })?;
            Ok(Self {
                shape,
                issued_at: None,
                used_at,
                content: Content::Plain(symbols),
            })
        })
    }

    /// Parses the hashes of codes, each with the time when its code was used.
    ///
    /// | form | of |
    /// |---|---|
    /// | `$2a$`, `$2b$`, `$2y$` | bcrypt of cost 4 to 16 |
    /// | `pbkdf2_sha256$ITERATIONS$SALT$HASH`, `pbkdf2_sha1$` | Django's PBKDF2: the salt is text, the hash base64 with padding |
    /// | `$pbkdf2-sha256$i=N,l=L$SALT$HASH`, `-sha1`, `-sha512` | PBKDF2 of up to 10,000,000 iterations; `,l=L` may be missing |
    /// | `$argon2id$v=19$m=M,t=T,p=P$SALT$HASH`, `argon2i`, `argon2d` | Argon2 of up to 256 MiB, 64 passes and 16 lanes |
    /// | `$sha256$SALT$HASH`, `$sha512$SALT$HASH` | SHA-2 of the salt followed by the code |
    ///
    /// Salts and hashes are base64 without padding where the table does not say otherwise. A salt
    /// has at most 64 bytes, and a hash at least 16. SHA-2 needs a salt of at least 8 bytes, or
    /// codes of at least 60 bits. bcrypt and PBKDF2 need the feature `imported-hashes`.
    ///
    /// The hashed text is the code in the case of the alphabet, with the separators of the shape
    /// ([`CodeShape::with_groups`]). The import keeps the salt and the first 128 bits of each hash.
    ///
    /// An attempt costs one hash per *unused* code: see [`work`](Self::work). So a code that was
    /// used is not compared any more, and counts as a wrong code.
    ///
    /// # Errors
    /// [`ImportedCodesError`] names the place of a hash that cannot be read, that is out of bounds
    /// or that is in the list twice.
    pub fn hashed<'a>(
        shape: CodeShape,
        hashes: impl IntoIterator<Item = (&'a str, Option<Timestamp>)>,
    ) -> Result<Self, ImportedCodesError> {
        let mut hashes = hashes.into_iter();
        with_wiped_stack::<1024, _>(|| {
            let mut parsed: Vec<ForeignHash> = Vec::with_capacity(Self::MAX_HASHED);
            let used_at = numbered(&mut hashes, Self::MAX_HASHED, |number, text| {
                let hash = ForeignHash::parse(text, &shape)
                    .map_err(|error| ImportedCodesError::Hash { number, error })?;
                if parsed.contains(&hash) {
                    return Err(ImportedCodesError::Duplicate { number });
                }
                parsed.push(hash);
                Ok(())
            })?;
            Ok(Self {
                shape,
                issued_at: None,
                used_at,
                content: Content::Hashed(parsed),
            })
        })
    }

    /// Says when the other system issued the set. Without this time, the status shows the time of
    /// the import.
    #[must_use]
    pub const fn issued_at(self, at: Timestamp) -> Self {
        let mut codes = self;
        codes.issued_at = Some(at);
        codes
    }

    /// Returns the shape of the codes.
    #[must_use]
    pub const fn shape(&self) -> CodeShape {
        self.shape
    }

    /// Returns the number of codes, used codes included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set has at least one code")]
    pub const fn len(&self) -> usize {
        self.used_at.len()
    }

    /// Returns how many codes are unused.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.used_at.iter().filter(|used| used.is_none()).count()
    }

    /// Returns the time that the hashes of one attempt take: the sum over the unused codes. It is
    /// zero for codes in clear text.
    ///
    /// The times come from this table, and each hash is rounded up to a millisecond. They do not
    /// depend on the server.
    ///
    /// | hash | time |
    /// |---|---|
    /// | bcrypt of cost 12 | 250 ms; each step of the cost doubles or halves it |
    /// | PBKDF2 with SHA-1, per 100,000 iterations | 20 ms |
    /// | PBKDF2 with SHA-256, per 100,000 iterations | 25 ms |
    /// | PBKDF2 with SHA-512, per 100,000 iterations | 75 ms |
    /// | Argon2, per 2,000 KiB of memory and pass | 1 ms |
    /// | SHA-2 | 0 ms |
    ///
    /// The import refuses a set above
    /// [`PolicyBuilder::imported_code_work`](crate::PolicyBuilder::imported_code_work).
    #[must_use]
    pub fn work(&self) -> Duration {
        let Content::Hashed(hashes) = &self.content else {
            return Duration::ZERO;
        };
        let unused = hashes.iter().zip(&self.used_at);
        unused
            .filter(|(_, used_at)| used_at.is_none())
            .map(|(hash, _)| hash.input.form.work())
            .sum()
    }

    /// Whether the import hashes the codes.
    pub(crate) const fn are_plain(&self) -> bool {
        matches!(self.content, Content::Plain(_))
    }

    /// Checks that an attempt takes at most this long.
    pub(crate) fn check_work(&self, limit: Duration) -> Result<(), ImportedCodesError> {
        let work = self.work();
        if work > limit {
            return Err(ImportedCodesError::TooMuchWork { work, limit });
        }
        Ok(())
    }

    /// Returns the job that hashes codes in clear text, for
    /// [`ImportedCodeSet::new`](super::ImportedCodeSet::new) with the same salt and parameters. A
    /// set of hashes needs no job.
    pub(crate) fn hash_job(&self, salt: [u8; 16], params: Argon2Params) -> Option<HashJob> {
        let Content::Plain(symbols) = &self.content else {
            return None;
        };
        let length = self.shape.length();
        let digester = Digester::argon2id(salt, params);
        Some(HashJob::new(&digester, None, symbols.clone(), length))
    }
}

/// Reads a list of texts, each with the time when its code was used. Returns the times.
fn numbered<'a>(
    codes: &mut dyn Iterator<Item = (&'a str, Option<Timestamp>)>,
    most: usize,
    mut read: impl FnMut(usize, &'a str) -> Result<(), ImportedCodesError>,
) -> Result<Vec<Option<Timestamp>>, ImportedCodesError> {
    let mut used_at = Vec::with_capacity(most);
    for (number, (text, used)) in (1..).zip(codes) {
        if number > most {
            return Err(ImportedCodesError::TooMany { most });
        }
        read(number, text)?;
        used_at.push(used);
    }
    if used_at.is_empty() {
        return Err(ImportedCodesError::Empty);
    }
    Ok(used_at)
}

impl fmt::Debug for ImportedCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedCodes")
            .field("shape", &self.shape)
            .field("issued_at", &self.issued_at)
            .field("count", &self.len())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The error for codes that cannot be imported. It names the place of a code in the list, from 1,
/// and never shows a code or a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportedCodesError {
    /// The list has no code.
    #[error("the list has no code; import the account without backup codes")]
    Empty,
    /// The list has more than 100 codes, or more than 32 hashes.
    #[error("the list has more than {most} codes; issue new codes")]
    TooMany {
        /// The most codes.
        most: usize,
    },
    /// A code is empty, too long, or has a character that no code can have.
    #[error("backup code {number}: {error}")]
    Unreadable {
        /// The place of the code, from 1.
        number: usize,
        /// The reason.
        #[source]
        error: CodeError,
    },
    /// A code does not have the shape.
    #[error("backup code {number} does not have the stated length and alphabet")]
    Shape {
        /// The place of the code, from 1.
        number: usize,
    },
    /// A hash cannot be read or is out of bounds.
    #[error("the hash of backup code {number}: {error}")]
    Hash {
        /// The place of the hash, from 1.
        number: usize,
        /// The reason.
        #[source]
        error: HashStringError,
    },
    /// A code or a hash is in the list twice.
    #[error("backup code {number} is in the list twice")]
    Duplicate {
        /// The second place, from 1.
        number: usize,
    },
    /// The hashes of one attempt take longer than the policy allows.
    #[error(
        "one attempt takes {} ms of hashes, and the policy allows {} ms; issue new codes",
        work.as_millis(),
        limit.as_millis()
    )]
    TooMuchWork {
        /// The work of the set, from [`ImportedCodes::work`].
        work: Duration,
        /// The limit of the policy.
        limit: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::{String, ToString};

    fn shape() -> CodeShape {
        CodeShape::new("0123456789abcdef", 12).unwrap()
    }

    fn plain(codes: &[&str]) -> Result<ImportedCodes, ImportedCodesError> {
        ImportedCodes::plain(shape(), codes.iter().map(|code| (*code, None)))
    }

    fn hashed(hashes: &[String]) -> Result<ImportedCodes, ImportedCodesError> {
        ImportedCodes::hashed(shape(), hashes.iter().map(|hash| (hash.as_str(), None)))
    }

    fn sha256(number: u8) -> String {
        let salt = data_encoding::BASE64_NOPAD.encode(&[number; 12]);
        format!("$sha256${salt}${}", "A".repeat(43))
    }

    #[test]
    fn an_error_names_the_place_of_a_plain_code() {
        let good = "0123-4567-89ab";
        let unreadable = |error| ImportedCodesError::Unreadable { number: 2, error };
        for (bad, expected) in [
            ("", unreadable(CodeError::Empty)),
            ("0123_4567_89ac", unreadable(CodeError::Character)),
            (&"0".repeat(65), unreadable(CodeError::TooLong)),
            ("0123456789a", ImportedCodesError::Shape { number: 2 }),
            ("0123456789abc", ImportedCodesError::Shape { number: 2 }),
            ("0123456789ag", ImportedCodesError::Shape { number: 2 }),
            ("01234567 89AB", ImportedCodesError::Duplicate { number: 2 }),
        ] {
            let error = plain(&[good, bad]).unwrap_err();
            assert_eq!(error, expected, "{bad}");
            assert!(error.to_string().starts_with("backup code 2"), "{error}");
            assert!(
                bad.is_empty() || !error.to_string().contains(bad),
                "{error}"
            );
        }
    }

    #[test]
    fn an_error_names_the_place_of_a_hash() {
        let error = hashed(&[sha256(1), sha256(2), "$9$salt$hash".into()]).unwrap_err();
        let unknown = HashStringError::UnknownForm;
        assert_eq!(
            error,
            ImportedCodesError::Hash {
                number: 3,
                error: unknown
            }
        );
        assert_eq!(
            error.to_string(),
            "the hash of backup code 3: unknown form; see `ImportedCodes::hashed` for the known \
             forms"
        );
        let error = hashed(&[sha256(1), sha256(2), sha256(1)]).unwrap_err();
        assert_eq!(error, ImportedCodesError::Duplicate { number: 3 });
    }

    #[test]
    fn a_set_has_a_bounded_number_of_codes() {
        assert_eq!(plain(&[]).unwrap_err(), ImportedCodesError::Empty);
        assert_eq!(hashed(&[]).unwrap_err(), ImportedCodesError::Empty);

        let codes: Vec<String> = (0..101).map(|number| format!("{number:012x}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        assert_eq!(plain(&codes[..100]).unwrap().len(), 100);
        let most = ImportedCodes::MAX_PLAIN;
        let error = plain(&codes).unwrap_err();
        assert_eq!(error, ImportedCodesError::TooMany { most });

        let hashes: Vec<String> = (0..33).map(sha256).collect();
        assert_eq!(hashed(&hashes[..32]).unwrap().len(), 32);
        let most = ImportedCodes::MAX_HASHED;
        let error = hashed(&hashes).unwrap_err();
        assert_eq!(error, ImportedCodesError::TooMany { most });
    }

    #[test]
    fn the_buffer_of_plain_codes_never_grows() {
        let Content::Plain(symbols) = plain(&["0123456789ab"]).unwrap().content else {
            panic!("codes in clear text");
        };
        assert_eq!((symbols.len(), symbols.capacity()), (12, 1_200));
    }

    #[cfg(feature = "imported-hashes")]
    #[test]
    fn work_is_the_sum_over_unused_codes() {
        const USED: Option<Timestamp> = Some(Timestamp::from_unix(1_700_000_000));
        let bcrypt = |cost: u8, first| format!("$2b${cost:02}${first}{}", "a".repeat(52));
        let salted =
            |parameters: &str| format!("${parameters}$AAAAAAAAAAAAAAAA${}", "A".repeat(43));
        let work = |hashes: &[(String, Option<Timestamp>)]| {
            let hashes = hashes.iter().map(|(hash, used)| (hash.as_str(), *used));
            ImportedCodes::hashed(shape(), hashes).unwrap().work()
        };
        for (hash, milliseconds) in [
            (bcrypt(12, 'a'), 250),
            (bcrypt(13, 'a'), 500),
            (bcrypt(16, 'a'), 4_000),
            (bcrypt(11, 'a'), 125),
            (bcrypt(10, 'a'), 63),
            (bcrypt(4, 'a'), 1),
            (salted("pbkdf2-sha256$i=1000000"), 250),
            (salted("pbkdf2-sha1$i=100000"), 20),
            (salted("pbkdf2-sha512$i=210000"), 158),
            (salted("pbkdf2-sha256$i=1"), 1),
            (salted("argon2id$v=19$m=19456,t=2,p=1"), 20),
            (salted("argon2i$v=19$m=65536,t=3,p=4"), 99),
            (sha256(1), 0),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(work(&[(hash.clone(), None)]), expected, "{hash}");
            assert_eq!(work(&[(hash.clone(), USED)]), Duration::ZERO, "{hash}");
        }
        let five = ['a', 'b', 'c', 'd', 'e'].map(|first| (bcrypt(12, first), None));
        assert_eq!(work(&five), Duration::from_millis(1_250));
    }

    #[cfg(feature = "imported-hashes")]
    #[test]
    fn too_much_work_is_refused() {
        let hash = format!("$2b$12${}", "a".repeat(53));
        let codes = hashed(&[hash]).unwrap();
        let (work, limit) = (Duration::from_millis(250), Duration::from_millis(249));
        assert_eq!(codes.check_work(work), Ok(()));
        let error = codes.check_work(limit).unwrap_err();
        assert_eq!(error, ImportedCodesError::TooMuchWork { work, limit });
        assert_eq!(
            error.to_string(),
            "one attempt takes 250 ms of hashes, and the policy allows 249 ms; issue new codes"
        );
    }

    #[cfg(not(feature = "imported-hashes"))]
    #[test]
    fn a_hash_without_its_feature_is_refused() {
        let feature = "imported-hashes";
        let error = HashStringError::FeatureMissing { feature };
        for hash in [
            format!("$2b$12${}", "a".repeat(53)),
            format!("$pbkdf2-sha256$i=1$AAAA${}", "A".repeat(43)),
        ] {
            let refused = hashed(&[sha256(1), hash]).unwrap_err();
            assert_eq!(refused, ImportedCodesError::Hash { number: 2, error });
            assert!(refused.to_string().contains("`imported-hashes`"));
        }
    }

    #[test]
    fn debug_shows_no_code() {
        let codes = plain(&["0123456789ab"]).unwrap();
        let shown = format!("{codes:?}");
        assert!(
            shown.starts_with("ImportedCodes { shape: CodeShape {"),
            "{shown}"
        );
        assert!(shown.ends_with("issued_at: None, count: 1, remaining: 1, .. }"));
        assert!(
            !shown.contains("0123456789ab\"") && !shown.contains("89ab,"),
            "{shown}"
        );
    }
}
