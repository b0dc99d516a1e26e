//! The server at a socket of this machine, and whoever asks it over TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use gatehouse::middleware::way::Next;
use gatehouse::server::{self, Live, Stop};
use http::header::HOST;
use http::{StatusCode, Uri};
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use url::Url;

use super::Answer;
use super::log::Log;

/// One tenant, and the routes below its address.
pub(super) struct Place {
    pub(super) slug: &'static str,
    pub(super) url: Url,
    pub(super) router: Router,
}

/// A listening server. It ends with the test.
pub(super) struct Wire {
    address: SocketAddr,
    places: Arc<Vec<Place>>,
    client: reqwest::Client,
    log: Log,
    stop: Stop,
}

/// Nothing of these cases goes on at the end.
const DRAIN: Duration = Duration::from_secs(1);

impl Wire {
    pub(super) async fn listen(places: Vec<Place>) -> Self {
        let places = Arc::new(places);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let router = Router::new()
            .fallback(locate)
            .with_state(Arc::clone(&places));
        tokio::spawn(server::serve(
            listener,
            Live::new(Next::of(router)),
            (stop.clone(), DRAIN),
        ));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            address,
            places,
            client,
            log: Log::start(),
            stop,
        }
    }

    /// Sends `request`, whose path is relative to the tenant's address.
    pub(super) async fn send(&self, tenant: &str, request: Request<Body>) -> Answer {
        let place = self.places.iter().find(|place| place.slug == tenant);
        let place = place.unwrap();
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let submitted = self.log.note_request(&parts, &body);
        let base = place.url.path().trim_end_matches('/');
        let url = format!("http://{}{base}{}", self.address, parts.uri);
        let sent = self
            .client
            .request(parts.method, url)
            .headers(parts.headers)
            .header(
                HOST,
                &place.url[url::Position::BeforeHost..url::Position::AfterPort],
            )
            .body(body);
        let response = sent.send().await.unwrap();
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        };
        self.log.note_answer(&answer);
        if answer.status.is_client_error() || answer.status.is_server_error() {
            for secret in &submitted {
                assert!(!answer.body.contains(secret), "{}", answer.body);
            }
        }
        answer
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.now();
        if !std::thread::panicking() {
            self.log.assert_no_secret();
        }
    }
}

/// Finds the tenant by host and path, as the gateway's own station does.
async fn locate(State(places): State<Arc<Vec<Place>>>, mut request: Request) -> Response {
    let host = request.headers().get(HOST).cloned();
    let host = host.and_then(|host| Some(host.to_str().ok()?.to_owned()));
    let found = places.iter().find(|place| {
        let own = &place.url[url::Position::BeforeHost..url::Position::AfterPort];
        host.as_deref() == Some(own)
    });
    let Some(place) = found else {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    };
    let base = place.url.path().trim_end_matches('/');
    let whole = request.uri().to_string();
    let Some(relative) = whole.strip_prefix(base) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    *request.uri_mut() = relative.parse::<Uri>().unwrap();
    place.router.clone().oneshot(request).await.unwrap()
}
