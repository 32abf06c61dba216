use crate::args::QrArgs;
use crate::failure::Failure;
use crate::lines::Lines;
use countersign::uri::migration::MigrationUri;
use countersign::uri::qr::{Qr, QrLevel};
use countersign::uri::{KeyUri, KeyUriError};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

pub(crate) fn qr(
    args: &QrArgs,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (uri, file) = uri_and_file(&args.uri)?;
    if file.is_some() && !args.output.svg {
        return Err(Failure::usage("a file next to the key URI needs --svg"));
    }
    let uri = input.argument(uri)?;
    // Refuses a URI that no app can read. The QR code contains the text as it was given.
    match KeyUri::parse_with_minimum(uri, 8) {
        Err(KeyUriError::Migration) => drop(MigrationUri::parse(uri).map_err(Failure::usage)?),
        read => drop(read.map_err(Failure::usage)?),
    }
    let level = match args.level {
        Some(level) => level,
        None if args.output.terminal => QrLevel::Low,
        None => QrLevel::Medium,
    };
    let mut qr = Qr::encode(uri, level).map_err(Failure::usage)?;
    if let Some(pixels) = args.module_size {
        qr = qr.with_module_size(pixels).map_err(Failure::usage)?;
    }
    let output = &args.output;
    if let Some(file) = &output.png {
        write(Some(file), qr.png().expose(), out)?;
    } else if output.svg {
        write(file.map(Path::new), qr.svg().expose().as_bytes(), out)?;
    } else {
        out.write_all(qr.terminal().expose().as_bytes())?;
    }
    Ok(())
}

/// Finds the key URI and the file, in either order.
fn uri_and_file(arguments: &[String]) -> Result<(&str, Option<&str>), Failure> {
    match arguments {
        [uri] => Ok((uri, None)),
        [file, uri] if is_uri(uri) => Ok((uri, Some(file))),
        [uri, file] if is_uri(uri) => Ok((uri, Some(file))),
        _ => Err(Failure::usage("neither argument is a key URI")),
    }
}

fn is_uri(argument: &str) -> bool {
    argument == "-" || argument.contains("://")
}

fn write(file: Option<&Path>, content: &[u8], out: &mut impl Write) -> io::Result<()> {
    match file {
        Some(file) if file != Path::new("-") => create(file)?.write_all(content),
        _ => out.write_all(content),
    }
}

/// Creates a file that only its owner can read, because the image contains the secret.
fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
