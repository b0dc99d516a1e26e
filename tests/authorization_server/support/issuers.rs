//! Servers whose tenants take the word of others.

use std::sync::Arc;
use std::time::Duration;

use gatehouse::egress::{Client, Settings};
use gatehouse::jose::IssuerKeys;
use gatehouse::model::{Clock, DocumentTrust, Tenant};

use super::{OPEN, Server, T1, T2, Web};

/// What asks issuers for their keys.
pub(super) fn keys(clock: Arc<dyn Clock>) -> IssuerKeys {
    let patience = Duration::from_secs(2);
    let http = Client::new(&Settings {
        connect_timeout: patience,
        read_timeout: patience,
        total_timeout: patience,
        max_body: 64 * 1024,
        user_agent: "tests".to_owned(),
    });
    IssuerKeys::new(http.unwrap(), Web::nowhere(), clock)
}

impl Server {
    /// A server whose tenants are changed before they serve.
    pub(crate) async fn start_changed(adjust: impl Fn(Tenant) -> Tenant) -> Self {
        let web = (Web::nowhere(), DocumentTrust::Any);
        Self::start_with([("t1", T1), ("t2", T2)], web, OPEN, adjust).await
    }
}
