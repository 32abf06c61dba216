use countersign_gate::countersign::session::Access;

/// What an app has behind its gate, in the order in which it was added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotedRoutes(Vec<Noted>);

/// A route, or a service whose routes are not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Noted {
    /// The path with its parameters: `/invoices/{id}`. `None` for a service.
    pub path: Option<String>,
    /// What a visitor needs.
    pub access: Access,
}

impl Noted {
    pub(crate) fn route(path: &str, access: Access) -> Self {
        let path = Some(path.to_owned());
        Self { path, access }
    }

    pub(crate) const fn service(access: Access) -> Self {
        let path = None;
        Self { path, access }
    }
}

impl NotedRoutes {
    pub(crate) fn note(&mut self, noted: Noted) {
        self.0.push(noted);
    }

    /// Returns the routes and services.
    pub fn iter(&self) -> impl Iterator<Item = &Noted> {
        self.0.iter()
    }
}
