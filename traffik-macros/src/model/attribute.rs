//! One `#[throttled]` attribute on one handler.

use std::time::Duration;

use proc_macro2::Span;
use syn::Path;
use syn::ext::IdentExt as _;

use super::keys::Key;
use super::options::Options;
use super::position::Position;
use super::settings::Settings;
use super::{
    ClosureArguments, Cost, DefinedThrottle, GatePlacement, Headers, Predicates, SpannedWarning,
    expr, handler,
};
use crate::diagnostics::{Error, Errors, error};
use crate::parse::{Args, Handler};

/// The throttles and options of one attribute, and the position of its gate.
pub(crate) struct ThrottledAttribute {
    pub(crate) krate: Option<Path>,
    pub(crate) gate: GatePlacement,
    /// The arguments that closures take.
    pub(crate) closure_arguments: Option<ClosureArguments>,
    /// The throttles defined elsewhere.
    pub(crate) throttles: Vec<Path>,
    /// The throttle defined here.
    pub(crate) defined: Option<DefinedThrottle>,
    /// The cost that replaces every member's, on this handler.
    pub(crate) cost: Option<Cost>,
    /// The style of header fields that replaces every member's, on this handler.
    pub(crate) headers: Option<Headers>,
    /// The response that replaces every member's, on this handler.
    pub(crate) on_throttled: Option<Path>,
    /// The spread that replaces every member's, on this handler.
    pub(crate) spread: Option<Duration>,
    /// The requests that this use applies to.
    pub(crate) predicates: Predicates,
    /// The warnings about this use that are not switched off.
    pub(crate) warnings: Vec<SpannedWarning>,
}

impl ThrottledAttribute {
    /// Reads an attribute on a handler.
    pub(crate) fn read(args: Args, handler: &Handler, errors: &mut Errors) -> Self {
        let options = Options::sort(args, errors);
        let position = Position::of_attribute(&options);
        position.check(&options, errors);
        report_duplicates(&options.throttles, errors);
        let gate = GatePlacement::find(handler);
        let duplicate_name = duplicate_name(&options, handler, &gate);
        let defines = position == Position::Attribute && duplicate_name.is_none();
        if position == Position::Attribute {
            errors.extend(missing_rate(&options).into_iter().chain(duplicate_name));
        }
        let throttles = options.throttles.clone();
        options.refuse_zeroes(|_| position != Position::Attribute, errors);
        let settings = Settings::read(options, errors);
        let closure_arguments =
            ClosureArguments::find(&settings.closures(), handler, &gate, errors);
        handler::check(
            handler,
            closure_arguments.as_ref().is_some_and(|it| !it.is_empty),
            errors,
        );
        let krate = settings.krate.clone();
        let mut warnings = Vec::new();
        let (mut predicates, mut on_throttled, mut spread) = (Predicates::default(), None, None);
        let (defined, cost, headers) = if defines {
            let name = settings
                .name
                .clone()
                .unwrap_or_else(|| handler.sig.ident.clone());
            (
                Some(DefinedThrottle::new(name, settings, errors)),
                None,
                None,
            )
        } else {
            let warning = settings.cost.as_ref().and_then(Cost::warning);
            warnings = settings.allowed.remove_from(warning.into_iter().collect());
            settings.predicates.check(errors);
            predicates = settings.predicates;
            on_throttled = settings.on_throttled;
            spread = settings.spread;
            (None, settings.cost, settings.headers)
        };
        Self {
            krate,
            gate,
            closure_arguments,
            throttles,
            defined,
            cost,
            headers,
            on_throttled,
            spread,
            predicates,
            warnings,
        }
    }
}

/// Reports throttles that are named twice.
fn report_duplicates(throttles: &[Path], errors: &mut Errors) {
    let names: Vec<_> = throttles
        .iter()
        .map(|throttle| expr::text(throttle).replace("r#", ""))
        .collect();
    for (index, (throttle, name)) in throttles.iter().zip(&names).enumerate() {
        if names[..index].contains(name) {
            errors.report(throttle, format!("`{name}` is named twice in this set; name it once, and add a `cost` to take more"));
        }
    }
}

fn missing_rate(options: &Options) -> Option<Error> {
    let message = "`rate` is missing; write `rate = \"100/minute\"`, or name a throttle first";
    options
        .lacks(Key::Rate)
        .then(|| match options.written.first() {
            Some((_, key)) => error(key, message),
            None => Error::new(Span::call_site(), message),
        })
}

/// Returns an error if an attribute further up defines a throttle of the same name.
fn duplicate_name(options: &Options, handler: &Handler, gate: &GatePlacement) -> Option<Error> {
    let written_name = options.value(Key::Name).and_then(expr::ident);
    let name = written_name
        .unwrap_or(&handler.sig.ident)
        .unraw()
        .to_string();
    let tokens = written_name.or_else(|| options.written.first().map(|(_, key)| key))?;
    let message = format!(
        "the attribute above already defines the throttle `{name}`; give this one another `name`"
    );
    gate.defined.contains(&name).then(|| error(tokens, message))
}
