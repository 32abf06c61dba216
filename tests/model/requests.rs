//! How the reference model answers a form that is sent twice.

use super::account::By;
use super::devices::{Next, Token};
use super::reference::{Outcome, Reference};
use super::typed::{read, read_in_case};
use countersign::store::WriteKind;
use countersign::{Rejection, RequestId};

/// A login with a request id.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: u8,
    pub(crate) text: String,
    pub(crate) token: Option<Token>,
}

impl Request {
    pub(crate) fn id(&self) -> RequestId {
        format!("{:032x}", self.id).parse().unwrap()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let symbols = |one: &Self| (one.id, read_in_case(&one.text));
        symbols(self) == symbols(other)
    }
}

/// The last attempt, if it had a request id.
#[derive(Clone, Debug)]
pub(crate) struct LastRequest {
    request: Request,
    at: u64,
    result: RequestResult,
}

#[derive(Clone, Copy, Debug)]
enum RequestResult {
    Wrong,
    Reserved { joins: u8, by_device: bool },
    Accepted(By),
}

/// What a request was accepted by, when, and whether this is a repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) by: By,
    pub(crate) at: u64,
    pub(crate) is_repeat: bool,
    pub(crate) next: Next,
}

impl LastRequest {
    /// A write keeps, replaces or drops the last request.
    pub(crate) fn update(
        last: &mut Option<Self>,
        request: Option<Request>,
        kind: WriteKind,
        now: u64,
        by_device: bool,
    ) {
        let new = |result| {
            request.map(|request| Self {
                request,
                at: now,
                result,
            })
        };
        match kind {
            WriteKind::Rejected => *last = new(RequestResult::Wrong),
            WriteKind::Reserved => {
                *last = new(RequestResult::Reserved {
                    joins: 0,
                    by_device,
                });
            }
            WriteKind::Joined | WriteKind::Resealed | WriteKind::DeviceRemembered => {
                last.take_if(|last| !last.counts(now));
            }
            _ => *last = None,
        }
    }

    /// For 30 s, and for a clock that is at most 10 s ahead.
    const fn counts(&self, now: u64) -> bool {
        now <= self.at + 30 && self.at <= now + 10
    }
}

impl Reference {
    pub(crate) fn verify_request(&mut self, request: &Request) -> Outcome<Accepted> {
        let typed = read(&request.text).ok_or(Rejection::Malformed)?;
        let now = self.now;
        self.present(request.token);
        let next = self.next_token();
        let last = self.accounts[self.who].as_mut();
        let last = last.and_then(|account| account.last_request.as_mut());
        let mut joined = None;
        if let Some(last) = last
            && last.request.is_same(request)
            && last.counts(now)
        {
            match &mut last.result {
                RequestResult::Wrong => {
                    self.repeats_failure = true;
                    return Err(self.repeated_failure(&typed));
                }
                RequestResult::Accepted(by) => {
                    return Ok(Accepted {
                        by: *by,
                        at: last.at,
                        is_repeat: true,
                        next,
                    });
                }
                RequestResult::Reserved { joins, by_device } if *joins < 4 => {
                    *joins += 1;
                    joined = Some(*by_device);
                }
                RequestResult::Reserved { .. } => {}
            }
        }
        let by = if let Some(by_device) = joined {
            if by_device {
                // The first call may have counted the last failure of the device.
                self.device = self.shown_device(request.token);
            }
            self.write(WriteKind::Joined);
            let joined = self.join(&typed, by_device);
            self.repeats_failure = joined.is_err();
            joined?
        } else {
            self.request = Some(request.clone());
            self.attempt(&request.text)?
        };
        let next = self.use_token(request.token);
        self.write(WriteKind::Accepted);
        self.account().last_request = Some(LastRequest {
            request: request.clone(),
            at: now,
            result: RequestResult::Accepted(by),
        });
        Ok(Accepted {
            by,
            at: now,
            is_repeat: false,
            next,
        })
    }
}
