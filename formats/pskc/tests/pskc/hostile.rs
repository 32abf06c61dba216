//! Files that are wrong as a whole. Each has a typed error.

use countersign_pskc::limits::{
    MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_FILE_BYTES, MAX_NAME_BYTES,
};
use countersign_pskc::{Credential, FileError, read};

use crate::{file, key, plain};

fn error(file: &[u8]) -> FileError {
    read(file, &Credential::none()).unwrap_err()
}

#[test]
fn document_types_are_refused() {
    for kind in [
        "<!DOCTYPE a>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]>",
        "<!DOCTYPE a SYSTEM \"b\">",
    ] {
        let file = format!("{kind}{}", key("", ""));
        assert_eq!(error(file.as_bytes()), FileError::DocumentType { line: 1 });
    }
    let file = key("", "").replace("S1", "&serial;");
    assert_eq!(error(file.as_bytes()), FileError::Entity { line: 2 });
}

#[test]
fn sizes_are_limited() {
    assert_eq!(
        error(&vec![b' '; MAX_FILE_BYTES + 1]),
        FileError::TooLarge {
            bytes: MAX_FILE_BYTES + 1
        }
    );
    // The container, the package, the key and its parent are around them.
    let deep = |depth: usize| {
        key(&"<a>".repeat(depth), "").replace("<Data>", &format!("{}<Data>", "</a>".repeat(depth)))
    };
    assert!(read(deep(MAX_DEPTH - 3).as_bytes(), &Credential::none()).is_ok());
    assert_eq!(
        error(deep(MAX_DEPTH - 2).as_bytes()),
        FileError::TooDeep { line: 3 }
    );
    let many = |count: usize| {
        let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        key(&format!("<a{attributes}/>"), "")
    };
    assert!(read(many(MAX_ATTRIBUTES).as_bytes(), &Credential::none()).is_ok());
    assert_eq!(
        error(many(MAX_ATTRIBUTES + 1).as_bytes()),
        FileError::TooManyAttributes { line: 3 }
    );
}

#[test]
fn long_names_are_refused() {
    let named = |bytes: usize| key(&format!("<{}/>", "a".repeat(bytes)), "");
    assert!(read(named(MAX_NAME_BYTES).as_bytes(), &Credential::none()).is_ok());
    let long = named(MAX_NAME_BYTES + 1);
    assert_eq!(error(long.as_bytes()), FileError::LongName { line: 3 });
}

#[test]
fn elements_and_attributes_are_counted() {
    let many = |count: usize| key(&"<a/>".repeat(count), "");
    assert!(read(many(MAX_ELEMENTS - 100).as_bytes(), &Credential::none()).is_ok());
    let error = error(many(MAX_ELEMENTS).as_bytes());
    assert_eq!(error, FileError::TooManyElements { line: 3 });
}

#[test]
fn other_files_are_refused() {
    let container = |attributes: &str| format!("<KeyContainer {attributes}/>");
    let namespace = "xmlns='urn:ietf:params:xml:ns:keyprov:pskc'";
    assert_eq!(
        error(container("Version='1.0'").as_bytes()),
        FileError::NotPskc
    );
    assert_eq!(
        error(container("Version='1.0' xmlns='urn:x'").as_bytes()),
        FileError::NotPskc
    );
    assert_eq!(error(container(namespace).as_bytes()), FileError::Version);
    assert_eq!(
        error(container(&format!("Version='2.0' {namespace}")).as_bytes()),
        FileError::Version
    );
    assert_eq!(
        error(container(&format!("Version='1.0' {namespace}")).as_bytes()),
        FileError::Empty
    );
    assert_eq!(error(b"\xff\xfe<\0a\0"), FileError::NotUtf8);
    assert_eq!(
        error(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
        FileError::Encoding
    );
}

#[test]
fn broken_xml_is_refused() {
    let file = key("", "");
    for broken in [
        "",
        "a",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>b",
        "</a>",
        "<a b/>",
        "<a b='' b=''/>",
        "<x:a/>",
        "<a>&#0;</a>",
    ] {
        assert!(
            matches!(
                error(broken.as_bytes()),
                FileError::Syntax { .. } | FileError::NotPskc
            ),
            "{broken}"
        );
    }
    for end in 1..file.len() - 1 {
        assert!(
            matches!(error(&file.as_bytes()[..end]), FileError::Syntax { .. }),
            "{end}"
        );
    }
}

#[test]
fn changed_bytes_cause_no_panic() {
    for name in ["plain", "key128", "password"] {
        let file = file(name);
        for (place, byte) in (0..file.len())
            .step_by(3)
            .zip(b"<>&\"'/= A0\0\xff".iter().cycle())
        {
            let mut changed = file.clone();
            changed[place] = *byte;
            let _ = read(&changed, &Credential::key(&[0; 16]));
        }
    }
}

#[test]
fn bad_tokens_leave_the_others() {
    let good = key("", "");
    let packages: String = (0..300)
        .map(|number| match number % 3 {
            0 => good.replace("MTIz", "%%%%"),
            _ => good.clone(),
        })
        .map(|file| {
            file[file.find("<KeyPackage>").unwrap()..file.find("</KeyContainer>").unwrap()]
                .to_owned()
        })
        .collect();
    let start = good.find("<KeyPackage>").unwrap();
    let file = format!("{}{packages}</KeyContainer>", &good[..start]);
    let tokens = plain(file.as_bytes());
    assert_eq!(tokens.packages(), 300);
    assert_eq!(
        tokens.tokens().iter().filter(|token| token.is_ok()).count(),
        200
    );
}
