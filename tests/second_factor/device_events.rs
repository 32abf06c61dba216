//! The events of devices, and what a vigilance hears about them.

use crate::devices::{LABEL, trusting};
use crate::events::told_under;
use crate::vigilance::enrolled_days_ago;
use crate::world::{DAY, policy, rejection};
use countersign::event::{ChangeType, CredentialType, EventType};
use countersign::store::MemoryStore;
use countersign::testing::block_on;
use countersign::{DeviceKind, Rejection};

#[test]
fn a_remembered_device_has_an_event() {
    let told = told_under(MemoryStore::new(), trusting());
    let phone = told.world.enroll();
    let receipt = told.world.log_in(&phone);
    assert_eq!(told.take().pop().unwrap().devices_left, None);
    let token = told.world.remember(&receipt, DeviceKind::Trusted).unwrap();
    let event = told.only();
    assert_eq!(event.event_type, EventType::CredentialChange);
    assert_eq!(event.change_type, Some(ChangeType::Create));
    assert_eq!(event.credential_type, Some(CredentialType::Device));
    assert_eq!(event.device, Some(token.id()));
    assert_eq!(event.device_label.unwrap().as_str(), LABEL);
    assert!(event.device_trusted);
    assert_eq!(event.devices_left, Some(1));

    let _trusted = told.world.trusted(&token).unwrap();
    let event = told.only();
    assert_eq!(event.event_type, EventType::DeviceAccepted);
    assert!(event.after_first_factor && event.device_trusted);
    assert_eq!(event.device, Some(token.id()));
    assert_eq!(event.accepted_by, None, "no code was accepted");
}

#[test]
fn the_event_of_an_attempt_names_its_device() {
    let told = told_under(MemoryStore::new(), policy().build().unwrap());
    let phone = told.world.enroll();
    let token = told.world.device(&phone);
    let codes = told.world.issue(&phone);
    told.take();
    let wrong = told.world.wrong(&phone);
    // The device is forgotten with its tenth failure, and the event names it still.
    for failures in 1..=10 {
        assert!(told.world.attempt(&wrong, &token).is_err());
        let event = told.only();
        assert_eq!(event.event_type, EventType::Rejected);
        assert_eq!(event.device, Some(token.id()), "{failures}");
        assert_eq!(event.devices_left, Some(u8::from(failures < 10)));
    }
    told.world.clock.advance(DAY);
    assert!(told.world.attempt(&wrong, &token).is_err());
    assert_eq!(told.only().device, None, "a stranger");

    told.world.clock.advance(DAY);
    let token = told.world.device(&phone);
    told.take();
    let _receipt = told.world.attempt(&codes[0], &token).unwrap();
    let events = told.take();
    let [reserved, accepted] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(reserved.event_type, EventType::CodeReserved);
    assert_eq!(accepted.event_type, EventType::Accepted);
    assert_eq!([reserved.device, accepted.device], [Some(token.id()); 2]);
    let _next = told.world.next(&phone, &token);
    let event = told.only();
    assert_eq!(event.device, Some(token.id()));
    assert_eq!(event.device_label.unwrap().as_str(), LABEL);
}

#[test]
fn a_copied_token_is_a_compromised_credential() {
    let told = told_under(MemoryStore::new(), policy().build().unwrap());
    let phone = told.world.enroll();
    let stolen = told.world.device(&phone);
    let next = told.world.next(&phone, &stolen);
    let _newest = told.world.next(&phone, &next);
    told.world.clock.advance(DAY);
    told.take();
    assert!(
        told.world
            .attempt(&told.world.wrong(&phone), &stolen)
            .is_err()
    );
    let events = told.take();
    let [suspected, rejected] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(suspected.event_type, EventType::CredentialCompromise);
    assert_eq!(suspected.credential_type, Some(CredentialType::Device));
    assert_eq!(suspected.change_type, None);
    assert_eq!(suspected.device, Some(stolen.id()));
    assert_eq!(suspected.devices_left, Some(0));
    assert_eq!(rejected.device, None, "a stranger");
}

#[test]
fn the_end_of_devices_has_an_event() {
    let told = told_under(MemoryStore::new(), policy().build().unwrap());
    let phone = told.world.enroll();
    let [one, _two] = [(); 2].map(|()| told.world.device(&phone));
    told.take();
    let (verifier, alice) = (&told.world.verifier, &told.world.alice);
    block_on(verifier.forget_device(alice, one.id())).unwrap();
    let event = told.only();
    assert_eq!(event.event_type, EventType::CredentialChange);
    assert_eq!(event.change_type, Some(ChangeType::Delete));
    assert_eq!(event.credential_type, Some(CredentialType::Device));
    assert_eq!(
        (event.device, event.devices_left),
        (Some(one.id()), Some(1))
    );
    told.world.forget_all();
    let event = told.only();
    assert_eq!(event.change_type, Some(ChangeType::Delete));
    assert_eq!((event.device, event.devices_left), (None, Some(0)));

    let _three = told.world.device(&phone);
    told.take();
    block_on(verifier.password_changed(alice)).unwrap();
    let event = told.only();
    assert_eq!(event.event_type, EventType::CredentialChange);
    assert_eq!(event.change_type, Some(ChangeType::Update));
    assert_eq!(event.credential_type, Some(CredentialType::Password));
    assert_eq!(event.devices_left, Some(0));
    block_on(verifier.password_changed(alice)).unwrap();
    assert!(told.take().is_empty(), "there was nothing to end");
}

/// An attacker with a list of passwords has no known device.
#[test]
fn a_vigilance_hears_of_strangers_only() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let token = world.device(&phone);
    let newest = world.next(&phone, &token);
    let wrong = world.wrong(&phone);
    assert_eq!(
        rejection(world.attempt(&wrong, &newest)),
        Rejection::WrongCode
    );
    assert_eq!(recorder.take(), Vec::<&str>::new());
    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(recorder.take(), ["wrong"]);
    let _newest = world.next(&phone, &newest);
    assert_eq!(recorder.take(), Vec::<&str>::new());
    world.clock.advance(DAY);
    world.forget_all();
    assert_eq!(
        rejection(world.attempt(&wrong, &newest)),
        Rejection::WrongCode
    );
    assert_eq!(recorder.take(), ["wrong"], "the device was forgotten");
}
