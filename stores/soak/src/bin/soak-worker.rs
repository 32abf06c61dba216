//! A client process of a storm.

fn main() {
    countersign_store_soak::worker::main(std::env::args().skip(1));
}
