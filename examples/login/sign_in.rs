//! Signing up, and signing in: a password, then a code if there is a second factor.

use countersign::runtime::{Clock, SystemClock};
use countersign::{Denied, Rejection, SealedReceipt, Status, Timestamp};

use crate::terminal::{Stop, Terminal};
use crate::users::User;
use crate::{App, menu, messages};

/// A user who is signed in, until the process ends. A service keeps this on the server, with the
/// receipt (feature `serde`), and changes the id of the session after the second factor.
pub(crate) struct Session {
    pub(crate) user: User,
    pub(crate) password_checked_at: Timestamp,
    /// The receipt of the second factor. `None`: the account had no second factor, or the receipt is
    /// too old, or its authenticator is gone.
    pub(crate) receipt: Option<SealedReceipt>,
}

/// What happens after the menu.
pub(crate) enum Next {
    SignIn,
    Quit,
}

pub(crate) fn run(app: &mut App) -> Result<(), Stop> {
    loop {
        let choice = app
            .terminal
            .ask("\nSign in, sign up or quit? [in/up/quit] ")?;
        let signed_in = match choice.to_lowercase().as_str() {
            "in" | "sign in" => sign_in(app),
            "up" | "sign up" => sign_up(app),
            "q" | "quit" => return Ok(()),
            _ => {
                app.terminal.say("Type \"in\", \"up\" or \"quit\".")?;
                continue;
            }
        };
        match signed_in {
            Ok(Some(session)) => {
                if let Next::Quit = menu::run(app, session)? {
                    return Ok(());
                }
            }
            Ok(None) => {}
            Err(Stop::Failed(error)) => app.terminal.say(messages::failure(&*error))?,
            Err(Stop::EndOfInput) => return Err(Stop::EndOfInput),
        }
    }
}

fn sign_up(app: &mut App) -> Result<Option<Session>, Stop> {
    let Some(name) = new_name(app)? else {
        return Ok(None);
    };
    let Some(password) = new_password(&mut app.terminal)? else {
        return Ok(None);
    };
    let Some(user) = app.users.add(&name, &password)? else {
        app.terminal
            .say("That name has just been taken. Please sign up with another name.")?;
        return Ok(None);
    };
    app.terminal
        .say(format_args!("Welcome, {name}.\n{PASSWORD_ALONE}"))?;
    Ok(Some(Session {
        user,
        password_checked_at: SystemClock.now(),
        receipt: None,
    }))
}

fn new_name(app: &mut App) -> Result<Option<String>, Stop> {
    loop {
        let Some(name) = app.terminal.ask_or_back("Choose a name (empty: back): ")? else {
            return Ok(None);
        };
        // The app shows the name as the account, and a key URI allows no colon in it.
        if name.chars().count() > 40 || name.contains(|c: char| c.is_control() || c == ':') {
            app.terminal
                .say("Please use at most 40 characters, and no colon.")?;
        } else if app.users.exists(&name)? {
            app.terminal
                .say("That name is taken. Please choose another one.")?;
        } else {
            return Ok(Some(name));
        }
    }
}

fn new_password(terminal: &mut Terminal) -> Result<Option<String>, Stop> {
    loop {
        let password =
            terminal.ask_password("Choose a password, 8 characters or more (empty: back): ")?;
        if password.is_empty() {
            return Ok(None);
        }
        if password.chars().count() < 8 {
            terminal.say("That is too short: use 8 characters or more.")?;
        } else if terminal.ask_password("The same password again: ")? == password {
            return Ok(Some(password));
        } else {
            terminal.say("The two passwords are different.")?;
        }
    }
}

fn sign_in(app: &mut App) -> Result<Option<Session>, Stop> {
    let Some(name) = app.terminal.ask_or_back("Name (empty: back): ")? else {
        return Ok(None);
    };
    let password = app.terminal.ask_password("Password: ")?;
    let Some(user) = app.users.check(&name, &password)? else {
        app.terminal.say("Wrong name or password.")?;
        return Ok(None);
    };
    let password_checked_at = SystemClock.now();
    let receipt = match needs_code(app, &user)? {
        Needed::Nothing => None,
        Needed::Code => match second_factor(app, &user)? {
            Some(receipt) => Some(receipt),
            None => return Ok(None),
        },
        Needed::Help => return Ok(None),
    };
    app.terminal.say(match receipt {
        Some(_) => "You are signed in.",
        None => PASSWORD_ALONE,
    })?;
    Ok(Some(Session {
        user,
        password_checked_at,
        receipt,
    }))
}

const PASSWORD_ALONE: &str =
    "You are signed in with your password alone. Type \"enroll\" to add a second factor.";

enum Needed {
    Nothing,
    Code,
    /// The user needs help from the staff, and cannot sign in.
    Help,
}

/// Decides what the account needs besides the password. A record with a second factor always asks
/// for a code. Without such a record, the application's own flag must agree that there is no second
/// factor. Otherwise a deleted row, or a row restored from before the enrollment, would let an
/// attacker sign in.
fn needs_code(app: &mut App, user: &User) -> Result<Needed, Stop> {
    let status = app.verifier.status(&user.account());
    let enrolled = app.users.is_enrolled(user)?;
    match (status, enrolled) {
        (Ok(Status::Enabled(_)), _) => Ok(Needed::Code),
        (Ok(Status::Absent | Status::Disabled), false) => Ok(Needed::Nothing),
        (Ok(_), _) => {
            app.terminal.say(
                "We cannot sign you in: the record of your second factor is lost or out of date. It is not your \
                 fault. Please ask our staff.",
            )?;
            Ok(Needed::Help)
        }
        (Err(error), _) => {
            app.terminal.say(format_args!(
                "We cannot sign you in: your second factor cannot be read ({}). It is not your fault. Please ask \
                 our staff.",
                messages::chain(&error)
            ))?;
            Ok(Needed::Help)
        }
    }
}

/// Asks for a code, from the app or a backup code. Nobody signs in without a receipt.
fn second_factor(app: &mut App, user: &User) -> Result<Option<SealedReceipt>, Stop> {
    let account = user.account();
    loop {
        let prompt = "Code from your app, or a backup code (empty: back): ";
        let Some(code) = app.terminal.ask_or_back(prompt)? else {
            return Ok(None);
        };
        match app.verifier.verify(&account, &code) {
            Ok(receipt) => {
                app.terminal
                    .say(messages::accepted(receipt.accepted_by()))?;
                return Ok(Some(app.verifier.seal_receipt(&receipt)));
            }
            // The user turned the second factor off meanwhile, in another window. The next sign-in
            // checks the flag again.
            Err(Denied::Rejected(Rejection::Absent | Rejection::Disabled)) => {
                app.terminal
                    .say("Your second factor has just been changed. Please sign in again.")?;
                return Ok(None);
            }
            Err(denied) => app.terminal.say(messages::refusal(&denied))?,
        }
    }
}
