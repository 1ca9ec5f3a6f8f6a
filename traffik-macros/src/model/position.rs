//! Where options stand, and which keys have a meaning there.

use super::expr;
use super::keys::Key;
use super::options::Options;
use crate::diagnostics::Mistakes;

/// What may be said of throttles on one handler without defining another.
const ALSO_FOR_USES: [Key; 8] = [
    Key::Cost,
    Key::Headers,
    Key::OnThrottled,
    Key::OnlyIf,
    Key::SkipIf,
    Key::Spread,
    Key::Crate,
    Key::Allow,
];

/// Where options stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In an attribute that defines a throttle.
    Attribute,
    /// In an attribute that only uses throttles defined elsewhere.
    Uses,
    /// In a throttle of a block.
    Throttle,
    /// In a block's `defaults`.
    Defaults,
}

impl Place {
    /// The place of an attribute's options: throttles without a `rate` are used as they are.
    pub(crate) fn of_attribute(options: &Options) -> Self {
        if options.throttles.is_empty() || options.has(Key::Rate) {
            Self::Attribute
        } else {
            Self::Uses
        }
    }

    /// Notes every key that has no meaning here.
    pub(crate) fn check(self, options: &Options, mistakes: &mut Mistakes) {
        for (key, word) in &options.written {
            if let Some(reason) = self.refuses(*key, options) {
                mistakes.at(word, reason);
            }
        }
    }

    fn refuses(self, key: Key, options: &Options) -> Option<String> {
        let name = key.name();
        match (self, key) {
            (Self::Uses, key) if ALSO_FOR_USES.contains(&key) => None,
            (Self::Uses, _) => Some(format!(
                "`{name}` belongs to the definition of {}; write it there, or add a `rate` to define one more throttle here",
                owners(options)
            )),
            (Self::Throttle, Key::Name) => {
                Some("a throttle of a block has its name in front: `throttle Name(…);`".to_owned())
            }
            (Self::Defaults, Key::Name) => Some(
                "a block's throttles have their names in front: `throttle Name(…);`".to_owned(),
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
