//! Handlers with parts that a macro of the application has parsed.

use axum::routing::post;
use http::Method;
use traffik::throttled;

use super::counts;

macro_rules! handler {
    ($visibility:vis $name:ident($($argument:pat => $ty:ty),*) -> $output:ty $body:block) => {
        #[throttled(rate = "1/minute")]
        $visibility async fn $name($($argument: $ty),*) -> $output $body
    };
}

handler! {
    pub(crate) parsed(gate => Method, out => String) -> Result<String, String> {
        assert_eq!(gate, Method::POST);
        if out.is_empty() {
            return Err(out);
        }
        Ok(out)
    }
}

macro_rules! whole {
    ($function:item) => {
        $function
    };
}

whole! {
    #[throttled(rate = "1/minute")]
    async fn item(body: String) -> String {
        body
    }
}

macro_rules! values {
    ($name:ident, $rate:expr, $cost:literal, $strategy:expr, $identifier:path, $scope:expr) => {
        #[throttled(rate = $rate, cost = $cost, strategy = $strategy, identifier = $identifier, scope = $scope)]
        async fn $name(body: String) -> String {
            body
        }
    };
}

fn caller(_: &axum::http::request::Parts) -> &'static str {
    "me"
}

values!(
    valued,
    "2/minute",
    2,
    token_bucket(burst = 2),
    self::caller,
    route
);

#[tokio::test]
async fn accepts_parsed_fragments() {
    counts(post(parsed), Method::POST, "body", "body").await;
    counts(post(item), Method::POST, "body", "body").await;
    counts(post(valued), Method::POST, "body", "body").await;
}
