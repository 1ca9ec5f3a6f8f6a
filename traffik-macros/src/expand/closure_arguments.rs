//! The identity and the cost that closures compute from a handler's arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, FnArg, Lifetime, PatType, Signature};

use super::handler::usage;
use super::literals;
use super::paths::{Private, local};
use super::patterns::reduced;
use super::throttle::conditions;
use crate::model::{
    Closure, ClosureArguments, Cost, DefinedThrottle, Identifier, Throttle, ThrottledAttribute,
    bound_names,
};
use crate::parse::Handler;

/// Generates the implementation of `ArgClosures` for the hidden type of one use of throttles.
pub(crate) fn closures(
    attribute: &ThrottledAttribute,
    handler: &Handler,
    private: &Private,
) -> Option<TokenStream> {
    let closure_arguments = attribute.closure_arguments.as_ref()?;
    let cfgs = conditions(&handler.attrs);
    // Lints that the handler allows are allowed in its closures.
    let allow_attrs = handler
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("allow"));
    let (generics, ty, conditions) = usage::generics(attribute, handler);
    let arguments = types(closure_arguments, &handler.sig);
    let throttle = own_throttle(attribute);
    let exclude = throttle.and_then(|throttle| exclude(throttle, private));
    let values = values(attribute, throttle, &handler.sig, private);
    Some(quote! {
        #(#cfgs)*
        #(#allow_attrs)*
        #[automatically_derived]
        impl #generics #private::ArgClosures<#arguments> for #ty #conditions {
            #exclude
            #values
        }
    })
}

/// Returns the types of the arguments that closures take, as one tuple.
fn types(closure_arguments: &ClosureArguments, sig: &Signature) -> TokenStream {
    let head = head(closure_arguments, sig).map(|argument| &argument.ty);
    let head = quote!((#(#head,)*));
    match last(closure_arguments, sig).map(|argument| &argument.ty) {
        Some(last) => quote!((#head, #last)),
        None => head,
    }
}

/// Returns the arguments from the request's head that closures take, and those between them.
pub(super) fn head<'a>(
    closure_arguments: &'a ClosureArguments,
    sig: &'a Signature,
) -> impl Iterator<Item = &'a PatType> {
    let arguments = closure_arguments
        .head
        .iter()
        .filter_map(|index| sig.inputs.get(*index));
    arguments.filter_map(typed)
}

/// Returns the last argument, if a closure takes it.
pub(super) fn last<'a>(
    closure_arguments: &ClosureArguments,
    sig: &'a Signature,
) -> Option<&'a PatType> {
    closure_arguments
        .last
        .and_then(|index| sig.inputs.get(index))
        .and_then(typed)
}

fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// Returns the closures of one use of throttles: its identifier and its cost.
fn identifier_and_cost(attribute: &ThrottledAttribute) -> (Option<&Closure>, Option<&Closure>) {
    let throttle = own_throttle(attribute);
    let identifier = throttle.and_then(|throttle| match &throttle.settings.identifier {
        Some(Identifier::Closure(closure)) => Some(&**closure),
        _ => None,
    });
    let cost = match throttle.map_or(&attribute.cost, |throttle| &throttle.settings.cost) {
        Some(Cost::Closure(closure)) => Some(&**closure),
        _ => None,
    };
    (identifier, cost)
}

/// Returns the throttle that the attribute defines.
fn own_throttle(attribute: &ThrottledAttribute) -> Option<&Throttle> {
    match &attribute.defined {
        Some(DefinedThrottle::Valid(throttle)) => Some(throttle),
        _ => None,
    }
}

/// Generates uses of the arguments that closures name, so that rustc does not warn of unused ones.
pub(super) fn uses(attribute: &ThrottledAttribute, sig: &Signature) -> TokenStream {
    let (identifier, cost) = identifier_and_cost(attribute);
    let named: Vec<_> = identifier
        .into_iter()
        .chain(cost)
        .flat_map(Closure::names)
        .collect();
    let is_named = |name: &Ident| named.iter().any(|it| it.unraw() == name.unraw());
    let bound = sig
        .inputs
        .iter()
        .filter_map(typed)
        .flat_map(|argument| bound_names(&argument.pat));
    let used = bound.filter(is_named);
    quote!(#(let _ = &#used;)*)
}

/// Generates the constant for predicates, which are called before closures.
fn exclude(throttle: &Throttle, private: &Private) -> Option<TokenStream> {
    let name = &throttle.name;
    (!throttle.settings.predicates.is_empty()).then(|| {
        quote! {
            const EXCLUDE: #private::Option<#private::Exclude> = #private::Option::Some(#private::exclude::<#name>());
        }
    })
}

/// Generates the function that computes the identity and the cost.
fn values(
    attribute: &ThrottledAttribute,
    throttle: Option<&Throttle>,
    sig: &Signature,
    private: &Private,
) -> Option<TokenStream> {
    let closure_arguments = attribute.closure_arguments.as_ref()?;
    let arguments = local("arguments", Span::call_site());
    // The types of arguments may have lifetimes of their own.
    let lifetime = Lifetime::new("'__traffik_arguments", Span::mixed_site());
    let ty = types(closure_arguments, sig);
    let call = |closure: &Closure, dispatch: &str, body: &Expr| {
        let span = body.span();
        let private = private.at(span);
        let dispatch = Ident::new(dispatch, span);
        let pattern = pattern(closure, closure_arguments, sig);
        let closure = without_parameters(&closure.expr, body);
        quote_spanned!(span=> { let #pattern = #arguments; #private::#dispatch!(#closure) })
    };
    let (identity, cost) = identifier_and_cost(attribute);
    let from_body = cost.is_some_and(|closure| takes_last(closure, closure_arguments, sig));
    let identity = identity.map(|closure| call(closure, "identity_by", &closure.expr.body));
    let cost = cost.map(|closure| {
        let body = literals::with_u64_literals(&closure.expr.body);
        call(closure, "cost_by", &body)
    });
    let values = match throttle {
        Some(throttle) => {
            let name = &throttle.name;
            quote!(new(<#name as #private::Define>::definition()))
        }
        None => quote!(for_all()),
    };
    let identity = identity.map(|identity| quote!(.identity(#identity)));
    let cost = cost.map(|cost| {
        if from_body {
            quote!(.cost_of_body(#cost))
        } else {
            quote!(.cost(#cost))
        }
    });
    Some(quote! {
        fn arg_values<#lifetime>(#arguments: &#lifetime #ty) -> #private::ClosureValues<#lifetime> {
            let _ = #arguments;
            #private::ClosureValues::#values #identity #cost
        }
    })
}

/// Returns `true` if a closure takes a part of the last argument, which may be the body.
fn takes_last(closure: &Closure, closure_arguments: &ClosureArguments, sig: &Signature) -> bool {
    let bound = last(closure_arguments, sig).map_or_else(Vec::new, |last| bound_names(&last.pat));
    let named = closure.names();
    let is_named = |name: &Ident| named.iter().any(|it| it.unraw() == name.unraw());
    bound.iter().any(is_named)
}

/// Returns the closure without its parameters, which the pattern around it binds.
fn without_parameters(closure: &ExprClosure, body: &Expr) -> TokenStream {
    let ExprClosure {
        asyncness, output, ..
    } = closure;
    quote!(#asyncness move || #output #body)
}

/// Returns a pattern for the arguments of all closures, which binds the parameters of this one by
/// reference.
fn pattern(
    closure: &Closure,
    closure_arguments: &ClosureArguments,
    sig: &Signature,
) -> TokenStream {
    let names = closure.names();
    let head = head(closure_arguments, sig).map(|argument| reduced(&argument.pat, &names));
    let head = quote!((#(#head,)*));
    match last(closure_arguments, sig).map(|argument| reduced(&argument.pat, &names)) {
        Some(last) => quote!((#head, #last)),
        None => head,
    }
}
