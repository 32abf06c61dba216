//! Compares the results that clients got with the stored records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;
use std::path::Path;

use countersign::factor::BackupCodesStatus;
use countersign::store::BoxStore;
use countersign::{Denied, Rejection, Status, Timestamp};

use crate::SharedClock;
use crate::connect::retry;
use crate::journal::{self, Answer, Attempt, Journal, Try};
use crate::service::{LOCKED_AT, Service, failures};
use crate::shared_clock::{AHEAD, ROW, STEP};
use crate::users::{FIRST_ISSUED_AT, TestUser, TestUsers};

/// The counts of a test, and the discrepancies.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// All attempts.
    pub attempts: usize,
    /// Attempts that were accepted: passcodes, backup codes and issues.
    pub accepted: usize,
    /// The accepted backup codes.
    pub codes: usize,
    /// The accepted rows of passcodes.
    pub rows: usize,
    /// Attempts that were rejected.
    pub rejected: usize,
    /// The rejected issues, whose codes were not stored in time.
    pub too_late: usize,
    /// Attempts whose error says that the effect is unknown.
    pub unsettled: usize,
    /// Attempts with another error.
    pub failed: usize,
    /// Attempts whose clients were killed before they got a result.
    pub unanswered: usize,
    /// The attempts with an unknown effect or without a result that turned out to be stored.
    pub found_stored: usize,
    /// The discrepancies.
    pub discrepancies: Vec<Discrepancy>,
}

/// A difference between the results and the stored records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// A client got a result that is not stored.
    Lost(String),
    /// The same code was accepted twice.
    Doubled(String),
    /// A stored change belongs to no result and to no unknown effect.
    Unexplained(String),
    /// A result that must not occur.
    Wrong(String),
}

impl CheckReport {
    /// The number of results that are not stored.
    #[must_use]
    pub fn lost(&self) -> usize {
        let lost = |discrepancy: &&_| matches!(discrepancy, Discrepancy::Lost(_));
        self.discrepancies.iter().filter(lost).count()
    }

    /// Fails the test if there is a discrepancy.
    pub fn expect_consistent(&self) {
        assert!(self.discrepancies.is_empty(), "{:#?}", self.discrepancies);
    }
}

impl AddAssign for CheckReport {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.accepted += other.accepted;
        self.codes += other.codes;
        self.rows += other.rows;
        self.rejected += other.rejected;
        self.too_late += other.too_late;
        self.unsettled += other.unsettled;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.found_stored += other.found_stored;
        self.discrepancies.extend(other.discrepancies);
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&Discrepancy) -> bool| {
            self.discrepancies
                .iter()
                .filter(|seen| wanted(seen))
                .count()
        };
        write!(
            f,
            "{} attempts, {} accepted ({} by backup code, {} by a row), {} rejected ({} issued too late), \
             {} unsettled, {} failed, {} unanswered ({} of them stored): \
             {} lost, {} doubled, {} unexplained, {} wrong",
            self.attempts,
            self.accepted,
            self.codes,
            self.rows,
            self.rejected,
            self.too_late,
            self.unsettled,
            self.failed,
            self.unanswered,
            self.found_stored,
            self.lost(),
            count(|seen| matches!(seen, Discrepancy::Doubled(_))),
            count(|seen| matches!(seen, Discrepancy::Unexplained(_))),
            count(|seen| matches!(seen, Discrepancy::Wrong(_))),
        )
    }
}

/// Checks the test in a directory. No client may use its accounts at the same time.
pub async fn check(store: &BoxStore, directory: &Path) -> CheckReport {
    let attempts = journal::read(directory).unwrap();
    let mut report = CheckReport::default();
    for attempt in attempts.values() {
        report.count(attempt);
    }
    for (number, user) in TestUsers::read(directory).0.iter().enumerate() {
        let mut account = Account {
            report: &mut report,
            store,
            service: Service::new(store.clone()),
            user,
            attempts: attempts
                .range((number, 0)..(number + 1, 0))
                .map(|((_, at), attempt)| (*at, attempt))
                .collect(),
        };
        account.check().await;
        if !user.guessed {
            account.log_in(number, directory).await;
        }
    }
    report
}

impl CheckReport {
    fn count(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        *match &attempt.answer {
            Some(Answer::Accepted(_)) => {
                self.codes += usize::from(matches!(attempt.what, Try::Code(..)));
                self.rows += usize::from(matches!(attempt.what, Try::Row(_)));
                &mut self.accepted
            }
            Some(Answer::Rejected(_)) => {
                self.too_late += usize::from(attempt.is_too_late());
                &mut self.rejected
            }
            Some(Answer::Unsettled) => &mut self.unsettled,
            Some(Answer::Failed(_)) => &mut self.failed,
            None => &mut self.unanswered,
        } += 1;
    }
}

/// One account, and the attempts on it.
struct Account<'b> {
    report: &'b mut CheckReport,
    store: &'b BoxStore,
    service: Service,
    user: &'b TestUser,
    attempts: BTreeMap<u64, &'b Attempt>,
}

impl Account<'_> {
    async fn check(&mut self) {
        let account = &self.user.account;
        let status = retry(|| self.service.verifier.status(account)).await;
        let Status::Enabled(enabled) = status else {
            self.lost(format!("there is no factor: {status:?}"));
            return;
        };
        self.every_answer_is_possible();
        self.no_code_was_accepted_twice();
        let used_at = enabled
            .authenticators
            .first()
            .and_then(|only| only.last_used_at);
        self.the_last_passcode_is_stored(used_at);
        match enabled.backup_codes {
            Some(codes) => {
                if used_at < Some(codes.issued_at) {
                    let issued_at = codes.issued_at;
                    self.wrong(format!(
                        "codes of {issued_at}, whose proof is not used up: {used_at:?}"
                    ));
                }
                self.backup_codes_are_stored(&codes);
            }
            None => self.lost("there are no backup codes".into()),
        }
        if self.user.guessed {
            self.failures_are_stored().await;
        } else {
            self.accepted_codes_are_used_up().await;
        }
    }

    fn every_answer_is_possible(&mut self) {
        for (at, attempt) in self.attempts.clone() {
            match (&attempt.what, &attempt.answer) {
                (Try::Wrong | Try::WrongRow, Some(Answer::Accepted(_))) => {
                    self.wrong(format!("a wrong code was accepted at {at}"));
                }
                // A server that is down cannot be read, and clients can give up if many run at the
                // same time. Every other error is wrong.
                (_, Some(Answer::Failed(why)))
                    if !["Store", "Contended"]
                        .iter()
                        .any(|possible| why.starts_with(possible)) =>
                {
                    self.wrong(format!("an error at {at}: {why}"));
                }
                _ => {}
            }
        }
    }

    fn no_code_was_accepted_twice(&mut self) {
        let (mut steps, mut codes) = (BTreeSet::new(), BTreeSet::new());
        for (at, attempt) in self.attempts.clone() {
            if !attempt.is_accepted() && !attempt.uses_passcode() {
                continue;
            }
            let is_first = match attempt.what {
                Try::Passcode(step) | Try::Issue(step) => steps.insert(step),
                Try::Row(last) => {
                    let row = last + 1 - ROW..=last;
                    let is_new = row.clone().all(|step| !steps.contains(&step));
                    steps.extend(row);
                    is_new
                }
                Try::Code(set, place) => codes.insert((set, place)),
                Try::Wrong | Try::WrongRow => true,
            };
            if !is_first {
                self.doubled(format!("{:?}, again at {at}", attempt.what));
            }
        }
    }

    fn the_last_passcode_is_stored(&mut self, used_at: Option<Timestamp>) {
        let stored = used_at.map_or(0, Timestamp::as_unix);
        let reported = self.last(Attempt::uses_passcode);
        if stored < reported {
            let what = format!("a passcode accepted at {reported}; stored is {stored}");
            self.lost(what);
        } else if stored > reported {
            self.explain(stored, Attempt::may_use_passcode, "a passcode is used up");
        }
    }

    fn backup_codes_are_stored(&mut self, codes: &BackupCodesStatus) {
        let set = codes.issued_at.as_unix();
        let reported = self.last(|attempt| attempt.is_accepted() && attempt.is_issue());
        if set < reported {
            self.lost(format!(
                "codes issued at {reported}; stored are those of {set}"
            ));
            return;
        }
        if set > reported {
            let of = |attempt: &Attempt| attempt.is_issue() && attempt.is_unknown();
            self.explain(set, of, "codes are issued");
        }
        for (at, attempt) in self.attempts.clone() {
            if let Try::Code(of, place) = attempt.what
                && of == set
                && attempt.is_accepted()
                && codes.used_at[place] != Some(Timestamp::from_unix(at))
            {
                let seen = codes.used_at[place];
                self.lost(format!(
                    "code {place} of {set} accepted at {at}; stored is {seen:?}"
                ));
            }
        }
        for (place, used_at) in codes.used_at.iter().enumerate() {
            let Some(used_at) = used_at.map(Timestamp::as_unix) else {
                continue;
            };
            let what = Try::Code(set, place);
            let reported = self
                .attempts
                .get(&used_at)
                .is_some_and(|attempt| attempt.is_accepted() && attempt.what == what);
            if !reported {
                let of = |attempt: &Attempt| attempt.what == what && attempt.is_unknown();
                self.explain(used_at, of, &format!("code {place} of {set} is used up"));
            }
        }
    }

    async fn failures_are_stored(&mut self) {
        let account = &self.user.account;
        let stored = retry(|| failures(self.store, account)).await;
        let count = |wanted: fn(&Attempt) -> bool| {
            let attempts = self.attempts.values().filter(|attempt| wanted(attempt));
            u32::try_from(attempts.count()).unwrap()
        };
        let reported = count(Attempt::is_counted);
        let possible = reported + count(|attempt| !attempt.has_result());
        if stored < reported.min(LOCKED_AT) {
            self.lost(format!("{reported} failures; stored are {stored}"));
        }
        if stored > possible {
            let what = format!("{stored} failures are stored, of at most {possible}");
            self.report
                .discrepancies
                .push(Discrepancy::Unexplained(what));
        }
        self.report.found_stored += usize::try_from(stored.saturating_sub(reported)).unwrap();
    }

    /// Repeats the last accepted attempts at their times: the verifier must report that the code is
    /// used.
    async fn accepted_codes_are_used_up(&mut self) {
        let mut passcodes = 0;
        let mut codes = 0;
        for (at, attempt) in self.attempts.clone().into_iter().rev() {
            let (code, expected) = match attempt.what {
                Try::Passcode(step) | Try::Row(step) | Try::Issue(step)
                    if attempt.uses_passcode() && passcodes < 3 =>
                {
                    passcodes += 1;
                    // A token's counters before the last accepted one are wrong codes.
                    let used = &[Rejection::Replayed, Rejection::WrongCode][..];
                    let used = if self.user.is_token() {
                        used
                    } else {
                        &used[..1]
                    };
                    (self.user.passcode(step), used)
                }
                Try::Code(set, place) if attempt.is_accepted() && codes < 2 => {
                    codes += 1;
                    let Some(code) = self.code(set, place) else {
                        continue;
                    };
                    // After a new set is issued, a code of the old set is a wrong code.
                    (code, &[Rejection::BackupCodeUsed, Rejection::WrongCode][..])
                }
                _ => continue,
            };
            match self.verify(at, &code).await {
                Ok(()) => self.lost(format!("{:?} of {at}: it is accepted again", attempt.what)),
                // Later passcodes are used, too.
                Err(Rejection::ReplayedAhead { .. }) if expected.contains(&Rejection::Replayed) => {
                }
                Err(rejection) if expected.contains(&rejection) => {}
                Err(rejection) => {
                    self.wrong(format!("{:?} of {at}, again: {rejection:?}", attempt.what));
                }
            }
        }
    }

    /// The user must be able to log in. The check adds this attempt to the journal.
    async fn log_in(&mut self, number: usize, directory: &Path) {
        let clocks = SharedClock::open(directory).unwrap();
        let journal = Journal::open(directory, "auditor").unwrap();
        // A client may have used the passcode of the next time step already.
        clocks.next_step(number);
        let mut at = clocks.next_step(number);
        let mut shown = match self.user.is_token() {
            true => clocks.next_counter(number) + AHEAD,
            false => at / STEP,
        };
        while !self.user.has_unique_passcode(shown) {
            at = clocks.next_step(number);
            shown = if self.user.is_token() {
                shown + 1
            } else {
                at / STEP
            };
        }
        let what = Try::Passcode(shown);
        journal.begin(number, at, &what);
        match self.verify(at, &self.user.passcode(shown)).await {
            Ok(()) => {
                journal.end(number, at, &Answer::Accepted(Vec::new()));
                if self.user.is_token() {
                    clocks.used_counter(number, shown);
                }
            }
            Err(rejection) => {
                journal.end(number, at, &Answer::Rejected(format!("{rejection:?}")));
                self.wrong(format!("the owner cannot log in: {rejection:?}"));
            }
        }
    }

    async fn verify(&self, at: u64, code: &str) -> Result<(), Rejection> {
        match self.service.at(at).verify(&self.user.account, code).await {
            Ok(_receipt) => Ok(()),
            Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => Err(rejection),
            Err(Denied::Failed(error)) => panic!("{error:?}"),
        }
    }

    /// A backup code that a client got in this test.
    fn code(&self, set: u64, place: usize) -> Option<String> {
        match &self.attempts.get(&set)?.answer {
            Some(Answer::Accepted(codes)) => codes.get(place).cloned(),
            _ => None,
        }
    }

    /// The time of the last attempt that matches, or of the enrollment.
    fn last(&self, wanted: impl Fn(&Attempt) -> bool) -> u64 {
        let found = self
            .attempts
            .iter()
            .rev()
            .find(|(_, attempt)| wanted(attempt));
        found.map_or(FIRST_ISSUED_AT, |(at, _)| *at)
    }

    /// A stored change at `at` must belong to an attempt without a known result.
    fn explain(&mut self, at: u64, wanted: impl Fn(&Attempt) -> bool, what: &str) {
        match self.attempts.get(&at) {
            Some(attempt) if wanted(attempt) => self.report.found_stored += 1,
            seen => {
                let what = format!("{}: {what} since {at}, by {seen:?}", self.user.account);
                self.report
                    .discrepancies
                    .push(Discrepancy::Unexplained(what));
            }
        }
    }

    fn lost(&mut self, what: String) {
        let what = format!("{}: {what}", self.user.account);
        self.report.discrepancies.push(Discrepancy::Lost(what));
    }

    fn doubled(&mut self, what: String) {
        let what = format!("{}: {what}", self.user.account);
        self.report.discrepancies.push(Discrepancy::Doubled(what));
    }

    fn wrong(&mut self, what: String) {
        let what = format!("{}: {what}", self.user.account);
        self.report.discrepancies.push(Discrepancy::Wrong(what));
    }
}
