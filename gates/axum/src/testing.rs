//! A browser, and a check of all routes, for your own tests.
//!
//! Put a [`Harness`] into the tests of your service. It fails if a route is open that is not on
//! your list: one that somebody added with [`public`](crate::GateRouter::public), for example.
//!
//! ```no_run
//! use countersign_axum::GateService;
//! use countersign_axum::testing::{Browser, Harness};
//!
//! async fn nothing_is_open(service: GateService) {
//!     let mut browser = Browser::new();
//!     let form = "name=alice&password=right";
//!     browser.post(&service, "/sign-in", form).await; // alice has a second factor
//!     let report = Harness::new(service)
//!         .half_signed_in(&browser)
//!         .public(["/", "/sign-in"])
//!         .param("id", "7")
//!         .check()
//!         .await
//!         .unwrap();
//!     assert_eq!(report.not_seen, ["/files"]);
//! }
//! ```
//!
//! # Needs
//!
//! The feature `testing`.

use axum::body::Body;
use axum::extract::Request;
use countersign_gate::NotedRoute;
use tower_service::Service;

use crate::guard::Refused;
use crate::service::GateService;

pub use countersign_gate::testing::{
    Browser, Client, Harness, OpenRoutes, Report, Routes, TestAnswer, TestRequest, must_enroll,
};

/// Sends requests straight to the service, without a network. A request that cannot be built gets
/// status 0.
impl Client for GateService {
    async fn send(&self, request: TestRequest) -> TestAnswer {
        let mut built = Request::builder()
            .method(request.method.as_str())
            .uri(&request.path);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let Ok(request) = built.body(Body::from(request.body)) else {
            return TestAnswer::default();
        };
        let Ok(answer) = self.clone().call(request).await;
        let (parts, body) = answer.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let body = axum::body::to_bytes(body, usize::MAX).await;
        TestAnswer {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.unwrap_or_default().into(),
            refused: parts.extensions.get::<Refused>().is_some(),
        }
    }
}

impl Routes for GateService {
    fn routes(&self) -> &[NotedRoute] {
        self.routes()
    }
}
