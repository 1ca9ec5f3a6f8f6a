//! A block of throttles: defaults applied, names unique.

use quote::ToTokens as _;
use syn::{Attribute, Ident, Path, Visibility};

use super::keys::Key;
use super::options::Options;
use super::position::Position;
use super::settings::Settings;
use super::{DefinedThrottle, expr};
use crate::diagnostics::Errors;
use crate::parse::{ParsedBlock, ParsedDefaults, ParsedThrottle};

/// The throttles of one block.
pub(crate) struct Block(pub(crate) Vec<BlockThrottle>);

/// One throttle of a block.
pub(crate) struct BlockThrottle {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) krate: Option<Path>,
    pub(crate) defined: DefinedThrottle,
}

impl Block {
    /// Reads a block.
    pub(crate) fn read(block: ParsedBlock, errors: &mut Errors) -> Self {
        let ParsedBlock {
            defaults,
            throttles,
        } = block;
        let has_rate = defaults
            .iter()
            .any(|defaults| defaults.args.has_pair("rate"));
        let defaults = read_defaults(defaults, errors);
        let mut defined: Vec<BlockThrottle> = Vec::new();
        for throttle in throttles {
            if is_new(&throttle, &defined, errors) {
                defined.push(read_throttle(throttle, &defaults, has_rate, errors));
            }
        }
        Self(defined)
    }
}

fn read_defaults(all: Vec<ParsedDefaults>, errors: &mut Errors) -> Settings {
    let mut settings = None;
    for ParsedDefaults {
        word,
        is_late,
        args,
    } in all
    {
        if settings.is_some() {
            errors.report(&word, "`defaults` is written twice; remove one of them");
        } else if is_late {
            errors.report(&word, "`defaults` comes first; move it above the throttles");
        }
        if args.list.is_empty() && !args.has_garbage {
            let message = "`defaults` has no keys; write one, such as `defaults(headers = both);`, or remove it";
            errors.report(&word, message);
        }
        let options = Options::sort(args, errors);
        Position::Defaults.check(&options, errors);
        if let Some(throttle) = options.throttles.first() {
            errors.report(
                throttle,
                "`defaults` cannot name throttles; a set is a type: `type Api = (Burst, Sustained);`",
            );
        }
        options.refuse_zeroes(|_| false, errors);
        let current = Settings::read(options, errors);
        report_closures(&current, errors);
        settings.get_or_insert(current);
    }
    settings.unwrap_or_default()
}

/// Returns `true` if no earlier throttle of the block has this name, or reports it. Throttles with
/// a `cfg` are left to rustc.
fn is_new(throttle: &ParsedThrottle, earlier: &[BlockThrottle], errors: &mut Errors) -> bool {
    let ParsedThrottle { attrs, name, .. } = throttle;
    let is_conditional = |attrs: &[Attribute]| attrs.iter().any(|attr| attr.path().is_ident("cfg"));
    let is_duplicate = earlier.iter().any(|it| {
        it.defined.name() == name && !is_conditional(&it.attrs) && !is_conditional(attrs)
    });
    if is_duplicate {
        errors.report(
            name,
            format!("`{name}` is defined twice in this block; give this one another name"),
        );
    }
    !is_duplicate
}

fn read_throttle(
    throttle: ParsedThrottle,
    defaults: &Settings,
    has_rate: bool,
    errors: &mut Errors,
) -> BlockThrottle {
    let ParsedThrottle {
        attrs,
        vis,
        name,
        args,
    } = throttle;
    let options = Options::sort(args, errors);
    Position::Throttle.check(&options, errors);
    if !options.throttles.is_empty() {
        errors.report(&name, set_message(&vis, &name, &options.throttles));
    } else if options.lacks(Key::Rate) && !has_rate {
        errors.report(
            &name,
            format!("`rate` is missing; write `throttle {name}(rate = \"100/minute\");`"),
        );
    }
    options.refuse_zeroes(|key| defaults.has_delay(key), errors);
    let settings = Settings::read(options, errors);
    report_closures(&settings, errors);
    let settings = settings.or(defaults);
    let krate = settings.krate.clone();
    BlockThrottle {
        attrs,
        vis,
        krate,
        defined: DefinedThrottle::new(name, settings, errors),
    }
}

/// Reports closures, which need a handler's arguments.
fn report_closures(settings: &Settings, errors: &mut Errors) {
    for closure in settings.closures() {
        closure.report_without_handler(errors);
    }
}

fn set_message(vis: &Visibility, name: &Ident, members: &[Path]) -> String {
    let members: Vec<_> = members.iter().map(expr::text).collect();
    let set = members.join(", ");
    let vis = vis.to_token_stream().to_string();
    let line = format!("{vis} type {name} = ({set});");
    format!(
        "a set of throttles is a type; write `{}` below the block",
        line.trim_start()
    )
}
