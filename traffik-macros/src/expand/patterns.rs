//! Patterns that bind the parameters of a closure by reference.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Ident, Pat, PatWild, Token, parse_quote};

use crate::model::is_constant;

/// Returns the pattern of an argument, reduced to these names as the closure writes them.
pub(super) fn reduced(pattern: &Pat, names: &[Ident]) -> TokenStream {
    let mut pattern = pattern.clone();
    if reduce(&mut pattern, names) {
        pattern.into_token_stream()
    } else {
        parse_quote!(_)
    }
}

/// Removes all other names from a pattern, and the binding modes of these. Returns `true` if it
/// binds one of them.
fn reduce(pattern: &mut Pat, names: &[Ident]) -> bool {
    match pattern {
        Pat::Ident(binding) => {
            let subpat = binding.subpat.as_mut();
            let binds_below = subpat.is_some_and(|(_, subpat)| reduce(subpat, names));
            let name = names
                .iter()
                .find(|name| name.unraw() == binding.ident.unraw());
            match (name, binding.subpat.take()) {
                (Some(name), subpat) => {
                    binding.ident = name.clone();
                    (binding.by_ref, binding.mutability) = (None, None);
                    binding.subpat = subpat.filter(|_| binds_below);
                }
                (None, Some((_, inner))) => *pattern = *inner,
                (None, None) if is_constant(&binding.ident.to_string()) => {}
                (None, None) => *pattern = wild(),
            }
            name.is_some() || binds_below
        }
        Pat::Struct(fields) => {
            let mut found = false;
            for field in &mut fields.fields {
                found |= reduce(&mut field.pat, names);
                // `App { name }` names a field and a binding, but `App { _ }` is no pattern.
                if !matches!(&*field.pat, Pat::Ident(_)) {
                    field.colon_token.get_or_insert_with(<Token![:]>::default);
                }
            }
            found
        }
        Pat::TupleStruct(tuple) => reduce_all(&mut tuple.elems, names),
        Pat::Tuple(tuple) => reduce_all(&mut tuple.elems, names),
        Pat::Slice(slice) => reduce_all(&mut slice.elems, names),
        Pat::Or(cases) => reduce_all(&mut cases.cases, names),
        Pat::Paren(paren) => reduce(&mut paren.pat, names),
        Pat::Reference(reference) => reduce(&mut reference.pat, names),
        _ => false,
    }
}

fn reduce_all<'a>(patterns: impl IntoIterator<Item = &'a mut Pat>, names: &[Ident]) -> bool {
    patterns
        .into_iter()
        .fold(false, |found, pattern| reduce(pattern, names) | found)
}

fn wild() -> Pat {
    Pat::Wild(PatWild {
        attrs: Vec::new(),
        underscore_token: <Token![_]>::default(),
    })
}
