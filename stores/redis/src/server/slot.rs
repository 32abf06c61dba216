/// The number of hash slots of a cluster.
#[cfg(test)]
const SLOTS: u16 = 16_384;

/// The hash slot of a key: CRC-16/XMODEM of its hash tag, or of the whole key, modulo 16384.
///
/// Redis cluster specification, section "Key distribution model".
pub(crate) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let hashed = match tag {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => key,
    };
    hashed.bytes().fold(0, crc16) & 0x3FFF
}

fn crc16(mut crc: u16, byte: u8) -> u16 {
    crc ^= u16::from(byte) << 8;
    for _ in 0..8 {
        let carry = crc & 0x8000;
        crc <<= 1;
        if carry != 0 {
            crc ^= 0x1021;
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_match_the_cluster_specification() {
        // The check value of the CRC, and slots that a server returned for CLUSTER KEYSLOT.
        assert_eq!("123456789".bytes().fold(0, crc16), 0x31C3);
        assert_eq!(slot("123456789"), 0x31C3 % SLOTS);
        assert_eq!(slot("countersign:{7}"), slot("7"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
    }
}
