//! A store behind `Arc<dyn Store>`.
use countersign::store::Store;
use std::io::Error;
use std::sync::Arc;

pub struct Service {
    pub store: Arc<dyn Store<Error = Error>>,
}

fn main() {}
