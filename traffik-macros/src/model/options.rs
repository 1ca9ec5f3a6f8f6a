//! Every item under its key.

use std::mem::replace;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Ident, Lit, LitStr, Path, Token};
use traffik_runtime::rate::Rate;

use super::keys::Key;
use super::{expr, timeout};
use crate::diagnostics::{Error, Mistakes, Result, error};
use crate::parse::{Args, Item, Pair};

/// What was written, by key. Whoever reads it takes it apart completely, so that no key can be forgotten.
#[derive(Default)]
pub(crate) struct Options {
    /// The throttles named in front of the keys.
    pub(crate) throttles: Vec<Path>,
    /// The keys as they were written, in order.
    pub(crate) written: Vec<(Key, Ident)>,
    /// Whether something was written that may have been meant as any key.
    pub(crate) unclear: bool,
    pub(crate) rate: Option<Pair>,
    pub(crate) strategy: Option<Pair>,
    pub(crate) identifier: Option<Pair>,
    pub(crate) cost: Option<Pair>,
    pub(crate) backend: Option<Pair>,
    pub(crate) on_error: Option<Pair>,
    pub(crate) on_throttled: Option<Pair>,
    pub(crate) headers: Option<Pair>,
    pub(crate) scope: Option<Pair>,
    pub(crate) only_if: Option<Pair>,
    pub(crate) skip_if: Option<Pair>,
    pub(crate) min_wait: Option<Pair>,
    pub(crate) spread: Option<Pair>,
    pub(crate) timeout: Option<Pair>,
    pub(crate) shadow: Option<Ident>,
    pub(crate) uid: Option<Pair>,
    pub(crate) policy: Option<Pair>,
    pub(crate) name: Option<Pair>,
    pub(crate) krate: Option<Pair>,
    pub(crate) allow: Option<Vec<Path>>,
}

impl Options {
    /// Puts every item under its key; what has no place is noted.
    pub(crate) fn sort(args: Args, mistakes: &mut Mistakes) -> Self {
        let mut options = Self {
            unclear: args.garbled,
            ..Self::default()
        };
        let rates = rates(&args.items);
        for item in args.items {
            let sorted = options.put(item, &rates);
            mistakes.keep(sorted);
        }
        options
    }

    /// Refuses a `min_wait` or `spread` of zero where it takes the place of no other one.
    pub(crate) fn refuse_zeroes(&self, is_override: impl Fn(Key) -> bool, mistakes: &mut Mistakes) {
        for (pair, key) in [(&self.min_wait, Key::MinWait), (&self.spread, Key::Spread)] {
            timeout::refuse_zero(pair.as_ref(), key, is_override(key), mistakes);
        }
    }

    /// Whether a key was written.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.written.iter().any(|(written, _)| *written == key)
    }

    /// Whether a key is missing, as far as can be told.
    pub(crate) fn lacks(&self, key: Key) -> bool {
        !self.unclear && !self.has(key)
    }

    fn put(&mut self, item: Item, rates: &[LitStr]) -> Result<()> {
        match item {
            Item::Pair(pair) => self.pair(pair),
            Item::List(key, inside) => self.list(&key, inside),
            Item::Literal(literal) => {
                let is_told = replace(&mut self.unclear, true) && rates.len() > 1;
                keyless(&literal, rates, is_told)
            }
            Item::Bare(path) => self.bare(path),
        }
    }

    fn pair(&mut self, pair: Pair) -> Result<()> {
        let key = self.key(&pair.key)?;
        let Some(slot) = self.slot(key) else {
            return Err(error(
                &pair.key,
                format!("`{0}` takes no `=`; write `{0}`", key.example()),
            ));
        };
        *slot = Some(pair);
        Ok(())
    }

    fn list(&mut self, word: &Ident, inside: TokenStream) -> Result<()> {
        let text = word.to_string();
        if Key::named(&text).is_none()
            && let Some(key) = Key::of_value(&text)
        {
            let name = key.name();
            let value = expr::text(&inside);
            let rate = match (self.unclear, self.written.first(), self.throttles.first()) {
                (false, None, None) => format!("{}, ", Key::Rate.example()),
                _ => String::new(),
            };
            self.unclear = true;
            let message = format!(
                "`{word}(…)` is a value of `{name}`; write `{rate}{name} = {word}({value})`"
            );
            return Err(error(word, message));
        }
        self.unclear |= Key::meant(&text).0.is_none();
        match self.key(word)? {
            Key::Allow if inside.is_empty() => Err(error(
                word,
                "`allow` names no warning; write `allow(unreachable_rate)`, or leave it out",
            )),
            Key::Allow => {
                self.allow = Some(names(inside)?);
                Ok(())
            }
            Key::Shadow => Err(error(word, "`shadow` takes no parentheses; write `shadow`")),
            key if inside.is_empty() => Err(without_value(key, word)),
            _ => {
                let message =
                    format!("a key and its value are joined by `=`; write `{word} = {inside}`");
                Err(error(word, message))
            }
        }
    }

    fn bare(&mut self, path: Path) -> Result<()> {
        match path
            .get_ident()
            .filter(|word| Key::named(&word.to_string()).is_some())
        {
            Some(word) => self.flag(word),
            None => self.throttle(path),
        }
    }

    fn flag(&mut self, word: &Ident) -> Result<()> {
        match self.key(word)? {
            Key::Shadow => self.shadow = Some(word.clone()),
            key => return Err(without_value(key, word)),
        }
        Ok(())
    }

    fn throttle(&mut self, path: Path) -> Result<()> {
        if let Some((_, key)) = self.written.first() {
            let name = path.to_token_stream();
            // Behind keys, what is nearly a key is more likely meant as one, but a type is none.
            let is_type = name.to_string().starts_with(char::is_uppercase);
            if let (Some(meant), Some(complaint)) = Key::meant(&name.to_string())
                && !is_type
            {
                self.written
                    .extend(path.get_ident().map(|word| (meant, word.clone())));
                return Err(error(path, complaint));
            }
            return Err(error(
                path,
                format!("throttles stand first; move `{name}` in front of `{key}`"),
            ));
        }
        let alone = path.get_ident().and_then(value_alone);
        if let Some((word, key)) = alone.filter(|_| self.throttles.is_empty()) {
            self.unclear = true;
            let (name, rate) = (key.name(), Key::Rate.example());
            let message = format!(
                "`{word}` is a value of `{name}`; write `{rate}, {name} = {word}` (a throttle of yours is `self::{word}`)"
            );
            return Err(error(path, message));
        }
        self.throttles.push(path);
        Ok(())
    }

    /// The key of a word, noted as written. A misspelt key counts as the one that was meant, so that it is not missed too.
    fn key(&mut self, word: &Ident) -> Result<Key> {
        let (meant, complaint) = Key::meant(&word.to_string());
        let twice = meant.filter(|key| self.has(*key)).map(twice);
        self.written.extend(meant.map(|key| (key, word.clone())));
        match (meant, complaint.or(twice)) {
            (Some(key), None) => Ok(key),
            (_, complaint) => Err(error(word, complaint.unwrap_or_default())),
        }
    }

    fn slot(&mut self, key: Key) -> Option<&mut Option<Pair>> {
        Some(match key {
            Key::Rate => &mut self.rate,
            Key::Strategy => &mut self.strategy,
            Key::Identifier => &mut self.identifier,
            Key::Cost => &mut self.cost,
            Key::Backend => &mut self.backend,
            Key::OnError => &mut self.on_error,
            Key::OnThrottled => &mut self.on_throttled,
            Key::Headers => &mut self.headers,
            Key::Scope => &mut self.scope,
            Key::OnlyIf => &mut self.only_if,
            Key::SkipIf => &mut self.skip_if,
            Key::MinWait => &mut self.min_wait,
            Key::Spread => &mut self.spread,
            Key::Timeout => &mut self.timeout,
            Key::Uid => &mut self.uid,
            Key::Policy => &mut self.policy,
            Key::Name => &mut self.name,
            Key::Crate => &mut self.krate,
            Key::Shadow | Key::Allow => return None,
        })
    }
}

fn twice(key: Key) -> String {
    match key {
        Key::Rate => "`rate` is written twice; several rates are one list: `rate = [\"10/second\", \"1000/hour\"]`".to_owned(),
        key => format!("`{}` is written twice; keep one of them", key.name()),
    }
}

fn without_value(key: Key, word: &Ident) -> Error {
    error(
        word,
        format!("`{word}` needs a value; write `{}`", key.example()),
    )
}

/// What stands in `allow(…)`.
fn names(inside: TokenStream) -> Result<Vec<Path>> {
    let names = Punctuated::<Path, Token![,]>::parse_terminated.parse2(inside.clone());
    match names {
        Ok(names) => Ok(names.into_iter().collect()),
        Err(_) => Err(error(
            inside,
            "`allow` takes names of warnings; write `allow(unreachable_rate)`",
        )),
    }
}

/// The word, if it is the value of a key, and hardly the name of a handler, whose throttle would be called like it.
fn value_alone(word: &Ident) -> Option<(&Ident, Key)> {
    let name = word.to_string();
    let is_hardly_a_name = name.contains('_') || ["ip", "everyone", "gcra"].contains(&&*name);
    let key = Key::of_value(&name).filter(|_| is_hardly_a_name)?;
    Some((word, key))
}

/// The rates that stand as texts by themselves: behind the key, and without one.
fn rates(items: &[Item]) -> Vec<LitStr> {
    let texts = items.iter().filter_map(|item| match item {
        Item::Pair(pair) if pair.key == Key::Rate.name() => expr::string(&pair.value),
        Item::Literal(Lit::Str(text)) if is_rate(text) => Some(text),
        _ => None,
    });
    texts.cloned().collect()
}

fn is_rate(text: &LitStr) -> bool {
    text.value().parse::<Rate>().is_ok()
}

/// The error about a value without a key, unless the same list of rates was suggested before.
fn keyless(literal: &Lit, rates: &[LitStr], is_told: bool) -> Result<()> {
    let text = literal.to_token_stream();
    let message = match literal {
        Lit::Str(rate) if is_rate(rate) && rates.len() > 1 => {
            if is_told {
                return Ok(());
            }
            let rates: Vec<_> = rates.iter().map(|rate| rate.token().to_string()).collect();
            format!(
                "several rates are a list; write `rate = [{}]`",
                rates.join(", ")
            )
        }
        Lit::Str(name) if !is_rate(name) && is_path(name) => {
            format!("a throttle stands without quotes; write `{}`", name.value())
        }
        Lit::Str(_) => format!("a value needs its key; write `rate = {text}`"),
        Lit::Int(_) => format!("a value needs its key; write `cost = {text}`"),
        _ => "a value needs its key, as in `rate = \"100/minute\"`".to_owned(),
    };
    Err(error(literal, message))
}

/// Returns whether a text is a path.
fn is_path(text: &LitStr) -> bool {
    text.parse::<Path>().is_ok()
}
