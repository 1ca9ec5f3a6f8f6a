//! One attribute on one handler.

use std::time::Duration;

use proc_macro2::Span;
use syn::Path;
use syn::ext::IdentExt as _;

use super::keys::Key;
use super::options::Options;
use super::position::Place;
use super::settings::Settings;
use super::{Applies, Bundle, Cost, Doubt, Headers, Outcome, Seat, expr, handler};
use crate::diagnostics::{Error, Mistakes, error};
use crate::parse::{Args, Handler};

/// What one attribute does to its handler.
pub(crate) struct Site {
    pub(crate) krate: Option<Path>,
    pub(crate) seat: Seat,
    /// The arguments that closures look at.
    pub(crate) bundle: Option<Bundle>,
    /// The throttles defined elsewhere.
    pub(crate) throttles: Vec<Path>,
    /// The throttle defined here.
    pub(crate) defined: Option<Outcome>,
    /// What stands in for every member's cost, on this handler.
    pub(crate) cost: Option<Cost>,
    /// What stands in for every member's style, on this handler.
    pub(crate) headers: Option<Headers>,
    /// What stands in for every member's response, on this handler.
    pub(crate) on_throttled: Option<Path>,
    /// The spread that replaces every member's, on this handler.
    pub(crate) spread: Option<Duration>,
    /// The requests this use is about.
    pub(crate) applies: Applies,
    /// What is doubtful about this use, and not switched off.
    pub(crate) doubts: Vec<Doubt>,
}

impl Site {
    /// The meaning of an attribute on a handler.
    pub(crate) fn read(args: Args, handler: &Handler, mistakes: &mut Mistakes) -> Self {
        let options = Options::sort(args, mistakes);
        let place = Place::of_attribute(&options);
        place.check(&options, mistakes);
        distinct(&options.throttles, mistakes);
        let seat = Seat::find(handler);
        let taken = taken_name(&options, handler, &seat);
        let defines = place == Place::Attribute && taken.is_none();
        if place == Place::Attribute {
            mistakes.extend(missing_rate(&options).into_iter().chain(taken));
        }
        let throttles = options.throttles.clone();
        options.refuse_zeroes(|_| place != Place::Attribute, mistakes);
        let settings = Settings::read(options, mistakes);
        let bundle = Bundle::find(&settings.closures(), handler, &seat, mistakes);
        handler::check(
            handler,
            bundle.as_ref().is_some_and(Bundle::joins),
            mistakes,
        );
        let krate = settings.krate.clone();
        let mut doubts = Vec::new();
        let (mut applies, mut on_throttled, mut spread) = (Applies::default(), None, None);
        let (defined, cost, headers) = if defines {
            let name = settings
                .name
                .clone()
                .unwrap_or_else(|| handler.sig.ident.clone());
            (Some(Outcome::new(name, settings, mistakes)), None, None)
        } else {
            let doubt = settings.cost.as_ref().and_then(Cost::doubt);
            doubts = settings.allowed.rest(doubt.into_iter().collect());
            applies = Applies::new(settings.only_if, settings.skip_if, mistakes);
            on_throttled = settings.on_throttled;
            spread = settings.spread;
            (None, settings.cost, settings.headers)
        };
        Self {
            krate,
            seat,
            bundle,
            throttles,
            defined,
            cost,
            headers,
            on_throttled,
            spread,
            applies,
            doubts,
        }
    }
}

fn distinct(throttles: &[Path], mistakes: &mut Mistakes) {
    let names: Vec<_> = throttles
        .iter()
        .map(|throttle| expr::text(throttle).replace("r#", ""))
        .collect();
    for (index, (throttle, name)) in throttles.iter().zip(&names).enumerate() {
        if names[..index].contains(name) {
            mistakes.at(throttle, format!("`{name}` stands twice in this set; name it once, with a `cost` if it is to take more"));
        }
    }
}

fn missing_rate(options: &Options) -> Option<Error> {
    let message =
        "`rate` is missing; write `rate = \"100/minute\"`, or the name of a throttle in front";
    options
        .lacks(Key::Rate)
        .then(|| match options.written.first() {
            Some((_, key)) => error(key, message),
            None => Error::new(Span::call_site(), message),
        })
}

/// The error where an attribute further up defined a throttle of this one's name.
fn taken_name(options: &Options, handler: &Handler, seat: &Seat) -> Option<Error> {
    let written = options
        .name
        .as_ref()
        .and_then(|pair| expr::word(&pair.value));
    let name = written.unwrap_or(&handler.sig.ident).unraw().to_string();
    let place = written.or_else(|| options.written.first().map(|(_, key)| key))?;
    let message = format!(
        "the attribute above defines the throttle `{name}` already; give this one another name: `name = …`"
    );
    seat.defined.contains(&name).then(|| error(place, message))
}
