use crate::page::Page;
use crate::problem::Problem;

/// The content type and the text of a page for a program.
pub(crate) fn page_json(page: &Page) -> (&'static str, String) {
    let _ = page;
    ("application/json", String::from("{}"))
}

/// A refused form, for a program (RFC 9457).
pub(crate) fn problem_json(problem: &Problem, title: &str, csrf: &str) -> (&'static str, String) {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": problem.status(),
        "code": problem.code(),
        "csrf": csrf,
    });
    ("application/problem+json", body.to_string())
}
