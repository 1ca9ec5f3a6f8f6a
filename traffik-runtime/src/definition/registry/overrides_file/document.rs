//! What stands in a file, whatever it is written in.

/// A name and what stands under it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where that is known.
    pub(crate) line: Option<usize>,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Flag(bool),
    List(Vec<Value>),
    Table(Vec<Member>),
    /// Nothing that means anything here, in a word: `a number`.
    Other(&'static str),
}

impl Member {
    /// What a message about it starts with.
    pub(crate) fn place(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!("line {line}: "))
    }
}

impl Value {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Flag(_) => "`true` or `false`",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(word) => word,
        }
    }
}
