use crate::page::{Change, Content, Page};
use crate::render::{DefaultPages, Pages};
use crate::samples;
use crate::words::{Language, Words};

fn rendered() -> Vec<(String, String)> {
    let pages = DefaultPages::new();
    [Language::English, Language::German]
        .into_iter()
        .flat_map(|language| samples::pages(language).unwrap())
        .map(|(name, page)| (name, pages.html(&page).unwrap()))
        .collect()
}

fn sample(name: &str) -> Page {
    let pages = samples::pages(Language::English).unwrap();
    pages.into_iter().find(|(one, _)| one == name).unwrap().1
}

fn html(page: &Page) -> String {
    DefaultPages::new().html(page).unwrap()
}

/// The values of an attribute in all elements.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let parts = html.split(start.as_str()).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[test]
fn pages_work_under_a_strict_policy() {
    for (name, html) in rendered() {
        for forbidden in [
            "<style",
            " style=",
            "<script>",
            "javascript:",
            "data:",
            " srcset=",
        ] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        for element in html.split('<').skip(1) {
            let attributes = element.split('>').next().unwrap();
            let handler = attributes
                .split_whitespace()
                .any(|one| one.starts_with("on") && one.contains("=\""));
            assert!(!handler, "{name}: <{attributes}>");
        }
        let ours = |address: &&str| address.starts_with("/two-factor/assets/");
        assert!(values(&html, "src").iter().all(ours), "{name}");
    }
}

#[test]
fn names_in_the_document_have_our_prefix() {
    for (name, html) in rendered() {
        for attribute in [
            "class",
            "id",
            "for",
            "aria-describedby",
            "aria-labelledby",
            "form",
        ] {
            for word in values(&html, attribute)
                .into_iter()
                .flat_map(str::split_whitespace)
            {
                assert!(word.starts_with("cs-"), "{name}: {attribute} has {word}");
            }
        }
        let ids = values(&html, "id");
        for attribute in [
            "for",
            "aria-describedby",
            "aria-labelledby",
            "form",
            "data-cs-say",
        ] {
            for id in values(&html, attribute)
                .into_iter()
                .flat_map(str::split_whitespace)
            {
                let count = ids.iter().filter(|one| **one == id).count();
                assert_eq!(count, 1, "{name}: {attribute} names {id}");
            }
        }
    }
}

#[test]
fn every_form_posts_its_token() {
    for (name, html) in rendered() {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(
                form.starts_with(" method=\"post\" action=\"/two-factor/"),
                "{name}"
            );
            let token = "<input type=\"hidden\" name=\"csrf\" value=\"a-token\">";
            assert_eq!(form.matches(token).count(), 1, "{name}");
        }
    }
}

#[test]
fn texts_of_others_are_escaped() {
    const EVIL: &str = "<b>\"'&";
    let mut pages = samples::pages(Language::English).unwrap();
    for (_, page) in &mut pages {
        let frame = &mut page.frame;
        for text in [
            &mut frame.service,
            &mut frame.csrf,
            &mut frame.home,
            &mut frame.sign_in,
        ] {
            *text = EVIL.into();
        }
        frame.notice = Some(EVIL.into());
        frame.account_name = Some(EVIL.into());
        frame.typed = frame.typed.as_ref().map(|_| EVIL.into());
        if let Some(problem) = &mut frame.problem {
            problem.text = EVIL.into();
        }
        match &mut page.content {
            Content::Code(page) => page.request = EVIL.into(),
            Content::Codes(page) => page.request = EVIL.into(),
            Content::Overview(page) => {
                for one in &mut page.authenticators {
                    one.name = EVIL.into();
                }
            }
            Content::Devices(page) => {
                for one in &mut page.devices {
                    one.label = EVIL.into();
                }
            }
            Content::Setup(page) => {
                page.tag = EVIL.into();
                page.account_name = EVIL.into();
                page.issuer = EVIL.into();
                page.algorithm = EVIL.into();
            }
            Content::Prove(page) => {
                page.action = EVIL.into();
                page.back = EVIL.into();
                page.to = Some(EVIL.into());
                page.name = Some(EVIL.into());
                if let Change::Replace { name } | Change::Remove { name, .. } = &mut page.change {
                    *name = EVIL.into();
                }
            }
            Content::BackupCodes(page) => {
                page.date = EVIL.into();
                page.file_name = EVIL.into();
            }
            Content::Message(_) => {}
        }
    }
    for (name, page) in pages {
        let html = html(&page);
        assert!(html.contains("&#60;b&#62;&#34;&#39;&#38;"), "{name}");
        assert!(!html.contains("<b>") && !html.contains("\"'"), "{name}");
    }
}

#[test]
fn a_throttled_page_points_at_no_field() {
    for name in ["code-wait", "code-locked", "code-clock-fault"] {
        let html = html(&sample(name));
        assert!(!html.contains("<input id="), "{name}");
        assert!(!html.contains("Enter one of the backup codes"), "{name}");
        assert!(
            html.contains("Lost your phone?") && html.contains("write to us"),
            "{name}"
        );
    }
    assert!(html(&sample("code")).contains("Enter one of the backup codes"));
}

#[test]
fn a_half_session_leaves_by_another_account() {
    for name in ["code", "code-wait", "codes", "prove-enable-half"] {
        let html = html(&sample(name));
        assert!(html.contains("Use another account"), "{name}");
        assert!(
            !html.contains("Cancel") && !html.contains("Sign out"),
            "{name}"
        );
    }
}

#[test]
fn a_phone_shows_letters_only_if_codes_have_them() {
    let mut page = sample("code");
    assert!(html(&page).contains(" inputmode=\"numeric\""));
    let Content::Code(code) = &mut page.content else {
        panic!("a code page");
    };
    code.letters = true;
    assert!(!html(&page).contains("inputmode"));
}

#[test]
fn a_host_puts_its_own_frame_around() {
    let pages = DefaultPages::framed(|frame, title, main| {
        format!("{}|{title}|{main}|{}", frame.language.tag(), frame.style())
    });
    let html = pages.html(&sample("code-wrong")).unwrap();
    assert!(html.starts_with("en|Error: Enter your code · Example|<div class=\"cs-page"));
    assert!(html.contains("</div>\n</div>|/two-factor/assets/style-"));
    assert!(!html.contains("<html") && !html.contains("<main") && !html.contains("<header"));
}

#[test]
fn a_host_uses_its_own_words() {
    let mut words = Words::ENGLISH;
    words.sign_out = "Log out";
    let swiss = Language::Other("de-CH");
    let pages = DefaultPages::new()
        .with_words(Language::English, Words::GERMAN)
        .with_words(Language::English, words)
        .with_words(swiss, Words::GERMAN);
    let mut page = sample("overview");
    assert!(pages.html(&page).unwrap().contains(">Log out</button>"));
    assert_eq!(pages.words(Language::English).sign_out, "Log out");
    page.frame.language = swiss;
    let html = pages.html(&page).unwrap();
    assert!(html.contains("<html lang=\"de-CH\">") && html.contains(">Abmelden</button>"));
    page.frame.language = Language::German;
    assert!(pages.html(&page).unwrap().contains(">Abmelden</button>"));
}

#[test]
fn debug_output_hides_secrets() {
    for name in ["setup", "backup-codes"] {
        let shown = format!("{:?}", sample(name).content);
        assert!(shown.len() < 60 && shown.contains(".."), "{shown}");
    }
}
