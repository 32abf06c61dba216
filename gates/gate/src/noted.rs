use countersign::session::Access;

/// A route of a service, as it was added to the gate's router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotedRoute {
    /// The path, with the names of its parameters. Empty: a service whose paths nobody sees from
    /// here.
    pub path: String,
    /// What it needs.
    pub access: Access,
    /// Whether it is a service or router of its own, whose routes nobody sees from here.
    pub nested: bool,
}

impl NotedRoute {
    /// Notes a route.
    #[must_use]
    pub fn new(path: &str, access: Access) -> Self {
        Self {
            path: path.to_owned(),
            access,
            nested: false,
        }
    }

    /// Notes a service or router of its own. Its path is empty if it is not known.
    #[must_use]
    pub fn nested(path: &str, access: Access) -> Self {
        Self {
            nested: true,
            ..Self::new(path, access)
        }
    }
}
