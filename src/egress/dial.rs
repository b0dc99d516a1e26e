//! Connections to one server that an operator named: to addresses that were looked at, with TLS where its address says so.

use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::error::Elapsed;
use tower::{BoxError, Service};

use super::client::EgressError;
use super::guard::GuardError;
use super::resolver::{SpecialUse, VettedAddresses, VettedResolver};
use super::tls;

/// The client of one server.
pub(super) type Dialled = Client<Patient, Full<Bytes>>;

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// Makes connections that have to stand in time.
#[derive(Clone)]
pub(super) struct Patient {
    connector: Connector,
    patience: Duration,
}

/// The resolver, as hyper asks it.
#[derive(Clone, Debug)]
pub(super) struct Resolver(Arc<VettedResolver>);

/// For how long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(90);

/// How soon the other side is asked whether it is still there, how often, and when it is given up.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES: u32 = 3;
const LOST_AFTER: Duration = Duration::from_secs(30);

/// A client whose connections take `patience` to stand at most, TLS included.
pub(super) fn dial(
    resolver: VettedResolver,
    needs_tls: bool,
    patience: Duration,
) -> Result<Dialled, EgressError> {
    let mut http = HttpConnector::new_with_resolver(Resolver(Arc::new(resolver)));
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(patience));
    http.set_keepalive(Some(KEEPALIVE));
    http.set_keepalive_interval(Some(KEEPALIVE));
    http.set_keepalive_retries(Some(KEEPALIVES));
    #[cfg(target_os = "linux")]
    http.set_tcp_user_timeout(Some(LOST_AFTER));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls::client_config()?);
    let builder = if needs_tls {
        builder.https_only()
    } else {
        builder.https_or_http()
    };
    let connector = builder.enable_all_versions().wrap_connector(http);
    let client = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(Patient {
            connector,
            patience,
        });
    Ok(client)
}

/// Why there is no response.
pub(super) fn reason_of(error: &legacy::Error) -> GuardError {
    if has_cause::<SpecialUse>(error) {
        return GuardError::SpecialUse;
    }
    let took_too_long = has_cause::<Elapsed>(error)
        || causes(error).any(|cause| {
            let error = cause.downcast_ref::<std::io::Error>();
            error.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
        });
    GuardError::Failed(if took_too_long {
        EgressError::TimedOut
    } else {
        EgressError::Connection
    })
}

/// True where the server says that it has done nothing with the request (RFC 9113 §8.7).
pub(super) fn was_not_begun(error: &legacy::Error) -> bool {
    causes(error).any(|cause| {
        let error = cause.downcast_ref::<h2::Error>();
        error.filter(|error| error.is_remote()).is_some_and(|it| {
            (it.is_go_away() && it.reason() == Some(h2::Reason::NO_ERROR))
                || (it.is_reset() && it.reason() == Some(h2::Reason::REFUSED_STREAM))
        })
    })
}

fn has_cause<E: Error + 'static>(error: &legacy::Error) -> bool {
    causes(error).any(<dyn Error>::is::<E>)
}

fn causes(error: &legacy::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| {
        let cause: &(dyn Error + 'static) = *cause;
        cause.source()
    })
}

impl Service<Uri> for Patient {
    type Response = <Connector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = tokio::time::timeout(self.patience, self.connector.call(uri));
        Box::pin(async move { connected.await? })
    }
}

impl Service<Name> for Resolver {
    type Response = VettedAddresses;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<VettedAddresses, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move { resolver.addresses(name.as_str()).await })
    }
}
