//! The gateway with the conformance suite's server behind it: a process that prints its address and a token.
//!
//! Everything before the server is as in production: tenant, origin, token, message, scope. It ends
//! when its standard input does.
#![expect(
    clippy::print_stdout,
    reason = "standard output is how the process says where it is"
)]

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
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use fixture::Fixture;

const USERNAME: &str = "alice";

/// No run of the suite takes that long.
const TOKEN_TTL: Duration = Duration::from_mins(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let environment: Environment = std::env::vars().collect();
    let filter = environment.get("GATEHOUSE_LOG").map_or("warn", |it| it);
    logging::init(config::LogFormat::Auto, filter)?;
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("conformance.db");
    let database = format!("sqlite://{}", database.display());
    let config = configuration(&database)?;
    let listener = TcpListener::bind(config.server.listen).await?;
    let public_url = config.server.public_url_at(listener.local_addr()?);
    let public_url = public_url.context("no public URL follows from the address")?;
    let servers: Vec<Arc<dyn gatehouse::backends::Backend>> = vec![Arc::new(Fixture::new())];
    let gateway = Gateway::open_beside(&config, public_url, WeatherSource::Sample, servers).await?;
    gateway.apply_tenants().await?;
    let token = sign_in(&config, &gateway).await?;
    let place = json!({
        "url": gateway.tenant().resource.as_str(),
        "token": token.expose(),
    });
    println!("{place}");
    std::io::stdout().flush()?;
    let stop = Stop::default();
    tokio::join!(gateway.answer(listener, stop.clone()), async {
        let mut nothing = Vec::new();
        drop(tokio::io::stdin().read_to_end(&mut nothing).await);
        stop.now();
    });
    Ok(())
}

fn configuration(database: &str) -> anyhow::Result<Config> {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n[database]\nurl = {}\n",
        json!(database)
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
