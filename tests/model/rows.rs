//! Consecutive passcodes: the commands, what the reference answers, and what must hold.

use super::account::{App, By, Device};
use super::attempt::is_later;
use super::command::Pick;
use super::invariants::{Invariants, holds};
use super::observed::{Call, Observation, Recorded};
use super::rate_limit::Event;
use super::reference::{Outcome, Reference};
use super::typed::{MISSHAPEN, are_digits, read};
use super::world::{Agreement, Called, World, answer_of, same};
use arbitrary::{Arbitrary, Unstructured};
use countersign::factor::RateLimitState;
use countersign::store::WriteKind;
use countersign::testing::block_on;
use countersign::{Rejection, Verifier};

/// Passcodes of consecutive time steps or counters.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) struct Row {
    pub(crate) pick: Pick,
    /// The first one, from now or from the next counter.
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-24..=105))]
    pub(crate) first: i64,
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=5))]
    pub(crate) count: u8,
    pub(crate) flaw: Flaw,
}

/// What is wrong with a row. An index is taken modulo the length of the row.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Flaw {
    None,
    /// One passcode is wrong.
    Wrong(u8),
    /// The first passcode comes last.
    Rotated,
    /// One passcode comes from this authenticator.
    Other(u8, Pick),
    /// One text is no passcode.
    Misshapen(u8, u8),
}

/// HOTP: the row has four passcodes, and begins at most this far after the next counter.
const AHEAD: u64 = 100;

impl World {
    /// Calls the system and the reference, and compares the answers.
    pub(crate) fn row(&mut self, verifier: &Verifier<Recorded>, row: Row) -> Agreement<Called> {
        let texts = self.texts(row);
        let account = self.system.accounts[self.who].clone();
        let typed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let receipt = answer_of(block_on(verifier.verify_consecutive(&account, &typed)))?;
        let expected = self.reference.row(&typed);
        let got = self.keep(verifier, receipt, texts.last().unwrap())?;
        same(&format!("verify_consecutive {texts:?}"), &got, &expected)?;
        Ok((Call::Row(texts), got.map(Some)))
    }

    fn texts(&self, row: Row) -> Vec<String> {
        let numbers = row.first..row.first + i64::from(row.count);
        let mut texts: Vec<String> = numbers.map(|number| self.shown(row.pick, number)).collect();
        let place = |place: u8| usize::from(place) % usize::from(row.count);
        match row.flaw {
            Flaw::None => {}
            Flaw::Wrong(at) => {
                texts[place(at)] = format!("{:0>1$}", 1, usize::from(self.rules.digits));
            }
            Flaw::Rotated => texts.rotate_left(1),
            Flaw::Other(at, pick) => {
                let at = place(at);
                let number = row.first + i64::try_from(at).unwrap();
                texts[at] = self.shown(pick, number);
            }
            Flaw::Misshapen(at, which) => {
                let which = usize::from(which) % MISSHAPEN.len();
                texts[place(at)] = MISSHAPEN[which].to_owned();
            }
        }
        texts
    }

    /// The passcode of an active authenticator, or zeros if there is none.
    fn shown(&self, pick: Pick, offset: i64) -> String {
        let Some(active) = pick.of(self.reference.active(self.who)) else {
            return "0".repeat(usize::from(self.rules.digits));
        };
        let from = match active.app.device {
            Device::Phone { period, .. } => self.now / period,
            Device::Token(_) => active.used().map_or(0, |used| used + 1),
        };
        active.app.passcode(from.saturating_add_signed(offset))
    }
}

impl Reference {
    fn row(&mut self, texts: &[&str]) -> Outcome<By> {
        let (fewest, _, unlocks) = self.rules.row;
        let count = texts.len();
        if count < usize::from(fewest) || count > 4 {
            return Err(Rejection::Malformed);
        }
        let typed: Option<Vec<String>> = texts.iter().map(|text| read(text)).collect();
        let typed = typed.ok_or(Rejection::Malformed)?;
        self.must_be_enabled()?;
        let now = self.now;
        let locked = self.account().throttle.rate_limit(now) == RateLimitState::Locked;
        if locked && !(count == 4 && unlocks) {
            return Err(Rejection::Locked);
        }
        if !typed
            .iter()
            .all(|typed| are_digits(typed, self.rules.digits))
        {
            return Err(Rejection::Malformed);
        }
        let mut accepted_by = None;
        let mut rejection = Rejection::WrongCode;
        for place in 0..self.active(self.who).len() {
            let active = &self.active(self.who)[place];
            let (id, used) = (active.id, active.used());
            let rows = rows_of(&self.rules, &active.app, used, now, &typed);
            if !rows.is_empty() {
                rejection = self.replayed(&active.app, used);
            }
            let later = rows.into_iter().rfind(|first| is_later(*first, used));
            if let Some(first) = later {
                accepted_by = accepted_by.or(Some(By::App(id)));
                let last = first + typed.len() as u64 - 1;
                self.account().active[place].accepted.push((last, now));
            }
        }
        let Some(by) = accepted_by else {
            return Err(rejection);
        };
        self.account().throttle.add(Event::Row { at: now });
        self.write(WriteKind::Accepted);
        Ok(by)
    }
}

/// The first number of each row that matches, in order. For a token, also of used rows.
fn rows_of(
    rules: &super::Rules,
    app: &App,
    used: Option<u64>,
    now: u64,
    typed: &[String],
) -> Vec<u64> {
    let count = typed.len() as u64;
    let firsts = match app.device {
        Device::Phone { period, .. } => {
            let reach = rules.row.1.min(600 / period);
            let current = now / period;
            current - reach..=current + reach + 1 - count
        }
        Device::Token(_) if count == 4 => {
            let next = used.map_or(0, |used| used + 1);
            next.saturating_sub(count)..=next + AHEAD
        }
        Device::Token(_) => return Vec::new(),
    };
    let matches = |first: &u64| {
        let shown = (*first..).map(|number| app.passcode(number));
        shown.zip(typed).all(|(shown, typed)| shown == *typed)
    };
    firsts.filter(matches).collect()
}

impl Invariants {
    /// 1: an accepted row uses up later time steps or counters than ever before.
    pub(crate) fn spend_row(&mut self, seen: &Observation<'_>, texts: &[String]) -> Agreement {
        let typed: Vec<String> = texts.iter().map(|text| read(text).unwrap()).collect();
        let mut moved = Vec::new();
        for id in seen.before[seen.who].ids() {
            let confirmed = self.confirmed.get_mut(&id).unwrap();
            let used = confirmed.steps.last().copied();
            let rows = rows_of(&self.rules, &confirmed.app, used, seen.now, &typed);
            if let Some(first) = rows.into_iter().rfind(|first| Some(*first) > used) {
                confirmed.steps.extend(first..first + typed.len() as u64);
                moved.push(id);
            }
        }
        let accepted = matches!(seen.answer, Ok(Some(By::App(id))) if moved.contains(id));
        holds(1, accepted, "the accepted row is not later")?;
        holds(
            1,
            typed.len() >= 3,
            "fewer than three passcodes were accepted",
        )
    }
}
