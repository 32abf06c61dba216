//! Runs the program of part B, and uses the program as a user does.

countersign_guides::guide_tests!(env!("CARGO_BIN_EXE_countersign-guide-axum"));
