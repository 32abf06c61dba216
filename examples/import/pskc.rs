//! Converts the file of hardware tokens into the lines that the program imports.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write, stderr, stdout};
use std::path::Path;

use countersign::AccountId;
use countersign_pskc::limits::MAX_FILE_BYTES;
use countersign_pskc::{Credential, MovingFactor, Place, Token, TokenError, read, read_csv};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use crate::arguments::Pskc;
use crate::failure::Failure;

/// The largest file with a key or a password.
const MAX_CREDENTIAL_BYTES: usize = 4096;

/// Converts a file. Returns whether no token was refused.
pub(crate) fn run(arguments: &Pskc) -> Result<bool, Failure> {
    let credential = credential(arguments)?;
    let file = contents(&arguments.file, MAX_FILE_BYTES.saturating_add(1))?;
    let tokens = match arguments.csv {
        true => read_csv(&file),
        false => read(&file, &credential),
    };
    let mut errors = stderr().lock();
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(error) => {
            writeln!(errors, "{}: {error}", arguments.file.display())?;
            return Ok(false);
        }
    };
    if tokens.is_signed() {
        writeln!(errors, "note: the signature of the file is not checked")?;
    }
    for field in tokens.other_fields() {
        writeln!(errors, "note: not imported: {}", field.path())?;
    }
    let (accounts, refused) = accounts(tokens.tokens(), &mut errors)?;
    let (written, left_out) = write(&accounts, &mut errors)?;
    let refused = refused.saturating_add(left_out);
    writeln!(
        errors,
        "{written} tokens written, {refused} refused; ask for one code of each device"
    )?;
    Ok(refused == 0)
}

fn credential(arguments: &Pskc) -> Result<Credential, Failure> {
    let text = |path: &Path| -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut text = contents(path, MAX_CREDENTIAL_BYTES)?;
        let end = text.trim_ascii_end().len();
        text.truncate(end);
        Ok(text)
    };
    match (&arguments.key_file, &arguments.password_file) {
        (Some(path), _) => {
            let text = text(path)?;
            let wrong = || Failure::new(format!("{}: not hexadecimal", path.display()));
            let length = HEXLOWER_PERMISSIVE.decode_len(text.len());
            let mut key = Zeroizing::new(vec![0; length.map_err(|_| wrong())?]);
            let read = HEXLOWER_PERMISSIVE.decode_mut(&text, &mut key);
            read.map_err(|_| wrong())?;
            Ok(Credential::key(&key))
        }
        (None, Some(path)) => {
            let text = text(path)?;
            let wrong = |_| Failure::new(format!("{}: not UTF-8", path.display()));
            Ok(Credential::password(str::from_utf8(&text).map_err(wrong)?))
        }
        (None, None) => Ok(Credential::none()),
    }
}

/// Reads a file, or its first bytes, into a buffer that does not move.
fn contents(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let size = usize::try_from(size).unwrap_or(most).min(most);
    let mut contents = Zeroizing::new(Vec::with_capacity(size.saturating_add(64)));
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let mut file = file.take(most);
    file.read_to_end(&mut contents).map_err(failed)?;
    Ok(contents)
}

/// The tokens of an account. If one is refused, the account is not written.
struct Account<'a> {
    id: &'a str,
    /// Whether the id is a user id, and not a serial number.
    is_user: bool,
    tokens: Vec<&'a Token>,
    is_refused: bool,
}

/// The accounts in the order of the file, and the number of refused tokens.
fn accounts<'a>(
    tokens: &'a [Result<Token, TokenError>],
    errors: &mut impl Write,
) -> io::Result<(Vec<Account<'a>>, usize)> {
    let mut accounts: Vec<Account<'_>> = Vec::new();
    let mut places = HashMap::new();
    let mut refused = 0_usize;
    for token in tokens {
        let (user, serial) = match token {
            Ok(token) => (token.user_id(), token.serial()),
            Err(error) => (error.user_id(), error.serial()),
        };
        let id = user.or(serial);
        let id = id.filter(|id| AccountId::new(*id).is_ok());
        let account = id.and_then(|id| {
            let place = *places.entry(id).or_insert_with(|| {
                accounts.push(Account {
                    id,
                    is_user: user.is_some(),
                    tokens: Vec::new(),
                    is_refused: false,
                });
                accounts.len().saturating_sub(1)
            });
            accounts.get_mut(place)
        });
        let problem: Option<&dyn Display> = match (token, &account) {
            (Err(error), _) => Some(error),
            (Ok(_), None) => Some(&"there is no user id and no serial number for the account"),
            (Ok(_), Some(account)) if account.is_user != user.is_some() => {
                Some(&"a serial number of the file is also a user id; give every token a user id")
            }
            (Ok(_), Some(_)) => None,
        };
        let usable = token.as_ref().map(Token::to_authenticator);
        let unusable = usable.ok().and_then(Result::err);
        let is_refused = problem.is_some() || unusable.is_some();
        if let Some(error) = &unusable {
            writeln!(errors, "{error}")?;
        } else if let Some(problem) = problem {
            match token {
                Ok(token) => writeln!(errors, "{}: {problem}", token.place())?,
                Err(_) => writeln!(errors, "{problem}")?,
            }
        }
        refused = refused.saturating_add(is_refused.into());
        if let Some(account) = account {
            account.is_refused |= is_refused;
            if let (Ok(token), false) = (token, is_refused) {
                account.tokens.push(token);
                notes(token, errors)?;
            }
        }
    }
    Ok((accounts, refused))
}

fn notes(token: &Token, errors: &mut impl Write) -> io::Result<()> {
    let place = token.place();
    for note in token.notes() {
        writeln!(errors, "{place}: note: {note}")?;
    }
    for field in token.other_fields() {
        writeln!(errors, "{place}: note: not imported: {}", field.path())?;
    }
    Ok(())
}

/// Writes the accounts. Returns the numbers of tokens that were written and left out.
fn write(accounts: &[Account<'_>], errors: &mut impl Write) -> Result<(usize, usize), Failure> {
    let mut output = BufWriter::new(stdout().lock());
    let (mut written, mut left_out) = (0_usize, 0_usize);
    for account in accounts {
        let tokens = account.tokens.len();
        if account.is_refused {
            for token in &account.tokens {
                let place: Place = token.place();
                writeln!(
                    errors,
                    "{place}: left out, because another token of the account is refused"
                )?;
            }
            left_out = left_out.saturating_add(tokens);
            continue;
        }
        // Large enough for every line of as many tokens, so that no secret is copied.
        let size = tokens.saturating_mul(2048).saturating_add(2048);
        let mut line = Zeroizing::new(Vec::with_capacity(size));
        let authenticators = account.tokens.iter().map(|token| Authenticator::of(token));
        let row = Row {
            account: account.id,
            authenticators: authenticators.collect(),
        };
        serde_json::to_writer(&mut *line, &row)?;
        line.push(b'\n');
        output.write_all(&line)?;
        written = written.saturating_add(tokens);
    }
    output.flush()?;
    Ok((written, left_out))
}

#[derive(Serialize)]
struct Row<'a> {
    account: &'a str,
    authenticators: Vec<Authenticator>,
}

#[derive(Serialize)]
struct Authenticator {
    #[serde(rename = "type")]
    kind: &'static str,
    secret: String,
    algorithm: &'static str,
    digits: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counter: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_step: Option<u64>,
}

impl Authenticator {
    fn of(token: &Token) -> Self {
        let (kind, period, counter, last_step) = match token.moving_factor() {
            MovingFactor::Counter { next, .. } => ("hotp", None, next, None),
            MovingFactor::Time { period, step, .. } => {
                let step = step.map(|step| step.get());
                ("totp", Some(period.as_secs()), None, step)
            }
            _ => ("unknown", None, None, None),
        };
        Self {
            kind,
            secret: token.secret().to_base32().expose().to_owned(),
            algorithm: token.algorithm().name(),
            digits: token.digits().get(),
            period,
            counter,
            name: token.name().map(|name| name.as_str().to_owned()),
            last_step,
        }
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}
