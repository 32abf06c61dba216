//! Runs the program of the guide, and uses the program as a user does.

countersign_guides::guide_tests!(env!("CARGO_BIN_EXE_countersign-guide-actix-web"));
