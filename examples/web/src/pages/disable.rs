//! Turns the second factor off. This always needs the password and a code.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::prove::{Asked, ProvePage, Typed, change};
use crate::app::App;
use crate::failure::Failure;
use crate::form::OurForm;
use crate::layout::Flash;
use crate::mail::Change;
use crate::session::{Member, Stage};

pub(crate) async fn ask(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    if !member.user.enrolled {
        return Ok(Redirect::to("/account").into_response());
    }
    let page = ProvePage::new(
        member.layout(&app, "Turn off 2FA").await?,
        "/two-factor/disable",
        "Your authenticators and backup codes will stop working. You will sign in with your password alone.",
        "Turn off",
        Asked::BOTH,
    )
    .dangerous();
    page.show(&app, &member).await
}

pub(crate) async fn disable(
    State(app): State<App>,
    mut member: Member,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let (owner, service) = (member.user.clone(), app.clone());
    let disabled = change(
        &app,
        &mut member,
        Asked::BOTH,
        typed,
        |verifier, proof| async move {
            let account = owner.account();
            verifier.disable(&account, proof.proof()).await?;
            service.notify(&owner, &Change::Disabled);
            Ok(())
        },
    );
    if let Err(flash) = disabled.await? {
        return member.visitor.say_at(flash, "/two-factor/disable").await;
    }
    member.sign_in.receipt = None;
    member
        .visitor
        .enter(Stage::SignedIn(member.sign_in))
        .await?;
    let text = "Two-factor authentication is off. Delete the entry from your app.";
    member.visitor.say_at(Flash::notice(text), "/account").await
}
