use crate::args::{Generate, Verify};
use crate::failure::{Failure, note};
use crate::lines::Lines;
use countersign::Timestamp;
use countersign::otp::{Code, Hotp, Secret, Totp, Window};
use std::io::{Read, Write};
use std::time::SystemTime;

/// The generator, and the time or counter.
enum Source {
    Totp(Totp, Timestamp),
    Hotp(Hotp, u64),
}

impl Source {
    fn new(secret: &Secret, args: &Generate) -> Result<Self, Failure> {
        let key = secret.expose();
        let parameters = &args.parameters;
        let (algorithm, digits) = (parameters.algorithm, parameters.digits);
        if let Some(counter) = parameters.counter {
            return Ok(Self::Hotp(Hotp::new(key, algorithm, digits), counter));
        }
        let at = match args.time {
            Some(seconds) => Timestamp::from_unix(seconds),
            None => Timestamp::try_from(SystemTime::now()).map_err(Failure::usage)?,
        };
        Ok(Self::Totp(
            Totp::new(key, algorithm, digits, parameters.period),
            at,
        ))
    }
}

pub(crate) fn generate(
    args: &Generate,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let passcode = match Source::new(&input.secret(&args.secret)?, args)? {
        Source::Totp(totp, at) => totp.generate(at),
        Source::Hotp(hotp, counter) => hotp.generate(counter),
    };
    writeln!(out, "{}", passcode.expose())?;
    Ok(())
}

pub(crate) fn verify(
    args: &Verify,
    input: &mut Lines<impl Read>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let source = Source::new(&input.secret(&args.generate.secret)?, &args.generate)?;
    let code = input.argument(args.code.as_deref().unwrap_or("-"))?;
    let refused = |reason: &str| {
        note(reason);
        Failure::Refused
    };
    let code = Code::parse(code).map_err(|error| refused(&error.to_string()))?;
    let matched = match source {
        // The tool stores nothing, so it does not know which passcodes were used.
        Source::Totp(totp, at) => totp
            .verify(&code, at, Window::around(args.window), None)
            .map(|matched| format!("step {}, drift {}", matched.step(), matched.drift())),
        Source::Hotp(hotp, counter) => hotp
            .verify(&code, counter, args.window)
            .map(|matched| format!("counter {}", matched.counter())),
    };
    let matched = matched.ok_or_else(|| refused("not accepted"))?;
    writeln!(out, "accepted: {matched}")?;
    Ok(())
}
