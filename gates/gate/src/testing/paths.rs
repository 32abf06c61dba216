//! The paths of routes: values for their parameters, and other spellings.

use std::collections::BTreeMap;

use crate::noted::NotedRoute;

/// Puts values in the place of the parameters: `{id}`, `{*rest}`, `{id:[0-9]+}`. The error is the
/// name of a parameter without a value.
pub(super) fn filled(path: &str, params: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, parameter)) = rest.split_once('{') {
        let (inside, after) = inside(parameter);
        let name = name(inside);
        let value = params.get(name).ok_or_else(|| name.to_owned())?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The text up to the brace that closes a parameter, and the text behind that brace. The regular
/// expression of a parameter has braces too.
fn inside(parameter: &str) -> (&str, &str) {
    let mut depth = 1_usize;
    let end = parameter.char_indices().find(|(_, c)| {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let end = end.map_or(parameter.len(), |(at, _)| at);
    let (inside, after) = parameter.split_at_checked(end).unwrap_or((parameter, ""));
    (inside, after.strip_prefix('}').unwrap_or(after))
}

fn name(inside: &str) -> &str {
    let name = inside.split(':').next().unwrap_or_default();
    name.trim_start_matches('*')
}

/// The path, and spellings that some routers and proxies take for the same path.
pub(super) fn spellings(path: &str) -> (String, Vec<String>) {
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    let name = path.trim_start_matches('/');
    let mut others = vec![
        format!("{path}/"),
        format!("/{path}"),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("/%2E%2E{path}"),
        format!("{path}?to=/"),
    ];
    let upper = path.to_uppercase();
    if upper != path {
        others.push(upper);
    }
    if let Some(first) = name.bytes().next() {
        let rest = name.get(1..).unwrap_or_default();
        others.push(format!("/%{first:02x}{rest}"));
    }
    (path, others)
}

/// Whether a path can be one of this route. Nothing is known about a route without a path.
pub(super) fn matches(route: &NotedRoute, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.split('/');
    if route.path.is_empty() {
        return false;
    }
    for expected in route.path.trim_end_matches('/').split('/') {
        if expected.starts_with("{*") || expected.ends_with(":.*}") {
            return true;
        }
        let Some(part) = parts.next() else {
            return false;
        };
        if !expected.contains('{') && part != expected {
            return false;
        }
    }
    route.nested || parts.all(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign::session::Access;

    #[test]
    fn parameters_of_a_path_are_filled() {
        let params = BTreeMap::from([("id".to_owned(), "7".to_owned())]);
        let fill = |path| filled(path, &params);
        assert_eq!(fill("/a/{id}/b/{id:[0-9]{1,3}}").unwrap(), "/a/7/b/7");
        assert_eq!(fill("/a/{*id}").unwrap(), "/a/7");
        assert_eq!(fill("/a").unwrap(), "/a");
        assert_eq!(fill("/a/{name:.*}").unwrap_err(), "name");
    }

    #[test]
    fn a_path_is_spelled_in_other_ways() {
        let (plain, others) = spellings("secret");
        assert_eq!(plain, "/secret");
        let expected = [
            "/secret/",
            "//secret",
            "/./secret",
            "/%2e/secret",
            "/%2E%2E/secret",
            "/secret?to=/",
            "/SECRET",
            "/%73ecret",
        ];
        assert_eq!(others, expected);
    }

    #[test]
    fn paths_of_a_route_match() {
        let route = |path| NotedRoute::new(path, Access::Public);
        for (route, path, expected) in [
            (route("/"), "/", true),
            (route("/"), "//", true),
            (route("/"), "/a", false),
            (route("/{page}"), "/SECRET", true),
            (route("/{page}"), "/a/b", false),
            (route("/{*rest}"), "/a/b", true),
            (route("/{rest:.*}"), "/a/b", true),
            (route("/a/{id}"), "/a/7?to=/", true),
            (route("/a/{id}"), "/A/7", false),
            (route("/a/{id}"), "/a", false),
            (NotedRoute::nested("/open", Access::Public), "/open/a", true),
            (
                NotedRoute::nested("/open", Access::Public),
                "/closed",
                false,
            ),
            (NotedRoute::nested("", Access::Public), "/a", false),
        ] {
            assert_eq!(matches(&route, path), expected, "{route:?} {path}");
        }
    }
}
