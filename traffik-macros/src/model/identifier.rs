//! `identifier`: `ip`, `header("…")`, `everyone`, the path of a function, or a closure.

use syn::{Expr, ExprCall, Path};

use super::ip::IpOptions;
use super::keys::Key;
use super::keywords::{KeywordValue, Keywords};
use super::{Closure, expr};
use crate::diagnostics::{Error, Result, error};

/// The identity that a request is counted for.
#[derive(Clone)]
pub(crate) enum Identifier {
    /// The client's address, found with these options instead of the backend's if there are any.
    Ip(Option<IpOptions>),
    /// The value of a header field, whose name is in lower case.
    Header(String),
    /// One budget for all clients.
    Everyone,
    /// A function of the request's parts.
    Function(Path),
    /// A closure over the handler's arguments.
    Closure(Box<Closure>),
}

const KEYWORDS: Keywords = Keywords {
    key: "identifier",
    list: &["ip", "header", "everyone"],
    allows_paths: true,
};

impl Identifier {
    /// Reads the value of `identifier`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some(closure) = Closure::read(Key::Identifier, value) {
            return closure.map(Box::new).map(Self::Closure);
        }
        match KEYWORDS.read(value)? {
            KeywordValue::Keyword("ip") => Ok(Self::Ip(None)),
            KeywordValue::Keyword("everyone") => Ok(Self::Everyone),
            KeywordValue::Call("header", call) => header(call),
            KeywordValue::Keyword(_) => Err(error(
                value,
                "`header` needs the field's name; write `header(\"x-api-key\")`",
            )),
            KeywordValue::Call("ip", call) if !call.args.is_empty() => {
                IpOptions::read(call).map(|options| Self::Ip(Some(options)))
            }
            KeywordValue::Call(word, call) => Err(error(
                call,
                format!("`{word}` takes no parameters; write `identifier = {word}`"),
            )),
            KeywordValue::Path(path) => match constructor(path) {
                Some(word) => Err(error(value, use_keyword(path, word))),
                None => Ok(Self::Function(path.clone())),
            },
            KeywordValue::Text(text) => Err(KEYWORDS.unknown_text(text)),
            KeywordValue::Other(value) => Err(unexpected(value)),
        }
    }
}

fn header(call: &ExprCall) -> Result<Identifier> {
    let mut values = call.args.iter();
    let (Some(Some(name)), None) = (values.next().map(expr::string), values.next()) else {
        return Err(error(
            call,
            "`header` takes one quoted name; write `header(\"x-api-key\")`",
        ));
    };
    let text = name.value().to_ascii_lowercase();
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err(error(
            name,
            format!(
                "{:?} is not the name of a header field; write one such as `\"x-api-key\"`",
                name.value()
            ),
        ));
    }
    Ok(Identifier::Header(text))
}

/// Returns `true` for a character of a field name (a token of RFC 9110).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns the keyword for `Identity::ip` and `Identity::everyone`.
fn constructor(path: &Path) -> Option<&'static str> {
    let mut segments = path.segments.iter().rev();
    let (last, ty) = (segments.next()?, segments.next()?);
    let word = ["everyone", "ip"]
        .into_iter()
        .find(|word| last.ident == word);
    word.filter(|_| ty.ident == "Identity")
}

fn use_keyword(path: &Path, word: &str) -> String {
    let path = expr::text(path);
    format!("`{path}` is the keyword `{word}` here; write `identifier = {word}`")
}

fn unexpected(value: &Expr) -> Error {
    let called = expr::call(value).map(|(function, _)| (function, constructor(function)));
    let message = match called {
        Some((function, Some(word))) => use_keyword(function, word),
        Some((function, None)) if expr::is_associated(function) => format!(
            "`{}` would be called once, but an identifier is computed for each request; write `identifier = client` for a `fn client(parts: &Parts) -> Identity`",
            expr::text(function)
        ),
        Some((function, None)) => format!(
            "name the function instead of calling it; write `identifier = {}`",
            expr::text(function)
        ),
        None => "an identifier is `ip`, `header(\"…\")`, `everyone`, the path of a `fn(&Parts) -> Identity`, or a closure over the handler's arguments".to_owned(),
    };
    error(value, message)
}
