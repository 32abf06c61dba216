//! An XML file as a tree of elements, within limits. There are no document types and no entities
//! but the five of XML.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use crate::error::FileError;
use crate::limits::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_FILE_BYTES, MAX_NAME_BYTES};
use crate::wiped::{WipedText, is_space};

const PSKC: &str = "urn:ietf:params:xml:ns:keyprov:pskc";

/// An element.
#[derive(Debug)]
pub(crate) struct Element {
    /// The name without its prefix.
    pub(crate) name: String,
    /// Whether the element is in the namespace of RFC 6030.
    pub(crate) is_pskc: bool,
    /// The line of the start tag, from 1.
    pub(crate) line: u64,
    /// The attributes, without the declarations of namespaces.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) children: Vec<Self>,
    text: WipedText,
    /// Whether a comment or an instruction divides the text.
    is_divided: bool,
}

/// An attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The name without its prefix.
    pub(crate) name: String,
    pub(crate) value: WipedText,
}

impl Element {
    /// The text without white space around it, or nothing if markup divides it.
    pub(crate) fn text(&self) -> Option<&str> {
        if self.is_divided || !self.children.is_empty() {
            return None;
        }
        Some(self.raw_text())
    }

    /// The text of the element itself without white space around it.
    pub(crate) fn raw_text(&self) -> &str {
        self.text.as_str().trim_matches(is_space)
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|attribute| attribute.name == name)?;
        Some(found.value.as_str().trim_matches(is_space))
    }

    /// The children with this name, in any namespace.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Reads a file into its root element.
pub(crate) fn parse(file: &[u8]) -> Result<Element, FileError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { bytes: file.len() });
    }
    let text = str::from_utf8(file).map_err(|_| FileError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree::default();
    let mut lines = Lines::new(text);
    let mut reader = NsReader::from_str(text);
    loop {
        let start = reader.buffer_position();
        let line = lines.at(start);
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|_| FileError::Syntax { line })?;
        let is_pskc = match namespace {
            ResolveResult::Bound(Namespace(name)) => name == PSKC,
            ResolveResult::Unbound => false,
            ResolveResult::Unknown(_) => return Err(FileError::Syntax { line }),
        };
        match event {
            Event::Start(tag) => tree.open(element(&tag, is_pskc, line)?)?,
            Event::Empty(tag) => {
                tree.open(element(&tag, is_pskc, line)?)?;
                tree.close(line)?;
            }
            Event::End(_) => tree.close(line)?,
            Event::Text(text) => tree.text(&text, line)?,
            Event::CData(text) => tree.text(&text, line)?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => character,
                    Ok(None) => predefined(&reference).ok_or(FileError::Entity { line })?,
                    Err(_) => return Err(FileError::Syntax { line }),
                };
                tree.text(character.encode_utf8(&mut [0; 4]), line)?;
            }
            Event::Comment(_) | Event::PI(_) => tree.divide(),
            Event::Decl(declaration) => {
                if let Some(encoding) = declaration.encoding() {
                    let encoding = encoding.map_err(|_| FileError::Syntax { line })?;
                    if !encoding.eq_ignore_ascii_case("utf-8") && !is_ascii_name(&encoding) {
                        return Err(FileError::Encoding);
                    }
                }
            }
            Event::DocType(_) => return Err(FileError::DocumentType { line }),
            Event::Eof => return tree.root(line),
        }
    }
}

fn is_ascii_name(encoding: &str) -> bool {
    encoding.eq_ignore_ascii_case("us-ascii")
}

/// The five entities of XML.
fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

fn element(tag: &BytesStart<'_>, is_pskc: bool, line: u64) -> Result<Element, FileError> {
    let mut attributes = Vec::new();
    let mut count = 0_usize;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| FileError::Syntax { line })?;
        count = count.saturating_add(1);
        if count > MAX_ATTRIBUTES {
            return Err(FileError::TooManyAttributes { line });
        }
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| FileError::Syntax { line })?;
        attributes.push(Attribute {
            name: name(attribute.key.local_name().as_ref(), line)?,
            value: WipedText::from(&*value),
        });
    }
    Ok(Element {
        name: name(tag.local_name().as_ref(), line)?,
        is_pskc,
        line,
        attributes,
        children: Vec::new(),
        text: WipedText::default(),
        is_divided: false,
    })
}

fn name(name: &str, line: u64) -> Result<String, FileError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(FileError::LongName { line });
    }
    Ok(name.to_owned())
}

/// The elements that are open, and the root when it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), FileError> {
        let line = element.line;
        if self.open.len() == MAX_DEPTH {
            return Err(FileError::TooDeep { line });
        }
        if self.elements >= MAX_ELEMENTS {
            return Err(FileError::TooManyElements { line });
        }
        if self.root.is_some() {
            return Err(FileError::Syntax { line });
        }
        let parts = element.attributes.len().saturating_add(1);
        self.elements = self.elements.saturating_add(parts);
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self, line: u64) -> Result<(), FileError> {
        let element = self.open.pop().ok_or(FileError::Syntax { line })?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, line: u64) -> Result<(), FileError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.chars().all(is_space) => {}
            None => return Err(FileError::Syntax { line }),
        }
        Ok(())
    }

    fn divide(&mut self) {
        if let Some(element) = self.open.last_mut() {
            element.is_divided = true;
        }
    }

    fn root(self, line: u64) -> Result<Element, FileError> {
        if !self.open.is_empty() {
            return Err(FileError::Syntax { line });
        }
        self.root.ok_or(FileError::Syntax { line })
    }
}

/// The line of a position. Positions only grow.
struct Lines<'a> {
    text: &'a [u8],
    position: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            position: 0,
            line: 1,
        }
    }

    fn at(&mut self, position: u64) -> u64 {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let passed = self.text.get(self.position..position).unwrap_or_default();
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(lines.try_into().unwrap_or(0));
        self.position = self.position.max(position);
        self.line
    }
}
