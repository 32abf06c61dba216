//! The templates: each content of a page has a file in `templates/`.

use askama::Template;

use crate::page::{
    BackupCodesPage, Change, CodePage, CodesPage, Content, DevicesPage, Field, Frame, Message,
    MessagePage, OverviewPage, Page, ProvePage, SetupPage, SetupPurpose, Viewer, Wait,
};
use crate::view::View;
use crate::words::{ChangeWords, Words};

/// The part of a page within the frame.
pub(crate) struct Body {
    pub(crate) title: String,
    pub(crate) html: String,
}

/// Renders the part of a page within the frame.
pub(crate) fn body(page: &Page, words: &Words) -> Result<Body, askama::Error> {
    let frame = &page.frame;
    let view = |fields: &[Field]| View::new(frame, words, fields);
    let (title, html) = match &page.content {
        Content::Code(page) => {
            let fields: &[Field] = if page.wait.is_some() {
                &[]
            } else {
                &[Field::Code]
            };
            let template = CodeTemplate {
                v: view(fields),
                page,
            };
            (words.code_title.to_owned(), template.render()?)
        }
        Content::Codes(page) => {
            let v = view(&[Field::Code]);
            let template = CodesTemplate { v, page };
            ((words.codes_title)(page.count), template.render()?)
        }
        Content::Overview(page) => {
            let template = OverviewTemplate { v: view(&[]), page };
            (words.overview_title.to_owned(), template.render()?)
        }
        Content::Devices(page) => {
            let template = DevicesTemplate { v: view(&[]), page };
            (words.devices.title.to_owned(), template.render()?)
        }
        Content::Setup(page) => {
            let v = view(&[Field::Code]);
            let template = SetupTemplate { v, page };
            (template.title().to_owned(), template.render()?)
        }
        Content::Prove(page) => {
            let change = (words.change)(&page.change);
            let title = change.title.clone();
            let template = ProveTemplate {
                v: view(&prove_fields(page)),
                page,
                change,
            };
            (title, template.render()?)
        }
        Content::BackupCodes(page) => {
            let title = (words.codes_page_title)(&frame.service);
            let template = BackupCodesTemplate { v: view(&[]), page };
            (title, template.render()?)
        }
        Content::Message(page) => {
            let template = MessageTemplate { v: view(&[]), page };
            let title = (words.message)(page.message).title;
            (title.to_owned(), template.render()?)
        }
    };
    let error = if frame.problem.is_some() {
        words.error
    } else {
        ""
    };
    Ok(Body {
        title: format!("{error}{title} · {}", frame.service),
        html,
    })
}

/// Puts our frame around the body.
pub(crate) fn document(frame: &Frame, words: &Words, body: &Body) -> Result<String, askama::Error> {
    let v = View::new(frame, words, &[]);
    DocumentTemplate { v, body }.render()
}

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentTemplate<'a> {
    v: View<'a>,
    body: &'a Body,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodeTemplate<'a> {
    v: View<'a>,
    page: &'a CodePage,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesTemplate<'a> {
    v: View<'a>,
    page: &'a CodesPage,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewTemplate<'a> {
    v: View<'a>,
    page: &'a OverviewPage,
}

impl OverviewTemplate<'_> {
    fn may_remove(&self) -> bool {
        self.page.authenticators.len() > 1 || self.page.may_disable
    }

    fn are_few(&self, remaining: &usize) -> bool {
        *remaining <= FEW_CODES
    }
}

/// From this number of codes on, the overview asks for new ones.
const FEW_CODES: usize = 3;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesTemplate<'a> {
    v: View<'a>,
    page: &'a DevicesPage,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupTemplate<'a> {
    v: View<'a>,
    page: &'a SetupPage,
}

impl SetupTemplate<'_> {
    fn title(&self) -> &'static str {
        match self.page.purpose {
            SetupPurpose::First | SetupPurpose::Another { .. } => self.v.words.setup_title,
            SetupPurpose::Replacement { .. } => self.v.words.replacement_title,
        }
    }

    fn button(&self) -> &'static str {
        match self.page.purpose {
            SetupPurpose::First => self.v.words.enable,
            SetupPurpose::Another { .. } => self.v.words.confirm_button,
            SetupPurpose::Replacement { .. } => self.v.words.replace_button,
        }
    }
}

#[derive(Template)]
#[template(path = "prove.html")]
struct ProveTemplate<'a> {
    v: View<'a>,
    page: &'a ProvePage,
    change: ChangeWords,
}

impl ProveTemplate<'_> {
    /// Whether the user loses something.
    const fn is_dangerous(&self) -> bool {
        matches!(self.page.change, Change::Remove { .. } | Change::Disable)
    }
}

fn prove_fields(page: &ProvePage) -> Vec<Field> {
    let fields = [
        (page.name.is_some(), Field::Name),
        (page.password, Field::Password),
        (page.code, Field::Code),
    ];
    let is_form = page.wait.is_none();
    let shown = fields.into_iter().filter(|(shown, _)| is_form && *shown);
    shown.map(|(_, field)| field).collect()
}

#[derive(Template)]
#[template(path = "backup_codes.html")]
struct BackupCodesTemplate<'a> {
    v: View<'a>,
    page: &'a BackupCodesPage,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageTemplate<'a> {
    v: View<'a>,
    page: &'a MessagePage,
}

impl MessageTemplate<'_> {
    /// The address and the text of the link.
    fn link(&self) -> (String, &'static str) {
        let words = self.v.words;
        let begins_again = matches!(
            self.page.message,
            Message::SetupReplaced
                | Message::SetupExpired
                | Message::SetupTooManyTries
                | Message::SetupOver
        );
        match (self.v.frame.viewer, self.page.message) {
            (Viewer::Anonymous, _) | (_, Message::RecordLost | Message::SignIn) => {
                (self.v.frame.sign_in.clone(), words.to_sign_in)
            }
            (Viewer::Half, _) if begins_again => (self.v.path("/setup"), words.to_setup),
            (Viewer::Half, _) => (self.v.path("/code"), words.to_code),
            (Viewer::Full, Message::CodesGone) => (self.v.path("/backup-codes"), words.issue_again),
            (Viewer::Full, _) => (self.v.path("/"), words.to_overview),
        }
    }
}

#[cfg(test)]
mod tests;
