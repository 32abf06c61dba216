use crate::page::Page;

/// The content type and the text of a page for a program.
pub(crate) fn page_json(page: &Page) -> (&'static str, String) {
    let _ = page;
    ("application/json", String::from("{}"))
}
