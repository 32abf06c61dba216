//! The reference model: the rules of DESIGN.md for two accounts, in the simplest form. The
//! model keeps every time step and every event, and searches all of them for each answer.

use super::account::{Account, Active, App, By, Code, Pending, Proof, Set};
use super::devices::Device;
use super::issue_rules::Right;

use super::observed::{AppView, CodesView, Entry, View};
use super::rate_limit::{Event, LimitError, Recent, Throttle};
use super::requests::{LastRequest, Request};
use super::rules::Rules;
use super::typed::{are_digits, read};
use countersign::factor::EndReason;
use countersign::store::{Summary, WriteKind};
use countersign::{AuthenticatorId, DeviceId, EnrollmentId, KeyId, Rejection, Removed, Resealed};

/// The result, or the reason for the rejection.
pub(crate) type Outcome<T = ()> = Result<T, Rejection>;

pub(crate) struct Reference {
    pub(crate) rules: Rules,
    pub(crate) accounts: [Option<Account>; 2],
    /// The writes that the current command should make.
    pub(crate) journal: Vec<Entry>,
    /// The account of the current command, its time, and the primary key of its server.
    pub(crate) who: usize,
    pub(crate) now: u64,
    key: KeyId,
    /// The request id and the code of the current command.
    pub(crate) request: Option<Request>,
    /// The known device that sent the current command.
    pub(crate) device: Option<DeviceId>,
    /// Whether the current command repeats a request that was rejected.
    pub(crate) repeats_failure: bool,
    /// How many rights to issue codes were granted, and how many sets were stored.
    pub(crate) rights: usize,
    pub(crate) sets: usize,
}

/// Enrollments begun: ten within ten minutes. Rights to issue codes: three within 24 hours.
const BEGINNINGS: Recent = Recent::new(10, 600);
const ISSUES: Recent = Recent::new(3, 24 * 3600);

impl Reference {
    pub(crate) fn new(rules: &Rules) -> Self {
        Self {
            rules: rules.clone(),
            accounts: [None, None],
            journal: Vec::new(),
            who: 0,
            now: 0,
            key: KeyId::new(0),
            request: None,
            device: None,
            repeats_failure: false,
            rights: 0,
            sets: 0,
        }
    }

    /// Starts a command.
    pub(crate) fn enter(&mut self, who: usize, now: u64, key: KeyId) {
        (self.who, self.now, self.key) = (who, now, key);
        (self.request, self.repeats_failure) = (None, false);
        self.device = None;
    }

    pub(crate) fn take_journal(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.journal)
    }

    pub(crate) fn active(&self, who: usize) -> &[Active] {
        self.accounts[who]
            .as_ref()
            .map_or(&[], |account| &account.active)
    }

    pub(crate) fn codes(&self, who: usize) -> &[Code] {
        let set = self.accounts[who]
            .as_ref()
            .and_then(|account| account.set.as_ref());
        set.map_or(&[], |set| &set.codes)
    }

    /// The codes of the current set and of the pending one.
    pub(crate) fn all_codes(&self, who: usize) -> impl Iterator<Item = &Code> {
        let account = self.accounts[who].as_ref();
        let pending = account.and_then(|account| account.pending_set.as_ref());
        let pending = pending.map_or(&[][..], |set| &set.codes);
        self.codes(who).iter().chain(pending)
    }

    /// The last second of the pending enrollment.
    pub(crate) fn pending_ends_at(&self, who: usize) -> Option<u64> {
        let pending = self.accounts[who].as_ref()?.pending.as_ref()?;
        Some(pending.begun_at + self.rules.enrollment_age)
    }

    /// The authenticator that the pending enrollment is to replace.
    pub(crate) fn pending_replaces(&self, who: usize) -> Option<AuthenticatorId> {
        self.accounts[who].as_ref()?.pending.as_ref()?.replaces
    }

    /// The number of the current set of codes.
    pub(crate) fn set(&self, who: usize) -> Option<usize> {
        let account = self.accounts[who].as_ref()?;
        account.set.as_ref().map(|set| set.number)
    }

    /// When the earliest known enrollment no longer counts.
    pub(crate) fn beginnings_end_at(&self, who: usize) -> Option<u64> {
        self.accounts[who].as_ref()?.beginnings.ends_at()
    }

    /// When the earliest known issue no longer counts.
    pub(crate) fn issues_end_at(&self, who: usize) -> Option<u64> {
        self.accounts[who].as_ref()?.issues.ends_at()
    }

    /// The last second of the right to store codes.
    pub(crate) fn right_ends_at(&self, who: usize) -> Option<u64> {
        self.accounts[who].as_ref()?.right.map(Right::ends_at)
    }

    pub(crate) fn view(&self, who: usize, now: u64) -> View {
        let Some(account) = &self.accounts[who] else {
            return View::Absent;
        };
        if account.active.is_empty() {
            return View::Disabled;
        }
        let app_view = |active: &Active| AppView {
            id: active.id,
            name: active.app.name.clone(),
            digits: self.rules.digits,
            kind: active.app.kind(),
            added_at: active.added_at,
            last_used_at: active.accepted.iter().map(|(_, at)| *at).max(),
        };
        View::Enabled {
            apps: account.active.iter().map(app_view).collect(),
            codes: account.set.as_ref().map(|set| CodesView {
                issued_at: set.issued_at,
                remaining: set
                    .codes
                    .iter()
                    .filter(|code| code.used_at.is_none())
                    .count(),
                used_at: set.codes.iter().map(|code| code.used_at).collect(),
                pending: account.pending_set.as_ref().map(Set::pending_view),
            }),
            rate_limit: account.throttle.rate_limit(now),
            devices: self.device_views(who),
            ended: account.ended.clone(),
        }
    }

    pub(crate) fn verify(&mut self, text: &str) -> Outcome<By> {
        let by = self.attempt(text)?;
        self.write(WriteKind::Accepted);
        Ok(by)
    }

    /// Checks a new enrollment and returns the name of the authenticator. [`begun`](Self::begun)
    /// makes the write.
    pub(crate) fn begin(
        &mut self,
        replaces: Option<AuthenticatorId>,
        name: Option<&str>,
        proof: &Proof,
    ) -> Outcome<String> {
        self.may_be_read(proof)?;
        if self.accounts[self.who].is_none() && matches!(proof, Proof::Code(_)) {
            return Err(Rejection::Absent);
        }
        match replaces {
            Some(id) => self.must_have(id)?,
            None => self.must_have_room()?,
        }
        let name = self.name(replaces, name)?;
        self.must_be_strong_enough(proof)?;
        let account = self.accounts[self.who].as_ref();
        let admitted = account.map_or(Ok(()), |account| account.beginnings.admit(self.now));
        admitted.map_err(|error| match error {
            LimitError::TooMany { retry_after } => Rejection::TooManyEnrollments { retry_after },
            LimitError::ClockFault => Rejection::ClockFault,
        })?;
        self.prove(proof)?;
        Ok(name)
    }

    /// A name that no remaining authenticator has: the requested name, the name of the replaced
    /// authenticator, or the default name with a number.
    fn name(&self, replaces: Option<AuthenticatorId>, asked: Option<&str>) -> Outcome<String> {
        let active = self.active(self.who);
        let (replaced, staying): (Vec<_>, Vec<_>) = active
            .iter()
            .partition(|active| Some(active.id) == replaces);
        let taken: Vec<&str> = staying.iter().map(|active| &active.app.name[..]).collect();
        match (asked, &replaced[..]) {
            (Some(name), _) if taken.contains(&name) => Err(Rejection::NameInUse),
            (Some(name), _) => Ok(name.to_owned()),
            (None, [replaced]) => Ok(replaced.app.name.clone()),
            (None, _) => {
                let default = "Authenticator app".to_owned();
                let numbered = (2..).map(|number| format!("{default} {number}"));
                let mut names = std::iter::once(default.clone()).chain(numbered);
                Ok(names.find(|name| !taken.contains(&&name[..])).unwrap())
            }
        }
    }

    pub(crate) fn begun(&mut self, id: EnrollmentId, app: App, replaces: Option<AuthenticatorId>) {
        let created = Account {
            active: Vec::new(),
            pending: None,
            set: None,
            pending_set: None,
            throttle: Throttle::new(&self.rules, self.now),
            beginnings: BEGINNINGS,
            issues: ISSUES,
            right: None,
            sealed_with: self.key,
            last_request: None,
            devices: Vec::new(),
            ended: Vec::new(),
        };
        let account = self.accounts[self.who].get_or_insert(created);
        account.pending = Some(Pending {
            id,
            app,
            replaces,
            begun_at: self.now,
            wrong: 0,
        });
        account.beginnings.add(self.now);
        self.write(WriteKind::Enrolling);
    }

    /// The pending enrollment with this id, if it has not expired.
    pub(crate) fn pending(&self, id: EnrollmentId) -> Outcome<&Pending> {
        let account = self.accounts[self.who].as_ref();
        let pending = account
            .and_then(|account| account.pending.as_ref())
            .ok_or(Rejection::NoEnrollment)?;
        if pending.id != id {
            return Err(Rejection::EnrollmentSuperseded);
        }
        let last = pending.begun_at + self.rules.enrollment_age;
        if self.now > last || pending.begun_at > self.now + 3600 {
            return Err(Rejection::EnrollmentExpired);
        }
        Ok(pending)
    }

    /// Checks a confirmation and returns the time step or counter that it uses up.
    /// [`confirmed`](Self::confirmed) makes the write.
    pub(crate) fn confirm(&mut self, id: EnrollmentId, text: &str) -> Outcome<u64> {
        let typed = read(text).ok_or(Rejection::Malformed)?;
        let pending = match self.pending(id) {
            Ok(pending) => pending.clone(),
            Err(rejection) => {
                if rejection == Rejection::EnrollmentExpired {
                    self.account().pending = None;
                    self.write(WriteKind::Enrolling);
                }
                return Err(rejection);
            }
        };
        if !are_digits(&typed, self.rules.digits) {
            return Err(Rejection::Malformed);
        }
        let Some(step) = self.matching(&pending.app, None, &typed).last().copied() else {
            let wrong = pending.wrong + 1;
            let tries_left = self.rules.enrollment_tries - wrong;
            self.account().pending = (tries_left > 0).then_some(Pending { wrong, ..pending });
            self.write(WriteKind::Enrolling);
            return Err(Rejection::WrongConfirmation { tries_left });
        };
        let active = self.active(self.who);
        if active
            .iter()
            .any(|active| active.app.secret == pending.app.secret)
        {
            return Err(Rejection::SecretInUse);
        }
        Ok(step)
    }

    pub(crate) fn confirmed(&mut self, id: AuthenticatorId, step: u64) {
        let now = self.now;
        let account = self.account();
        let pending = account.pending.take().unwrap();
        let new = Active {
            id,
            app: pending.app,
            added_at: now,
            accepted: vec![(step, now)],
        };
        let replaced = |active: &&mut Active| Some(active.id) == pending.replaces;
        match account.active.iter_mut().find(replaced) {
            Some(place) => {
                let old = std::mem::replace(place, new);
                account.add_ended(&old, now, EndReason::Replaced);
                account.devices.clear();
            }
            None => account.active.push(new),
        }
        account.beginnings.clear();
        self.write(WriteKind::Enrolled);
    }

    pub(crate) fn remove(&mut self, id: AuthenticatorId, proof: &Proof) -> Outcome<Removed> {
        self.may_be_read(proof)?;
        self.must_exist()?;
        self.must_have(id)?;
        self.must_be_strong_enough(proof)?;
        self.prove(proof)?;
        let now = self.now;
        let account = self.account();
        let removed = account.active.iter().position(|active| active.id == id);
        let removed = account.active.remove(removed.unwrap());
        account.add_ended(&removed, now, EndReason::Removed);
        if account.active.is_empty() {
            self.end(EndReason::Removed);
            return Ok(Removed::Disabled);
        }
        account
            .pending
            .take_if(|pending| pending.replaces == Some(id));
        account.devices.clear();
        self.write(WriteKind::Removed);
        let codes = self.codes(self.who).iter();
        let unused = codes.filter(|code| code.used_at.is_none()).count();
        Ok(Removed::OthersLeft {
            authenticators: u8::try_from(self.active(self.who).len()).unwrap(),
            backup_codes: u8::try_from(unused).unwrap(),
        })
    }

    /// Removes one of several authenticators.
    pub(crate) fn remove_unless_last(&mut self, id: AuthenticatorId, proof: &Proof) -> Outcome {
        self.may_be_read(proof)?;
        self.must_exist()?;
        self.must_have(id)?;
        match self.active(self.who) {
            [_] => Err(Rejection::LastAuthenticator),
            _ => self.remove(id, proof).map(|_| ()),
        }
    }

    pub(crate) fn disable(&mut self, proof: &Proof) -> Outcome<Removed> {
        self.may_be_read(proof)?;
        self.must_be_enabled()?;
        self.must_be_strong_enough(proof)?;
        self.prove(proof)?;
        self.end(EndReason::Disabled);
        Ok(Removed::Disabled)
    }

    pub(crate) fn force_disable(&mut self) -> Outcome {
        self.must_exist()?;
        self.account().throttle.add(Event::FailuresReset);
        self.end(EndReason::ForceDisabled);
        Ok(())
    }

    /// `confirmed` says whether the caller confirms the server's clock.
    pub(crate) fn unlock(&mut self, confirmed: bool) -> Outcome {
        self.must_exist()?;
        let at = self.now;
        let account = self.account();
        if confirmed {
            account.throttle.add(Event::ClockConfirmed { at });
            account.beginnings.reset_future_times(at);
            account.issues.reset_future_times(at);
            Device::reset_future_times(&mut account.devices, at);
        } else if account.throttle.has_clock_fault(at)
            || account.beginnings.has_clock_fault(at)
            || account.issues.has_clock_fault(at)
        {
            return Err(Rejection::ClockFault);
        }
        account.throttle.add(Event::Unlocked { at });
        self.write(WriteKind::Unlocked);
        Ok(())
    }

    pub(crate) fn reseal(&mut self) -> Resealed {
        match &self.accounts[self.who] {
            None => Resealed::Absent,
            Some(account) if account.sealed_with == self.key => Resealed::Unchanged,
            Some(_) => {
                self.write(WriteKind::Resealed);
                Resealed::Changed
            }
        }
    }

    pub(crate) fn erase(&mut self) {
        if self.accounts[self.who].take().is_some() {
            let summary = Summary::new(false, 0, self.key);
            self.journal.push(Entry::Wrote(WriteKind::Erased, summary));
        }
    }

    /// No authenticator is active any more. Codes, a right to issue and a pending enrollment end in
    /// the same write. The limits still count earlier enrollments and issues.
    fn end(&mut self, reason: EndReason) {
        let now = self.now;
        let account = self.account();
        for active in std::mem::take(&mut account.active) {
            account.add_ended(&active, now, reason);
        }
        account.pending = None;
        account.set = None;
        account.pending_set = None;
        account.right = None;
        account.devices.clear();
        self.write(WriteKind::Disabled);
    }

    pub(crate) fn account(&mut self) -> &mut Account {
        self.accounts[self.who].as_mut().unwrap()
    }

    /// Writes the account without expired entries. The record of a pending enrollment always keeps
    /// the time at which that enrollment began.
    pub(crate) fn write(&mut self, kind: WriteKind) {
        let (who, key, now) = (self.who, self.key, self.now);
        let request = self.request.clone();
        let by_device = self.device.is_some();
        self.drop_spent_devices(kind);
        let account = self.account();
        account.right.take_if(|right| right.is_expired(now));
        LastRequest::update(&mut account.last_request, request, kind, now, by_device);
        account.issues.drop_expired(now);
        account.beginnings.drop_expired(now);
        if let (true, Some(pending)) = (account.beginnings.is_empty(), &account.pending) {
            account.beginnings.add(pending.begun_at);
        }
        let left = self.codes(who).iter().filter(|code| code.used_at.is_none());
        let left = u32::try_from(left.count()).unwrap();
        let summary = Summary::new(!self.active(who).is_empty(), left, key);
        self.account().sealed_with = key;
        self.journal.push(Entry::Wrote(kind, summary));
    }
}
