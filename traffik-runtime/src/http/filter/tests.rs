//! Tests of filters.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use axum::extract::OriginalUri;
use http::request::Parts;
use http::{Method, Request, Uri};

use crate::error::ErrorKind;
use crate::http::filter::{
    Filter, methods, path, path_regex, try_methods, try_path, try_route, when,
};

fn head(method: &str, uri: &str) -> Parts {
    let request = Request::builder().method(method).uri(uri).body(());
    request.unwrap().into_parts().0
}

fn matches(filter: &Filter, uri: &str) -> bool {
    let parts = head("GET", uri);
    filter.match_now(&parts).expect("no predicate is called")
}

fn like(pattern: &str, uri: &str) -> bool {
    matches(&path(pattern), uri)
}

#[test]
fn matches_patterns_with_whole_paths() {
    for (pattern, yes, no) in [
        ("/", &["/", "/?q"][..], &["//", "/a"][..]),
        (
            "/admin",
            &["/admin", "/admin?a=/b"],
            &[
                "/admin/",
                "/Admin",
                "/administrator",
                "/a",
                "//admin",
                "/admin/x",
            ],
        ),
        ("/admin/", &["/admin/"], &["/admin", "/admin//"]),
        (
            "/admin/**",
            &[
                "/admin",
                "/admin/",
                "/admin/a",
                "/admin/a/b/",
                "/admin//",
                "/admin/../x",
            ],
            &[
                "/administrator",
                "/admin%2F",
                "/admin%2fa",
                "/",
                "/x/admin/a",
                "//admin/a",
                "/ADMIN/a",
            ],
        ),
        ("/**", &["/", "//", "/a", "/a/b/c", "/%2F"], &[]),
        ("/*", &["/a", "/a%2Fb"], &["/", "//", "/a/", "/a/b"]),
        ("/a/*", &["/a/b"], &["/a", "/a/", "/a//", "/a/b/"]),
        (
            "/*/posts",
            &["/1/posts", "//posts", "/%2F/posts"],
            &["/posts", "/1/2/posts", "/1/posts/"],
        ),
        (
            "/users/*/posts",
            &["/users/7/posts", "/users//posts", "/users/a%20b/posts"],
            &[
                "/users/posts",
                "/users/7/8/posts",
                "/users/7/posts/",
                "/users/7%2Fposts",
            ],
        ),
        (
            "/files/*.png",
            &[
                "/files/a.png",
                "/files/.png",
                "/files/a.b.png",
                "/files/a%2Fb.png",
            ],
            &[
                "/files/a.PNG",
                "/files/a/b.png",
                "/files/a.png/",
                "/files/png",
                "/files/apng",
            ],
        ),
        (
            "/files/a*b*c",
            &[
                "/files/abc",
                "/files/aXbYc",
                "/files/abcbc",
                "/files/aabbcc",
            ],
            &["/files/ab", "/files/acb", "/files/xabc", "/files/abcd"],
        ),
        ("/a*a", &["/aa", "/aba"], &["/a", "/"]),
        ("/*-*", &["/-", "/a-b", "/a-b-c"], &["/ab"]),
        (
            "/**/posts",
            &[
                "/posts",
                "/a/posts",
                "/a/b/posts",
                "//posts",
                "/posts/posts",
            ],
            &["/posts/", "/aposts", "/posts/a"],
        ),
        (
            "/a/**/b",
            &["/a/b", "/a//b", "/a/x/y/b", "/a/b/b", "/a/b/x/b"],
            &["/a", "/b", "/a/b/", "/a/bb", "/ab"],
        ),
        (
            "/a/**/b/**/c",
            &["/a/b/c", "/a/x/b/y/c", "/a/b/b/c/c"],
            &["/a/c", "/a/c/b", "/a/b"],
        ),
        ("/**/*", &["/a", "/a/b", "//a"], &["/", "//", "/a/"]),
        ("/**/*/**", &["/a", "/a/", "/a/b", "//", "//a"], &["/"]),
        ("/**/", &["/", "/a/", "/a/b/", "//"], &["/a", "/a/b"]),
        ("/**/**", &["/", "/a", "/a/b"], &[]),
        (
            "/a/**/*/b",
            &["/a/x/b", "/a/x/y/b", "/a//b"],
            &["/a/b", "/a/x"],
        ),
        (
            "/a..b/./+$&'()!,;=@~",
            &["/a..b/./+$&'()!,;=@~"],
            &["/axxb/./+$&'()!,;=@~"],
        ),
        ("/a:b", &["/a:b"], &["/a", "/ab"]),
        ("/a//b", &["/a//b"], &["/a/b", "/a/x/b"]),
        ("/a}b", &["/a}b"], &["/ab"]),
    ] {
        for uri in yes {
            assert!(like(pattern, uri), "{pattern} matches {uri}");
        }
        for uri in no {
            assert!(!like(pattern, uri), "{pattern} does not match {uri}");
        }
    }
}

#[test]
fn compares_escapes_by_their_characters() {
    for (pattern, uri) in [
        ("/admin", "/%61dmin"),
        ("/admin", "/%61%64%6D%69%6e"),
        ("/%61dmin", "/admin"),
        ("/a-b.c_d~e", "/a%2Db%2ec%5Fd%7E%65"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%2Fb", "/a%2fb"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/100%25", "/100%25"),
        ("/*.png", "/a%2Epng"),
        ("/admin/**", "/%61dmin/x"),
        ("/%2e%2e/x", "/../x"),
        ("/a%2a", "/a%2A"),
        ("/a*", "/a*"),
        ("/7*", "/%37x"),
    ] {
        assert!(like(pattern, uri), "{pattern} matches {uri}");
    }
    for (pattern, uri) in [
        // Never a separator.
        ("/a/b", "/a%2Fb"),
        ("/a%2Fb", "/a/b"),
        ("/admin/**", "/admin%2Fx"),
        // Once, not again and again.
        ("/a", "/%2561"),
        ("/%61", "/%2561"),
        // Reserved characters and their escapes are two things.
        ("/a+b", "/a%2Bb"),
        ("/a%2Bb", "/a+b"),
        ("/a%2A", "/abc"),
        ("/a%2A", "/a*"),
        // Upper and lower case are two, escaped or not.
        ("/admin", "/%41dmin"),
        // A lone sign stays one.
        ("/a%25", "/a%"),
        ("/a%2561", "/a%61"),
        ("/a", "/a%"),
    ] {
        assert!(!like(pattern, uri), "{pattern} does not match {uri}");
    }
    assert!(like("/a*", "/a%") && like("/a*", "/a%4") && like("/*", "/%zz"));
}

#[test]
fn refuses_a_malformed_pattern_with_a_suggestion() {
    for (pattern, expected) in [
        ("", "the pattern `` does not begin with a slash; write `/`"),
        ("admin", "write `/admin`"),
        ("*", "write `/*`"),
        ("**", "write `/**`"),
        ("/users/{id}", "`{id}` in `/users/{id}`"),
        ("/{*rest}", "`{*rest}`"),
        ("/a{id}b", "`{id}`"),
        ("/{id", "`{id`"),
        ("/users/:id", "`:id`"),
        ("/:", "`:`"),
        ("/a?b", "`?`"),
        ("/a#b", "`#`"),
        ("/a\\b", "`\\`"),
        ("/100%", "`%`"),
        ("/%4", "`%4`"),
        ("/%zz", "`%zz`"),
        ("/%/x", "`%`"),
        ("/a**", "`a**`"),
        ("/**.png", "`**.png`"),
        ("/***", "`***`"),
        ("/a/x**y/b", "`x**y`"),
    ] {
        let error = try_path(pattern).unwrap_err().to_string();
        assert!(error.contains(expected), "{pattern}: {error}");
    }
}

#[test]
#[should_panic(expected = "`{id}` in `/{id}` is not valid in a pattern")]
fn panics_on_a_malformed_pattern_in_the_program() {
    let _ = path("/{id}");
}

#[test]
fn matches_regular_expressions_with_whole_paths_in_normal_form() {
    for (expression, yes, no) in [
        (
            r"/api/v\d+",
            &["/api/v1", "/api/v12?q", "/api/v%31", "/%61pi/v1"][..],
            &["/api/v1/", "/x/api/v1", "/api/v", "/api/v%2B1"][..],
        ),
        (
            r"^/api/users/\d+$",
            &["/api/users/7"],
            &["/api/users/7/", "/api/users/+7"],
        ),
        (
            "/api/users/[^/]+",
            &[
                "/api/users/7",
                "/api/users/+7",
                "/api/users/%37",
                "/api/users/%2F",
            ],
            &["/api/users/", "/api/users/7/"],
        ),
        ("/a|/b", &["/a", "/b", "/%62"], &["/ab", "/a/b", "/bb"]),
        ("/a.c", &["/abc", "/a.c"], &["/ac"]),
        (".*", &["/", "/a/b"], &[]),
        ("/a%2Fb", &["/a%2fb", "/a%2Fb"], &["/a/b"]),
        ("/caf%C3%A9", &["/caf%c3%a9", "/café"], &["/cafe"]),
        ("/a%20b", &["/a%20b"], &["/a+b"]),
        ("/a%7Cb", &["/a|b", "/a%7cb"], &["/ab"]),
        ("/é?", &["/"], &["/%C3%A9"]),
        ("/100%", &["/100%"], &["/100%25"]),
        ("/%z", &["/%z"], &["/z"]),
        (r"/\*", &["/*"], &["/a"]),
    ] {
        let filter = path_regex(expression).unwrap();
        for uri in yes {
            assert!(matches(&filter, uri), "{expression} matches {uri}");
        }
        for uri in no {
            assert!(!matches(&filter, uri), "{expression} does not match {uri}");
        }
    }
    for expression in ["(", "/a)|(/b", "[", "*", "(?<", "/a{2"] {
        let error = path_regex(expression).unwrap_err().to_string();
        assert!(error.contains(&format!("`{expression}`")), "{error}");
    }
}

#[test]
fn refuses_an_expression_that_no_path_matches() {
    for expression in [
        "",
        "api/search",
        "^api/.*$",
        "(?:)",
        "[a&&b]",
        "/[a&&b]",
        "/a b",
        "/é",
        "/café/.*",
        "/%61",
        "/%c3",
        "/caf%c3%a9",
        r"/a\?b=c",
        "/a#b",
        r"/\{id\}",
        r"/\x00",
        "a|b",
        r"\*",
        "/a%2fb",
    ] {
        let error = path_regex(expression).unwrap_err().to_string();
        let expected = format!("no path can match `{expression}`; a path begins with `/`");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn matches_characters_with_their_escapes() {
    for (pattern, uri) in [
        ("/café", "/caf%C3%A9"),
        ("/café", "/caf%c3%a9"),
        ("/café", "/café"),
        ("/caf%C3%A9", "/café"),
        ("/two words", "/two%20words"),
        ("/日本/*", "/%E6%97%A5%E6%9C%AC/x"),
        ("/a<b>", "/a%3Cb%3E"),
        ("/a\"b", "/a%22b"),
        ("/a\"b", "/a\"b"),
        ("/a^b`c|d", "/a%5Eb%60c%7Cd"),
        ("/a}b", "/a%7Db"),
        ("/%5C", "/\\"),
        ("/*é*", "/x%C3%A9y"),
    ] {
        assert!(like(pattern, uri), "{pattern} matches {uri}");
    }
    for (pattern, uri) in [
        ("/café", "/cafe"),
        ("/two words", "/two+words"),
        ("/é", "/%C3%A8"),
    ] {
        assert!(!like(pattern, uri), "{pattern} does not match {uri}");
    }
}

#[test]
fn refuses_a_pattern_that_no_request_can_match() {
    for (pattern, expected) in [
        ("/a\nb", r"`\n` in `/a\nb`"),
        ("/\0", r"`\0`"),
        ("/\u{7f}", r"`\u{7f}`"),
        ("/\u{85}", r"`\u{85}`"),
        ("/a\tb/**", "write its escape, such as `%0A`"),
        (
            &format!("/{}", "a".repeat(65_534)),
            "longer than 65534 bytes",
        ),
        (&"/é".repeat(30_000), "longer than 65534 bytes"),
    ] {
        let error = try_path(pattern).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(try_path(&format!("/{}/**", "a".repeat(65_533))).is_ok());
}

#[test]
fn throttles_a_request_without_a_path_as_the_root() {
    for parts in [
        head("OPTIONS", "*"),
        head("CONNECT", "a.example:443"),
        head("GET", "foo"),
    ] {
        for filter in [
            path("/**"),
            path("/"),
            path_regex(".*").unwrap(),
            path("/a").not(),
        ] {
            assert_eq!(filter.match_now(&parts), Some(true), "{filter:?}");
        }
        for filter in [
            path("/a/**"),
            path("/*"),
            path("/*/a"),
            path_regex("/.+").unwrap(),
            path("/").not(),
        ] {
            assert_eq!(filter.match_now(&parts), Some(false), "{filter:?}");
        }
    }
    assert_eq!(
        path("/a").match_now(&head("GET", "http://b.example/a?c")),
        Some(true)
    );
    assert_eq!(
        path("/").match_now(&head("GET", "http://b.example")),
        Some(true)
    );
}

#[tokio::test]
async fn exempts_no_request_without_a_path_by_a_path_filter() {
    for parts in [
        head("OPTIONS", "*"),
        head("CONNECT", "a.example:443"),
        head("GET", "foo"),
    ] {
        let always = || when(|_: &Parts| true);
        for filter in [
            path("/**"),
            path("/"),
            path("/admin").not(),
            path_regex(".*").unwrap(),
            path_regex("/a").unwrap().not(),
            path("/a").or(path("/b")).not(),
            path("/a").not().and(always()),
        ] {
            let root = head("GET", "/");
            let matches_root = filter.matches(&root).await.unwrap();
            let filter = filter.exempting();
            assert!(!filter.matches(&parts).await.unwrap(), "{filter:?}");
            assert_eq!(filter.matches(&root).await.unwrap(), matches_root);
        }
        let others = methods([Method::OPTIONS, Method::CONNECT, Method::GET]);
        assert!(
            others
                .or(path("/"))
                .exempting()
                .matches(&parts)
                .await
                .unwrap()
        );
    }
}

#[test]
fn compares_the_path_that_the_client_sent_in_a_nested_router() {
    let mut parts = head("GET", "/users");
    let sent: Uri = "/admin/users".parse().unwrap();
    parts.extensions.insert(OriginalUri(sent));
    assert_eq!(path("/admin/**").match_now(&parts), Some(true));
    assert_eq!(path("/users").match_now(&parts), Some(false));
    assert_eq!(
        path_regex("/admin/.*").unwrap().match_now(&parts),
        Some(true)
    );
}

#[test]
fn includes_head_in_get_and_compares_methods_by_case() {
    let matches = |filter: &Filter, method: &str| filter.match_now(&head(method, "/")).unwrap();
    let reads = methods([Method::GET]);
    assert!(matches(&reads, "GET") && matches(&reads, "HEAD"));
    assert!(!matches(&reads, "get") && !matches(&reads, "POST") && !matches(&reads, "OPTIONS"));
    let heads = methods([Method::HEAD]);
    assert!(matches(&heads, "HEAD") && !matches(&heads, "GET"));
    let writes = methods([Method::POST, Method::PUT]).not();
    assert!(matches(&writes, "GET") && !matches(&writes, "PUT"));
    let own = methods(vec![Method::from_bytes(b"purge").unwrap()]);
    assert!(matches(&own, "purge") && !matches(&own, "PURGE"));
    assert!(try_methods([]).is_err());
}

#[test]
#[should_panic(expected = "a list without methods matches no request")]
fn panics_on_a_list_without_methods() {
    let _ = methods([]);
}

/// Returns a predicate with this result, and the counter of its calls.
fn counted(result: bool) -> (Filter, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let filter = when(move |_: &Parts| {
        counter.fetch_add(1, Relaxed);
        result
    });
    (filter, calls)
}

fn has_token(parts: &Parts) -> bool {
    parts.headers.contains_key("x-token")
}

async fn has_token_later(parts: &Parts) -> bool {
    tokio::task::yield_now().await;
    parts.headers.contains_key("x-token")
}

async fn away(_: &Parts) -> Result<bool, &'static str> {
    Err("the session store is away")
}

#[tokio::test]
async fn calls_predicates_that_are_async_or_fallible() {
    let mut parts = head("GET", "/");
    for filter in [when(has_token), when(has_token_later)] {
        assert!(!filter.matches(&parts).await.unwrap());
    }
    parts.headers.insert("x-token", "7".parse().unwrap());
    let closure = |parts: &Parts| parts.headers.contains_key("x-token");
    let fallible = |_: &Parts| Ok::<_, std::io::Error>(true);
    for filter in [
        when(has_token),
        when(has_token_later),
        when(closure),
        when(fallible),
    ] {
        assert!(filter.matches(&parts).await.unwrap());
        assert!(!filter.not().matches(&parts).await.unwrap());
    }
    let error = when(away).matches(&parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identifier);
    assert!(error.to_string().contains("the session store is away"));
}

#[tokio::test]
async fn calls_a_predicate_only_if_the_result_depends_on_it() {
    type Combine = fn(Filter) -> Filter;
    let get = head("GET", "/a");
    let cases: [(Combine, usize, bool); 12] = [
        (|p| p.and(path("/b")), 0, false),
        (|p| path("/b").and(p), 0, false),
        (|p| p.and(methods([Method::POST])), 0, false),
        (|p| p.and(path("/a")), 1, true),
        (|p| p.or(path("/a")), 0, true),
        (|p| p.or(path("/b")), 1, true),
        (
            |p| p.and(path("/**")).and(methods([Method::POST])),
            0,
            false,
        ),
        (|p| p.or(methods([Method::POST])).and(path("/b")), 0, false),
        (|p| p.or(path("/a")).not(), 0, false),
        (|p| p.not().or(path("/a")), 0, true),
        (|p| p.and(path("/a").not()).not(), 0, true),
        (
            |p| p.clone().or(methods([Method::GET])).and(path("/a")),
            0,
            true,
        ),
    ];
    for (place, (combine, times, expected)) in cases.into_iter().enumerate() {
        let (predicate, calls) = counted(true);
        let filter = combine(predicate);
        assert_eq!(filter.matches(&get).await.unwrap(), expected, "{place}");
        assert_eq!(calls.load(Relaxed), times, "{place}");
    }
}

/// Every combination of three says what the words say.
#[tokio::test]
async fn combines_filters_by_and_or_and_not() {
    let get = head("GET", "/a");
    let of = |kind: usize, expected: bool| match kind % 3 {
        0 => methods([if expected { Method::GET } else { Method::POST }]),
        1 => path(if expected { "/a" } else { "/b" }),
        _ => counted(expected).0,
    };
    for bits in 0..8_u8 {
        let expected = [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0];
        let [first, second, third] = expected;
        for kind in 0..3 {
            let filter = |place: usize| of(kind + place, expected[place]);
            let (one, two, three) = (|| filter(0), || filter(1), || filter(2));
            for (filter, expected) in [
                (one().and(two()).and(three()), first && second && third),
                (one().or(two()).or(three()), first || second || third),
                (one().and(two()).or(three()), (first && second) || third),
                (one().or(two()).and(three()), (first || second) && third),
                (one().and(two().or(three())), first && (second || third)),
                (
                    one().and(two()).not().or(three()),
                    !(first && second) || third,
                ),
                (
                    one().or(two()).not().and(three()),
                    !(first || second) && third,
                ),
                (
                    one().not().and(two().or(three()).not()).not(),
                    first || second || third,
                ),
            ] {
                assert_eq!(filter.matches(&get).await.unwrap(), expected, "{filter:?}");
            }
        }
    }
}

#[test]
fn refuses_a_malformed_route_with_a_suggestion() {
    for (route, part, instead) in [
        ("users", "users", "write `/users`"),
        ("", "", "write `/`"),
        ("/users/:id", "`:id`", "such as `{id}`"),
        ("/files/*", "`*`", "`/files/{*rest}`"),
        ("/files/*rest", "`*rest`", "`filter::path`"),
        ("/users/{id", "`{id`", "close each `{`"),
        ("/users/id}", "`id}`", "close each `{`"),
    ] {
        let message = try_route(route).unwrap_err().to_string();
        assert!(
            message.contains(part) && message.contains(instead),
            "{route}: {message}"
        );
    }
    for route in [
        "/",
        "/users/{id}",
        "/files/{*rest}",
        "/{{id}}",
        "/a/{b}.png",
        "/users/",
    ] {
        assert!(try_route(route).is_ok(), "{route}");
    }
}
