//! `identifier`: `ip`, `header("…")`, `everyone`, the path of a function, or a closure.

use syn::{Expr, ExprCall, Path};

use super::ip::Proxied;
use super::keys::Key;
use super::keywords::{Value, Words};
use super::{Closure, expr};
use crate::diagnostics::{Error, Result, error};

/// Who is asking.
#[derive(Clone)]
pub(crate) enum Identifier {
    /// The client's address; behind these proxies, if it says so itself.
    Ip(Option<Proxied>),
    /// The value of a header field, its name in lower case.
    Header(String),
    /// One bucket for all.
    Everyone,
    /// What a function of the request's parts says.
    Function(Path),
    /// What a closure over the handler's arguments says.
    Closure(Box<Closure>),
}

const WORDS: Words = Words {
    key: "identifier",
    list: &["ip", "header", "everyone"],
    open: true,
};

impl Identifier {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some(closure) = Closure::read(Key::Identifier, value) {
            return closure.map(Box::new).map(Self::Closure);
        }
        match WORDS.read(value)? {
            Value::Word("ip") => Ok(Self::Ip(None)),
            Value::Word("everyone") => Ok(Self::Everyone),
            Value::Call("header", call) => header(call),
            Value::Word(_) => Err(error(
                value,
                "`header` needs the field's name; write `header(\"x-api-key\")`",
            )),
            Value::Call("ip", call) if !call.args.is_empty() => {
                Proxied::read(call).map(|proxied| Self::Ip(Some(proxied)))
            }
            Value::Call(word, call) => Err(error(
                call,
                format!("`{word}` takes nothing; write `identifier = {word}`"),
            )),
            Value::Path(path) => match constructor(path) {
                Some(word) => Err(error(value, instead_of(path, word))),
                None => Ok(Self::Function(path.clone())),
            },
            Value::Text(text) => Err(WORDS.no_text(text)),
            Value::Other(value) => Err(other(value)),
        }
    }
}

fn header(call: &ExprCall) -> Result<Identifier> {
    let mut values = call.args.iter();
    let (Some(Some(name)), None) = (values.next().map(expr::string), values.next()) else {
        return Err(error(
            call,
            "`header` takes one name in quotes; write `header(\"x-api-key\")`",
        ));
    };
    let text = name.value().to_ascii_lowercase();
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err(error(
            name,
            format!(
                "{:?} is no name of a header field; write one such as `\"x-api-key\"`",
                name.value()
            ),
        ));
    }
    Ok(Identifier::Header(text))
}

/// A character of a field name, as RFC 9110 has it.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The word for what a constructor of `Identity` gives.
fn constructor(path: &Path) -> Option<&'static str> {
    let mut segments = path.segments.iter().rev();
    let (last, ty) = (segments.next()?, segments.next()?);
    let word = ["everyone", "ip"]
        .into_iter()
        .find(|word| last.ident == word);
    word.filter(|_| ty.ident == "Identity")
}

fn instead_of(path: &Path, word: &str) -> String {
    let path = expr::text(path);
    format!("`{path}` is the word `{word}` here; write `identifier = {word}`")
}

fn other(value: &Expr) -> Error {
    let called = expr::call(value).map(|(function, _)| (function, constructor(function)));
    let message = match called {
        Some((function, Some(word))) => instead_of(function, word),
        Some((function, None)) if expr::is_associated(function) => format!(
            "`{}` is called here, and an identifier is a function of each request; write `identifier = client` for a `fn client(parts: &Parts) -> Identity`",
            expr::text(function)
        ),
        Some((function, None)) => format!(
            "the function is named, not called; write `identifier = {}`",
            expr::text(function)
        ),
        None => "an identifier is `ip`, `header(\"…\")`, `everyone`, the path of a `fn(&Parts) -> Identity`, or a closure over the handler's arguments".to_owned(),
    };
    error(value, message)
}
