use countersign_gate::countersign::session::Access;

/// A route, as it was added to a [`GateApp`](crate::GateApp).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotedRoute {
    /// The path, with the names of its parameters. `None`: a service, whose routes nobody sees from
    /// here.
    pub path: Option<String>,
    /// What it needs.
    pub access: Access,
}
