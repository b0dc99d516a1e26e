//! What `gatehouse serve` says when it starts: what it chose, why, and what is left to do.

use std::net::SocketAddr;
use std::path::Path;

use url::Url;

use crate::config::Config;
use crate::model::Tenant;

/// The lines for stderr, ending in a line break.
pub(super) fn announcement(
    config: &Config,
    (bound, admin): (SocketAddr, Option<SocketAddr>),
    tenant: &Tenant,
    has_users: bool,
    key_file: Option<&Path>,
) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let why = match config.server.public_url {
        Some(_) => "",
        None => " (this machine only; set server.public_url to serve others)",
    };
    let mut lines = vec![
        format!("gatehouse {version} listening on http://{bound}"),
        format!("  configuration  {}", sources(config)),
        format!("  public URL     {}{why}", tenant.public_url),
        format!("  MCP endpoint   {}", tenant.resource),
        format!(
            "  database       {}",
            without_password(config.database.url.expose())
        ),
        format!("  weather        {}", config.weather.base_url),
        format!("  operators      {}", console(config, admin)),
    ];
    if config.weather.contact.is_none() {
        let notice = "Set weather.contact to a mail or web address: the National Weather Service \
                      asks every caller for one.";
        lines.push(notice.to_owned());
    }
    if let Some(path) = key_file {
        let path = path.display();
        lines.push(format!(
            "Warning: the signing keys are encrypted with {path}, beside the database that holds \
             them. Set keys.encryption_key to keep the two apart."
        ));
    }
    if !has_users {
        lines.push(first_user(config, tenant));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Where operators find the console.
fn console(config: &Config, bound: Option<SocketAddr>) -> String {
    match (&config.server.admin_url, bound) {
        (_, None) => "no console and no admin API (server.admin_listen is empty)".to_owned(),
        (Some(url), Some(bound)) => format!("http://{bound}/console, for browsers {url}/console"),
        (None, Some(bound)) => format!("http://{bound}/console"),
    }
}

/// Where the configuration came from.
pub(super) fn sources(config: &Config) -> String {
    let file = config
        .sources
        .file
        .as_deref()
        .unwrap_or("the built-in defaults");
    let variables = config.sources.variables.join(", ");
    if variables.is_empty() {
        file.to_owned()
    } else {
        format!("{file}, then {variables}")
    }
}

fn first_user(config: &Config, tenant: &Tenant) -> String {
    let file = config.sources.file.as_ref();
    let named = file.filter(|name| *name != crate::config::DEFAULT_FILE);
    let option = named
        .map(|name| format!(" --config {name}"))
        .unwrap_or_default();
    let role = if tenant.roles.contains_key("admin") {
        Some("admin")
    } else {
        tenant.roles.keys().next().map(String::as_str)
    };
    let role = role.unwrap_or("ROLE");
    format!(
        "Nobody can sign in yet. Add the first account: gatehouse{option} user add --username you \
         --role {role}"
    )
}

/// A database's address as it may be seen by everyone who sees the logs.
fn without_password(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if url.scheme() == "sqlite" => address.to_owned(),
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            format!("{}://{host}{port}{}", url.scheme(), url.path())
        }
        Err(_) => "an address of its own kind".to_owned(),
    }
}
