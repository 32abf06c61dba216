//! Every page with content that we made up, so that you can look at your own templates and words.
//!
//! The key of the enrollment is public, and the backup codes open nothing. The example `pages`
//! writes all pages as files.

use countersign::backup::{BackupCodes, CodeFormat};
use countersign::uri::KeyUri;
use countersign::uri::qr::QrLevel;
use countersign::{Rejection, Timestamp};
use std::time::Duration;

use crate::accounts::BoxError;
use crate::page::{
    AuthenticatorEntry, BackupCodesEntry, BackupCodesPage, Change, CodePage, CodesPage, Content,
    DeviceEntry, DevicesPage, Done, EarlierCodes, FormProblem, Frame, Message, MessagePage,
    OverviewPage, Page, PendingCodesEntry, ProvePage, SetupPage, SetupPurpose, Viewer, Wait,
};
use crate::problem::Problem;
use crate::words::Language;

/// Returns every page in this language, with a name.
///
/// # Errors
/// If the operating system's random source fails.
pub fn pages(language: Language) -> Result<Vec<(String, Page)>, BoxError> {
    let mut samples = Samples {
        language,
        pages: Vec::new(),
    };
    samples.add_codes();
    samples.add_overviews()?;
    samples.add_devices()?;
    samples.add_setups()?;
    samples.add_proofs();
    samples.add_backup_codes()?;
    samples.add_messages();
    Ok(samples.pages)
}

/// Returns the style sheet and the script, with the names that they have under `{prefix}/assets/`.
#[must_use]
pub fn assets() -> [(&'static str, &'static [u8]); 2] {
    crate::assets::all()
}

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const ACCOUNT: &str = "alice@example.com";
/// The id of a set of backup codes.
const SET: &str = "0123456789abcdef0123456789abcdef";

struct Samples {
    language: Language,
    pages: Vec<(String, Page)>,
}

impl Samples {
    fn add(&mut self, name: &str, viewer: Viewer, content: Content) -> &mut Frame {
        let page = Page {
            frame: Frame {
                service: "Example".into(),
                language: self.language,
                prefix: "/two-factor".into(),
                sign_in: "/sign-in".into(),
                home: "/".into(),
                csrf: "a-token".into(),
                notice: None,
                problem: None,
                typed: None,
                account_name: (viewer != Viewer::Anonymous).then(|| ACCOUNT.into()),
                viewer,
            },
            content,
        };
        self.pages.push((name.to_owned(), page));
        let index = self.pages.len().saturating_sub(1);
        #[expect(clippy::indexing_slicing, reason = "the page was just added")]
        &mut self.pages[index].1.frame
    }

    fn problem(&self, problem: Problem) -> Option<FormProblem> {
        let text = self.language.words().problem(problem);
        Some(FormProblem::new(text, problem.field()))
    }

    fn done(&self, done: &Done) -> Option<String> {
        Some(self.language.words().done(done))
    }

    fn add_codes(&mut self) {
        let code = |wait, in_a_row| {
            Content::Code(CodePage {
                request: "0123456789abcdef0123456789abcdef".into(),
                wait,
                in_a_row,
                backup_code: false,
                letters: false,
                trust_days: None,
            })
        };
        let codes = || {
            Content::Codes(CodesPage {
                request: "0123456789abcdef0123456789abcdef".into(),
                count: 3,
            })
        };
        let wrong = self.problem(Rejection::WrongCode.into());
        let not_in_a_row = self.problem(Problem::CodesNotAccepted { count: 3 });
        self.add("code", Viewer::Half, code(None, None));
        self.add("code-wrong", Viewer::Half, code(None, None))
            .problem = wrong;
        let until = |seconds| {
            let at = NOW.saturating_add(seconds);
            Some(Wait::Until { at, seconds })
        };
        self.add("code-wait", Viewer::Half, code(until(150), None));
        self.add("code-wait-long", Viewer::Half, code(until(9_000), Some(3)));
        self.add("code-locked", Viewer::Half, code(Some(Wait::Locked), None));
        let fault = code(Some(Wait::ClockFault), None);
        self.add("code-clock-fault", Viewer::Half, fault);
        let mut trust = code(None, None);
        if let Content::Code(page) = &mut trust {
            page.trust_days = Some(30);
        }
        self.add("code-trust", Viewer::Half, trust);
        let mut by_backup_code = code(until(9_000), Some(3));
        if let Content::Code(page) = &mut by_backup_code {
            page.backup_code = true;
            page.letters = true;
        }
        self.add("code-wait-backup-code", Viewer::Half, by_backup_code);
        self.add("codes", Viewer::Half, codes());
        self.add("codes-wrong", Viewer::Half, codes()).problem = not_in_a_row;
    }

    fn add_overviews(&mut self) -> Result<(), BoxError> {
        // Names may have 64 bytes.
        let long = "Tablet-0123456789012345678901234567890123456789012345678901234567";
        let authenticators = [("f0e1d2c3b4a59687", "Pixel 12"), ("0123456789abcdef", long)]
            .into_iter()
            .map(|(id, name)| {
                Ok(AuthenticatorEntry {
                    id: id.parse()?,
                    name: name.to_owned(),
                    added_at: Timestamp::from_unix(1_790_000_000),
                    last_used_at: (name == "Pixel 12").then_some(NOW),
                })
            })
            .collect::<Result<Vec<_>, BoxError>>()?;
        let overview = |unused: Option<usize>, pending: Option<PendingCodesEntry>| {
            Content::Overview(OverviewPage {
                enabled: true,
                may_disable: true,
                enroll_by: None,
                authenticators: authenticators.clone(),
                backup_codes: unused.map(|remaining| BackupCodesEntry {
                    issued_at: Timestamp::from_unix(1_790_000_100),
                    remaining,
                    used_at: (0..10)
                        .map(|index| (index >= remaining).then_some(NOW))
                        .collect(),
                    pending,
                }),
                devices: Some(2),
            })
        };
        let enabled = |unused| overview(unused, None);
        let pending = PendingCodesEntry {
            set: SET.parse()?,
            issued_at: NOW,
        };
        let added = self.done(&Done::Added {
            name: "Pixel 12".into(),
        });
        let used = self.done(&Done::BackupCodeUsed {
            number: 9,
            remaining: 1,
        });
        self.add("overview", Viewer::Full, enabled(Some(9))).notice = added;
        self.add("overview-few", Viewer::Full, enabled(Some(1)))
            .notice = used;
        self.add("overview-none-left", Viewer::Full, enabled(Some(0)));
        let content = overview(Some(9), Some(pending));
        self.add("overview-pending-codes", Viewer::Full, content);
        self.add("overview-no-codes", Viewer::Full, enabled(None));
        let one = OverviewPage {
            enabled: true,
            authenticators: authenticators.iter().take(1).cloned().collect(),
            ..OverviewPage::default()
        };
        self.add("overview-required", Viewer::Full, Content::Overview(one));
        let off = self.done(&Done::Disabled);
        let content = Content::Overview(OverviewPage::default());
        self.add("overview-off", Viewer::Full, content).notice = off;
        let must = OverviewPage {
            enroll_by: Some(Timestamp::from_unix(1_801_000_000)),
            ..OverviewPage::default()
        };
        self.add("overview-must", Viewer::Full, Content::Overview(must));
        Ok(())
    }

    fn add_devices(&mut self) -> Result<(), BoxError> {
        let devices = [
            ("f0e1d2c3b4a59687", "Firefox (Linux)", true),
            ("0123456789abcdef", "Safari (iPhone)", false),
        ];
        let devices = devices
            .into_iter()
            .map(|(id, label, here)| {
                Ok(DeviceEntry {
                    id: id.parse()?,
                    label: label.to_owned(),
                    remembered_at: Timestamp::from_unix(1_790_000_000),
                    last_used_at: here.then_some(NOW),
                    trusted_until: here.then_some(NOW.saturating_add(2_592_000)),
                    here,
                })
            })
            .collect::<Result<Vec<_>, BoxError>>()?;
        let forgotten = self.done(&Done::BrowserForgotten);
        let known = Content::Devices(DevicesPage { devices });
        self.add("devices", Viewer::Full, known).notice = forgotten;
        let none = Content::Devices(DevicesPage::default());
        self.add("devices-none", Viewer::Full, none).notice = self.done(&Done::BrowsersForgotten);
        Ok(())
    }

    fn add_setups(&mut self) -> Result<(), BoxError> {
        let setup = |purpose| {
            let uri = KeyUri::parse(
                "otpauth://totp/Example:alice%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example",
            )?;
            Ok::<_, BoxError>(Content::Setup(SetupPage {
                tag: "0123456789abcdef".into(),
                qr: uri.qr_with(QrLevel::Medium)?.svg(),
                key: uri.secret().to_base32_grouped(),
                link: uri.to_secret_text(),
                account_name: ACCOUNT.into(),
                issuer: "Example".into(),
                digits: 6,
                period: 30,
                algorithm: "SHA1".into(),
                expires_at: NOW.saturating_add(600),
                expires_in: 600,
                purpose,
            }))
        };
        let wrong = self.problem(Rejection::WrongConfirmation { tries_left: 1 }.into());
        self.add("setup", Viewer::Full, setup(SetupPurpose::First)?);
        let content = setup(SetupPurpose::First)?;
        self.add("setup-wrong", Viewer::Half, content).problem = wrong;
        let name = || "Pixel 12".into();
        let another = setup(SetupPurpose::Another { name: name() })?;
        self.add("setup-another", Viewer::Full, another);
        let replacement = setup(SetupPurpose::Replacement { name: name() })?;
        self.add("setup-replacement", Viewer::Full, replacement);
        Ok(())
    }

    fn add_proofs(&mut self) {
        let name = || "Pixel 12".to_owned();
        let remove = |last| Change::Remove { name: name(), last };
        let issue = |replaces| Change::IssueBackupCodes { replaces };
        // The change, whether a password is asked for, and whether a code is.
        let changes = [
            ("prove-enable", Change::Enable, true, false),
            ("prove-add", Change::Add, false, true),
            (
                "prove-replace",
                Change::Replace { name: name() },
                true,
                true,
            ),
            ("prove-remove", remove(false), true, true),
            ("prove-remove-last", remove(true), false, true),
            ("prove-disable", Change::Disable, true, true),
            ("prove-issue", issue(false), false, false),
            ("prove-issue-again", issue(true), false, true),
            ("prove-reach", Change::Reach, true, true),
        ];
        for (page, change, password, code) in changes {
            let content = Content::Prove(prove(change, password, code));
            self.add(page, Viewer::Full, content);
        }
        let content = Content::Prove(prove(Change::Enable, false, false));
        self.add("prove-enable-half", Viewer::Half, content).problem =
            self.problem(Problem::MustEnroll);
        let wait_minute = Duration::from_secs(60);
        let problems = [
            ("name", Change::Add, Problem::from(Rejection::NameInUse)),
            ("password", Change::Reach, Problem::WrongPassword),
            ("code", Change::Disable, Rejection::Replayed.into()),
            (
                "too-many",
                Change::Reach,
                Problem::TooManyPasswords {
                    retry_after: wait_minute,
                },
            ),
        ];
        for (page, change, problem) in problems {
            let problem = self.problem(problem);
            let content = Content::Prove(prove(change, true, true));
            let frame = self.add(&format!("prove-wrong-{page}"), Viewer::Full, content);
            frame.problem = problem;
            frame.typed = Some("A \"name\" <typed>".into());
        }
        let mut waiting = prove(Change::Disable, true, true);
        waiting.wait = Some(Wait::Until {
            at: NOW.saturating_add(45),
            seconds: 45,
        });
        self.add("prove-wait", Viewer::Full, Content::Prove(waiting));
    }

    fn add_backup_codes(&mut self) -> Result<(), BoxError> {
        let words = self.language.words();
        let enabled = self.done(&Done::Enabled);
        for (page, format, earlier) in [
            ("backup-codes", CodeFormat::default(), EarlierCodes::None),
            (
                "backup-codes-again",
                CodeFormat::default(),
                EarlierCodes::Valid,
            ),
            (
                "backup-codes-long",
                CodeFormat::BITS_112,
                EarlierCodes::Ended,
            ),
        ] {
            let codes = BackupCodes::generate(format)?;
            let file = words.file("Example", NOW);
            let content = Content::BackupCodes(BackupCodesPage {
                file: codes.to_text(&file),
                file_name: file.file_name(),
                codes,
                set: SET.parse()?,
                earlier,
                date: (words.date)(NOW),
            });
            let frame = self.add(page, Viewer::Full, content);
            if earlier == EarlierCodes::None {
                frame.notice.clone_from(&enabled);
            }
        }
        Ok(())
    }

    fn add_messages(&mut self) {
        let messages = [
            (Viewer::Half, Message::RecordLost),
            (Viewer::Full, Message::NotOurForm),
            (Viewer::Anonymous, Message::Failed),
            (Viewer::Anonymous, Message::NotFound),
            (Viewer::Full, Message::MethodNotAllowed),
            (Viewer::Full, Message::Malformed),
            (Viewer::Full, Message::SetupReplaced),
            (Viewer::Half, Message::SetupExpired),
            (Viewer::Full, Message::SetupTooManyTries),
            (Viewer::Full, Message::SetupOver),
            (Viewer::Full, Message::CodesGone),
            (Viewer::Anonymous, Message::SignIn),
            (Viewer::Half, Message::EnterCode),
            (Viewer::Full, Message::StepUp),
        ];
        for (viewer, message) in messages {
            let content = Content::Message(MessagePage { message });
            self.add(&format!("message-{}", message.code()), viewer, content);
        }
    }
}

fn prove(change: Change, password: bool, code: bool) -> ProvePage {
    ProvePage {
        name: (change == Change::Add).then(|| "Second authenticator".into()),
        to: (change == Change::Reach).then(|| "/transfer?to=1&sum=2".into()),
        once: matches!(change, Change::IssueBackupCodes { .. }).then(|| "0123456789abcdef".into()),
        change,
        action: "/two-factor/prove".into(),
        back: "/two-factor/".into(),
        password,
        code,
        wait: None,
        letters: true,
    }
}
