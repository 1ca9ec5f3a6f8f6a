//! The block of `throttles!`: `defaults(…);` and `pub throttle Burst(…);`.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _, discouraged::Speculative as _};
use syn::{Attribute, Generics, Ident, Token, Visibility, parenthesized, token};

use super::args::Args;
use super::punctuation::reserved_word;
use super::recovery::{at_incomplete, skip_to_semicolon};
use crate::diagnostics::{Error, Errors, Result, did_you_mean, error, near};

mod word {
    syn::custom_keyword!(defaults);
    syn::custom_keyword!(throttle);
}

/// The statements of a block, in order.
#[derive(Default)]
pub(crate) struct ParsedBlock {
    pub(crate) defaults: Vec<ParsedDefaults>,
    pub(crate) throttles: Vec<ParsedThrottle>,
}

/// A `defaults(…);` statement.
pub(crate) struct ParsedDefaults {
    /// The word `defaults`.
    pub(crate) word: Ident,
    /// `true` if a throttle is written above it.
    pub(crate) is_late: bool,
    pub(crate) args: Args,
}

/// A `pub throttle Burst(…);` statement.
pub(crate) struct ParsedThrottle {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) args: Args,
}

impl ParsedBlock {
    /// Parses all statements. Those that cannot be parsed are reported and left out.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let parser = |input: ParseStream| {
            let mut block = Self::default();
            while !input.is_empty() {
                let ahead = input.fork();
                match block.statement(&ahead, errors) {
                    Ok(()) => input.advance_to(&ahead),
                    Err(error) => {
                        let message =
                            "this is incomplete; write `throttle Name(rate = \"100/minute\");`";
                        errors.push(at_incomplete(error, skip_to_semicolon(input)?, message));
                    }
                }
            }
            Ok(block)
        };
        parser.parse2(tokens).unwrap_or_default()
    }

    fn statement(&mut self, input: ParseStream, errors: &mut Errors) -> Result<()> {
        if input.peek(word::defaults) && input.peek2(token::Paren) {
            let word = input.call(Ident::parse_any)?;
            let args = arguments(input, errors)?;
            errors.handle(semicolon(input, &word));
            self.defaults.push(ParsedDefaults {
                word,
                is_late: !self.throttles.is_empty(),
                args,
            });
        } else {
            let throttle = throttle(input, errors)?;
            errors.handle(semicolon(input, &throttle.name));
            self.throttles.push(throttle);
        }
        Ok(())
    }
}

fn throttle(input: ParseStream, errors: &mut Errors) -> Result<ParsedThrottle> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    if !input.peek(word::throttle) || input.peek2(token::Paren) {
        return Err(not_a_throttle(input));
    }
    input.parse::<word::throttle>()?;
    let late_vis = input.parse::<Visibility>()?;
    let name = name(input, errors)?;
    let vis = match late_vis {
        Visibility::Inherited => vis,
        late_vis => {
            let text = text(&late_vis);
            let message =
                format!("`{text}` goes before `throttle`; write `{text} throttle {name}(…);`");
            errors.report(&late_vis, message);
            late_vis
        }
    };
    // `throttle Api = (Burst, Sustained);` is parsed like `throttle Api(Burst, Sustained);`: both
    // mean a set, which is reported later.
    input.parse::<Option<Token![=]>>()?;
    let args = arguments(input, errors)?;
    Ok(ParsedThrottle {
        attrs,
        vis,
        name,
        args,
    })
}

/// Returns the source text of a visibility.
fn text(vis: &Visibility) -> String {
    vis.to_token_stream()
        .to_string()
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
}

/// Parses the throttle's name. Refuses keywords, and reports generics after the name.
fn name(input: ParseStream, errors: &mut Errors) -> Result<Ident> {
    let word = input.call(Ident::parse_any)?;
    if syn::parse2::<Ident>(word.to_token_stream()).is_err() {
        return Err(error(&word, reserved_word(&word)));
    }
    if input.peek(Token![<]) {
        let generics = input.parse::<Generics>()?;
        let message = format!("a throttle cannot be generic; write `throttle {word}(…);`");
        errors.report(generics, message);
    }
    Ok(word)
}

fn arguments(input: ParseStream, errors: &mut Errors) -> Result<Args> {
    if !input.peek(token::Paren) {
        return Err(input.error(
            "a throttle's keys go in parentheses; write `throttle Name(rate = \"100/minute\");`",
        ));
    }
    let content;
    parenthesized!(content in input);
    Ok(Args::parse(content.parse()?, errors))
}

fn not_a_throttle(input: ParseStream) -> Error {
    let Ok(word) = input.call(Ident::parse_any) else {
        return input.error("expected `throttle Name(…);` or `defaults(…);`");
    };
    let called = input.peek(token::Paren);
    let message = match near(&word.to_string(), &["throttle", "defaults"]) {
        _ if word == "throttle" => {
            "the throttle's name is missing; write `throttle Name(…);`".to_owned()
        }
        _ if word == "defaults" && called => {
            "attributes and visibility are not allowed before `defaults`; write `defaults(…);`"
                .to_owned()
        }
        _ if word == "defaults" => {
            "the keys of `defaults` go in parentheses; write `defaults(headers = both);`".to_owned()
        }
        _ if word == "type" => {
            "a set of throttles is a type; write this line below the block".to_owned()
        }
        Some(meant) if called == (meant == "defaults") => {
            let question = did_you_mean(&word.to_string(), meant);
            format!("unknown word `{word}`; {question}")
        }
        _ if called => {
            format!("`throttle` is missing before the name; write `throttle {word}(…);`")
        }
        _ => {
            format!("unexpected `{word}`; a block contains `throttle Name(…);` and `defaults(…);`")
        }
    };
    error(&word, message)
}

fn semicolon(input: ParseStream, name: &Ident) -> Result<()> {
    if input.peek(Token![,]) {
        let message = format!("expected `;` after `{name}(…)`, found `,`");
        return Err(error(input.parse::<Token![,]>()?, message));
    }
    let missing = |_| error(name, format!("a `;` is missing after `{name}(…)`"));
    input.parse::<Token![;]>().map(drop).map_err(missing)
}
