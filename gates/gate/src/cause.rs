//! The notices of the events in an outbox.

use countersign::event::{
    ChangeDirection, ChangeType, CodeSource, CredentialType, Event, EventType,
};
use countersign::session::SecondFactorUse;
use countersign::{AccountId, FirstFactorKind};
use serde::{Deserialize, Serialize};

use crate::notice::{Client, Notice, What};
use crate::sign_ins::RowsOfRequest;

/// The request that made a write, for an outbox: what the event of the write does not say.
///
/// In JSON, a field without a value is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cause {
    /// The browser or program that sent the request.
    #[serde(flatten)]
    pub client: Client,
    /// The first factor, if the request would sign somebody in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_factor: Option<FirstFactorKind>,
}

impl RowsOfRequest {
    /// Returns what to store with the event of a write to this account.
    #[must_use]
    pub fn cause(&self, account: &AccountId) -> Cause {
        let new = self.new.as_ref().filter(|new| new.account() == account);
        Cause {
            client: self.client.clone(),
            first_factor: new.map(|new| new.first_factor),
        }
    }
}

impl Notice {
    /// Makes the notices of an account's events, for a list that its owner reads. Both begin with
    /// the latest.
    ///
    /// An event that an owner need not know has no notice, for example the beginning of an
    /// enrollment. A code that was counted and then accepted as a backup code is no wrong code.
    /// `SignedIn` with [`SecondFactorUse::None`] comes from no event: that sign-in writes no
    /// record.
    pub fn of_events<'a>(latest: impl IntoIterator<Item = (Event<'a>, Cause)>) -> Vec<Self> {
        let mut accepted = 0_usize;
        let mut notices = Vec::new();
        for (event, cause) in latest {
            if let Some(CodeSource::BackupCode(_)) = event.accepted_by {
                accepted = accepted.saturating_add(1);
            } else if event.event_type == EventType::CodeReserved && accepted > 0 {
                accepted = accepted.saturating_sub(1);
                continue;
            }
            let confirmed = event.codes_confirmed.then_some(What::BackupCodesConfirmed);
            let whats = [confirmed, backup_code(&event), what(&event, &cause)];
            notices.extend(whats.into_iter().flatten().map(|what| Self {
                what,
                at: event.event_timestamp,
                client: cause.client.clone(),
                actor: event.actor.as_deref().cloned(),
            }));
        }
        notices
    }
}

fn backup_code(event: &Event<'_>) -> Option<What> {
    match event.accepted_by {
        Some(CodeSource::BackupCode(number)) => Some(What::BackupCodeUsed {
            number,
            remaining: event.codes_left?,
        }),
        _ => None,
    }
}

fn what(event: &Event<'_>, cause: &Cause) -> Option<What> {
    let name = || event.friendly_name.as_ref().map(|name| name.to_string());
    Some(match event.event_type {
        EventType::Accepted => What::SignedIn {
            first: cause.first_factor?,
            second: match event.accepted_by? {
                CodeSource::Authenticator(_) => SecondFactorUse::Passcode,
                CodeSource::BackupCode(_) => SecondFactorUse::BackupCode,
                _ => return None,
            },
        },
        EventType::DeviceAccepted => What::SignedIn {
            first: cause.first_factor?,
            second: SecondFactorUse::TrustedDevice,
        },
        EventType::CredentialCompromise => What::BrowserSuspected,
        EventType::Rejected | EventType::CodeReserved => What::WrongCode,
        EventType::Unlocked => What::Unlocked,
        EventType::PendingCodesDiscarded => What::BackupCodesDiscarded,
        EventType::CredentialChange => match (event.credential_type?, event.change_direction) {
            (CredentialType::BackupCodes, _) if event.codes_confirmed => return None,
            (CredentialType::BackupCodes, _) => What::BackupCodesIssued {
                pending: event.codes_pending,
            },
            (CredentialType::Device, _) if event.device_trusted => What::BrowserTrusted {
                label: event.device_label.as_ref()?.to_string(),
            },
            (CredentialType::App, Some(ChangeDirection::Increase)) => What::Enabled,
            (CredentialType::App, Some(ChangeDirection::Decrease)) => What::Disabled,
            (CredentialType::App, _) => match event.change_type? {
                ChangeType::Create => What::Added { name: name()? },
                ChangeType::Update => What::Replaced { name: name()? },
                ChangeType::Delete | ChangeType::Revoke => What::Removed { name: name()? },
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign::factor::TrustedDevices;
    use countersign::store::MemoryStore;
    use countersign::testing::{ManualClock, Phone, block_on};
    use countersign::{
        Actor, AuthenticatorName, DeviceKind, DeviceLabel, EnrollmentRequest, KeyId, Keyring,
        Policy, Proof, SealingKey, ServerClock, Timestamp, Verifier,
    };
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    #[test]
    fn a_cause_has_a_short_json_form() {
        let cause = Cause {
            client: Client::new(None, Some("192.0.2.7".to_owned())),
            first_factor: Some(FirstFactorKind::Passkey),
        };
        let text = serde_json::to_string(&cause).unwrap();
        assert_eq!(text, r#"{"address":"192.0.2.7","first_factor":"passkey"}"#);
        assert_eq!(serde_json::from_str::<Cause>(&text).unwrap(), cause);
        let nothing = serde_json::to_string(&Cause::default()).unwrap();
        assert_eq!(nothing, "{}");
        assert_eq!(
            serde_json::from_str::<Cause>("{}").unwrap(),
            Cause::default()
        );
    }

    /// A browser is trusted, signs in twice, and shows its first token again.
    fn trust_a_browser(verifier: &Verifier<MemoryStore>, clock: &ManualClock, code: &str) {
        let alice = AccountId::new("alice").unwrap();
        let receipt = block_on(verifier.verify(&alice, code)).unwrap();
        let receipt = verifier.seal_receipt(&receipt);
        let (label, kind) = (DeviceLabel::fit("Firefox (Linux)"), DeviceKind::Trusted);
        let remembered = verifier.remember_device(&alice, &receipt, label, kind);
        let first = block_on(remembered).unwrap();
        let trusted = block_on(verifier.trusted_device(&alice, &first)).unwrap();
        let _again = block_on(verifier.trusted_device(&alice, trusted.device_token())).unwrap();
        clock.advance(Duration::from_mins(2));
        block_on(verifier.trusted_device(&alice, &first)).unwrap_err();
    }

    /// A year in the life of an account, as its owner reads it.
    #[test]
    fn events_make_the_notices_of_an_owner() {
        let events = Arc::new(Mutex::new(Vec::new()));
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        let listener = Arc::clone(&events);
        let policy = Policy::builder().trusted_devices(TrustedDevices::Days(30));
        let verifier = Verifier::builder(MemoryStore::new(), keyring, "Example")
            .clock(clock.clone())
            .policy(policy.build().unwrap())
            .on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
            .build()
            .unwrap();
        let alice = AccountId::new("alice").unwrap();
        let enroll = |request: EnrollmentRequest, proof: Proof<'_>| {
            let enrollment = block_on(verifier.begin_enrollment(&alice, request, proof)).unwrap();
            let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
            let shown = phone.passcode(clock.now());
            let confirmed = verifier.confirm_enrollment(&alice, enrollment.id(), &shown);
            let _receipt = block_on(confirmed).unwrap();
            phone
        };
        let password = Proof::Password {
            checked_at: clock.now(),
        };
        let phone = enroll(EnrollmentRequest::new("alice"), password);
        let next = || {
            clock.advance(Duration::from_hours(24));
            phone.passcode(clock.now())
        };
        let codes = block_on(verifier.issue_backup_codes(&alice, Proof::Code(&next()))).unwrap();
        let mut codes = codes.iter();
        let first = codes.next().unwrap().to_owned();
        let second = codes.next().unwrap().to_owned();
        block_on(verifier.verify(&alice, "00000000")).unwrap_err();
        let _receipt = block_on(verifier.verify(&alice, &first)).unwrap();
        let _receipt = block_on(verifier.verify(&alice, &next())).unwrap();
        trust_a_browser(&verifier, &clock, &next());
        enroll(
            EnrollmentRequest::new("alice")
                .authenticator_name(AuthenticatorName::new("tablet").unwrap()),
            Proof::Code(&second),
        );
        let staff = Actor::new("staff/7", "she called").unwrap();
        let unlocked = verifier.unlock(&alice, ServerClock::Unconfirmed, &staff);
        block_on(unlocked).unwrap();
        let _removed = block_on(verifier.disable(&alice, Proof::Code(&next()))).unwrap();

        let cause = Cause {
            first_factor: Some(FirstFactorKind::Password),
            ..Cause::default()
        };
        let events = events.lock().unwrap().clone();
        let latest = events
            .iter()
            .rev()
            .map(|event| (event.clone(), cause.clone()));
        let mut notices = Notice::of_events(latest);
        notices.reverse();
        let signed_in = |second| What::SignedIn {
            first: FirstFactorKind::Password,
            second,
        };
        let used = |number| What::BackupCodeUsed {
            number,
            remaining: 10 - number,
        };
        let expected = [
            What::Enabled,
            What::BackupCodesIssued { pending: false },
            What::WrongCode,
            signed_in(SecondFactorUse::BackupCode),
            used(1),
            signed_in(SecondFactorUse::Passcode),
            signed_in(SecondFactorUse::Passcode),
            What::BrowserTrusted {
                label: "Firefox (Linux)".to_owned(),
            },
            signed_in(SecondFactorUse::TrustedDevice),
            signed_in(SecondFactorUse::TrustedDevice),
            What::BrowserSuspected,
            used(2),
            What::Added {
                name: "tablet".to_owned(),
            },
            What::Unlocked,
            What::Disabled,
        ];
        let whats: Vec<_> = notices.iter().map(|notice| notice.what.clone()).collect();
        assert_eq!(whats, expected);
        let actors = notices.iter().filter_map(|notice| notice.actor.as_ref());
        assert_eq!(actors.collect::<Vec<_>>(), [&staff]);

        let unknown = events.iter().map(|event| (event.clone(), Cause::default()));
        let is_sign_in = |notice: &Notice| matches!(notice.what, What::SignedIn { .. });
        assert!(!Notice::of_events(unknown).iter().any(is_sign_in));
    }
}
