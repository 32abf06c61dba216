//! What clients were told, against what is on record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;
use std::path::Path;

use countersign::factor::BackupCodesStatus;
use countersign::store::BoxStore;
use countersign::{Denied, Rejection, Status, Timestamp};

use crate::Wall;
use crate::cast::{Cast, FIRST_ISSUED_AT, Person};
use crate::connect::patiently;
use crate::journal::{self, Answer, Attempt, Journal, Try};
use crate::service::{LOCKED_AT, Service, failures};
use crate::wall::STEP;

/// The sums, and what does not balance.
#[derive(Debug, Default)]
pub struct Books {
    /// What was tried.
    pub attempts: usize,
    /// What was reported as accepted: passcodes, backup codes and issues.
    pub accepted: usize,
    /// Of these, backup codes.
    pub codes: usize,
    /// What was reported as rejected.
    pub rejected: usize,
    /// Of these, backup codes that were not stored in time.
    pub too_late: usize,
    /// What was reported to have an unknown effect.
    pub unsettled: usize,
    /// What failed in another way.
    pub failed: usize,
    /// Whose clients were killed before they were told.
    pub unanswered: usize,
    /// Of the last two, what turned out to be on record.
    pub landed: usize,
    /// What does not balance.
    pub discrepancies: Vec<Discrepancy>,
}

/// What does not balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discrepancy {
    /// Reported, and not on record.
    Lost(String),
    /// Reported as accepted twice.
    Doubled(String),
    /// On record, and reported by nobody who was told.
    Unexplained(String),
    /// An answer that must not be.
    Wrong(String),
}

impl Books {
    /// How many reports are not on record.
    #[must_use]
    pub fn lost(&self) -> usize {
        let lost = |discrepancy: &&_| matches!(discrepancy, Discrepancy::Lost(_));
        self.discrepancies.iter().filter(lost).count()
    }

    /// Fails the test if they do not balance.
    pub fn expect_balanced(&self) {
        assert!(self.discrepancies.is_empty(), "{:#?}", self.discrepancies);
    }
}

impl AddAssign for Books {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.accepted += other.accepted;
        self.codes += other.codes;
        self.rejected += other.rejected;
        self.too_late += other.too_late;
        self.unsettled += other.unsettled;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.landed += other.landed;
        self.discrepancies.extend(other.discrepancies);
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: fn(&Discrepancy) -> bool| {
            self.discrepancies
                .iter()
                .filter(|seen| wanted(seen))
                .count()
        };
        write!(
            f,
            "{} attempts, {} accepted ({} by backup code), {} rejected ({} issued too late), {} unsettled, \
             {} failed, {} unanswered ({} seen to have landed all the same): {} lost, {} doubled, {} unexplained, {} wrong",
            self.attempts,
            self.accepted,
            self.codes,
            self.rejected,
            self.too_late,
            self.unsettled,
            self.failed,
            self.unanswered,
            self.landed,
            self.lost(),
            count(|seen| matches!(seen, Discrepancy::Doubled(_))),
            count(|seen| matches!(seen, Discrepancy::Unexplained(_))),
            count(|seen| matches!(seen, Discrepancy::Wrong(_))),
        )
    }
}

/// Balances the books of the storm in a folder. Nobody else may be at its accounts.
pub async fn balance(store: &BoxStore, folder: &Path) -> Books {
    let attempts = journal::read(folder).unwrap();
    let mut books = Books::default();
    for attempt in attempts.values() {
        books.count(attempt);
    }
    for (number, person) in Cast::read(folder).0.iter().enumerate() {
        let mut account = Account {
            books: &mut books,
            store,
            service: Service::new(store.clone()),
            person,
            attempts: attempts
                .range((number, 0)..(number + 1, 0))
                .map(|((_, at), attempt)| (*at, attempt))
                .collect(),
        };
        account.balance().await;
        if !person.guessed {
            account.log_in(number, folder).await;
        }
    }
    books
}

impl Books {
    fn count(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        *match &attempt.answer {
            Some(Answer::Accepted(_)) => {
                self.codes += usize::from(matches!(attempt.what, Try::Code(..)));
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

/// One account, and what was tried on it.
struct Account<'b> {
    books: &'b mut Books,
    store: &'b BoxStore,
    service: Service,
    person: &'b Person,
    attempts: BTreeMap<u64, &'b Attempt>,
}

impl Account<'_> {
    async fn balance(&mut self) {
        let account = &self.person.account;
        let status = patiently(|| self.service.verifier.status(account)).await;
        let Status::Enabled(enabled) = status else {
            self.lost(format!("there is no factor: {status:?}"));
            return;
        };
        self.every_answer_may_be();
        self.nothing_was_accepted_twice();
        let used_at = enabled
            .authenticators
            .first()
            .and_then(|only| only.last_used_at);
        self.the_last_passcode_is_on_record(used_at);
        match enabled.backup_codes {
            Some(codes) => {
                if used_at < Some(codes.issued_at) {
                    let issued_at = codes.issued_at;
                    self.wrong(format!(
                        "codes of {issued_at}, whose proof is not used up: {used_at:?}"
                    ));
                }
                self.codes_are_on_record(&codes);
            }
            None => self.lost("there are no backup codes".into()),
        }
        if self.person.guessed {
            self.failures_are_on_record().await;
        } else {
            self.what_was_accepted_is_used_up().await;
        }
    }

    fn every_answer_may_be(&mut self) {
        for (at, attempt) in self.attempts.clone() {
            match (&attempt.what, &attempt.answer) {
                (Try::Wrong, Some(Answer::Accepted(_))) => {
                    self.wrong(format!("a wrong code was accepted at {at}"));
                }
                // A server that is down cannot be read, and a crowd takes turns; all else is no error to expect.
                (_, Some(Answer::Failed(why)))
                    if !["Store", "Contended"]
                        .iter()
                        .any(|may_be| why.starts_with(may_be)) =>
                {
                    self.wrong(format!("an error at {at}: {why}"));
                }
                _ => {}
            }
        }
    }

    fn nothing_was_accepted_twice(&mut self) {
        let (mut steps, mut codes) = (BTreeSet::new(), BTreeSet::new());
        for (at, attempt) in self.attempts.clone() {
            if !attempt.is_accepted() && !attempt.spends_passcode() {
                continue;
            }
            let is_first = match attempt.what {
                Try::Passcode(step) | Try::Issue(step) => steps.insert(step),
                Try::Code(set, place) => codes.insert((set, place)),
                Try::Wrong => true,
            };
            if !is_first {
                self.doubled(format!("{:?}, again at {at}", attempt.what));
            }
        }
    }

    fn the_last_passcode_is_on_record(&mut self, used_at: Option<Timestamp>) {
        let on_record = used_at.map_or(0, Timestamp::as_unix);
        let reported = self.last(Attempt::spends_passcode);
        if on_record < reported {
            let what = format!("a passcode accepted at {reported}; on record is {on_record}");
            self.lost(what);
        } else if on_record > reported {
            self.explain(
                on_record,
                Attempt::may_spend_passcode,
                "a passcode is used up",
            );
        }
    }

    fn codes_are_on_record(&mut self, codes: &BackupCodesStatus) {
        let set = codes.issued_at.as_unix();
        let reported = self.last(|attempt| attempt.is_accepted() && attempt.is_issue());
        if set < reported {
            self.lost(format!(
                "codes issued at {reported}; on record are those of {set}"
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
                    "code {place} of {set} accepted at {at}; on record is {seen:?}"
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

    async fn failures_are_on_record(&mut self) {
        let account = &self.person.account;
        let on_record = patiently(|| failures(self.store, account)).await;
        let count = |wanted: fn(&Attempt) -> bool| {
            let attempts = self.attempts.values().filter(|attempt| wanted(attempt));
            u32::try_from(attempts.count()).unwrap()
        };
        let reported = count(Attempt::is_counted);
        let perhaps = reported + count(|attempt| !attempt.has_verdict());
        if on_record < reported.min(LOCKED_AT) {
            self.lost(format!("{reported} failures; on record are {on_record}"));
        }
        if on_record > perhaps {
            let what = format!("{on_record} failures are on record, of at most {perhaps}");
            self.books
                .discrepancies
                .push(Discrepancy::Unexplained(what));
        }
        self.books.landed += usize::try_from(on_record.saturating_sub(reported)).unwrap();
    }

    /// Tries again what was accepted last, at its time: it must be told to be used up.
    async fn what_was_accepted_is_used_up(&mut self) {
        let mut passcodes = 0;
        let mut codes = 0;
        for (at, attempt) in self.attempts.clone().into_iter().rev() {
            let (code, expected) = match attempt.what {
                Try::Passcode(step) | Try::Issue(step)
                    if attempt.spends_passcode() && passcodes < 3 =>
                {
                    passcodes += 1;
                    (self.person.passcode(step), &[Rejection::Replayed][..])
                }
                Try::Code(set, place) if attempt.is_accepted() && codes < 2 => {
                    codes += 1;
                    let Some(code) = self.code(set, place) else {
                        continue;
                    };
                    // Of a set that was replaced since, it is simply wrong.
                    (code, &[Rejection::BackupCodeUsed, Rejection::WrongCode][..])
                }
                _ => continue,
            };
            match self.verify(at, &code).await {
                Ok(()) => self.lost(format!("{:?} of {at}: it is accepted again", attempt.what)),
                Err(rejection) if expected.contains(&rejection) => {}
                Err(rejection) => {
                    self.wrong(format!("{:?} of {at}, again: {rejection:?}", attempt.what));
                }
            }
        }
    }

    /// The account is not only safe: its owner can log in. That is an attempt like any other.
    async fn log_in(&mut self, number: usize, folder: &Path) {
        let wall = Wall::open(folder).unwrap();
        let journal = Journal::open(folder, "auditor").unwrap();
        let plain = |at: &u64| self.person.is_plain(at / STEP);
        // A phone that was ahead may have spent the passcode of the next step already.
        let at = std::iter::repeat_with(|| wall.next_step(number))
            .skip(1)
            .find(plain)
            .unwrap();
        let what = Try::Passcode(at / STEP);
        journal.begin(number, at, &what);
        match self.verify(at, &self.person.passcode(at / STEP)).await {
            Ok(()) => journal.end(number, at, &Answer::Accepted(Vec::new())),
            Err(rejection) => {
                journal.end(number, at, &Answer::Rejected(format!("{rejection:?}")));
                self.wrong(format!("the owner cannot log in: {rejection:?}"));
            }
        }
    }

    async fn verify(&self, at: u64, code: &str) -> Result<(), Rejection> {
        match self.service.at(at).verify(&self.person.account, code).await {
            Ok(_receipt) => Ok(()),
            Err(Denied::Rejected(rejection)) => Err(rejection),
            Err(Denied::Failed(error)) => panic!("{error:?}"),
        }
    }

    /// A backup code that somebody was told of after the beginning.
    fn code(&self, set: u64, place: usize) -> Option<String> {
        match &self.attempts.get(&set)?.answer {
            Some(Answer::Accepted(codes)) => codes.get(place).cloned(),
            _ => None,
        }
    }

    /// The time of the last attempt that is so, or of the enrollment.
    fn last(&self, wanted: impl Fn(&Attempt) -> bool) -> u64 {
        let found = self
            .attempts
            .iter()
            .rev()
            .find(|(_, attempt)| wanted(attempt));
        found.map_or(FIRST_ISSUED_AT, |(at, _)| *at)
    }

    /// What is on record for a time must be of an attempt that nobody was told of.
    fn explain(&mut self, at: u64, wanted: impl Fn(&Attempt) -> bool, what: &str) {
        match self.attempts.get(&at) {
            Some(attempt) if wanted(attempt) => self.books.landed += 1,
            seen => {
                let what = format!("{}: {what} since {at}, by {seen:?}", self.person.account);
                self.books
                    .discrepancies
                    .push(Discrepancy::Unexplained(what));
            }
        }
    }

    fn lost(&mut self, what: String) {
        let what = format!("{}: {what}", self.person.account);
        self.books.discrepancies.push(Discrepancy::Lost(what));
    }

    fn doubled(&mut self, what: String) {
        let what = format!("{}: {what}", self.person.account);
        self.books.discrepancies.push(Discrepancy::Doubled(what));
    }

    fn wrong(&mut self, what: String) {
        let what = format!("{}: {what}", self.person.account);
        self.books.discrepancies.push(Discrepancy::Wrong(what));
    }
}
