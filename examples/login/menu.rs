//! The menu of a user who is signed in.

use crate::sign_in::{Next, Session};
use crate::terminal::Stop;
use crate::{App, backup_codes, enroll, manage, messages};

const HELP: &str = "
  status    show your second factor
  enroll    add an authenticator app
  confirm   finish setting up an authenticator app
  codes     make backup codes, in case you lose your phone
  replace   move to a new phone
  remove    remove an authenticator app
  disable   turn the second factor off
  out       sign out
  quit      sign out and end the program";

pub(crate) fn run(app: &mut App, mut session: Session) -> Result<Next, Stop> {
    app.terminal.say(HELP)?;
    if let Ok(true) = enroll::is_pending(app, &session) {
        app.terminal
            .say(format_args!("\n{}", messages::NOT_CONFIRMED))?;
    }
    loop {
        let choice = app
            .terminal
            .ask(format_args!("\n{}, what next? ", session.user.name))?;
        match choice.to_lowercase().as_str() {
            "out" => {
                app.terminal.say("You are signed out.")?;
                return Ok(Next::SignIn);
            }
            "q" | "quit" => return Ok(Next::Quit),
            choice => match choose(app, &mut session, choice) {
                Ok(()) => {}
                Err(Stop::Failed(error)) => app.terminal.say(messages::failure(&*error))?,
                Err(Stop::EndOfInput) => return Err(Stop::EndOfInput),
            },
        }
    }
}

fn choose(app: &mut App, session: &mut Session, choice: &str) -> Result<(), Stop> {
    match choice {
        "status" => manage::status(app, session),
        "enroll" | "add" => enroll::add(app, session),
        "confirm" => enroll::resume(app, session),
        "codes" => backup_codes::issue(app, session),
        "replace" => enroll::replace(app, session),
        "remove" => manage::remove(app, session),
        "disable" => manage::disable(app, session),
        _ => app.terminal.say(HELP),
    }
}
