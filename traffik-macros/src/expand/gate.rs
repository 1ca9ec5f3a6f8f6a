//! The handler with its gate.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit_mut::{VisitMut, visit_pat_ident_mut, visit_type_mut};
use syn::{
    Attribute, FnArg, GenericParam, Generics, Ident, Lifetime, LifetimeParam, Pat, PatIdent,
    PatType, ReturnType, Signature, Token, Type, TypeImplTrait, TypeParamBound, parse_quote,
};

use super::define::conditions;
use super::paths::{self, Private};
use super::{closures, site, verbatim};
use crate::model::{Bundle, Outcome, Seat, Site, can_stay, is_extracted_by_us};
use crate::parse::{Handler, braces};

/// From this many arguments on, clippy finds one more too many.
const MANY_ARGUMENTS: usize = 7;

/// The handler, taking the gate and giving the gate's answer.
pub(crate) fn gated(site: &Site, handler: Handler, private: &Private) -> TokenStream {
    let binding = Seat::binding(
        site.defined.as_ref().map(Outcome::name),
        local(handler.sig.ident.span()),
    );
    let (_, ty, _) = site::generics(site, &handler);
    let gate = Gate {
        site,
        binding,
        ty,
        private,
    };
    if can_stay(&handler) {
        verbatim::verbatim(&gate, handler)
    } else {
        rewritten(&gate, handler)
    }
}

/// What a handler takes besides what is written.
pub(super) struct Gate<'a> {
    site: &'a Site,
    /// Its name as an argument.
    pub(super) binding: Ident,
    /// What the site's type is.
    ty: TokenStream,
    pub(super) private: &'a Private,
}

impl Gate<'_> {
    /// Uses of what is there for closures.
    pub(super) fn uses(&self, sig: &Signature) -> TokenStream {
        closures::uses(self.site, sig)
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

/// The handler with the gate among its own arguments.
fn rewritten(gate: &Gate<'_>, handler: Handler) -> TokenStream {
    let Handler {
        attrs,
        vis,
        mut sig,
        body,
    } = handler;
    let (uses, lints) = (gate.uses(&sig), gate.lints(&sig));
    let answer = answer(&sig, &body, &gate.binding, gate.private);
    sig.inputs = gate.inputs(&sig);
    let answer = braces(quote!(#uses #answer), body.span());
    let end = sig.paren_token.span.close();
    let located = gate.private.at(end);
    let given = match lent(&sig) {
        Some(ty) => quote_spanned!(end=> #located::Answered<#ty>),
        None => quote_spanned!(end=> #located::Response),
    };
    sig.output = giving(given, end);
    quote! {
        #(#attrs)*
        #lints
        #vis #sig #answer
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
    let head: Vec<_> = closures::head(bundle, sig).collect();
    let last = closures::last(bundle, sig);
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

/// The body runs as a block of its own, so that `return` and `?` end it and not the gate; its type is the one written.
/// Whether that can be an answer is judged at that type.
fn answer(sig: &Signature, body: &Group, gate: &Ident, private: &Private) -> TokenStream {
    let Signature {
        output, generics, ..
    } = sig;
    let (ty, place) = match output {
        ReturnType::Default => (parse_quote!(()), Span::call_site()),
        ReturnType::Type(_, ty) => ((**ty).clone(), ty.span()),
    };
    let (ty, dropped) = without_impl(ty);
    let mentions = mentions(&dropped, generics, place);
    // The block takes an argument whole: it is no fault of the handler's to replace a part of one before it is read.
    let kept = sig.inputs.iter().map(kept_whole);
    let hint = paths::local("hint", place);
    let out = paths::local("out", place);
    let located = private.at(place);
    let finish = match lent(sig) {
        Some(_) => quote_spanned!(place=> #located::Answered::new(#gate.told, #out)),
        None => quote_spanned!(place=> #located::finish(#gate.told, #out)),
    };
    quote! {
        #mentions
        #[allow(unused_braces)]
        let #out = async move {
            #(#kept)*
            if let #private::Option::Some(#hint) = #private::Option::None::<#ty> {
                return #hint;
            }
            #body
        }.await;
        #finish
    }
}

/// The type that a handler gives, if it names a lifetime that only who routes the handler chooses. Whether that is an answer
/// is not known before.
fn lent(sig: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, ty) = &sig.output else {
        return None;
    };
    let mut lifetimes = Lifetimes::default();
    lifetimes.visit_type_mut(&mut (**ty).clone());
    let is_own = |param: &LifetimeParam| lifetimes.0.contains(&param.lifetime.ident);
    let (_, nameless) = without_impl((**ty).clone());
    (sig.generics.lifetimes().any(is_own) && nameless.is_empty()).then_some(&**ty)
}

/// The lifetimes that a type names.
#[derive(Default)]
struct Lifetimes(Vec<Ident>);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        self.0.push(lifetime.ident.clone());
    }
}

/// Uses of what an argument binds as variables.
fn kept_whole(argument: &FnArg) -> TokenStream {
    struct Variables(Vec<Ident>);
    impl VisitMut for Variables {
        fn visit_pat_ident_mut(&mut self, binding: &mut PatIdent) {
            if binding.mutability.is_some() {
                self.0.push(binding.ident.clone());
            }
            visit_pat_ident_mut(self, binding);
        }
    }
    let mut variables = Variables(Vec::new());
    variables.visit_fn_arg_mut(&mut argument.clone());
    let attrs = match argument {
        FnArg::Typed(typed) => &typed.attrs[..],
        FnArg::Receiver(_) => &[],
    };
    let cfgs = conditions(attrs);
    let uses = variables
        .0
        .iter()
        .map(|name| quote!(#(#cfgs)* let _ = &#name;));
    uses.collect()
}

/// A local name no one else sees.
fn local(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

/// The type with `_` for each `impl Trait`, which cannot be named; and those.
fn without_impl(mut ty: Type) -> (Type, Vec<TypeImplTrait>) {
    struct Infer(Vec<TypeImplTrait>);
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(dropped) = ty {
                self.0.push(dropped.clone());
                *ty = parse_quote!(_);
            } else {
                visit_type_mut(self, ty);
            }
        }
    }
    let mut infer = Infer(Vec::new());
    infer.visit_type_mut(&mut ty);
    (ty, infer.0)
}

/// A function that names the traits of the `impl Trait`s which the answer no longer names, so that their imports stay in
/// use; those that name a generic of the handler cannot be repeated there.
fn mentions(dropped: &[TypeImplTrait], generics: &Generics, place: Span) -> Option<TokenStream> {
    let own: Vec<String> = generics.params.iter().map(name_of).collect();
    let repeatable: Vec<_> = dropped
        .iter()
        .filter(|dropped| {
            let captures =
                |bound: &TypeParamBound| matches!(bound, TypeParamBound::PreciseCapture(_));
            !dropped.bounds.iter().any(captures) && !names_any(dropped.to_token_stream(), &own)
        })
        .collect();
    let name = Ident::new("__traffik_answers", local(place));
    (!repeatable.is_empty()).then(|| {
        quote! {
            #[allow(dead_code, clippy::needless_pass_by_value, clippy::missing_const_for_fn)]
            fn #name(#(_: #repeatable),*) {}
        }
    })
}

fn name_of(param: &GenericParam) -> String {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.ident.to_string(),
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
    }
}

fn names_any(tokens: TokenStream, names: &[String]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.iter().any(|name| ident == name),
        TokenTree::Group(group) => names_any(group.stream(), names),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
