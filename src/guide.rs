//! Guide: how to use the second factor, chapter by chapter.
//!
//! | chapter | content |
//! |---|---|
//! | [Getting started](getting_started) | from a password check to a second factor; wasm32 |
//! | [Wiring it into your application](wiring) | what your application must do itself |
//! | [Choosing a policy](policy) | the limits, the risk, and the order in which to change them |
//! | [Guesses on many accounts](mass_guessing) | the alarm, and what it achieves |
//! | [Which rejection gets which words](rejections) | what to answer to every rejection and error |
//! | [Known devices](devices) | devices that need not wait, and devices that need no code |
//! | [Writing a store](writing_a_store) | the storage contract and its conformance tests |
//! | [A store for DynamoDB](store_recipes) | the contract in one more database |
//! | [Events](events) | what happened: an outbox, `on_event`, and all fields |
//! | [Deploying](deploying) | keys, updates, databases, clocks, unlocking, restores |
//! | [Losing and finding a phone](lost_phone) | each flow around a lost phone, and its test |
//! | [Incidents](incidents) | after a leak, a restore, a lost phone, a wrong clock |
//! | [Threat model](threat_model) | which attackers the library resists |
//! | [Glossary](glossary) | each word in one line |
//! | [Why is it not ...?](why_not) | why the library does not do what you may expect |
//! | [Scale](scale) | the figures for many accounts, sharding, regions |
//! | [Clusters](clusters) | settings of replicated databases, and what breaks without them |
//! | [Authenticator apps](apps) | what each app does with a key URI |
//!
//! The types that you meet first are [`Verifier`](crate::Verifier), [`Policy`](crate::Policy),
//! [`Rejection`](crate::Rejection) and [`Store`](crate::store::Store).
//!
//! # Documents outside this page
//!
//! These files are not in rustdoc:
//!
//! - `docs/gate.md`, `docs/axum.md` and `docs/actix-web.md`: the second factor of a web service,
//!   with all pages.
//! - `docs/sql-drivers.md`: a store for another SQL driver, in full.
//! - `docs/sea-orm.md`: the store and SeaORM on one pool.
//! - `docs/migrating.md`: how to move accounts from another second factor.
//! - `docs/performance.md`: what an attempt costs.
//! - `SECURITY.md`: each attack, the defence, and the test that shows it.
//! - `DESIGN.md`: how the library works, and why.
//!
//! The examples that the guide names are in the directory `examples` of the repository.

/// Makes a module from a chapter.
///
/// The chapters name each other by reference links. Each file defines these links for readers of
/// the file. The definitions here come first, so rustdoc uses them.
macro_rules! chapter {
    ($name:ident, $file:literal) => {
        #[doc = "[policy]: crate::guide::policy"]
        #[doc = "[mass-guessing]: crate::guide::mass_guessing"]
        #[doc = "[rejections]: crate::guide::rejections"]
        #[doc = "[wiring]: crate::guide::wiring"]
        #[doc = "[devices]: crate::guide::devices"]
        #[doc = "[writing-a-store]: crate::guide::writing_a_store"]
        #[doc = "[sql-drivers]: crate::guide#documents-outside-this-page"]
        #[doc = "[store-recipes]: crate::guide::store_recipes"]
        #[doc = "[events]: crate::guide::events"]
        #[doc = "[deploying]: crate::guide::deploying"]
        #[doc = "[incidents]: crate::guide::incidents"]
        #[doc = "[lost-phone]: crate::guide::lost_phone"]
        #[doc = "[gate]: crate::guide#documents-outside-this-page"]
        #[doc = "[scale]: crate::guide::scale"]
        #[doc = "[clusters]: crate::guide::clusters"]
        #[doc = "[apps]: crate::guide::apps"]
        #[doc = "[axum]: crate::guide#documents-outside-this-page"]
        #[doc = "[actix-web]: crate::guide#documents-outside-this-page"]
        #[doc = "[migrating]: crate::guide#documents-outside-this-page"]
        #[doc = "[security]: crate::guide#documents-outside-this-page"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    };
}

chapter!(getting_started, "../docs/guide/getting-started.md");
chapter!(wiring, "../docs/guide/wiring.md");
chapter!(policy, "../docs/guide/policy.md");
chapter!(mass_guessing, "../docs/guide/mass-guessing.md");
chapter!(rejections, "../docs/guide/rejections.md");
chapter!(devices, "../docs/guide/devices.md");
chapter!(writing_a_store, "../docs/guide/writing-a-store.md");
chapter!(store_recipes, "../docs/guide/store-recipes.md");
chapter!(events, "../docs/guide/events.md");
chapter!(deploying, "../docs/guide/deploying.md");
chapter!(lost_phone, "../docs/guide/lost-phone.md");
chapter!(incidents, "../docs/guide/incidents.md");
chapter!(threat_model, "../docs/guide/threat-model.md");
chapter!(glossary, "../docs/guide/glossary.md");
chapter!(why_not, "../docs/guide/why-not.md");

chapter!(scale, "../docs/scale.md");
chapter!(clusters, "../docs/clusters.md");
chapter!(apps, "../docs/apps.md");
