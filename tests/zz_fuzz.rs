//! Temporary.
#![allow(warnings, clippy::all)]
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;
#[test]
fn go() {
    let mut corpus: Vec<Vec<u8>> = std::fs::read_dir("fuzz/corpus/key_uri")
        .unwrap()
        .map(|f| std::fs::read(f.unwrap().path()).unwrap())
        .collect();
    let pieces = [
        "otpauth://totp/",
        "?secret=GEZDGNBV",
        "&issuer=",
        ":",
        "%3A",
        "+",
        "%2B",
        " ",
        "%20",
        "&amp;",
        "null",
        "steam",
        "digits=",
        "|",
        "a:b",
        "\u{feff}",
        "\n",
        "period=",
        "counter=",
        "a",
        "&",
        "%",
        "Steam",
    ];
    let mut x: u64 = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(88172645463325252);
    let mut r = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 11) as usize
    };
    let start = std::time::Instant::now();
    let mut n = 0u64;
    while start.elapsed().as_secs() < 240 {
        let mut i = corpus[r() % corpus.len()].clone();
        for _ in 0..1 + r() % 6 {
            let at = if i.is_empty() { 0 } else { r() % i.len() };
            match r() % 4 {
                0 => {
                    if !i.is_empty() {
                        i[at] = r() as u8;
                    }
                }
                1 => {
                    let p = pieces[r() % pieces.len()].as_bytes();
                    i.splice(at..at, p.iter().copied());
                }
                2 => {
                    let other = &corpus[r() % corpus.len()];
                    let k = if other.is_empty() {
                        0
                    } else {
                        r() % other.len()
                    };
                    i.truncate(at);
                    i.extend(&other[k..]);
                }
                _ => {
                    let e = (at + r() % 8).min(i.len());
                    i.drain(at..e);
                }
            }
        }
        if std::panic::catch_unwind(|| targets::run("key_uri", &i)).is_err() {
            let kept = i.clone();
            panic!("{:?}", String::from_utf8_lossy(&kept));
        }
        // text directly
        let mut t = String::from("otpauth://totp/");
        for _ in 0..r() % 14 {
            t.push_str(pieces[1 + r() % (pieces.len() - 1)]);
        }
        let mut direct = vec![0u8, 0, 0, 0];
        direct.extend(t.as_bytes());
        if std::panic::catch_unwind(|| targets::run("key_uri", &direct)).is_err() {
            panic!("{t}");
        }
        n += 1;
    }
    println!("{n}");
}
