//! The first page: a password, then a code if there is a second factor.

use countersign::runtime::{Clock, SystemClock};
use countersign::{Denied, Rejection, SealedReceipt, Status, Timestamp};

use crate::terminal::{Stop, Terminal};
use crate::users::User;
use crate::{App, menu, words};

/// Somebody who is signed in. It lives as long as the process; a service keeps it on the server, receipt included
/// (feature `serde`), and gives it a new id after the second factor.
pub(crate) struct Session {
    pub(crate) user: User,
    pub(crate) password_checked_at: Timestamp,
    /// Of the second factor. `None`: the account had none.
    pub(crate) receipt: Option<SealedReceipt>,
}

/// What happens after the menu.
pub(crate) enum Next {
    SignIn,
    Quit,
}

pub(crate) async fn run(app: &mut App) -> Result<(), Stop> {
    loop {
        let choice = app
            .terminal
            .ask("\nSign in, sign up or quit? [in/up/quit] ")?;
        let signed_in = match choice.to_lowercase().as_str() {
            "in" | "sign in" => sign_in(app).await,
            "up" | "sign up" => sign_up(app).await,
            "q" | "quit" => return Ok(()),
            _ => {
                app.terminal.say("Type \"in\", \"up\" or \"quit\".")?;
                continue;
            }
        };
        match signed_in {
            Ok(Some(session)) => {
                if let Next::Quit = menu::run(app, session).await? {
                    return Ok(());
                }
            }
            Ok(None) => {}
            Err(Stop::Failed(error)) => app.terminal.say(words::sorry(&*error))?,
            Err(Stop::EndOfInput) => return Err(Stop::EndOfInput),
        }
    }
}

async fn sign_up(app: &mut App) -> Result<Option<Session>, Stop> {
    let Some(name) = new_name(app).await? else {
        return Ok(None);
    };
    let Some(password) = new_password(&mut app.terminal)? else {
        return Ok(None);
    };
    let Some(user) = app.users.add(&name, password).await? else {
        app.terminal
            .say("Somebody was faster: that name is taken.")?;
        return Ok(None);
    };
    app.terminal.say(format_args!(
        "Welcome, {name}.\nYou are signed in, so far with a password alone. Next: enroll."
    ))?;
    Ok(Some(Session {
        user,
        password_checked_at: SystemClock.now(),
        receipt: None,
    }))
}

async fn new_name(app: &mut App) -> Result<Option<String>, Stop> {
    loop {
        let Some(name) = app.terminal.ask_or_back("Choose a name (empty: back): ")? else {
            return Ok(None);
        };
        // The app shows the name as the account, and a key URI takes no colon in it.
        if name.chars().count() > 40 || name.contains(|c: char| c.is_control() || c == ':') {
            app.terminal
                .say("At most 40 characters, and no colon, please.")?;
        } else if app.users.exists(&name).await? {
            app.terminal.say("That name is taken.")?;
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
            terminal.say("That is too short.")?;
        } else if terminal.ask_password("The same again: ")? == password {
            return Ok(Some(password));
        } else {
            terminal.say("The two were not the same.")?;
        }
    }
}

async fn sign_in(app: &mut App) -> Result<Option<Session>, Stop> {
    let Some(name) = app.terminal.ask_or_back("Name (empty: back): ")? else {
        return Ok(None);
    };
    let password = app.terminal.ask_password("Password: ")?;
    let Some(user) = app.users.check(&name, password).await? else {
        app.terminal.say("Wrong name or password.")?;
        return Ok(None);
    };
    let password_checked_at = SystemClock.now();
    let receipt = match needs_code(app, &user).await? {
        Needed::Nothing => None,
        Needed::Code => match second_factor(app, &user).await? {
            Some(receipt) => Some(receipt),
            None => return Ok(None),
        },
        Needed::Help => return Ok(None),
    };
    app.terminal.say(match receipt {
        Some(_) => "You are signed in.",
        None => "You are signed in, so far with a password alone. Next: enroll.",
    })?;
    Ok(Some(Session {
        user,
        password_checked_at,
        receipt,
    }))
}

enum Needed {
    Nothing,
    Code,
    /// Nobody can be let in.
    Help,
}

/// What the account needs beside the password. The record decides, if it is there; that there is none, or none with a
/// factor, counts only if the host's own flag agrees. A row that was deleted, or put back as it was before the
/// enrollment, must not open the door.
async fn needs_code(app: &mut App, user: &User) -> Result<Needed, Stop> {
    let status = app.verifier.status(&user.account()).await;
    let enrolled = app.users.is_enrolled(user).await?;
    match (status, enrolled) {
        (Ok(Status::Enabled(_)), _) => Ok(Needed::Code),
        (Ok(Status::Absent | Status::Disabled), false) => Ok(Needed::Nothing),
        (Ok(_), _) => {
            app.terminal.say(
                "Your account has a second factor, but its record is lost or out of date, so we cannot let \
                 anybody in. It is not your fault: ask our staff.",
            )?;
            Ok(Needed::Help)
        }
        (Err(error), _) => {
            app.terminal.say(format_args!(
                "Your second factor cannot be read ({}), so we cannot let anybody in. It is not your fault: \
                 ask our staff.",
                words::chain(&error)
            ))?;
            Ok(Needed::Help)
        }
    }
}

/// One field for passcodes and backup codes. Nobody is let in without a receipt.
///
/// Here nothing drops the future of `verify`. A web host runs it in a task of its own: see `Verifier`.
async fn second_factor(app: &mut App, user: &User) -> Result<Option<SealedReceipt>, Stop> {
    let account = user.account();
    loop {
        let prompt = "Passcode from your app, or a backup code (empty: back): ";
        let Some(code) = app.terminal.ask_or_back(prompt)? else {
            return Ok(None);
        };
        match app.verifier.verify(&account, &code).await {
            Ok(receipt) => {
                app.terminal.say(words::accepted(receipt.accepted_by()))?;
                return Ok(Some(app.verifier.seal_receipt(&receipt)));
            }
            // It was switched off meanwhile, in another window: begin again, and the flag is looked at again.
            Err(Denied::Rejected(Rejection::Absent | Rejection::Disabled)) => {
                app.terminal
                    .say("Your second factor has just been changed. Sign in again.")?;
                return Ok(None);
            }
            Err(denied) => app.terminal.say(words::why(&denied))?,
        }
    }
}
