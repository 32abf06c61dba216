//! Backup codes: issued with a proof, and shown once, as a page and as a file. The user says
//! whether they are saved.

use countersign::factor::{BackupCodeSetId, EnabledStatus, PendingCodesStatus};
use countersign::{AccountId, Denied};
use serde::Deserialize;

use super::proof::{Origin, ProofForm};
use super::visit::Visit;
use super::{Stop, rejected};
use crate::accounts::{Accounts, BoxError};
use crate::exchange::GateAnswer;
use crate::notice::What;
use crate::page::{BackupCodesPage, Change, Content, Done, EarlierCodes, Message};
use crate::problem::Problem;
use crate::random::{self, Use};
use crate::say::Say;
use crate::sign_ins::{RowsOfRequest, SignInStore};

#[derive(Deserialize)]
struct FileForm {
    text: String,
}

#[derive(Deserialize)]
struct SetForm {
    set: BackupCodeSetId,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn ask_backup_codes(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let Some(enabled) = self.enabled(&member.account).await? else {
            return Ok(self.redirect(&self.path("")));
        };
        self.ensure_token()?;
        let once = self.once(&enabled)?;
        let change = Change::IssueBackupCodes {
            replaces: enabled.backup_codes.is_some(),
        };
        let action = self.path("/backup-codes");
        self.ask(&member, change, &action, |page| page.once = Some(once))
            .await
    }

    /// Shows the codes in the answer itself, because they are stored nowhere. The form works once:
    /// otherwise a reload of this page would replace the codes that were just printed.
    pub(crate) async fn issue_backup_codes(&mut self) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        let account = member.account.clone();
        let origin = Origin {
            path: self.path("/backup-codes"),
            typed: None,
        };
        let Some(enabled) = self.enabled(&account).await? else {
            return Ok(self.redirect(&self.path("")));
        };
        self.check_once(&enabled, &form, &origin)?;
        let change = Change::IssueBackupCodes {
            replaces: enabled.backup_codes.is_some(),
        };
        let proof = self.proof_of(&mut member, &form, &change, &origin).await?;
        if let Some(enabled) = self.enabled(&account).await? {
            // The check of a password takes its time.
            self.check_once(&enabled, &form, &origin)?;
        }
        let verifier = self.verifier(RowsOfRequest::default());
        let issued = match verifier.issue_backup_codes(&account, proof.proof()).await {
            Ok(issued) => issued,
            Err(denied) => {
                let rejection = rejected(denied)?;
                return Err(self.change_refused(&mut member, rejection, &proof, &origin));
            }
        };
        let (set, pending) = (issued.set(), issued.is_pending());
        let issue = What::BackupCodesIssued { pending };
        self.notify(&account, issue).await;
        self.proof_was_enough(&mut member, &proof)?;
        let words = self.words();
        let date = (words.date)(self.now);
        let text_around = words.file(&self.flow.settings.service, self.now);
        let file = issued.to_text(&text_around);
        self.session.file = Some(digest(file.expose())?);
        let page = BackupCodesPage {
            codes: issued.into_codes(),
            set,
            earlier: match (enabled.backup_codes.is_some(), pending) {
                (_, true) => EarlierCodes::Valid,
                (true, false) => EarlierCodes::Ended,
                (false, false) => EarlierCodes::None,
            },
            date,
            file,
            file_name: text_around.file_name(),
        };
        self.page(&account, Content::BackupCodes(page)).await
    }

    /// Returns the file. The page sends its text, so that the download works without a script and
    /// nothing stores the text. Only the text that was shown last is accepted.
    pub(crate) async fn download_backup_codes(&mut self) -> Result<GateAnswer, Stop> {
        self.require_member().await?;
        let FileForm { text } = self.form()?;
        // The file ends its lines with CR LF. A browser sends CR LF too, but a program may send LF.
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        if self.session.file != Some(digest(&text)?) {
            return Ok(self.message(Message::CodesGone));
        }
        let service = &self.flow.settings.service;
        let name = self.words().file(service, self.now).file_name();
        let headers = vec![
            ("content-type", "text/plain; charset=utf-8".to_owned()),
            (
                "content-disposition",
                format!("attachment; filename=\"{name}\""),
            ),
        ];
        Ok(self.answer(200, headers, text.into_bytes()))
    }

    pub(crate) async fn backup_codes_saved(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let SetForm { set } = self.form()?;
        let account = &member.account;
        let was_pending = self.is_pending(account, set).await?;
        let verifier = self.verifier(RowsOfRequest::default());
        if let Err(denied) = verifier.confirm_saved(account, set).await {
            return self.not_pending(denied);
        }
        self.session.file = None;
        self.say(Say::Done(Done::CodesSaved));
        if was_pending {
            self.notify(account, What::BackupCodesConfirmed).await;
        }
        Ok(self.redirect(&self.path("")))
    }

    pub(crate) async fn discard_backup_codes(&mut self) -> Result<GateAnswer, Stop> {
        let member = self.require_member().await?;
        let SetForm { set } = self.form()?;
        let account = &member.account;
        let verifier = self.verifier(RowsOfRequest::default());
        if let Err(denied) = verifier.discard_pending_codes(account, set).await {
            return self.not_pending(denied);
        }
        self.session.file = None;
        self.say(Say::Done(Done::CodesDiscarded));
        self.notify(account, What::BackupCodesDiscarded).await;
        Ok(self.redirect(&self.path("")))
    }

    fn not_pending(&mut self, denied: Denied) -> Result<GateAnswer, Stop> {
        let rejection = rejected(denied)?;
        Ok(self.refuse(rejection, &self.path("")))
    }

    async fn is_pending(&self, account: &AccountId, set: BackupCodeSetId) -> Result<bool, Stop> {
        let enabled = self.enabled(account).await?;
        let pending = enabled.as_ref().and_then(pending_codes);
        Ok(pending.is_some_and(|pending| pending.id == set))
    }

    fn check_once(
        &mut self,
        enabled: &EnabledStatus,
        form: &ProofForm,
        origin: &Origin,
    ) -> Result<(), Stop> {
        match form.once == self.once(enabled)? {
            true => Ok(()),
            false => Err(self.refused_at(Problem::CodesShownBefore, origin)),
        }
    }

    /// The token of the form, which changes with the set of codes. So it needs no place in the
    /// session.
    fn once(&self, enabled: &EnabledStatus) -> Result<String, BoxError> {
        let set = match &enabled.backup_codes {
            Some(codes) => {
                let pending = codes.pending.map(|pending| pending.id);
                let pending = pending.map_or_else(String::new, |id| format!(" {id}"));
                format!("{} {}{pending}", codes.issued_at, codes.used_at.len())
            }
            None => String::new(),
        };
        let token = random::derive(&self.session.csrf, &set, Use::Once)?;
        Ok(random::hex(token))
    }
}

fn pending_codes(enabled: &EnabledStatus) -> Option<PendingCodesStatus> {
    enabled.backup_codes.as_ref()?.pending
}

fn digest(text: &str) -> Result<String, BoxError> {
    Ok(random::hex(random::derive("", text, Use::File)?))
}
