use countersign::backup::BackupCodes;
use countersign::store::MemoryStore;
use countersign::testing::{Phone, block_on};
use countersign::{
    AccountId, EnrollmentRequest, FirstFactor, Proof, SealedReceipt, Timestamp, Verifier,
};

use super::Error;

/// What a user has after the enrollment.
#[derive(Debug)]
pub struct Enrolled {
    /// The first authenticator.
    pub phone: Phone,
    /// A set of backup codes.
    pub codes: BackupCodes,
}

impl Enrolled {
    /// Enrolls a user with this many authenticators and a set of backup codes.
    pub fn new(
        verifier: &Verifier<MemoryStore>,
        id: &AccountId,
        now: Timestamp,
        authenticators: u8,
    ) -> Result<Self, Error> {
        let (phone, receipt) = add_authenticator(verifier, id, now, None)?;
        for _ in 1..authenticators {
            let (_phone, _receipt) = add_authenticator(verifier, id, now, Some(&receipt))?;
        }
        let proof = proof(now, Some(&receipt));
        let codes = block_on(verifier.issue_backup_codes(id, proof))?.into_codes();
        Ok(Self { phone, codes })
    }
}

fn add_authenticator(
    verifier: &Verifier<MemoryStore>,
    id: &AccountId,
    now: Timestamp,
    receipt: Option<&SealedReceipt>,
) -> Result<(Phone, SealedReceipt), Error> {
    let request = EnrollmentRequest::new("alice@example.com");
    let begun = block_on(verifier.begin_enrollment(id, request, proof(now, receipt)))?;
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
    let passcode = phone.passcode(now);
    let confirmed = block_on(verifier.confirm_enrollment(id, begun.id(), &passcode))?;
    Ok((phone, verifier.seal_receipt(&confirmed)))
}

fn proof(now: Timestamp, receipt: Option<&SealedReceipt>) -> Proof<'_> {
    match receipt {
        None => Proof::Password { checked_at: now },
        Some(receipt) => Proof::Reauthenticated {
            first_factor: FirstFactor::password(now),
            receipt,
        },
    }
}

/// A six-digit passcode that differs from all right passcodes.
pub fn wrong_code(right: &[String]) -> String {
    let mut codes = (0..1_000_000).map(|code| format!("{code:06}"));
    codes.find(|code| !right.contains(code)).unwrap_or_default()
}
