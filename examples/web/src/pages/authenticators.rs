//! Adds, replaces and removes authenticators.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::factor::NameError;
use countersign::{AuthenticatorId, AuthenticatorName, EnrollmentRequest, Status};

use super::prove::{Asked, ProvePage, Typed, change};
use super::setup::begin_enrollment;
use crate::app::App;
use crate::failure::Failure;
use crate::form::{Named, OurForm};
use crate::layout::Flash;
use crate::mail::Change;
use crate::session::{Member, Purpose};

pub(crate) async fn ask_add(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let page = ProvePage::new(
        member.layout(&app, "Add another authenticator").await?,
        "/two-factor/add",
        "You can sign in with a second app too, for example on a tablet or a work phone. Give it a name that you will \
            recognize.",
        "Continue",
        Asked::password_or_code(&app, &member),
    )
    .naming("Second authenticator");
    page.show(&app, &member).await
}

pub(crate) async fn add(
    State(app): State<App>,
    mut member: Member,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let started = match AuthenticatorName::new(&typed.name) {
        Ok(name) => {
            let asked = Asked::sent(&typed);
            let request = EnrollmentRequest::new(&member.user.email);
            let purpose = Purpose::Another {
                name: name.to_string(),
            };
            let request = request.authenticator_name(name);
            let named = typed.name.clone();
            let started = begin_enrollment(&app, &mut member, asked, typed, request, purpose);
            started.await?.map_err(|flash| flash.with_typed(&named))
        }
        Err(error) => Err(Flash::problem(name_problem(&error)).with_typed(&typed.name)),
    };
    redirect_to_setup(&member, started, "/two-factor/add").await
}

pub(crate) async fn ask_replace(
    State(app): State<App>,
    member: Member,
    Named(id): Named,
) -> Result<Response, Failure> {
    let (_, name) = named(&app, &member, &id).await?;
    let page = ProvePage::new(
        member.layout(&app, "Move to a new phone").await?,
        format!("/two-factor/authenticators/{id}/replace"),
        format!(
            "You will scan a new QR code with the new phone. \"{name}\" keeps working until you confirm the new one."
        ),
        "Continue",
        Asked::password_or_code(&app, &member),
    );
    page.show(&app, &member).await
}

pub(crate) async fn replace(
    State(app): State<App>,
    mut member: Member,
    Named(id): Named,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let (authenticator, name) = named(&app, &member, &id).await?;
    let asked = Asked::sent(&typed);
    let request = EnrollmentRequest::replacing(authenticator, &member.user.email);
    let request = request.authenticator_name(name.clone());
    let purpose = Purpose::Replacement {
        name: name.to_string(),
    };
    let started = begin_enrollment(&app, &mut member, asked, typed, request, purpose).await?;
    redirect_to_setup(
        &member,
        started,
        &format!("/two-factor/authenticators/{id}/replace"),
    )
    .await
}

pub(crate) async fn ask_remove(
    State(app): State<App>,
    member: Member,
    Named(id): Named,
) -> Result<Response, Failure> {
    let (_, name) = named(&app, &member, &id).await?;
    let page = ProvePage::new(
        member.layout(&app, "Remove an authenticator").await?,
        format!("/two-factor/authenticators/{id}/remove"),
        format!("The codes of \"{name}\" will no longer sign you in."),
        "Remove",
        Asked::password_or_code(&app, &member),
    )
    .dangerous();
    page.show(&app, &member).await
}

/// Removes one of several authenticators. Removing the last authenticator would turn the second
/// factor off, so `disable` does that.
pub(crate) async fn remove(
    State(app): State<App>,
    mut member: Member,
    Named(id): Named,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let (authenticator, name) = named(&app, &member, &id).await?;
    let (owner, service) = (member.user.clone(), app.clone());
    let (asked, name) = (Asked::sent(&typed), name.to_string());
    let notice = format!("\"{name}\" is removed. Delete its entry from your app.");
    let removed = change(
        &app,
        &mut member,
        asked,
        typed,
        |verifier, proof| async move {
            // The store clears the flag `enrolled` if this was the last one.
            let _removed = verifier
                .remove_authenticator(&owner.account(), authenticator, proof.proof())
                .await?;
            service.notify(&owner, &Change::Removed { name });
            Ok(())
        },
    );
    match removed.await? {
        Ok(()) => {
            member
                .visitor
                .say_at(Flash::notice(notice), "/account")
                .await
        }
        Err(flash) => {
            let path = format!("/two-factor/authenticators/{id}/remove");
            member.visitor.say_at(flash, &path).await
        }
    }
}

/// Returns one of the member's own authenticators. Any other id is not found.
async fn named(
    app: &App,
    member: &Member,
    id: &str,
) -> Result<(AuthenticatorId, AuthenticatorName), Failure> {
    let status = app.verifier().status(&member.user.account()).await?;
    let (Status::Enabled(enabled), Ok(id)) = (status, id.parse::<AuthenticatorId>()) else {
        return Err(Failure::not_found());
    };
    let mut authenticators = enabled.authenticators.into_iter();
    let found = authenticators.find(|authenticator| authenticator.id == id);
    found.map_or_else(|| Err(Failure::not_found()), |found| Ok((id, found.name)))
}

async fn redirect_to_setup(
    member: &Member,
    started: Result<String, Flash>,
    back: &str,
) -> Result<Response, Failure> {
    match started {
        Ok(path) => Ok(Redirect::to(&path).into_response()),
        Err(flash) => member.visitor.say_at(flash, back).await,
    }
}

fn name_problem(error: &NameError) -> &'static str {
    match error {
        NameError::Empty => "Please enter a name.",
        NameError::TooLong { .. } => "That name is too long. Please choose a shorter one.",
        _ => "That name contains characters that cannot be shown. Please choose another name.",
    }
}
