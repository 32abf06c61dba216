use crate::args::algorithm;
use crate::failure::Failure;
use crate::lines::Lines;
use countersign::Timestamp;
use countersign::otp::{Digits, Hotp, Passcode, Period, Secret, Totp};
use std::io::{Read, Write};

/// Reads a line `kind secret_base32 algorithm digits period_or_counter time`, separated by tabs,
/// and writes the passcode or `error: ...`, in the same order. After a line with an error the tool
/// exits with 1.
pub(crate) fn run(input: &mut Lines<impl Read>, out: &mut impl Write) -> Result<(), Failure> {
    input.answer(out, |line, out| {
        let result = match line {
            Ok(text) => passcode(text),
            Err(fault) => Err(fault.to_string()),
        };
        match &result {
            Ok(passcode) => writeln!(out, "{}", passcode.expose())?,
            Err(error) => writeln!(out, "error: {error}")?,
        }
        Ok(result.is_ok())
    })
}

fn passcode(line: &str) -> Result<Passcode, String> {
    let mut fields = line.split('\t');
    let mut field = |name: &str| {
        fields
            .next()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("the {name} is missing"))
    };
    let kind = field("kind")?;
    let is_totp = match kind {
        "totp" => true,
        "hotp" => false,
        _ => return Err("the kind is neither totp nor hotp".into()),
    };
    let secret = Secret::from_typed_base32_with_minimum(field("secret")?, 8).map_err(text)?;
    let algorithm = algorithm(field("algorithm")?).map_err(text)?;
    let digits = number("number of digits", field("number of digits")?)?;
    let digits = Digits::new(u8::try_from(digits).unwrap_or_default()).map_err(text)?;
    let passcode = if is_totp {
        let period = Period::from_secs(number("period", field("period")?)?).map_err(text)?;
        let at = Timestamp::from_unix(number("time", field("time")?)?);
        Totp::new(secret.expose(), algorithm, digits, period).generate(at)
    } else {
        let counter = number("counter", field("counter")?)?;
        // HOTP has no time: the field is ignored.
        let _ = fields.next();
        Hotp::new(secret.expose(), algorithm, digits).generate(counter)
    };
    match fields.next() {
        None => Ok(passcode),
        Some(_) => Err("the line has more than six fields".into()),
    }
}

/// Reads a decimal number: digits only.
fn number(name: &str, text: &str) -> Result<u64, String> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_decimal.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("the {name} is not a decimal number below 2^64"))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
