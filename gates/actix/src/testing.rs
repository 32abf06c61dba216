//! A browser, and a check of all routes, for your own tests.
//!
//! Put a [`Harness`] into the tests of your service. It fails if a route is open that is not on
//! your list: one that somebody added with [`public`](crate::GateApp::public), for example.
//!
//! ```
//! use countersign_actix::testing::{Browser, Harness, TestService};
//! # use actix_web::{HttpResponse, web};
//! # use actix_session::{SessionMiddleware, storage::CookieSessionStore};
//! # use countersign_actix::testing::must_enroll;
//! # use countersign_actix::{Door, FirstFactorKind, GateApp};
//! # async fn sign_in(door: Door) -> HttpResponse {
//! #     door.first_factor(1_u64, FirstFactorKind::Password).await
//! # }
//! # async fn invoice() -> &'static str { "" }
//! # #[actix_web::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let gate = must_enroll()?;
//! # let key = actix_web::cookie::Key::generate();
//! # let sessions = SessionMiddleware::new(CookieSessionStore::default(), key);
//! let app = GateApp::new(gate)
//!     .public("/sign-in", web::post().to(sign_in))
//!     .route("/invoices/{id}", web::get().to(invoice));
//!
//! let service = TestService::new(app.wrap(sessions).into_service()).await;
//! let mut browser = Browser::new();
//! let form = "name=alice&password=right";
//! browser.post(&service, "/sign-in", form).await; // alice has a second factor
//! let report = Harness::new(service)
//!     .half_signed_in(&browser)
//!     .public(["/sign-in"])
//!     .param("id", "7")
//!     .check()
//!     .await?;
//! assert_eq!(report.closed, ["/invoices/{id}"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Needs
//!
//! The feature `testing`.

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::init_service;
use actix_web::{Error, HttpResponse, test};
use countersign_gate::NotedRoute;
use std::fmt;

pub use countersign_gate::testing::{
    Browser, Client, Harness, OpenRoutes, Report, Routes, TestAnswer, TestRequest, must_enroll,
};

use crate::access::Refused;
use crate::gated::{AppService, Gated};

/// An app that answers requests of your tests, without a network.
pub struct TestService<S> {
    service: S,
    routes: Vec<NotedRoute>,
}

impl TestService<()> {
    /// Starts an app.
    pub async fn new<B: MessageBody + 'static>(
        app: Gated<impl AppService<B>>,
    ) -> TestService<impl Service<Request, Response = ServiceResponse<B>, Error = Error>> {
        TestService {
            routes: app.routes().to_vec(),
            service: init_service(app).await,
        }
    }
}

/// A request that cannot be built gets status 0.
impl<S, B> Client for TestService<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    async fn send(&self, request: TestRequest) -> TestAnswer {
        let Ok(method) = Method::from_bytes(request.method.as_bytes()) else {
            return TestAnswer::default();
        };
        let mut built = test::TestRequest::with_uri(&request.path).method(method);
        for (name, value) in request.headers {
            built = built.append_header((name, value));
        }
        let built = built.set_payload(request.body).to_request();
        match self.service.call(built).await {
            Ok(answer) => read(answer.into()).await,
            Err(error) => read(error.error_response()).await,
        }
    }
}

impl<S, B> Routes for TestService<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    fn routes(&self) -> &[NotedRoute] {
        &self.routes
    }
}

async fn read<B: MessageBody>(answer: HttpResponse<B>) -> TestAnswer {
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut read = TestAnswer {
        status: answer.status().as_u16(),
        headers: headers.collect(),
        ..TestAnswer::default()
    };
    read.refused = answer.extensions().contains::<Refused>();
    if let Ok(body) = to_bytes(answer.into_body()).await {
        read.body = body.into();
    }
    read
}

impl<S> fmt::Debug for TestService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestService")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
