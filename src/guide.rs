//! The manual: what does not belong to one type.

#[doc = include_str!("../docs/hosts.md")]
pub mod hosts {}

#[doc = include_str!("../docs/stores.md")]
pub mod stores {}

#[doc = include_str!("../docs/scale.md")]
pub mod scale {}

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/apps.md")]
pub mod apps {}
