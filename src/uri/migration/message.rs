//! The wire format of Protocol Buffers, as far as an export uses it.
//!
//! The reader borrows from the message, so it makes no copies of secrets. It returns every field,
//! also those that the message should not have. A generated reader drops these in silence.

use alloc::vec::Vec;

/// The bytes are not a message: they end inside a field, or a number or tag is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A number of four or eight bytes, which no field of an export has.
    Fixed,
}

impl<'a> Value<'a> {
    /// Returns the number of a field of type `int64`, `int32` or an enumeration.
    pub(super) const fn varint(self) -> Option<u64> {
        match self {
            Self::Varint(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the number of a field of type `int32` or an enumeration.
    ///
    /// A negative number has ten bytes, as the specification says, or five bytes, as some programs
    /// write it.
    pub(super) fn int32(self) -> Option<i32> {
        let number = self.varint()?;
        if let Ok(unsigned) = u32::try_from(number) {
            return Some(unsigned.cast_signed());
        }
        i32::try_from(number.cast_signed()).ok()
    }

    /// Returns the bytes of a field of type `bytes`, `string` or a message.
    pub(super) const fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Reads the fields of a message, in the order of its bytes.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let number = tag >> 3;
        let value = match tag & 7 {
            _ if number == 0 => return Err(Malformed),
            VARINT => Value::Varint(self.varint()?),
            FIXED_64 => self.take(8).map(|_| Value::Fixed)?,
            FIXED_32 => self.take(4).map(|_| Value::Fixed)?,
            BYTES => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            _ => return Err(Malformed),
        };
        Ok((number, value))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a number of up to ten bytes, with seven bits in each, the lowest first.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Malformed)?;
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits.wrapping_shl(shift);
            if shifted.wrapping_shr(shift) != bits {
                return Err(Malformed);
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    /// Returns the number and the value of the next field. After an error, there is no next field.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes the fields of a message, to write them or to measure them.
pub(super) trait FieldWriter {
    /// Takes raw bytes.
    fn raw(&mut self, bytes: &[u8]);

    /// Takes a field with a number. A negative `int32` is extended to 64 bits.
    fn number(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    /// Takes a field with bytes, text or a message.
    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.prefix(field, bytes.len());
        self.raw(bytes);
    }

    /// Takes the beginning of a field with this many bytes. The bytes follow.
    fn prefix(&mut self, field: u32, length: usize) {
        self.tag(field, BYTES);
        self.varint(u64::try_from(length).unwrap_or(u64::MAX));
    }

    /// Takes the number and the wire type of a field.
    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from((field << 3) | wire_type));
    }

    /// Takes a number of up to ten bytes.
    fn varint(&mut self, mut number: u64) {
        while number > 0x7f {
            self.raw(&[0x80 | low_bits(number)]);
            number >>= 7;
        }
        self.raw(&[low_bits(number)]);
    }
}

/// Returns the lowest seven bits.
fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

impl FieldWriter for Vec<u8> {
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Measures a message.
#[derive(Default)]
pub(super) struct Length(pub(super) usize);

impl FieldWriter for Length {
    fn raw(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(bytes: &[u8]) -> Result<u64, Malformed> {
        let mut fields = Fields::of(bytes);
        let number = fields.varint()?;
        assert!(fields.rest.is_empty());
        Ok(number)
    }

    #[test]
    fn numbers_round_trip_and_end_at_64_bits() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::MAX >> 1, u64::MAX] {
            let mut written = Vec::new();
            written.varint(number);
            assert_eq!(varint(&written), Ok(number));
            let mut length = Length::default();
            length.varint(number);
            assert_eq!(length.0, written.len());
        }
        // Longer than needed, which the specification allows.
        assert_eq!(varint(&[0x81, 0x80, 0]), Ok(1));
        let ten = |last| [&[0xff; 9], &[last][..]].concat();
        assert_eq!(varint(&ten(1)), Ok(u64::MAX));
        assert_eq!(varint(&ten(2)), Err(Malformed));
        assert_eq!(varint(&ten(0x81)), Err(Malformed));
        assert_eq!(varint(&[0x80]), Err(Malformed));
        assert_eq!(varint(&[]), Err(Malformed));
    }

    #[test]
    fn negative_numbers_have_five_or_ten_bytes() {
        let int32 = |number| Value::Varint(number).int32();
        assert_eq!(int32(u64::MAX), Some(-1));
        assert_eq!(int32(u64::from(u32::MAX)), Some(-1));
        assert_eq!(int32(1 << 31), Some(i32::MIN));
        assert_eq!(int32((1 << 31) - 1), Some(i32::MAX));
        assert_eq!(int32(u64::MAX << 31), Some(i32::MIN));
        assert_eq!(int32(u64::MAX << 32), None);
        assert_eq!(int32(1 << 32), None);
        assert_eq!(Value::Fixed.int32(), None);
    }

    #[test]
    fn damaged_fields_are_malformed_and_the_last() {
        for message in [
            &[0x08][..],                              // no number
            &[0x00, 0x00],                            // field 0
            &[0x0b, 0x0c],                            // a group
            &[0x0e, 0x00],                            // wire type 6
            &[0x0a, 0x02, 0x00],                      // bytes that are cut
            &[0x0d, 0, 0, 0],                         // four bytes that are cut
            &[0x09, 0, 0, 0, 0],                      // eight bytes that are cut
            &[0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 0], // a tag above 32 bits
        ] {
            let mut fields = Fields::of(message);
            assert!(matches!(fields.next(), Some(Err(Malformed))), "{message:?}");
            assert!(fields.next().is_none());
        }
    }
}
