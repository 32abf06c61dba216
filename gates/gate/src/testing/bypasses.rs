//! Ways past a second factor that public reports describe, as harmless requests.

use std::future::Future;

use super::steps::{Run, Step, Step::*};
use super::{Client, Fixture, TestRequest};
use crate::Gate;

/// A way past the second factor.
struct Bypass {
    name: &'static str,
    steps: &'static [Step],
    /// The pages that must stay closed after the steps.
    closed: &'static [&'static str],
}

const ALL: &[&str] = &["/secret", "/secret/7", "/secret/nested/a", "/fresh"];

const fn bypass(name: &'static str, steps: &'static [Step]) -> Bypass {
    Bypass {
        name,
        steps,
        closed: ALL,
    }
}

const BYPASSES: [Bypass; 64] = [
    bypass("a page without any sign-in", &[Send("GET", "/secret")]),
    bypass(
        "a page after the password",
        &[PASSWORD, Send("GET", "/secret")],
    ),
    bypass("a link by mail skips the code", &[Enter("alice", "email")]),
    bypass(
        "another site's sign-in skips the code",
        &[Enter("alice", "sso")],
    ),
    bypass(
        "a passkey skips the code of this library",
        &[Enter("alice", "passkey")],
    ),
    bypass(
        "a token of a program skips the code",
        &[Enter("alice", "token")],
    ),
    bypass(
        "a remembered browser skips the code",
        &[Enter("alice", "remembered")],
    ),
    bypass("the password twice", &[PASSWORD, PASSWORD]),
    bypass(
        "one first factor and then another",
        &[PASSWORD, Enter("alice", "email")],
    ),
    bypass("the method HEAD", &[PASSWORD, Send("HEAD", "/secret")]),
    bypass("the method POST", &[PASSWORD, Send("POST", "/secret")]),
    bypass("the method PUT", &[PASSWORD, Send("PUT", "/secret")]),
    bypass("the method DELETE", &[PASSWORD, Send("DELETE", "/secret")]),
    bypass("the method PATCH", &[PASSWORD, Send("PATCH", "/secret")]),
    bypass(
        "the method OPTIONS",
        &[PASSWORD, Send("OPTIONS", "/secret")],
    ),
    bypass(
        "a method that is no standard",
        &[PASSWORD, Send("FETCH", "/secret")],
    ),
    bypass(
        "a header that names another method",
        &[
            PASSWORD,
            With("/secret", "x-http-method-override", "OPTIONS"),
        ],
    ),
    bypass("two slashes", &[PASSWORD, Send("GET", "//secret")]),
    bypass("a slash at the end", &[PASSWORD, Send("GET", "/secret/")]),
    bypass("a dot in the path", &[PASSWORD, Send("GET", "/./secret")]),
    bypass(
        "a way up from a public service",
        &[PASSWORD, Send("GET", "/open/../secret")],
    ),
    bypass("an encoded dot", &[PASSWORD, Send("GET", "/%2e/secret")]),
    bypass("an encoded letter", &[PASSWORD, Send("GET", "/%73ecret")]),
    bypass("an encoded slash", &[PASSWORD, Send("GET", "/secret%2f7")]),
    bypass("capital letters", &[PASSWORD, Send("GET", "/SECRET")]),
    bypass("a path parameter", &[PASSWORD, Send("GET", "/secret;a=b")]),
    bypass(
        "an ending that looks like a picture",
        &[PASSWORD, Send("GET", "/secret/7.png")],
    ),
    bypass(
        "a query",
        &[PASSWORD, Send("GET", "/secret?two-factor=done")],
    ),
    bypass(
        "a header with another path",
        &[PASSWORD, With("/", "x-original-url", "/secret")],
    ),
    bypass(
        "a header with a rewritten path",
        &[PASSWORD, With("/", "x-rewrite-url", "/secret")],
    ),
    bypass(
        "a header with an address from inside",
        &[PASSWORD, With("/secret", "x-forwarded-for", "127.0.0.1")],
    ),
    bypass(
        "a header that asks for JSON",
        &[PASSWORD, With("/secret", "accept", "application/json")],
    ),
    bypass(
        "a header with a password",
        &[
            PASSWORD,
            With("/secret", "authorization", "Basic YWxpY2U6cGFzc3dvcmQ="),
        ],
    ),
    bypass(
        "a header that a script sends",
        &[
            PASSWORD,
            With("/secret", "x-requested-with", "XMLHttpRequest"),
        ],
    ),
    bypass(
        "a service inside",
        &[PASSWORD, Send("GET", "/secret/nested/a")],
    ),
    bypass("an empty code", &[PASSWORD, Typed("")]),
    bypass("a code of zeros", &[PASSWORD, Typed("000000")]),
    bypass("a word for a code", &[PASSWORD, Typed("null")]),
    bypass("no code at all", &[PASSWORD, Changed(without_code)]),
    bypass("two codes in one form", &[PASSWORD, Changed(two_codes)]),
    bypass("a code that is a list", &[PASSWORD, Changed(listed_code)]),
    bypass(
        "a right code in the address",
        &[PASSWORD, Changed(in_the_query)],
    ),
    bypass(
        "a right code without the token",
        &[PASSWORD, Changed(without_token)],
    ),
    bypass(
        "a right code from another site",
        &[PASSWORD, Changed(from_elsewhere)],
    ),
    bypass(
        "a right code from another origin",
        &[PASSWORD, Changed(from_origin)],
    ),
    bypass(
        "a form that says it is done",
        &[
            PASSWORD,
            Form(
                "/two-factor/code",
                "passed=true&stage=full&account=bob&code=",
            ),
        ],
    ),
    bypass("another account's code", &[PASSWORD, CodeOf("dave")]),
    bypass(
        "a code that was used already",
        &[PASSWORD, CodeOf("alice"), NewBrowser, PASSWORD, SameCode],
    ),
    bypass(
        "a code ten minutes after the password",
        &[PASSWORD, Wait(601), CodeOf("alice")],
    ),
    bypass(
        "the session from before the code",
        &[PASSWORD, Remember, CodeOf("alice"), Restore],
    ),
    bypass(
        "a session id that was planted",
        &[
            Cookie("id=AAAAAAAAAAAAAAAAAAAAAA; Path=/"),
            Remember,
            PASSWORD,
            CodeOf("alice"),
            Restore,
        ],
    ),
    bypass(
        "the session after the sign-out",
        &[PASSWORD, CodeOf("alice"), Remember, Leave, Restore],
    ),
    bypass(
        "the code form again after the sign-out",
        &[PASSWORD, CodeOf("alice"), Leave, Repeat],
    ),
    bypass(
        "a session that was ended elsewhere",
        &[PASSWORD, CodeOf("alice"), EndSignIns],
    ),
    bypass(
        "a session that was idle for too long",
        &[PASSWORD, CodeOf("alice"), Wait(31 * 60)],
    ),
    bypass(
        "a known browser that is not trusted",
        &[PASSWORD, CodeOf("alice"), Leave, PASSWORD],
    ),
    bypass(
        "a trusted browser after 30 days",
        &[
            PASSWORD,
            Trust("alice"),
            Leave,
            Wait(30 * 86_400 + 1),
            PASSWORD,
        ],
    ),
    bypass(
        "an older token of a trusted browser",
        &[
            PASSWORD,
            Trust("alice"),
            Remember,
            Leave,
            PASSWORD,
            Leave,
            PASSWORD,
            Leave,
            Wait(61),
            Devices,
            PASSWORD,
        ],
    ),
    bypass(
        "a trusted browser of another account",
        &[
            Enter("dave", "password"),
            Trust("dave"),
            Leave,
            Token("dave", "alice"),
            PASSWORD,
        ],
    ),
    bypass(
        "a trusted browser that was forgotten",
        &[
            PASSWORD,
            Trust("alice"),
            Remember,
            Forget,
            Leave,
            Devices,
            PASSWORD,
        ],
    ),
    bypass(
        "a trusted browser after a new password",
        &[PASSWORD, Trust("alice"), NewPassword, PASSWORD],
    ),
    bypass(
        "a token of a program in a trusted browser",
        &[PASSWORD, Trust("alice"), Leave, Enter("alice", "token")],
    ),
    bypass(
        "a token of a trusted browser without the password",
        &[PASSWORD, Trust("alice"), Remember, Leave, Devices],
    ),
    bypass(
        "an account that must enroll and does not",
        &[Enter("carol", "password")],
    ),
];

/// Bypasses of a user who may have some pages.
const PARTIAL: [Bypass; 5] = [
    Bypass {
        name: "a fresh page with an old code",
        steps: &[PASSWORD, CodeOf("alice"), Wait(6 * 60)],
        closed: &["/fresh"],
    },
    Bypass {
        name: "a fresh page without a second factor",
        steps: &[Enter("bob", "password")],
        closed: &["/fresh"],
    },
    Bypass {
        name: "a fresh page with a token of a program",
        steps: &[Enter("alice", "token"), CodeOf("alice")],
        closed: &["/fresh"],
    },
    Bypass {
        name: "a fresh page in a trusted browser",
        steps: &[PASSWORD, Trust("alice"), Leave, PASSWORD],
        closed: &["/fresh"],
    },
    Bypass {
        name: "the code page after the sign-in",
        steps: &[PASSWORD, CodeOf("alice")],
        closed: &["/half"],
    },
];

/// The gate's own pages that a user without the code must not have.
const OWN_PAGES: [&str; 13] = [
    "/two-factor",
    "/two-factor/",
    "/two-factor/setup",
    "/two-factor/add",
    "/two-factor/disable",
    "/two-factor/backup-codes",
    "/two-factor/backup-codes/file",
    "/two-factor/backup-codes/saved",
    "/two-factor/backup-codes/discard",
    "/two-factor/prove",
    "/two-factor/devices",
    "/two-factor/devices/forget",
    "/two-factor/authenticators/0000000000000000/remove",
];

const PASSWORD: Step = Enter("alice", "password");

fn without_code(mut form: TestRequest) -> TestRequest {
    let text = String::from_utf8_lossy(&form.body).into_owned();
    let kept = text.split('&').filter(|field| !field.starts_with("code="));
    form.body = kept.collect::<Vec<_>>().join("&").into_bytes();
    form
}

fn two_codes(mut form: TestRequest) -> TestRequest {
    form.body.splice(0..0, *b"code=000000&");
    form
}

fn listed_code(mut form: TestRequest) -> TestRequest {
    let text = String::from_utf8_lossy(&form.body).replace("code=", "code[]=");
    form.body = text.into_bytes();
    form
}

fn in_the_query(form: TestRequest) -> TestRequest {
    let query = String::from_utf8_lossy(&form.body);
    TestRequest::new("GET", &format!("{}?{query}", form.path))
}

fn without_token(mut form: TestRequest) -> TestRequest {
    let text = String::from_utf8_lossy(&form.body).replace("csrf=", "csrf=0");
    form.body = text.into_bytes();
    form
}

fn from_elsewhere(form: TestRequest) -> TestRequest {
    form.header("sec-fetch-site", "cross-site")
}

fn from_origin(form: TestRequest) -> TestRequest {
    form.header("host", "service.example")
        .header("origin", "https://other.example")
}

/// Tries all bypasses, each on a service of its own, and returns what was not refused.
///
/// `start` makes a client of a new service over this gate.
pub async fn refused<C, F>(start: impl Fn(Gate) -> F) -> Vec<String>
where
    C: Client,
    F: Future<Output = C>,
{
    let mut open = Vec::new();
    for bypass in BYPASSES.iter().chain(&PARTIAL) {
        let Ok(fixture) = Fixture::new().await else {
            return vec!["the fixture cannot be made".to_owned()];
        };
        let client = start(fixture.gate.clone()).await;
        let mut run = Run::new(&client, &fixture);
        for step in bypass.steps {
            run.step(*step).await;
        }
        if run.answer.is_open() {
            open.push(format!("{}: the last answer", bypass.name));
        }
        for path in bypass.closed {
            let answer = run.get(path).await;
            if answer.is_open() || answer.text().contains("half") || answer.status < 300 {
                open.push(format!("{}: {path}: {}", bypass.name, answer.status));
            }
        }
    }
    for path in OWN_PAGES {
        open.extend(own_page(&start, path).await);
    }
    open
}

/// Tries a page of the gate after the password.
async fn own_page<C, F>(start: &impl Fn(Gate) -> F, path: &str) -> Option<String>
where
    C: Client,
    F: Future<Output = C>,
{
    let fixture = Fixture::new().await.ok()?;
    let client = start(fixture.gate.clone()).await;
    let mut run = Run::new(&client, &fixture);
    run.step(PASSWORD).await;
    let answer = run.get(path).await;
    (answer.status < 300).then(|| format!("{path} after the password: {}", answer.status))
}

/// Tries the ways that must be open, and returns what was refused.
pub async fn granted<C, F>(start: impl Fn(Gate) -> F) -> Vec<String>
where
    C: Client,
    F: Future<Output = C>,
{
    const ONCE: &[Step] = &[PASSWORD, CodeOf("alice")];
    const TWICE: &[Step] = &[PASSWORD, CodeOf("alice"), Repeat];
    const PLAIN: &[Step] = &[Enter("bob", "password")];
    const TRUSTED: &[Step] = &[PASSWORD, Trust("alice"), Leave, PASSWORD];
    let cases: [(&str, &[Step], &[&str]); 5] = [
        ("a code", ONCE, ALL),
        ("the same form twice", TWICE, ALL),
        (
            "a wrong code first",
            &[PASSWORD, Typed("000000"), CodeOf("alice")],
            ALL,
        ),
        (
            "a trusted browser",
            TRUSTED,
            &["/secret", "/secret/7", "/secret/nested/a"],
        ),
        (
            "no second factor",
            PLAIN,
            &["/secret", "/secret/7", "/secret/nested/a"],
        ),
    ];
    let mut closed = Vec::new();
    for (name, steps, paths) in cases {
        let Ok(fixture) = Fixture::new().await else {
            return vec!["the fixture cannot be made".to_owned()];
        };
        let client = start(fixture.gate.clone()).await;
        let mut run = Run::new(&client, &fixture);
        for step in steps {
            run.step(*step).await;
        }
        for path in paths {
            let answer = run.get(path).await;
            if !answer.is_open() {
                closed.push(format!("{name}: {path}: {}", answer.status));
            }
        }
    }
    closed
}
