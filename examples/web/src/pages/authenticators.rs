//! Another app, a new phone, and an app less.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use countersign::factor::NameError;
use countersign::{AuthenticatorId, AuthenticatorName, EnrollmentRequest, Status};

use super::prove::{Asked, ProvePage, Typed, change};
use super::setup::begin_enrollment;
use crate::app::App;
use crate::failure::Failure;
use crate::form::{Named, OurForm};
use crate::frame::Flash;
use crate::mail::Change;
use crate::visitor::{Member, Purpose};

pub(crate) async fn ask_add(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let page = ProvePage::new(
        member.frame(&app, "Add another authenticator").await?,
        "/two-factor/add",
        "A second app, on a tablet or a work phone, signs in just as well as the first. Give it a name that you \
            will know it by.",
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
    let begun = match AuthenticatorName::new(&typed.name) {
        Ok(name) => {
            let asked = Asked::sent(&typed);
            let request = EnrollmentRequest::new(&member.user.email);
            let purpose = Purpose::Another {
                name: name.to_string(),
            };
            let request = request.authenticator_name(name);
            let named = typed.name.clone();
            let begun = begin_enrollment(&app, &mut member, asked, typed, request, purpose);
            begun.await?.map_err(|flash| flash.with_typed(&named))
        }
        Err(error) => Err(Flash::problem(why(&error)).with_typed(&typed.name)),
    };
    go_on(&member, begun, "/two-factor/add").await
}

pub(crate) async fn ask_replace(
    State(app): State<App>,
    member: Member,
    Named(id): Named,
) -> Result<Response, Failure> {
    let (_, name) = named(&app, &member, &id).await?;
    let page = ProvePage::new(
        member.frame(&app, "Move to a new phone").await?,
        format!("/two-factor/authenticators/{id}/replace"),
        format!(
            "You will scan a new QR code in the place of \"{name}\". It goes on working until the new one is confirmed."
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
    let begun = begin_enrollment(&app, &mut member, asked, typed, request, purpose).await?;
    go_on(
        &member,
        begun,
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
        member.frame(&app, "Remove an authenticator").await?,
        format!("/two-factor/authenticators/{id}/remove"),
        format!("Codes of \"{name}\" will not sign in any more."),
        "Remove",
        Asked::password_or_code(&app, &member),
    )
    .dangerous();
    page.show(&app, &member).await
}

/// Removes one of several. The last one goes by `disable`, which says what that means.
pub(crate) async fn remove(
    State(app): State<App>,
    mut member: Member,
    Named(id): Named,
    OurForm(typed): OurForm<Typed>,
) -> Result<Response, Failure> {
    let (authenticator, name) = named(&app, &member, &id).await?;
    let (owner, service) = (member.user.clone(), app.clone());
    let (asked, name) = (Asked::sent(&typed), name.to_string());
    let said = format!("\"{name}\" is removed.");
    let removed = change(
        &app,
        &mut member,
        asked,
        typed,
        |verifier, evidence| async move {
            // The store's transaction clears the flag if it was the last one.
            let _removed = verifier
                .remove_authenticator(&owner.account(), authenticator, evidence.proof())
                .await?;
            service.tell(&owner, &Change::Removed { name });
            Ok(())
        },
    );
    match removed.await? {
        Ok(()) => member.visitor.say_at(Flash::notice(said), "/account").await,
        Err(flash) => {
            let path = format!("/two-factor/authenticators/{id}/remove");
            member.visitor.say_at(flash, &path).await
        }
    }
}

/// One of the member's own authenticators. To anybody else it is not there.
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

async fn go_on(
    member: &Member,
    begun: Result<String, Flash>,
    back: &str,
) -> Result<Response, Failure> {
    match begun {
        Ok(path) => Ok(Redirect::to(&path).into_response()),
        Err(flash) => member.visitor.say_at(flash, back).await,
    }
}

fn why(error: &NameError) -> &'static str {
    match error {
        NameError::Empty => "Please give it a name.",
        NameError::TooLong { .. } => "That name is too long.",
        _ => "That name has characters that cannot be shown.",
    }
}
