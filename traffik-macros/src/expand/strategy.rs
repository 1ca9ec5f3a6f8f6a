//! The type and the value of a strategy, a constant with the numbers that were written.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Visibility};
use traffik_runtime::strategy::catalog::Spec;
use traffik_runtime::strategy::{
    Adaptive, CostBasedTokenBucket, Factor, Priority, Tiered, TimeOfDay,
};

use super::paths::Private;
use super::settings::duration;
use crate::model::{BuiltIn, Strategy, text};

/// Returns the strategy's type, and its value unless that is the type's default.
pub(crate) fn strategy(
    strategy: &Strategy,
    private: &Private,
) -> (TokenStream, Option<TokenStream>) {
    match strategy {
        Strategy::BuiltIn(built_in) => {
            let (name, value) = built_in_value(built_in, private);
            let ty = quote!(#private::#name);
            let value = value.map(|value| quote!(#ty::#value));
            (ty, value)
        }
        Strategy::Custom(value, ty) => (quote!(#ty), Some(quote!(#value))),
    }
}

/// Reports whether the law of a strategy's value is of fixed size, so that it can be a constant.
pub(crate) fn has_constant_law(strategy: &Strategy) -> bool {
    let Strategy::BuiltIn(built_in) = strategy else {
        return false;
    };
    matches!(
        built_in.spec,
        Spec::FixedWindow(_)
            | Spec::SlidingCounter(_)
            | Spec::TokenBucket(_)
            | Spec::LeakyBucket(_)
            | Spec::LeakyBucketWithQueue(_)
            | Spec::Gcra(_)
    )
}

/// Returns a function that names the type of a custom strategy, if the throttle is visible
/// elsewhere. rustc refuses a type that is less visible than its throttle, and the lint on this
/// function explains the fix.
pub(crate) fn visibility_check(
    strategy: &Strategy,
    name: &Ident,
    vis: &Visibility,
) -> Option<TokenStream> {
    let Strategy::Custom(_, ty) = strategy else {
        return None;
    };
    let advice = match text(vis).as_str() {
        vis @ ("pub" | "pub(crate)") => format!("declare it `{vis}`, as the throttle is"),
        _ => "declare it where the throttle is, with the visibility of that".to_owned(),
    };
    let reason = format!(
        "`{}` is less visible than the throttle `{name}`; {advice}",
        text(ty)
    );
    // rustc's lints are silent about code with a macro's span, so the function has the user's.
    let span = ty.span();
    let spanned_vis = vis.to_token_stream().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    (!matches!(vis, Visibility::Inherited)).then(|| {
        let function = quote_spanned!(span=> #(#spanned_vis)* fn __traffik_strategy(_: &#ty) {});
        quote! {
            #[automatically_derived]
            impl #name {
                #[doc(hidden)]
                #[allow(dead_code)]
                #[deny(private_interfaces, reason = #reason)]
                #function
            }
        }
    })
}

/// Returns the name of a built-in type, and the constructor and setters of a value that is not the
/// default.
fn built_in_value(built_in: &BuiltIn, private: &Private) -> (TokenStream, Option<TokenStream>) {
    let set = |settings: &[Option<TokenStream>]| {
        let is_set = settings.iter().any(Option::is_some);
        is_set.then(|| quote!(new() #(#settings)*))
    };
    let (name, value) = match &built_in.spec {
        Spec::FixedWindow(_) => return (quote!(FixedWindow), None),
        Spec::SlidingLog(_) => return (quote!(SlidingLog), None),
        Spec::SlidingCounter(_) => return (quote!(SlidingCounter), None),
        Spec::TokenBucket(bucket) => {
            let burst = bucket.burst_setting().map(|burst| quote!(.burst(#burst)));
            let debt = Some(bucket.debt_setting()).filter(|debt| *debt > 0);
            let debt = debt.map(|debt| quote!(.debt(#debt)));
            return (quote!(TokenBucket), set(&[burst, debt]));
        }
        Spec::LeakyBucket(bucket) => {
            let capacity = bucket.capacity_setting();
            let capacity = capacity.map(|capacity| quote!(.capacity(#capacity)));
            return (quote!(LeakyBucket), set(&[capacity]));
        }
        Spec::LeakyBucketWithQueue(queue) => {
            let size = queue.queue_size_setting();
            let size = size.map(|size| quote!(.queue_size(#size)));
            return (quote!(LeakyBucketWithQueue), set(&[size]));
        }
        Spec::Gcra(gcra) => {
            let tolerance = Some(gcra.tolerance()).filter(|tolerance| !tolerance.is_zero());
            let tolerance = tolerance.map(|tolerance| {
                let tolerance = duration(tolerance, private);
                quote!(.burst_tolerance(#tolerance))
            });
            return (quote!(Gcra), set(&[tolerance]));
        }
        Spec::Tiered(tiered) => (quote!(Tiered), tiers(tiered, private)),
        Spec::Adaptive(adaptive) => (quote!(Adaptive), tuning(adaptive, built_in, private)),
        Spec::Priority(priority) => (quote!(Priority), shares(priority, private)),
        Spec::QuotaWithRollover(quota) => {
            let (percent, max) = quota.settings();
            let percent = factor(percent, private);
            (quote!(QuotaWithRollover), quote!(of(#percent, #max)))
        }
        Spec::TimeOfDay(hours) => (quote!(TimeOfDay), rules(hours, private)),
        Spec::CostBasedTokenBucket(bucket) => {
            (quote!(CostBasedTokenBucket), refill(bucket, private))
        }
    };
    (name, Some(value))
}

fn factor(factor: Factor, private: &Private) -> TokenStream {
    let millionths = factor.in_millionths();
    quote!(#private::Factor::millionths(#millionths))
}

fn tiers(tiered: &Tiered, private: &Private) -> TokenStream {
    let (tiers, default) = tiered.tiers();
    let tiers = tiers.iter().map(|(name, multiplier)| {
        let multiplier = factor(*multiplier, private);
        quote!((#private::Cow::Borrowed(#name), #multiplier))
    });
    quote!(of(&[#(#tiers),*], #default))
}

fn tuning(adaptive: &Adaptive, built_in: &BuiltIn, private: &Private) -> TokenStream {
    let tuning = adaptive.tuning();
    let [threshold, reduction, recovery, least] = [
        tuning.threshold,
        tuning.reduction,
        tuning.recovery,
        tuning.least,
    ]
    .map(|share| factor(share, private));
    let load = built_in.load().map(|load| quote!(.load(#load)));
    quote! {
        of(#private::Tuning {
            threshold: #threshold,
            reduction: #reduction,
            recovery: #recovery,
            least: #least,
        }) #load
    }
}

fn shares(priority: &Priority, private: &Private) -> TokenStream {
    let shares = priority.shares().map(|share| factor(share, private));
    quote!(of([#(#shares),*]))
}

fn rules(hours: &TimeOfDay, private: &Private) -> TokenStream {
    let (rules, offset) = hours.settings();
    let rules = rules.iter().map(|rule| {
        let (start, end, multiplier) = (rule.start, rule.end, factor(rule.factor, private));
        quote!(#private::Rule { start: #start, end: #end, factor: #multiplier })
    });
    quote!(of(&[#(#rules),*], #offset))
}

fn refill(bucket: &CostBasedTokenBucket, private: &Private) -> TokenStream {
    let (burst, window, min_refill) = bucket.settings();
    let burst = burst.map(|burst| quote!(.burst(#burst)));
    let min_refill = factor(min_refill, private);
    quote!(new().window(#window).min_refill_factor(#min_refill) #burst)
}
