//! The identity and the cost that closures compute from a handler's arguments.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, FnArg, PatType, Signature};

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
    let precheck = throttle.and_then(|throttle| precheck(throttle, private));
    let values = values(attribute, throttle, &handler.sig, private);
    let decided = usage::decided(attribute);
    Some(quote! {
        #(#cfgs)*
        #(#allow_attrs)*
        #[automatically_derived]
        impl #generics #private::ArgClosures<#arguments> for #ty #conditions {
            const ADD_HITS: #private::AddHits = #private::add_hits_of::<#decided>();
            #precheck
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

/// Generates the check of predicates before closures are called.
fn precheck(throttle: &Throttle, private: &Private) -> Option<TokenStream> {
    let name = &throttle.name;
    let parts = local("parts", Span::call_site());
    (!throttle.settings.predicates.is_empty()).then(|| {
        quote! {
            async fn without_closures(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::ArgValues>, #private::Error> {
                <#name as #private::Define>::excluded(#parts).await
            }
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
    let body = values_body(
        throttle,
        identity.as_ref(),
        cost.as_ref(),
        from_body,
        private,
    );
    Some(quote! {
        fn arg_values(#arguments: &#ty) -> impl #private::Future<Output = #private::Result<#private::ArgValues, #private::Error>> + #private::core::marker::Send {
            let _ = #arguments;
            #body
        }
    })
}

/// Generates the body of that function. It calls all closures before it awaits one, so that those
/// that are not async no longer borrow the arguments.
fn values_body(
    throttle: Option<&Throttle>,
    identity: Option<&TokenStream>,
    cost: Option<&TokenStream>,
    from_body: bool,
    private: &Private,
) -> TokenStream {
    let variable = |name: &str| local(name, Span::call_site());
    let (identity_name, cost_name) = (variable("identity"), variable("cost"));
    let called = |name: &Ident, closure: Option<&TokenStream>| {
        closure.map(|closure| quote!(let #name = #closure;))
    };
    let awaited = |name: &Ident, closure: Option<&TokenStream>| match closure {
        Some(_) => quote!(#private::Option::Some(#name.await?)),
        None => quote!(#private::Option::None),
    };
    let values = match throttle {
        Some(throttle) => {
            let name = &throttle.name;
            let identity = awaited(&identity_name, identity);
            let cost = awaited(&cost_name, cost);
            quote!(#private::ArgValues::new(<#name as #private::Define>::definition(), #identity, #cost))
        }
        None => quote!(#private::ArgValues::for_all(#cost_name.await?)),
    };
    let from_body = from_body.then(|| quote!(.from_body()));
    let identity = called(&identity_name, identity);
    let cost = called(&cost_name, cost);
    quote! {
        #identity
        #cost
        async move { #private::Result::Ok(#values #from_body) }
    }
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
