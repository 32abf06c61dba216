//! Records that need the second form: each has a field that the earlier version does not know.

use crate::api::{EnrollmentRequest, Proof, block_on};
use crate::stories::{Story, story};
use crate::world::World;
use countersign::backup::{CodeShape, ImportedCodes};
use countersign::import::{Import, Imported, ImportedAuthenticator};
use countersign::otp::{Algorithm, Digits, Hotp, Secret, TimeStep};
use countersign::{Denied, Enrollment, Receipt, RequestId, Timestamp};

const SECRET: &[u8; 20] = b"12345678901234567890";

/// Fields 4 to 8. The stories of `SOON_FIRST_FORM` write the fields 2 and 3.
pub(crate) const STORIES: [Story; 8] = [
    story("imported", |world| {
        let phone = ImportedAuthenticator::totp(secret()).last_step(TimeStep::new(59_999_000));
        import(world, Import::new([phone]));
        world.more_codes.push(totp_passcode(world, 0));
    }),
    story("imported_t0", |world| {
        let phone = ImportedAuthenticator::totp(secret())
            .t0(Timestamp::from_unix(1_000_000_000))
            .last_step(TimeStep::new(1000));
        import(world, Import::new([phone]));
        world.more_codes.push(totp_passcode(world, 1_000_000_000));
    }),
    story("imported_hotp", |world| {
        import(
            world,
            Import::new([ImportedAuthenticator::hotp(secret(), 12)]),
        );
        world.more_codes.extend([10, 11, 12, 14, 15].map(passcode));
    }),
    story("imported_codes", |world| {
        let shape = CodeShape::new("0123456789abcdef", 10).unwrap();
        let texts = ["0123456789", "abcdefabcd", "9876543210"];
        let codes = ImportedCodes::plain(shape, texts.map(|text| (text, None))).unwrap();
        let phone = ImportedAuthenticator::totp(secret()).last_step(TimeStep::new(59_999_000));
        import(world, Import::new([phone]).backup_codes(codes));
        world.more_codes.extend(texts.map(str::to_owned));
    }),
    story("hotp_pending", |world| {
        world.pass(60);
        let enrollment = begin_hotp(world);
        let secret = enrollment.key_uri().secret();
        let token = Hotp::new(secret.expose(), Algorithm::Sha1, Digits::SIX);
        let code = token.generate(0).expose().to_owned();
        world.pending_token = Some((enrollment.id(), code));
    }),
    story("request_accepted", |world| {
        world.enroll("phone");
        world.pass(60);
        let code = world.shown(0);
        let _receipt = request(world, &code).unwrap();
    }),
    story("request_rejected", |world| {
        world.enroll("phone");
        world.pass(60);
        request(world, "000000").unwrap_err();
    }),
    story("request_backup_code", |world| {
        world.enroll("phone");
        world.issue();
        world.pass(86_400);
        let code = world.codes[0].clone();
        let _receipt = request(world, &code).unwrap();
    }),
];

/// Field 10, which the build of [`STORIES`] does not know.
pub(crate) const PENDING_CODES: [Story; 3] = [
    story("codes_pending", |world| {
        world.enroll("phone");
        issue_twice(world);
    }),
    story("codes_confirmed", |world| {
        world.enroll("phone");
        issue_twice(world);
        world.use_backup_code(0);
    }),
    story("codes_pending_again", |world| {
        world.enroll("phone");
        issue_twice(world);
        world.use_backup_code(0);
        issue_again(world);
    }),
];

fn issue_twice(world: &mut World) {
    world.issue();
    issue_again(world);
}

/// Issues another set. The record is read with codes of both sets.
fn issue_again(world: &mut World) {
    world.more_codes.push(world.codes[2].clone());
    world.pass(86_400);
    world.issue();
}

fn begin_hotp(world: &World) -> Enrollment {
    let password = Proof::Password {
        checked_at: world.clock.now(),
    };
    let request = EnrollmentRequest::new("alice").hotp();
    let begun = world
        .verifier
        .begin_enrollment(&world.account, request, password);
    block_on(begun).unwrap()
}

fn secret() -> Secret {
    Secret::from_bytes(SECRET).unwrap()
}

fn passcode(counter: u64) -> String {
    let hotp = Hotp::new(SECRET, Algorithm::Sha1, Digits::SIX);
    hotp.generate(counter).expose().to_owned()
}

/// The passcode of the imported phone when the record is read.
fn totp_passcode(world: &World, t0: u64) -> String {
    passcode((world.clock.now().as_unix() + 30 - t0) / 30)
}

fn import(world: &mut World, import: Import) {
    world.pass(60);
    let imported = block_on(world.verifier.import(&world.account, &import));
    assert_eq!(imported.unwrap(), Imported::Now);
}

fn request(world: &World, code: &str) -> Result<Receipt, Denied> {
    let id: RequestId = "0123456789abcdef".repeat(2).parse().unwrap();
    block_on(world.verifier.verify_request(&world.account, code, &id))
}
