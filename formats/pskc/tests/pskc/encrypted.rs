//! Encrypted files with wrong keys, and files that were changed.

use countersign_pskc::{Credential, Problem, Tokens, read};

use crate::file;

fn key() -> Credential {
    Credential::key(&(0..16).collect::<Vec<u8>>())
}

/// The problem of each token, or nothing.
fn problems(tokens: &Tokens) -> Vec<Option<(&str, Problem)>> {
    let tokens = tokens.tokens().iter();
    tokens
        .map(|token| token.as_ref().err())
        .map(|error| error.map(|error| (error.field(), error.problem().clone())))
        .collect()
}

/// The problems after a change of the text.
fn after(
    name: &str,
    credential: &Credential,
    from: &str,
    to: &str,
) -> Vec<Option<(String, Problem)>> {
    let text = String::from_utf8(file(name)).unwrap();
    assert!(text.contains(from), "{name} has {from}");
    let tokens = read(text.replacen(from, to, 1).as_bytes(), credential).unwrap();
    let problems = problems(&tokens).into_iter();
    problems
        .map(|problem| problem.map(|(field, problem)| (field.to_owned(), problem)))
        .collect()
}

fn all(problem: &Problem) -> Vec<Option<(&'static str, Problem)>> {
    vec![Some(("Data/Secret", problem.clone())); 3]
}

#[test]
fn encrypted_tokens_need_the_right_kind_of_credential() {
    let none = Credential::none();
    let password = Credential::password("correct horse");
    let tokens = read(&file("key128"), &none).unwrap();
    assert_eq!(problems(&tokens), all(&Problem::KeyNeeded));
    let tokens = read(&file("key128"), &password).unwrap();
    assert_eq!(problems(&tokens), all(&Problem::KeyNeeded));
    for credential in [none, key()] {
        let tokens = read(&file("password"), &credential).unwrap();
        assert_eq!(problems(&tokens), all(&Problem::PasswordNeeded));
    }
}

#[test]
fn wrong_keys_decrypt_nothing() {
    for byte in 0..=255 {
        let tokens = read(&file("key128"), &Credential::key(&[byte; 16])).unwrap();
        for problem in problems(&tokens) {
            let (field, problem) = problem.expect("a wrong key is refused");
            assert_eq!(field, "Data/Secret");
            assert!(
                matches!(problem, Problem::Mac | Problem::MacKey),
                "{problem:?}"
            );
        }
    }
    let tokens = read(&file("password"), &Credential::password("correct hors")).unwrap();
    for problem in problems(&tokens) {
        assert!(matches!(problem, Some((_, Problem::Mac | Problem::MacKey))));
    }
    let tokens = read(&file("key128"), &Credential::key(&[0; 24])).unwrap();
    let length = Problem::KeyLength {
        bits: 192,
        needed: 128,
    };
    assert_eq!(problems(&tokens), all(&length));
}

#[test]
fn every_encrypted_value_needs_a_mac() {
    let text = String::from_utf8(file("key128")).unwrap();
    let macs: Vec<_> = text.match_indices("<pskc:ValueMAC>").collect();
    assert_eq!(macs.len(), 4);
    for (number, (start, _)) in macs.into_iter().enumerate() {
        let end =
            start + text[start..].find("</pskc:ValueMAC>").unwrap() + "</pskc:ValueMAC>".len();
        let without = format!("{}{}", &text[..start], &text[end..]);
        let tokens = read(without.as_bytes(), &key()).unwrap();
        let (token, field) = match number {
            0..=2 => (number, "Data/Secret"),
            _ => (2, "Data/Counter"),
        };
        for (place, problem) in problems(&tokens).into_iter().enumerate() {
            assert_eq!(problem, (place == token).then_some((field, Problem::NoMac)));
        }
    }
}

#[test]
fn changed_values_are_refused() {
    let text = String::from_utf8(file("key128")).unwrap();
    for tag in ["CipherValue>", "ValueMAC>"] {
        let values = text.match_indices(tag).step_by(2);
        // The first cipher value is the MAC key.
        for (start, _) in values.skip(usize::from(tag == "CipherValue>")) {
            let place = start + tag.len() + 2;
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let tokens = read(&changed, &key()).unwrap();
            let refused: Vec<_> = problems(&tokens).into_iter().flatten().collect();
            assert_eq!(refused.len(), 1);
            assert_eq!(refused[0].1, Problem::Mac);
        }
    }
}

#[test]
fn shortened_macs_are_refused() {
    let text = String::from_utf8(file("key128")).unwrap();
    let start = text.find("<pskc:ValueMAC>").unwrap() + "<pskc:ValueMAC>".len();
    for mac in [
        String::new(),
        text[start..start + 4].to_owned(),
        text[start..start + 16].to_owned(),
    ] {
        let end = start + text[start..].find('<').unwrap();
        let changed = format!("{}{mac}{}", &text[..start], &text[end..]);
        let tokens = read(changed.as_bytes(), &key()).unwrap();
        assert_eq!(problems(&tokens)[0], Some(("Data/Secret", Problem::Mac)));
    }
}

#[test]
fn other_algorithms_are_refused() {
    let every = |problems: Vec<Option<(String, Problem)>>, expected: &Problem| {
        for problem in problems {
            assert_eq!(problem.unwrap().1, *expected);
        }
    };
    let change = |from, to| after("key128", &key(), from, to);
    every(
        change("xmldsig#hmac-sha1", "xmldsig-more#hmac-md5"),
        &Problem::MacMethod,
    );
    every(
        change("xmlenc#aes128-cbc", "xmlenc#tripledes-cbc"),
        &Problem::Cipher,
    );
    every(
        change("<ds:KeyName>Sample</ds:KeyName>", "<ds:X509Data/>"),
        &Problem::EncryptionKey,
    );
    let text = String::from_utf8(file("key128")).unwrap();
    let no_mac_key = text.replace("pskc:MACKey", "pskc:NoKey");
    let tokens = read(no_mac_key.as_bytes(), &key()).unwrap();
    assert_eq!(problems(&tokens), all(&Problem::MacKey));
    let password = Credential::password("correct horse");
    let change = |from, to| after("password", &password, from, to);
    for (from, to) in [
        ("<IterationCount>1000<", "<IterationCount>0<"),
        ("<IterationCount>1000<", "<IterationCount>10000001<"),
        ("<IterationCount>1000<", "<IterationCount>-1<"),
        ("<KeyLength>16<", "<KeyLength>4294967295<"),
        ("<KeyLength>16<", "<KeyLength>0<"),
        ("#pbkdf2", "#pbkdf1"),
        (
            "<KeyLength>16</KeyLength>",
            "<PRF>md5</PRF><KeyLength>16</KeyLength>",
        ),
    ] {
        every(change(from, to), &Problem::KeyDerivation);
    }
}

#[test]
fn debug_forms_show_no_credential() {
    let key = format!("{:?}", Credential::key(b"sixteen bytes key"));
    let password = format!("{:?}", Credential::password("correct horse"));
    assert_eq!(key, "Credential::key(..)");
    assert_eq!(password, "Credential::password(..)");
}
