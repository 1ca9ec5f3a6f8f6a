//! Which arguments closures look at, and so are extracted together with the gate.

use syn::ext::IdentExt as _;
use syn::{Ident, Pat};

use super::arguments::{Arguments, names};
use super::free_names::mentioned;
use super::{Closure, Seat};
use crate::diagnostics::{Mistakes, did_you_mean, listed, near};
use crate::parse::Handler;

/// The arguments that are extracted together with the gate, by their places.
pub(crate) struct Bundle {
    /// Those of the head, in order. Between two that closures look at stand the others, so that extractors run in the order
    /// in which they were written.
    pub(crate) head: Vec<usize>,
    /// The last argument, if a closure looks at it: it is read before the decision.
    pub(crate) last: Option<usize>,
    /// The place of the bundle among the arguments that are left.
    pub(crate) seat: usize,
}

impl Bundle {
    /// The bundle that these closures need; what they name and is no argument is noted.
    pub(crate) fn find(
        closures: &[&Closure],
        handler: &Handler,
        seat: &Seat,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        if closures.is_empty() {
            return None;
        }
        let arguments = Arguments::of(&handler.sig);
        let named: Vec<usize> = closures
            .iter()
            .flat_map(|closure| {
                unmentioned(closure, handler, &arguments, mistakes);
                places(closure, handler, &arguments, mistakes)
            })
            .collect();
        let last = arguments.len().checked_sub(1);
        let last = last.filter(|last| named.contains(last));
        let head = named.iter().copied().filter(|place| last != Some(*place));
        let behind = head.clone().max().map_or(0, |place| place + 1);
        let end = last.unwrap_or(behind.max(seat.index));
        let start = head.min().unwrap_or(end);
        // What cannot be written down in a tuple of types stays in front of it.
        let joins = |place: &usize| {
            let nameless = arguments.nameless_type(*place).is_some();
            named.contains(place) || !(nameless || arguments.is_conditional(*place))
        };
        let head: Vec<_> = (start..end).filter(joins).collect();
        Some(Self {
            seat: end - head.len(),
            head,
            last,
        })
    }

    /// Returns whether it takes in the argument of this place.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.last == Some(place) || self.head.contains(&place)
    }

    /// Whether it takes in any argument.
    pub(crate) fn joins(&self) -> bool {
        !self.head.is_empty() || self.last.is_some()
    }
}

/// The places of the arguments that a closure names.
fn places(
    closure: &Closure,
    handler: &Handler,
    arguments: &Arguments<'_>,
    mistakes: &mut Mistakes,
) -> Vec<usize> {
    let mut places = Vec::new();
    let mut seen: Vec<Ident> = Vec::new();
    for param in &closure.written.inputs {
        let own = matches!(param, Pat::Ident(_)) || arguments.has_pattern(param);
        if !own {
            mistakes.at(param, no_pattern(param));
            continue;
        }
        for name in names(param) {
            if seen.iter().any(|earlier| earlier.unraw() == name.unraw()) {
                let message = format!("`{name}` stands twice in this closure; name it once");
                mistakes.at(&name, message);
            }
            match place(&name, handler, arguments) {
                // That no route can choose its type is noted elsewhere.
                Ok(place) if arguments.nameless_type(place).is_some() => {}
                Ok(place) => places.push(place),
                Err(message) => mistakes.at(&name, message),
            }
            seen.push(name);
        }
    }
    places
}

/// The place of the argument of this name, or why it cannot be looked at.
fn place(name: &Ident, handler: &Handler, arguments: &Arguments<'_>) -> Result<usize, String> {
    let Some(place) = arguments.binding(name) else {
        return Err(unknown(name, &handler.sig.ident, &arguments.names()));
    };
    if arguments.is_conditional(place) {
        return Err(format!(
            "`{name}` is there only under its `cfg`, and the closure always; put the attribute on two handlers, one for each case"
        ));
    }
    Ok(place)
}

fn unknown(name: &Ident, handler: &Ident, known: &[String]) -> String {
    let text = name.to_string();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    match near(&text, &known) {
        Some(meant) => {
            let question = did_you_mean(&text, meant);
            format!("`{text}` is no argument of `{handler}`; {question}")
        }
        None if known.is_empty() => format!(
            "`{text}` is no argument of `{handler}`, which has none with a name; write the path of a function of the request's parts"
        ),
        None => format!(
            "`{text}` is no argument of `{handler}`; use one of {}",
            listed(&known)
        ),
    }
}

fn no_pattern(param: &Pat) -> String {
    let names: Vec<_> = names(param).iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return "a closure takes names of the handler's arguments, such as `|payload|`".to_owned();
    }
    format!(
        "a closure takes names of the handler's arguments; write `{}`",
        names.join(", ")
    )
}

/// Notes arguments that a closure's body uses and its parameters do not name.
fn unmentioned(
    closure: &Closure,
    handler: &Handler,
    arguments: &Arguments<'_>,
    mistakes: &mut Mistakes,
) {
    let mut named: Vec<_> = closure.names();
    for used in mentioned(&closure.written.body) {
        let known = named.iter().any(|name| name.unraw() == used.unraw());
        if known || arguments.binding(&used).is_none() {
            continue;
        }
        named.push(used.clone());
        let params: Vec<_> = named.iter().map(ToString::to_string).collect();
        let message = format!(
            "`{used}` is an argument of `{}` and no parameter of this closure; write `|{}|`",
            handler.sig.ident,
            params.join(", ")
        );
        mistakes.at(used, message);
    }
}
