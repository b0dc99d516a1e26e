//! The gateway with the conformance suite's server behind it: a process that prints its address and a token.
//!
//! Everything before the server is as in production: tenant, origin, token, message, scope. With
//! `mounted`, the server is one of rmcp's at an address, which the gateway has mounted; with `direct`,
//! it is that server without a gateway. `mounted URL` mounts another server, `mounted nothing` none.
//! The process ends when its standard input does.
#![expect(
    clippy::print_stdout,
    reason = "standard output is how the process says where it is"
)]

mod face;
mod fixture;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gatehouse::app::{Gateway, WeatherSource};
use gatehouse::config::{self, Config, Environment};
use gatehouse::model::{Secret, SystemRandom};
use gatehouse::operations::{By, NewUser};
use gatehouse::server::Stop;
use gatehouse::telemetry::logging;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use face::Face;
use fixture::Fixture;

const USERNAME: &str = "alice";

/// No run of the suite takes that long.
const TOKEN_TTL: Duration = Duration::from_mins(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let environment: Environment = std::env::vars().collect();
    let filter = environment.get("GATEHOUSE_LOG").map_or("warn", |it| it);
    logging::init(config::LogFormat::Auto, filter)?;
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next();
    let upstream = match (mode.as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("mounted"), Some(url)) => Some(url),
        (Some("mounted" | "direct"), None) => Some(serve_face().await?),
        (Some(other), _) => anyhow::bail!("{other} is neither `mounted` nor `direct`"),
    };
    if let (Some(url), Some("direct")) = (&upstream, mode.as_deref()) {
        return say(&json!({ "url": url, "token": "none" })).await;
    }
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("conformance.db");
    let database = format!("sqlite://{}", database.display());
    let config = configuration(&database, upstream.as_deref())?;
    let listener = TcpListener::bind(config.server.listen).await?;
    let public_url = config.server.public_url_at(listener.local_addr()?);
    let public_url = public_url.context("no public URL follows from the address")?;
    let servers: Vec<Arc<dyn gatehouse::backends::Backend>> = match upstream {
        Some(_) => Vec::new(),
        None => vec![Arc::new(Fixture::new())],
    };
    let gateway = Gateway::open_beside(&config, public_url, WeatherSource::Sample, servers).await?;
    gateway.apply_tenants().await?;
    let token = sign_in(&config, &gateway).await?;
    let place = json!({
        "url": gateway.tenant().resource.as_str(),
        "token": token.expose(),
    });
    let stop = Stop::default();
    tokio::join!(gateway.answer(listener, stop.clone()), async {
        drop(say(&place).await);
        stop.now();
    });
    Ok(())
}

/// Says where the process is, and waits until nobody needs it.
async fn say(place: &Value) -> anyhow::Result<()> {
    println!("{place}");
    std::io::stdout().flush()?;
    let mut nothing = Vec::new();
    tokio::io::stdin().read_to_end(&mut nothing).await?;
    Ok(())
}

/// Serves the suite's server by rmcp; its address.
async fn serve_face() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let router = axum::Router::new().nest_service("/mcp", Face::new().service());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

fn configuration(database: &str, upstream: Option<&str>) -> anyhow::Result<Config> {
    let server = upstream.filter(|url| *url != "nothing").map(|url| {
        format!(
            "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"suite\"\nprefix = \"\"\n\
             url = \"{url}\"\nallow_private = [\"127.0.0.0/8\"]\n"
        )
    });
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n[database]\nurl = {}\n{}",
        json!(database),
        server.unwrap_or_default()
    );
    Ok(config::parse(
        &text,
        "conformance.toml",
        &Environment::new(),
    )?)
}

/// The token of a person with every scope that there is.
async fn sign_in(config: &Config, gateway: &Gateway) -> anyhow::Result<Secret> {
    let tenant = gateway.tenant();
    let password = Secret::generate(&SystemRandom);
    let roles = BTreeSet::from(["admin".to_owned()]);
    let user = NewUser {
        username: USERNAME.to_owned(),
        roles,
    };
    let operations = gateway.operations();
    let added = operations.add_user(&By::CommandLine, tenant, user, &password);
    let user = added.await?;
    let scopes = tenant.scopes_of_roles(&user.roles);
    let scopes = config.scopes.catalogue.expand(&scopes);
    let issued = operations.issue_token(&By::CommandLine, tenant, &user, scopes, TOKEN_TTL);
    Ok(issued.await?)
}
