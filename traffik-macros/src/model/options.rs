//! The arguments, sorted by key.

use std::mem::replace;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Lit, LitStr, Path, Token};
use traffik_runtime::rate::Rate;

use super::keys::Key;
use super::{expr, timeout};
use crate::diagnostics::{Error, Errors, Result, error};
use crate::parse::{Arg, Args, Pair};

/// The arguments by key.
#[derive(Default)]
pub(crate) struct Options {
    /// The throttles named before the keys.
    pub(crate) throttles: Vec<Path>,
    /// The keys in the order in which they were written.
    pub(crate) written: Vec<(Key, Ident)>,
    /// `true` if something was written that may have been meant as any key.
    pub(crate) is_ambiguous: bool,
    /// The pairs, one for each key at most.
    pub(crate) pairs: Vec<(Key, Pair)>,
    pub(crate) shadow: bool,
    /// The names in `allow(…)`.
    pub(crate) allow: Vec<Path>,
}

impl Options {
    /// Sorts arguments by key. Reports those that do not fit.
    pub(crate) fn sort(args: Args, errors: &mut Errors) -> Self {
        let mut options = Self {
            is_ambiguous: args.has_garbage,
            ..Self::default()
        };
        let rates = rates(&args.list);
        for arg in args.list {
            let result = options.put(arg, &rates);
            errors.handle(result);
        }
        options
    }

    /// Reports a `min_wait` or `spread` of zero where it overrides no other one.
    pub(crate) fn refuse_zeroes(&self, is_override: impl Fn(Key) -> bool, errors: &mut Errors) {
        for key in [Key::MinWait, Key::Spread] {
            timeout::refuse_zero(self.value(key), key, is_override(key), errors);
        }
    }

    /// Returns the value of a key as it was written.
    pub(crate) fn value(&self, key: Key) -> Option<&Expr> {
        let mut pairs = self.pairs.iter();
        let found = pairs.find(|(written, _)| *written == key);
        found.map(|(_, pair)| &*pair.value)
    }

    /// Returns `true` if a key was written.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.written.iter().any(|(written, _)| *written == key)
    }

    /// Returns `true` if a key is certainly missing.
    pub(crate) fn lacks(&self, key: Key) -> bool {
        !self.is_ambiguous && !self.has(key)
    }

    fn put(&mut self, arg: Arg, rates: &[LitStr]) -> Result<()> {
        match arg {
            Arg::Pair(pair) => self.pair(pair),
            Arg::List(key, content) => self.list(&key, content),
            Arg::Literal(literal) => {
                let is_reported = replace(&mut self.is_ambiguous, true) && rates.len() > 1;
                value_without_key(&literal, rates, is_reported)
            }
            Arg::Bare(path) => self.bare(path),
        }
    }

    fn pair(&mut self, pair: Pair) -> Result<()> {
        let key = self.key(&pair.key)?;
        if let Key::Shadow | Key::Allow = key {
            return Err(error(
                &pair.key,
                format!("`{0}` takes no value; write `{0}`", key.example()),
            ));
        }
        self.pairs.push((key, pair));
        Ok(())
    }

    fn list(&mut self, word: &Ident, content: TokenStream) -> Result<()> {
        let text = word.to_string();
        if Key::from_name(&text).is_none()
            && let Some(key) = Key::from_value(&text)
        {
            let name = key.name();
            let value = expr::text(&content);
            let rate = match (
                self.is_ambiguous,
                self.written.first(),
                self.throttles.first(),
            ) {
                (false, None, None) => format!("{}, ", Key::Rate.example()),
                _ => String::new(),
            };
            self.is_ambiguous = true;
            let message = format!(
                "`{word}(…)` is a value of `{name}`; write `{rate}{name} = {word}({value})`"
            );
            return Err(error(word, message));
        }
        self.is_ambiguous |= Key::resolve(&text).0.is_none();
        match self.key(word)? {
            Key::Allow if content.is_empty() => Err(error(
                word,
                "`allow` is empty; write `allow(unreachable_rate)`, or remove it",
            )),
            Key::Allow => {
                self.allow = warning_names(content)?;
                Ok(())
            }
            Key::Shadow => Err(error(word, "`shadow` takes no parentheses; write `shadow`")),
            key if content.is_empty() => Err(without_value(key, word)),
            _ => {
                let message =
                    format!("expected `=` between a key and its value; write `{word} = {content}`");
                Err(error(word, message))
            }
        }
    }

    fn bare(&mut self, path: Path) -> Result<()> {
        match path
            .get_ident()
            .filter(|word| Key::from_name(&word.to_string()).is_some())
        {
            Some(word) => self.flag(word),
            None => self.throttle(path),
        }
    }

    fn flag(&mut self, word: &Ident) -> Result<()> {
        match self.key(word)? {
            Key::Shadow => self.shadow = true,
            key => return Err(without_value(key, word)),
        }
        Ok(())
    }

    fn throttle(&mut self, path: Path) -> Result<()> {
        if let Some((_, key)) = self.written.first() {
            let name = path.to_token_stream();
            // After keys, a word that is nearly a key was probably meant as one, but a type was
            // not.
            let is_type = name.to_string().starts_with(char::is_uppercase);
            if let (Some(meant), Some(message)) = Key::resolve(&name.to_string())
                && !is_type
            {
                self.written
                    .extend(path.get_ident().map(|word| (meant, word.clone())));
                return Err(error(path, message));
            }
            return Err(error(
                path,
                format!("throttles come first; move `{name}` before `{key}`"),
            ));
        }
        let value = path.get_ident().and_then(bare_value);
        if let Some((word, key)) = value.filter(|_| self.throttles.is_empty()) {
            self.is_ambiguous = true;
            let (name, rate) = (key.name(), Key::Rate.example());
            let message = format!(
                "`{word}` is a value of `{name}`; write `{rate}, {name} = {word}` (your own throttle would be `self::{word}`)"
            );
            return Err(error(path, message));
        }
        self.throttles.push(path);
        Ok(())
    }

    /// Returns the key of a word and records it. A misspelt key counts as the one that was meant,
    /// so that it is not reported as missing, too.
    fn key(&mut self, word: &Ident) -> Result<Key> {
        let (meant, message) = Key::resolve(&word.to_string());
        let twice = meant.filter(|key| self.has(*key)).map(twice);
        self.written.extend(meant.map(|key| (key, word.clone())));
        match (meant, message.or(twice)) {
            (Some(key), None) => Ok(key),
            (_, message) => Err(error(word, message.unwrap_or_default())),
        }
    }
}

fn twice(key: Key) -> String {
    match key {
        Key::Rate => "`rate` is written twice; write several rates as one list: `rate = [\"10/second\", \"1000/hour\"]`".to_owned(),
        key => format!("`{}` is written twice; remove one of them", key.name()),
    }
}

fn without_value(key: Key, word: &Ident) -> Error {
    error(
        word,
        format!("`{word}` needs a value; write `{}`", key.example()),
    )
}

/// Parses the names in `allow(…)`.
fn warning_names(content: TokenStream) -> Result<Vec<Path>> {
    let names = Punctuated::<Path, Token![,]>::parse_terminated.parse2(content.clone());
    match names {
        Ok(names) => Ok(names.into_iter().collect()),
        Err(_) => Err(error(
            content,
            "`allow` takes names of warnings; write `allow(unreachable_rate)`",
        )),
    }
}

/// Returns a word that is the value of a key, if it is hardly the name of a handler, whose throttle
/// would have that name.
fn bare_value(word: &Ident) -> Option<(&Ident, Key)> {
    let name = word.to_string();
    let is_unlikely_name = name.contains('_') || ["ip", "everyone", "gcra"].contains(&&*name);
    let key = Key::from_value(&name).filter(|_| is_unlikely_name)?;
    Some((word, key))
}

/// Returns the strings that are rates: that of the key, and those without a key.
fn rates(args: &[Arg]) -> Vec<LitStr> {
    let texts = args.iter().filter_map(|arg| match arg {
        Arg::Pair(pair) if pair.key == Key::Rate.name() => expr::string(&pair.value),
        Arg::Literal(Lit::Str(text)) if is_rate(text) => Some(text),
        _ => None,
    });
    texts.cloned().collect()
}

fn is_rate(text: &LitStr) -> bool {
    text.value().parse::<Rate>().is_ok()
}

/// Returns the error about a value without a key, unless the list of rates was suggested before.
fn value_without_key(literal: &Lit, rates: &[LitStr], is_reported: bool) -> Result<()> {
    let text = literal.to_token_stream();
    let message = match literal {
        Lit::Str(rate) if is_rate(rate) && rates.len() > 1 => {
            if is_reported {
                return Ok(());
            }
            let rates: Vec<_> = rates.iter().map(|rate| rate.token().to_string()).collect();
            format!(
                "several rates need a list; write `rate = [{}]`",
                rates.join(", ")
            )
        }
        Lit::Str(name) if !is_rate(name) && is_path(name) => {
            format!("a throttle must not be quoted; write `{}`", name.value())
        }
        Lit::Str(_) => format!("this value has no key; write `rate = {text}`"),
        Lit::Int(_) => format!("this value has no key; write `cost = {text}`"),
        _ => "this value has no key; write one, as in `rate = \"100/minute\"`".to_owned(),
    };
    Err(error(literal, message))
}

/// Returns `true` if a string is a path.
fn is_path(text: &LitStr) -> bool {
    text.parse::<Path>().is_ok()
}
