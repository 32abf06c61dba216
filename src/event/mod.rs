//! Events: what became true of an account's second factor, one event for each conditional write.
//!
//! Use events to mail the owner, to fill a security log, and to tell other services. Two places
//! give you an event:
//!
//! - [`ConditionalWrite::event`](crate::store::ConditionalWrite::event): your store writes the
//!   event into an outbox table, in the transaction of the record. The key of the table is the
//!   event's id, so each event is there **exactly once**.
//! - [`VerifierBuilder::on_event`](crate::VerifierBuilder::on_event): the verifier calls your
//!   function **at most once** for each event.
//!
//! The chapter `guide::events` shows both, and lists every event type with its fields.
//!
//! ```
//! use countersign::event::{Event, EventType, Limit};
//!
//! /// The subject of the mail to the owner, or `None` if there is nothing to tell.
//! fn subject(event: &Event<'_>) -> Option<&'static str> {
//!     match event.event_type {
//!         EventType::CredentialChange => Some("Your sign-in settings changed"),
//!         EventType::Rejected if event.limit == Some(Limit::Locked) => Some("Sign-in is locked"),
//!         EventType::Accepted if event.codes_low => Some("You have few backup codes left"),
//!         _ => None,
//!     }
//! }
//! # let _ = subject;
//! ```
//!
//! # Needs
//!
//! The feature `verifier`. With `serde`, an event has a JSON form, and an application can read it
//! back. With `tracing`, each stored event is also a `tracing` event with the same field names.

pub(crate) mod actor;
mod kinds;

pub use actor::ActorError;
pub use kinds::{
    ChangeDirection, ChangeType, CodeSource, CredentialType, EventType, InitiatingEntity, Limit,
};

use crate::ids::Revision;
use crate::{
    AccountId, Actor, AuthenticatorId, AuthenticatorName, DeviceId, DeviceLabel, Timestamp,
};
use alloc::borrow::Cow;

/// What one conditional write made true of an account.
///
/// The account and the revision together are the event's id. A write that is sent again carries the
/// same event. Names of fields and types come from `OpenID` CAEP and RISC where one fits.
///
/// An event never contains a secret, a code, a token or a digest. The texts in it are the account
/// id, the name of an authenticator, the label of a device, and the texts of an [`Actor`].
///
/// In JSON, a field that is `None` or `false` is left out, and the revision is a decimal text:
/// JavaScript numbers have 53 bits. A later version may add fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Event<'a> {
    /// The account.
    pub account: Cow<'a, AccountId>,
    /// The revision of the write. With the account, it is the event's id.
    #[cfg_attr(feature = "serde", serde(with = "revision_text"))]
    pub revision: Revision,
    /// The time of the server that decided (CAEP).
    pub event_timestamp: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// Who began it (CAEP).
    pub initiating_entity: InitiatingEntity,
    /// Who acted without a proof, and why.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub actor: Option<Cow<'a, Actor>>,
    /// How the credential changed (CAEP). Only for [`EventType::CredentialChange`].
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub change_type: Option<ChangeType>,
    /// What changed (CAEP). Only for [`EventType::CredentialChange`] and
    /// [`EventType::CredentialCompromise`].
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub credential_type: Option<CredentialType>,
    /// The authenticator that the event is about, if there is exactly one.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub authenticator: Option<AuthenticatorId>,
    /// The user's name for that authenticator (CAEP).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub friendly_name: Option<Cow<'a, AuthenticatorName>>,
    /// The authenticator that the new one replaced.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub replaced: Option<AuthenticatorId>,
    /// Whether this write switched the second factor on or off (CAEP, assurance level change).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub change_direction: Option<ChangeDirection>,
    /// The authenticator or backup code whose code was accepted, at a sign-in or as a proof.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub accepted_by: Option<CodeSource>,
    /// How far the clock of the user's phone is off, in seconds, as
    /// [`Receipt::clock_offset`](crate::Receipt::clock_offset) says. `None` for a HOTP passcode and
    /// a backup code.
    ///
    /// At [`EventType::Rejected`] and [`EventType::CodeReserved`], it means that the code is only
    /// too old (negative) or too early. `None` if the code is no passcode of these minutes.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub clock_offset: Option<i32>,
    /// How many counters the wrong passcode of a HOTP authenticator is after the next one.
    /// Negative if it is before.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub counter_offset: Option<i16>,
    /// Whether the code was typed at a sign-in, after your check of the first factor.
    ///
    /// [`EventType::Rejected`] with `true` means: the password was right and the code was wrong.
    /// The owner mistyped, or somebody else knows the password.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub after_first_factor: bool,
    /// The consecutive failures: those that an accepted code ended, or those so far, with this one.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub failures: Option<u32>,
    /// The limit that this failure brought, or that held already if a known device failed.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub limit: Option<Limit>,
    /// How long that limit lasts, in whole seconds. `None` for a lock-out.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub retry_after: Option<u64>,
    /// The limit that held until this write, and ended with it.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub limit_ended: Option<Limit>,
    /// How many authenticators are active after the write. `None` after an erasure.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub authenticators_left: Option<u8>,
    /// How many backup codes are unused after the write. `None` without a set.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub codes_left: Option<u8>,
    /// Whether this write used up a backup code and at most [`LOW_CODES`](Self::LOW_CODES) are
    /// left. Ask the user to issue a new set.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub codes_low: bool,
    /// Whether a set of backup codes is pending next to the current one after the write.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub codes_pending: bool,
    /// Whether this write ended the old set of backup codes: the user has saved the pending set, or
    /// used one of its codes.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub codes_confirmed: bool,
    /// The device that the write is about, or whose code or failure it counts. `None` for a device
    /// that the account does not know.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub device: Option<DeviceId>,
    /// Your label of that device, unless the write ended the device.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub device_label: Option<Cow<'a, DeviceLabel>>,
    /// Whether that device was remembered as one that signs in without a code.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_false"))]
    pub device_trusted: bool,
    /// How many devices the account knows after the write. `None` if it knew none before, either.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub devices_left: Option<u8>,
}

impl<'a> Event<'a> {
    /// [`codes_low`](Self::codes_low) is set from this number of unused backup codes down.
    pub const LOW_CODES: u8 = 3;

    /// An event with no fields but those that every event has.
    pub(crate) const fn new(
        account: &'a AccountId,
        revision: Revision,
        event_timestamp: Timestamp,
        event_type: EventType,
        initiating_entity: InitiatingEntity,
    ) -> Self {
        Self {
            account: Cow::Borrowed(account),
            revision,
            event_timestamp,
            event_type,
            initiating_entity,
            actor: None,
            change_type: None,
            credential_type: None,
            authenticator: None,
            friendly_name: None,
            replaced: None,
            change_direction: None,
            accepted_by: None,
            clock_offset: None,
            counter_offset: None,
            after_first_factor: false,
            failures: None,
            limit: None,
            retry_after: None,
            limit_ended: None,
            authenticators_left: None,
            codes_left: None,
            codes_low: false,
            codes_pending: false,
            codes_confirmed: false,
            device: None,
            device_label: None,
            device_trusted: false,
            devices_left: None,
        }
    }

    /// Returns the event with texts of its own, to keep it or to send it to a thread.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            account: Cow::Owned(self.account.into_owned()),
            actor: self.actor.map(|actor| Cow::Owned(actor.into_owned())),
            friendly_name: self.friendly_name.map(|name| Cow::Owned(name.into_owned())),
            device_label: self
                .device_label
                .map(|label| Cow::Owned(label.into_owned())),
            ..self
        }
    }
}

#[cfg(feature = "serde")]
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A revision as decimal text.
#[cfg(feature = "serde")]
mod revision_text {
    use crate::ids::Revision;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(super) fn serialize<S: Serializer>(revision: &Revision, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&revision.as_i64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Revision, D::Error> {
        let text = String::deserialize(d)?;
        let number = text.parse().map_err(de::Error::custom)?;
        Revision::from_i64(number).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field has a type that is listed here, and no listed type can hold a secret, a code, a
    /// token or a digest: numbers, flags, fixed words, random ids, and the four bounded texts that
    /// your application or its user chose. A new field does not compile until it is listed.
    #[test]
    fn no_field_can_hold_a_secret() {
        trait Harmless {}
        impl Harmless for Cow<'_, AccountId> {}
        impl Harmless for Cow<'_, Actor> {}
        impl Harmless for Cow<'_, AuthenticatorName> {}
        impl Harmless for Cow<'_, DeviceLabel> {}
        impl Harmless for Revision {}
        impl Harmless for Timestamp {}
        impl Harmless for AuthenticatorId {}
        impl Harmless for DeviceId {}
        impl Harmless for EventType {}
        impl Harmless for InitiatingEntity {}
        impl Harmless for ChangeType {}
        impl Harmless for CredentialType {}
        impl Harmless for ChangeDirection {}
        impl Harmless for CodeSource {}
        impl Harmless for Limit {}
        impl Harmless for bool {}
        impl Harmless for u8 {}
        impl Harmless for u32 {}
        impl Harmless for i16 {}
        impl Harmless for i32 {}
        impl Harmless for u64 {}
        impl<T: Harmless> Harmless for Option<T> {}
        const fn harmless<T: Harmless>(_: &T) {}

        let account = AccountId::from(1_u32);
        let revision = Revision::from_i64(1).unwrap();
        let (at, user) = (Timestamp::UNIX_EPOCH, InitiatingEntity::User);
        let Event {
            account,
            revision,
            event_timestamp,
            event_type,
            initiating_entity,
            actor,
            change_type,
            credential_type,
            authenticator,
            friendly_name,
            replaced,
            change_direction,
            accepted_by,
            clock_offset,
            counter_offset,
            after_first_factor,
            failures,
            limit,
            retry_after,
            limit_ended,
            authenticators_left,
            codes_left,
            codes_low,
            codes_pending,
            codes_confirmed,
            device,
            device_label,
            device_trusted,
            devices_left,
        } = Event::new(&account, revision, at, EventType::Accepted, user);
        harmless(&account);
        harmless(&revision);
        harmless(&event_timestamp);
        harmless(&event_type);
        harmless(&initiating_entity);
        harmless(&actor);
        harmless(&change_type);
        harmless(&credential_type);
        harmless(&authenticator);
        harmless(&friendly_name);
        harmless(&replaced);
        harmless(&change_direction);
        harmless(&accepted_by);
        harmless(&clock_offset);
        harmless(&counter_offset);
        harmless(&after_first_factor);
        harmless(&failures);
        harmless(&limit);
        harmless(&retry_after);
        harmless(&limit_ended);
        harmless(&authenticators_left);
        harmless(&codes_left);
        harmless(&codes_low);
        harmless(&codes_pending);
        harmless(&codes_confirmed);
        harmless(&device);
        harmless(&device_label);
        harmless(&device_trusted);
        harmless(&devices_left);
    }

    #[test]
    fn an_event_is_sent_to_another_thread() {
        fn is_sendable<T: Send + Sync + 'static>() {}
        is_sendable::<Event<'static>>();
    }
}
