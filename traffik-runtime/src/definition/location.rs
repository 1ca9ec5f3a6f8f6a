//! The place in the source code at which a throttle is defined.

use std::panic;

/// The place in the source code at which a throttle is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Unknown,
    /// The file and line of a macro.
    Macro(&'static str),
    /// The call that built the throttle at run time.
    Call(&'static panic::Location<'static>),
}

impl Location {
    /// Returns the file and line, such as `src/main.rs:7`, or `None` if they are unknown.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Macro(place) => Some(place.to_owned()),
            Self::Call(call) => Some(format!("{}:{}", call.file(), call.line())),
        }
    }
}
