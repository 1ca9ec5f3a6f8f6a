//! Handlers of every kind that axum accepts.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRef, Path, State};
use axum::handler::Handler;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router, debug_handler};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use traffik::{provide, throttled};
use traffik_tests::{Server, ServiceLimit, TestResponse, midnight};

#[derive(Clone)]
struct App {
    name: &'static str,
}

#[derive(Clone)]
struct Name(&'static str);

impl FromRef<App> for Name {
    fn from_ref(app: &App) -> Self {
        Self(app.name)
    }
}

#[throttled(rate = "1/minute")]
async fn socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|_| async {})
}

#[throttled(rate = "1/minute")]
#[debug_handler(state = App)]
async fn checked(
    State(app): State<App>,
    State(Name(name)): State<Name>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let number = body["number"]
        .as_u64()
        .ok_or_else(|| (StatusCode::IM_A_TEAPOT, "no number".to_owned()))?;
    if number > 9 {
        return Err((StatusCode::CONFLICT, name.to_owned()));
    }
    Ok(Json(json!({ "app": app.name, "number": number })))
}

#[throttled(rate = "2/minute")]
async fn moved() -> Redirect {
    Redirect::to("/elsewhere")
}

#[throttled(rate = "2/minute")]
async fn nested_impl(Path(id): Path<u8>) -> Result<impl IntoResponse, StatusCode> {
    if id == 0 {
        Err(StatusCode::NOT_FOUND)
    } else {
        Ok([("x-id", id.to_string())])
    }
}

#[throttled(rate = "2/minute")]
async fn unfinished() -> String {
    panic!("a body may end nowhere")
}

#[throttled(rate = "2/minute")]
#[expect(clippy::too_many_arguments, reason = "as many as axum takes, but one")]
async fn many(
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    _: Method,
    _: HeaderMap,
    body: String,
) -> String {
    body
}

async fn serve() -> Server {
    let (backend, _) = midnight();
    let app = Router::new()
        .route("/socket", any(socket))
        .route("/checked", post(checked))
        .route("/moved", get(moved))
        .route("/impl/{id}", get(nested_impl))
        .route("/unfinished", get(unfinished))
        .route("/many", post(many))
        .with_state(App { name: "app" });
    Server::start(app.layer(provide(backend))).await
}

#[tokio::test]
async fn refuses_a_websocket_before_the_handshake() {
    let server = serve().await;
    let upgrade = || {
        let request = server
            .request(Method::GET, "/socket")
            .header("connection", "upgrade");
        let request = request
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13");
        request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let switched = upgrade().send().await.unwrap();
    assert_eq!(switched.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(switched.headers()["ratelimit"], "\"socket\";r=0;t=60");
    let refused = TestResponse::of_request(upgrade()).await;
    assert_eq!(
        (refused.status, refused.field("retry-after")),
        (429, Some("60"))
    );
    assert_eq!(refused.field("upgrade"), None);
    assert_eq!(
        refused.field("content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn accepts_state_errors_and_question_marks() {
    for (body, status, text) in [
        (
            json!({ "number": 7 }),
            200,
            "{\"app\":\"app\",\"number\":7}",
        ),
        (json!({ "number": 10 }), 409, "app"),
        (json!({}), 418, "no number"),
    ] {
        let server = serve().await;
        let response =
            TestResponse::of_request(server.request(Method::POST, "/checked").json(&body)).await;
        assert_eq!((response.status, response.body.as_str()), (status, text));
        // The fields are in the response, whatever the handler returns.
        assert_eq!(response.limits, [ServiceLimit::new("checked", 0, 60)]);
        assert_eq!(
            TestResponse::of_request(server.request(Method::POST, "/checked").json(&body))
                .await
                .status,
            429
        );
    }
}

#[tokio::test]
async fn writes_fields_into_errors_and_redirections() {
    let server = serve().await;
    let response = server.get("/impl/0").await;
    assert_eq!(
        (response.status, response.limits),
        (404, vec![ServiceLimit::new("nested_impl", 1, 60)])
    );
    let response = server.get("/impl/7").await;
    assert_eq!((response.status, response.field("x-id")), (200, Some("7")));
    assert_eq!(server.get("/impl/7").await.status, 429);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let moved = client
        .get(format!("http://{}/moved", server.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(moved.status(), StatusCode::SEE_OTHER);
    assert_eq!(moved.headers()["ratelimit"], "\"moved\";r=1;t=60");
}

#[tokio::test]
async fn accepts_fifteen_arguments() {
    let server = serve().await;
    let response = server.post("/many", "body").await;
    assert_eq!((response.status, response.body.as_str()), (200, "body"));
    assert_eq!(response.limits, [ServiceLimit::new("many", 1, 60)]);
}

#[tokio::test]
async fn accepts_a_layer_around_the_handler() {
    let (backend, _) = midnight();
    let app = Router::new().route("/{id}", get(nested_impl.layer(provide(backend))));
    let server = Server::start(app).await;
    assert_eq!(server.statuses("/1", 3).await, [200, 200, 429]);
}
