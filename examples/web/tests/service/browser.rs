//! A browser without scripts. It stores its cookie, and sends the hidden fields of the page that it
//! shows.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use countersign::testing::Phone;
use countersign_axum::GateService;
use tower::ServiceExt;

use crate::support::PASSWORD;

#[derive(Clone)]
pub(crate) struct Browser {
    router: GateService,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: String,
    /// The field `request` of the last code page.
    request: String,
    /// The current page.
    shown: String,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(router: GateService) -> Self {
        Self {
            router,
            cookie: None,
            csrf: String::new(),
            request: String::new(),
            shown: String::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let page = self.send(request).await;
        self.show(&page);
        page
    }

    /// Sends a form with these fields and the token of the session.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.form(path, fields);
        let page = self.send(request).await;
        self.show(&page);
        page
    }

    /// Sends a form with the field `once` of the current page.
    pub(crate) async fn post_all(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let once = hidden(&self.shown, "once").unwrap();
        let mut all = vec![("once", once.as_str())];
        all.extend(fields);
        self.post(path, &all).await
    }

    /// Sends a form, and returns the page after the redirect.
    pub(crate) async fn post_and_follow(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.get(answer.location()).await
    }

    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let fields = [("csrf", self.csrf.as_str())]
            .into_iter()
            .chain(fields.iter().copied());
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(fields.join("&")))
            .unwrap()
    }

    /// Sends a request with the cookie, and stores the cookie of the answer.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Page {
        self.add_cookie(&mut request);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let page = Page {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        self.take_cookie(&page);
        page
    }

    /// Changes the cookie as an answer says. The answer may belong to another request.
    pub(crate) fn take_cookie(&mut self, page: &Page) {
        for cookie in page.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let value = cookie.split(';').next().unwrap();
            let gone = cookie.contains("Max-Age=0");
            self.cookie = (!gone).then(|| value.to_owned());
        }
    }

    pub(crate) fn add_cookie(&self, request: &mut Request<Body>) {
        if let Some(cookie) = &self.cookie {
            request
                .headers_mut()
                .insert(COOKIE, cookie.parse().unwrap());
        }
    }

    pub(crate) async fn ask(&mut self, method: Method, path: &str) -> Page {
        let request = match method {
            Method::POST => self.form(
                path,
                &[("code", "1"), ("password", "1"), ("email", "a@b.c")],
            ),
            _ => Request::get(path).body(Body::empty()).unwrap(),
        };
        self.send(request).await
    }

    /// Types a code on the code page.
    pub(crate) async fn give_code(&mut self, code: &str) -> Page {
        let request = self.code_form(code).await;
        let page = self.send(request).await;
        self.show(&page);
        page
    }

    /// The form of the code page. A page that shows a wait has none, so the form is the last one.
    pub(crate) async fn code_form(&mut self, code: &str) -> Request<Body> {
        if hidden(&self.shown, "request").is_none() {
            self.get("/two-factor/code").await;
        }
        let request = self.request.clone();
        self.form(
            "/two-factor/code",
            &[("request", request.as_str()), ("code", code)],
        )
    }

    /// Types a code on the code page, and returns the page after the redirect.
    pub(crate) async fn give_code_and_follow(&mut self, code: &str) -> Page {
        let answer = self.give_code(code).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.get(answer.location()).await
    }

    /// Starts to set up the first authenticator, and returns the path of the setup page.
    pub(crate) async fn start_setup(&mut self) -> String {
        self.get("/account").await;
        let answer = self.post("/two-factor/setup", &[]).await;
        answer.location().to_owned()
    }

    /// Turns the second factor off.
    pub(crate) async fn disable(&mut self, code: &str) -> Page {
        self.get("/two-factor/disable").await;
        let fields = [("password", PASSWORD), ("code", code)];
        self.post("/two-factor/disable", &fields).await
    }

    pub(crate) async fn give_password(&mut self, email: &str, password: &str) -> Page {
        self.get("/sign-in").await;
        self.post("/sign-in", &[("email", email), ("password", password)])
            .await
    }

    /// Whether a user is signed in.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let page = self.get("/account").await;
        page.status == 200
    }

    fn show(&mut self, page: &Page) {
        if let Some(csrf) = hidden(&page.body, "csrf") {
            self.csrf = csrf;
        }
        if let Some(request) = hidden(&page.body, "request") {
            self.request = request;
        }
        self.shown.clone_from(&page.body);
    }
}

impl Page {
    pub(crate) fn location(&self) -> &str {
        let location = self.headers.get(LOCATION);
        location
            .unwrap_or_else(|| panic!("{}: {}", self.status, self.body))
            .to_str()
            .unwrap()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    #[track_caller]
    pub(crate) fn must_have(&self, text: &str) {
        assert!(self.has(text), "{text:?} is not on the page: {}", self.body);
    }

    /// The problem that the page shows.
    pub(crate) fn problem(&self) -> String {
        let text = between(&self.body, "role=\"alert\"", "</p>");
        let text = text.unwrap_or_else(|| panic!("no problem: {}", self.body));
        text.split_once('>').unwrap().1.to_owned()
    }

    pub(crate) fn phone(&self) -> Phone {
        let uri = between(&self.body, "href=\"otpauth:", "\"").unwrap();
        Phone::scan(&format!("otpauth:{}", plain(uri))).unwrap()
    }

    pub(crate) fn key(&self) -> String {
        let key = between(&self.body, "class=\"cs-key\">", "</p>").unwrap();
        key.split_once("</span>").unwrap().1.to_owned()
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        let list = between(&self.body, "aria-label=\"Backup codes\">", "</ol>").unwrap();
        let items = list.split("</span><span>").skip(1);
        items
            .map(|item| item.split('<').next().unwrap().to_owned())
            .collect()
    }

    /// The API token.
    pub(crate) fn token(&self) -> String {
        let token = between(&self.body, "id=\"token\">", "<");
        token.unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }

    /// The path of the script of the page.
    pub(crate) fn script(&self) -> String {
        between(&self.body, "<script src=\"", "\"")
            .unwrap()
            .to_owned()
    }

    pub(crate) fn hidden(&self, name: &str) -> String {
        hidden(&self.body, name).unwrap()
    }

    /// The id of the authenticator that the page of the second factor shows first.
    pub(crate) fn authenticator(&self) -> String {
        between(&self.body, "/two-factor/authenticators/", "/")
            .unwrap()
            .to_owned()
    }
}

fn hidden(body: &str, name: &str) -> Option<String> {
    between(
        body,
        &format!("type=\"hidden\" name=\"{name}\" value=\""),
        "\"",
    )
    .map(plain)
}

fn between<'a>(body: &'a str, before: &str, after: &str) -> Option<&'a str> {
    body.split_once(before)?.1.split(after).next()
}

/// Text without HTML escapes.
fn plain(text: &str) -> String {
    let plain = text.replace("&#38;", "&").replace("&#34;", "\"");
    assert!(!plain.contains("&#"), "{plain}");
    plain
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
