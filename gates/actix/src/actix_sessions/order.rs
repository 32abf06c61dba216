use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::SET_COOKIE;
use actix_web::middleware::Next;
use std::cell::RefCell;

tokio::task_local! {
    /// What the gate and the session store of one request tell each other. The session middleware
    /// stands between them and passes only keys and states on.
    static REQUEST: RefCell<Told>;
}

#[derive(Default)]
struct Told {
    order: Option<Order>,
    refused: bool,
    /// The number of cookies in the answer before the session middleware.
    cookies: usize,
}

/// What the gate tells the session store.
#[derive(Clone)]
pub(super) enum Order {
    Renew { key: String, left: Option<String> },
    End { left: String },
}

impl Order {
    pub(super) fn give(self) {
        // Without the middleware below, the session is renewed or ended as actix-session does it.
        let _ = REQUEST.try_with(|told| told.borrow_mut().order = Some(self));
    }

    pub(super) fn of_request() -> Option<Self> {
        REQUEST
            .try_with(|told| told.borrow().order.clone())
            .ok()
            .flatten()
    }

    /// What stays under the old key, if it is not there already.
    pub(super) fn left(self) -> Option<String> {
        match self {
            Self::Renew { left, .. } => left,
            Self::End { left } => Some(left),
        }
    }
}

/// The store refused a late write. Returns whether somebody takes the cookie out of the answer.
pub(super) fn refuse() -> bool {
    REQUEST
        .try_with(|told| told.borrow_mut().refused = true)
        .is_ok()
}

/// Whether the store has refused a write of this request.
pub(super) fn is_refused() -> bool {
    REQUEST
        .try_with(|told| told.borrow().refused)
        .unwrap_or_default()
}

/// Inside the session middleware: counts the cookies that are none of its own.
pub(crate) async fn count_cookies(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = next.call(request).await?;
    let count = answer.headers().get_all(SET_COOKIE).count();
    let _ = REQUEST.try_with(|told| told.borrow_mut().cookies = count);
    Ok(answer)
}

/// Around the session middleware: if the store refused a write, takes out the cookie that the
/// session middleware added.
pub(crate) async fn answer_quietly(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answer = async {
        let answer = next.call(request).await;
        let kept = REQUEST.with(|told| {
            let told = told.borrow();
            told.refused.then_some(told.cookies)
        });
        (answer, kept)
    };
    let (answer, kept) = REQUEST.scope(RefCell::default(), answer).await;
    let mut answer = answer?;
    if let Some(kept) = kept {
        let headers = answer.headers_mut();
        let cookies: Vec<_> = headers.remove(SET_COOKIE).take(kept).collect();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie);
        }
    }
    Ok(answer)
}
