//! Runs the program of part A, and uses the program as a user does.

countersign_guides::password_tests!(env!("CARGO_BIN_EXE_countersign-guide-axum-password"));
