//! Reads a key package of RFC 6030, section 4.

use std::sync::Arc;

use countersign::otp::{Algorithm, Digits, Period, Secret, TimeStep};
use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::encryption::Encryption;
use crate::error::{Place, Problem, TokenError};
use crate::fields::{Fault, Fields, keep};
use crate::names::{self, Kind};
use crate::token::{Device, MovingFactor, Note, OtherField, Token};
use crate::wiped::is_space;
use crate::xml::Element;

/// Secrets of fewer than eight bits do not exist.
pub(crate) const MINIMUM_BITS: usize = 8;

/// Reads the keys of a package. There is at least one entry.
pub(crate) fn read_package(
    package: &Element,
    number: usize,
    encryption: &Encryption,
) -> Vec<Result<Token, TokenError>> {
    let mut device = Device::default();
    let mut others = Vec::new();
    let mut fields = Fields::new("", package);
    let keys = fields.elements("Key");
    let read = read_device(&mut fields, &mut device, &mut others);
    fields.keep(&mut others);
    let others = Arc::from(others);
    let fail = |key: Option<usize>, line: u64, user: Option<Arc<str>>, fault: Fault| TokenError {
        place: Place::Package {
            package: number,
            key,
            line,
        },
        serial: device.serial.clone(),
        user_id: user.or_else(|| device.user_id.clone()),
        field: fault.field.into(),
        problem: fault.problem,
    };
    if let Err(fault) = read {
        return vec![Err(fail(None, package.line, None, fault))];
    }
    if keys.is_empty() {
        let fault = Fault::new("Key", Problem::NoKey);
        return vec![Err(fail(None, package.line, None, fault))];
    }
    let keys = (1..).zip(keys);
    let read = keys.map(|(key, element)| {
        let place = Place::Package {
            package: number,
            key: Some(key),
            line: element.line,
        };
        read_key(element, place, &device, &others, encryption)
            .map_err(|fault| fail(Some(key), element.line, user(element), fault))
    });
    read.collect()
}

/// The user of a key that is refused.
fn user(key: &Element) -> Option<Arc<str>> {
    let user = Fields::new("", key).text("UserId").ok().flatten();
    user.map(Arc::from)
}

fn read_device(
    fields: &mut Fields<'_>,
    device: &mut Device,
    others: &mut Vec<OtherField>,
) -> Result<(), Fault> {
    if let Some(info) = fields.element("DeviceInfo")? {
        let mut info = Fields::new("DeviceInfo", info);
        device.serial = info.text("SerialNo")?.map(Arc::from);
        device.manufacturer = info.text("Manufacturer")?.map(Arc::from);
        device.user_id = info.text("UserId")?.map(Arc::from);
        info.keep(others);
    }
    Ok(())
}

fn read_key(
    element: &Element,
    place: Place,
    device: &Device,
    device_fields: &Arc<[OtherField]>,
    encryption: &Encryption,
) -> Result<Token, Fault> {
    let mut notes = Vec::new();
    let mut others = Vec::new();
    let mut key = Fields::new("", element);
    let algorithm = key.attribute("Algorithm");
    let algorithm = algorithm.ok_or_else(|| Fault::new("@Algorithm", Problem::Missing))?;
    let kind = names::kind(algorithm);
    let kind = kind.ok_or_else(|| Fault::new("@Algorithm", Problem::Algorithm))?;
    let key_id = key.attribute("Id").map(str::to_owned);
    let friendly_name = key.text("FriendlyName")?;
    let key_user_id = key.text("UserId")?;
    check_policy(&mut key, &mut others)?;
    let parameters = read_parameters(&mut key, &mut notes, &mut others)?;
    let reference = key.element("KeyReference")?;
    if let Some(reference) = reference {
        keep("KeyReference", reference, &mut others);
    }
    let Some(data) = key.element("Data")? else {
        let problem = match reference {
            Some(_) => Problem::SecretElsewhere,
            None => Problem::Missing,
        };
        return Err(Fault::new("Data", problem));
    };
    let mut data = Fields::new("Data", data);
    let secret = match data.element("Secret")? {
        Some(secret) => read_secret(secret, encryption, &mut notes),
        None if reference.is_some() => Err(Problem::SecretElsewhere),
        None => Err(Problem::Missing),
    };
    let secret = secret.map_err(Fault::of("Data/Secret"))?;
    let moving_factor = read_moving_factor(kind, &mut data, encryption, &mut notes)?;
    data.keep(&mut others);
    key.keep(&mut others);
    Ok(Token {
        place,
        device: device.clone(),
        key_id,
        key_user_id,
        friendly_name,
        secret,
        algorithm: parameters.hash,
        digits: parameters.digits,
        moving_factor,
        notes,
        device_fields: Arc::clone(device_fields),
        other_fields: others,
    })
}

/// Refuses a key that must not be used, or whose passcodes contain a PIN.
fn check_policy(key: &mut Fields<'_>, others: &mut Vec<OtherField>) -> Result<(), Fault> {
    let Some(policy) = key.element("Policy")? else {
        return Ok(());
    };
    let mut policy = Fields::new("Policy", policy);
    let usages = policy.elements("KeyUsage");
    if !usages.is_empty() && !usages.iter().any(|usage| usage.text() == Some("OTP")) {
        return Err(Fault::new("Policy/KeyUsage", Problem::KeyUsage));
    }
    for usage in usages {
        keep("Policy/KeyUsage", usage, others);
    }
    if let Some(pin) = policy.element("PINPolicy")? {
        let mode = pin.attribute("PINUsageMode");
        if mode.is_some_and(|mode| mode != "Local") {
            let field = "Policy/PINPolicy/@PINUsageMode";
            return Err(Fault::new(field, Problem::Pin));
        }
        keep("Policy/PINPolicy", pin, others);
    }
    for name in ["StartDate", "ExpiryDate", "NumberOfTransactions"] {
        if let Some(element) = policy.element(name)? {
            keep(&policy.path(name), element, others);
        }
    }
    if policy.has_elements() {
        return Err(Fault::new("Policy", Problem::Policy));
    }
    policy.keep(others);
    Ok(())
}

struct Parameters {
    hash: Algorithm,
    digits: Digits,
}

fn read_parameters(
    key: &mut Fields<'_>,
    notes: &mut Vec<Note>,
    others: &mut Vec<OtherField>,
) -> Result<Parameters, Fault> {
    let mut hashes = Vec::new();
    let mut digits = None;
    hashes.extend(
        key.attribute("hashalgo")
            .map(|name| ("@hashalgo".to_owned(), name)),
    );
    if let Some(parameters) = key.element("AlgorithmParameters")? {
        let mut parameters = Fields::new("AlgorithmParameters", parameters);
        let path = parameters.path("@hashalgo");
        hashes.extend(parameters.attribute("hashalgo").map(|name| (path, name)));
        if let Some(suite) = parameters.element("Suite")? {
            let path = parameters.path("Suite");
            let mut suite_fields = Fields::new(&path, suite);
            let attribute = suite_fields.attribute("hashalgo");
            hashes.extend(attribute.map(|name| (suite_fields.path("@hashalgo"), name)));
            let text = suite.text();
            let text = text.ok_or_else(|| Fault::new(path.clone(), Problem::Divided))?;
            if !text.is_empty() || attribute.is_none() {
                hashes.push((path, text));
            }
        }
        if let Some(format) = parameters.element("ResponseFormat")? {
            let mut format = Fields::new("AlgorithmParameters/ResponseFormat", format);
            let path = format.path("@hashalgo");
            hashes.extend(format.attribute("hashalgo").map(|name| (path, name)));
            digits = read_response(&mut format)?;
            format.keep(others);
        }
        parameters.keep(others);
    }
    let mut hash = None;
    for (field, name) in hashes {
        let Some(named) = names::hash(name) else {
            return Err(Fault::new(field, Problem::Hash));
        };
        if hash.is_some_and(|hash| hash != named) {
            return Err(Fault::new(field, Problem::ConflictingHash));
        }
        hash = Some(named);
    }
    if hash.is_none() {
        notes.push(Note::DefaultHash);
    }
    if digits.is_none() {
        notes.push(Note::DefaultDigits);
    }
    Ok(Parameters {
        hash: hash.unwrap_or_default(),
        digits: digits.unwrap_or_default(),
    })
}

fn read_response(format: &mut Fields<'_>) -> Result<Option<Digits>, Fault> {
    if let Some(encoding) = format.attribute("Encoding")
        && encoding != "DECIMAL"
    {
        return Err(Fault::new(format.path("@Encoding"), Problem::Encoding));
    }
    for name in ["CheckDigits", "CheckDigit"] {
        match format.attribute(name) {
            None | Some("false" | "0") => {}
            Some("true" | "1") => {
                return Err(Fault::new(format.path(name), Problem::CheckDigit));
            }
            Some(_) => return Err(Fault::new(format.path(name), Problem::Boolean)),
        }
    }
    let Some(length) = format.attribute("Length") else {
        return Ok(None);
    };
    let digits = length
        .parse()
        .ok()
        .and_then(|digits| Digits::new(digits).ok());
    match digits {
        Some(digits) => Ok(Some(digits)),
        None => Err(Fault::new(format.path("@Length"), Problem::Digits)),
    }
}

fn read_moving_factor(
    kind: Kind,
    data: &mut Fields<'_>,
    encryption: &Encryption,
    notes: &mut Vec<Note>,
) -> Result<MovingFactor, Fault> {
    let mut number = |name: &str| match data.element(name) {
        Ok(Some(element)) => {
            let path = format!("Data/{name}");
            let number = read_number(element, encryption).map_err(Fault::of(&path))?;
            Ok(Some((path, number)))
        }
        Ok(None) => Ok(None),
        Err(fault) => Err(fault),
    };
    if kind == Kind::Hotp {
        let next = number("Counter")?.map(unsigned).transpose()?;
        return Ok(MovingFactor::Counter { next });
    }
    let period = match number("TimeInterval")?.map(unsigned).transpose()? {
        Some(seconds) => Period::from_secs(seconds)
            .map_err(|_| Fault::new("Data/TimeInterval", Problem::Number))?,
        None => {
            notes.push(Note::DefaultPeriod);
            Period::THIRTY_SECONDS
        }
    };
    let step = number("Time")?.map(unsigned).transpose()?;
    // Files of new devices have 0, which says nothing.
    let step = step.filter(|step| *step > 0).map(TimeStep::new);
    notes.extend(step.map(Note::Step));
    let drift = match number("TimeDrift")? {
        Some((path, number)) => {
            let drift = i64::try_from(number);
            Some(drift.map_err(|_| Fault::new(path, Problem::Number))?)
        }
        None => None,
    };
    if let Some(steps) = drift.filter(|steps| *steps != 0) {
        notes.push(Note::Drift { steps });
    }
    Ok(MovingFactor::Time {
        period,
        step,
        drift,
    })
}

fn unsigned((path, number): (String, i128)) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::new(path, Problem::Number))
}

/// The content of a field of `Data`.
pub(crate) enum Value<'a> {
    Plain(&'a str),
    Decrypted(Zeroizing<Vec<u8>>),
}

fn read_value<'a>(field: &'a Element, encryption: &Encryption) -> Result<Value<'a>, Problem> {
    let mut fields = Fields::new("", field);
    let mut take = |name: &str| fields.element(name).map_err(|fault| fault.problem);
    let plain = take("PlainValue")?;
    let encrypted = take("EncryptedValue")?;
    let mac = take("ValueMAC")?;
    match (plain, encrypted, mac) {
        (Some(plain), None, None) => plain.text().map(Value::Plain).ok_or(Problem::Divided),
        (Some(_), None, Some(_)) => Err(Problem::PlainMac),
        (Some(_), Some(_), _) => Err(Problem::Duplicate),
        (None, Some(value), mac) => encryption.decrypt(value, mac).map(Value::Decrypted),
        (None, None, _) => Err(Problem::Missing),
    }
}

fn read_secret(
    field: &Element,
    encryption: &Encryption,
    notes: &mut Vec<Note>,
) -> Result<Secret, Problem> {
    let bytes = match read_value(field, encryption)? {
        Value::Plain(text) => {
            if looks_encoded(text) {
                notes.push(Note::SecretLooksEncoded);
            }
            base64(text)?
        }
        Value::Decrypted(bytes) => bytes,
    };
    Secret::from_bytes_with_minimum(&bytes, MINIMUM_BITS).map_err(Problem::Secret)
}

/// Whether base64 text has only symbols of base32 or of hexadecimal. In base64 of a random secret
/// of 80 bits or more, fewer than one of 10,000 texts has.
fn looks_encoded(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let is_base32 = |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    text.len() >= 16
        && (text.bytes().all(is_base32) || text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Decodes base64 with white space.
pub(crate) fn base64(text: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    plain.extend(text.bytes().filter(|byte| !is_space(char::from(*byte))));
    let length = BASE64
        .decode_len(plain.len())
        .map_err(|_| Problem::NotBase64)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    let length = BASE64
        .decode_mut(&plain, &mut bytes)
        .map_err(|_| Problem::NotBase64)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn read_number(field: &Element, encryption: &Encryption) -> Result<i128, Problem> {
    match read_value(field, encryption)? {
        Value::Plain(text) => text
            .parse::<i64>()
            .map(i128::from)
            .map_err(|_| Problem::Number),
        Value::Decrypted(bytes) => decrypted_number(&bytes),
    }
}

/// Reads a big-endian number of up to eight bytes. Four and eight bytes can be negative.
///
/// Some programs encrypt the digits of a number instead. Bytes that can be digits are refused,
/// because they have two meanings.
fn decrypted_number(bytes: &[u8]) -> Result<i128, Problem> {
    if bytes.iter().all(u8::is_ascii_digit) && !bytes.is_empty() {
        return Err(Problem::AmbiguousNumber);
    }
    match bytes {
        [] => Err(Problem::Number),
        [a, b, c, d] => Ok(i32::from_be_bytes([*a, *b, *c, *d]).into()),
        [a, b, c, d, e, f, g, h] => Ok(i64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]).into()),
        _ if bytes.len() < 8 => Ok(bytes
            .iter()
            .fold(0_i128, |number, byte| (number << 8) | i128::from(*byte))),
        _ => Err(Problem::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decrypted_numbers_are_big_endian() {
        assert_eq!(decrypted_number(&[0]), Ok(0));
        assert_eq!(decrypted_number(&[30]), Ok(30));
        assert_eq!(decrypted_number(&[3, 0xe8]), Ok(1000));
        assert_eq!(decrypted_number(&[0, 0, 0, 30]), Ok(30));
        assert_eq!(decrypted_number(&[0xff; 4]), Ok(-1));
        assert_eq!(decrypted_number(&[0xff; 7]), Ok((1 << 56) - 1));
        assert_eq!(
            decrypted_number(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
            Ok(-2)
        );
        assert_eq!(decrypted_number(&[]), Err(Problem::Number));
        assert_eq!(decrypted_number(&[0; 9]), Err(Problem::Number));
    }

    #[test]
    fn decrypted_digits_are_ambiguous() {
        for digits in ["0", "5", "30", "1000", "00000012"] {
            assert_eq!(
                decrypted_number(digits.as_bytes()),
                Err(Problem::AmbiguousNumber)
            );
        }
    }
}
