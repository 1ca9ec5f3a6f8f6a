//! The places where options can be written, and the keys that are allowed there.

use super::expr;
use super::keys::Key;
use super::options::Options;
use crate::diagnostics::Errors;

/// The keys that apply to named throttles on one handler.
const KEYS_OF_USES: [Key; 8] = [
    Key::Cost,
    Key::Headers,
    Key::OnThrottled,
    Key::OnlyIf,
    Key::SkipIf,
    Key::Spread,
    Key::Crate,
    Key::Allow,
];

/// A place where options are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// An attribute that defines a throttle.
    Attribute,
    /// An attribute that only uses throttles defined elsewhere.
    Uses,
    /// A throttle of a block.
    Throttle,
    /// The `defaults` of a block.
    Defaults,
}

impl Position {
    /// Returns the position of an attribute's options. Without a `rate`, named throttles are only
    /// used.
    pub(crate) fn of_attribute(options: &Options) -> Self {
        if options.throttles.is_empty() || options.has(Key::Rate) {
            Self::Attribute
        } else {
            Self::Uses
        }
    }

    /// Reports every key that is not allowed here.
    pub(crate) fn check(self, options: &Options, errors: &mut Errors) {
        for (key, word) in &options.written {
            if let Some(message) = self.refuse(*key, options) {
                errors.report(word, message);
            }
        }
    }

    fn refuse(self, key: Key, options: &Options) -> Option<String> {
        let name = key.name();
        match (self, key) {
            (Self::Uses, key) if KEYS_OF_USES.contains(&key) => None,
            (Self::Uses, _) => Some(format!(
                "`{name}` belongs to the definition of {}; write it there, or add a `rate` to define another throttle here",
                owners(options)
            )),
            (Self::Throttle | Self::Defaults, Key::Name) => Some(
                "a throttle of a block is named before its keys; write `throttle Name(…);`"
                    .to_owned(),
            ),
            (Self::Defaults, Key::Rate | Key::Cost | Key::Uid | Key::Policy) => Some(format!(
                "`{name}` belongs to one throttle; write it in `throttle Name(…);`"
            )),
            _ => None,
        }
    }
}

fn owners(options: &Options) -> String {
    let throttles = options.throttles.iter();
    let names: Vec<_> = throttles
        .map(|path| format!("`{}`", expr::text(path)))
        .collect();
    names.join(" and ")
}
