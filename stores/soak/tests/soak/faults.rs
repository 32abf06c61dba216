//! A network that fails between the verifier and a server. Each result is correct, or it says that
//! the effect is unknown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign::store::{BoxStore, ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign::testing::Phone;
use countersign::{
    AccountId, Actor, Denied, EnrollmentId, EnrollmentRequest, Proof, Rejection, Status, Timestamp,
    VerifierError,
};
use countersign_store_soak::backup_code_sets::IssuedCodes;
use countersign_store_soak::connect::{
    DIESEL_MYSQL, DIESEL_POSTGRES, TOKIO_POSTGRES, connect_patiently, connect_within, retry,
};
use countersign_store_soak::service::{Service, failures};
use countersign_store_soak::users::{ENROLLED_AT, TestUser};
use countersign_store_testing::{Durability, Fault, MariaDb, Postgres, Proxy, Redis, available};
use tokio::sync::Semaphore;

/// An operation during which the network fails. Each happens at [`NOW`], or at the enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Begins a first enrollment, which creates the record.
    Begin,
    /// Confirms the enrollment.
    Confirm,
    /// Logs in with a correct passcode.
    Passcode,
    /// Logs in with a wrong passcode.
    WrongPasscode,
    /// Logs in with a wrong backup code. The write counts the failure first.
    WrongCode,
    /// Logs in with a correct backup code. The fault hits the second write, which accepts the code.
    Code,
    /// Issues backup codes. The fault hits the first write, which uses the passcode.
    Grant,
    /// Issues backup codes. The fault hits the second write, which stores the codes.
    Issue,
    /// Erases the account.
    Erase,
}

const OPERATIONS: [Operation; 9] = [
    Operation::Begin,
    Operation::Confirm,
    Operation::Passcode,
    Operation::WrongPasscode,
    Operation::WrongCode,
    Operation::Code,
    Operation::Grant,
    Operation::Issue,
    Operation::Erase,
];

/// The faults, and the number of times that each hits the write. The verifier sends a write at most
/// three times.
const FAULTS: [(Fault, usize); 12] = [
    (Fault::BlackHole, 3),
    (Fault::BlackHole, 1),
    (Fault::DropReply, 1),
    (Fault::DropReply, 2),
    (Fault::DropReply, 3),
    (Fault::DropRequest, 1),
    (Fault::DropRequest, 2),
    (Fault::DropRequest, 3),
    (Fault::Reset, 1),
    (Fault::Reset, 2),
    (Fault::Reset, 3),
    (Fault::Stall(Duration::from_millis(300)), 1),
];

const SENT: usize = 3;
const NOW: u64 = ENROLLED_AT + 600;

impl Operation {
    const fn write_kind(self) -> WriteKind {
        match self {
            Self::Begin => WriteKind::Enrolling,
            Self::Confirm => WriteKind::Enrolled,
            Self::Passcode | Self::Code => WriteKind::Accepted,
            Self::WrongPasscode => WriteKind::Rejected,
            Self::WrongCode => WriteKind::Reserved,
            Self::Grant => WriteKind::Issuing,
            Self::Issue => WriteKind::Issued,
            Self::Erase => WriteKind::Erased,
        }
    }
}

/// A store that injects the planned fault into its own requests.
#[derive(Clone)]
struct FaultyStore {
    store: BoxStore,
    /// The store for a call that gets no answer. It has a short time limit, and its own connection.
    hasty: BoxStore,
    proxy: Arc<Proxy>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Clone, Copy)]
struct Plan {
    /// The kind of write; `None` for loads.
    kind: Option<WriteKind>,
    fault: Fault,
    times: usize,
}

impl FaultyStore {
    /// Injects the fault if it is planned for this call. Returns the store for the call.
    fn inject(&self, kind: Option<WriteKind>, bytes: &[u8]) -> &BoxStore {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.kind != kind || plan.times == 0 {
            return &self.store;
        }
        plan.times -= 1;
        self.proxy.inject(bytes, plan.fault);
        match plan.fault {
            Fault::BlackHole => &self.hasty,
            _ => &self.store,
        }
    }
}

impl Store for FaultyStore {
    type Error = <BoxStore as Store>::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        let store = self.inject(None, account.as_str().as_bytes());
        store.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let bytes = write.record().unwrap_or(account.as_str().as_bytes());
        let store = self.inject(Some(write.kind()), bytes);
        store.compare_and_swap(account, write).await
    }
}

/// An account, with direct access to the server.
struct DirectAccess {
    store: BoxStore,
    service: Service,
    account: AccountId,
    /// `None` if the test enrolls the account itself.
    user: Option<(TestUser, IssuedCodes)>,
    pending: Option<(EnrollmentId, Phone)>,
}

impl DirectAccess {
    async fn new(store: &BoxStore, operation: Operation, name: &str) -> Self {
        let mut direct = Self {
            store: store.clone(),
            service: Service::new(store.clone()),
            account: AccountId::new(name).unwrap(),
            user: None,
            pending: None,
        };
        match operation {
            Operation::Begin => {}
            Operation::Confirm => {
                let (id, uri) = begin(&direct.service, &direct.account).await.unwrap();
                direct.pending = Some((id, Phone::scan(&uri).unwrap()));
            }
            _ => direct.user = Some(TestUser::enroll(&direct.service, name, false).await),
        }
        direct
    }

    /// Performs the operation on a service that may have a bad network.
    async fn perform(&self, operation: Operation, service: &Service) -> Result<(), Denied> {
        let account = &self.account;
        let verify = async |code: &str| service.at(NOW).verify(account, code).await.map(drop);
        let passcode = || self.user.as_ref().unwrap().0.passcode(NOW / 30);
        match operation {
            Operation::Begin => begin(service, account).await.map(drop),
            Operation::Confirm => {
                let (id, phone) = self.pending.as_ref().unwrap();
                let passcode = phone.passcode(Timestamp::from_unix(ENROLLED_AT));
                let verifier = service.at(ENROLLED_AT);
                let confirmed = verifier.confirm_enrollment(account, *id, &passcode).await;
                confirmed.map(drop)
            }
            Operation::Passcode => verify(&passcode()).await,
            Operation::WrongPasscode => {
                let wrong = self.user.as_ref().unwrap().0.wrong_passcode(NOW, 0);
                verify(&wrong).await
            }
            Operation::WrongCode => {
                let issued = &self.user.as_ref().unwrap().1;
                let mut codes = (0..).map(|code: u32| format!("{code:08}"));
                let wrong = codes.find(|code| !issued.codes.contains(code)).unwrap();
                verify(&wrong).await
            }
            Operation::Code => verify(&self.user.as_ref().unwrap().1.codes[4]).await,
            Operation::Grant | Operation::Issue => {
                let (verifier, passcode) = (service.at(NOW), passcode());
                let issued = verifier.issue_backup_codes(account, Proof::Code(&passcode));
                issued.await.map(drop)
            }
            Operation::Erase => {
                let staff = Actor::new("staff", "a test").unwrap();
                let erased = service.verifier.erase(account, &staff).await;
                erased.map_err(Denied::from)
            }
        }
    }

    /// Whether the operation is stored exactly once.
    async fn is_stored(&self, operation: Operation) -> bool {
        let status = self.service.verifier.status(&self.account).await.unwrap();
        let now = Some(Timestamp::from_unix(NOW));
        match (operation, status) {
            (Operation::Begin, status) => status == Status::Disabled,
            (Operation::Erase, status) => status == Status::Absent,
            (Operation::Confirm, status) => matches!(status, Status::Enabled(_)),
            (Operation::WrongPasscode | Operation::WrongCode, _) => {
                match failures(&self.store, &self.account).await.unwrap() {
                    0 => false,
                    1 => true,
                    more => panic!("{more} failures for one attempt"),
                }
            }
            (Operation::Passcode | Operation::Grant, Status::Enabled(enabled)) => {
                enabled.authenticators[0].last_used_at == now
            }
            (Operation::Code, Status::Enabled(enabled)) => {
                let codes = enabled.backup_codes.unwrap();
                codes.remaining == 9 && codes.used_at[4] == now
            }
            (Operation::Issue, Status::Enabled(enabled)) => {
                Some(enabled.backup_codes.unwrap().issued_at) == now
            }
            (_, status) => panic!("{status:?}"),
        }
    }
}

async fn begin(service: &Service, account: &AccountId) -> Result<(EnrollmentId, String), Denied> {
    let checked_at = Timestamp::from_unix(ENROLLED_AT);
    let (request, proof) = (
        EnrollmentRequest::new("somebody"),
        Proof::Password { checked_at },
    );
    let verifier = service.at(ENROLLED_AT);
    let enrollment = verifier.begin_enrollment(account, request, proof).await?;
    let uri = enrollment.key_uri().to_secret_text().expose().to_owned();
    Ok((enrollment.id(), uri))
}

/// A server, with direct access and access through a proxy.
struct ServerUnderTest {
    store: BoxStore,
    proxied: Proxied,
    /// Whether the store loads again on a new connection.
    repeats_loads: bool,
}

/// Makes a new proxy, and the URL through it.
type Proxied = Box<dyn Fn() -> (Proxy, String) + Send + Sync>;

impl ServerUnderTest {
    async fn faulty_store(&self, plan: Plan) -> FaultyStore {
        let (proxy, url) = (self.proxied)();
        let store = connect_patiently(&url, 1).await;
        let hasty = match plan.fault {
            Fault::BlackHole => connect_within(&url, 1, Duration::from_secs(10)).await,
            _ => store.clone(),
        };
        FaultyStore {
            store,
            hasty,
            proxy: Arc::new(proxy),
            plan: Arc::new(Mutex::new(plan)),
        }
    }

    /// Checks one operation with one fault.
    async fn check(&self, name: &str, operation: Operation, fault: Fault, times: usize) {
        let case = format!("{operation:?}, {fault:?} {times} times");
        let direct = DirectAccess::new(&self.store, operation, name).await;
        let kind = Some(operation.write_kind());
        let faulty = self.faulty_store(Plan { kind, fault, times }).await;
        let service = Service::new(BoxStore::new(faulty.clone()));
        let result = direct.perform(operation, &service).await;
        assert_eq!(faulty.proxy.injected(), times, "{case}");
        let unknown = times == SENT;
        let is_wrong = matches!(operation, Operation::WrongPasscode | Operation::WrongCode);
        match &result {
            Ok(()) if !unknown && !is_wrong => {}
            Err(Denied::Rejected(Rejection::WrongCode)) if !unknown && is_wrong => {}
            Err(Denied::Failed(VerifierError::Unsettled(_))) if unknown => {}
            result => panic!("{case}: {result:?}"),
        }
        let arrived = !matches!(fault, Fault::DropRequest | Fault::Reset);
        assert_eq!(
            direct.is_stored(operation).await,
            arrived || !unknown,
            "{case}"
        );
        if matches!(operation, Operation::Grant | Operation::Issue) {
            // Two writes: the codes are never stored without the proof. The proof alone is stored
            // if only the first write was applied.
            let first_applied = arrived || !unknown;
            let expected = match operation {
                Operation::Grant => (first_applied, !unknown),
                _ => (true, first_applied),
            };
            let seen = (
                direct.is_stored(Operation::Grant).await,
                direct.is_stored(Operation::Issue).await,
            );
            assert_eq!(seen, expected, "{case}: the proof, and the codes");
        }
        if matches!(operation, Operation::Passcode | Operation::Code) {
            // The same code again: it is accepted only if it is not used.
            let again = direct.perform(operation, &direct.service).await;
            let expected = match operation {
                Operation::Passcode => Rejection::Replayed,
                _ => Rejection::BackupCodeUsed,
            };
            match again {
                Ok(()) => assert!(!arrived && unknown, "{case}: accepted twice"),
                Err(denied) => {
                    assert_eq!(denied.rejection(), Some(expected), "{case}: {denied:?}");
                    assert!(arrived || !unknown, "{case}: lost");
                }
            }
        }
        // The network works again, and so does the store.
        service.verifier.status(&direct.account).await.unwrap();
        let hasty = Service::new(faulty.hasty);
        retry(|| hasty.verifier.status(&direct.account)).await;
    }

    /// A login that cannot load the record fails, and does not count as an attempt.
    async fn check_load(&self, name: &str, fault: Fault) {
        let operation = Operation::Passcode;
        let direct = DirectAccess::new(&self.store, operation, name).await;
        let (kind, times) = (None, 1);
        let faulty = self.faulty_store(Plan { kind, fault, times }).await;
        let service = Service::new(BoxStore::new(faulty.clone()));
        match direct.perform(operation, &service).await {
            Ok(()) if self.repeats_loads || matches!(fault, Fault::Stall(_)) => return,
            Err(Denied::Failed(VerifierError::Store(_))) => {}
            result => panic!("{fault:?} of a load: {result:?}"),
        }
        assert!(!direct.is_stored(operation).await, "{fault:?} of a load");
        direct.perform(operation, &service).await.unwrap();
    }
}

/// Checks all faults on all operations, many at a time, because they mostly wait.
fn no_network_fault_gives_a_wrong_answer(name: &str, server: Option<(String, Proxied)>) {
    let Some((url, proxied)) = server else { return };
    let check = async {
        let store = connect_patiently(&url, 8).await;
        let server = Arc::new(ServerUnderTest {
            store,
            proxied,
            repeats_loads: name == "redis",
        });
        let at_once = Arc::new(Semaphore::new(50));
        let mut checks = Vec::new();
        for (fault, times) in FAULTS {
            for operation in OPERATIONS {
                let (server, at_once) = (Arc::clone(&server), Arc::clone(&at_once));
                let account = format!("faulty-{}", checks.len());
                checks.push(tokio::spawn(async move {
                    let _permit = at_once.acquire().await;
                    server.check(&account, operation, fault, times).await;
                }));
            }
            let (server, account) = (Arc::clone(&server), format!("unread-{}", checks.len()));
            checks.push(tokio::spawn(async move {
                server.check_load(&account, fault).await;
            }));
        }
        let number = checks.len();
        for check in checks {
            check.await.unwrap();
        }
        println!("{name}: {number} faults of the network, no wrong answer");
    };
    tokio::runtime::Runtime::new().unwrap().block_on(check);
}

macro_rules! on {
    ($server:ident) => {
        on!($server, |url: String| url)
    };
    ($server:ident, $url:expr) => {
        available($server::start(Durability::Fast)).map(|server| {
            let url = $url(server.url());
            let proxied: Proxied = Box::new(move || {
                let proxy = Proxy::start(server.address()).unwrap();
                let url = $url(server.url_at(proxy.address()));
                (proxy, url)
            });
            (url, proxied)
        })
    };
}

#[test]
fn postgres_network_faults_give_no_wrong_answer() {
    no_network_fault_gives_a_wrong_answer("postgres", on!(Postgres));
}

#[test]
fn tokio_postgres_network_faults_give_no_wrong_answer() {
    let server = on!(Postgres, |url: String| {
        url.replacen("postgres", TOKIO_POSTGRES, 1)
    });
    no_network_fault_gives_a_wrong_answer("tokio-postgres", server);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_network_faults_give_no_wrong_answer() {
    let server = on!(Postgres, |url: String| {
        url.replacen("postgres", DIESEL_POSTGRES, 1)
    });
    no_network_fault_gives_a_wrong_answer("diesel-postgres", server);
    let server = on!(MariaDb, |url: String| {
        // The driver would move to the socket of a server on this computer.
        url.replacen("mysql", DIESEL_MYSQL, 1) + "?prefer_socket=false"
    });
    no_network_fault_gives_a_wrong_answer("diesel-mariadb", server);
}

#[test]
#[ignore = "takes minutes"]
fn soak_redis_network_faults_give_no_wrong_answer() {
    no_network_fault_gives_a_wrong_answer("redis", on!(Redis));
}

#[test]
fn mariadb_network_faults_give_no_wrong_answer() {
    no_network_fault_gives_a_wrong_answer("mariadb", on!(MariaDb));
}
