use std::fmt;
use std::sync::Arc;

use crate::accounts::BoxError;
use crate::page::{Frame, Page};
use crate::templates;
use crate::words::{Language, Words};

/// Makes HTML of pages: your own templates, or ours ([`DefaultPages`]).
pub trait Pages: Send + Sync + 'static {
    /// Returns the HTML of the page. Escape everything that is not marked as HTML.
    ///
    /// # Errors
    /// If it cannot be rendered.
    fn html(&self, page: &Page) -> Result<String, BoxError>;

    /// Returns the words in this language, for messages and for JSON.
    fn words(&self, language: Language) -> &Words {
        language.words()
    }
}

impl<F> Pages for F
where
    F: Fn(&Page) -> Result<String, BoxError> + Send + Sync + 'static,
{
    fn html(&self, page: &Page) -> Result<String, BoxError> {
        self(page)
    }
}

/// Our pages: accessible, without inline scripts and styles, and complete without a script.
#[derive(Clone, Default)]
pub struct DefaultPages {
    frame: Option<Arc<HostFrame>>,
    words: Vec<(Language, Words)>,
}

type HostFrame = dyn Fn(&Frame, &str, &str) -> String + Send + Sync;

impl DefaultPages {
    /// Makes the pages with our frame around them: the name of your service, and "Sign out".
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frame: None,
            words: Vec::new(),
        }
    }

    /// Makes the pages with your frame around them. Your function gets the title of the page as
    /// plain text, and the content of the element `main` as HTML. It returns the whole document.
    ///
    /// Escape the title and the texts of the frame. Put links to [`Frame::style`] and
    /// [`Frame::script`] into the head, and set the attribute `lang`. If you want a button to sign
    /// out, put it into your frame.
    #[must_use]
    pub fn framed(frame: impl Fn(&Frame, &str, &str) -> String + Send + Sync + 'static) -> Self {
        Self {
            frame: Some(Arc::new(frame)),
            words: Vec::new(),
        }
    }

    /// Uses these words in this language.
    #[must_use]
    pub fn with_words(mut self, language: Language, words: Words) -> Self {
        self.words.retain(|(earlier, _)| *earlier != language);
        self.words.push((language, words));
        self
    }

    fn words_in(&self, language: Language) -> &Words {
        self.words
            .iter()
            .find_map(|(of, words)| (*of == language).then_some(words))
            .unwrap_or_else(|| language.words())
    }
}

impl Pages for DefaultPages {
    fn html(&self, page: &Page) -> Result<String, BoxError> {
        let words = self.words_in(page.frame.language);
        let body = templates::body(page, words)?;
        match &self.frame {
            Some(frame) => Ok(frame(&page.frame, &body.title, &body.html)),
            None => Ok(templates::document(&page.frame, words, &body)?),
        }
    }

    fn words(&self, language: Language) -> &Words {
        self.words_in(language)
    }
}

impl fmt::Debug for DefaultPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultPages").finish_non_exhaustive()
    }
}
