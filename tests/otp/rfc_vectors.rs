//! The test vectors of RFC 4226 and RFC 6238.

use super::*;

fn lines(file: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
}

#[test]
fn rfc_4226_appendix_d_vectors_pass() {
    let mut count = 0;
    for line in lines(include_str!("../data/rfc4226.txt")) {
        let counter: u64 = line[0].parse().unwrap();
        assert_eq!(hotp().generate(counter).expose(), line[2]);
        // Eight digits check two more digits of the truncated HMAC.
        let eight = Hotp::new(KEY, Algorithm::Sha1, Digits::EIGHT);
        let truncated: u32 = line[1].parse().unwrap();
        let expected = format!("{:08}", truncated % 100_000_000);
        assert_eq!(eight.generate(counter).expose(), expected);
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn rfc_6238_appendix_b_vectors_pass() {
    let mut count = 0;
    for line in lines(include_str!("../data/rfc6238.txt")) {
        let time = at(line[0].parse().unwrap());
        let algorithm: Algorithm = line[3].parse().unwrap();
        let key: Vec<u8> = b"1234567890"
            .iter()
            .copied()
            .cycle()
            .take(algorithm.output_len())
            .collect();
        let totp = Totp::new(&key, algorithm, Digits::EIGHT, Period::default());
        let step = TimeStep::new(u64::from_str_radix(line[1], 16).unwrap());
        assert_eq!(totp.step(time), step);
        assert_eq!(totp.generate(time).expose(), line[2]);
        let matched = totp
            .verify(&typed(line[2]), time, Window::EXACT, None)
            .unwrap();
        assert_eq!(matched.step(), step);
        count += 1;
    }
    assert_eq!(count, 18);
}
