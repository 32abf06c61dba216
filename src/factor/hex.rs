use core::fmt;
use data_encoding::HEXLOWER_PERMISSIVE;

pub(super) fn write(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(super) fn parse<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let mut bytes = [0; N];
    if HEXLOWER_PERMISSIVE.decode_len(text.len()) != Ok(N) {
        return Err(IdError);
    }
    HEXLOWER_PERMISSIVE
        .decode_mut(text.as_bytes(), &mut bytes)
        .map_err(|_| IdError)?;
    Ok(bytes)
}

/// The text is not an id that this crate has printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not an id: hexadecimal digits of the right number are expected")]
pub struct IdError;
