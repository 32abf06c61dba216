//! People who sign in while the key is changed, on two machines of which one is late with the change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign::store::Store;
use countersign::testing::ManualClock;
use countersign::{AccountId, Receipt, Status, Timestamp, Verifier};
use tokio::task::JoinHandle;

use crate::Failure;
use crate::accounts::{Accounts, BEGINNING, Enrolled, enroll};
use crate::keys::{Stage, machine};

/// The machines, until they are told to end.
pub(crate) struct Logins {
    flags: Arc<Flags>,
    machines: Vec<JoinHandle<Result<Done, Failure>>>,
}

#[derive(Default)]
struct Flags {
    /// The late machine has the new keyring too.
    all_changed: AtomicBool,
    end: AtomicBool,
}

/// What was answered to whom.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) count: u64,
    /// Who signed in at all, and when last.
    pub(crate) last: BTreeMap<u32, Timestamp>,
}

impl Logins {
    pub(crate) fn begin<S>(store: &S, accounts: Accounts) -> Result<Self, Failure>
    where
        S: Store + Clone + 'static,
    {
        let flags = Arc::new(Flags::default());
        let mut machines = Vec::new();
        for number in 0..MACHINES {
            let members = accounts.members().skip(number).step_by(MACHINES);
            let members = members.map(|number| Ok((number, enroll(number)?)));
            let machine = Machine {
                members: members.collect::<Result<_, Failure>>()?,
                store: store.clone(),
                flags: Arc::clone(&flags),
                clock: ManualClock::at(BEGINNING),
                is_late: number == 0,
            };
            machines.push(tokio::spawn(machine.run()));
        }
        Ok(Self { flags, machines })
    }

    /// The late machine gets the new keyring.
    pub(crate) fn all_changed(&self) {
        self.flags.all_changed.store(true, Ordering::SeqCst);
    }

    /// Whether a machine has ended, which it does early only by a failure.
    pub(crate) fn failed(&self) -> bool {
        self.machines.iter().any(JoinHandle::is_finished)
    }

    pub(crate) async fn end(self) -> Result<Done, Failure> {
        self.flags.end.store(true, Ordering::SeqCst);
        let mut all = Done::default();
        for machine in self.machines {
            let done = machine.await??;
            all.count += done.count;
            all.last.extend(done.last);
        }
        Ok(all)
    }
}

struct Machine<S> {
    members: Vec<(u32, Enrolled)>,
    store: S,
    flags: Arc<Flags>,
    clock: ManualClock,
    is_late: bool,
}

impl<S: Store + Clone> Machine<S> {
    /// One member after the other signs in, over and over.
    async fn run(self) -> Result<Done, Failure> {
        let late = machine(self.store.clone(), Stage::Prepared, &self.clock)?;
        let changed = machine(self.store.clone(), Stage::Changed, &self.clock)?;
        let mut done = Done::default();
        for (number, member) in self.members.iter().cycle() {
            if self.flags.end.load(Ordering::SeqCst) {
                break;
            }
            let is_late = self.is_late && !self.flags.all_changed.load(Ordering::SeqCst);
            let verifier = if is_late { &late } else { &changed };
            let receipt = sign_in(verifier, &self.clock, member).await?;
            done.count += 1;
            done.last.insert(*number, receipt.at());
            tokio::time::sleep(PAUSE).await;
        }
        Ok(done)
    }
}

/// Half a minute after the account's last login, whenever that was.
pub(crate) async fn sign_in<S: Store>(
    verifier: &Verifier<S>,
    clock: &ManualClock,
    member: &Enrolled,
) -> Result<Receipt, Failure> {
    let last = last_login(verifier, &member.account).await?;
    clock.set(last.saturating_add(STEP));
    let passcode = member.phone.passcode(clock.now());
    Ok(verifier.verify(&member.account, &passcode).await?)
}

pub(crate) async fn last_login<S: Store>(
    verifier: &Verifier<S>,
    account: &AccountId,
) -> Result<Timestamp, Failure> {
    let Status::Enabled(enabled) = verifier.status(account).await? else {
        return Err(format!("account {account:?} has lost its second factor").into());
    };
    let used_at = enabled
        .authenticators
        .first()
        .and_then(|first| first.last_used_at);
    Ok(used_at.ok_or("an authenticator was never used")?)
}

const MACHINES: usize = 2;
/// Between two logins on a machine: a hundred a second, and time for the rest of the work.
const PAUSE: Duration = Duration::from_millis(10);
const STEP: u64 = 30;
