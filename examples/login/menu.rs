//! What somebody can do who is signed in.

use crate::sign_in::{Next, Session};
use crate::terminal::Stop;
use crate::{App, backup_codes, enroll, manage, words};

const HELP: &str = "
  status    what your second factor is
  enroll    add an authenticator app: the first, or one more
  confirm   go on with an enrollment that is not confirmed yet
  codes     make backup codes, for when the phone is lost
  replace   move to a new phone
  remove    remove an authenticator
  disable   switch the second factor off
  out       sign out
  quit      sign out and end";

pub(crate) async fn run(app: &mut App, mut session: Session) -> Result<Next, Stop> {
    app.terminal.say(HELP)?;
    if let Ok(true) = enroll::is_waiting(app, &session).await {
        app.terminal
            .say("\nAn enrollment waits to be confirmed. Go on with: confirm.")?;
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
            choice => match choose(app, &mut session, choice).await {
                Ok(()) => {}
                Err(Stop::Failed(error)) => app.terminal.say(words::sorry(&*error))?,
                Err(Stop::EndOfInput) => return Err(Stop::EndOfInput),
            },
        }
    }
}

async fn choose(app: &mut App, session: &mut Session, choice: &str) -> Result<(), Stop> {
    match choice {
        "status" => manage::status(app, session).await,
        "enroll" | "add" => enroll::add(app, session).await,
        "confirm" => enroll::resume(app, session).await,
        "codes" => backup_codes::issue(app, session).await,
        "replace" => enroll::replace(app, session).await,
        "remove" => manage::remove(app, session).await,
        "disable" => manage::disable(app, session).await,
        _ => app.terminal.say(HELP),
    }
}
