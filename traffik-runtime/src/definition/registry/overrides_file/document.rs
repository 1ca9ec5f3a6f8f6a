//! The contents of an overrides file, whatever its format.

/// A name and its value.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// The line, from 1, if it is known.
    pub(crate) line: Option<usize>,
    pub(crate) value: Value,
}

/// A value of a member or a list.
#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Bool(bool),
    List(Vec<Value>),
    Table(Vec<Member>),
    /// A value that no setting takes, as messages call it: `a number`.
    Other(&'static str),
}

impl Member {
    /// Returns the start of a message about the member: `line 2: `, or nothing.
    pub(crate) fn position(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!("line {line}: "))
    }
}

impl Value {
    /// Returns the kind of the value, as messages call it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Bool(_) => "`true` or `false`",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}
