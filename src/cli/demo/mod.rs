//! `gatehouse demo`: everything embedded and offline, walked through as a client would.

mod agent;
mod calls;
mod client;
mod report;
mod walk;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::app::{Gateway, WeatherSource};
use crate::config::{self, Environment};
use crate::egress;
use crate::model::{PublicUrl, Secret, SystemRandom};
use crate::operations::{By, NewUser};
use crate::server;

use self::agent::Agent;
use self::client::Account;
use self::report::Report;

/// How the demo is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The address to serve at; a free port near the usual one without.
    pub listen: Option<SocketAddr>,
    /// Whether to end after the walk.
    pub exit: bool,
}

const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Runs the demo; false when a step of the walk failed.
pub async fn run(options: Options) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no temporary folder for the demo's database")?;
    let listener = bind(options.listen).await?;
    let public_url = public_url(listener.local_addr()?)?;
    let mut config = config::parse("", "the demo", &Environment::default())?;
    let database = folder.path().join("demo.db");
    config.database.url = Secret::new(format!("sqlite://{}", database.display()));
    let gateway = Gateway::open(&config, public_url, WeatherSource::Sample).await?;
    gateway.apply_tenants().await?;
    let account = Account {
        username: "demo".to_owned(),
        password: Secret::generate(&SystemRandom),
    };
    let user = NewUser {
        username: account.username.clone(),
        roles: ["admin".to_owned()].into(),
    };
    gateway
        .operations()
        .add_user(&By::CommandLine, gateway.tenant(), user, &account.password)
        .await?;
    let stop = server::stop_signal()?;
    let showing = async {
        let walked = tokio::select! {
            walked = show(&gateway, &account, options) => Some(walked),
            () = stop.announced() => None,
        };
        // Both mean that there is nothing left to serve for.
        if options.exit || matches!(walked, Some(Err(_))) {
            stop.now();
        }
        walked.unwrap_or(Ok(true))
    };
    let ((), walked) = tokio::join!(gateway.answer(listener, stop.clone()), showing);
    walked
}

/// Walks, and says what came of it.
async fn show(gateway: &Gateway, account: &Account, options: Options) -> anyhow::Result<bool> {
    let resource = gateway.tenant().resource.as_str();
    let mut out = std::io::stdout();
    writeln!(out, "A client is given one URL: {resource}\n")?;
    let mut report = Report::new(&mut out, walk::STEPS);
    let walked = walk::walk(agent()?, account, resource, &mut report).await;
    match &walked {
        Ok(()) => writeln!(out, "\nEvery step did what it should.")?,
        Err(failure) => writeln!(out, "\nThe walk ended: {failure}")?,
    }
    if !options.exit {
        connect_help(&mut out, resource, account)?;
    }
    Ok(walked.is_ok())
}

/// Binds the address that was asked for; without one the usual, or a free one where that is taken.
async fn bind(listen: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = listen {
        let bound = TcpListener::bind(address).await;
        return bound.with_context(|| format!("can't listen on {address}"));
    }
    match TcpListener::bind(USUAL).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(SocketAddr::new(USUAL.ip(), 0))
            .await
            .context("no free port on the loopback interface"),
    }
}

/// The demo has no certificate, so that it can only be reached on this machine.
fn public_url(bound: SocketAddr) -> anyhow::Result<PublicUrl> {
    let host = if bound.ip().is_unspecified() {
        USUAL.ip()
    } else {
        bound.ip()
    };
    format!("http://{}", SocketAddr::new(host, bound.port()))
        .parse()
        .with_context(|| format!("the demo speaks plain http: {host} is no loopback address"))
}

fn agent() -> anyhow::Result<Agent> {
    let settings = egress::Settings {
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(20),
        max_body: 4 * 1024 * 1024,
        user_agent: "gatehouse-demo".to_owned(),
    };
    Ok(Agent::new(egress::Client::new(&settings)?))
}

fn connect_help(out: &mut impl Write, resource: &str, account: &Account) -> anyhow::Result<()> {
    writeln!(
        out,
        r#"
It goes on serving sample weather. Connect a client of your own:

  URL        {resource}
  User name  {username}
  Password   {password}

  MCP Inspector   npx @modelcontextprotocol/inspector --cli {resource} --transport http --method tools/list
  Claude Code     claude mcp add --transport http gatehouse-demo {resource}
  VS Code         code --add-mcp '{{"name":"gatehouse-demo","type":"http","url":"{resource}"}}'
  Claude Desktop  a server with the command "gatehouse" and the argument "stdio", in claude_desktop_config.json
  Claude, ChatGPT Settings → Connectors → add a custom connector. They reach public https addresses only: put the
                  gateway behind your proxy or tunnel and set server.public_url to its address.

Stop it with Ctrl-C."#,
        username = account.username,
        password = account.password.expose(),
    )?;
    out.flush()?;
    Ok(())
}
