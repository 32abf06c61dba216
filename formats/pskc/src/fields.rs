//! The fields of an element: each known one at most once, and all others kept.

use crate::error::Problem;
use crate::token::OtherField;
use crate::wiped::WipedText;
use crate::xml::Element;

/// A fault of a field, before its place in the file is known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) field: String,
    pub(crate) problem: Problem,
}

impl Fault {
    pub(crate) fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self {
            field: field.into(),
            problem,
        }
    }

    /// A function that makes a problem the fault of a field.
    pub(crate) fn of(field: &str) -> impl Fn(Problem) -> Self {
        move |problem| Self::new(field, problem)
    }
}

/// Takes the fields of an element one by one. What is left are the other fields.
pub(crate) struct Fields<'a> {
    path: String,
    attributes: Vec<(&'a str, &'a str)>,
    children: Vec<&'a Element>,
    text: &'a str,
}

impl<'a> Fields<'a> {
    /// The fields of an element with this path.
    pub(crate) fn new(path: &str, element: &'a Element) -> Self {
        let attributes = element.attributes.iter();
        Self {
            path: path.to_owned(),
            attributes: attributes
                .map(|attribute| (attribute.name.as_str(), attribute.value.as_str()))
                .collect(),
            children: element.children.iter().collect(),
            text: element.raw_text(),
        }
    }

    /// The path of a field.
    pub(crate) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Takes the element of this name.
    pub(crate) fn element(&mut self, name: &str) -> Result<Option<&'a Element>, Fault> {
        let mut found = self.elements(name).into_iter();
        match (found.next(), found.next()) {
            (element, None) => Ok(element),
            _ => Err(Fault::new(self.path(name), Problem::Duplicate)),
        }
    }

    /// Takes all elements of this name.
    pub(crate) fn elements(&mut self, name: &str) -> Vec<&'a Element> {
        let is_wanted = |element: &&Element| element.is_pskc && element.name == name;
        self.children
            .extract_if(.., |child| is_wanted(&&**child))
            .collect()
    }

    /// Takes the text of the element of this name. Empty text counts as missing.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let Some(element) = self.element(name)? else {
            return Ok(None);
        };
        let text = element
            .text()
            .ok_or_else(|| Fault::new(self.path(name), Problem::Divided))?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// Takes an attribute. The case of its name counts only if `name` has a capital letter.
    pub(crate) fn attribute(&mut self, name: &str) -> Option<&'a str> {
        let ignores_case = !name.chars().any(char::is_uppercase);
        let place = self
            .attributes
            .iter()
            .position(|(found, _)| match ignores_case {
                true => found.eq_ignore_ascii_case(name),
                false => *found == name,
            })?;
        let (_, value) = self.attributes.remove(place);
        Some(value.trim_matches(crate::wiped::is_space))
    }

    /// Whether an element is left.
    pub(crate) fn has_elements(&self) -> bool {
        !self.children.is_empty()
    }

    /// Keeps what is left.
    pub(crate) fn keep(self, others: &mut Vec<OtherField>) {
        for (name, value) in &self.attributes {
            push(others, self.path(&format!("@{name}")), value);
        }
        if !self.text.is_empty() {
            push(others, self.path.clone(), self.text);
        }
        for child in &self.children {
            keep(&self.path(&child.name), child, others);
        }
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}/{name}"),
    }
}

fn push(others: &mut Vec<OtherField>, path: String, value: &str) {
    others.push(OtherField {
        path,
        value: WipedText::from(value),
    });
}

/// Keeps an element with all that it contains. The depth of the file is limited.
pub(crate) fn keep(path: &str, element: &Element, others: &mut Vec<OtherField>) {
    for attribute in &element.attributes {
        let name = format!("@{}", attribute.name);
        push(others, join(path, &name), attribute.value.as_str());
    }
    let text = element.raw_text();
    if !text.is_empty() || (element.children.is_empty() && element.attributes.is_empty()) {
        push(others, path.to_owned(), text);
    }
    for child in &element.children {
        keep(&join(path, &child.name), child, others);
    }
}
