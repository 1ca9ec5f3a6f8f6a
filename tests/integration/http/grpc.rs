//! `ThrottleLayer` over a gRPC server: tonic on a real socket.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tower::Service;
use traffik::failure::raise;
use traffik::testing::{Fault, FlakyStore};
use traffik::{Backend, ThrottleLayer, filter, provide};

traffik::throttles! {
    throttle Calls(rate = "2/hour", identifier = header("authorization"));
    throttle Everyone(rate = "100/hour", identifier = everyone);
}

/// A codec for plain text instead of protobuf.
#[derive(Clone, Default)]
struct Texts;

impl Codec for Texts {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Texts {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Texts {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let text = String::from_utf8(bytes.into());
        text.map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// A service that echoes messages.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "echo.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move { Ok(Grpc::new(Texts).unary(EchoCall, request).await) })
    }
}

struct EchoCall;

impl UnaryService<String> for EchoCall {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async { Ok(Response::new(request.into_inner())) })
    }
}

async fn call(
    channel: &Channel,
    method: &'static str,
    who: &'static str,
) -> Result<(String, MetadataMap), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client
        .ready()
        .await
        .map_err(|error| Status::unknown(error.to_string()))?;
    let mut request = Request::new("hello".to_owned());
    request
        .metadata_mut()
        .insert("authorization", who.parse().unwrap());
    let response = client
        .unary(request, PathAndQuery::from_static(method), Texts)
        .await?;
    let fields = response.metadata().clone();
    Ok((response.into_inner(), fields))
}

#[tokio::test]
async fn refuses_calls_with_a_grpc_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let layer = ThrottleLayer::new()
        .throttle_when::<Calls>(filter::path("/echo.Echo/Call"))
        .throttle::<Everyone>();
    let server = Server::builder()
        .layer(provide(Backend::memory()))
        .layer(layer)
        .add_service(Echo);
    let serving = tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    for left in ["1", "0"] {
        let (text, fields) = call(&channel, "/echo.Echo/Call", "ada").await.unwrap();
        assert_eq!(text, "hello");
        let field = fields.get("ratelimit").unwrap().to_str().unwrap();
        assert!(
            field.starts_with(&format!("\"Calls\";r={left};")),
            "{field}"
        );
    }
    // A refused call gets a gRPC status without an immediate retry.
    let refused = call(&channel, "/echo.Echo/Call", "ada").await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "too many requests");
    assert!(refused.metadata().contains_key("retry-after"));
    // Other clients and methods are not limited.
    assert!(call(&channel, "/echo.Echo/Call", "grace").await.is_ok());
    let (_, fields) = call(&channel, "/echo.Echo/Hear", "ada").await.unwrap();
    let field = fields.get("ratelimit").unwrap().to_str().unwrap();
    assert!(field.starts_with("\"Everyone\";r=96;"), "{field}");
    serving.abort();
}

#[tokio::test]
async fn responds_unavailable_if_the_backend_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let store = FlakyStore::new();
    let backend = Backend::custom(store.clone()).on_error(raise());
    let server = Server::builder()
        .layer(provide(backend))
        .layer(ThrottleLayer::new().throttle::<Calls>())
        .add_service(Echo);
    let serving = tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    store.fail(Fault::Refuse);
    let refused = call(&channel, "/echo.Echo/Call", "ada").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.message(), "service unavailable");
    assert_eq!(refused.metadata().get("retry-after").unwrap(), "1");
    store.heal();
    assert!(call(&channel, "/echo.Echo/Call", "ada").await.is_ok());
    serving.abort();
}
