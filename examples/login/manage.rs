//! Looking at the second factor, and ending it.

use countersign::factor::{AuthenticatorStatus, EnabledStatus, RateLimitState};
use countersign::runtime::{Clock, SystemClock};
use countersign::{Removed, Status};

use crate::sign_in::Session;
use crate::terminal::Stop;
use crate::{App, enroll, proof, words};

pub(crate) async fn status(app: &mut App, session: &Session) -> Result<(), Stop> {
    match app.verifier.status(&session.user.account()).await? {
        Status::Enabled(enabled) => show(app, &enabled)?,
        _ => app.terminal.say("Second factor: off. Next: enroll.")?,
    }
    if enroll::is_waiting(app, session).await? {
        app.terminal
            .say("An enrollment waits to be confirmed: confirm.")?;
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
            words::ago(codes.issued_at, SystemClock.now())
        ))?,
        None => app.terminal.say("Backup codes: none. Next: codes.")?,
    }
    match enabled.rate_limit {
        RateLimitState::Free => Ok(()),
        RateLimitState::Waiting { retry_after } | RateLimitState::BudgetSpent { retry_after } => {
            app.terminal.say(format_args!(
                "After too many wrong codes, none is looked at for {}.",
                words::span(retry_after)
            ))
        }
        _ => app
            .terminal
            .say("Locked after too many wrong codes: ask our staff."),
    }
}

fn list(app: &mut App, authenticators: &[AuthenticatorStatus]) -> Result<(), Stop> {
    let now = SystemClock.now();
    for (number, authenticator) in (1..).zip(authenticators) {
        let used = match authenticator.last_used_at {
            Some(time) => format!("last used {}", words::ago(time, now)),
            None => "never used".into(),
        };
        app.terminal.say(format_args!(
            "  {number}. {}: added {}, {used}",
            authenticator.name,
            words::ago(authenticator.added_at, now)
        ))?;
    }
    Ok(())
}

/// The authenticator that the person means; if there is only one, it is that.
pub(crate) async fn choose(
    app: &mut App,
    session: &Session,
    action: &str,
) -> Result<Option<AuthenticatorStatus>, Stop> {
    let Status::Enabled(enabled) = app.verifier.status(&session.user.account()).await? else {
        app.terminal
            .say("You have no second factor. Begin with: enroll.")?;
        return Ok(None);
    };
    if let [only] = enabled.authenticators.as_slice() {
        app.terminal.say(format_args!("{action}: {}.", only.name))?;
        return Ok(Some(only.clone()));
    }
    list(app, &enabled.authenticators)?;
    loop {
        let prompt = format_args!("{action} which one? Its number (empty: back): ");
        let Some(answer) = app.terminal.ask_or_back(prompt)? else {
            return Ok(None);
        };
        let index = answer
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        match index.and_then(|index| enabled.authenticators.get(index)) {
            Some(authenticator) => return Ok(Some(authenticator.clone())),
            None => app.terminal.say("There is none with that number.")?,
        }
    }
}

pub(crate) async fn remove(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let Some(authenticator) = choose(app, session, "Remove").await? else {
        return Ok(());
    };
    let question =
        "It will not sign you in any more; the last one takes backup codes with it. Remove it?";
    if !app.terminal.confirm(question)? {
        return app.terminal.say("Nothing was changed.");
    }
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = async |proof: countersign::Proof<'_>| {
        verifier
            .remove_authenticator(&account, authenticator.id, proof)
            .await
    };
    match proof::prove(&mut app.terminal, &app.users, session, change).await? {
        // A service also writes to the owner by mail, here and below.
        Some(Removed::OthersLeft | Removed::Disabled) => {
            app.terminal
                .say("Removed. Delete its entry in the app too.")?;
            status(app, session).await
        }
        None => Ok(()),
    }
}

pub(crate) async fn disable(app: &mut App, session: &mut Session) -> Result<(), Stop> {
    let question = "Without a second factor, whoever has your password is in. Switch it off?";
    if !app.terminal.confirm(question)? {
        return app.terminal.say("Nothing was changed.");
    }
    let (account, verifier) = (session.user.account(), &app.verifier);
    let change = async |proof: countersign::Proof<'_>| verifier.disable(&account, proof).await;
    match proof::prove(&mut app.terminal, &app.users, session, change).await? {
        Some(()) => app.terminal.say(
            "The second factor is off, and the backup codes are void. Delete the entry in the app too.",
        ),
        None => Ok(()),
    }
}
