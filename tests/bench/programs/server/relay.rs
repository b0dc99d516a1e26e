//! A relay that looks into the call, and hands it to a server behind.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::call::Call;

#[derive(Clone)]
struct Behind {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
}

pub(crate) fn router(port: u16) -> Router {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let uri = format!("http://127.0.0.1:{port}/mcp");
    let behind = Behind {
        client: Client::builder(TokioExecutor::new()).build(connector),
        uri: Uri::try_from(uri).unwrap_or_default(),
    };
    Router::new().route("/mcp", post(relay)).with_state(behind)
}

async fn relay(State(behind): State<Behind>, body: Bytes) -> Response {
    if !Call::of(&body).is_some_and(|call| call.is_of_tool()) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = behind.uri.clone();
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json.clone());
    request.headers_mut().insert(ACCEPT, json);
    match behind.client.request(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
