//! A browser, and the sessions that a session crate keeps for it.

use countersign::session::Access;
use countersign::{AccountId, FirstFactorKind};
use countersign_gate::{
    Admission, Gate, GateAnswer, GateRequest, Headers, SessionChange, SessionData,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::schemas::{check_other, check_page};

/// The sessions of a service, by their ids.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, String>>>);

/// What an answer does to the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    Kept,
    Set(String),
    Deleted,
}

impl Sessions {
    pub(crate) fn data(&self, id: Option<&str>) -> SessionData {
        let sessions = self.0.lock().unwrap();
        let text = id.and_then(|id| sessions.get(id));
        text.map(|text| SessionData::from_text(text))
            .unwrap_or_default()
    }

    fn put(&self, id: &str, data: &SessionData) {
        let mut sessions = self.0.lock().unwrap();
        sessions.insert(id.to_owned(), data.to_text());
    }

    /// Carries out a change for a request that had this id, as an adapter does.
    pub(crate) fn carry_out(&self, id: Option<&str>, change: &SessionChange) -> Cookie {
        match change {
            SessionChange::Store(data) => match id {
                // A late writer does not revive what was renewed or ended.
                Some(id) if self.data(Some(id)).is_moved() => Cookie::Kept,
                Some(id) => {
                    self.put(id, data);
                    Cookie::Kept
                }
                None => {
                    let id = format!("anonymous {}", self.0.lock().unwrap().len());
                    self.put(&id, data);
                    Cookie::Set(id)
                }
            },
            SessionChange::Renew {
                data,
                id: new,
                left,
            } => {
                if let Some(id) = id {
                    self.put(id, left);
                }
                let new = format!("{new:?}");
                self.put(&new, data);
                Cookie::Set(new)
            }
            SessionChange::End { left } => {
                if let Some(id) = id {
                    self.put(id, left);
                }
                Cookie::Deleted
            }
            SessionChange::Keep => Cookie::Kept,
            other => panic!("{other:?}"),
        }
    }
}

/// How a browser or program sends forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Html,
    Json,
}

#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) gate: Gate,
    pub(crate) sessions: Sessions,
    pub(crate) cookie: Option<String>,
    /// The cookie of the browser as a known device: its name and its value.
    pub(crate) device: Option<String>,
    pub(crate) csrf: String,
    pub(crate) headers: Headers,
    pub(crate) format: Format,
}

/// An answer, as a test looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) change: SessionChange,
    /// Where the form leads to.
    pub(crate) next: String,
    /// The word for a problem in JSON.
    pub(crate) code: String,
    /// The header `WWW-Authenticate`.
    pub(crate) challenge: String,
}

impl From<GateAnswer> for Answer {
    fn from(answer: GateAnswer) -> Self {
        let header = |name| answer.headers.iter().find(|(known, _)| *known == name);
        let location = header("location");
        let challenge = header("www-authenticate").map(|(_, text)| text.clone());
        let body = String::from_utf8(answer.body).unwrap();
        let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Self {
            status: answer.status,
            next: location.map_or_else(|| text("next"), |(_, path)| path.clone()),
            code: text("code"),
            challenge: challenge.unwrap_or_default(),
            body: match json["content"]["codes"].as_array() {
                None => body,
                Some(codes) => {
                    let codes = codes.iter().filter_map(|code| code.as_str());
                    let codes: Vec<&str> = codes.collect();
                    let file = json["content"]["file"].as_str().unwrap();
                    let text = |name: &str| json["content"][name].as_str().unwrap();
                    let (set, earlier) = (text("set"), text("earlier"));
                    let codes = codes.join(",");
                    format!("codes: {codes}\nset: {set}\nearlier: {earlier}\nfile:\n{file}")
                }
            },
            change: answer.session,
        }
    }
}

impl Answer {
    /// The value of a line `name: value` of the page.
    pub(crate) fn line(&self, name: &str) -> &str {
        let lines = self.body.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.next().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn leads_to(&self, path: &str) -> &Self {
        assert!(matches!(self.status, 200 | 303), "{self:?}");
        assert_eq!(self.next, path, "{self:?}");
        self
    }

    /// The form was refused for this reason. A browser is sent to this page, which says why.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, path: &str) {
        match self.status {
            303 => assert_eq!(self.next, path),
            found => assert_eq!((found, self.code.as_str()), (status, code), "{self:?}"),
        }
    }
}

impl Browser {
    pub(crate) fn new(gate: Gate, sessions: Sessions, format: Format) -> Self {
        Self {
            gate,
            sessions,
            cookie: None,
            device: None,
            csrf: String::new(),
            headers: Headers::default(),
            format,
        }
    }

    pub(crate) fn request(&self, path: &str, fields: Option<&[(&str, &str)]>) -> GateRequest {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = path.strip_prefix("/two-factor").unwrap_or(path);
        let mut request = GateRequest {
            post: fields.is_some(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Headers {
                cookie: self.device.clone(),
                ..self.headers.clone()
            },
            session: self.sessions.data(self.cookie.as_deref()),
            ..GateRequest::default()
        };
        let Some(fields) = fields else {
            return request;
        };
        let (kind, body) = match self.format {
            Format::Html => (
                "application/x-www-form-urlencoded",
                serde_urlencoded::to_string(fields).unwrap().into_bytes(),
            ),
            Format::Json => {
                let value = |text: &str| match text {
                    "true" => true.into(),
                    "false" => false.into(),
                    text => serde_json::Value::from(text),
                };
                let fields = fields.iter().map(|(name, text)| (*name, value(text)));
                let fields: HashMap<_, _> = fields.collect();
                ("application/json", serde_json::to_vec(&fields).unwrap())
            }
        };
        request.headers.content_type = Some(kind.to_owned());
        request.body = body;
        request
    }

    /// A form with the token of the last page.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> GateRequest {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend_from_slice(fields);
        self.request(path, Some(&all))
    }

    /// Sends a request for a page of the gate, and checks that the answer is documented.
    pub(crate) async fn handle(&self, request: GateRequest) -> GateAnswer {
        let (post, path) = (request.post, request.path.clone());
        let answer = self.gate.handle(request).await;
        check_page(post, &path, &answer);
        answer
    }

    pub(crate) async fn send(&mut self, request: GateRequest) -> Answer {
        let answer = self.handle(request).await;
        self.receive(answer)
    }

    /// Sends a request whose answer never arrives. The session crate still stores its change.
    pub(crate) async fn send_without_answer(&self, request: GateRequest) -> Answer {
        let answer = self.handle(request).await;
        let sessions = &self.sessions;
        sessions.carry_out(self.cookie.as_deref(), &answer.session);
        answer.into()
    }

    fn receive(&mut self, answer: GateAnswer) -> Answer {
        let sessions = &self.sessions;
        match sessions.carry_out(self.cookie.as_deref(), &answer.session) {
            Cookie::Kept => {}
            Cookie::Set(id) => self.cookie = Some(id),
            Cookie::Deleted => self.cookie = None,
        }
        for (_, cookie) in answer
            .headers
            .iter()
            .filter(|(name, _)| *name == "set-cookie")
        {
            assert!(
                cookie.ends_with("; Secure; HttpOnly; SameSite=Lax"),
                "{cookie}"
            );
            let pair = cookie.split(';').next().unwrap();
            self.device = (!cookie.contains("Max-Age=0;")).then(|| pair.to_owned());
        }
        let answer = Answer::from(answer);
        let csrf = answer.line("csrf");
        if !csrf.is_empty() {
            csrf.clone_into(&mut self.csrf);
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(self.request(path, None)).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, fields)).await
    }

    /// Loads a page, and sends its form.
    pub(crate) async fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let once = page.line("once").to_owned();
        let request = page.line("request").to_owned();
        let mut all = vec![("once", once.as_str()), ("request", request.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    pub(crate) async fn first_factor(&mut self, account: &str, kind: FirstFactorKind) -> Answer {
        let account = AccountId::new(account).unwrap();
        let request = self.request("/sign-in", Some(&[]));
        let answer = self.gate.first_factor(request, account, kind).await;
        check_other("/sign-in", &answer);
        self.receive(answer)
    }

    pub(crate) async fn password(&mut self, account: &str) -> Answer {
        self.first_factor(account, FirstFactorKind::Password).await
    }

    /// Whether the browser may have a page of the application; else where it is sent.
    pub(crate) async fn may_have(&mut self, path: &str, access: Access) -> Result<(), Answer> {
        let request = self.request(path, None);
        match self.gate.admit(request, access).await {
            Admission::Granted(_) => Ok(()),
            Admission::Refused(answer) => {
                check_other(path, &answer);
                Err(self.receive(answer))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.may_have("/", Access::Full).await.is_ok()
    }
}
