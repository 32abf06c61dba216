//! Known and trusted devices: the operations of the clients, and what may follow.
//!
//! The clients send any token that was ever returned: the newest one, one whose successor got lost,
//! a stolen copy, or one of a device that ended.

use crate::checker::Checker;
use crate::entry::Charge;
use crate::operation::{Operation, Shown};
use crate::rules::{CLOCK_FAULT, DEVICE_FAILURES, DEVICES, LATE, RECEIPT_AGE, SKEW, TRUSTED_DAYS};
use crate::stores::Database;
use crate::world::World;
use countersign::store::WriteKind;
use countersign::{DeviceToken, Timestamp};
use data_encoding::BASE64URL_NOPAD;

/// A device of the reference model.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// The operation that made it known.
    pub(crate) by: usize,
    trusted: bool,
    issued_at: u64,
    number: u32,
    advanced_at: u64,
    failures: u8,
}

impl Device {
    const fn is_spent(&self) -> bool {
        self.failures >= DEVICE_FAILURES
    }

    /// A confirmed clock is right, so this sets future times to now. It drops the devices that were
    /// remembered more than an hour ahead.
    pub(crate) fn reset_future_times(devices: &mut Vec<Self>, now: u64) {
        devices.retain(|device| device.issued_at <= now + CLOCK_FAULT);
        for device in devices {
            device.issued_at = now.min(device.issued_at);
            device.advanced_at = now.min(device.advanced_at);
        }
    }
}

/// A token that a client got.
#[derive(Clone)]
pub(crate) struct SeenToken {
    pub(crate) token: DeviceToken,
    /// The operation that made the device known.
    by: usize,
    number: u32,
}

enum Standing {
    Stranger,
    Known,
    Overtaken,
}

/// The number in the token.
fn number_of(token: &DeviceToken) -> u32 {
    let bytes = BASE64URL_NOPAD.decode(token.expose().as_bytes()).unwrap();
    u32::from_be_bytes(bytes[8..12].try_into().unwrap())
}

impl<D: Database> World<D> {
    /// One of the tokens, more often a new one.
    pub(crate) fn device(&self) -> Option<usize> {
        let checker = self.checker.lock().unwrap();
        let count = checker.tokens.len();
        match self.decisions.pick(3) {
            0 => Some(self.decisions.pick(count.max(1))),
            _ => count.checked_sub(1 + self.decisions.pick(2)),
        }
        .filter(|token| *token < count)
    }

    /// An operation with a device, if there is one.
    pub(crate) fn device_operation(&self, server: usize) -> Option<Operation> {
        match self.decisions.pick(10) {
            0..5 => match self.receipt(server)? {
                Shown::Receipt { kept, altered, .. } => Some(Operation::Remember {
                    kept,
                    altered,
                    trusted: self.decisions.pick(2) == 0,
                }),
                _ => None,
            },
            5..8 => self.device().map(|token| Operation::Trust { token }),
            8 => Some(Operation::ForgetDevices),
            _ => Some(Operation::PasswordChanged),
        }
    }
}

impl Checker {
    /// The place of the device among the devices of the account, and what the token says.
    fn standing(&self, token: usize, at: Timestamp) -> (usize, Standing) {
        let SeenToken { by, number, .. } = &self.tokens[token];
        let devices = &self.reference.devices;
        let Some(place) = devices.iter().position(|device| device.by == *by) else {
            return (0, Standing::Stranger);
        };
        let device = &devices[place];
        let standing = match *number {
            number if number < device.number && at.as_unix() > device.advanced_at + LATE => {
                Standing::Overtaken
            }
            number if number == device.number || number == device.number + 1 => Standing::Known,
            _ => Standing::Stranger,
        };
        (place, standing)
    }

    /// The known device of an operation, unless it had all its failures.
    pub(crate) fn known_device(&self, by: usize, at: Timestamp) -> Option<usize> {
        let token = self.entries[by].operation.device()?;
        let (place, standing) = self.standing(token, at);
        let known = matches!(standing, Standing::Known);
        (known && !self.reference.devices[place].is_spent()).then_some(place)
    }

    /// A failure of a known device takes no guess of the budget.
    pub(crate) fn charge(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        let charge = match self.known_device(by, at) {
            Some(place) => {
                self.coverage.count("device: a failure");
                let device = &mut self.reference.devices[place];
                device.failures += 1;
                let by = device.by;
                self.throttle()?.fail_on_device(at);
                Charge::Device(Some(by))
            }
            None => {
                self.throttle()?.fail(at);
                Charge::Budget
            }
        };
        self.entries[by].charge = charge;
        Ok(())
    }

    /// A repeat joins the attempt of another operation.
    pub(crate) fn joins_charge(&mut self, by: usize, of: usize, at: Timestamp) {
        // The first call may have counted the last failure of the device.
        let known = self.entries[by].operation.device().and_then(|token| {
            let (place, standing) = self.standing(token, at);
            let known = matches!(standing, Standing::Known);
            known.then(|| self.reference.devices[place].by)
        });
        self.entries[by].charge = match self.entries[of].charge {
            Charge::Budget => Charge::Budget,
            Charge::Device(_) => Charge::Device(known),
        };
    }

    /// The code that was counted as a failure is right.
    pub(crate) fn refund(&mut self, by: usize) -> Result<(), String> {
        match self.entries[by].charge {
            Charge::Budget => self.throttle()?.refund(),
            Charge::Device(device) => {
                self.throttle()?.succeed();
                let mut devices = self.reference.devices.iter_mut();
                if let Some(device) = devices.find(|it| Some(it.by) == device) {
                    device.failures -= 1;
                }
            }
        }
        Ok(())
    }

    /// An accepted code, or a trusted sign-in, uses the token.
    pub(crate) fn use_token(&mut self, by: usize, at: Timestamp) {
        self.entries[by].next = None;
        let (Some(place), Some(token)) = (
            self.known_device(by, at),
            self.entries[by].operation.device(),
        ) else {
            return;
        };
        let number = self.tokens[token].number;
        let device = &mut self.reference.devices[place];
        if number > device.number {
            device.number = number;
            device.advanced_at = device.advanced_at.max(at.as_unix());
        }
        self.entries[by].next = Some((device.by, device.number + 1));
        self.coverage.count("device: accepted");
    }

    pub(crate) fn apply_to_devices(
        &mut self,
        by: usize,
        kind: WriteKind,
        at: Timestamp,
    ) -> Result<(), String> {
        let operation = self.entries[by].operation.clone();
        match (kind, &operation) {
            (
                WriteKind::DeviceRemembered,
                Operation::Remember {
                    kept,
                    altered,
                    trusted,
                },
            ) => {
                if *altered || self.reference.authenticators == 0 {
                    return Err("the receipt was altered, or nothing is active".into());
                }
                let (then, now) = (kept.at.as_unix(), at.as_unix());
                if then > now + SKEW || now > then + RECEIPT_AGE {
                    return Err("the receipt is too old".into());
                }
                self.still_proves(by, kept)?;
                self.succeed_once(by)?;
                let devices = &mut self.reference.devices;
                devices.retain(|device| !device.is_spent() && device.by != by);
                devices.push(Device {
                    by,
                    trusted: *trusted,
                    issued_at: now,
                    number: 0,
                    advanced_at: now,
                    failures: 0,
                });
                let surplus = devices.len().saturating_sub(DEVICES);
                devices.drain(..surplus);
                self.entries[by].next = Some((by, 1));
                Ok(())
            }
            (WriteKind::DeviceSuspected, _) => {
                let token = operation.device().ok_or("the operation has no token")?;
                let (place, standing) = self.standing(token, at);
                if !matches!(standing, Standing::Overtaken) {
                    return Err("the token was not overtaken".into());
                }
                self.reference.devices.remove(place);
                self.coverage.count("device: suspected");
                Ok(())
            }
            (WriteKind::DeviceTrusted, Operation::Trust { .. }) => {
                let place = self.known_device(by, at).ok_or("the device is not known")?;
                let device = &self.reference.devices[place];
                let (issued, now) = (device.issued_at, at.as_unix());
                let is_recent = issued <= now + SKEW && now <= issued + TRUSTED_DAYS * 86_400;
                if !device.trusted || !is_recent || self.reference.authenticators == 0 {
                    return Err("the device is not trusted".into());
                }
                self.succeed_once(by)?;
                self.use_token(by, at);
                Ok(())
            }
            (WriteKind::DevicesForgotten, Operation::ForgetDevices) => {
                self.reference.devices.clear();
                Ok(())
            }
            (WriteKind::PasswordChanged, Operation::PasswordChanged) => {
                self.reference.devices.clear();
                self.reference.pending = None;
                self.reference.pending_codes = None;
                self.reference.right = None;
                Ok(())
            }
            _ => Err(format!("{operation:?} must not write this")),
        }
    }

    /// A write drops the devices that had all their failures, unless one waits for a hash.
    pub(crate) fn drop_spent_devices(&mut self, kind: WriteKind) {
        use WriteKind::{Joined, Resealed, Reserved};
        if !matches!(kind, Joined | Resealed | Reserved) {
            self.reference.devices.retain(|device| !device.is_spent());
        }
    }

    /// The devices that the status shows.
    pub(crate) fn counting_devices(&self) -> usize {
        let devices = self.reference.devices.iter();
        devices.filter(|device| !device.is_spent()).count()
    }

    /// Checks the token of an answer. Whatever was lost or sent again, one number of one device has
    /// one token.
    pub(crate) fn got_token(&mut self, by: usize, got: Option<&DeviceToken>, is_repeat: bool) {
        let got = got.map(|token| (token.clone(), number_of(token)));
        let shown = self.entries[by].operation.device();
        let shown = shown.map(|token| (self.tokens[token].by, self.tokens[token].number));
        let agrees = match (&got, shown, self.entries[by].next) {
            (Some((_, number)), Some((_, sent)), _) if is_repeat => {
                (sent..=sent + 1).contains(number)
            }
            (None, _, _) if is_repeat => true,
            (Some((_, number)), _, Some((_, next))) => *number == next,
            (None, _, None) => true,
            _ => false,
        };
        if !agrees {
            self.violated(format!("#{by} got the token {got:?} of {shown:?}"));
        }
        let device = match self.entries[by].next {
            Some((device, _)) => Some(device),
            None => shown.map(|(device, _)| device),
        };
        let (Some((token, number)), Some(device)) = (got, device) else {
            return;
        };
        for seen in &self.tokens {
            let same = (seen.by, seen.number) == (device, number);
            if (seen.token == token) != same {
                self.violated(format!("#{by} got a token that has another number"));
                return;
            }
        }
        let by = device;
        self.tokens.push(SeenToken { token, by, number });
    }

    fn succeed_once(&mut self, by: usize) -> Result<(), String> {
        let entry = &self.entries[by];
        if let Some(number) = entry.proven_at
            && !self.is_forgotten(entry, number)
            // A late creation can land again after the record was erased.
            && self.erased_at < number
        {
            return Err("the operation succeeded before".into());
        }
        let entry = &mut self.entries[by];
        (entry.proven_at, entry.succeeded_at) = (Some(self.writes), Some(self.writes));
        Ok(())
    }
}
