//! Shows the second factor, removes authenticators, and turns the second factor off.

use countersign::factor::{AuthenticatorStatus, EnabledStatus, RateLimitState};
use countersign::runtime::{Clock, SystemClock};
use countersign::{Removed, Status};

use crate::sign_in::Session;
use crate::terminal::Stop;
use crate::{App, enroll, messages, proof};

pub(crate) fn status(app: &mut App, session: &Session) -> Result<(), Stop> {
    match app.verifier.status(&session.user.account())? {
        Status::Enabled(enabled) => show(app, &enabled)?,
        _ => app
            .terminal
            .say("Second factor: off. Type \"enroll\" to turn it on.")?,
    }
    if enroll::is_pending(app, session)? {
        app.terminal.say(messages::NOT_CONFIRMED)?;
    }
    Ok(())
}

fn show(app: &mut App, enabled: &EnabledStatus) -> Result<(), Stop> {
    app.terminal.say("Second factor: on.")?;
    list(app, &enabled.authenticators)?;
    match &enabled.backup_codes {
        Some(codes) => app.terminal.say(format_args!(
            "Backup codes: {} of {} left, made {}.",
            codes.remaining,
            codes.used_at.len(),
            messages::ago(codes.issued_at, SystemClock.now())
        ))?,
        None => app
            .terminal
            .say("Backup codes: none. Type \"codes\" to make some.")?,
    }
    match enabled.rate_limit {
        RateLimitState::Free => Ok(()),
        RateLimitState::Waiting { retry_after } | RateLimitState::BudgetSpent { retry_after } => {
            app.terminal.say(format_args!(
                "Too many wrong codes. You can try again in {}.",
                messages::span(retry_after)
            ))
        }
        RateLimitState::ClockFault => app.terminal.say(messages::CLOCK_FAULT),
        _ => app.terminal.say(messages::LOCKED),
    }
}

fn list(app: &mut App, authenticators: &[AuthenticatorStatus]) -> Result<(), Stop> {
    let now = SystemClock.now();
    for (number, authenticator) in (1..).zip(authenticators) {
        let used = match authenticator.last_used_at {
            Some(time) => format!("last used {}", messages::ago(time, now)),
            None => "never used".into(),
        };
        app.terminal.say(format_args!(
            "  {number}. {}: added {}, {used}",
            authenticator.name,
            messages::ago(authenticator.added_at, now)
        ))?;
    }
    Ok(())
}

/// Asks which authenticator the user means, unless there is only one.
pub(crate) fn choose(
    app: &mut App,
    session: &Session,
    action: &str,
) -> Result<Option<AuthenticatorStatus>, Stop> {
    let Status::Enabled(enabled) = app.verifier.status(&session.user.account())? else {
        app.terminal.say(messages::OFF)?;
        return Ok(None);
    };
    if let [only] = enabled.authenticators.as_slice() {
        app.terminal.say(format_args!("{action}: {}.", only.name))?;
        return Ok(Some(only.clone()));
    }
    list(app, &enabled.authenticators)?;
    loop {
        let prompt = format_args!("{action} which one? Number (empty: back): ");
        let Some(answer) = app.terminal.ask_or_back(prompt)? else {
            return Ok(None);
        };
        let index = answer
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        match index.and_then(|index| enabled.authenticators.get(index)) {
            Some(authenticator) => return Ok(Some(authenticator.clone())),
            None => app
                .terminal
                .say("There is no authenticator with that number.")?,
        }
    }
}

pub(crate) fn remove(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let Some(authenticator) = choose(app, session, "Remove")? else {
        return Ok(());
    };
    let question = "Its codes will no longer sign you in. If it is your last authenticator, your backup codes stop working, too. Remove it?";
    if !app.terminal.confirm(question)? {
        return app.terminal.say("Nothing was changed.");
    }
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = |proof: countersign::Proof<'_>| {
        verifier.remove_authenticator(&account, authenticator.id, proof)
    };
    match proof::prove(&mut app.terminal, &app.users, session, change)? {
        // A service also sends the owner a mail, here and below.
        Some(Removed::OthersLeft { .. } | Removed::Disabled) => {
            app.terminal
                .say("Removed. Delete its entry from your app too.")?;
            status(app, session)
        }
        None => Ok(()),
    }
}

pub(crate) fn disable(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let question =
        "Without a second factor, anyone who has your password can sign in. Turn it off?";
    if !app.terminal.confirm(question)? {
        return app.terminal.say("Nothing was changed.");
    }
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = |proof: countersign::Proof<'_>| verifier.disable(&account, proof);
    match proof::prove(&mut app.terminal, &app.users, session, change)? {
        Some(Removed::OthersLeft { .. } | Removed::Disabled) => app.terminal.say(
            "Your second factor is off, and your backup codes no longer work. Delete the entry from your app too.",
        ),
        None => Ok(()),
    }
}
