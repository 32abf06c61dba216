use crate::args::{NewCodes, NewSecret, Strength};
use crate::failure::Failure;
use countersign::backup::{BackupCodeFile, BackupCodes, CodeFormat};
use countersign::otp::Secret;
use std::io::Write;

pub(crate) fn secret(args: &NewSecret, out: &mut impl Write) -> Result<(), Failure> {
    let secret = Secret::generate().map_err(Failure::usage)?;
    let text = if args.grouped {
        secret.to_base32_grouped()
    } else {
        secret.to_base32()
    };
    writeln!(out, "{}", text.expose())?;
    Ok(())
}

pub(crate) fn backup_codes(args: &NewCodes, out: &mut impl Write) -> Result<(), Failure> {
    let codes = BackupCodes::generate(match args.strength {
        Strength::Digits => CodeFormat::default(),
        Strength::Bits64 => CodeFormat::BITS_64,
        Strength::Bits112 => CodeFormat::BITS_112,
    })
    .map_err(Failure::usage)?;
    if let (Some(service), Some(date)) = (&args.service, &args.date) {
        let file = codes.to_text(&BackupCodeFile::english(service, date));
        out.write_all(file.expose().as_bytes())?;
        return Ok(());
    }
    for code in codes.iter() {
        writeln!(out, "{code}")?;
    }
    Ok(())
}
