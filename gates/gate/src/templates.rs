use crate::page::{Frame, Page};
use crate::words::Words;

/// The part of a page within the frame.
pub(crate) struct Body {
    pub(crate) title: String,
    pub(crate) html: String,
}

pub(crate) fn body(page: &Page, words: &Words) -> Result<Body, askama::Error> {
    Ok(Body {
        title: words.code_title.to_owned(),
        html: format!("{:?}", page.content),
    })
}

pub(crate) fn document(_: &Frame, _: &Words, body: &Body) -> Result<String, askama::Error> {
    Ok(format!("{} {}", body.title, body.html))
}
