//! A block of throttles.

use quote::ToTokens as _;
use syn::{Attribute, Ident, Path, Visibility};

use super::keys::Key;
use super::options::Options;
use super::position::Place;
use super::settings::Settings;
use super::{Outcome, expr};
use crate::diagnostics::Mistakes;
use crate::parse::{Block, Defaults, Throttle};

/// What one block defines.
pub(crate) struct Throttles(pub(crate) Vec<Entry>);

/// One throttle of a block.
pub(crate) struct Entry {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) krate: Option<Path>,
    pub(crate) outcome: Outcome,
}

impl Throttles {
    /// The meaning of a block.
    pub(crate) fn read(block: Block, mistakes: &mut Mistakes) -> Self {
        let Block {
            defaults,
            throttles,
        } = block;
        let has_rate = defaults.iter().any(|defaults| defaults.args.has("rate"));
        let defaults = read_defaults(defaults, mistakes);
        let mut entries: Vec<Entry> = Vec::new();
        for throttle in throttles {
            if is_new(&throttle, &entries, mistakes) {
                entries.push(entry(throttle, &defaults, has_rate, mistakes));
            }
        }
        Self(entries)
    }
}

fn read_defaults(all: Vec<Defaults>, mistakes: &mut Mistakes) -> Settings {
    let mut settings = None;
    for Defaults { word, late, args } in all {
        if settings.is_some() {
            mistakes.at(&word, "`defaults` is written twice; keep one of them");
        } else if late {
            mistakes.at(&word, "`defaults` comes first; move it above the throttles");
        }
        if args.items.is_empty() && !args.garbled {
            let message = "`defaults` says nothing; write a key, such as `defaults(headers = both);`, or leave it out";
            mistakes.at(&word, message);
        }
        let options = Options::sort(args, mistakes);
        Place::Defaults.check(&options, mistakes);
        if let Some(throttle) = options.throttles.first() {
            mistakes.at(
                throttle,
                "`defaults` names no throttles; a set is a type: `type Api = (Burst, Sustained);`",
            );
        }
        options.refuse_zeroes(|_| false, mistakes);
        let read = Settings::read(options, mistakes);
        without_handler(&read, mistakes);
        settings.get_or_insert(read);
    }
    settings.unwrap_or_default()
}

/// Whether no other throttle of the block has this name; where attributes choose between them, rustc decides.
fn is_new(throttle: &Throttle, entries: &[Entry], mistakes: &mut Mistakes) -> bool {
    let Throttle { attrs, name, .. } = throttle;
    let chosen = |attrs: &[Attribute]| {
        attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("cfg"))
    };
    let taken = entries
        .iter()
        .any(|entry| entry.outcome.name() == name && !chosen(&entry.attrs) && !chosen(attrs));
    if taken {
        mistakes.at(
            name,
            format!("`{name}` is defined twice in this block; give this one another name"),
        );
    }
    !taken
}

fn entry(
    throttle: Throttle,
    defaults: &Settings,
    has_rate: bool,
    mistakes: &mut Mistakes,
) -> Entry {
    let Throttle {
        attrs,
        vis,
        name,
        args,
    } = throttle;
    let options = Options::sort(args, mistakes);
    Place::Throttle.check(&options, mistakes);
    if !options.throttles.is_empty() {
        mistakes.at(&name, no_set(&vis, &name, &options.throttles));
    } else if options.lacks(Key::Rate) && !has_rate {
        mistakes.at(
            &name,
            format!("`rate` is missing; write `throttle {name}(rate = \"100/minute\");`"),
        );
    }
    options.refuse_zeroes(|key| defaults.delays(key), mistakes);
    let settings = Settings::read(options, mistakes);
    without_handler(&settings, mistakes);
    let settings = settings.or(defaults);
    let krate = settings.krate.clone();
    Entry {
        attrs,
        vis,
        krate,
        outcome: Outcome::new(name, settings, mistakes),
    }
}

/// Notes closures over a handler's arguments.
fn without_handler(settings: &Settings, mistakes: &mut Mistakes) {
    for closure in settings.closures() {
        closure.without_handler(mistakes);
    }
}

fn no_set(vis: &Visibility, name: &Ident, members: &[Path]) -> String {
    let members: Vec<_> = members.iter().map(expr::text).collect();
    let set = members.join(", ");
    let vis = vis.to_token_stream().to_string();
    let line = format!("{vis} type {name} = ({set});");
    format!(
        "a set of throttles is a type; write `{}` below the block",
        line.trim_start()
    )
}
