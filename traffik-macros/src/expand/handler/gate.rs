//! The gate: what a handler takes besides its own arguments.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, Pat, PatType, ReturnType, Signature, Token, Type};

use crate::expand::closure_arguments;
use crate::expand::paths::Private;
use crate::model::{Bundle, Site, is_extracted_by_us};

/// From this many arguments on, clippy finds one more too many.
const MANY_ARGUMENTS: usize = 7;

/// What a handler takes besides what is written.
pub(super) struct Gate<'a> {
    pub(super) site: &'a Site,
    /// Its name as an argument.
    pub(super) binding: Ident,
    /// What the site's type is.
    pub(super) ty: TokenStream,
    pub(super) private: &'a Private,
}

impl Gate<'_> {
    /// Uses of what is there for closures.
    pub(super) fn uses(&self, sig: &Signature) -> TokenStream {
        closure_arguments::uses(self.site, sig)
    }

    /// The arguments with the gate among them.
    pub(super) fn inputs(&self, sig: &Signature) -> Punctuated<FnArg, Token![,]> {
        let Self {
            site,
            binding,
            ty,
            private,
        } = self;
        let mut sig = sig.clone();
        for (place, argument) in sig.inputs.iter_mut().enumerate().skip(site.seat.index) {
            if !site.bundle.as_ref().is_some_and(|it| it.has(place)) {
                wrap_last(argument, private);
            }
        }
        if let Some(bundle) = &site.bundle {
            return bundled(bundle, &sig, binding, ty, private);
        }
        let mut inputs = sig.inputs;
        let gate = argument(Vec::new(), quote!(#binding), quote!(#private::Gate<#ty>));
        inputs.insert(site.seat.index, gate);
        inputs
    }

    pub(super) fn is_bundled(&self) -> bool {
        self.site.bundle.is_some()
    }

    /// Its place among the arguments, in front of the last or behind all.
    pub(super) fn place(&self) -> usize {
        self.site.seat.index
    }

    /// The gate with all arguments in it: those of the head, and the last.
    pub(super) fn whole(&self, head: &TokenStream, last: &TokenStream) -> FnArg {
        let Self {
            binding,
            ty,
            private,
            ..
        } = self;
        argument(
            Vec::new(),
            quote!(#binding),
            quote!(#private::Gated<#ty, #head, #last>),
        )
    }

    /// Lints that would find fault with what was not written.
    pub(super) fn lints(&self, sig: &Signature) -> TokenStream {
        let is_bundled = self.is_bundled();
        let many = (!is_bundled && sig.inputs.len() == MANY_ARGUMENTS)
            .then(|| quote!(#[allow(clippy::too_many_arguments)]));
        let complex = is_bundled.then(|| quote!(#[allow(clippy::type_complexity)]));
        quote!(#many #complex)
    }
}

/// Wraps a handler's last argument, or one that a `cfg` can make the last, unless an attribute further
/// up has. It is extracted behind the gate, and if it is rejected, the response is to tell of the gate's
/// decision.
fn wrap_last(argument: &mut FnArg, private: &Private) {
    if is_extracted_by_us(argument) {
        return;
    }
    if let FnArg::Typed(PatType { pat, ty, .. }) = argument {
        **pat = Pat::Verbatim(quote!(#private::LastArgument(#pat)));
        **ty = Type::Verbatim(quote!(#private::LastArgument<#ty>));
    }
}

/// The arguments, those that closures look at in one with the gate. Their patterns stay, so that an attribute further down
/// finds the names it looks for.
fn bundled(
    bundle: &Bundle,
    sig: &Signature,
    gate: &Ident,
    site: &TokenStream,
    private: &Private,
) -> Punctuated<FnArg, Token![,]> {
    let head: Vec<_> = closure_arguments::head(bundle, sig).collect();
    let last = closure_arguments::last(bundle, sig);
    let attrs = head
        .iter()
        .copied()
        .chain(last)
        .flat_map(|argument| argument.attrs.iter().cloned());
    let (patterns, types) = (head.iter().map(|it| &it.pat), head.iter().map(|it| &it.ty));
    let (pattern, ty) = match last {
        None => (
            quote!(#private::Bundle(#gate, (#(#patterns,)*))),
            quote!(#private::Bundle<#site, (#(#types,)*)>),
        ),
        Some(PatType { pat, ty, .. }) => (
            quote!(#private::Whole(#gate, (#(#patterns,)*), #pat)),
            quote!(#private::Whole<#site, (#(#types,)*), #ty>),
        ),
    };
    let argument = argument(attrs.collect(), pattern, ty);
    let joined = |place: usize| bundle.head.contains(&place) || bundle.last == Some(place);
    let others = sig
        .inputs
        .iter()
        .enumerate()
        .filter(|(place, _)| !joined(*place));
    let mut inputs: Punctuated<_, _> = others.map(|(_, argument)| argument.clone()).collect();
    inputs.insert(bundle.seat, argument);
    inputs
}

/// An argument of tokens that need not be looked into: to parse them takes a while, for every handler.
fn argument(attrs: Vec<Attribute>, pattern: TokenStream, ty: TokenStream) -> FnArg {
    FnArg::Typed(PatType {
        attrs,
        pat: Box::new(Pat::Verbatim(pattern)),
        colon_token: Token![:](Span::call_site()),
        ty: Box::new(Type::Verbatim(ty)),
    })
}

/// The type that a function gives.
pub(super) fn giving(ty: TokenStream, place: Span) -> ReturnType {
    ReturnType::Type(Token![->](place), Box::new(Type::Verbatim(ty)))
}

/// A local name no one else sees.
pub(super) fn hidden(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
