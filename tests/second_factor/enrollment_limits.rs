//! How many enrollments an account can begin.

use crate::world::{World, policy, rejection, scan};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::{AccountId, Denied, Enrollment, EnrollmentRequest, Rejection};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn begin<S: Store>(world: &World<S>) -> Result<Enrollment, Denied> {
    world.begin(EnrollmentRequest::new("alice"), world.password())
}

const fn too_many(seconds: u64) -> Rejection {
    Rejection::TooManyEnrollments {
        retry_after: Duration::from_secs(seconds),
    }
}

#[test]
fn ten_minutes_allow_ten_new_enrollments() {
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
fn wrong_passcodes_keep_the_enrollment_limit() {
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
fn the_last_allowed_enrollment_can_be_confirmed() {
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
fn repeated_enrollments_use_the_second_record_form() {
    let world = World::new();
    begin(&world).unwrap();
    assert_eq!(world.record()[0], 1);
    begin(&world).unwrap();
    assert_eq!(world.record()[0], 2);
    world.clock.advance(Duration::from_secs(600));
    let last = begin(&world).unwrap();
    assert_eq!(world.record()[0], 1);
    let _receipt = world.confirm(&last, &world.now(&scan(&last))).unwrap();
    assert_eq!(world.record()[0], 1);
}

/// Counts the calls. Before each call, other tasks run.
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let_others_run().await;
        Store::compare_and_swap(&self.0, account, write).await
    }
}

#[test]
fn concurrent_enrollments_cost_a_bounded_number_of_calls() {
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
    // Each of the ten successful writes makes the other calls load and write once more.
    assert!(calls <= 500 * 2 * 11, "{calls} calls");
}
