//! Regular expressions for whole paths.

use regex::Regex;
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use crate::http::filter::error::FilterError;
use crate::http::filter::segment::{is_escaped_by_clients, is_unreserved};

/// A regular expression for a whole path.
#[derive(Clone, Debug)]
pub(super) struct PathRegex(Regex);

impl PathRegex {
    pub(super) fn new(expression: &str) -> Result<Self, FilterError> {
        // First without the parentheses, between which `a)|(b` would be valid.
        let compiled = Regex::new(expression)
            .and_then(|_| Regex::new(&format!("^(?:{expression})$")))
            .map_err(|source| FilterError::Regex {
                expression: expression.to_owned(),
                source,
            })?;
        // An automaton that is too large to be built is no error.
        if NFA::new(expression).is_ok_and(|nfa| !matches_some_path(&nfa)) {
            return Err(FilterError::NeverMatches {
                expression: expression.to_owned(),
            });
        }
        Ok(Self(compiled))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

/// A position within a path in its normal form. A `%` without two digits after it stays as the
/// client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Start,
    /// After a byte that is no part of an escape.
    Literal,
    /// After a `%`.
    Percent,
    /// After a `%` and a digit.
    Digit(u8),
    /// After a `%` and a digit in lower case, which no second digit follows, because escapes of the
    /// normal form are in upper case.
    LowerDigit,
}

impl Position {
    const COUNT: usize = 4 + 16;

    fn index(self) -> usize {
        match self {
            Self::Start => 0,
            Self::Literal => 1,
            Self::Percent => 2,
            Self::LowerDigit => 3,
            Self::Digit(digit) => 4 + usize::from(digit),
        }
    }

    /// Returns the position after a byte; `None` if a path in its normal form cannot contain it
    /// there.
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Start, b'/') => Some(Self::Literal),
            (Self::Percent, b'0'..=b'9') => Some(Self::Digit(byte - b'0')),
            (Self::Percent, b'A'..=b'F') => Some(Self::Digit(byte - b'A' + 10)),
            (Self::Percent, b'a'..=b'f') => Some(Self::LowerDigit),
            (Self::Digit(high), b'0'..=b'9') => Self::after_escape(high * 16 + byte - b'0'),
            (Self::Digit(high), b'A'..=b'F') => Self::after_escape(high * 16 + byte - b'A' + 10),
            (Self::Start, _) | (Self::Digit(_), b'a'..=b'f') => None,
            (Self::LowerDigit, byte) if byte.is_ascii_hexdigit() => None,
            (_, b'%') => Some(Self::Percent),
            (_, b'?' | b'#') => None,
            (_, byte) => (!is_escaped_by_clients(byte)).then_some(Self::Literal),
        }
    }

    fn after_escape(value: u8) -> Option<Self> {
        (!is_unreserved(value)).then_some(Self::Literal)
    }
}

/// Returns `true` if some path in its normal form takes the automaton from its start to a match: a
/// search through the pairs of a state and a position. Assertions such as `^` and `\b` are assumed
/// to hold, so an expression that is unmatchable because of them is not found.
fn matches_some_path(nfa: &NFA) -> bool {
    let mut visited = vec![false; nfa.states().len() * Position::COUNT];
    let mut open = vec![(nfa.start_anchored(), Position::Start)];
    while let Some((state, position)) = open.pop() {
        let index = state.as_usize() * Position::COUNT + position.index();
        if std::mem::replace(&mut visited[index], true) {
            continue;
        }
        let mut step = |next: StateID, bytes: std::ops::RangeInclusive<u8>| {
            let positions = bytes.filter_map(|byte| position.after(byte));
            open.extend(positions.map(|after| (next, after)));
        };
        match nfa.state(state) {
            State::ByteRange { trans } => step(trans.next, trans.start..=trans.end),
            State::Sparse(sparse) => {
                for trans in &*sparse.transitions {
                    step(trans.next, trans.start..=trans.end);
                }
            }
            State::Dense(dense) => {
                for byte in u8::MIN..=u8::MAX {
                    if let Some(next) = dense.matches_byte(byte) {
                        step(next, byte..=byte);
                    }
                }
            }
            State::Look { next, .. } | State::Capture { next, .. } => {
                open.push((*next, position));
            }
            State::Union { alternates } => {
                open.extend(alternates.iter().map(|next| (*next, position)));
            }
            State::BinaryUnion { alt1, alt2 } => {
                open.extend([(*alt1, position), (*alt2, position)]);
            }
            // A path is never empty.
            State::Match { .. } if position != Position::Start => return true,
            State::Fail | State::Match { .. } => {}
        }
    }
    false
}
