use countersign::Timestamp;
use std::time::Duration;

use crate::page::{
    BackupCodesEntry, BackupCodesPage, EarlierCodes, Field, FormProblem, Frame, Message, Viewer,
};
use crate::words::{MessageWords, Words, datetime};

/// What all templates use.
pub(crate) struct View<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) words: &'a Words,
    /// The problem, if its field is not on the page.
    pub(crate) general: Option<&'a FormProblem>,
    /// The problem of a field on the page.
    particular: Option<&'a FormProblem>,
}

impl<'a> View<'a> {
    pub(crate) fn new(frame: &'a Frame, words: &'a Words, fields: &[Field]) -> Self {
        let is_here = |problem: &FormProblem| problem.field.is_some_and(|at| fields.contains(&at));
        let problem = frame.problem.as_ref();
        Self {
            frame,
            words,
            general: problem.filter(|problem| !is_here(problem)),
            particular: problem.filter(|problem| is_here(problem)),
        }
    }

    /// The problem of this field.
    pub(crate) fn problem_at(&self, field: &Field) -> Option<&str> {
        self.particular
            .filter(|problem| problem.field.as_ref() == Some(field))
            .map(|problem| problem.text.as_str())
    }

    /// Whether this field gets the keyboard: the field in error, or else the first one.
    pub(crate) fn has_focus(&self, field: &Field, first: &bool) -> bool {
        match self.particular {
            Some(problem) => problem.field.as_ref() == Some(field),
            None => *first,
        }
    }

    pub(crate) fn is_half(&self) -> bool {
        self.frame.viewer == Viewer::Half
    }

    pub(crate) fn is_full(&self) -> bool {
        self.frame.viewer == Viewer::Full
    }

    /// A path of the gate.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}{below}", self.frame.prefix)
    }

    /// The attribute `datetime`.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn datetime(&self, at: &Timestamp) -> String {
        datetime(*at)
    }

    pub(crate) fn span(&self, seconds: &u64) -> String {
        (self.words.span)(Duration::from_secs(*seconds))
    }

    pub(crate) fn time_of_day(&self, at: &Timestamp) -> String {
        (self.words.time_of_day)(*at)
    }

    pub(crate) fn date(&self, at: &Timestamp) -> String {
        (self.words.date)(*at)
    }

    pub(crate) fn date_and_time(&self, at: &Timestamp) -> String {
        (self.words.date_and_time)(*at)
    }
}

/// The words with gaps. Templates pass references.
impl View<'_> {
    pub(crate) fn code_explained(&self) -> String {
        (self.words.code_explained)(self.frame.account_name.as_deref())
    }

    pub(crate) fn wait(&self, seconds: &u64) -> String {
        (self.words.wait)(&self.span(seconds))
    }

    pub(crate) fn codes_instead(&self, count: &u8) -> String {
        (self.words.codes_instead)(*count)
    }

    pub(crate) fn codes_link(&self, count: &u8) -> String {
        (self.words.codes_link)(*count)
    }

    pub(crate) fn codes_title(&self, count: &u8) -> String {
        (self.words.codes_title)(*count)
    }

    pub(crate) fn codes_explained(&self, count: &u8) -> String {
        (self.words.codes_explained)(*count)
    }

    pub(crate) fn code_of(&self, number: &u8, count: &u8) -> String {
        (self.words.code_of)(*number, *count)
    }

    pub(crate) fn enroll_by(&self, at: &Timestamp) -> String {
        (self.words.enroll_by)(&self.date(at))
    }

    pub(crate) fn codes_left(&self, codes: &BackupCodesEntry) -> String {
        (self.words.codes_left)(codes.remaining, codes.used_at.len())
    }

    /// That the codes are shown only once, and what is true of the earlier ones.
    pub(crate) fn save_now(&self, page: &BackupCodesPage) -> &'static str {
        match page.earlier {
            EarlierCodes::None => self.words.save_now,
            EarlierCodes::Valid => self.words.save_now_pending,
            EarlierCodes::Ended => self.words.save_now_ended,
        }
    }

    pub(crate) fn codes_pending(&self, at: &Timestamp) -> String {
        (self.words.codes_pending)(&self.date(at))
    }

    pub(crate) fn codes_few(&self, remaining: &usize) -> String {
        (self.words.codes_few)(*remaining)
    }

    pub(crate) fn replace_of(&self, name: &str) -> String {
        (self.words.replace_of)(name)
    }

    pub(crate) fn remove_of(&self, name: &str) -> String {
        (self.words.remove_of)(name)
    }

    pub(crate) fn trust(&self, days: &u8) -> String {
        (self.words.devices.trust)(*days)
    }

    pub(crate) fn devices_count(&self, count: &usize) -> String {
        (self.words.devices.count)(*count)
    }

    pub(crate) fn forget_of(&self, label: &str) -> String {
        (self.words.devices.forget_of)(label)
    }

    pub(crate) fn replacement_explained(&self, name: &str) -> String {
        (self.words.replacement_explained)(name)
    }

    pub(crate) fn digits_every(&self, digits: &u8, seconds: &u64) -> String {
        (self.words.digits_every)(*digits, *seconds)
    }

    pub(crate) fn confirm(&self, digits: &u8) -> String {
        (self.words.confirm)(*digits)
    }

    /// The text before and after the time of day, which is an element of its own.
    pub(crate) fn setup_ends(&self, seconds: &u64) -> (String, String) {
        const GAP: &str = "\u{fffc}";
        let text = (self.words.setup_ends)(&self.span(seconds), GAP);
        match text.split_once(GAP) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (text, String::new()),
        }
    }

    pub(crate) fn codes_page_title(&self) -> String {
        (self.words.codes_page_title)(&self.frame.service)
    }

    pub(crate) fn codes_page_explained(&self, date: &str) -> String {
        (self.words.codes_page_explained)(date)
    }

    pub(crate) fn message(&self, message: &Message) -> MessageWords {
        (self.words.message)(*message)
    }
}
