//! The default policies, as read in the sources in November 2026. A file is named by its path in
//! the package or repository.

use countersign::Policy;

use crate::model::{BackupCodes, Limit, Rules};

/// All policies, the smallest chance first.
pub(crate) fn all() -> Vec<Rules> {
    let mut all = vec![ours()];
    all.extend(alternatives());
    all.sort_by(|one, other| one.chance().total_cmp(&other.chance()));
    all
}

/// The rules of [`Policy::default`].
pub(crate) fn ours() -> Rules {
    let policy = Policy::default();
    let format = policy.code_format();
    Rules {
        name: "countersign",
        version: "0.1",
        summary: "budget of 10 guesses and one more in 3 days, whatever succeeds",
        source: "`Policy::default`",
        limit: Limit::Budget {
            burst: policy.budget_burst().into(),
            refill: policy.budget_refill().as_secs(),
        },
        owner_resets: false,
        digits: policy.digits().get().into(),
        accepted: policy.window().width().into(),
        // The current set and a pending one.
        backup_codes: Some(BackupCodes {
            count: 2.0 * f64::from(format.count()),
            space: 10_f64.powi(format.length().into()),
            limited: true,
        }),
    }
}

fn alternatives() -> [Rules; 14] {
    [
        Rules {
            name: "rodauth",
            version: "2.44.0",
            summary: "locked at 5 failures, until another factor or staff unlocks",
            source: "`lib/rodauth/features/otp.rb`, `recovery_codes.rb`",
            limit: Limit::Wait(|failures| if failures < 5 { 0 } else { u64::MAX }),
            backup_codes: codes(16.0, 256_f64.powi(32), false),
            ..SIX_DIGITS
        },
        Rules {
            name: "sui-id",
            version: "0.87.0",
            summary: "from 5 failures: 5 min, 30 min, 2 h, 6 h, 12 h, 24 h",
            source: "`sui-id-store/src/commands.rs`, `sui-id-core/src/authn/session.rs`",
            limit: Limit::Wait(sui_id),
            backup_codes: codes(8.0, 64_f64.powi(15), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "django-otp",
            version: "1.7.5",
            summary: "1 s after a failure, doubled for each one more",
            source: "`django_otp/models.py`, `plugins/otp_totp/models.py`",
            limit: Limit::Wait(|failures| {
                1_u64.checked_shl(failures as u32 - 1).unwrap_or(u64::MAX)
            }),
            backup_codes: codes(10.0, 32_f64.powi(8), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "axess",
            version: "0.14.0",
            summary: "5 failures, then 15 min",
            source: "`axess-core/src/authn/types.rs`",
            limit: Limit::Wait(|failures| every(5, 900, failures)),
            backup_codes: codes(10.0, 32_f64.powi(10), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "rustango (admin)",
            version: "0.62.0",
            summary: "5 failures, then 15 min",
            source: "`src/account_lockout.rs`, `src/admin/totp_store.rs`",
            limit: Limit::Wait(|failures| every(5, 900, failures)),
            ..SIX_DIGITS
        },
        Rules {
            name: "django-allauth",
            version: "65.22.1",
            summary: "5 failures per 5 min",
            source: "`allauth/account/app_settings.py`, `allauth/mfa/app_settings.py`",
            limit: Limit::Wait(|failures| every(5, 300, failures)),
            accepted: 1,
            backup_codes: codes(10.0, 1e8, true),
            ..SIX_DIGITS
        },
        Rules {
            name: "fraiseql-auth",
            version: "2.19.0",
            summary: "10 failures per 15 min",
            source: "`src/totp_mfa/mod.rs`, `postgres.rs`",
            limit: Limit::Wait(|failures| every(10, 900, failures)),
            backup_codes: codes(8.0, 16_f64.powi(16), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "better-auth (Rust)",
            version: "1.0.0-alpha.5",
            summary: "10 failures, then 15 min",
            source: "`better-auth-api/src/plugins/two_factor/mod.rs`",
            limit: Limit::Wait(|failures| every(10, 900, failures)),
            backup_codes: codes(10.0, 62_f64.powi(10), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "better-auth (TypeScript)",
            version: "1.7.25",
            summary: "10 failures, then 15 min",
            source: "`dist/plugins/two-factor/verify-two-factor.mjs`",
            limit: Limit::Wait(|failures| every(10, 900, failures)),
            backup_codes: codes(10.0, 62_f64.powi(10), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "kanidm",
            version: "1.11.1",
            summary: "3 failures per time step of 30 s",
            source: "`server/lib/src/credential/softlock.rs`, `totp.rs`",
            limit: Limit::Wait(|failures| if failures.is_multiple_of(3) { 28 } else { 1 }),
            owner_resets: false,
            accepted: 2,
            backup_codes: codes(8.0, 55_f64.powi(20), true),
            ..SIX_DIGITS
        },
        Rules {
            name: "Authelia",
            version: "4.39.20",
            summary: "per address only: 50 codes per 10 min, counted here as one address",
            source: "`internal/configuration/schema/server.go`, `internal/regulation/regulator.go`",
            limit: Limit::Wait(|failures| every(50, 600, failures)),
            owner_resets: false,
            ..SIX_DIGITS
        },
        Rules {
            name: "Keycloak",
            version: "26",
            summary: "none: brute force detection is off by default",
            source: "`services/.../services/managers/RealmManager.java`",
            backup_codes: codes(1.0, 34_f64.powi(12), false),
            ..SIX_DIGITS
        },
        Rules {
            name: "Ory Kratos",
            version: "26.2.0",
            summary: "none found",
            source: "`selfservice/strategy/totp/login.go`, `lookup/login.go`",
            backup_codes: codes(12.0, 36_f64.powi(8), false),
            ..SIX_DIGITS
        },
        Rules {
            name: "devise-two-factor",
            version: "6.4.0",
            summary: "none: left to Devise's `lockable`, which a model must ask for",
            source: "`lib/devise_two_factor/strategies/`, `lib/devise-two-factor.rb`",
            backup_codes: codes(5.0, 16_f64.powi(32), false),
            ..SIX_DIGITS
        },
    ]
}

/// Six digits, one time step on either side of the current step, a success that resets the count,
/// and no limit.
const SIX_DIGITS: Rules = Rules {
    name: "",
    version: "",
    summary: "",
    source: "",
    limit: Limit::None,
    owner_resets: true,
    digits: 6,
    accepted: 3,
    backup_codes: None,
};

const fn codes(count: f64, space: f64, limited: bool) -> Option<BackupCodes> {
    Some(BackupCodes {
        count,
        space,
        limited,
    })
}

/// A wait after each group of `number` failures.
fn every(number: u64, wait: u64, failures: u64) -> u64 {
    if failures.is_multiple_of(number) {
        wait
    } else {
        0
    }
}

/// The curve of `lockout_backoff`, which applies from the fifth wrong second factor on.
fn sui_id(failures: u64) -> u64 {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    match failures {
        ..=4 => 0,
        5 => 5 * MINUTE,
        6 => 30 * MINUTE,
        7 => 2 * HOUR,
        8 => 6 * HOUR,
        9 => 12 * HOUR,
        _ => 24 * HOUR,
    }
}
