//! Known and trusted devices: the commands, what the reference answers, and what must hold.

use super::account::{self, By};
use super::command::{Pick, Receipt};
use super::observed::{Call, Entry, Observation, Recorded, View};
use super::rate_limit::Event;
use super::reference::{Outcome, Reference};
use super::typed::read;
use super::world::{Agreement, Called, World, answer_of, same};
use arbitrary::Arbitrary;
use countersign::store::WriteKind;
use countersign::testing::block_on;
use countersign::{Attempt, DeviceId, DeviceKind, DeviceLabel, DeviceToken, Rejection, Verifier};
use std::collections::BTreeMap;

/// A device of an account.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    trusted: bool,
    pub(crate) issued_at: u64,
    /// The number and the time of every accepted token.
    accepted: Vec<(u32, u64)>,
    /// When the device was issued, and when an accepted token was the first with its number.
    advanced: Vec<u64>,
    failures: u8,
}

/// A token of a device, as the browser sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    who: usize,
    pub(crate) id: DeviceId,
    number: u32,
    forged: bool,
}

/// A token that was returned before, to this account or the other.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Shown {
    Own(Pick),
    Foreign(Pick),
    /// One symbol of the tag is changed.
    Forged(Pick),
}

/// The device as the status shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceView {
    id: DeviceId,
    trusted: bool,
    issued_at: u64,
    last_used_at: Option<u64>,
    trusted_until: Option<u64>,
}

/// The next token that an answer carries.
pub(crate) type Next = Option<(DeviceId, u32)>;

/// What a token says about its device: nothing, the device is known, or there is a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Stranger,
    Known(u32),
    Overtaken,
}

impl Device {
    fn number(&self) -> u32 {
        self.accepted
            .iter()
            .map(|(number, _)| *number)
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn overtaken_until(&self) -> u64 {
        self.advanced.iter().max().unwrap() + 60
    }

    /// The clock of this server is right, so a time that lies ahead is wrong.
    pub(crate) fn reset_future_times(devices: &mut Vec<Self>, now: u64) {
        devices.retain(|device| device.issued_at <= now + 3600);
        for device in devices {
            device.issued_at = device.issued_at.min(now);
            let accepted = device.accepted.iter_mut().map(|(_, at)| at);
            for at in accepted.chain(&mut device.advanced) {
                *at = (*at).min(now);
            }
        }
    }

    const fn is_spent(&self) -> bool {
        self.failures >= 10
    }

    fn next(&self) -> (DeviceId, u32) {
        (self.id, self.number() + 1)
    }
}

impl World {
    pub(crate) fn remember(
        &mut self,
        verifier: &Verifier<Recorded>,
        receipt: Receipt,
        trusted: bool,
    ) -> Agreement<Called> {
        let Some((receipt, sealed)) = self.receipt(receipt) else {
            return Ok((Call::Nothing, Ok(None)));
        };
        let trusted = trusted && self.rules.devices.1 > 0;
        let kind = match trusted {
            true => DeviceKind::Trusted,
            false => DeviceKind::Known,
        };
        let account = &self.system.accounts[self.who];
        let label = DeviceLabel::fit("a browser");
        let got = verifier.remember_device(account, &sealed, label, kind);
        let got = answer_of(block_on(got))?;
        let expected = self.reference.remember(&receipt);
        let ids = got.as_ref().map(DeviceToken::id).map_err(|it| *it);
        same(
            &format!("remember by {receipt:?}"),
            &ids.map(|_| ()),
            &expected,
        )?;
        let call = Call::Remember(ids.ok());
        if let Ok(token) = got {
            let id = token.id();
            self.reference.remembered(id, trusted);
            self.keep_token(Some(token), Some((id, 1)))?;
        }
        Ok((call, expected.map(|()| None)))
    }

    /// A login on a device, with or without a request id.
    pub(crate) fn attempt_on(
        &mut self,
        verifier: &Verifier<Recorded>,
        token: Option<Token>,
        text: String,
    ) -> Agreement<Called> {
        let account = self.system.accounts[self.who].clone();
        let sent = self.sent(token);
        let attempt = Attempt::new(&text).device(sent.as_ref());
        let receipt = answer_of(block_on(verifier.verify_attempt(&account, attempt)))?;
        let next = receipt
            .as_ref()
            .ok()
            .and_then(|it| it.device_token().cloned());
        let expected = self.reference.verify_on(&text, token);
        let got = self.keep(verifier, receipt, &text)?;
        let what = format!("{text:?} on {token:?}");
        same(&what, &got, &expected.map(|(by, _)| by))?;
        self.keep_token(next, expected.ok().and_then(|(_, next)| next))?;
        Ok((Call::Verify(text), got.map(Some)))
    }

    pub(crate) fn trust(
        &mut self,
        verifier: &Verifier<Recorded>,
        token: Option<Token>,
    ) -> Agreement<Called> {
        let Some(sent) = self.sent(token) else {
            return Ok((Call::Nothing, Ok(None)));
        };
        let account = &self.system.accounts[self.who];
        let got = answer_of(block_on(verifier.trusted_device(account, &sent)))?;
        let expected = self.reference.trust(token);
        let what = format!("trust {token:?}");
        let by = expected.map(|_| ());
        same(&what, &got.as_ref().map(|_| ()).map_err(|it| *it), &by)?;
        if let Ok(trusted) = got {
            same("time", &trusted.at().as_unix(), &self.now)?;
            same("account", trusted.account(), account)?;
            let next = Some(trusted.device_token().clone());
            self.keep_token(next, expected.ok())?;
        }
        Ok((Call::Trust, by.map(|()| None)))
    }

    /// Forgets one device, or all.
    pub(crate) fn forget(
        &mut self,
        verifier: &Verifier<Recorded>,
        only: Option<Pick>,
    ) -> Agreement<Called> {
        let account = &self.system.accounts[self.who];
        let devices = self.reference.devices(self.who);
        let id = only.map(|pick| {
            let found = pick.of(devices).map(|device| device.id);
            found.unwrap_or_else(|| "00000000deadbeef".parse().unwrap())
        });
        let got = match id {
            Some(id) => block_on(verifier.forget_device(account, id)),
            None => block_on(verifier.forget_devices(account)),
        };
        let got = answer_of(got)?;
        let expected = self.reference.forget(id);
        same(&format!("forget {id:?}"), &got, &expected)?;
        let call = match id {
            Some(_) => Call::Nothing,
            None => Call::ForgetDevices,
        };
        Ok((call, got.map(|()| None)))
    }

    pub(crate) fn password_changed(&mut self, verifier: &Verifier<Recorded>) -> Agreement<Called> {
        let account = &self.system.accounts[self.who];
        let got = answer_of(block_on(verifier.password_changed(account)))?;
        let expected = self.reference.password_changed();
        same("password_changed", &got, &expected)?;
        Ok((Call::PasswordChanged, got.map(|()| None)))
    }

    /// The token that this command sends.
    pub(crate) fn token(&self, shown: Shown) -> Option<Token> {
        let (who, pick) = match shown {
            Shown::Own(pick) | Shown::Forged(pick) => (self.who, pick),
            Shown::Foreign(pick) => (1 - self.who, pick),
        };
        let (token, _) = pick.of(&self.known[who].tokens)?;
        Some(Token {
            forged: matches!(shown, Shown::Forged(..)),
            ..*token
        })
    }

    pub(crate) fn sent(&self, token: Option<Token>) -> Option<DeviceToken> {
        let token = token?;
        let known = self.known[token.who].tokens.iter();
        let mut known = known.filter(|(it, _)| (it.id, it.number) == (token.id, token.number));
        let (_, sent) = known.next()?;
        if !token.forged {
            return Some(sent.clone());
        }
        // Another symbol of the tag.
        let mut text = sent.expose().as_bytes().to_vec();
        let place = 20 + token.number as usize % 16;
        text[place] = if text[place] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).unwrap();
        Some(DeviceToken::parse(&text).unwrap())
    }

    /// Compares the token of an answer. Each number of a device has one token.
    pub(crate) fn keep_token(&mut self, got: Option<DeviceToken>, expected: Next) -> Agreement {
        let ids = got.as_ref().map(DeviceToken::id);
        same("device", &ids, &expected.map(|(id, _)| id))?;
        let (Some(token), Some((id, number))) = (got, expected) else {
            return Ok(());
        };
        let who = self.who;
        for (it, known) in &self.known[who].tokens {
            let is_same = (it.id, it.number) == (id, number);
            same("the token is known", &(*known == token), &is_same)?;
            if is_same {
                return Ok(());
            }
        }
        let known = Token {
            who,
            id,
            number,
            forged: false,
        };
        self.known[who].tokens.push((known, token));
        Ok(())
    }
}

impl Reference {
    pub(crate) fn devices(&self, who: usize) -> &[Device] {
        self.accounts[who]
            .as_ref()
            .map_or(&[], |account| &account.devices)
    }

    pub(crate) fn device_views(&self, who: usize) -> Vec<DeviceView> {
        let days = self.rules.devices.1;
        let counting = self.devices(who).iter().filter(|device| !device.is_spent());
        let view = |device: &Device| DeviceView {
            id: device.id,
            trusted: device.trusted,
            issued_at: device.issued_at,
            last_used_at: device.accepted.iter().map(|(_, at)| *at).max(),
            trusted_until: (device.trusted && days > 0)
                .then_some(device.issued_at + u64::from(days) * 86_400),
        };
        counting.map(view).collect()
    }

    /// Checks the receipt. [`remembered`](Self::remembered) makes the write.
    fn remember(&mut self, receipt: &account::Receipt) -> Outcome {
        match receipt.seal {
            account::Seal::Genuine => {}
            account::Seal::Foreign => return Err(Rejection::ForeignReceipt),
            account::Seal::Unknown => return Err(Rejection::ProofExpired),
        }
        self.must_be_enabled()?;
        if receipt.who != self.who {
            return Err(Rejection::ForeignReceipt);
        }
        let fresh = receipt.at <= self.now + 10 && self.now <= receipt.at + 300;
        fresh.then_some(()).ok_or(Rejection::ProofExpired)?;
        self.must_be_there(receipt.by)
    }

    fn remembered(&mut self, id: DeviceId, trusted: bool) {
        let (now, most) = (self.now, usize::from(self.rules.devices.0));
        let devices = &mut self.account().devices;
        devices.retain(|device| !device.is_spent());
        devices.push(Device {
            id,
            trusted,
            issued_at: now,
            accepted: Vec::new(),
            advanced: vec![now],
            failures: 0,
        });
        let surplus = devices.len().saturating_sub(most);
        devices.drain(..surplus);
        self.write(WriteKind::DeviceRemembered);
    }

    fn standing(&self, token: Option<Token>) -> Standing {
        let Some(token) = token.filter(|token| token.who == self.who && !token.forged) else {
            return Standing::Stranger;
        };
        let mut devices = self.devices(self.who).iter();
        let Some(device) = devices.find(|device| device.id == token.id) else {
            return Standing::Stranger;
        };
        let number = device.number();
        match token.number {
            it if it == number || it == number + 1 => Standing::Known(it),
            it if it < number && self.now > device.overtaken_until() => Standing::Overtaken,
            _ => Standing::Stranger,
        }
    }

    /// Looks at the token of an attempt. A token that was overtaken ends its device at once.
    pub(crate) fn present(&mut self, token: Option<Token>) {
        self.device = None;
        match (self.standing(token), token) {
            (Standing::Overtaken, Some(token)) => {
                self.account()
                    .devices
                    .retain(|device| device.id != token.id);
                self.write(WriteKind::DeviceSuspected);
            }
            (Standing::Known(_), Some(token)) => {
                let mut devices = self.devices(self.who).iter();
                let known = devices.find(|device| device.id == token.id && !device.is_spent());
                self.device = known.map(|device| device.id);
            }
            _ => {}
        }
    }

    /// The device of a token that counts, even if the device had all its failures.
    pub(crate) fn shown_device(&self, token: Option<Token>) -> Option<DeviceId> {
        let counts = matches!(self.standing(token), Standing::Known(_));
        token.filter(|_| counts).map(|token| token.id)
    }

    /// The known device that sent the current command.
    fn known(&mut self) -> Option<&mut Device> {
        let id = self.device?;
        let mut devices = self.account().devices.iter_mut();
        devices.find(|device| device.id == id)
    }

    /// Counts a failure: against a known device, or in the budget.
    pub(crate) fn count_failure(&mut self) {
        let at = self.now;
        let event = match self.known() {
            Some(device) => {
                device.failures += 1;
                Event::FailedOnDevice { at }
            }
            None => Event::Failed { at },
        };
        self.account().throttle.add(event);
    }

    /// The counted attempt was right.
    pub(crate) fn give_back(&mut self, by_device: bool) {
        let event = match by_device {
            true => Event::FailuresReset,
            false => Event::Refunded,
        };
        self.account().throttle.add(event);
        if let (true, Some(device)) = (by_device, self.known()) {
            device.failures -= 1;
        }
    }

    /// An accepted code uses the token, and the answer carries the next one.
    pub(crate) fn use_token(&mut self, token: Option<Token>) -> Next {
        let now = self.now;
        let token = token?;
        let device = self.known()?;
        if token.number > device.number() {
            device.advanced.push(now);
        }
        device.accepted.push((token.number, now));
        Some(device.next())
    }

    /// The next token, for a repeat.
    pub(crate) fn next_token(&mut self) -> Next {
        self.known().map(|device| device.next())
    }

    fn verify_on(&mut self, text: &str, token: Option<Token>) -> Outcome<(By, Next)> {
        read(text).ok_or(Rejection::Malformed)?;
        self.present(token);
        let by = self.attempt(text)?;
        let next = self.use_token(token);
        self.write(WriteKind::Accepted);
        Ok((by, next))
    }

    fn trust(&mut self, token: Option<Token>) -> Outcome<(DeviceId, u32)> {
        self.must_be_enabled()?;
        self.present(token);
        let days = self.rules.devices.1;
        let now = self.now;
        let device = self.known().ok_or(Rejection::UnknownDevice)?;
        let until = device.issued_at + u64::from(days) * 86_400;
        let is_recent = device.issued_at <= now + 10 && now <= until;
        if !device.trusted || days == 0 || !is_recent {
            return Err(Rejection::DeviceNotTrusted);
        }
        let next = self.use_token(token);
        self.write(WriteKind::DeviceTrusted);
        next.ok_or(Rejection::UnknownDevice)
    }

    fn forget(&mut self, only: Option<DeviceId>) -> Outcome {
        if only.is_some() {
            self.must_exist()?;
        }
        let before = self.devices(self.who).len();
        if before == 0 {
            return only.map_or(Ok(()), |_| Err(Rejection::UnknownDevice));
        }
        let devices = &mut self.account().devices;
        devices.retain(|device| only.is_some_and(|id| id != device.id));
        if devices.len() == before {
            return Err(Rejection::UnknownDevice);
        }
        self.write(WriteKind::DevicesForgotten);
        Ok(())
    }

    fn password_changed(&mut self) -> Outcome {
        let Some(account) = &mut self.accounts[self.who] else {
            return Ok(());
        };
        let ends = [
            account.pending.take().is_some(),
            account.pending_set.take().is_some(),
            account.right.take().is_some(),
            !std::mem::take(&mut account.devices).is_empty(),
        ];
        if ends.contains(&true) {
            self.write(WriteKind::PasswordChanged);
        }
        Ok(())
    }

    /// A write drops the devices that had all their failures, unless one of them waits for a hash.
    pub(crate) fn drop_spent_devices(&mut self, kind: WriteKind) {
        use WriteKind::{Joined, Resealed, Reserved};
        if !matches!(kind, Joined | Resealed | Reserved) {
            self.account().devices.retain(|device| !device.is_spent());
        }
    }
}

/// What must hold for devices, without the reference model.
#[derive(Default)]
pub(crate) struct DeviceInvariants {
    /// The failures of each device that was ever remembered.
    failures: BTreeMap<DeviceId, u8>,
}

impl DeviceInvariants {
    pub(crate) fn check(&mut self, seen: &Observation<'_>) -> Agreement {
        let [before, after] = [seen.before, seen.after].map(|views| ids(&views[seen.who]));
        let new = match seen.call {
            Call::Remember(id) => *id,
            _ => None,
        };
        let added = after.iter().filter(|id| !before.contains(id)).copied();
        let added: Vec<_> = added.collect();
        holds(added.iter().all(|id| Some(*id) == new), "a device appeared")?;
        if let Some(id) = new {
            holds(!self.failures.contains_key(&id), "an id was used again")?;
            holds(after.last() == Some(&id), "the new device is not there")?;
            self.failures.insert(id, 0);
        }
        let ends_all = match seen.call {
            Call::Remove(..)
            | Call::Disable(_)
            | Call::ForceDisable
            | Call::ForgetDevices
            | Call::PasswordChanged => seen.answer.is_ok(),
            Call::Confirm(..) => {
                let [before, after] = [seen.before, seen.after].map(|views| views[seen.who].ids());
                before.iter().any(|id| !after.contains(id))
            }
            _ => false,
        };
        holds(!ends_all || after.is_empty(), "a device did not end")?;
        let kinds = || {
            seen.journal.iter().filter_map(|entry| match entry {
                Entry::Wrote(kind, _) => Some(*kind),
                Entry::Hashed => None,
            })
        };
        if let Some(id) = seen.device {
            let suspected = kinds().any(|kind| kind == WriteKind::DeviceSuspected);
            holds(
                !suspected || !after.contains(&id),
                "the device of a copy is still known",
            )?;
            let counted = kinds().any(|kind| kind == WriteKind::Rejected);
            let stays = before.contains(&id) && after.contains(&id);
            if counted && stays && seen.on_known_device {
                let failures = self.failures.entry(id).or_default();
                *failures += 1;
                holds(
                    *failures < 10,
                    "a device had ten failures and is still known",
                )?;
            }
        }
        let trusted = kinds().any(|kind| kind == WriteKind::DeviceTrusted);
        holds(
            trusted == (matches!(seen.call, Call::Trust) && seen.answer.is_ok()),
            "a trusted sign-in and its write do not belong together",
        )
    }
}

fn ids(view: &View) -> Vec<DeviceId> {
    match view {
        View::Enabled { devices, .. } => devices.iter().map(|device| device.id).collect(),
        View::Absent | View::Disabled => Vec::new(),
    }
}

impl DeviceView {
    pub(crate) fn of(device: &countersign::factor::DeviceStatus) -> Self {
        Self {
            id: device.id,
            trusted: device.kind == DeviceKind::Trusted,
            issued_at: device.issued_at.as_unix(),
            last_used_at: device.last_used_at.map(|at| at.as_unix()),
            trusted_until: device.trusted_until.map(|at| at.as_unix()),
        }
    }
}

fn holds(holds: bool, otherwise: &str) -> Agreement {
    holds
        .then_some(())
        .ok_or_else(|| format!("devices: {otherwise}"))
}
