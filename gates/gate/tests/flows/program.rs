//! A program that reads pages as JSON, and never HTML.

use countersign::testing::Phone;
use serde_json::Value;

use crate::browser::{Browser, Format};
use crate::support::{ALICE, PASSWORD, Rows, Service, run};

/// A page as JSON. The program takes its token.
async fn read(program: &mut Browser, path: &str) -> Value {
    let answer = program.get(path).await;
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    if let Some(csrf) = page["csrf"].as_str() {
        csrf.clone_into(&mut program.csrf);
    }
    page
}

fn program(service: &Service) -> Browser {
    let mut program = service.browser();
    program.headers.accept = Some("application/json".to_owned());
    program
}

async fn sign_in(service: &Service, phone: &Phone) -> Browser {
    let mut program = program(service);
    program.password(ALICE).await.leads_to("/two-factor/code");
    let overview = program.get("/two-factor").await;
    assert_eq!(
        (overview.status, overview.code.as_str()),
        (403, "enter-code")
    );
    assert_eq!(overview.next, "/two-factor/code");
    let page = read(&mut program, "/two-factor/code").await;
    let request = page["content"]["request"].as_str().unwrap().to_owned();
    let wrong = [("code", "000000"), ("request", request.as_str())];
    let answer = program.post("/two-factor/code", &wrong).await;
    assert_eq!(
        (answer.status, answer.code.as_str()),
        (422, "code-not-accepted")
    );
    let page = read(&mut program, "/two-factor/code").await;
    let request = page["content"]["request"].as_str().unwrap().to_owned();
    let code = service.next(phone);
    let right = [("code", code.as_str()), ("request", request.as_str())];
    program.post("/two-factor/code", &right).await.leads_to("/");
    assert!(program.is_signed_in().await);
    program
}

#[test]
fn a_program_needs_no_html() {
    run(async {
        let service = Service::new(Format::Json, Rows::Separate);
        let mut program = program(&service);
        let answer = program.get("/two-factor").await;
        assert_eq!((answer.status, answer.code.as_str()), (401, "sign-in"));
        program.password(ALICE).await.leads_to("/");
        let page = read(&mut program, "/two-factor").await;
        assert_eq!(page["content"]["enabled"], false);
        let setup = program.post("/two-factor/setup", &[]).await.next;
        let page = read(&mut program, &setup).await;
        let phone = Phone::scan(page["content"]["link"].as_str().unwrap()).unwrap();
        let code = phone.passcode(service.clock.now());
        let answer = program.post(&setup, &[("code", &code)]).await;
        answer.leads_to("/two-factor/backup-codes");

        let page = read(&mut program, "/two-factor/backup-codes").await;
        assert!(page["notice"].is_string());
        let once = page["content"]["once"].as_str().unwrap().to_owned();
        let issue = [("once", once.as_str())];
        let issued = program.post("/two-factor/backup-codes", &issue).await;
        assert_eq!(issued.line("codes").split(',').count(), 10);
        let again = program.post("/two-factor/backup-codes", &issue).await;
        assert_eq!(
            (again.status, again.code.as_str()),
            (409, "codes-shown-before")
        );
        let set = [("set", issued.line("set"))];
        let answer = program.post("/two-factor/backup-codes/saved", &set).await;
        answer.leads_to("/two-factor");

        let mut other = sign_in(&service, &phone).await;
        read(&mut other, "/two-factor/disable").await;
        let code = service.next(&phone);
        let both = [("password", PASSWORD), ("code", code.as_str())];
        let answer = other.post("/two-factor/disable", &both).await;
        answer.leads_to("/two-factor");
        let page = read(&mut other, "/two-factor").await;
        assert_eq!(page["content"]["enabled"], false);
        let answer = program.get("/two-factor").await;
        assert_eq!((answer.status, answer.code.as_str()), (401, "sign-in"));
    });
}
