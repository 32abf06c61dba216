//! How often an enrollment can be begun, and what an authenticator can be called.

use crate::world::{STEP, World, policy, rejection, scan};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::testing::block_on;
use countersign::{
    AccountId, AuthenticatorId, AuthenticatorName, Denied, Enrollment, EnrollmentRequest,
    Rejection, Status,
};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn begin<S: Store>(world: &World<S>) -> Result<Enrollment, Denied> {
    world.begin(EnrollmentRequest::new("alice"), world.password())
}

fn form(world: &World) -> u8 {
    let Ok(stored) = block_on(Store::load(world.verifier.store(), &world.alice));
    stored.unwrap().record[0]
}

const fn too_many(seconds: u64) -> Rejection {
    Rejection::TooManyEnrollments {
        retry_after: Duration::from_secs(seconds),
    }
}

#[test]
fn ten_enrollments_are_begun_within_ten_minutes() {
    let world = World::new();
    for _ in 0..10 {
        begin(&world).unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(rejection(begin(&world)), too_many(590));
    assert_eq!(too_many(590).retry_after(), Some(Duration::from_secs(590)));
    world.clock.advance(Duration::from_secs(590));
    begin(&world).unwrap();
    assert_eq!(rejection(begin(&world)), too_many(1));
}

#[test]
fn wrong_passcodes_do_not_lift_the_limit_on_enrollments() {
    let world = World::new();
    for _ in 0..10 {
        let enrollment = begin(&world).unwrap();
        let wrong = world.wrong(&scan(&enrollment));
        for _ in 0..10 {
            let outcome = world.confirm(&enrollment, &wrong);
            assert!(matches!(
                rejection(outcome),
                Rejection::WrongConfirmation { .. }
            ));
        }
    }
    assert_eq!(rejection(begin(&world)), too_many(600));
}

#[test]
fn the_last_enrollment_that_was_begun_can_be_confirmed() {
    let world = World::new();
    let mut last = begin(&world).unwrap();
    for _ in 1..10 {
        last = begin(&world).unwrap();
    }
    assert_eq!(rejection(begin(&world)), too_many(600));
    let _receipt = world.confirm(&last, &world.now(&scan(&last))).unwrap();
    let proof = world.log_in(&scan(&last));
    for _ in 0..10 {
        let request = EnrollmentRequest::new("alice");
        world.begin(request, world.reauthenticated(&proof)).unwrap();
    }
}

#[test]
fn a_record_with_one_enrollment_begun_is_in_the_first_form() {
    let world = World::new();
    begin(&world).unwrap();
    assert_eq!(form(&world), 1);
    begin(&world).unwrap();
    assert_eq!(form(&world), 2);
    world.clock.advance(Duration::from_secs(600));
    let last = begin(&world).unwrap();
    assert_eq!(form(&world), 1);
    let _receipt = world.confirm(&last, &world.now(&scan(&last))).unwrap();
    assert_eq!(form(&world), 1);
}

/// Counts the calls, and lets others run in between.
#[derive(Clone, Default)]
struct Counting(MemoryStore, Arc<AtomicUsize>);

async fn let_others_run() {
    let mut first = true;
    std::future::poll_fn(|_| match std::mem::take(&mut first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

impl Store for Counting {
    type Error = std::convert::Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let_others_run().await;
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let_others_run().await;
        Store::compare_and_swap(&self.0, account, swap).await
    }
}

#[test]
fn five_hundred_enrollments_begun_at_once_cost_a_bounded_number_of_calls() {
    let world = World::with_store(Counting::default(), policy().build().unwrap());
    let mut calls: Vec<_> = (0..500)
        .map(|_| {
            let request = EnrollmentRequest::new("alice");
            Box::pin(
                world
                    .verifier
                    .begin_enrollment(&world.alice, request, world.password()),
            )
        })
        .collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut begun = 0;
    while !calls.is_empty() {
        calls.retain_mut(|call| match pin!(call).poll(&mut context) {
            Poll::Ready(outcome) => {
                begun += usize::from(outcome.is_ok());
                false
            }
            Poll::Pending => true,
        });
    }
    assert_eq!(begun, 10);
    let calls = world.verifier.store().1.load(Ordering::SeqCst);
    // Each of the ten that are first makes the others load and swap once more.
    assert!(calls <= 500 * 2 * 11, "{calls} calls");
}

fn named(name: &str) -> EnrollmentRequest {
    EnrollmentRequest::new("alice").authenticator_name(AuthenticatorName::new(name).unwrap())
}

fn names(world: &World) -> Vec<String> {
    match world.status() {
        Status::Enabled(enabled) => enabled
            .authenticators
            .iter()
            .map(|active| active.name.to_string())
            .collect(),
        _ => Vec::new(),
    }
}

/// Enrolls one more authenticator.
fn add(world: &World, request: EnrollmentRequest, phone: &countersign::testing::Phone) {
    let receipt = world.log_in(phone);
    let begun = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
}

#[test]
fn two_authenticators_never_have_one_name() {
    let (world, phone) = World::enrolled();
    add(&world, named("work phone"), &phone);
    let receipt = world.log_in(&phone);
    let outcome = world.begin(named("work phone"), world.reauthenticated(&receipt));
    assert_eq!(rejection(outcome), Rejection::NameInUse);
    assert_eq!(names(&world), ["Authenticator app", "work phone"]);
}

#[test]
fn authenticators_without_a_name_are_numbered() {
    let (world, phone) = World::enrolled();
    add(&world, EnrollmentRequest::new("alice"), &phone);
    add(&world, EnrollmentRequest::new("alice"), &phone);
    assert_eq!(
        names(&world),
        [
            "Authenticator app",
            "Authenticator app 2",
            "Authenticator app 3"
        ]
    );
}

#[test]
fn a_replacement_may_have_the_name_of_what_it_replaces() {
    let world = World::new();
    let begun = world.begin(named("phone"), world.password()).unwrap();
    let phone = scan(&begun);
    let _receipt = world.confirm(&begun, &world.now(&phone)).unwrap();
    world.clock.advance(STEP);
    let id: AuthenticatorId = world.authenticators()[0];
    let request = EnrollmentRequest::replacing(id, "alice")
        .authenticator_name(AuthenticatorName::new("phone").unwrap());
    add(&world, request, &phone);
    assert_eq!(names(&world), ["phone"]);
}
