//! Sends requests to etcd's JSON gateway.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request as HttpRequest, StatusCode};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::Error;
use crate::answer::{AnyAnswer, Refusal, TokenAnswer};
use crate::endpoints::{Endpoint, Endpoints};
use crate::login::Login;
use crate::request::{AUTHENTICATE, Request};

/// The endpoints, and the HTTP client with its connections.
#[derive(Clone)]
pub(crate) struct Gateway {
    send: Arc<dyn Fn(HttpRequest<Full<Bytes>>) -> ResponseFuture + Send + Sync>,
    endpoints: Arc<Endpoints>,
    login: Option<Arc<Login>>,
    /// The id of the cluster that answered first.
    cluster: Arc<OnceLock<String>>,
}

/// An answer: the body, or an error of etcd.
type Answer = Result<Bytes, Refusal>;

/// The time limit of a call, and the moment at which it ends.
#[derive(Clone, Copy)]
struct Deadline {
    limit: Duration,
    at: Instant,
}

impl Gateway {
    pub(crate) fn new(endpoints: Endpoints) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(TO_CONNECT));
        Self::over(connector, endpoints)
    }

    pub(crate) fn over<C>(connector: C, endpoints: Endpoints) -> Self
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        // The client repeats a request only if it could not send it on an old connection.
        let client: Client<C, Full<Bytes>> = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            send: Arc::new(move |request| client.request(request)),
            endpoints: Arc::new(endpoints),
            login: None,
            cluster: Arc::default(),
        }
    }

    pub(crate) fn with_login(self, login: Login) -> Self {
        let login = Some(Arc::new(login));
        Self { login, ..self }
    }

    /// Sends a request that changes nothing. If an endpoint does not answer, the next one gets the
    /// request; a single endpoint gets it twice. Each attempt has an equal share of the time.
    pub(crate) async fn read(&self, request: &Request, limit: Duration) -> Result<Bytes, Error> {
        let deadline = Deadline::new(limit);
        let attempts = u32::try_from(self.endpoints.len().max(2)).unwrap_or(u32::MAX);
        let mut number = self.endpoints.preferred();
        for left in (2..=attempts).rev() {
            match self.ask(number, request, deadline.share(left)).await {
                Err(error) if error.is_of_endpoint() => number = self.endpoints.after(number),
                answer => return answer,
            }
        }
        self.ask(number, request, deadline).await
    }

    /// Sends a write once. The next endpoint gets the write only if nothing was sent.
    pub(crate) async fn write(&self, request: &Request, limit: Duration) -> Result<Bytes, Error> {
        let deadline = Deadline::new(limit);
        let mut number = self.endpoints.preferred();
        for _ in 1..self.endpoints.len() {
            match self.ask(number, request, deadline).await {
                Err(Error::Unreachable { .. }) => number = self.endpoints.after(number),
                answer => return answer,
            }
        }
        self.ask(number, request, deadline).await
    }

    /// Sends a request to one endpoint. After a failure, later calls begin with the next endpoint.
    async fn ask(
        &self,
        number: usize,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Bytes, Error> {
        let endpoint = self.endpoints.get(number);
        let answer = match timeout_at(deadline.at, self.answer(endpoint, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout {
                endpoint: endpoint.text().to_owned(),
                limit: deadline.limit,
            }),
        };
        if answer.as_ref().is_err_and(Error::is_of_endpoint) {
            self.endpoints.turn_away(number);
        }
        answer
    }

    async fn answer(&self, endpoint: &Endpoint, request: &Request) -> Result<Bytes, Error> {
        let send = |token| self.send(endpoint, request.path, request.body.clone(), token);
        let answer = match &self.login {
            None => send(None).await?,
            Some(login) => {
                let token = self.token(login, endpoint).await?;
                match send(Some(&token)).await? {
                    // etcd did nothing, because the token was lost in a restart or is too old.
                    Err(refusal) if refusal.is_expired_token() => {
                        login.forget(&token).await;
                        let token = self.token(login, endpoint).await?;
                        send(Some(&token)).await?
                    }
                    answer => answer,
                }
            }
        };
        let answer = answer.map_err(|refusal| refusal.into_error(endpoint.text()))?;
        self.check_cluster(endpoint, &answer)?;
        Ok(answer)
    }

    /// The token of the last login. Without one, it logs in.
    async fn token(&self, login: &Login, endpoint: &Endpoint) -> Result<HeaderValue, Error> {
        let mut token = login.token.lock().await;
        if let Some(token) = &*token {
            return Ok(token.clone());
        }
        let invalid = |source| not_etcd(endpoint, StatusCode::OK, source);
        let body = login.body().map_err(|error| invalid(error.into()))?;
        let sent = self.send(endpoint, AUTHENTICATE, body.into(), None).await?;
        let answer = sent.map_err(|refusal| refusal.into_error(endpoint.text()))?;
        let answer = serde_json::from_slice::<TokenAnswer>(&answer);
        let answer = answer.map_err(|error| invalid(error.into()))?;
        let value = HeaderValue::try_from(answer.token).map_err(|error| invalid(error.into()))?;
        Ok(token.insert(value).clone())
    }

    /// Sends a request once, and reads the whole answer.
    async fn send(
        &self,
        endpoint: &Endpoint,
        path: &str,
        body: Bytes,
        token: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let mut request = HttpRequest::post(format!("{}{path}", endpoint.text()))
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body));
        let request = request.map_err(|error| unreachable(endpoint, error))?;
        let response = (self.send)(request).await.map_err(|error| {
            if error.is_connect() {
                return unreachable(endpoint, error);
            }
            disconnected(endpoint, error.into())
        })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect();
        let body = body.await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return not_etcd(endpoint, status, error);
            }
            disconnected(endpoint, error)
        })?;
        let body = body.to_bytes();
        if status == StatusCode::OK {
            return Ok(Ok(body));
        }
        match serde_json::from_slice(&body) {
            Ok(refusal) => Ok(Err(refusal)),
            Err(error) => Err(not_etcd(endpoint, status, error.into())),
        }
    }

    /// Checks that the answer is etcd's, and from the same cluster as the earlier ones.
    fn check_cluster(&self, endpoint: &Endpoint, answer: &[u8]) -> Result<(), Error> {
        let AnyAnswer { header } = serde_json::from_slice(answer)
            .map_err(|error| not_etcd(endpoint, StatusCode::OK, error.into()))?;
        let first = self.cluster.get_or_init(|| header.cluster_id.to_string());
        if *first == header.cluster_id {
            return Ok(());
        }
        Err(Error::OtherCluster {
            endpoint: endpoint.text().to_owned(),
        })
    }
}

impl Deadline {
    fn new(limit: Duration) -> Self {
        let now = Instant::now();
        // A cap on the limit, so that the sum fits the clock.
        let at = now.checked_add(limit.min(LONGEST)).unwrap_or(now);
        Self { limit, at }
    }

    /// The deadline of the first of some attempts that share the time that is left.
    fn share(self, attempts: u32) -> Self {
        let now = Instant::now();
        let left = self.at.saturating_duration_since(now);
        let share = left.checked_div(attempts).unwrap_or(left);
        let at = now.checked_add(share).unwrap_or(self.at);
        Self { at, ..self }
    }
}

fn unreachable(endpoint: &Endpoint, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::Unreachable {
        endpoint: endpoint.text().to_owned(),
        source: source.into(),
    }
}

fn disconnected(endpoint: &Endpoint, source: Box<dyn StdError + Send + Sync>) -> Error {
    Error::Disconnected {
        endpoint: endpoint.text().to_owned(),
        source,
    }
}

fn not_etcd(
    endpoint: &Endpoint,
    status: StatusCode,
    source: Box<dyn StdError + Send + Sync>,
) -> Error {
    Error::NotEtcd {
        endpoint: endpoint.text().to_owned(),
        status: status.as_u16(),
        source,
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("endpoints", &self.endpoints.texts().collect::<Vec<_>>())
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// The time limit of an attempt to connect.
const TO_CONNECT: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A page of accounts has less than 1 MiB.
const LONGEST_ANSWER: usize = 8 << 20;
