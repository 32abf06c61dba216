//! A client process of a crash test.

fn main() {
    countersign_store_soak::worker_program::main(std::env::args().skip(1));
}
