/// How slow the digest of a backup code is: the parameters of Argon2id (RFC 9106, section 3.1).
///
/// Eight digits are 26 bits. Whoever reads a ledger can try them all, and each try costs what the digest
/// costs: memory and time are all that stands between a stolen database and the codes. Go below
/// [`OWASP_MINIMUM`](Self::OWASP_MINIMUM) only for codes that no search can reach
/// ([`CodeFormat::BITS_112`](crate::CodeFormat::BITS_112)), and in tests.
///
/// The parameters are kept in the ledger, so that new sets can have others and old ones stay valid.
///
/// ```
/// use countersign::DigestParams;
///
/// // The other variant of OWASP ASVS 5.0, appendix C.
/// let params = DigestParams::new(47_104, 1, 1)?;
/// assert_eq!(params.memory_kib(), 47_104);
/// # Ok::<(), countersign::DigestParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DigestParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl DigestParams {
    /// 19 MiB, two passes, one lane: the least that the OWASP password storage cheat sheet recommends for
    /// Argon2id, and the default here.
    pub const OWASP_MINIMUM: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// The most memory that a digest may take: 256 MiB.
    pub const MAX_MEMORY_KIB: u32 = 262_144;

    /// Checks parameters: the memory in KiB (m) at least eight times the lanes and at most
    /// [`MAX_MEMORY_KIB`](Self::MAX_MEMORY_KIB), 1 to 16 passes (t), 1 to 4 lanes (p). Lanes are computed
    /// one after the other: more of them make a digest weaker, not faster.
    ///
    /// The lower bounds are those of Argon2 itself, not advice: `new(8, 1, 1)` is for tests.
    ///
    /// # Errors
    /// [`DigestParamsError`] names the parameter that is out of bounds.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, DigestParamsError> {
        if lanes == 0 || lanes > 4 {
            return Err(DigestParamsError::Lanes { lanes });
        }
        if passes == 0 || passes > 16 {
            return Err(DigestParamsError::Passes { passes });
        }
        if memory_kib < lanes.saturating_mul(8) || memory_kib > Self::MAX_MEMORY_KIB {
            return Err(DigestParamsError::Memory { memory_kib });
        }
        Ok(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// The memory in KiB: m.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over the memory: t.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// The number of lanes: p.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }
}

impl Default for DigestParams {
    fn default() -> Self {
        Self::OWASP_MINIMUM
    }
}

/// Parameters that the digest cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestParamsError {
    /// The memory is less than 8 KiB a lane, or more than 256 MiB.
    #[error("the memory is {memory_kib} KiB; at least 8 a lane and at most 262144 are possible")]
    Memory {
        /// The memory asked for.
        memory_kib: u32,
    },
    /// The number of passes is not 1 to 16.
    #[error("the passes are {passes}; 1 to 16 are possible")]
    Passes {
        /// The passes asked for.
        passes: u32,
    },
    /// The number of lanes is not 1 to 4.
    #[error("the lanes are {lanes}; 1 to 4 are possible")]
    Lanes {
        /// The lanes asked for.
        lanes: u32,
    },
}
