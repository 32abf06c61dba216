//! Checks the numbered invariants of DESIGN.md from calls, answers and the status before and after,
//! without the reference model.

use super::account::{App, By, Device, Proof, Receipt, Seal};
use super::devices::DeviceInvariants;
use super::observed::{Call, Entry, Observation, View};
use super::request_invariants::Requests;
use super::rules::Rules;
use super::typed::{as_letters, read};
use super::world::Agreement;
use countersign::store::WriteKind;
use countersign::{AuthenticatorId, EnrollmentId, Rejection};
use std::collections::{BTreeMap, BTreeSet};

/// An enrollment that began, confirmed or not.
struct Begun {
    who: usize,
    id: EnrollmentId,
    app: App,
    replaces: Option<AuthenticatorId>,
    confirmed: bool,
}

/// A confirmed authenticator, and the time steps or counters that were accepted for it.
pub(crate) struct Confirmed {
    who: usize,
    pub(crate) app: App,
    pub(crate) steps: BTreeSet<u64>,
}

/// A right to store codes, for which a proof was accepted.
#[derive(Clone, Copy)]
struct Right {
    number: usize,
    granted_at: u64,
}

/// The times of limited actions. Each time is the number of seconds that the clock had gone
/// forward before the action.
#[derive(Clone, Default)]
struct Times(Vec<u64>);

/// The guesses that an account has made and may make.
#[derive(Clone, Copy)]
struct Guesses {
    made: u64,
    allowed: u64,
    /// The seconds that the clock went forward.
    seconds: u64,
}

pub(crate) struct Invariants {
    pub(crate) rules: Rules,
    begun: Vec<Begun>,
    pub(crate) confirmed: BTreeMap<AuthenticatorId, Confirmed>,
    /// The sets that were stored, with their numbers.
    sets: [Vec<(usize, Vec<String>)>; 2],
    /// The numbers of the current set and of the pending one.
    valid_sets: [[Option<usize>; 2]; 2],
    spent_codes: BTreeSet<(usize, usize, String)>,
    guesses: [Guesses; 2],
    /// The newest right, until it is used or the factor is disabled.
    rights: [Option<Right>; 2],
    issues: [Times; 2],
    beginnings: [Times; 2],
    requests: Requests,
    devices: DeviceInvariants,
}

impl Invariants {
    pub(crate) fn new(rules: &Rules) -> Self {
        let guesses = Guesses {
            made: 0,
            allowed: u64::from(rules.budget.0),
            seconds: 0,
        };
        Self {
            rules: rules.clone(),
            begun: Vec::new(),
            confirmed: BTreeMap::new(),
            sets: [Vec::new(), Vec::new()],
            valid_sets: [[None; 2]; 2],
            spent_codes: BTreeSet::new(),
            guesses: [guesses; 2],
            rights: [None; 2],
            issues: Default::default(),
            beginnings: Default::default(),
            requests: Requests::default(),
            devices: DeviceInvariants::default(),
        }
    }

    pub(crate) fn begun(
        &mut self,
        who: usize,
        id: EnrollmentId,
        app: App,
        replaces: Option<AuthenticatorId>,
    ) {
        self.begun.push(Begun {
            who,
            id,
            app,
            replaces,
            confirmed: false,
        });
    }

    pub(crate) fn moved(&mut self, seconds: i64) {
        for guesses in &mut self.guesses {
            guesses.seconds += u64::try_from(seconds).unwrap_or(0);
        }
    }

    pub(crate) fn check(&mut self, seen: &Observation<'_>) -> Agreement {
        let accepted = seen.answer.is_ok();
        let repeated = self.requests.check(seen)?;
        self.devices.check(seen)?;
        if let (true, false, Some(text)) = (accepted, seen.is_repeat, seen.call.attempt()) {
            self.spend(seen, text)?;
        }
        if let (true, Call::Row(texts)) = (accepted, seen.call) {
            self.spend_row(seen, texts)?;
        }
        if let Call::Store { right, codes } = seen.call {
            self.store(seen, *right)?;
            if accepted {
                let symbols = codes.codes.iter().map(|code| read(code).unwrap());
                self.sets[seen.who].push((codes.set, symbols.collect()));
                let [current, _] = self.valid_sets[seen.who];
                self.valid_sets[seen.who] = match codes.is_pending {
                    true => [current, Some(codes.set)],
                    false => [Some(codes.set), None],
                };
            }
        }
        self.check_ended_sets(seen)?;
        if let (true, Call::Confirm(id, text)) = (accepted, seen.call) {
            self.confirm(seen, *id, text)?;
        }
        if let (true, Call::ReadPending(id)) = (accepted, seen.call) {
            let newest = self.newest(seen.who);
            let pending = newest.is_some_and(|begun| begun.id == *id && !begun.confirmed);
            holds(5, pending, "the secret that was read is not pending")?;
        }
        self.limits_hold(seen)?;
        rejections_write_nothing(seen)?;
        self.failures_are_stored_first(seen, repeated)?;
        self.only_confirmed_ones_are_active(seen)?;
        self.changes_are_proven(seen)?;
        if !seen.after[seen.who].is_enabled() {
            self.valid_sets[seen.who] = [None; 2];
        }
        Ok(())
    }

    /// 1 and 2: an accepted code uses up a later time step or counter than ever before, or an
    /// unused backup code.
    fn spend(&mut self, seen: &Observation<'_>, text: &str) -> Agreement {
        let symbols = read(text).unwrap();
        let mut moved = Vec::new();
        for id in seen.before[seen.who].ids() {
            let confirmed = &self.confirmed[&id];
            let last = confirmed.steps.last().copied();
            let steps = self.matching(&confirmed.app, last, seen.now, &symbols);
            let confirmed = self.confirmed.get_mut(&id).unwrap();
            if steps.last() > confirmed.steps.last() {
                confirmed.steps.extend(steps.last());
                moved.push(id);
            }
        }
        if let Ok(Some(By::App(id))) = seen.answer {
            holds(
                1,
                moved.contains(id),
                "the accepted step or counter is not later",
            )?;
        }
        if !moved.is_empty() {
            return Ok(());
        }
        let symbols = match as_letters(&symbols, self.rules.code_length) {
            Some(symbols) if self.rules.code_letters => symbols,
            _ => symbols,
        };
        let valid = self.valid_sets[seen.who];
        let mut sets = self.sets[seen.who].iter().rev();
        let of = sets.find(|(set, codes)| valid.contains(&Some(*set)) && codes.contains(&symbols));
        let Some((set, _)) = of else {
            return holds(2, false, "the accepted code is in no valid set");
        };
        let set = *set;
        if let Ok(Some(By::Code { set: named, .. })) = seen.answer {
            holds(2, *named == set, "the answer names another code set")?;
        }
        if valid[1] == Some(set) {
            self.valid_sets[seen.who] = [Some(set), None];
        }
        let unused = self.spent_codes.insert((seen.who, set, symbols));
        holds(2, unused, "a backup code was accepted again")
    }

    /// 2: only a pending set can replace the current one, and only a pending set is discarded.
    fn check_ended_sets(&mut self, seen: &Observation<'_>) -> Agreement {
        let valid = &mut self.valid_sets[seen.who];
        let [current, pending] = *valid;
        match seen.call {
            Call::ConfirmSaved(set) if seen.answer.is_ok() => {
                let known = [current, pending].contains(&Some(*set));
                holds(2, known, "an ended set was confirmed")?;
                if pending == Some(*set) {
                    *valid = [pending, None];
                }
            }
            Call::Discard(set) if seen.answer.is_ok() => {
                holds(2, pending == Some(*set), "a valid set was discarded")?;
                *valid = [current, None];
            }
            _ => {}
        }
        Ok(())
    }

    /// 1 and 5: the confirming passcode counts as used, and the pending authenticator becomes
    /// active.
    fn confirm(&mut self, seen: &Observation<'_>, id: EnrollmentId, text: &str) -> Agreement {
        let Some(newest) = self.newest(seen.who).filter(|begun| begun.id == id) else {
            return holds(5, false, "the confirmed enrollment was not pending");
        };
        holds(5, !newest.confirmed, "an enrollment was confirmed again")?;
        let steps = self.matching(&newest.app, None, seen.now, &read(text).unwrap());
        holds(
            1,
            !steps.is_empty(),
            "a passcode of no time step confirmed an enrollment",
        )?;
        let Ok(Some(By::Enrollment(new))) = *seen.answer else {
            return holds(5, false, "the answer is not about an enrollment");
        };
        let (before, after) = (seen.before[seen.who].ids(), seen.after[seen.who].ids());
        let mut expected = before.clone();
        match newest
            .replaces
            .and_then(|old| before.iter().position(|id| *id == old))
        {
            Some(place) => expected[place] = new,
            None => expected.push(new),
        }
        holds(
            5,
            newest.replaces.is_none_or(|old| before.contains(&old)),
            "the replaced authenticator did not exist",
        )?;
        holds(5, after == expected, "confirming changed something else")?;
        let names = seen.after[seen.who].names();
        let distinct: BTreeSet<_> = names.iter().collect();
        holds(
            5,
            names.len() == distinct.len(),
            "two authenticators have the same name",
        )?;
        holds(
            5,
            !self.confirmed.contains_key(&new),
            "an id was used again",
        )?;
        let confirmed = Confirmed {
            who: seen.who,
            app: newest.app.clone(),
            steps: steps.last().copied().into_iter().collect(),
        };
        self.confirmed.insert(new, confirmed);
        let newest = self.begun.iter_mut().rfind(|begun| begun.who == seen.who);
        newest.unwrap().confirmed = true;
        Ok(())
    }

    /// 3: the verifier stores a failure before it answers, and before it computes the hash that
    /// decides. There are no more failures than the budget allows.
    /// Only a repeat of a counted request may store none.
    fn failures_are_stored_first(&mut self, seen: &Observation<'_>, repeated: bool) -> Agreement {
        let writes: Vec<WriteKind> = seen.journal.iter().filter_map(kind).collect();
        let guesses = &mut self.guesses[seen.who];
        match seen.call {
            // A device has ten failures in its life, whatever the budget is.
            Call::Remember(Some(_)) => guesses.allowed += 10,
            Call::Unlock if seen.answer.is_ok() => {
                guesses.allowed += u64::from(self.rules.budget.0.min(5));
            }
            Call::Erase => {
                guesses.made = 0;
            }
            _ => {}
        }
        let suspected =
            |entry: &&Entry| matches!(entry, Entry::Wrote(WriteKind::DeviceSuspected, _));
        let kinds = seen.journal.iter().filter(|entry| !suspected(entry));
        let kinds: Vec<Option<WriteKind>> = kinds.map(kind).collect();
        let counted_first = |before: Option<WriteKind>| {
            use WriteKind::{Issuing, Joined, Reserved};
            matches!(before, Some(Reserved | Joined | Issuing))
        };
        let mut before = None;
        for kind in kinds {
            holds(
                3,
                kind.is_some() || counted_first(before),
                "a hash was computed before the failure was stored",
            )?;
            before = kind;
        }
        // No wrong row of passcodes counts: the exception that the invariant names.
        let is_row = matches!(seen.call, Call::Row(_));
        if let (false, Err(Rejection::WrongCode | Rejection::BackupCodeUsed)) =
            (is_row, seen.answer)
        {
            let counted = matches!(writes[..], [WriteKind::Rejected | WriteKind::Reserved]);
            holds(
                3,
                counted || repeated,
                "a failure was answered but not stored",
            )?;
            guesses.made += u64::from(counted);
        }
        let refilled = guesses.seconds / self.rules.budget.1;
        holds(
            3,
            guesses.made <= guesses.allowed + refilled,
            "there were more guesses than the budget allows",
        )
    }

    /// 5: a pending authenticator is not active. Every active authenticator was confirmed on this
    /// account.
    fn only_confirmed_ones_are_active(&self, seen: &Observation<'_>) -> Agreement {
        for (who, view) in seen.after.iter().enumerate() {
            let confirmed = |id| {
                self.confirmed
                    .get(id)
                    .is_some_and(|active| active.who == who)
            };
            let all = view.ids().iter().all(confirmed);
            holds(5, all, "an active authenticator was never confirmed")?;
        }
        Ok(())
    }

    /// 9: every change has a valid proof in the same write, and nothing else changes.
    fn changes_are_proven(&self, seen: &Observation<'_>) -> Agreement {
        let other = 1 - seen.who;
        let untouched =
            matches!(seen.call, Call::Nothing) || seen.before[other] == seen.after[other];
        holds(9, untouched, "another account changed")?;
        let (before, after) = (&seen.before[seen.who], &seen.after[seen.who]);
        let accepted = seen.answer.is_ok();
        if let (true, Some(proof)) = (accepted, seen.call.proof()) {
            holds(9, self.proves(seen, proof), "an invalid proof was accepted")?;
            let changes = seen
                .journal
                .iter()
                .filter_map(kind)
                .filter(|kind| *kind != WriteKind::Reserved);
            holds(
                9,
                changes.count() == 1,
                "proof and change are not one write",
            )?;
        }
        let same_ids = before.ids() == after.ids();
        let [current, pending] = before.sets();
        let same_set = before.sets() == after.sets();
        // A code of the pending set ends the current one.
        let ended = pending.is_some() && after.sets() == [pending, None];
        let same_or_ended = same_set || ended;
        let allowed = match seen.call {
            _ if !accepted => same_ids && same_set,
            Call::Confirm(..) => same_set,
            Call::Store { codes, .. } if codes.is_pending => {
                same_ids && after.sets()[0] == current && current.is_some()
            }
            Call::Store { .. } => same_ids && after.sets()[1].is_none(),
            Call::ConfirmSaved(_) => same_ids && same_or_ended,
            Call::Discard(_) => same_ids && after.sets() == [current, None],
            Call::Remove(id, _) | Call::RemoveUnlessLast(id, _) => {
                let left: Vec<_> = before
                    .ids()
                    .into_iter()
                    .filter(|active| active != id)
                    .collect();
                let may_be_last = matches!(seen.call, Call::Remove(..));
                let same_rest = same_or_ended || (left.is_empty() && may_be_last);
                left == after.ids() && same_rest && (may_be_last || !left.is_empty())
            }
            Call::Disable(_) | Call::ForceDisable => *after == View::Disabled,
            Call::Erase => *after == View::Absent,
            Call::Begin(_) | Call::Grant(..) | Call::Verify(_) | Call::Request(_) => {
                same_ids && same_or_ended
            }
            Call::PasswordChanged => same_ids && after.sets() == [current, None],
            Call::ReadPending(_)
            | Call::Row(_)
            | Call::Remember(_)
            | Call::Trust
            | Call::ForgetDevices
            | Call::Unlock
            | Call::Nothing => same_ids && same_set,
        };
        holds(9, allowed, "the change is not the proven change")
    }

    fn proves(&self, seen: &Observation<'_>, proof: &Proof) -> bool {
        let fresh = |at: u64| {
            let (oldest, newest) = (seen.now - self.rules.proof_age, seen.now + 10);
            (oldest..=newest).contains(&at)
        };
        let before = &seen.before[seen.who];
        match proof {
            Proof::Password { checked_at } => !before.is_enabled() && fresh(*checked_at),
            Proof::Code(_) => true, // `spend` has checked the code
            Proof::Reauthenticated {
                checked_at,
                receipt: Receipt { who, at, by, seal },
            } => {
                let [set, _] = self.valid_sets[seen.who];
                let there = match by {
                    By::App(id) | By::Enrollment(id) => before.ids().contains(id),
                    By::Code { set: used, .. } => {
                        before.issued_at().is_some() && set == Some(*used)
                    }
                };
                let ours = *who == seen.who && *seal == Seal::Genuine;
                ours && there && fresh(*checked_at) && fresh(*at)
            }
        }
    }

    /// 9: codes are stored once, within a minute, by the newest right for which a proof was
    /// accepted.
    fn store(&mut self, seen: &Observation<'_>, number: usize) -> Agreement {
        let right = self.rights[seen.who].filter(|right| right.number == number);
        if seen.answer.is_err() {
            return Ok(());
        }
        self.rights[seen.who] = None;
        let good = right.is_some_and(|right| {
            seen.now <= right.granted_at + 60 && right.granted_at <= seen.now + 3600
        });
        holds(9, good, "codes were stored without a right")?;
        let granted_at = right.map(|right| right.granted_at);
        let is_pending = matches!(seen.call, Call::Store { codes, .. } if codes.is_pending);
        let issued_at = seen.after[seen.who].sets()[usize::from(is_pending)];
        holds(
            9,
            issued_at == granted_at,
            "the codes have another time than the right",
        )
    }

    /// At most three rights to issue codes per day, and at most ten new enrollments within ten
    /// minutes. Only the seconds that the clock went forward count: moving the clock back gains
    /// nothing.
    fn limits_hold(&mut self, seen: &Observation<'_>) -> Agreement {
        let who = seen.who;
        let elapsed = self.guesses[who].seconds;
        match (seen.call, seen.answer) {
            (Call::Grant(_, number), Ok(_)) => {
                self.rights[who] = Some(Right {
                    number: *number,
                    granted_at: seen.now,
                });
                let few = self.issues[who].add(elapsed, 3, 86_400);
                limit(few, "a fourth set of codes within a day")
            }
            (Call::Begin(_), Ok(_)) => {
                let few = self.beginnings[who].add(elapsed, 10, 600);
                limit(few, "an eleventh enrollment within ten minutes")
            }
            (Call::Confirm(..), Ok(_)) => {
                self.beginnings[who] = Times::default();
                Ok(())
            }
            (Call::Erase, _) => {
                self.rights[who] = None;
                self.issues[who] = Times::default();
                self.beginnings[who] = Times::default();
                Ok(())
            }
            _ => {
                if !seen.after[who].is_enabled() {
                    self.rights[who] = None;
                }
                Ok(())
            }
        }
    }

    fn newest(&self, who: usize) -> Option<&Begun> {
        self.begun.iter().rfind(|begun| begun.who == who)
    }

    /// The time steps of the window that have this passcode, in order. Or all counters up to the
    /// end of the look-ahead, including every used one.
    fn matching(&self, app: &App, last: Option<u64>, now: u64, symbols: &str) -> Vec<u64> {
        let candidates = match app.device {
            Device::Phone { period, .. } => {
                let (before, after) = self.rules.window;
                let current = now / period;
                current - before..=current + after
            }
            Device::Token(_) => {
                let look_ahead = u64::from(self.rules.tokens.unwrap_or_default());
                0..=last.map_or(look_ahead, |last| last + 1 + look_ahead)
            }
        };
        candidates
            .filter(|number| app.passcode(*number) == symbols)
            .collect()
    }
}

impl Times {
    /// Whether there were at most `most` actions within `span` seconds, including this action.
    fn add(&mut self, elapsed: u64, most: usize, span: u64) -> bool {
        self.0.retain(|before| before + span > elapsed);
        self.0.push(elapsed);
        self.0.len() <= most
    }
}

/// A rejection writes only a counted failure, or a used try of a pending enrollment.
fn rejections_write_nothing(seen: &Observation<'_>) -> Agreement {
    let writes = match seen.answer {
        Ok(_) => return Ok(()),
        Err(Rejection::WrongCode | Rejection::BackupCodeUsed) => seen.call.attempt().is_some(),
        Err(Rejection::WrongConfirmation { .. } | Rejection::EnrollmentExpired) => {
            matches!(seen.call, Call::Confirm(..))
        }
        Err(_) => false,
    };
    limit(
        writes || seen.journal.iter().all(|entry| kind(entry).is_none()),
        "a rejection wrote something",
    )
}

const fn kind(entry: &Entry) -> Option<WriteKind> {
    match entry {
        // The attempt follows as a stranger's.
        Entry::Wrote(WriteKind::DeviceSuspected, _) | Entry::Hashed => None,
        Entry::Wrote(kind, _) => Some(*kind),
    }
}

pub(crate) fn holds(number: u8, holds: bool, otherwise: &str) -> Agreement {
    if holds {
        return Ok(());
    }
    Err(format!("invariant {number}: {otherwise}"))
}

fn limit(holds: bool, otherwise: &str) -> Agreement {
    holds.then_some(()).ok_or_else(|| otherwise.to_owned())
}
