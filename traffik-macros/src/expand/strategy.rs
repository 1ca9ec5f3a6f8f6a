//! A strategy's type and its value: each with the numbers that were written, as a constant.

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
use crate::model::{Known, Strategy, text};

/// The strategy's type, and its value unless that is the type's `PLAIN` one.
pub(crate) fn strategy(
    strategy: &Strategy,
    private: &Private,
) -> (TokenStream, Option<TokenStream>) {
    match strategy {
        Strategy::Known(known) => {
            let (name, value) = value(known, private);
            let ty = quote!(#private::#name);
            let own = value.map(|value| quote!(#ty::#value));
            (ty, own)
        }
        Strategy::Custom(value, ty) => (quote!(#ty), Some(quote!(#value))),
    }
}

/// A function that names the type of a custom strategy where the throttle is visible elsewhere. rustc
/// refuses a type that is less visible than its throttle; its lint about this function says what to do.
pub(crate) fn visible(strategy: &Strategy, name: &Ident, vis: &Visibility) -> Option<TokenStream> {
    let Strategy::Custom(_, ty) = strategy else {
        return None;
    };
    let todo = match text(vis).as_str() {
        seen @ ("pub" | "pub(crate)") => format!("declare it `{seen}`, as the throttle is"),
        _ => "declare it where the throttle is, with the visibility of that".to_owned(),
    };
    let reason = format!(
        "`{}` is less visible than the throttle `{name}`; {todo}",
        text(ty)
    );
    // Of what a macro made rustc's lints are silent, so the function has the place of what was written.
    let place = ty.span();
    let vis_there = vis.to_token_stream().into_iter().map(|mut token| {
        token.set_span(place);
        token
    });
    (!matches!(vis, Visibility::Inherited)).then(|| {
        let function = quote_spanned!(place=> #(#vis_there)* fn __traffik_strategy(_: &#ty) {});
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

/// The type's name, and what stands behind it to make a value of its own.
fn value(known: &Known, private: &Private) -> (TokenStream, Option<TokenStream>) {
    let set = |settings: &[Option<TokenStream>]| {
        let is_set = settings.iter().any(Option::is_some);
        is_set.then(|| quote!(new() #(#settings)*))
    };
    let (name, value) = match &known.spec {
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
        Spec::Adaptive(adaptive) => (quote!(Adaptive), tuned(adaptive, known, private)),
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

fn tuned(adaptive: &Adaptive, known: &Known, private: &Private) -> TokenStream {
    let tuning = adaptive.tuning();
    let [threshold, reduction, recovery, least] = [
        tuning.threshold,
        tuning.reduction,
        tuning.recovery,
        tuning.least,
    ]
    .map(|share| factor(share, private));
    let load = known.load().map(|load| quote!(.load(#load)));
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
