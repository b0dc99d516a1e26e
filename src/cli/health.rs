//! `gatehouse health`: for health checks where there is neither a shell nor curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::exit::Usage;
use super::terminal;
use crate::egress;

/// A probe has to be done sooner than its platform's patience is.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a readiness document may have.
const MAX_BODY: usize = 64 * 1024;

/// Asks the process that listens at `listen`; with `live`, only whether it answers at all.
pub(super) async fn run(listen: SocketAddr, live: bool) -> anyhow::Result<ExitCode> {
    let url = url_of(listen, live)?;
    let client = egress::Client::new(&egress::Settings {
        connect_timeout: PATIENCE,
        read_timeout: PATIENCE,
        total_timeout: PATIENCE,
        max_body: MAX_BODY,
        user_agent: concat!("gatehouse/", env!("CARGO_PKG_VERSION")).to_owned(),
    })?;
    let asked = client.get(url.clone(), HeaderMap::new()).await;
    let answer = asked.with_context(|| format!("nobody serves at {url}"))?;
    if answer.status() == StatusCode::OK {
        terminal::say(&format!("{url} answers 200"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let body = String::from_utf8_lossy(answer.body());
    let (status, body) = (answer.status(), body.trim());
    terminal::say(&format!("gatehouse: {url} answers {status}: {body}"))?;
    Ok(ExitCode::FAILURE)
}

/// Where this machine reaches what listens there.
fn url_of(listen: SocketAddr, live: bool) -> anyhow::Result<Url> {
    let address = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    };
    let has_port = listen.port() != 0;
    let why = "server.listen leaves the port to the system, so that nobody knows which one it is";
    ensure!(has_port, Usage(why.to_owned()));
    let path = if live { "livez" } else { "readyz" };
    let address = SocketAddr::new(address, listen.port());
    Ok(Url::parse(&format!("http://{address}/{path}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_this_machine_where_the_process_listens_everywhere() {
        for (listen, live, asked) in [
            ("0.0.0.0:8080", false, "http://127.0.0.1:8080/readyz"),
            ("[::]:8080", true, "http://[::1]:8080/livez"),
            ("10.1.2.3:80", false, "http://10.1.2.3/readyz"),
        ] {
            let url = url_of(listen.parse().unwrap(), live).unwrap();
            assert_eq!(url.as_str(), asked);
        }
        let refused = url_of("127.0.0.1:0".parse().unwrap(), false).unwrap_err();
        assert!(refused.is::<Usage>());
    }
}
