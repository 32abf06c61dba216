//! An issue of codes as two separate calls. Other commands can run in between.

use super::command::{Pick, Proof};
use super::observed::{Call, Codes, Recorded};
use super::world::{Agreement, Called, World, answer_of, outcome, same};
use countersign::backup::BackupCodes;
use countersign::{Denied, Verifier};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// An issue of codes between its two writes.
pub(crate) struct Started {
    right: usize,
    pub(crate) server: usize,
    issuing: Pin<Box<dyn Future<Output = Result<BackupCodes, Denied>>>>,
}

impl World {
    /// Runs an issue until the hashes of the codes are being computed. By then, the store has made
    /// the first write.
    pub(crate) fn start_issue(
        &mut self,
        verifier: &Verifier<Recorded>,
        proof: Proof,
    ) -> Agreement<Called> {
        let account = self.system.accounts[self.who].clone();
        let proven = self.proven(proof);
        let proof = proven.proof.clone();
        let verifier = verifier.clone();
        let mut issuing: Started = Started {
            right: 0,
            server: self.server,
            issuing: Box::pin(async move {
                let proof = proven.for_system();
                verifier.issue_backup_codes(&account, proof).await
            }),
        };
        let got = match issuing.poll() {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(_)) => return Err("codes were issued without a hash".into()),
            Poll::Ready(Err(denied)) => answer_of(Err(denied))?,
        };
        let expected = self.reference.grant(&proof);
        same(&format!("issue by {proof:?}"), &got, &outcome(&expected))?;
        let right = expected.unwrap_or_default();
        if got.is_ok() {
            issuing.right = right;
            self.started[self.who].push(issuing);
        }
        Ok((Call::Grant(proof, right), got.map(|()| None)))
    }

    pub(crate) fn started(&mut self, pick: Pick) -> Option<Started> {
        let started = &mut self.started[self.who];
        let places: Vec<usize> = (0..started.len()).collect();
        pick.of(&places).map(|place| started.remove(*place))
    }

    /// Runs the issue to its end.
    pub(crate) fn finish_issue(&mut self, mut started: Started) -> Agreement<Called> {
        let Poll::Ready(issued) = started.poll() else {
            return Err("the issue did not finish after its hashes were computed".into());
        };
        let right = started.right;
        let got =
            answer_of(issued)?.map(|codes| codes.iter().map(str::to_owned).collect::<Vec<_>>());
        let expected = self.reference.redeem(right);
        same("store codes", &outcome(&got), &outcome(&expected))?;
        let mut stored = Codes::default();
        if let (Ok(codes), Ok(granted_at)) = (&got, expected) {
            stored.codes.clone_from(codes);
            stored.set = self.reference.stored(granted_at, codes.clone());
            self.known[self.who].sets.push(codes.clone());
        }
        let call = Call::Store {
            right,
            codes: stored,
        };
        Ok((call, got.map(|_| None)))
    }
}

impl Started {
    fn poll(&mut self) -> Poll<Result<BackupCodes, Denied>> {
        let mut context = Context::from_waker(Waker::noop());
        self.issuing.as_mut().poll(&mut context)
    }
}
