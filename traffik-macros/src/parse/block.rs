//! The block: `defaults(…);` and `/// doc  pub throttle Burst(…);`, each read on its own.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Attribute, Generics, Ident, Token, Visibility, parenthesized, token};

use super::args::Args;
use super::punctuation::keyword;
use super::recovery::{placed, skip_entry};
use crate::diagnostics::{Error, Mistakes, Result, did_you_mean, error, near};

mod word {
    syn::custom_keyword!(defaults);
    syn::custom_keyword!(throttle);
}

/// Everything in the block, in order.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) defaults: Vec<Defaults>,
    pub(crate) throttles: Vec<Throttle>,
}

/// `defaults(…);`
pub(crate) struct Defaults {
    pub(crate) word: Ident,
    /// Whether a throttle stands in front of it.
    pub(crate) late: bool,
    pub(crate) args: Args,
}

/// `pub throttle Burst(…);`
pub(crate) struct Throttle {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) args: Args,
}

impl Block {
    /// Reads all entries; those that cannot be read are noted and left out.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let read = |input: ParseStream| {
            let mut block = Self::default();
            while !input.is_empty() {
                let ahead = input.fork();
                match block.entry(&ahead, mistakes) {
                    Ok(()) => input.advance_to(&ahead),
                    Err(error) => {
                        let message =
                            "this is not finished; write `throttle Name(rate = \"100/minute\");`";
                        mistakes.add(placed(error, skip_entry(input)?, message));
                    }
                }
            }
            Ok(block)
        };
        read.parse2(tokens).unwrap_or_default()
    }

    fn entry(&mut self, input: ParseStream, mistakes: &mut Mistakes) -> Result<()> {
        if input.peek(word::defaults) && input.peek2(token::Paren) {
            let word = input.call(Ident::parse_any)?;
            let args = arguments(input, mistakes)?;
            mistakes.keep(semicolon(input, &word));
            self.defaults.push(Defaults {
                word,
                late: !self.throttles.is_empty(),
                args,
            });
        } else {
            let throttle = throttle(input, mistakes)?;
            mistakes.keep(semicolon(input, &throttle.name));
            self.throttles.push(throttle);
        }
        Ok(())
    }
}

fn throttle(input: ParseStream, mistakes: &mut Mistakes) -> Result<Throttle> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    if !input.peek(word::throttle) || input.peek2(token::Paren) {
        return Err(no_throttle(input));
    }
    input.parse::<word::throttle>()?;
    let behind = input.parse::<Visibility>()?;
    let name = name(input, mistakes)?;
    let vis = match behind {
        Visibility::Inherited => vis,
        behind => {
            let text = shown(&behind);
            let message = format!(
                "`{text}` stands in front of `throttle`; write `{text} throttle {name}(…);`"
            );
            mistakes.at(&behind, message);
            behind
        }
    };
    // `throttle Api = (Burst, Sustained);` is read like `throttle Api(Burst, Sustained);`: both mean a set.
    input.parse::<Option<Token![=]>>()?;
    let args = arguments(input, mistakes)?;
    Ok(Throttle {
        attrs,
        vis,
        name,
        args,
    })
}

/// A visibility as it is written.
fn shown(vis: &Visibility) -> String {
    vis.to_token_stream()
        .to_string()
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
}

/// The throttle's name. A keyword is no name, and generics behind one are noted.
fn name(input: ParseStream, mistakes: &mut Mistakes) -> Result<Ident> {
    let word = input.call(Ident::parse_any)?;
    if syn::parse2::<Ident>(word.to_token_stream()).is_err() {
        return Err(error(&word, keyword(&word)));
    }
    if input.peek(Token![<]) {
        let generics = input.parse::<Generics>()?;
        let message =
            format!("a throttle is one type, without generics; write `throttle {word}(…);`");
        mistakes.at(generics, message);
    }
    Ok(word)
}

fn arguments(input: ParseStream, mistakes: &mut Mistakes) -> Result<Args> {
    if !input.peek(token::Paren) {
        return Err(input.error(
            "a throttle's keys stand in parentheses: `throttle Name(rate = \"100/minute\");`",
        ));
    }
    let content;
    parenthesized!(content in input);
    Ok(Args::parse(content.parse()?, mistakes))
}

fn no_throttle(input: ParseStream) -> Error {
    let Ok(word) = input.call(Ident::parse_any) else {
        return input.error("expected `throttle Name(…);` or `defaults(…);`");
    };
    let called = input.peek(token::Paren);
    let message = match near(&word.to_string(), &["throttle", "defaults"]) {
        _ if word == "throttle" => {
            "the throttle's name is missing; write `throttle Name(…);`".to_owned()
        }
        _ if word == "defaults" && called => {
            "nothing stands in front of `defaults`; write `defaults(…);`".to_owned()
        }
        _ if word == "defaults" => {
            "the keys of `defaults` stand in parentheses: `defaults(headers = both);`".to_owned()
        }
        _ if word == "type" => {
            "a set of throttles is a type; write this line below the block".to_owned()
        }
        Some(meant) if called == (meant == "defaults") => {
            let question = did_you_mean(&word.to_string(), meant);
            format!("unknown word `{word}`; {question}")
        }
        _ if called => {
            format!("`throttle` is missing in front of the name; write `throttle {word}(…);`")
        }
        _ => format!("unexpected `{word}`; a block holds `throttle Name(…);` and `defaults(…);`"),
    };
    error(&word, message)
}

fn semicolon(input: ParseStream, name: &Ident) -> Result<()> {
    if input.peek(Token![,]) {
        let message = format!("a `;` stands behind `{name}(…)`, not a `,`");
        return Err(error(input.parse::<Token![,]>()?, message));
    }
    let missing = |_| error(name, format!("a `;` is missing behind `{name}(…)`"));
    input.parse::<Token![;]>().map(drop).map_err(missing)
}
