//! What the services do with a password, before and after the second factor is added.

use crate::service::{ALICE, PASSWORD, Service};

/// Signs up and in with a password, sees the members' page, and signs out.
pub fn a_password_opens_the_members_page(program: &str) {
    let Some(service) = Service::start(program) else { return };
    service.browser().get("/").is(200, "/sign-in");
    let mut browser = service.newcomer(ALICE);
    let login = [("email", ALICE), ("password", PASSWORD)];
    service.browser().post("/sign-up", &login).is(409, "/sign-up");
    for (email, password) in [(ALICE, "wrong"), ("bob@example.com", PASSWORD)] {
        let login = [("email", email), ("password", password)];
        service
            .browser()
            .post("/sign-in", &login)
            .is(422, "/sign-in")
            .says("Wrong address or password.");
    }
    let members = browser.get("/");
    members.is(200, "/").says(ALICE);
    let before = browser.clone();
    let sign_out = ["/sign-out", "/two-factor/sign-out"];
    let action = sign_out.into_iter().find(|path| members.body.contains(&format!("\"{path}\"")));
    browser.submit(&members, action.unwrap(), &[]).is(200, "/sign-in");
    browser.get("/").is(200, "/sign-in");
    before.clone().get("/").is(200, "/sign-in");
}
