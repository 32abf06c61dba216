//! One request on its way through the gate, and the answers to it.

use countersign::backup::{Alphabet, CodeShape};
use countersign::session::SecondFactorUse;
use countersign::{AccountId, Timestamp, Verifier};
use serde::de::DeserializeOwned;

use super::renew::NewSession;
use super::{Flow, Stop};
use crate::accounts::{Accounts, BoxError};
use crate::assets::{CACHE_CONTROL, asset};
use crate::exchange::{GateAnswer, GateRequest, Headers};
use crate::json::{JSON_TYPE, PROBLEM_TYPE, next_json, openapi, page_json, problem_json};
use crate::page::{Content, FormProblem, Frame, Message, MessagePage, Page, Viewer};
use crate::problem::Problem;
use crate::random;
use crate::say::Say;
use crate::session_data::{Flash, Full, Half, SessionChange, SessionData, StageData};
use crate::sign_ins::{RowsOfRequest, SignInRows, SignInStore};
use crate::words::{Language, Words};

/// A request, and the session as this request has changed it.
pub(crate) struct Visit<'a, S, A> {
    pub(crate) flow: &'a Flow<S, A>,
    pub(crate) request: GateRequest,
    pub(crate) session: SessionData,
    pub(crate) language: Language,
    pub(crate) now: Timestamp,
    /// A code was accepted: the answer gives the session a new id.
    pub(super) renewal: Option<NewSession>,
    /// The header that changes the cookie of the browser as a device.
    pub(super) device_cookie: Option<(&'static str, String)>,
}

/// The sender of a request, as the session and the table of sign-ins have it.
#[derive(Clone, Debug)]
pub(crate) enum Sender {
    Anonymous,
    Half(Half),
    Full(Member),
    /// The session was renewed or ended, and this request still has its old id.
    Moved {
        half: Option<Half>,
        at: Timestamp,
    },
}

/// A user with a full session.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) account: AccountId,
    pub(crate) full: Full,
}

impl<'a, S: SignInStore, A: Accounts> Visit<'a, S, A> {
    pub(crate) fn new(flow: &'a Flow<S, A>, request: GateRequest) -> Self {
        Self {
            language: Language::preferred(
                request.headers.accept_language.as_deref(),
                &flow.settings.languages,
            ),
            now: flow.settings.clock.now(),
            session: request.session.clone(),
            request,
            flow,
            renewal: None,
            device_cookie: None,
        }
    }

    /// The verifier of this request. Its store writes these rows with the record.
    pub(super) fn verifier(&self, rows: RowsOfRequest) -> Verifier<S> {
        let client = self.request.client.clone();
        self.flow.verifier_with(RowsOfRequest { client, ..rows })
    }

    /// Whether the sender wants JSON.
    pub(crate) fn wants_json(&self) -> bool {
        let headers = &self.request.headers;
        let named = |header: &Option<String>| {
            let is_json = |text: &str| text.contains("application/json");
            header.as_deref().is_some_and(is_json)
        };
        named(&headers.accept) || named(&headers.content_type)
    }

    /// Finds out who sends the request. A full session counts only with its row.
    pub(crate) async fn sender(&self) -> Result<Sender, Stop> {
        Ok(match &self.session.stage {
            StageData::Half(half) if self.lives(half).await? => Sender::Half(half.clone()),
            StageData::Anonymous | StageData::Half(_) => Sender::Anonymous,
            StageData::Moved { half, at, .. } => Sender::Moved {
                half: half.clone(),
                at: *at,
            },
            StageData::Full(full) => match self.member(full).await? {
                Some(member) => Sender::Full(member),
                None => Sender::Anonymous,
            },
        })
    }

    /// Whether a half session goes on: its time is not over, and the password is the same.
    pub(super) async fn lives(&self, half: &Half) -> Result<bool, Stop> {
        if half.session.is_over(self.now) {
            return Ok(false);
        }
        let account = half.session.account();
        let changed = self.flow.accounts.password_changed_at(account).await?;
        Ok(changed.is_none_or(|changed| changed <= half.session.first_factor().at))
    }

    async fn member(&self, full: &Full) -> Result<Option<Member>, Stop> {
        let rows = self.flow.rows();
        let Some(row) = rows.find(&full.id).await? else {
            return Ok(None);
        };
        let settings = &self.flow.settings;
        let (idle, age) = (
            self.now.saturating_since(row.seen_at),
            self.now.saturating_since(row.begun_at),
        );
        if idle > settings.idle || age > settings.longest {
            return Ok(None);
        }
        if idle >= SEEN_EVERY {
            let has_second = full.factors.second != SecondFactorUse::None;
            if !has_second && self.must_enroll(&row.account).await? {
                return Ok(None);
            }
            rows.touch(&full.id, self.now).await?;
        }
        Ok(Some(Member {
            account: row.account,
            full: full.clone(),
        }))
    }

    /// Whether the account must have a second factor by now.
    async fn must_enroll(&self, account: &AccountId) -> Result<bool, Stop> {
        let requirement = self.flow.accounts.requirement(account).await?;
        let from = requirement.enroll_from();
        Ok(from.is_some_and(|from| from <= self.now))
    }

    /// The sender of a page for full sessions.
    pub(crate) async fn require_member(&mut self) -> Result<Member, Stop> {
        match self.sender().await? {
            Sender::Full(member) => Ok(member),
            other => Err(self.send_away(&other)),
        }
    }

    /// Where a sender goes who may not have a page: to the sign-in, the code or the enrollment.
    pub(crate) fn send_away(&mut self, sender: &Sender) -> Stop {
        let settings = &self.flow.settings;
        let (message, path) = match sender {
            Sender::Half(half) if half.must_enroll => {
                (Message::EnterCode, format!("{}/setup", settings.prefix))
            }
            Sender::Half(_) => (Message::EnterCode, format!("{}/code", settings.prefix)),
            // The browser still has the old id. At home, it would be sent home for ever.
            Sender::Moved { .. } if self.request.path == settings.home => {
                (Message::SignIn, settings.sign_in.clone())
            }
            Sender::Full(_) | Sender::Moved { .. } => (Message::SignIn, settings.home.clone()),
            Sender::Anonymous => (Message::SignIn, settings.sign_in.clone()),
        };
        if self.wants_json() {
            self.message(message).into()
        } else {
            self.redirect(&path).into()
        }
    }

    /// Reads a form, or JSON, after a check that it is ours.
    pub(crate) fn form<T: DeserializeOwned>(&mut self) -> Result<T, Stop> {
        #[derive(serde::Deserialize)]
        struct Token {
            #[serde(default)]
            csrf: Option<String>,
        }
        if !is_same_site(&self.request.headers) {
            return Err(self.message(Message::NotOurForm).into());
        }
        let in_body = self.parse().ok().and_then(|Token { csrf }| csrf);
        let in_header = self.request.headers.csrf_token.clone();
        let Some(csrf) = in_body.or(in_header) else {
            return Err(self.message(Message::NotOurForm).into());
        };
        if !random::is_token(&self.session.csrf, &csrf) {
            return Err(self.message(Message::NotOurForm).into());
        }
        let form = self.parse();
        form.map_err(|_| self.message(Message::Malformed).into())
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, BoxError> {
        let content_type = self.request.headers.content_type.as_deref();
        match content_type.map(|text| text.split(';').next().unwrap_or_default().trim()) {
            Some("application/json") => Ok(serde_json::from_slice(&self.request.body)?),
            Some("application/x-www-form-urlencoded") => {
                Ok(serde_urlencoded::from_bytes(&self.request.body)?)
            }
            _ => Err("the body is neither a form nor JSON".into()),
        }
    }

    /// Keeps a message for the next page.
    pub(crate) fn say(&mut self, say: Say) {
        self.say_typed(say, None);
    }

    /// Keeps a message for the next page, and what was typed.
    pub(crate) fn say_typed(&mut self, say: Say, typed: Option<String>) {
        // A cookie that holds the session has no room for more.
        let typed = typed.filter(|typed| typed.len() <= LONGEST_TYPED);
        self.session.flash = Some(Flash { say, typed });
    }

    /// Gives the session a token for forms, if it has none.
    pub(super) fn ensure_token(&mut self) -> Result<(), Stop> {
        if self.session.csrf.is_empty() {
            self.session.csrf = random::token()?;
        }
        Ok(())
    }

    /// Answers with a page. The page takes the message of the session, and gives the session a
    /// token if it has none.
    pub(crate) async fn page(
        &mut self,
        account: &AccountId,
        content: Content,
    ) -> Result<GateAnswer, Stop> {
        let account_name = Some(self.flow.accounts.account_name(account).await?);
        self.ensure_token()?;
        let flash = self.session.flash.take();
        let (mut notice, mut problem) = (None, None);
        if let Some(Flash { say, .. }) = &flash {
            let text = say.text(self.words());
            match say.is_good() {
                true => notice = Some(text),
                false => problem = Some(FormProblem::new(text, say.field())),
            }
        }
        let frame = Frame {
            notice,
            problem,
            typed: flash.and_then(|flash| flash.typed),
            account_name,
            ..self.frame()
        };
        Ok(self.render(200, Page { frame, content }))
    }

    /// Answers with a message, which changes nothing in the session.
    pub(crate) fn message(&self, message: Message) -> GateAnswer {
        let page = Page {
            frame: self.frame(),
            content: Content::Message(MessagePage { message }),
        };
        GateAnswer {
            session: SessionChange::Keep,
            ..self.render(message.status(), page)
        }
    }

    /// Answers a form: a browser loads that page next.
    pub(crate) fn redirect(&self, path: &str) -> GateAnswer {
        let (status, headers, body) = if self.wants_json() {
            let headers = vec![("content-type", JSON_TYPE.to_owned())];
            (200, headers, next_json(path).to_string())
        } else {
            (303, vec![("location", path.to_owned())], String::new())
        };
        let session = self.session_change(path);
        GateAnswer {
            session,
            ..self.answer(status, headers, body.into_bytes())
        }
    }

    /// Refuses a form: a browser loads that page next, which says why; a program gets a problem.
    pub(crate) fn refuse(&mut self, problem: impl Into<Problem>, path: &str) -> GateAnswer {
        self.refuse_typed(problem, path, None)
    }

    /// Refuses a form, and keeps what was typed for the page.
    pub(crate) fn refuse_typed(
        &mut self,
        problem: impl Into<Problem>,
        path: &str,
        typed: Option<String>,
    ) -> GateAnswer {
        let problem = problem.into();
        if !self.wants_json() {
            self.say_typed(Say::Problem(problem), typed);
            return self.redirect(path);
        }
        let body = problem_json(&problem, &self.frame(), self.words()).to_string();
        let mut headers = vec![("content-type", PROBLEM_TYPE.to_owned())];
        if let Some(wait) = problem.retry_after() {
            headers.push(("retry-after", wait.as_secs().to_string()));
        }
        self.answer(problem.status(), headers, body.into_bytes())
    }

    pub(crate) fn words(&self) -> &Words {
        self.flow.settings.pages.words(self.language)
    }

    /// Answers with a file that the pages need. It belongs to nobody, so everybody may keep it.
    pub(crate) fn asset(&self, name: &str) -> GateAnswer {
        let Some((content_type, bytes)) = asset(name) else {
            return self.message(Message::NotFound);
        };
        let headers = vec![
            ("cache-control", CACHE_CONTROL.to_owned()),
            ("content-type", content_type.to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        GateAnswer {
            headers,
            body: bytes.to_vec(),
            ..GateAnswer::empty(200)
        }
    }

    /// Answers with the description of the JSON, which belongs to nobody either.
    pub(crate) fn openapi(&self) -> GateAnswer {
        GateAnswer {
            headers: vec![("content-type", JSON_TYPE.to_owned())],
            body: openapi(&self.flow.settings.prefix).into_bytes(),
            ..GateAnswer::empty(200)
        }
    }

    /// Whether a backup code can have letters, so that a phone must show them.
    pub(crate) fn has_letters(&self) -> bool {
        let policy = self.flow.verifier.policy();
        let imported = policy.imported_code_shape();
        let has_letters = |shape: CodeShape| shape.alphabet().bytes().any(|b| !b.is_ascii_digit());
        policy.code_format().alphabet() != Alphabet::Digits || imported.is_some_and(has_letters)
    }

    /// The path of one of the gate's pages.
    pub(crate) fn path(&self, page: &str) -> String {
        format!("{}{page}", self.flow.settings.prefix)
    }

    fn frame(&self) -> Frame {
        let settings = &self.flow.settings;
        Frame {
            service: settings.service.clone(),
            language: self.language,
            prefix: settings.prefix.clone(),
            sign_in: settings.sign_in.clone(),
            home: settings.home.clone(),
            csrf: self.session.csrf.clone(),
            notice: None,
            problem: None,
            typed: None,
            account_name: None,
            viewer: match self.session.stage {
                StageData::Anonymous | StageData::Moved { .. } => Viewer::Anonymous,
                StageData::Half(_) => Viewer::Half,
                StageData::Full(_) => Viewer::Full,
            },
        }
    }

    fn render(&self, status: u16, page: Page) -> GateAnswer {
        let (content_type, body) = if self.wants_json() {
            let content_type = match page.content {
                Content::Message(_) => PROBLEM_TYPE,
                _ => JSON_TYPE,
            };
            (content_type, page_json(&page, self.words()).to_string())
        } else {
            match self.flow.settings.pages.html(&page) {
                Ok(html) => ("text/html; charset=utf-8", html),
                Err(error) => {
                    tracing::error!(error, "a page could not be rendered");
                    return self.answer(500, Vec::new(), Vec::new());
                }
            }
        };
        let headers = vec![
            ("content-type", content_type.to_owned()),
            (
                "content-security-policy",
                CONTENT_SECURITY_POLICY.to_owned(),
            ),
            ("content-language", self.language.tag().to_owned()),
        ];
        self.answer(status, headers, body.into_bytes())
    }

    pub(super) fn answer(
        &self,
        status: u16,
        mut headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> GateAnswer {
        for (name, value) in COMMON_HEADERS {
            headers.push((name, value.to_owned()));
        }
        headers.extend(self.device_cookie.clone());
        GateAnswer {
            status,
            headers,
            body,
            session: self.session_change(&self.path("")),
        }
    }
}

/// A form without fields of its own.
#[derive(serde::Deserialize)]
pub(super) struct NoFields {}

/// Whether the request comes from a page of the same site, as far as the browser says.
pub(crate) fn is_same_site(headers: &Headers) -> bool {
    if let Some(site) = headers.sec_fetch_site.as_deref() {
        return matches!(site, "same-origin" | "none");
    }
    match (headers.origin.as_deref(), headers.host.as_deref()) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(scheme, origin)| {
            let port = match scheme {
                "https" => ":443",
                _ => ":80",
            };
            let named =
                |host: &'_ str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
            named(origin) == named(host)
        }),
        (Some(_), None) => false,
    }
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const COMMON_HEADERS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("vary", "accept, accept-language, cookie"),
    ("x-content-type-options", "nosniff"),
];

/// The longest text that the session keeps for the field of a form, in bytes.
const LONGEST_TYPED: usize = 256;

/// The precision of the last use, in seconds. As often, a session without a second factor is
/// compared with the requirement.
const SEEN_EVERY: u64 = 60;
