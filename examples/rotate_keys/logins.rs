//! Users who sign in while the key is changed, on two servers. One server changes late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign::store::Store;
use countersign::testing::ManualClock;
use countersign::{AccountId, Receipt, Status, Timestamp, Verifier};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::accounts::{Accounts, Enrolled, START, enroll};
use crate::keys::{Stage, server};

/// The running servers.
pub(crate) struct Logins {
    flags: Arc<Flags>,
    /// Whether the late server uses the new keyring.
    late_has_changed: watch::Receiver<bool>,
    servers: Vec<JoinHandle<Result<Done, Failure>>>,
}

#[derive(Default)]
struct Flags {
    /// Whether the late server gets the new keyring at its next login.
    change_late: AtomicBool,
    end: AtomicBool,
}

/// The accepted logins.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) count: u64,
    /// The last login of each account.
    pub(crate) last: BTreeMap<u32, Timestamp>,
}

impl Logins {
    pub(crate) fn begin<S>(store: &S, accounts: Accounts) -> Result<Self, Failure>
    where
        S: Store + Clone + 'static,
    {
        let flags = Arc::new(Flags::default());
        let (changed, late_has_changed) = watch::channel(false);
        let mut late = Some(changed);
        let mut servers = Vec::new();
        for number in 0..SERVERS {
            let members = accounts.members().skip(number).step_by(SERVERS);
            let members = members.map(|number| Ok((number, enroll(number)?)));
            let server = Server {
                members: members.collect::<Result<_, Failure>>()?,
                store: store.clone(),
                flags: Arc::clone(&flags),
                clock: ManualClock::at(START),
                late: late.take(),
            };
            servers.push(tokio::spawn(server.run()));
        }
        Ok(Self {
            flags,
            late_has_changed,
            servers,
        })
    }

    /// Gives the late server the new keyring, and waits until no login with the earlier one runs.
    pub(crate) async fn change_late(&self) -> Result<(), Failure> {
        self.flags.change_late.store(true, Ordering::SeqCst);
        let mut changed = self.late_has_changed.clone();
        let waited = changed.wait_for(|changed| *changed).await;
        let _changed = waited.map_err(|_ended| "a user could not sign in")?;
        Ok(())
    }

    /// Whether a server has failed: a server ends early only then.
    pub(crate) fn failed(&self) -> bool {
        self.servers.iter().any(JoinHandle::is_finished)
    }

    pub(crate) async fn end(self) -> Result<Done, Failure> {
        self.flags.end.store(true, Ordering::SeqCst);
        let mut all = Done::default();
        for server in self.servers {
            let done = server.await??;
            all.count += done.count;
            all.last.extend(done.last);
        }
        Ok(all)
    }
}

struct Server<S> {
    members: Vec<(u32, Enrolled)>,
    store: S,
    flags: Arc<Flags>,
    clock: ManualClock,
    /// Tells that this server, the late one, has changed.
    late: Option<watch::Sender<bool>>,
}

impl<S: Store + Clone> Server<S> {
    /// Signs in one member after the other, repeatedly.
    async fn run(self) -> Result<Done, Failure> {
        let late = server(self.store.clone(), Stage::Prepared, &self.clock)?;
        let changed = server(self.store.clone(), Stage::Changed, &self.clock)?;
        let mut done = Done::default();
        for (number, member) in self.members.iter().cycle() {
            if self.flags.end.load(Ordering::SeqCst) {
                break;
            }
            let verifier = match &self.late {
                Some(_) if !self.flags.change_late.load(Ordering::SeqCst) => &late,
                Some(has_changed) => {
                    has_changed.send_replace(true);
                    &changed
                }
                None => &changed,
            };
            let receipt = sign_in(verifier, &self.clock, member).await?;
            done.count += 1;
            done.last.insert(*number, receipt.at());
            tokio::time::sleep(PAUSE).await;
        }
        Ok(done)
    }
}

/// Signs in half a minute after the account's last login.
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

const SERVERS: usize = 2;
/// The pause between two logins on a server. A server makes at most a hundred logins per second,
/// which leaves time for the other work.
const PAUSE: Duration = Duration::from_millis(10);
const STEP: u64 = 30;
