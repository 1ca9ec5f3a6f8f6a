//! `#[throttled]`: every key, and every form of a handler.

use insta::assert_snapshot;
use quote::quote;

use super::throttled;

#[test]
fn expands_a_rate() {
    assert_snapshot!(throttled(
        quote!(rate = "5/10s"),
        quote! {
            async fn hello() -> &'static str {
                "hello\n"
            }
        },
    ));
}

#[test]
fn expands_every_key() {
    let args = quote! {
        rate = ["10/second", "1_000/hour"],
        strategy = token_bucket(burst = 20, debt = 5),
        identifier = header("X-Api-Key"),
        cost = 2,
        backend = redis(),
        on_error = retry(max_retries = 2, delay = "50ms", then = allow),
        timeout = "100ms",
        lease = "200ms",
        headers = both,
        scope = "eu",
        only_if = is_write,
        skip_if = is_internal,
        min_wait = "1500ms",
        spread = "2s",
        on_throttled = slow_down,
        shadow,
        uid = "uploads",
        policy = "files",
        name = Uploads,
        crate = ::framework::traffik,
        allow(unreachable_rate),
    };
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn upload() {}
        )
    ));
}

#[test]
fn expands_paths_to_functions() {
    let args = quote!(
        rate = limits::BY_PLAN,
        identifier = user_id,
        cost = price,
        scope = region
    );
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn search() {}
        )
    ));
}

#[test]
fn expands_proxy_options() {
    let args = quote!(
        rate = "5/s",
        identifier = ip(
            trusted = ["10.0.0.0/8", "2001:db8::/32"],
            header = x_real_ip,
            prefix = 56
        )
    );
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn behind() {}
        )
    ));
}

#[test]
fn expands_keywords() {
    let args = quote!(
        rate = "0/0",
        strategy = "sliding_counter",
        identifier = "everyone",
        headers = none,
        scope = route
    );
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn open() {}
        )
    ));
}

#[test]
fn expands_strategy_parameters() {
    let args = quote!(
        rate = "5/500ms",
        strategy = gcra(burst_tolerance = "1500ms"),
        identifier = ip,
        scope = throttle
    );
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn smooth() {}
        )
    ));
}

#[test]
fn expands_a_custom_strategy() {
    let args = quote!(rate = "5/s", strategy = custom(my::Leak::new(2).wide()));
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn leak() {}
        )
    ));
}

#[test]
fn keeps_every_part_of_a_handler() {
    let item = quote! {
        /// Creates.
        #[cfg(feature = "orders")]
        #[tracing::instrument]
        pub(crate) async fn create<T>(State(db): State<T>, mut headers: HeaderMap, Json(order): Json<Order>) -> Result<impl IntoResponse, AppError>
        where
            T: Db,
        {
            #![allow(unused_mut)]
            db.insert(order).await?;
            Ok(headers)
        }
    };
    assert_snapshot!(throttled(quote!(rate = "5/s"), item));
}

#[test]
fn expands_a_raw_name() {
    assert_snapshot!(throttled(
        quote!(rate = "5/s"),
        quote!(
            async fn r#match() {}
        )
    ));
}

#[test]
fn expands_one_named_throttle() {
    assert_snapshot!(throttled(
        quote!(shared::Burst),
        quote!(
            async fn data() {}
        )
    ));
}

#[test]
fn expands_a_set_with_cost_and_headers() {
    let args = quote!(
        Burst,
        Sustained,
        cost = 5,
        headers = legacy,
        spread = "5s",
        on_throttled = slow_down,
        skip_if = is_internal
    );
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn data() {}
        )
    ));
}

#[test]
fn expands_a_set_with_its_own_throttle() {
    let args = quote!(Burst, rate = "100/day", cost = price);
    assert_snapshot!(throttled(
        args,
        quote!(
            async fn data() {}
        )
    ));
}

#[test]
fn expands_a_second_attribute() {
    let item = quote! {
        async fn data(first: A, __traffik_gate_of_data: ::traffik::__private::ThrottleExtractor<__traffik_data>, last: B) -> ::traffik::__private::Response {
            first(last)
        }
    };
    assert_snapshot!(throttled(quote!(rate = "100/hour", name = Hourly), item));
}

#[test]
fn expands_conditional_arguments() {
    let item = quote! {
        async fn data(first: A, last: B, #[cfg(feature = "c")] perhaps: C) {}
    };
    assert_snapshot!(throttled(quote!(Burst), item));
}

#[test]
fn expands_warnings() {
    let args = quote!(
        rate = ["10/s", "1000/minute", "100000/hour", "0/0"],
        allow(unlimited_rate)
    );
    let item = quote! {
        #[cfg(feature = "search")]
        async fn search() {}
    };
    assert_snapshot!(throttled(args, item));
}

#[test]
fn expands_policies() {
    let args = |policy: proc_macro2::TokenStream| quote!(rate = "5/s", on_error = #policy);
    let policies = [
        quote!(allow),
        quote!("throttle"),
        quote!(raise),
        quote!(my::handler),
        quote!(retry()),
        quote!(retry(
            max_retries = 5,
            delay = "1s",
            multiplier = 1.5,
            jitter = equal,
            on = [connection, "timeout", contention],
            even_if_it_may_have_counted,
            then = raise,
        )),
        quote!(fallback(backend = local())),
        quote!(fallback(
            backend = local(),
            on = [timeout],
            instances = 4,
            then = handler
        )),
        quote!(failover(backend = local())),
        quote!(failover(
            backend = local(),
            breaker = BREAKER,
            max_retries = 2,
            delay = "5ms",
            then = fallback(backend = other(), then = allow),
        )),
        quote!(failover(
            backend = local(),
            breaker(failures = 10, recovery = "60s", successes = 3)
        )),
        quote!(failover(backend = local(), breaker = shared())),
    ];
    let setters = policies.map(|policy| {
        let expanded = throttled(
            args(policy),
            quote!(
                async fn search() {}
            ),
        );
        let (_, setter) = expanded.split_once(".on_error(").expect("a setter");
        let (setter, _) = setter.split_once(';').expect("an end");
        setter.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    assert_snapshot!(setters.join("\n"));
}

#[test]
fn expands_closures_over_head_arguments() {
    let args = quote!(
        rate = "5/s",
        identifier = |region, user| format!("{region}{user}"),
        cost = async |user| user.weight().await,
        skip_if = is_internal
    );
    let item = quote! {
        async fn search(first: A, State(App { mut region }): State<App>, #[cfg(feature = "a")] b: B, Path(user): Path<User>, last: L) {}
    };
    assert_snapshot!(throttled(args, item));
}

#[test]
fn expands_a_closure_over_the_body_of_a_generic_handler() {
    let args = quote!(Burst, cost = |body| if body.is_large() { 2 } else { 1 });
    let item = quote! {
        async fn search<'a, T: ?Sized, const N: usize>(first: A<'a, T>, Json(body): Json<[T; N]>) -> T where T: Debug { first }
    };
    assert_snapshot!(throttled(args, item));
}

#[test]
fn expands_a_closure_over_the_body() {
    let args = quote!(rate = "5/s", cost = |order| order.items.len());
    let item = quote! {
        async fn create(State(app): State<App>, Path(id): Path<u64>, Json(order): Json<Order>) -> String {}
    };
    assert_snapshot!(throttled(args, item));
}
