//! What the bytes of a key URI are, as flags: one look at each byte of a text answers all that is asked of the
//! whole.

/// Not an unreserved character (RFC 3986, section 2.3): it is escaped when it is written.
const RESERVED: u8 = 1;
/// May not stand unescaped in a path or a query (RFC 3986, sections 3.3 and 3.4). The percent sign is judged
/// by itself.
pub(super) const UNESCAPED: u8 = 2;
/// A percent sign.
pub(super) const PERCENT: u8 = 4;
/// A plus sign.
pub(super) const PLUS: u8 = 8;

/// The flags of all bytes of a text.
pub(super) fn classes_in(text: &str) -> u8 {
    let (chunks, rest) = text.as_bytes().as_chunks::<CHUNK>();
    chunks
        .iter()
        .fold(classes(rest), |seen, chunk| seen | classes(chunk))
}

/// The text before and from the first byte that is not an unreserved character (RFC 3986, section 2.3).
pub(super) fn split_at_reserved(text: &str) -> Option<(&str, &str)> {
    let (chunks, _) = text.as_bytes().as_chunks::<CHUNK>();
    let is_plain = |chunk: &&[u8; CHUNK]| classes(*chunk) & RESERVED == 0;
    let plain = chunks
        .iter()
        .take_while(is_plain)
        .count()
        .saturating_mul(CHUNK);
    let at = text.bytes().skip(plain).position(is_reserved)?;
    text.split_at_checked(plain.saturating_add(at))
}

pub(super) fn is_reserved(byte: u8) -> bool {
    class(byte) & RESERVED != 0
}

/// So many bytes are looked at in a row without a branch.
const CHUNK: usize = 4;

fn classes(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |seen, byte| seen | class(*byte))
}

#[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler does it, and would say so"
)]
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = u8::MAX;
    loop {
        classes[byte as usize] = classify(byte);
        match byte.checked_sub(1) {
            Some(less) => byte = less,
            None => break classes,
        }
    }
};

const fn classify(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => 0,
        b'%' => RESERVED | PERCENT,
        b'+' => RESERVED | PLUS,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b',' | b';' | b'=' | b':' | b'@'
        | b'/' | b'?' => RESERVED,
        _ => RESERVED | UNESCAPED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn what_may_stand_unescaped_is_what_rfc_3986_says() {
        // unreserved / sub-delims / ":" / "@" / "/" / "?", and the percent sign
        let others = "-._~!$&'()*+,;=:@/?%";
        for character in '\0'..='\u{ff}' {
            let may = character.is_ascii_alphanumeric() || others.contains(character);
            let text = String::from(character);
            assert_eq!(classes_in(&text) & UNESCAPED == 0, may, "{character:?}");
        }
    }

    #[test]
    fn a_class_is_seen_wherever_its_byte_stands() {
        for length in 1..20 {
            for at in 0..length {
                let text = |odd| (0..length).map(move |place| if place == at { odd } else { 'a' });
                let classes = |odd| classes_in(&text(odd).collect::<String>());
                assert_eq!(classes('b'), 0);
                assert_eq!(classes('%'), RESERVED | PERCENT);
                assert_eq!(classes('+'), RESERVED | PLUS);
                assert_eq!(classes(':'), RESERVED);
                assert_eq!(classes(' '), RESERVED | UNESCAPED);
                let text: String = text('@').collect();
                let (before, _) = split_at_reserved(&text).unwrap();
                assert_eq!(before.len(), at);
            }
        }
        assert!(split_at_reserved("abcdefghijklmnop").is_none());
    }
}
