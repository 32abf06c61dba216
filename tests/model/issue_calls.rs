//! An issue of codes as two separate calls. Other commands can run in between.

use super::command::{Pick, Proof};
use super::observed::{Call, Codes, Recorded};
use super::world::{Agreement, Called, World, answer_of, outcome, same};
use countersign::testing::block_on;
use countersign::{Denied, IssuedBackupCodes, Verifier};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// An issue of codes between its two writes.
pub(crate) struct Started {
    right: usize,
    pub(crate) server: usize,
    issuing: Pin<Box<dyn Future<Output = Result<IssuedBackupCodes, Denied>>>>,
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
        let got = answer_of(issued)?;
        let expected = self.reference.redeem(right);
        same("store codes", &outcome(&got), &outcome(&expected))?;
        let mut stored = Codes::default();
        if let (Ok(issued), Ok(granted_at)) = (&got, expected) {
            let codes: Vec<_> = issued.iter().map(str::to_owned).collect();
            stored.codes.clone_from(&codes);
            let (set, is_pending) = self.reference.stored(granted_at, codes.clone());
            same("pending", &issued.is_pending(), &is_pending)?;
            (stored.set, stored.is_pending) = (set, is_pending);
            self.name_set(issued.set(), set)?;
            let known = &mut self.known[self.who];
            known.sets.push(codes);
            known.set_ids.push((issued.set(), set));
        }
        let call = Call::Store {
            right,
            codes: stored,
        };
        Ok((call, got.map(|_| None)))
    }
}

impl World {
    pub(crate) fn confirm_saved(
        &mut self,
        verifier: &Verifier<Recorded>,
        pick: Pick,
    ) -> Agreement<Called> {
        let (id, set) = self.code_set(pick);
        let account = &self.system.accounts[self.who];
        let got = answer_of(block_on(verifier.confirm_saved(account, id)))?;
        let expected = self.reference.confirm_saved(set);
        same(&format!("confirm set {set}"), &got, &expected)?;
        Ok((Call::ConfirmSaved(set), got.map(|()| None)))
    }

    pub(crate) fn discard_codes(
        &mut self,
        verifier: &Verifier<Recorded>,
        pick: Pick,
    ) -> Agreement<Called> {
        let (id, set) = self.code_set(pick);
        let account = &self.system.accounts[self.who];
        let got = answer_of(block_on(verifier.discard_pending_codes(account, id)))?;
        let expected = self.reference.discard_codes(set);
        same(&format!("discard set {set}"), &got, &expected)?;
        Ok((Call::Discard(set), got.map(|()| None)))
    }
}

impl Started {
    fn poll(&mut self) -> Poll<Result<IssuedBackupCodes, Denied>> {
        let mut context = Context::from_waker(Waker::noop());
        self.issuing.as_mut().poll(&mut context)
    }
}
