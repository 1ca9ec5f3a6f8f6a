//! The patterns of arguments, as closures see them.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Ident, Pat, PatWild, Token, parse_quote};

use crate::model::is_constant;

/// A pattern that lends these names of an argument, in the closure's own words, and takes nothing else.
pub(super) fn lent(pattern: &Pat, wanted: &[Ident]) -> TokenStream {
    let mut pattern = pattern.clone();
    if lend(&mut pattern, wanted) {
        pattern.into_token_stream()
    } else {
        parse_quote!(_)
    }
}

/// Whether the pattern has a name that is wanted. All others are taken out, and ways of binding with them.
fn lend(pattern: &mut Pat, wanted: &[Ident]) -> bool {
    match pattern {
        Pat::Ident(binding) => {
            let below = binding.subpat.as_mut();
            let below = below.is_some_and(|(_, below)| lend(below, wanted));
            let name = wanted
                .iter()
                .find(|name| name.unraw() == binding.ident.unraw());
            match (name, binding.subpat.take()) {
                (Some(name), subpat) => {
                    binding.ident = name.clone();
                    (binding.by_ref, binding.mutability) = (None, None);
                    binding.subpat = subpat.filter(|_| below);
                }
                (None, Some((_, inner))) => *pattern = *inner,
                (None, None) if is_constant(&binding.ident.to_string()) => {}
                (None, None) => *pattern = wild(),
            }
            name.is_some() || below
        }
        Pat::Struct(fields) => {
            let mut found = false;
            for field in &mut fields.fields {
                found |= lend(&mut field.pat, wanted);
                // `App { name }` is short for a field and a name, and `App { _ }` for nothing.
                if !matches!(&*field.pat, Pat::Ident(_)) {
                    field.colon_token.get_or_insert_with(<Token![:]>::default);
                }
            }
            found
        }
        Pat::TupleStruct(tuple) => all(&mut tuple.elems, wanted),
        Pat::Tuple(tuple) => all(&mut tuple.elems, wanted),
        Pat::Slice(slice) => all(&mut slice.elems, wanted),
        Pat::Or(cases) => all(&mut cases.cases, wanted),
        Pat::Paren(paren) => lend(&mut paren.pat, wanted),
        Pat::Reference(reference) => lend(&mut reference.pat, wanted),
        _ => false,
    }
}

fn all<'a>(patterns: impl IntoIterator<Item = &'a mut Pat>, wanted: &[Ident]) -> bool {
    patterns
        .into_iter()
        .fold(false, |found, pattern| lend(pattern, wanted) | found)
}

fn wild() -> Pat {
    Pat::Wild(PatWild {
        attrs: Vec::new(),
        underscore_token: <Token![_]>::default(),
    })
}
