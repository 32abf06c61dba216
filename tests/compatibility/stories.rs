//! What accounts do before their record is read. Both versions tell these stories.

use crate::api::Algorithm;
use crate::record::Record;
use crate::world::{DAY, World};

pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// What the account does.
    pub(crate) steps: fn(&mut World),
}

pub(crate) const fn story(name: &'static str, steps: fn(&mut World)) -> Story {
    Story { name, steps }
}

impl Story {
    fn world(&self) -> World {
        let mut world = match self.name {
            "namespace" => World::new("tenant", "users/4711"),
            _ => World::new("", "alice"),
        };
        (self.steps)(&mut world);
        world
    }

    /// The record after these steps.
    pub(crate) fn tell(&self) -> Record {
        self.world().record(self.name)
    }

    /// The record a day later, after eight sign-ins.
    #[allow(dead_code, reason = "the earlier version has no fields that expire")]
    pub(crate) fn tell_until_fields_expire(&self) -> Record {
        let mut world = self.world();
        world.pass(DAY);
        world.sign_in_eight_times();
        world.record(self.name)
    }
}

/// The records that need no field.
pub(crate) const FIRST_FORM: [Story; 13] = [
    story("pending", |world| {
        world.begin("phone", None);
        world.confirm_wrongly();
        world.confirm_wrongly();
    }),
    story("one", |world| world.enroll("phone")),
    story("signed_in", |world| {
        world.enroll("phone");
        world.sign_in_eight_times();
        world.sign_in(0);
    }),
    story("five", |world| {
        world.enroll("phone");
        world.new_authenticators_have(Algorithm::Sha256, 7, 60);
        world.enroll("Tablet – größer");
        world.pass(600);
        world.new_authenticators_have(Algorithm::Sha512, 8, 15);
        world.enroll("watch");
        world.pass(600);
        world.new_authenticators_have(Algorithm::Sha1, 8, 30);
        world.enroll("電話 📱");
        world.pass(600);
        world.enroll(&"n".repeat(64));
        world.pass(600);
        world.sign_in(2);
        world.sign_in(3);
    }),
    story("namespace", |world| {
        world.enroll("phone");
        world.sign_in(0);
    }),
    story("key_changed", |world| {
        world.enroll("phone");
        world.change_key();
        world.change_key();
    }),
    story("replacing", |world| {
        world.enroll("phone");
        world.pass(600);
        world.begin("new phone", Some(0));
    }),
    story("failures", |world| {
        world.enroll("phone");
        (0..4).for_each(|_| world.fail());
    }),
    story("waiting", |world| {
        world.enroll("phone");
        (0..6).for_each(|_| world.fail());
    }),
    story("locked", |world| {
        world.enroll("phone");
        (0..10).for_each(|_| world.fail());
    }),
    story("unlocked", |world| {
        world.enroll("phone");
        (0..10).for_each(|_| world.fail());
        world.pass(600);
        world.unlock();
        world.fail();
    }),
    story("budget_spent", |world| {
        world.enroll("phone");
        for _ in 0..4 {
            (0..4).for_each(|_| world.fail());
            world.sign_in(0);
        }
        (0..4).for_each(|_| world.fail());
    }),
    story("codes_used", |world| {
        world.enroll("phone");
        world.issue();
        world.pass(DAY);
        world.use_backup_code(1);
        world.use_backup_code(9);
        world.sign_in_eight_times();
    }),
];

/// The records of accounts whose user removed or replaced an authenticator.
pub(crate) const ENDED: [Story; 4] = [
    story("replaced", |world| {
        world.enroll("phone");
        world.pass(600);
        world.begin("new phone", Some(0));
        world.confirm();
        world.pass(600);
        world.sign_in(1);
    }),
    story("removed", |world| {
        world.enroll("phone");
        world.pass(600);
        world.enroll("tablet");
        world.pass(600);
        world.remove(1);
    }),
    story("disabled", |world| {
        world.enroll("phone");
        world.pass(600);
        world.disable();
    }),
    story("enabled_again", |world| {
        world.enroll("phone");
        world.disable();
        world.phones.clear();
        world.pass(600);
        world.enroll("phone");
    }),
];

/// The records whose fields expire within a day.
pub(crate) const SOON_FIRST_FORM: [Story; 4] = [
    story("codes_issued", |world| {
        world.enroll("phone");
        world.issue();
    }),
    story("codes_replaced", |world| {
        world.replace_codes_at_once();
        world.enroll("phone");
        world.issue();
        world.pass(3600);
        world.issue();
        world.use_backup_code(0);
    }),
    story("all_codes_used", |world| {
        world.enroll("phone");
        world.issue();
        (0..10).for_each(|place| world.use_backup_code(place));
    }),
    story("begun_twice", |world| {
        world.enroll("phone");
        world.begin("tablet", None);
        world.begin("tablet", None);
    }),
];
