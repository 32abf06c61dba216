//! The page that asks for fresh factors before a page of the application.

use countersign::session::{Freshness, SecondFactorUse, SignInFactors, StepUp};
use countersign::{FirstFactor, Timestamp};
use serde::Deserialize;

use super::Stop;
use super::admit::own_path;
use super::proof::{MARGIN, Origin, ProofForm};
use super::visit::{Member, Visit};
use crate::accounts::Accounts;
use crate::exchange::GateAnswer;
use crate::page::{Change, Content, ProvePage};
use crate::sign_ins::SignInStore;

/// What a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) password: bool,
    pub(super) code: bool,
}

impl Asked {
    pub(super) const NOTHING: Self = Self {
        password: false,
        code: false,
    };
    pub(super) const CODE: Self = Self {
        password: false,
        code: true,
    };

    /// What is missing for a page that needs fresh factors.
    pub(super) fn for_access(
        freshness: Freshness,
        factors: &SignInFactors,
        now: Timestamp,
    ) -> Self {
        let second_only = SignInFactors {
            first: FirstFactor::password(now),
            ..*factors
        };
        let first_only = SignInFactors {
            second_at: now,
            ..*factors
        };
        let needs = |factors, step_up| freshness.check(&factors, now) == Err(step_up);
        Self {
            password: needs(first_only, StepUp::FirstFactor),
            code: needs(second_only, StepUp::EnterCode),
        }
    }
}

/// The address of the page, behind the prefix.
///
/// The query says what to ask for. A changed query is harmless, because the page `to` checks the
/// factors itself.
pub(super) fn prove_path(to: &str, asked: Asked) -> String {
    let ask = match asked {
        Asked {
            password: true,
            code: true,
        } => "both",
        Asked { code: true, .. } => "code",
        Asked { password: true, .. } => "password",
        Asked::NOTHING => "",
    };
    let query = serde_urlencoded::to_string([("to", to), ("ask", ask)]).unwrap_or_default();
    format!("/prove?{query}")
}

#[derive(Default, Deserialize)]
struct Query {
    #[serde(default)]
    to: String,
    #[serde(default)]
    ask: String,
}

/// What the address says.
struct Wanted {
    to: String,
    asked: Asked,
    origin: Origin,
}

impl<S: SignInStore, A: Accounts> Visit<'_, S, A> {
    pub(crate) async fn ask_proof(&mut self) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let wanted = self.wanted(&mut member, MARGIN).await?;
        if wanted.asked == Asked::NOTHING {
            return Ok(self.redirect(&wanted.to));
        }
        let Wanted { to, asked, origin } = wanted;
        let home = self.flow.settings.home.clone();
        let page = ProvePage {
            to: Some(to),
            wait: self.wait_for_code(&member.account, asked).await?,
            ..self.prove_page(Change::Reach, origin.path, home, asked)
        };
        self.page(&member.account, Content::Prove(page)).await
    }

    pub(crate) async fn prove(&mut self) -> Result<GateAnswer, Stop> {
        let mut member = self.require_member().await?;
        let form: ProofForm = self.form()?;
        let wanted = self.wanted(&mut member, 0).await?;
        let Wanted { to, asked, origin } = wanted;
        self.check_typed(&mut member, &form, asked, &origin).await?;
        if !form.code.is_empty() {
            self.verify_typed(&mut member, &form.code, &origin).await?;
        }
        Ok(self.redirect(&to))
    }

    async fn wanted(&mut self, member: &mut Member, margin: u64) -> Result<Wanted, Stop> {
        let query: Query = serde_urlencoded::from_str(&self.request.query).unwrap_or_default();
        let to = own_path(&query.to).unwrap_or(&self.flow.settings.home);
        let factors = member.full.factors;
        let mut asked = match query.ask.as_str() {
            "both" => Asked {
                password: true,
                code: true,
            },
            "password" => Asked {
                password: true,
                code: false,
            },
            "code" => Asked::CODE,
            _ => Asked {
                password: !self.is_fresh_first(factors.first, margin),
                // A trusted device signed in without a code, however short a time ago.
                code: factors.second == SecondFactorUse::TrustedDevice
                    || !self.is_fresh(factors.second_at, margin),
            },
        };
        let origin = Origin {
            path: self.path(&prove_path(to, asked)),
            typed: None,
        };
        let to = to.to_owned();
        if asked.code && self.enabled(&member.account).await?.is_none() {
            // Another sign-in has switched the second factor off, or there never was one.
            if member.full.factors.second != SecondFactorUse::None {
                self.without_second_factor(member);
            }
            asked.code = false;
        }
        if asked.password && !self.flow.accounts.has_password(&member.account).await? {
            return Err(self.sign_in_again().into());
        }
        Ok(Wanted { to, asked, origin })
    }
}
