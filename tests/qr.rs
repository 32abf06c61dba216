//! QR codes: an independent reader reads every image back.

#![cfg(feature = "qr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use countersign::otp::Secret;
use countersign::uri::KeyUri;
use countersign::uri::qr::{Qr, QrError, QrLevel};
use proptest::prelude::*;

const URI: &str = "otpauth://totp/Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
const QUIET_ZONE: usize = 4;

/// Black and white pixels; `true` is black.
struct Image {
    width: usize,
    pixels: Vec<bool>,
}

impl Image {
    fn rows(&self) -> Vec<&[bool]> {
        self.pixels.chunks(self.width).collect()
    }

    /// The text that a scanner reads.
    fn scan(&self) -> String {
        let height = self.pixels.len() / self.width;
        let black = |x, y| self.pixels[y * self.width + x];
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(self.width, height, black);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one symbol");
        grids[0].decode().unwrap().1
    }

    /// Enlarges each pixel to `size` by `size` pixels, because scanners need more than one pixel
    /// per module.
    fn scaled(&self, size: usize) -> Self {
        let wide = |row: &[bool]| -> Vec<bool> {
            row.iter().flat_map(|pixel| vec![*pixel; size]).collect()
        };
        let rows = self.rows().into_iter().map(wide);
        Self {
            width: self.width * size,
            pixels: rows.flat_map(|row| row.repeat(size)).collect(),
        }
    }
}

/// The modules with their quiet zone, read through the accessors.
fn modules(qr: &Qr) -> Image {
    let width = qr.width() + 2 * QUIET_ZONE;
    let dark = |x: usize, y: usize| {
        let inside = x >= QUIET_ZONE && y >= QUIET_ZONE;
        inside && qr.is_dark(x - QUIET_ZONE, y - QUIET_ZONE)
    };
    let pixels = (0..width * width).map(|at| dark(at % width, at / width));
    Image {
        width,
        pixels: pixels.collect(),
    }
}

/// Draws the path of an SVG image of this library.
fn draw_svg(svg: &str) -> Image {
    let attribute = |after: &str, name: &str| {
        let (_, rest) = svg.split_once(after).unwrap();
        let (_, rest) = rest.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let width: usize = attribute("<rect", "width").parse().unwrap();
    let mut pixels = vec![false; width * width];
    let (mut x, mut y) = (0_i64, 0_i64);
    let mut path = attribute("<path", "d");
    while !path.is_empty() {
        let command = path.remove(0);
        let end = path.find(['M', 'm', 'h']).unwrap_or(path.len());
        let numbers: String = path.drain(..end).collect();
        let mut numbers = numbers.split(' ');
        match command {
            'M' => {
                x = numbers.next().unwrap().parse().unwrap();
                let middle = numbers.next().unwrap();
                y = middle.strip_suffix(".5").unwrap().parse().unwrap();
            }
            'm' => {
                x += numbers.next().unwrap().parse::<i64>().unwrap();
                y += numbers.next().unwrap().parse::<i64>().unwrap();
            }
            'h' => {
                for _ in 0..numbers.next().unwrap().parse().unwrap() {
                    let at = usize::try_from(y).unwrap() * width + usize::try_from(x).unwrap();
                    assert!(!pixels[at], "each module is drawn once");
                    pixels[at] = true;
                    x += 1;
                }
            }
            _ => panic!("{command}"),
        }
        assert_eq!(numbers.next(), None);
    }
    Image { width, pixels }
}

/// Draws terminal text, with two rows of modules per line.
fn draw_terminal(text: &str) -> Image {
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("\u{1b}[38;5;231;48;5;16m").unwrap();
        let line = line.strip_suffix("\u{1b}[0m").unwrap();
        rows.push(line.chars().map(|c| !matches!(c, '█' | '▀')).collect());
        rows.push(line.chars().map(|c| !matches!(c, '█' | '▄')).collect());
        assert!(line.chars().all(|c| matches!(c, '█' | '▀' | '▄' | ' ')));
    }
    Image {
        width: rows[0].len(),
        pixels: rows.concat(),
    }
}

/// Draws coloured spaces of a terminal, with two columns per module.
fn draw_terminal_in_color(text: &str) -> Image {
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in text.lines() {
        let line = line.strip_suffix("\u{1b}[0m").unwrap();
        let mut row = Vec::new();
        for run in line.split("\u{1b}[48;5;").skip(1) {
            let (color, spaces) = run.split_once('m').unwrap();
            let dark = match color {
                "16" => true,
                "231" => false,
                _ => panic!("{color}"),
            };
            assert!(!spaces.is_empty() && spaces.bytes().all(|byte| byte == b' '));
            assert_eq!(spaces.len() % 2, 0, "two columns per module");
            row.extend(vec![dark; spaces.len() / 2]);
        }
        rows.push(row);
    }
    Image {
        width: rows[0].len(),
        pixels: rows.concat(),
    }
}

#[cfg(feature = "png")]
fn draw_png(file: &[u8]) -> Image {
    let decoder = png::Decoder::new(std::io::Cursor::new(file));
    let mut reader = decoder.read_info().unwrap();
    let info = reader.info();
    assert_eq!(info.color_type, png::ColorType::Grayscale);
    assert_eq!(info.bit_depth, png::BitDepth::One);
    assert_eq!(info.width, info.height);
    let width = info.width as usize;
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    let rows = bytes.chunks(width.div_ceil(8));
    let pixels = rows.flat_map(|row| (0..width).map(|x| row[x / 8] & (0x80 >> (x % 8)) == 0));
    Image {
        width,
        pixels: pixels.collect(),
    }
}

fn uri() -> KeyUri {
    KeyUri::parse(URI).unwrap()
}

fn levels() -> [QrLevel; 4] {
    [
        QrLevel::Low,
        QrLevel::Medium,
        QrLevel::Quartile,
        QrLevel::High,
    ]
}

#[test]
fn a_symbol_of_every_level_is_read_back() {
    let mut widths = Vec::new();
    for level in levels() {
        let qr = uri().qr_with(level).unwrap();
        assert_eq!(modules(&qr).scaled(4).scan(), URI, "{level:?}");
        widths.push(qr.width());
    }
    assert_eq!(widths, [37, 41, 49, 53], "versions 5, 6, 8 and 9");
    assert_eq!(uri().qr().unwrap().width(), 41, "level M is the default");
}

#[test]
fn svg_draws_exactly_the_modules() {
    for text in ["a", URI, &URI.repeat(9)] {
        for level in levels() {
            let qr = Qr::encode(text, level).unwrap();
            let drawn = draw_svg(qr.svg().expose());
            assert!(drawn.rows() == modules(&qr).rows());
        }
    }
    let drawn = draw_svg(uri().qr().unwrap().svg().expose());
    assert_eq!(drawn.scaled(4).scan(), URI);
}

#[test]
fn svg_works_under_a_content_security_policy() {
    let svg = uri().qr().unwrap().svg();
    let svg = svg.expose();
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"196\" height=\"196\" viewBox=\"0 0 49 49\" \
                role=\"img\" aria-label=\"QR code\" shape-rendering=\"crispEdges\">\
                <rect width=\"49\" height=\"49\" fill=\"#fff\"/>\
                <path fill=\"none\" stroke=\"#000\" d=\"M4 4.5h7m";
    assert!(svg.starts_with(head), "{svg}");
    assert!(svg.ends_with("\"/></svg>"));
    assert_eq!(svg.matches("<path").count(), 1);
    for refused in ["style", "<script", "href", "<?xml", "url("] {
        assert!(!svg.contains(refused));
    }
    let smaller = uri().qr().unwrap().with_module_size(3).unwrap().svg();
    assert!(
        smaller
            .expose()
            .contains(" width=\"147\" height=\"147\" viewBox=\"0 0 49 49\"")
    );
}

#[test]
fn terminal_text_draws_exactly_the_modules() {
    for level in levels() {
        let qr = uri().qr_with(level).unwrap();
        let drawn = draw_terminal(qr.terminal().expose());
        let modules = modules(&qr);
        assert_eq!(drawn.width, modules.width);
        assert!(drawn.rows()[..modules.width] == modules.rows());
        let below = drawn.rows()[modules.width];
        assert!(
            below.iter().all(|dark| !dark),
            "the extra half line is light"
        );
        assert_eq!(drawn.scaled(4).scan(), URI);
    }
}

#[test]
fn coloured_spaces_draw_exactly_the_modules() {
    for level in levels() {
        let qr = uri().qr_with(level).unwrap();
        let drawn = draw_terminal_in_color(qr.terminal_in_color().expose());
        assert!(drawn.rows() == modules(&qr).rows());
        assert_eq!(drawn.scaled(4).scan(), URI);
    }
}

#[test]
fn qr_codes_for_terminals_have_level_low() {
    let qr = uri().qr_for_terminal().unwrap();
    assert_eq!(qr.width(), 37, "level L; 41 at level M");
    assert_eq!(qr.terminal().expose().lines().count(), 23);
}

#[test]
fn a_terminal_gets_the_rendering_that_fits() {
    let qr = uri().qr_for_terminal().unwrap();
    let fits = |columns, rows| {
        let text = qr.terminal_that_fits(columns, rows)?;
        let text = text.expose();
        Some(if text == qr.terminal_in_color().expose() {
            "spaces"
        } else {
            assert_eq!(text, qr.terminal().expose());
            "half blocks"
        })
    };
    assert_eq!(fits(usize::MAX, usize::MAX), Some("spaces"));
    assert_eq!(fits(90, 45), Some("spaces"));
    for (columns, rows) in [(89, 45), (90, 44), (80, 23), (45, 100), (45, 23)] {
        assert_eq!(
            fits(columns, rows),
            Some("half blocks"),
            "{columns}, {rows}"
        );
    }
    for (columns, rows) in [(44, 23), (45, 22), (0, 0), (1000, 22), (44, 1000)] {
        assert_eq!(fits(columns, rows), None, "{columns}, {rows}");
    }
}

#[cfg(feature = "png")]
#[test]
fn png_draws_exactly_the_modules_at_every_size() {
    let qr = uri().qr().unwrap();
    for size in 1..=Qr::MAX_MODULE_SIZE {
        let sized = qr.clone().with_module_size(size).unwrap();
        let drawn = draw_png(sized.png().expose());
        assert!(
            drawn.rows() == modules(&qr).scaled(size.into()).rows(),
            "{size}"
        );
    }
    assert_eq!(draw_png(qr.png().expose()).scan(), URI);
}

#[cfg(feature = "png")]
#[test]
fn the_data_uri_is_the_png_file() {
    let qr = uri().qr().unwrap();
    let text = qr.data_uri();
    let base64 = text
        .expose()
        .strip_prefix("data:image/png;base64,")
        .unwrap();
    let file = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
    assert_eq!(file, qr.png().expose());
    assert_eq!(format!("{:?}", qr.png()), "SecretBytes { .. }");
}

#[test]
fn images_of_typical_key_uris_are_small() {
    for seed in 0..50_u8 {
        let secret = Secret::from_bytes(&[seed.wrapping_mul(77) ^ 0x5a; 20]).unwrap();
        let account = format!("alice.wonderland.{seed:02}@example.com");
        let uri = KeyUri::totp(&secret, &account)
            .issuer("Example")
            .build()
            .unwrap();
        assert_eq!(uri.to_secret_text().expose().len(), 111);
        let qr = uri.qr().unwrap();
        assert!(qr.svg().expose().len() <= 5 * 1024);
        #[cfg(feature = "png")]
        assert!(
            qr.png().expose().len() <= 2 * 1024,
            "{}",
            qr.png().expose().len()
        );
    }
}

#[test]
fn text_beyond_the_capacity_is_an_error() {
    for (level, capacity) in levels().into_iter().zip([2953, 2331, 1663, 1273]) {
        // Lower case needs one byte per character.
        assert_eq!(
            Qr::encode(&"a".repeat(capacity), level).unwrap().width(),
            177
        );
        let bytes = capacity + 1;
        let error = Qr::encode(&"a".repeat(bytes), level).unwrap_err();
        assert_eq!(error, QrError::TooLong { bytes });
    }
    let long = KeyUri::parse(&URI.replace("alice", &"a".repeat(3000))).unwrap();
    assert!(matches!(long.qr().unwrap_err(), QrError::TooLong { .. }));
}

#[test]
fn a_module_has_1_to_64_pixels() {
    let qr = uri().qr().unwrap();
    for size in [0, 65, 255] {
        let error = qr.clone().with_module_size(size).unwrap_err();
        assert_eq!(error, QrError::ModuleSize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_is_read_back_from_every_image(text in "\\PC{1,120}", level in 0..4_usize) {
        let qr = Qr::encode(&text, levels()[level]).unwrap();
        let modules = modules(&qr);
        prop_assert_eq!(modules.scaled(4).scan(), text);
        prop_assert!(draw_svg(qr.svg().expose()).rows() == modules.rows());
        let drawn = draw_terminal(qr.terminal().expose());
        prop_assert!(drawn.rows()[..modules.width] == modules.rows());
        let drawn = draw_terminal_in_color(qr.terminal_in_color().expose());
        prop_assert!(drawn.rows() == modules.rows());
        #[cfg(feature = "png")]
        prop_assert!(draw_png(qr.png().expose()).rows() == modules.scaled(4).rows());
    }
}
