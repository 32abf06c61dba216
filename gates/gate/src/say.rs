use countersign::Timestamp;
use serde::{Deserialize, Serialize};

use crate::page::{Done, Field};
use crate::problem::Problem;
use crate::words::Words;

/// What the next page tells the user. The session stores it without words, so the page chooses the
/// language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Say {
    /// The form was refused.
    Problem(Problem),
    /// The form did what it says.
    Done(Done),
    /// The account must enroll by this time.
    EnrollBy(Timestamp),
}

impl Say {
    /// The text for the page.
    pub(crate) fn text(&self, words: &Words) -> String {
        match self {
            Self::Problem(problem) => words.problem(*problem),
            Self::Done(done) => words.done(done),
            Self::EnrollBy(from) => (words.enroll_by)(&(words.date)(*from)),
        }
    }

    /// The field to correct.
    pub(crate) const fn field(&self) -> Option<Field> {
        match self {
            Self::Problem(problem) => problem.field(),
            Self::Done(_) | Self::EnrollBy(_) => None,
        }
    }

    pub(crate) const fn is_good(&self) -> bool {
        !matches!(self, Self::Problem(_))
    }
}
