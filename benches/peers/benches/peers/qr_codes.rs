//! QR codes at level M, from the key URI to the image.

use std::hint::black_box;
use std::io::Cursor;

use countersign::otp::{Secret, SecretText};
use countersign::uri::KeyUri;
use countersign::uri::qr::QrError;
use countersign::uri::qr::SecretBytes;
use countersign_benches::{Error, Target, Timer};
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRCodeError;
use fast_qr::{ECL, QRBuilder, QRCode};
use qrcode::render::svg;
use qrcode::types::QrError as QrcodeError;
use qrcode::{Color, EcLevel, QrCode};
use rqrr::PreparedImage;

use crate::inputs::{ACCOUNT, ISSUER, SECRET, totp_rs};
use crate::operation::{Operation, agrees};

/// The operations, and the targets for the sizes of the images.
pub(crate) fn add(timer: &mut Timer<'_>) -> Result<(Vec<Operation>, Vec<Target>), Error> {
    let secret = Secret::from_bytes(SECRET)?;
    let uri = KeyUri::totp(&secret, ACCOUNT).issuer(ISSUER).build()?;
    let text: &'static str = uri.to_secret_text().expose().to_owned().leak();
    let totp = totp_rs()?;

    check_symbols(text, &uri)?;
    let (our_svg, our_png) = (our_svg(&uri)?, our_png(&uri)?);
    let (our_svg, our_png) = (our_svg.expose().len(), our_png.expose().len());
    agrees("totp-rs", &totp.to_url()?, &read_png(&totp_rs_png(&totp)?)?)?;

    let (for_svg, for_png) = (uri.clone(), uri);
    let svg = Operation {
        name: "QR as SVG",
        ours: timer.add(move || self::our_svg(black_box(&for_svg))),
        others: vec![
            ("fast_qr", timer.add(move || fast_qr_svg(black_box(text)))),
            ("qrcode", timer.add(move || qrcode_svg(black_box(text)))),
        ],
        floor: None,
        targets: vec![("fast_qr", 0.35)],
    };
    let png = Operation {
        name: "QR as PNG",
        ours: timer.add(move || self::our_png(black_box(&for_png))),
        others: vec![(
            "totp-rs",
            timer.add(move || totp_rs_png(black_box(&totp)).ok()),
        )],
        floor: None,
        targets: vec![("totp-rs", 0.25)],
    };
    let size = |what: &str, at_most: u32, bytes: usize| Target {
        what: what.into(),
        at_most: at_most.into(),
        measured: bytes as f64,
        unit: " bytes",
    };
    let sizes = vec![
        size("size of the SVG", 5 * 1024, our_svg),
        size("size of the PNG", 2 * 1024, our_png),
    ];
    Ok((vec![svg, png], sizes))
}

fn our_svg(uri: &KeyUri) -> Result<SecretText, QrError> {
    Ok(uri.qr()?.svg())
}

fn our_png(uri: &KeyUri) -> Result<SecretBytes, QrError> {
    Ok(uri.qr()?.png())
}

fn fast_qr_svg(text: &str) -> Result<String, QRCodeError> {
    let qr = QRBuilder::new(text).ecl(ECL::M).build()?;
    Ok(SvgBuilder::default().to_str(&qr))
}

fn qrcode_svg(text: &str) -> Result<String, QrcodeError> {
    let qr = QrCode::with_error_correction_level(text, EcLevel::M)?;
    Ok(qr.render::<svg::Color<'_>>().build())
}

/// The same calls as `to_qr_png` of totp-rs.
fn totp_rs_png(totp: &totp_rs::Totp) -> Result<Vec<u8>, Error> {
    Ok(qrcodegen_image::draw_png(&totp.to_url()?)?)
}

/// Checks that a scanner reads the same text from all symbols and from our PNG. The symbol of
/// `fast_qr` is one version larger, because it uses a single mode.
fn check_symbols(text: &str, uri: &KeyUri) -> Result<(), Error> {
    let qr = uri.qr()?;
    agrees("ours", text, &scan(qr.width(), |x, y| qr.is_dark(x, y))?)?;
    let fast_qr: QRCode = QRBuilder::new(text).ecl(ECL::M).build()?;
    agrees(
        "fast_qr",
        text,
        &scan(fast_qr.size, |x, y| fast_qr[y][x].value())?,
    )?;
    let qrcode = QrCode::with_error_correction_level(text, EcLevel::M)?;
    agrees(
        "qrcode",
        text,
        &scan(qrcode.width(), |x, y| qrcode[(x, y)] == Color::Dark)?,
    )?;
    agrees("our PNG", text, &read_png(our_png(uri)?.expose())?)
}

/// The text that a scanner reads from modules. The scanner needs several pixels per module, and a
/// quiet zone.
fn scan(width: usize, is_dark: impl Fn(usize, usize) -> bool) -> Result<String, Error> {
    const QUIET_ZONE: usize = 4;
    const PIXELS: usize = 4;
    let inside = QUIET_ZONE..QUIET_ZONE + width;
    let side = (width + 2 * QUIET_ZONE) * PIXELS;
    read(side, |x, y| {
        let (x, y) = (x / PIXELS, y / PIXELS);
        let shown = inside.contains(&x) && inside.contains(&y);
        shown && is_dark(x - QUIET_ZONE, y - QUIET_ZONE)
    })
}

fn read_png(bytes: &[u8]) -> Result<String, Error> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("a PNG without a size")?];
    let frame = reader.next_frame(&mut pixels)?;
    let side = frame.width as usize;
    let samples = frame.color_type.samples();
    read(side, |x, y| pixels[(y * side + x) * samples] < 128)
}

/// The text that a scanner reads from a square image.
fn read(side: usize, is_black: impl Fn(usize, usize) -> bool) -> Result<String, Error> {
    let mut image = PreparedImage::prepare_from_bitmap(side, side, is_black);
    let grids = image.detect_grids();
    let grid = grids.first().ok_or("an image without a symbol")?;
    Ok(grid.decode()?.1)
}
