#![doc = include_str!("../../../../docs/sea-orm.md")]
#![allow(clippy::doc_markdown, reason = "the page also stands outside of rustdoc")]
