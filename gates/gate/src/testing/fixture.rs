use countersign::factor::TrustedDevices;
use countersign::session::{FactorFlag, Requirement};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, AuthenticatorName, EnrollmentRequest, KeyId, Keyring, Policy, Proof, SealingKey,
    Timestamp, Verifier, VerifierBuilder,
};
use std::collections::HashMap;
use std::time::Duration;

use crate::accounts::{Accounts, BoxError, PasswordCheck};
use crate::page::{CodePage, CodesPage, Content, Page};
use crate::{Gate, MemoryRows, Separate, SignInRows};

type Builder = VerifierBuilder<Separate<MemoryStore, MemoryRows>>;

/// A gate with four accounts, a clock, and their phones.
///
/// `alice` and `dave` have a second factor. `bob` has none. `carol` has none and must enroll. Every
/// password is `password`. The gate remembers browsers, and trusts them for 30 days. The pages of
/// this gate are lines `name: value`.
#[derive(Debug)]
pub struct Fixture {
    /// The gate.
    pub gate: Gate,
    /// The clock of the gate and of the verifier.
    pub clock: ManualClock,
    /// The table of sign-ins.
    pub rows: MemoryRows,
    phones: HashMap<&'static str, Phone>,
}

impl Fixture {
    /// The time at which it begins.
    pub(super) const START: Timestamp = Timestamp::from_unix(1_800_000_000);

    /// Makes it.
    ///
    /// # Errors
    /// If the verifier refuses something.
    pub async fn new() -> Result<Self, BoxError> {
        Self::with(|builder| builder).await
    }

    /// Makes it with an alarm of a vigilance, until the day ends.
    ///
    /// # Errors
    /// If the verifier or the vigilance refuses something.
    pub async fn under_alarm() -> Result<Self, BoxError> {
        let vigilance = super::alarm::under_alarm().await?;
        Self::with(|builder| builder.vigilance(vigilance)).await
    }

    async fn with(build: impl FnOnce(Builder) -> Builder) -> Result<Self, BoxError> {
        let clock = ManualClock::at(Self::START);
        let rows = MemoryRows::new();
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
        let store = Separate::new(MemoryStore::new(), rows.clone());
        let policy = Policy::builder().trusted_devices(TrustedDevices::Days(30));
        let builder = Verifier::builder(store, keyring, "Example")
            .clock(clock.clone())
            .policy(policy.build()?);
        let verifier = build(builder).build()?;
        let mut phones = HashMap::new();
        for account in ["alice", "dave"] {
            let phone = enroll(&verifier, account, &clock).await?;
            rows.set_flag(&AccountId::new(account)?, FactorFlag::On)
                .await?;
            phones.insert(account, phone);
        }
        let gate = Gate::builder(verifier, TestAccounts)
            .clock(clock.clone())
            .pages(lines)
            .remember_devices()
            .build();
        Ok(Self {
            gate,
            clock,
            rows,
            phones,
        })
    }

    /// Returns the next passcode of an account, half a minute later.
    #[must_use]
    pub fn next_code(&self, account: &str) -> String {
        self.clock.advance(Duration::from_secs(30));
        let phone = self.phones.get(account);
        phone.map_or_else(String::new, |phone| phone.passcode(self.clock.now()))
    }

    /// Returns three passcodes of an account, which its app shows one after the other from now on.
    pub(super) fn row(&self, account: &str) -> Vec<String> {
        let now = self.clock.now();
        let times = [0, 30, 60].map(|seconds| now.saturating_add(seconds));
        let phone = self.phones.get(account);
        phone.map_or_else(Vec::new, |phone| times.map(|at| phone.passcode(at)).into())
    }
}

async fn enroll<S>(
    verifier: &Verifier<S>,
    account: &str,
    clock: &ManualClock,
) -> Result<Phone, BoxError>
where
    S: countersign::store::Store,
{
    let id = AccountId::new(account)?;
    let name = AuthenticatorName::new("Phone")?;
    let request = EnrollmentRequest::new(account).authenticator_name(name);
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let begun = verifier.begin_enrollment(&id, request, proof).await?;
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
    let code = phone.passcode(clock.now());
    let _ = verifier.confirm_enrollment(&id, begun.id(), &code).await?;
    clock.advance(Duration::from_secs(60));
    Ok(phone)
}

#[derive(Debug)]
struct TestAccounts;

impl Accounts for TestAccounts {
    async fn account_name(&self, account: &AccountId) -> Result<String, BoxError> {
        Ok(account.to_string())
    }

    async fn check_password(&self, _: &AccountId, text: &str) -> Result<PasswordCheck, BoxError> {
        Ok(match text {
            "password" => PasswordCheck::Right,
            _ => PasswordCheck::Wrong,
        })
    }

    async fn requirement(&self, account: &AccountId) -> Result<Requirement, BoxError> {
        Ok(match account.as_str() {
            "carol" => Requirement::Required,
            _ => Requirement::Optional,
        })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the trait's signature")]
fn lines(page: &Page) -> Result<String, BoxError> {
    let mut text = format!("csrf: {}\n", page.frame.csrf);
    if let Content::Code(CodePage { request, .. }) | Content::Codes(CodesPage { request, .. }) =
        &page.content
    {
        text += &format!("request: {request}\n");
    }
    let problem = page.frame.problem.as_ref();
    for (name, line) in [
        ("notice", page.frame.notice.as_ref()),
        ("problem", problem.map(|problem| &problem.text)),
    ] {
        if let Some(line) = line {
            text += &format!("{name}: {line}\n");
        }
    }
    Ok(text)
}
