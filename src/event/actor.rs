//! Who acted without a proof, and why.

use crate::otp::is_invisible;
use alloc::boxed::Box;
#[cfg(feature = "serde")]
use alloc::string::String;

/// Who acts on an account without a proof of its user, and why: for
/// [`unlock`](crate::Verifier::unlock), [`force_disable`](crate::Verifier::force_disable) and
/// [`erase`](crate::Verifier::erase).
///
/// The event of the write contains both texts, so your log shows who reset a second factor (PCI DSS
/// 4.0.1, 8.5.1). Write no secret and no code into them.
///
/// ```
/// use countersign::Actor;
///
/// let actor = Actor::new("staff/4711", "ticket 1234: phone lost, passport checked")?;
/// assert_eq!(actor.who(), "staff/4711");
/// assert!(Actor::new("staff/4711", "").is_err());
/// # Ok::<(), countersign::event::ActorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Texts"))]
pub struct Actor {
    who: Box<str>,
    why: Box<str>,
}

impl Actor {
    /// The longest name of an actor, in bytes.
    pub const MAX_WHO: usize = 255;
    /// The longest reason, in bytes.
    pub const MAX_WHY: usize = 512;

    /// Checks both texts, and drops white space around them.
    ///
    /// `who` is a person or a program, preferably by an id that stays the same. `why` is the
    /// reason, preferably with a ticket.
    ///
    /// # Errors
    /// [`ActorError`] if a text is empty or too long, or has a control character, a line break or
    /// an invisible character.
    pub fn new(who: &str, why: &str) -> Result<Self, ActorError> {
        Ok(Self {
            who: checked("who", who, Self::MAX_WHO)?,
            why: checked("why", why, Self::MAX_WHY)?,
        })
    }

    /// Returns who acts.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Returns the reason.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

fn checked(text: &'static str, given: &str, most: usize) -> Result<Box<str>, ActorError> {
    let given = given.trim();
    if given.is_empty() {
        return Err(ActorError::Empty { text });
    }
    if given.len() > most {
        let bytes = given.len();
        return Err(ActorError::TooLong { text, bytes, most });
    }
    for character in given.chars() {
        let breaks_lines = matches!(character, '\u{2028}' | '\u{2029}');
        if character.is_control() || breaks_lines || is_invisible(character) {
            return Err(ActorError::Unprintable { text, character });
        }
    }
    Ok(given.into())
}

/// The texts of an actor that were read, before they are checked.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Texts {
    who: String,
    why: String,
}

#[cfg(feature = "serde")]
impl TryFrom<Texts> for Actor {
    type Error = ActorError;

    fn try_from(Texts { who, why }: Texts) -> Result<Self, ActorError> {
        Self::new(&who, &why)
    }
}

/// The reason why two texts are no [`Actor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActorError {
    /// A text has nothing but white space.
    #[error("\"{text}\" of the actor is empty; say who acts, and why")]
    Empty {
        /// The text: `who` or `why`.
        text: &'static str,
    },
    /// A text is too long.
    #[error("\"{text}\" of the actor has {bytes} bytes; use at most {most}")]
    TooLong {
        /// The text: `who` or `why`.
        text: &'static str,
        /// Its length in bytes.
        bytes: usize,
        /// The most bytes.
        most: usize,
    },
    /// A text has a control character, a line break or an invisible character.
    #[error(
        "\"{text}\" of the actor has the character U+{:04X}; remove it",
        u32::from(*character)
    )]
    Unprintable {
        /// The text: `who` or `why`.
        text: &'static str,
        /// The character.
        character: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        let actor = Actor::new(" Zoë ", "\tticket 7\n").unwrap();
        assert_eq!((actor.who(), actor.why()), ("Zoë", "ticket 7"));
        let (who, why) = ("x".repeat(255), "x".repeat(512));
        assert!(Actor::new(&who, &why).is_ok());
        let long = Actor::new(&(who + "x"), "ticket").unwrap_err();
        assert_eq!(
            long.to_string(),
            "\"who\" of the actor has 256 bytes; use at most 255"
        );
        let long = Actor::new("Zoë", &(why + "x")).unwrap_err();
        assert_eq!(
            long.to_string(),
            "\"why\" of the actor has 513 bytes; use at most 512"
        );
    }

    #[test]
    fn texts_are_printable_and_not_empty() {
        assert_eq!(
            Actor::new(" ", "ticket"),
            Err(ActorError::Empty { text: "who" })
        );
        assert_eq!(
            Actor::new("Zoë", ""),
            Err(ActorError::Empty { text: "why" })
        );
        for character in [
            '\0', '\n', '\u{1b}', '\u{85}', '\u{2028}', '\u{202e}', '\u{200b}',
        ] {
            let why = std::format!("a{character}b");
            let refused = ActorError::Unprintable {
                text: "why",
                character,
            };
            assert_eq!(Actor::new("Zoë", &why), Err(refused), "{character:?}");
        }
    }
}
