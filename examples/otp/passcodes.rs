use crate::args::{Generate, Verify};
use crate::failure::{Failure, note};
use crate::lines::Lines;
use countersign::Timestamp;
use countersign::otp::{Code, Hotp, Secret, SteamGuard, Totp, TotpMatch, Window};
use std::io::{Read, Write};
use std::time::SystemTime;

/// The generator, and the time or counter.
enum Source {
    Totp(Totp, Timestamp),
    Hotp(Hotp, u64),
    Steam(SteamGuard, Timestamp),
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
        if parameters.steam {
            return Ok(Self::Steam(SteamGuard::new(key), at));
        }
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
    match Source::new(&input.secret(&args.secret)?, args)? {
        Source::Totp(totp, at) => writeln!(out, "{}", totp.generate(at).expose())?,
        Source::Hotp(hotp, counter) => writeln!(out, "{}", hotp.generate(counter).expose())?,
        Source::Steam(steam, at) => writeln!(out, "{}", steam.generate(at).expose())?,
    }
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
    let window = Window::around(args.window);
    let step = |matched: TotpMatch| format!("step {}, drift {}", matched.step(), matched.drift());
    let matched = match source {
        // The tool stores nothing, so it does not know which passcodes were used.
        Source::Totp(totp, at) => totp.verify(&code, at, window, None).map(step),
        Source::Steam(steam, at) => steam.verify(&code, at, window, None).map(step),
        Source::Hotp(hotp, counter) => hotp
            .verify(&code, counter, args.window)
            .map(|matched| format!("counter {}", matched.counter())),
    };
    let matched = matched.ok_or_else(|| refused("not accepted"))?;
    writeln!(out, "accepted: {matched}")?;
    Ok(())
}
