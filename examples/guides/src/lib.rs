//! The integration guides in `docs/` compile: `cargo test -p countersign-guides`.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/axum.md")]
struct Axum;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/actix-web.md")]
struct ActixWeb;
