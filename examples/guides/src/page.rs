use countersign::testing::Phone;

/// A page that a browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// Where redirects led to.
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    /// Checks that the page has this status and this path.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, path: &str) -> &Self {
        assert!(self.status == status && self.path == path, "not {status} {path}: {self:?}");
        self
    }

    /// Checks that the page has these words.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        assert!(self.body.contains(words), "not {words}: {self:?}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the hidden fields of the form that is sent to this path.
    pub(crate) fn hidden_fields(&self, action: &str) -> Vec<(String, String)> {
        let form = self.form(action).unwrap_or_else(|| panic!("no form for {action}: {self:?}"));
        let inputs = form.split("<input type=\"hidden\" ").skip(1);
        let attribute = |input: &str, name| {
            let rest = input.split_once(&format!("{name}=\"")).unwrap().1;
            unescaped(rest.split('"').next().unwrap())
        };
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }

    fn form(&self, action: &str) -> Option<&str> {
        let rest = self.body.split_once(&format!("action=\"{action}\""))?.1;
        rest.split("</form>").next()
    }

    /// Scans the QR code: the link next to it has the same content.
    pub(crate) fn phone(&self) -> Phone {
        let rest = self.body.split_once("href=\"otpauth:").unwrap_or_else(|| panic!("{self:?}")).1;
        let link = unescaped(rest.split('"').next().unwrap());
        Phone::scan(&format!("otpauth:{link}")).unwrap()
    }

    pub(crate) fn backup_codes(&self) -> Vec<String> {
        let list = self.body.split_once("<ol class=\"cs-codes\"");
        let list = list.unwrap_or_else(|| panic!("no codes: {self:?}")).1;
        let items = list.split("</ol>").next().unwrap().split("<li>").skip(1);
        let code = |item: &str| {
            item.rsplit("<span>").next().unwrap().split('<').next().unwrap().to_owned()
        };
        items.map(code).collect()
    }
}

fn unescaped(text: &str) -> String {
    let entities =
        [("&#38;", "&"), ("&#x2F;", "/"), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
