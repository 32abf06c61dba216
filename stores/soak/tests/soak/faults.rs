//! A network that fails between the verifier and a server: what is told is right, or that nobody knows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign::store::{BoxStore, ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign::testing::Phone;
use countersign::{
    AccountId, Denied, EnrollmentId, EnrollmentRequest, Proof, Rejection, Status, Timestamp,
    VerifierError,
};
use countersign_store_soak::cast::{ENROLLED_AT, Person};
use countersign_store_soak::connect::{connect, connect_within};
use countersign_store_soak::service::{Service, failures};
use countersign_store_soak::sheets::Sheet;
use countersign_store_testing::{Durability, Fault, MariaDb, Postgres, Proxy, available};
use tokio::sync::Semaphore;

/// What is done while the network fails. Each is done at [`NOW`], or at the enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A first enrollment is begun, which creates the record.
    Begin,
    /// It is confirmed.
    Confirm,
    /// A login with a right passcode.
    Passcode,
    /// A login with a wrong one.
    WrongPasscode,
    /// A login with a wrong backup code: it is reserved as a failure.
    WrongCode,
    /// A login with a right backup code: the second write of it, the settling one.
    Code,
    /// Backup codes are issued: the first write, which takes the proof.
    Grant,
    /// The second write of it, which stores the codes.
    Issue,
    /// The account is erased.
    Erase,
}

const DEEDS: [Deed; 9] = [
    Deed::Begin,
    Deed::Confirm,
    Deed::Passcode,
    Deed::WrongPasscode,
    Deed::WrongCode,
    Deed::Code,
    Deed::Grant,
    Deed::Issue,
    Deed::Erase,
];

/// How often which fault strikes the write of the deed. The verifier sends it at most three times.
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

impl Deed {
    const fn writes(self) -> WriteKind {
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

/// A store that tells the proxy what to strike.
#[derive(Clone)]
struct Struck {
    store: BoxStore,
    proxy: Arc<Proxy>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Clone, Copy)]
struct Plan {
    /// `None`: loads.
    kind: Option<WriteKind>,
    fault: Fault,
    times: usize,
}

impl Struck {
    fn arm(&self, kind: Option<WriteKind>, bytes: &[u8]) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.kind == kind && plan.times > 0 {
            plan.times -= 1;
            self.proxy.strike(bytes, plan.fault);
        }
    }
}

impl Store for Struck {
    type Error = <BoxStore as Store>::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.arm(None, account.as_str().as_bytes());
        self.store.load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let bytes = swap.record().unwrap_or(account.as_str().as_bytes());
        self.arm(Some(swap.kind()), bytes);
        self.store.compare_and_swap(account, swap).await
    }
}

/// An account, seen without a network between.
struct Witness {
    store: BoxStore,
    service: Service,
    account: AccountId,
    /// There is none yet if its enrollment is what is struck.
    person: Option<(Person, Sheet)>,
    pending: Option<(EnrollmentId, Phone)>,
}

impl Witness {
    async fn new(store: &BoxStore, deed: Deed, name: &str) -> Self {
        let mut witness = Self {
            store: store.clone(),
            service: Service::new(store.clone()),
            account: AccountId::new(name).unwrap(),
            person: None,
            pending: None,
        };
        match deed {
            Deed::Begin => {}
            Deed::Confirm => {
                let (id, uri) = begin(&witness.service, &witness.account).await.unwrap();
                witness.pending = Some((id, Phone::scan(&uri).unwrap()));
            }
            _ => witness.person = Some(Person::enroll(&witness.service, name, false).await),
        }
        witness
    }

    /// Does it, on a service that may have a bad network.
    async fn perform(&self, deed: Deed, service: &Service) -> Result<(), Denied> {
        let account = &self.account;
        let verify = async |code: &str| service.at(NOW).verify(account, code).await.map(drop);
        let passcode = || self.person.as_ref().unwrap().0.passcode(NOW / 30);
        match deed {
            Deed::Begin => begin(service, account).await.map(drop),
            Deed::Confirm => {
                let (id, phone) = self.pending.as_ref().unwrap();
                let passcode = phone.passcode(Timestamp::from_unix(ENROLLED_AT));
                let verifier = service.at(ENROLLED_AT);
                let confirmed = verifier.confirm_enrollment(account, *id, &passcode).await;
                confirmed.map(drop)
            }
            Deed::Passcode => verify(&passcode()).await,
            Deed::WrongPasscode => {
                let wrong = self.person.as_ref().unwrap().0.wrong_passcode(NOW, 0);
                verify(&wrong).await
            }
            Deed::WrongCode => {
                let sheet = &self.person.as_ref().unwrap().1;
                let mut codes = (0..).map(|code: u32| format!("{code:08}"));
                let wrong = codes.find(|code| !sheet.codes.contains(code)).unwrap();
                verify(&wrong).await
            }
            Deed::Code => verify(&self.person.as_ref().unwrap().1.codes[4]).await,
            Deed::Grant | Deed::Issue => {
                let (verifier, passcode) = (service.at(NOW), passcode());
                let issued = verifier.issue_backup_codes(account, Proof::Code(&passcode));
                issued.await.map(drop)
            }
            Deed::Erase => service.verifier.erase(account).await.map_err(Denied::from),
        }
    }

    /// Whether it is on record, once.
    async fn sees(&self, deed: Deed) -> bool {
        let status = self.service.verifier.status(&self.account).await.unwrap();
        let now = Some(Timestamp::from_unix(NOW));
        match (deed, status) {
            (Deed::Begin, status) => status == Status::Disabled,
            (Deed::Erase, status) => status == Status::Absent,
            (Deed::Confirm, status) => matches!(status, Status::Enabled(_)),
            (Deed::WrongPasscode | Deed::WrongCode, _) => {
                match failures(&self.store, &self.account).await.unwrap() {
                    0 => false,
                    1 => true,
                    more => panic!("{more} failures for one attempt"),
                }
            }
            (Deed::Passcode | Deed::Grant, Status::Enabled(enabled)) => {
                enabled.authenticators[0].last_used_at == now
            }
            (Deed::Code, Status::Enabled(enabled)) => {
                let codes = enabled.backup_codes.unwrap();
                codes.remaining == 9 && codes.used_at[4] == now
            }
            (Deed::Issue, Status::Enabled(enabled)) => {
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

/// A server, reached directly or through a proxy.
struct Place {
    store: BoxStore,
    proxied: Proxied,
}

/// A new proxy, and the URL through it.
type Proxied = Box<dyn Fn() -> (Proxy, String) + Send + Sync>;

impl Place {
    async fn struck(&self, plan: Plan) -> Struck {
        let (proxy, url) = (self.proxied)();
        // What is answered at all is waited for, however slow the machine is.
        let limit = match plan.fault {
            Fault::BlackHole => Duration::from_secs(10),
            _ => Duration::from_secs(100),
        };
        Struck {
            store: connect_within(&url, 1, limit).await,
            proxy: Arc::new(proxy),
            plan: Arc::new(Mutex::new(plan)),
        }
    }

    /// A deed whose write is struck.
    async fn check(&self, name: &str, deed: Deed, fault: Fault, times: usize) {
        let case = format!("{deed:?}, {fault:?} {times} times");
        let witness = Witness::new(&self.store, deed, name).await;
        let kind = Some(deed.writes());
        let struck = self.struck(Plan { kind, fault, times }).await;
        let service = Service::new(BoxStore::new(struck.clone()));
        let told = witness.perform(deed, &service).await;
        assert_eq!(struck.proxy.struck(), times, "{case}");
        let unknown = times == SENT;
        let is_wrong = matches!(deed, Deed::WrongPasscode | Deed::WrongCode);
        match &told {
            Ok(()) if !unknown && !is_wrong => {}
            Err(Denied::Rejected(Rejection::WrongCode)) if !unknown && is_wrong => {}
            Err(Denied::Failed(VerifierError::Unsettled(_))) if unknown => {}
            told => panic!("{case}: {told:?}"),
        }
        let arrived = !matches!(fault, Fault::DropRequest | Fault::Reset);
        assert_eq!(witness.sees(deed).await, arrived || !unknown, "{case}");
        if matches!(deed, Deed::Grant | Deed::Issue) {
            // Two writes: never the codes without the proof, and the proof alone if only the first one landed.
            let landed = arrived || !unknown;
            let expected = match deed {
                Deed::Grant => (landed, !unknown),
                _ => (true, landed),
            };
            let seen = (
                witness.sees(Deed::Grant).await,
                witness.sees(Deed::Issue).await,
            );
            assert_eq!(seen, expected, "{case}: the proof, and the codes");
        }
        if matches!(deed, Deed::Passcode | Deed::Code) {
            // Once more: it works exactly if it is not used up.
            let again = witness.perform(deed, &witness.service).await;
            let spent = match deed {
                Deed::Passcode => Rejection::Replayed,
                _ => Rejection::BackupCodeUsed,
            };
            match again {
                Ok(()) => assert!(!arrived && unknown, "{case}: accepted twice"),
                Err(denied) => {
                    assert_eq!(denied.rejection(), Some(spent), "{case}: {denied:?}");
                    assert!(arrived || !unknown, "{case}: lost");
                }
            }
        }
        // The network is well again, and so is the store.
        service.verifier.status(&witness.account).await.unwrap();
    }

    /// A login that cannot load the record is an error, and no attempt.
    async fn check_load(&self, name: &str, fault: Fault) {
        let deed = Deed::Passcode;
        let witness = Witness::new(&self.store, deed, name).await;
        let (kind, times) = (None, 1);
        let struck = self.struck(Plan { kind, fault, times }).await;
        let service = Service::new(BoxStore::new(struck.clone()));
        match witness.perform(deed, &service).await {
            Ok(()) if matches!(fault, Fault::Stall(_)) => return,
            Err(Denied::Failed(VerifierError::Store(_))) => {}
            told => panic!("{fault:?} of a load: {told:?}"),
        }
        assert!(!witness.sees(deed).await, "{fault:?} of a load");
        witness.perform(deed, &service).await.unwrap();
    }
}

/// All faults on all deeds, many at a time: most of the time they wait.
fn every_answer_is_right_or_unsettled(name: &str, server: Option<(String, Proxied)>) {
    let Some((url, proxied)) = server else { return };
    let check = async {
        let store = connect(&url, 8).await;
        let place = Arc::new(Place { store, proxied });
        let at_once = Arc::new(Semaphore::new(50));
        let mut checks = Vec::new();
        for (fault, times) in FAULTS {
            for deed in DEEDS {
                let (place, at_once) = (Arc::clone(&place), Arc::clone(&at_once));
                let account = format!("struck-{}", checks.len());
                checks.push(tokio::spawn(async move {
                    let _permit = at_once.acquire().await;
                    place.check(&account, deed, fault, times).await;
                }));
            }
            let (place, account) = (Arc::clone(&place), format!("unread-{}", checks.len()));
            checks.push(tokio::spawn(async move {
                place.check_load(&account, fault).await;
            }));
        }
        let number = checks.len();
        for check in checks {
            check.await.unwrap();
        }
        println!("{name}: {number} faults of the network, every answer right or unsettled");
    };
    tokio::runtime::Runtime::new().unwrap().block_on(check);
}

macro_rules! on {
    ($server:ident) => {
        available($server::start(Durability::Fast)).map(|server| {
            let url = server.url();
            let proxied: Proxied = Box::new(move || {
                let proxy = Proxy::start(server.address()).unwrap();
                let url = server.url_at(proxy.address());
                (proxy, url)
            });
            (url, proxied)
        })
    };
}

#[test]
fn invariant_11_postgres_behind_a_bad_network() {
    every_answer_is_right_or_unsettled("postgres", on!(Postgres));
}

#[test]
fn invariant_11_mariadb_behind_a_bad_network() {
    every_answer_is_right_or_unsettled("mariadb", on!(MariaDb));
}
