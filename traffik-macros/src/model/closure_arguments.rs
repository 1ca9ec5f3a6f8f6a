//! The handler arguments that closures take, which are extracted together with the gate.

use syn::ext::IdentExt as _;
use syn::{Ident, Pat};

use super::arguments::{HandlerArguments, bound_names};
use super::free_names::free_names;
use super::{Closure, GatePlacement, is_wrappable};
use crate::diagnostics::{Errors, did_you_mean, near, quoted_list};
use crate::parse::Handler;

/// The arguments that are extracted together with the gate, by their indices.
pub(crate) struct ClosureArguments {
    /// The arguments from the request's head, in order. They include the arguments between two that
    /// closures take, so that extractors run in the order in which they were written, and all
    /// arguments from the head if the handler is wrapped.
    pub(crate) head: Vec<usize>,
    /// The last argument, if a closure takes it: it is extracted before the decision.
    pub(crate) last: Option<usize>,
    /// The index of the joint argument among the remaining ones.
    pub(crate) index: usize,
    /// Set if closures take no argument.
    pub(crate) is_empty: bool,
}

impl ClosureArguments {
    /// Finds the arguments of closures. Reports names that are not arguments.
    pub(crate) fn find(
        closures: &[&Closure],
        handler: &Handler,
        gate: &GatePlacement,
        errors: &mut Errors,
    ) -> Option<Self> {
        if closures.is_empty() {
            return None;
        }
        let arguments = HandlerArguments::new(&handler.sig);
        let used: Vec<usize> = closures
            .iter()
            .flat_map(|closure| {
                report_missing_parameters(closure, handler, &arguments, errors);
                indices(closure, handler, &arguments, errors)
            })
            .collect();
        let last = arguments.len().checked_sub(1);
        let last = last.filter(|last| used.contains(last));
        let head = used.iter().copied().filter(|index| last != Some(*index));
        let head_end = head.clone().max().map_or(0, |index| index + 1);
        let end = last.unwrap_or(head_end.max(gate.index));
        // Where all arguments are one to axum, the compiler has less to do.
        let start = if is_wrappable(handler) {
            0
        } else {
            head.min().unwrap_or(end)
        };
        // An argument whose type cannot be written in a tuple stays before it.
        let is_joined = |index: &usize| {
            let is_impl_trait = arguments.impl_trait_type(*index).is_some();
            used.contains(index) || !(is_impl_trait || arguments.is_conditional(*index))
        };
        let head: Vec<_> = (start..end).filter(is_joined).collect();
        Some(Self {
            is_empty: used.is_empty(),
            index: end - head.len(),
            head,
            last,
        })
    }

    /// Returns `true` if the argument at an index is one of them.
    pub(crate) fn contains(&self, index: usize) -> bool {
        self.last == Some(index) || self.head.contains(&index)
    }
}

/// Returns the indices of the arguments that a closure takes.
fn indices(
    closure: &Closure,
    handler: &Handler,
    arguments: &HandlerArguments<'_>,
    errors: &mut Errors,
) -> Vec<usize> {
    let mut indices = Vec::new();
    let mut earlier_names: Vec<Ident> = Vec::new();
    for param in &closure.expr.inputs {
        let is_argument = matches!(param, Pat::Ident(_)) || arguments.has_pattern(param);
        if !is_argument {
            errors.report(param, pattern_message(param));
            continue;
        }
        for name in bound_names(param) {
            if earlier_names
                .iter()
                .any(|earlier| earlier.unraw() == name.unraw())
            {
                let message = format!("`{name}` is named twice in this closure; name it once");
                errors.report(&name, message);
            }
            match index(&name, handler, arguments) {
                // The check of the handler reports an argument of an `impl Trait` type.
                Ok(index) if arguments.impl_trait_type(index).is_some() => {}
                Ok(index) => indices.push(index),
                Err(message) => errors.report(&name, message),
            }
            earlier_names.push(name);
        }
    }
    indices
}

/// Returns the index of the argument of this name, or a message if a closure cannot take it.
fn index(
    name: &Ident,
    handler: &Handler,
    arguments: &HandlerArguments<'_>,
) -> Result<usize, String> {
    let Some(index) = arguments.binding(name) else {
        return Err(unknown_argument(
            name,
            &handler.sig.ident,
            &arguments.names(),
        ));
    };
    if arguments.is_conditional(index) {
        return Err(format!(
            "`{name}` exists only under its `cfg`, but the closure always needs it; write two handlers, one for each case"
        ));
    }
    Ok(index)
}

fn unknown_argument(name: &Ident, handler: &Ident, arguments: &[String]) -> String {
    let text = name.to_string();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match near(&text, &arguments) {
        Some(meant) => {
            let question = did_you_mean(&text, meant);
            format!("`{text}` is not an argument of `{handler}`; {question}")
        }
        None if arguments.is_empty() => format!(
            "`{text}` is not an argument of `{handler}`, which has no named arguments; write the path of a function of `&Parts`"
        ),
        None => format!(
            "`{text}` is not an argument of `{handler}`; use one of {}",
            quoted_list(&arguments)
        ),
    }
}

fn pattern_message(param: &Pat) -> String {
    let names: Vec<_> = bound_names(param).iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return "closure parameters must be names of the handler's arguments, such as `|payload|`"
            .to_owned();
    }
    format!(
        "closure parameters must be names of the handler's arguments; write `{}`",
        names.join(", ")
    )
}

/// Reports arguments that a closure's body uses and its parameters do not name.
fn report_missing_parameters(
    closure: &Closure,
    handler: &Handler,
    arguments: &HandlerArguments<'_>,
    errors: &mut Errors,
) {
    let mut named: Vec<_> = closure.names();
    for used in free_names(&closure.expr.body) {
        let is_parameter = named.iter().any(|name| name.unraw() == used.unraw());
        if is_parameter || arguments.binding(&used).is_none() {
            continue;
        }
        named.push(used.clone());
        let params: Vec<_> = named.iter().map(ToString::to_string).collect();
        let message = format!(
            "`{used}` is an argument of `{}` but not a parameter of this closure; write `|{}|`",
            handler.sig.ident,
            params.join(", ")
        );
        errors.report(used, message);
    }
}
