//! Closures over the handler's arguments: what they say, given all of them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprClosure, FnArg, PatType, Signature};

use super::handler::usage;
use super::literals;
use super::paths::{Private, local};
use super::patterns::lent;
use super::throttle::conditions;
use crate::model::{Bundle, Closure, Cost, Definition, Identifier, Outcome, Site, names};
use crate::parse::Handler;

/// The implementation of `Closures` for the hidden type of one use of throttles.
pub(crate) fn closures(site: &Site, handler: &Handler, private: &Private) -> Option<TokenStream> {
    let bundle = site.bundle.as_ref()?;
    let cfgs = conditions(&handler.attrs);
    // What the handler allows itself, its closures may do.
    let allowed = handler
        .attrs
        .iter()
        .filter(|it| it.path().is_ident("allow"));
    let (generics, ty, conditions) = usage::generics(site, handler);
    let arguments = types(bundle, &handler.sig);
    let owner = owner(site);
    let unasked = owner.and_then(|owner| unasked(owner, private));
    let given = given(site, owner, &handler.sig, private);
    let throttle = usage::decided(site);
    Some(quote! {
        #(#cfgs)*
        #(#allowed)*
        #[automatically_derived]
        impl #generics #private::Closures<#arguments> for #ty #conditions {
            const ASK: #private::Ask = #private::ask_of::<#throttle>();
            #unasked
            #given
        }
    })
}

/// The types of what closures look at.
fn types(bundle: &Bundle, sig: &Signature) -> TokenStream {
    let head = head(bundle, sig).map(|argument| &argument.ty);
    let head = quote!((#(#head,)*));
    match last(bundle, sig).map(|argument| &argument.ty) {
        Some(last) => quote!((#head, #last)),
        None => head,
    }
}

/// The arguments of the head that closures look at, and those between them.
pub(super) fn head<'a>(
    bundle: &'a Bundle,
    sig: &'a Signature,
) -> impl Iterator<Item = &'a PatType> {
    let arguments = bundle
        .head
        .iter()
        .filter_map(|place| sig.inputs.get(*place));
    arguments.filter_map(typed)
}

/// The last argument, if a closure looks at it.
pub(super) fn last<'a>(bundle: &Bundle, sig: &'a Signature) -> Option<&'a PatType> {
    bundle
        .last
        .and_then(|place| sig.inputs.get(place))
        .and_then(typed)
}

fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// The closures of one use of throttles: its identifier and its cost.
fn of(site: &Site) -> (Option<&Closure>, Option<&Closure>) {
    let owner = owner(site);
    let identifier = owner.and_then(|owner| match &owner.identifier {
        Some(Identifier::Closure(closure)) => Some(&**closure),
        _ => None,
    });
    let cost = match owner.map_or(&site.cost, |owner| &owner.cost) {
        Some(Cost::Closure(closure)) => Some(&**closure),
        _ => None,
    };
    (identifier, cost)
}

fn owner(site: &Site) -> Option<&Definition> {
    match &site.defined {
        Some(Outcome::Whole(definition)) => Some(definition),
        _ => None,
    }
}

/// Uses of the arguments that closures name: to be looked at is use enough.
pub(super) fn uses(site: &Site, sig: &Signature) -> TokenStream {
    let (identifier, cost) = of(site);
    let wanted: Vec<_> = identifier
        .into_iter()
        .chain(cost)
        .flat_map(Closure::names)
        .collect();
    let is_wanted = |name: &Ident| wanted.iter().any(|it| it.unraw() == name.unraw());
    let bound = sig
        .inputs
        .iter()
        .filter_map(typed)
        .flat_map(|it| names(&it.pat));
    let used = bound.filter(is_wanted);
    quote!(#(let _ = &#used;)*)
}

/// Keeps closures of a throttle that is not asked from being called.
fn unasked(owner: &Definition, private: &Private) -> Option<TokenStream> {
    let name = &owner.name;
    let parts = local("parts", Span::call_site());
    (!owner.applies.is_always()).then(|| {
        quote! {
            async fn unasked(#parts: &#private::Parts) -> #private::Result<#private::Option<#private::Given>, #private::Error> {
                #private::Given::unless_asked::<#name>(#parts).await
            }
        }
    })
}

fn given(
    site: &Site,
    owner: Option<&Definition>,
    sig: &Signature,
    private: &Private,
) -> Option<TokenStream> {
    let bundle = site.bundle.as_ref()?;
    let arguments = local("arguments", Span::call_site());
    let ty = types(bundle, sig);
    let asked = |closure: &Closure, question: &str, body: &Expr| {
        let place = body.span();
        let private = private.at(place);
        let question = Ident::new(question, place);
        let pattern = view(closure, bundle, sig);
        let call = call(&closure.written, body);
        quote_spanned!(place=> { let #pattern = #arguments; #private::#question!(#call) })
    };
    let (identity, cost) = of(site);
    let from_body = cost.is_some_and(|closure| names_last(closure, bundle, sig));
    let identity = identity.map(|closure| asked(closure, "identity_by", &closure.written.body));
    let cost = cost.map(|closure| {
        let body = literals::typed(&closure.written.body);
        asked(closure, "cost_by", &body)
    });
    let answer = answer(owner, identity.as_ref(), cost.as_ref(), from_body, private);
    Some(quote! {
        fn given(#arguments: &#ty) -> impl #private::Future<Output = #private::Result<#private::Given, #private::Error>> + #private::core::marker::Send {
            let _ = #arguments;
            #answer
        }
    })
}

/// All closures are called before one of them is awaited: those that are not async are done with the arguments then.
fn answer(
    owner: Option<&Definition>,
    identity: Option<&TokenStream>,
    cost: Option<&TokenStream>,
    from_body: bool,
    private: &Private,
) -> TokenStream {
    let named = |name: &str| local(name, Span::call_site());
    let (identity_name, cost_name) = (named("identity"), named("cost"));
    let called = |name: &Ident, closure: Option<&TokenStream>| {
        closure.map(|closure| quote!(let #name = #closure;))
    };
    let awaited = |name: &Ident, closure: Option<&TokenStream>| match closure {
        Some(_) => quote!(#private::Option::Some(#name.await?)),
        None => quote!(#private::Option::None),
    };
    let given = match owner {
        Some(owner) => {
            let name = &owner.name;
            let identity = awaited(&identity_name, identity);
            let cost = awaited(&cost_name, cost);
            quote!(#private::Given::to::<#name>(#identity, #cost))
        }
        None => quote!(#private::Given::to_all(#cost_name.await?)),
    };
    let from_body = from_body.then(|| quote!(.from_body()));
    let identity = called(&identity_name, identity);
    let cost = called(&cost_name, cost);
    quote! {
        #identity
        #cost
        async move { #private::Result::Ok(#given #from_body) }
    }
}

/// Returns whether a closure names a part of the last argument, which may be the body.
fn names_last(closure: &Closure, bundle: &Bundle, sig: &Signature) -> bool {
    let bound = last(bundle, sig).map_or_else(Vec::new, |last| names(&last.pat));
    let named = closure.names();
    let is_named = |name: &Ident| named.iter().any(|it| it.unraw() == name.unraw());
    bound.iter().any(is_named)
}

/// The closure without its parameters, which are names around it.
fn call(written: &ExprClosure, body: &Expr) -> TokenStream {
    let ExprClosure {
        asyncness, output, ..
    } = written;
    quote!(#asyncness move || #output #body)
}

/// A pattern for all arguments that closures look at, which lends one of them what it names.
fn view(closure: &Closure, bundle: &Bundle, sig: &Signature) -> TokenStream {
    let names = closure.names();
    let head = head(bundle, sig).map(|argument| lent(&argument.pat, &names));
    let head = quote!((#(#head,)*));
    match last(bundle, sig).map(|argument| lent(&argument.pat, &names)) {
        Some(last) => quote!((#head, #last)),
        None => head,
    }
}
