//! Resolves the indices of a command to values.

use super::account::{self, Active, App, By, Device as Shows, Seal};
use super::command::{End, Enrollment, NONSENSE, Naming, Pick, Proof, Receipt, Typed};
use super::devices::{Device, Token};
use super::observed::View;
use super::typed::{MISSHAPEN, Spelling};
use super::world::World;
use countersign::factor::{BackupCodeSetId, RateLimitState};
use countersign::{AuthenticatorId, DeviceToken, EnrollmentId, SealedReceipt, Timestamp};

/// What the user, the attacker and the application know about an account.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) begun: Vec<(EnrollmentId, App)>,
    pub(crate) accepted: Vec<String>,
    pub(crate) receipts: Vec<Kept>,
    pub(crate) sets: Vec<Vec<String>>,
    pub(crate) tokens: Vec<(Token, DeviceToken)>,
    /// The ids that the issues answered, and the numbers of the sets.
    pub(crate) set_ids: Vec<(BackupCodeSetId, usize)>,
}

/// A receipt as the verifier returned it, and its sealed form.
pub(crate) struct Kept {
    pub(crate) receipt: countersign::Receipt,
    pub(crate) sealed: SealedReceipt,
    pub(crate) by: By,
}

/// A proof for the reference and for the system.
pub(crate) struct Proven {
    pub(crate) proof: account::Proof,
    sealed: Option<SealedReceipt>,
}

impl Proven {
    pub(crate) fn for_system(&self) -> countersign::Proof<'_> {
        match (&self.proof, &self.sealed) {
            (account::Proof::Code(text), _) => countersign::Proof::Code(text),
            (account::Proof::Reauthenticated { checked_at, .. }, Some(receipt)) => {
                countersign::Proof::Reauthenticated {
                    first_factor: countersign::FirstFactor::password(Timestamp::from_unix(
                        *checked_at,
                    )),
                    receipt,
                }
            }
            (
                account::Proof::Password { checked_at }
                | account::Proof::Reauthenticated { checked_at, .. },
                _,
            ) => countersign::Proof::Password {
                checked_at: Timestamp::from_unix(*checked_at),
            },
        }
    }
}

impl World {
    pub(crate) fn active(&self, pick: Pick) -> AuthenticatorId {
        let picked = match pick {
            Pick::Replaced => self.reference.pending_replaces(self.who),
            _ => pick
                .of(self.reference.active(self.who))
                .map(|active| active.id),
        };
        picked.unwrap_or_else(|| "00000000deadbeef".parse().unwrap())
    }

    pub(crate) fn enrollment(&self, which: Enrollment) -> EnrollmentId {
        let picked = match which {
            Enrollment::Own(pick) => pick.of(&self.known[self.who].begun),
            Enrollment::Foreign => self.known[1 - self.who].begun.last(),
        };
        picked.map_or_else(|| "00".repeat(16).parse().unwrap(), |(id, _)| *id)
    }

    /// A set of codes that was issued, or the newest one of the other account.
    pub(crate) fn code_set(&self, pick: Pick) -> (BackupCodeSetId, usize) {
        let own = pick.of(&self.known[self.who].set_ids);
        let picked = own.or_else(|| self.known[1 - self.who].set_ids.last());
        picked.map_or_else(|| ("00".repeat(16).parse().unwrap(), 0), |set| *set)
    }

    /// The requested name.
    pub(crate) fn name(&self, naming: Naming) -> Option<String> {
        let begun = &self.known[self.who].begun;
        let picked = match naming {
            Naming::Default => return None,
            Naming::Fresh => None,
            Naming::Second => Some("Authenticator app 2"),
            Naming::Active(pick) => {
                let active = pick.of(self.reference.active(self.who));
                active.map(|active| &active.app.name[..])
            }
            Naming::Earlier(pick) => pick.of(begun).map(|(_, app)| &app.name[..]),
        };
        Some(picked.map_or_else(|| format!("phone {}", begun.len()), str::to_owned))
    }

    pub(crate) fn proven(&self, proof: Proof) -> Proven {
        let ago = |age: i64| self.now.saturating_add_signed(-age);
        let password = |age: i64| Proven {
            proof: account::Proof::Password {
                checked_at: ago(age),
            },
            sealed: None,
        };
        match proof {
            Proof::Password(age) => password(age),
            Proof::Code(typed, spelling) => Proven {
                proof: account::Proof::Code(self.typed(typed, spelling)),
                sealed: None,
            },
            Proof::Reauthenticated {
                password: age,
                receipt,
            } => match self.receipt(receipt) {
                None => password(age),
                Some((receipt, sealed)) => Proven {
                    proof: account::Proof::Reauthenticated {
                        checked_at: ago(age),
                        receipt,
                    },
                    sealed: Some(sealed),
                },
            },
        }
    }

    /// A presented receipt for the reference and for the system.
    pub(crate) fn receipt(&self, receipt: Receipt) -> Option<(account::Receipt, SealedReceipt)> {
        let (who, pick, seal) = match receipt {
            Receipt::Own(pick) => (self.who, pick, Seal::Genuine),
            Receipt::Foreign(pick) => (1 - self.who, pick, Seal::Genuine),
            Receipt::Altered(pick, _) | Receipt::OtherNamespace(pick) => {
                (self.who, pick, Seal::Foreign)
            }
            Receipt::UnknownVersion(pick) | Receipt::UnknownKey(pick) => {
                (self.who, pick, Seal::Unknown)
            }
            Receipt::Nonsense(_) => (self.who, Pick::Back(0), Seal::Foreign),
        };
        let kept = pick.of(&self.known[who].receipts)?;
        let [other_namespace, other_key] = &self.system.other_services;
        let sealed = match receipt {
            Receipt::Own(_) | Receipt::Foreign(_) => kept.sealed.clone(),
            // The changed character comes after version and key id. A changed version or key id
            // would be unknown.
            Receipt::Altered(_, place) => altered(&kept.sealed, 7, place),
            Receipt::UnknownVersion(_) => altered(&kept.sealed, 0, 0),
            Receipt::OtherNamespace(_) => other_namespace.seal_receipt(&kept.receipt),
            Receipt::UnknownKey(_) => other_key.seal_receipt(&kept.receipt),
            Receipt::Nonsense(place) => NONSENSE[place].to_owned().into(),
        };
        let receipt = account::Receipt {
            who,
            at: kept.receipt.at().as_unix(),
            by: kept.by,
            seal,
        };
        Some((receipt, sealed))
    }

    /// The time of this end, if there is one.
    pub(crate) fn end(&self, end: End) -> Option<u64> {
        match end {
            End::RateLimit => match &self.views[self.who] {
                View::Enabled {
                    rate_limit:
                        RateLimitState::Waiting { retry_after }
                        | RateLimitState::BudgetSpent { retry_after },
                    ..
                } => Some(self.now + retry_after.as_secs()),
                _ => None,
            },
            End::Enrollment => self.reference.pending_ends_at(self.who),
            End::Receipt => {
                let kept = self.known[self.who].receipts.last()?;
                Some(kept.receipt.at().as_unix() + self.rules.proof_age)
            }
            End::Overtaken => {
                let devices = self.reference.devices(self.who);
                devices.last().map(Device::overtaken_until)
            }
            End::Trust => {
                let device = self.reference.devices(self.who).last()?;
                let days = u64::from(self.rules.devices.1);
                Some(device.issued_at + days * 86_400)
            }
            End::Right => self.reference.right_ends_at(self.who),
            End::Issues => self.reference.issues_end_at(self.who),
            End::Beginnings => self.reference.beginnings_end_at(self.who),
        }
    }

    /// The typed text. If there is nothing to pick, the text has only zeros.
    pub(crate) fn typed(&self, typed: Typed, spelling: Spelling) -> String {
        let known = &self.known[self.who];
        let digits = |number: u32, length: u8| format!("{number:0>0$}", usize::from(length));
        let shown = |app: &App, offset: i64| {
            let number = match app.device {
                Shows::Phone { period, .. } => self.now / period,
                Shows::Token(_) => self.next_counter(app),
            };
            app.passcode(number.saturating_add_signed(offset))
        };
        let codes = self.reference.all_codes(self.who);
        let code = |used: bool, pick: Pick| {
            let codes = codes.filter(|code| code.used_at.is_some() == used);
            pick.of(&codes.collect::<Vec<_>>())
                .map(|code| code.text.clone())
        };
        let code_digits = |number| digits(number, self.rules.code_length);
        let text = match typed {
            Typed::Active(pick, offset) => {
                let active = pick.of(self.reference.active(self.who));
                active.map(|active| shown(&active.app, offset))
            }
            Typed::Newest(offset) => known.begun.last().map(|(_, app)| shown(app, offset)),
            Typed::Ever(pick, offset) => {
                let all: Vec<_> = self.known.iter().flat_map(|known| &known.begun).collect();
                pick.of(&all).map(|(_, app)| shown(app, offset))
            }
            Typed::Again(pick) => pick.of(&known.accepted).cloned(),
            Typed::Digits(number) => Some(digits(number, self.rules.digits)),
            Typed::Unused(pick) => code(false, pick),
            Typed::Used(pick) => code(true, pick),
            Typed::AnySet(set, pick) => {
                let all: Vec<_> = self.known.iter().flat_map(|known| &known.sets).collect();
                set.of(&all).and_then(|set| pick.of(set)).cloned()
            }
            Typed::CodeDigits(number) => Some(code_digits(number)),
            Typed::Misshapen(place) => Some(MISSHAPEN[place].to_owned()),
        };
        spelling.of(&text.unwrap_or_else(|| code_digits(0)))
    }
}

impl World {
    /// The next counter of a token on either account, whether it is active or not.
    fn next_counter(&self, app: &App) -> u64 {
        let mut active = [0, 1]
            .into_iter()
            .flat_map(|who| self.reference.active(who));
        let active = active.find(|active| active.app.uri == app.uri);
        let used = active.and_then(Active::used);
        used.map_or(0, |used| used + 1)
    }
}

/// The receipt with another character at an index from `first` on.
fn altered(sealed: &SealedReceipt, first: usize, place: u8) -> SealedReceipt {
    let mut text = sealed.as_str().as_bytes().to_vec();
    let place = first + usize::from(place) % (text.len() - first);
    text[place] = if text[place] == b'B' { b'A' } else { b'B' };
    String::from_utf8(text).unwrap().into()
}
