//! What a verifier tells its vigilance, and the alarm.

use crate::world::*;
use countersign::otp::RandomError;
use countersign::testing::{Phone, block_on};
use countersign::vigilance::{DayStatus, MemoryVigilance, Observation, Vigilance};
use countersign::{Denied, RequestId, Timestamp, VerifierError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Writes down what it is told, and answers as a vigilance in memory.
#[derive(Clone)]
pub(crate) struct Recorder {
    told: Arc<Mutex<Vec<&'static str>>>,
    memory: Arc<MemoryVigilance>,
}

impl Recorder {
    fn new() -> Self {
        Self {
            told: Arc::default(),
            memory: Arc::new(MemoryVigilance::new()),
        }
    }

    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Vigilance for Recorder {
    type Error = RandomError;

    async fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> Result<DayStatus, RandomError> {
        let told = match observation {
            Observation::WrongCode { .. } => "wrong",
            Observation::AcceptedAfterWrongCode { .. } => "accepted",
            _ => "nothing",
        };
        self.told.lock().unwrap().push(told);
        self.memory.observe(observation, now).await
    }
}

/// An account that enrolled this many days ago and has signed in since, and its vigilance.
pub(crate) fn enrolled_days_ago(days: u32) -> (World, Phone, Recorder) {
    let (world, phone) = World::enrolled();
    let recorder = Recorder::new();
    let world = world.server(|builder| builder.vigilance(recorder.clone()));
    let _receipt = world.log_in(&phone);
    world.clock.advance(DAY * days);
    assert_eq!(recorder.take(), Vec::<&str>::new());
    (world, phone, recorder)
}

fn accounts(world: &World, recorder: &Recorder) -> u32 {
    let now = world.clock.now();
    let status = block_on(recorder.memory.observe(Observation::None, now));
    status.unwrap().accounts
}

#[test]
fn a_wrong_code_is_told_at_once() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let wrong = world.wrong(&phone);
    for _ in 0..3 {
        world.verify(&wrong).unwrap_err();
    }
    assert_eq!(recorder.take(), ["wrong"; 3]);
    assert_eq!(accounts(&world, &recorder), 1, "one account");
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(recorder.take(), ["accepted"]);
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(recorder.take(), Vec::<&str>::new(), "no wrong code before");
    assert_eq!(accounts(&world, &recorder), 0);
}

#[test]
fn a_login_resolves_a_wrong_code_for_ten_minutes() {
    for (seconds, left) in [(599, 0), (600, 1)] {
        let (world, phone, recorder) = enrolled_days_ago(30);
        world.verify(&world.wrong(&phone)).unwrap_err();
        world.clock.advance(Duration::from_secs(seconds));
        assert_eq!(accounts(&world, &recorder), 1);
        let _receipt = world.verify(&world.now(&phone)).unwrap();
        assert_eq!(accounts(&world, &recorder), left);
    }
}

#[test]
fn a_young_authenticator_does_not_count() {
    let (world, phone, recorder) = enrolled_days_ago(29);
    world.verify(&world.wrong(&phone)).unwrap_err();
    assert_eq!(recorder.take(), Vec::<&str>::new());
    world.clock.advance(DAY);
    world.verify(&world.wrong(&phone)).unwrap_err();
    assert_eq!(recorder.take(), ["wrong"]);
}

#[test]
fn an_account_without_login_does_not_count() {
    let (world, phone) = World::enrolled();
    let recorder = Recorder::new();
    let world = world.server(|builder| builder.vigilance(recorder.clone()));
    world.clock.advance(DAY * 90);
    world.verify(&world.wrong(&phone)).unwrap_err();
    assert_eq!(recorder.take(), Vec::<&str>::new());
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    world.verify(&world.wrong(&phone)).unwrap_err();
    assert_eq!(recorder.take(), ["wrong"]);
}

#[test]
fn only_wrong_codes_count() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let used = world.now(&phone);
    let _receipt = world.verify(&used).unwrap();
    world.verify(&used).unwrap_err();
    world.verify("x").unwrap_err();
    let wrong = world.wrong(&phone);
    assert!(
        block_on(
            world
                .verifier
                .verify_consecutive(&world.alice, &[wrong.as_str(); 3])
        )
        .is_err()
    );
    assert_eq!(recorder.take(), Vec::<&str>::new());
    for _ in 0..5 {
        world.verify(&wrong).unwrap_err();
    }
    assert_eq!(recorder.take(), ["wrong"; 5]);
    world.verify(&wrong).unwrap_err();
    assert_eq!(recorder.take(), Vec::<&str>::new(), "must wait");
}

#[test]
fn a_backup_code_counts_like_a_passcode() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let codes = world.issue(&phone);
    recorder.take();
    world.verify("00000000").unwrap_err();
    assert_eq!(recorder.take(), ["wrong"]);
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(recorder.take(), ["accepted"]);
    let _receipt = world.verify(&codes[1]).unwrap();
    assert_eq!(
        recorder.take(),
        Vec::<&str>::new(),
        "its own count is no failure"
    );
}

#[test]
fn a_repeated_request_counts_like_the_first() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let wrong = world.wrong(&phone);
    let id: RequestId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    for _ in 0..2 {
        block_on(world.verifier.verify_request(&world.alice, &wrong, &id)).unwrap_err();
    }
    assert_eq!(recorder.take(), ["wrong"; 2]);
    assert_eq!(accounts(&world, &recorder), 1);
}

#[test]
fn consecutive_passcodes_resolve_a_wrong_code() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    world.verify(&world.wrong(&phone)).unwrap_err();
    recorder.take();
    let row: Vec<String> = (0..3)
        .map(|at| phone.passcode(world.clock.now().saturating_add(30 * at)))
        .collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let _receipt = block_on(world.verifier.verify_consecutive(&world.alice, &row)).unwrap();
    assert_eq!(recorder.take(), ["accepted"]);
}

#[test]
fn many_accounts_raise_an_alarm() {
    let (world, phone, recorder) = enrolled_days_ago(30);
    let is_under_alarm = || block_on(world.verifier.is_under_alarm()).unwrap();
    assert!(!is_under_alarm());
    let day = world.clock.now().as_unix() / 86_400;
    let quiet = format!("1 {} 0{}", day - 1, " 0".repeat(7));
    let memory = MemoryVigilance::new().with_history(quiet.parse().unwrap());
    let memory = Arc::new(memory);
    let world = world.server(|builder| builder.vigilance(memory.clone()));
    for other in 0_u32..19 {
        let account = &other.into();
        block_on(memory.observe(Observation::WrongCode { account }, world.clock.now())).unwrap();
    }
    let is_under_alarm = || block_on(world.verifier.is_under_alarm()).unwrap();
    assert!(!is_under_alarm());
    world.verify(&world.wrong(&phone)).unwrap_err();
    assert!(is_under_alarm());
    world.clock.advance(Duration::from_secs(600));
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert!(is_under_alarm());
    world.clock.advance(DAY);
    assert!(!is_under_alarm());
    drop(recorder);
}

#[test]
fn a_failed_vigilance_changes_no_answer() {
    struct Broken;
    impl Vigilance for Broken {
        type Error = RandomError;

        async fn observe(
            &self,
            _: Observation<'_>,
            _: Timestamp,
        ) -> Result<DayStatus, RandomError> {
            Err(RandomError::new())
        }
    }
    let (world, phone, _) = enrolled_days_ago(30);
    let world = world.server(|builder| builder.vigilance(Broken));
    let denied = block_on(world.verifier.verify(&world.alice, &world.wrong(&phone)));
    assert!(matches!(denied, Err(Denied::Rejected(_))));
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    let alarm = block_on(world.verifier.is_under_alarm());
    assert!(matches!(alarm, Err(VerifierError::Vigilance(_))));
}

#[test]
fn a_verifier_without_vigilance_has_no_alarm() {
    let (world, _) = World::enrolled();
    assert!(!block_on(world.verifier.is_under_alarm()).unwrap());
}
