//! The event of a conditional write: what the states before and after the write, and the answer of
//! the decision, say about it.
//!
//! Decisions make no events. So a decision cannot forget an event, and each write has exactly one.

use super::verifier::Core;
use crate::event::{
    ChangeDirection, ChangeType, CodeSource, CredentialType, Event, EventType, InitiatingEntity,
    Limit,
};
use crate::factor::{
    Accepted, Changed, CodeOffset, Device, FormAccepted, IssuedSet, RateLimitState, SecondFactor,
};
use crate::ids::Revision;
use crate::store::WriteKind;
use crate::{
    AcceptedBy, AccountId, Actor, DeviceId, DeviceToken, Policy, Rejection, Timestamp, Trusted,
};
use alloc::borrow::Cow;

/// What the answer of a decision says about its write.
pub(super) trait Facts {
    /// Whether the call is a sign-in: the application checked the first factor before.
    const SIGNS_IN: bool = false;
    /// Who begins such a call, unless an actor does.
    const ENTITY: InitiatingEntity = InitiatingEntity::User;

    /// What accepted the code of the call.
    fn accepted_by(&self) -> Option<AcceptedBy> {
        None
    }

    /// The device of the call, if the account knows it.
    fn device(&self) -> Option<DeviceId> {
        None
    }
}

impl Facts for () {}

impl Facts for IssuedSet {}

impl Facts for Accepted {
    const SIGNS_IN: bool = true;

    fn accepted_by(&self) -> Option<AcceptedBy> {
        Some(self.by)
    }
}

impl Facts for FormAccepted {
    const SIGNS_IN: bool = true;

    fn accepted_by(&self) -> Option<AcceptedBy> {
        Some(self.accepted.by)
    }

    fn device(&self) -> Option<DeviceId> {
        self.token.as_ref().map(DeviceToken::id)
    }
}

impl Facts for DeviceToken {
    fn device(&self) -> Option<DeviceId> {
        Some(self.id())
    }
}

impl Facts for Trusted {
    fn device(&self) -> Option<DeviceId> {
        Some(self.device_token().id())
    }
}

impl Facts for Changed {
    fn accepted_by(&self) -> Option<AcceptedBy> {
        self.by
    }
}

/// What an event needs to know of the state before the write.
#[derive(Clone, Copy)]
pub(super) struct Before {
    is_enabled: bool,
    has_codes: bool,
    has_pending_codes: bool,
    failures: u32,
    limit: RateLimitState,
    devices: usize,
    /// The device that the call names, and its failures.
    device: Option<(DeviceId, u8)>,
}

impl Before {
    pub(super) fn of(
        factor: Option<&SecondFactor>,
        device: Option<DeviceId>,
        now: Timestamp,
        policy: &Policy,
    ) -> Self {
        Self {
            is_enabled: factor.is_some_and(SecondFactor::is_enabled),
            has_codes: factor.is_some_and(|factor| factor.code_set.is_some()),
            has_pending_codes: factor.is_some_and(|factor| factor.pending_codes.is_some()),
            failures: factor.map_or(0, |factor| factor.rate_limit.failures),
            limit: factor.map_or(RateLimitState::Free, |factor| {
                factor.rate_limit.state(now, policy)
            }),
            devices: factor.map_or(0, |factor| factor.devices.count()),
            device: factor.zip(device).and_then(|(factor, id)| {
                let device = factor.devices.get(id).filter(|device| !device.is_spent())?;
                Some((id, device.failures))
            }),
        }
    }

    /// The device that the call names, if the write ended it or counted a failure against it.
    fn device_in_trouble(&self, after: &SecondFactor) -> Option<DeviceId> {
        let (id, failures) = self.device?;
        let now = after.devices.get(id).map(|device| device.failures);
        (now != Some(failures)).then_some(id)
    }
}

/// One conditional write whose event is to be made.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) account: &'a AccountId,
    pub(super) revision: Revision,
    pub(super) kind: WriteKind,
    pub(super) actor: Option<&'a Actor>,
    pub(super) now: Timestamp,
    pub(super) before: Before,
    pub(super) after: &'a SecondFactor,
}

/// What the answer says, whatever its type is.
#[derive(Clone, Copy)]
pub(super) struct Answered {
    pub(super) signs_in: bool,
    pub(super) entity: InitiatingEntity,
    pub(super) accepted_by: Option<AcceptedBy>,
    pub(super) device: Option<DeviceId>,
    pub(super) rejection: Option<Rejection>,
    /// What the search for a code of another time found.
    pub(super) wrong_code: Option<CodeOffset>,
}

impl<'a> Writing<'a> {
    /// The event, or `None` for a write that changes nothing that a user would notice.
    pub(super) fn event(self, answered: Answered, policy: &Policy) -> Option<Event<'a>> {
        let Self { before, after, .. } = self;
        let event_type = self.event_type(answered.rejection)?;
        let entity = match self.actor {
            Some(_) => InitiatingEntity::Admin,
            None => answered.entity,
        };
        let mut event = Event::new(self.account, self.revision, self.now, event_type, entity);
        event.actor = self.actor.map(Cow::Borrowed);
        event.authenticators_left = Some(small(after.authenticators.len()));
        event.codes_left = after.code_set.as_ref().map(|set| small(set.remaining()));
        event.codes_pending = after.pending_codes.is_some();
        event.codes_confirmed = before.has_pending_codes
            && !event.codes_pending
            && after.code_set.is_some()
            && (self.kind == WriteKind::CodesConfirmed
                || matches!(answered.accepted_by, Some(AcceptedBy::BackupCode { .. })));
        event.change_direction = match (before.is_enabled, after.is_enabled()) {
            (false, true) => Some(ChangeDirection::Increase),
            (true, false) => Some(ChangeDirection::Decrease),
            _ => None,
        };
        if before.limit != RateLimitState::Free
            && after.rate_limit.state(self.now, policy) == RateLimitState::Free
        {
            event.limit_ended = limit(before.limit).map(|(limit, _)| limit);
        }
        if let Some(by) = answered.accepted_by {
            self.add_accepted(&mut event, by);
        }
        if before.devices > 0 || answered.device.is_some() {
            self.add_devices(&mut event, answered.device);
        }
        match self.kind {
            WriteKind::Rejected | WriteKind::Reserved => {
                event.after_first_factor = answered.signs_in;
                event.failures = Some(after.rate_limit.failures);
                match answered.wrong_code {
                    Some(CodeOffset::Seconds(ahead)) => event.clock_offset = Some(ahead),
                    Some(CodeOffset::Counters(ahead)) => event.counter_offset = Some(ahead),
                    None => {}
                }
                if let Some((limit, retry_after)) = limit(after.rate_limit.state(self.now, policy))
                {
                    event.limit = Some(limit);
                    event.retry_after = retry_after;
                }
            }
            WriteKind::Accepted | WriteKind::DeviceTrusted => event.after_first_factor = true,
            WriteKind::Unlocked => event.failures = Some(before.failures),
            WriteKind::Enrolling => self.add_pending(&mut event),
            _ => self.add_credential(&mut event, answered.accepted_by),
        }
        Some(event)
    }

    fn event_type(&self, rejection: Option<Rejection>) -> Option<EventType> {
        Some(match self.kind {
            WriteKind::Enrolling => match rejection {
                Some(Rejection::EnrollmentExpired) => EventType::EnrollmentExpired,
                Some(_) => EventType::EnrollmentRejected,
                None if self.after.pending.is_some() => EventType::EnrollmentBegun,
                None => EventType::ImportBegun,
            },
            WriteKind::Enrolled
            | WriteKind::Removed
            | WriteKind::Disabled
            | WriteKind::Issued
            | WriteKind::IssuedPending
            | WriteKind::CodesConfirmed
            | WriteKind::DeviceRemembered
            | WriteKind::DevicesForgotten
            | WriteKind::PasswordChanged => EventType::CredentialChange,
            WriteKind::DeviceTrusted => EventType::DeviceAccepted,
            WriteKind::DeviceSuspected => EventType::CredentialCompromise,
            WriteKind::CodesDiscarded => EventType::PendingCodesDiscarded,
            WriteKind::Reserved => EventType::CodeReserved,
            WriteKind::Accepted => EventType::Accepted,
            WriteKind::Rejected => EventType::Rejected,
            WriteKind::Issuing => EventType::IssueGranted,
            WriteKind::Unlocked => EventType::Unlocked,
            WriteKind::Erased => EventType::AccountPurged,
            WriteKind::Joined | WriteKind::Resealed => return None,
        })
    }

    fn add_accepted(&self, event: &mut Event<'a>, by: AcceptedBy) {
        let (source, counted_first) = match by {
            AcceptedBy::Authenticator { id } | AcceptedBy::Enrollment { id } => {
                event.clock_offset = self.after.accepted(by, self.now).clock_offset;
                (CodeSource::Authenticator(id), 0)
            }
            AcceptedBy::BackupCode { number, .. } => {
                event.codes_low = event
                    .codes_left
                    .is_some_and(|left| left <= Event::LOW_CODES);
                // The attempt was counted as a failure before its hash was computed.
                (CodeSource::BackupCode(number), 1)
            }
        };
        event.accepted_by = Some(source);
        if !matches!(by, AcceptedBy::Enrollment { .. }) {
            event.failures = Some(self.before.failures.saturating_sub(counted_first));
        }
    }

    #[cold]
    fn add_devices(&self, event: &mut Event<'a>, device: Option<DeviceId>) {
        let devices = &self.after.devices;
        event.devices_left = Some(small(devices.count()));
        event.device = device.or_else(|| self.before.device_in_trouble(self.after));
        let known = event.device.and_then(|id| devices.get(id));
        event.device_label = known.map(|device| Cow::Borrowed(&device.label));
        event.device_trusted = known.is_some_and(Device::is_for_trust);
    }

    fn add_pending(&self, event: &mut Event<'a>) {
        if let Some(pending) = &self.after.pending {
            event.authenticator = Some(pending.authenticator_id);
            event.friendly_name = Some(Cow::Borrowed(&pending.name));
            event.replaced = pending.replaces;
        }
    }

    fn add_credential(&self, event: &mut Event<'a>, accepted_by: Option<AcceptedBy>) {
        let ended = self.after.just_ended();
        let change_type = match self.kind {
            WriteKind::Enrolled => {
                let confirmed = match accepted_by {
                    Some(AcceptedBy::Enrollment { id }) => Some(id),
                    _ => None,
                };
                let mut active = self.after.authenticators.iter();
                let new = match (confirmed, self.after.authenticators.as_slice()) {
                    (Some(id), _) => active.find(|active| active.id == id),
                    (None, [only]) => Some(only),
                    (None, _) => None,
                };
                event.authenticator = new.map(|new| new.id);
                event.friendly_name = new.map(|new| Cow::Borrowed(&new.name));
                event.replaced = ended.first().map(|replaced| replaced.id);
                match ended {
                    [] => ChangeType::Create,
                    _ => ChangeType::Update,
                }
            }
            WriteKind::Removed | WriteKind::Disabled => {
                if let [only] = ended {
                    event.authenticator = Some(only.id);
                    event.friendly_name = Some(Cow::Borrowed(&only.name));
                }
                match self.actor {
                    Some(_) => ChangeType::Revoke,
                    None => ChangeType::Delete,
                }
            }
            WriteKind::Issued if self.before.has_codes => ChangeType::Update,
            WriteKind::Issued | WriteKind::IssuedPending => ChangeType::Create,
            WriteKind::CodesConfirmed | WriteKind::PasswordChanged => ChangeType::Update,
            WriteKind::DeviceRemembered => ChangeType::Create,
            WriteKind::DevicesForgotten => ChangeType::Delete,
            WriteKind::DeviceSuspected => {
                event.credential_type = Some(CredentialType::Device);
                return;
            }
            _ => return,
        };
        event.change_type = Some(change_type);
        event.credential_type = Some(match self.kind {
            WriteKind::Issued | WriteKind::IssuedPending | WriteKind::CodesConfirmed => {
                CredentialType::BackupCodes
            }
            WriteKind::DeviceRemembered | WriteKind::DevicesForgotten => CredentialType::Device,
            WriteKind::PasswordChanged => CredentialType::Password,
            _ => CredentialType::App,
        });
    }
}

/// The limit in an event, and how many seconds it lasts.
fn limit(state: RateLimitState) -> Option<(Limit, Option<u64>)> {
    Some(match state {
        RateLimitState::Free => return None,
        RateLimitState::Waiting { retry_after } => (Limit::Waiting, Some(retry_after.as_secs())),
        RateLimitState::BudgetSpent { retry_after } => {
            (Limit::BudgetSpent, Some(retry_after.as_secs()))
        }
        RateLimitState::Locked => (Limit::Locked, None),
        RateLimitState::ClockFault => (Limit::ClockFault, None),
    })
}

fn small(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

impl Core {
    /// Tells an event whose write is stored.
    pub(super) fn tell(&self, event: &Event<'_>) {
        #[cfg(feature = "tracing")]
        trace(event);
        if let Some(listener) = &self.on_event {
            listener(event);
        }
    }
}

/// Emits a stored event with the field names of [`Event`]. A field without a value is left out.
#[cfg(feature = "tracing")]
fn trace(event: &Event<'_>) {
    tracing::info!(
        target: "countersign::event",
        account = event.account.as_str(),
        revision = event.revision.as_i64(),
        event_timestamp = event.event_timestamp.as_unix(),
        event_type = event.event_type.as_str(),
        initiating_entity = event.initiating_entity.as_str(),
        actor.who = event.actor.as_ref().map(|actor| actor.who()),
        actor.why = event.actor.as_ref().map(|actor| actor.why()),
        change_type = event.change_type.map(ChangeType::as_str),
        credential_type = event.credential_type.map(CredentialType::as_str),
        authenticator = event.authenticator.map(display),
        friendly_name = event.friendly_name.as_ref().map(|name| name.as_str()),
        replaced = event.replaced.map(display),
        change_direction = event.change_direction.map(ChangeDirection::as_str),
        accepted_by = event.accepted_by.map(display),
        clock_offset = event.clock_offset,
        counter_offset = event.counter_offset,
        after_first_factor = event.after_first_factor.then_some(true),
        failures = event.failures,
        limit = event.limit.map(Limit::as_str),
        retry_after = event.retry_after,
        limit_ended = event.limit_ended.map(Limit::as_str),
        authenticators_left = event.authenticators_left,
        codes_left = event.codes_left,
        codes_low = event.codes_low.then_some(true),
        codes_pending = event.codes_pending.then_some(true),
        codes_confirmed = event.codes_confirmed.then_some(true),
        device = event.device.map(display),
        device_label = event.device_label.as_ref().map(|label| label.as_str()),
        device_trusted = event.device_trusted.then_some(true),
        devices_left = event.devices_left,
        "stored"
    );
}
