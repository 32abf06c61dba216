//! The modules of a crate, and which module uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::files;

/// The path of a module from the root of its crate.
type Module = Vec<String>;

pub(crate) struct Imports {
    modules: BTreeMap<Module, Source>,
}

/// The references of a file to other modules.
struct Source {
    file: String,
    /// Paths that begin with `crate`, `self` or `super`.
    paths: Vec<Module>,
    /// The names that a `use` brings into the module, and the path of each.
    names: BTreeMap<String, Module>,
}

/// A child of a module that uses another child.
pub(crate) struct Import {
    pub(crate) file: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Imports {
    /// Reads the crate whose root file is in this directory. A directory without files is an empty
    /// crate.
    pub(crate) fn of(root: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let mut modules = BTreeMap::new();
        let files = if directory.is_dir() {
            files::under(root, "rs")
        } else {
            Vec::new()
        };
        for file in files {
            let relative = file.strip_prefix(&directory).unwrap().with_extension("");
            let mut module: Module = relative
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            let last = module.last().unwrap().as_str();
            if last == "mod" || (module.len() == 1 && matches!(last, "lib" | "main")) {
                module.pop();
            }
            let source = Source::parse(files::name(&file), &files::read(&file));
            modules.insert(module, source);
        }
        Self { modules }
    }

    pub(crate) fn len(&self) -> usize {
        self.modules.len()
    }

    pub(crate) fn modules(&self) -> Vec<Module> {
        let parents = self.modules.keys().filter_map(|module| {
            let (_, parent) = module.split_last()?;
            Some(parent.to_vec())
        });
        let unique: BTreeSet<Module> = parents.collect();
        unique.into_iter().collect()
    }

    /// The names of the modules directly below a module.
    pub(crate) fn children(&self, parent: &[String]) -> BTreeSet<String> {
        let below = self
            .modules
            .keys()
            .filter(|module| module.starts_with(parent));
        below
            .filter_map(|module| module.get(parent.len()).cloned())
            .collect()
    }

    /// The imports from one child of a module, or a module below it, to another child.
    pub(crate) fn between_children(&self, parent: &[String]) -> Vec<Import> {
        let mut imports = Vec::new();
        for (module, source) in &self.modules {
            let Some(from) = module.strip_prefix(parent).and_then(|rest| rest.first()) else {
                continue;
            };
            for path in &source.paths {
                let used = self.resolve(module, path, 0);
                let to = used.strip_prefix(parent).and_then(|rest| rest.first());
                if let Some(to) = to.filter(|to| *to != from) {
                    imports.push(Import {
                        file: source.file.clone(),
                        from: from.clone(),
                        to: to.clone(),
                    });
                }
            }
        }
        imports
    }

    /// The module that a path leads to. If a `use` imports the item, this is the module that the
    /// `use` names.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Module {
        let mut at = module.to_vec();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => {
                    at.pop();
                }
                "self" => {}
                name => {
                    let child = [&at[..], &[name.to_owned()]].concat();
                    if !self.exists(&child) {
                        break;
                    }
                    at = child;
                }
            }
            rest = after;
        }
        let imported = rest
            .first()
            .and_then(|name| self.modules.get(&at)?.names.get(name));
        match imported {
            Some(path) if depth < 8 => self.resolve(&at, path, depth + 1),
            _ => at,
        }
    }

    /// Whether there is a module at this path, or below it.
    fn exists(&self, module: &[String]) -> bool {
        self.modules.keys().any(|known| known.starts_with(module))
    }

    /// Children of a module that import each other in a cycle. The first child is also the last
    /// one.
    pub(crate) fn circle(&self, parent: &[String]) -> Option<Vec<String>> {
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for import in self.between_children(parent) {
            uses.entry(import.from).or_default().insert(import.to);
        }
        uses.keys().find_map(|start| path_back(&uses, start))
    }
}

/// The shortest path of imports from a module back to the same module.
fn path_back(uses: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start.to_owned()]];
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in uses.get(way.last()?).into_iter().flatten() {
                let longer_way = [&way[..], std::slice::from_ref(next)].concat();
                if next == start {
                    return Some(longer_way);
                }
                if seen.insert(next.clone()) {
                    longer.push(longer_way);
                }
            }
        }
        ways = longer;
    }
    None
}

impl Source {
    fn parse(file: String, text: &str) -> Self {
        let code = code_of(text);
        let mut names = BTreeMap::new();
        let mut paths = Vec::new();
        let mut at = 0;
        while let Some((start, end)) = next_use(&code, at) {
            for (name, path) in leaves(&code[start..end]) {
                if matches!(path[0].as_str(), "crate" | "self" | "super") {
                    paths.push(path.clone());
                }
                names.insert(name, path);
            }
            at = end;
        }
        paths.extend(inline_paths(&code));
        Self { file, paths, names }
    }
}

/// The code of a file, without comments and inline modules. Inline modules are tests or groups of
/// names.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut closing: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        if let Some(end) = &closing {
            if line == end {
                closing = None;
            }
            continue;
        }
        let is_module = trimmed.starts_with("mod ") || trimmed.contains(" mod ");
        if is_module && trimmed.ends_with('{') && !trimmed.starts_with("//") {
            closing = Some(format!("{indent}}}"));
            continue;
        }
        let end = line.find("//").unwrap_or(line.len());
        code.push_str(&line[..end]);
        code.push('\n');
    }
    code
}

/// The start and the end of the tree in the next `use` declaration. The end is the semicolon.
fn next_use(code: &str, at: usize) -> Option<(usize, usize)> {
    let mut from = at;
    loop {
        let found = from + code[from..].find("use ")?;
        let before = code[..found].trim_end_matches(' ');
        let begins =
            before.is_empty() || before.ends_with(['\n', '{', ';', ')']) || before.ends_with("pub");
        let start = found + "use ".len();
        if begins {
            let end = start + code[start..].find(';')?;
            return Some((start, end));
        }
        from = start;
    }
}

/// The names that a tree of a `use` declaration brings in, each with its path.
fn leaves(tree: &str) -> Vec<(String, Module)> {
    let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    collect_leaves(&tree, &[], &mut found);
    found
}

fn collect_leaves(tree: &str, prefix: &[String], found: &mut Vec<(String, Module)>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let head = head.trim().trim_end_matches("::");
        let head = head
            .split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned);
        let prefix = [prefix, &head.collect::<Vec<_>>()].concat();
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        for part in parts(group) {
            collect_leaves(part, &prefix, found);
        }
        return;
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.trim().to_owned())),
        None => (tree, None),
    };
    let path = path.trim().split("::").filter(|part| !part.is_empty());
    let mut path = [prefix, &path.map(str::to_owned).collect::<Vec<_>>()].concat();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    if let Some(last) = path.last() {
        found.push((alias.unwrap_or_else(|| last.clone()), path));
    }
}

/// Splits a group at its outer commas.
fn parts(group: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut found = Vec::new();
    for (at, symbol) in group.char_indices() {
        match symbol {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&group[start..]);
    found.retain(|part| !part.trim().is_empty());
    found
}

/// Paths in the middle of code, such as `super::key::of(secret)`.
fn inline_paths(code: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let is_part = |symbol: char| symbol.is_alphanumeric() || symbol == '_' || symbol == ':';
    for token in code.split(|symbol| !is_part(symbol) && symbol != '$') {
        let first = token.split("::").next().unwrap_or_default();
        if token.contains("::") && matches!(first, "crate" | "super") {
            let parts = token.split("::").filter(|part| !part.is_empty());
            found.push(parts.map(str::to_owned).collect());
        }
    }
    found
}
