//! The program of the guide, used as people use it.

countersign_guides::guide_tests!(env!("CARGO_BIN_EXE_countersign-guide-actix-web"));
