//! The gate, the argument that decides before the handler runs.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, Pat, PatType, ReturnType, Signature, Token, Type};

use crate::expand::closure_arguments;
use crate::expand::paths::Private;
use crate::model::{ClosureArguments, ThrottledAttribute, is_extracted_by_us};

/// With one more than this many arguments, clippy warns.
const CLIPPY_MAX_ARGUMENTS: usize = 7;

/// The gate of one attribute on a handler.
pub(super) struct Gate<'a> {
    pub(super) attribute: &'a ThrottledAttribute,
    /// The name of the argument.
    pub(super) binding: Ident,
    /// The hidden type of this use of throttles.
    pub(super) ty: TokenStream,
    pub(super) private: &'a Private,
}

impl Gate<'_> {
    /// Generates uses of the arguments that closures take.
    pub(super) fn argument_uses(&self, sig: &Signature) -> TokenStream {
        closure_arguments::uses(self.attribute, sig)
    }

    /// Returns the arguments with the gate among them.
    pub(super) fn inputs(&self, sig: &Signature) -> Punctuated<FnArg, Token![,]> {
        let Self {
            attribute,
            binding,
            ty,
            private,
        } = self;
        let mut sig = sig.clone();
        for (index, argument) in sig.inputs.iter_mut().enumerate().skip(attribute.gate.index) {
            let closure_arguments = attribute.closure_arguments.as_ref();
            if !closure_arguments.is_some_and(|it| it.contains(index)) {
                wrap_last(argument, private);
            }
        }
        if let Some(closure_arguments) = &attribute.closure_arguments {
            return joined(closure_arguments, &sig, binding, ty, private);
        }
        let mut inputs = sig.inputs;
        let gate = argument(
            Vec::new(),
            quote!(#binding),
            quote!(#private::ThrottleExtractor<#ty>),
        );
        inputs.insert(attribute.gate.index, gate);
        inputs
    }

    /// Returns `true` if the gate holds arguments of closures.
    pub(super) fn has_closure_arguments(&self) -> bool {
        self.attribute.closure_arguments.is_some()
    }

    /// Returns the index among the arguments: before the last, or after all.
    pub(super) fn index(&self) -> usize {
        self.attribute.gate.index
    }

    /// Returns the argument that holds the gate and all arguments: those of the head, and the last.
    pub(super) fn all_arguments(&self, head: &TokenStream, last: &TokenStream) -> FnArg {
        let Self {
            binding,
            ty,
            private,
            ..
        } = self;
        argument(
            Vec::new(),
            quote!(#binding),
            quote!(#private::ThrottledArgs<#ty, #head, #last>),
        )
    }

    /// Returns the attributes that switch off lints about generated code.
    pub(super) fn allow_attributes(&self, sig: &Signature) -> TokenStream {
        let has_closure_arguments = self.has_closure_arguments();
        let many = (!has_closure_arguments && sig.inputs.len() == CLIPPY_MAX_ARGUMENTS)
            .then(|| quote!(#[allow(clippy::too_many_arguments)]));
        let complex = has_closure_arguments.then(|| quote!(#[allow(clippy::type_complexity)]));
        quote!(#many #complex)
    }
}

/// Wraps a handler's last argument, or one that a `cfg` can make the last, unless an attribute
/// further up has done so. It is extracted after the decision, and the response to its rejection
/// carries the header fields of the gate's decision.
fn wrap_last(argument: &mut FnArg, private: &Private) {
    if is_extracted_by_us(argument) {
        return;
    }
    if let FnArg::Typed(PatType { pat, ty, .. }) = argument {
        **pat = Pat::Verbatim(quote!(#private::LastArgument(#pat)));
        **ty = Type::Verbatim(quote!(#private::LastArgument<#ty>));
    }
}

/// Returns the arguments, with those of closures joined with the gate. Their patterns stay, so that
/// an attribute further down finds the names in them.
fn joined(
    closure_arguments: &ClosureArguments,
    sig: &Signature,
    gate: &Ident,
    usage: &TokenStream,
    private: &Private,
) -> Punctuated<FnArg, Token![,]> {
    let head: Vec<_> = closure_arguments::head(closure_arguments, sig).collect();
    let last = closure_arguments::last(closure_arguments, sig);
    let attrs = head
        .iter()
        .copied()
        .chain(last)
        .flat_map(|argument| argument.attrs.iter().cloned());
    let (patterns, types) = (head.iter().map(|it| &it.pat), head.iter().map(|it| &it.ty));
    let (pattern, ty) = match last {
        None => (
            quote!(#private::HeadArgs(#gate, (#(#patterns,)*))),
            quote!(#private::HeadArgs<#usage, (#(#types,)*)>),
        ),
        Some(PatType { pat, ty, .. }) => (
            quote!(#private::AllArgs(#gate, (#(#patterns,)*), #pat)),
            quote!(#private::AllArgs<#usage, (#(#types,)*), #ty>),
        ),
    };
    let argument = argument(attrs.collect(), pattern, ty);
    let others = sig
        .inputs
        .iter()
        .enumerate()
        .filter(|(index, _)| !closure_arguments.contains(*index));
    let mut inputs: Punctuated<_, _> = others.map(|(_, argument)| argument.clone()).collect();
    inputs.insert(closure_arguments.index, argument);
    inputs
}

/// Creates an argument of unparsed tokens, because parsing them would cost time for every handler.
fn argument(attrs: Vec<Attribute>, pattern: TokenStream, ty: TokenStream) -> FnArg {
    FnArg::Typed(PatType {
        attrs,
        pat: Box::new(Pat::Verbatim(pattern)),
        colon_token: Token![:](Span::call_site()),
        ty: Box::new(Type::Verbatim(ty)),
    })
}

/// Creates a return type.
pub(super) fn return_type(ty: TokenStream, span: Span) -> ReturnType {
    ReturnType::Type(Token![->](span), Box::new(Type::Verbatim(ty)))
}

/// Returns the span of a local variable that user code cannot see.
pub(super) fn hidden_span(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}
