//! The command line: standard output carries what a command was asked for, stderr everything else.

mod announce;
mod arguments;
mod audit;
mod client;
mod configuration;
pub mod demo;
mod exit;
mod health;
mod install;
mod key;
mod operator;
mod policy;
mod scim;
mod serve;
mod server;
mod tenant;
mod terminal;
mod token;
mod user;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};

use crate::app::{Gateway, Source, WeatherSource};
use crate::config::{self, Config, Environment, LogFormat};
use crate::model::{PublicUrl, Tenant};
use crate::operations::{OperationError, Operations, TenantState};
use crate::store;
use crate::telemetry::logging;

use arguments::{Arguments, Command, TenantOption};
use exit::{USAGE, Usage};

/// Runs the command that `arguments` name and returns the code to end the process with.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help that was asked for goes to standard output, a mistake to stderr. Where neither
            // can be written there is nobody to tell.
            let _ = answer.print();
            return if answer.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match dispatch(arguments, environment) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

fn dispatch(arguments: Arguments, environment: &Environment) -> anyhow::Result<ExitCode> {
    let stdio = environment
        .get("MCP_TRANSPORT")
        .is_some_and(|transport| transport == "stdio");
    let command = match arguments.command {
        Some(command) => command,
        None if stdio => Command::Stdio,
        None => {
            terminal::say(&Arguments::command().render_long_help().to_string())?;
            return Ok(ExitCode::from(USAGE));
        }
    };
    let load = || config::load(arguments.config.as_deref(), environment);
    let log = |format, usual| {
        let filter = environment
            .get("GATEHOUSE_LOG")
            .map_or(usual, String::as_str);
        logging::init(format, filter).context("environment variable GATEHOUSE_LOG")
    };
    match command {
        Command::ConfigSchema => configuration::print_schema()?,
        Command::AdminApi => configuration::print_admin_api()?,
        Command::CheckConfig => configuration::report(&load()?)?,
        Command::Demo { listen, exit } => {
            log(LogFormat::Pretty, "warn")?;
            let walked = block_on(demo::run(demo::Options { listen, exit }))?;
            return Ok(if walked {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Serve => {
            let source = Source::load(arguments.config.clone(), environment)?;
            log(source.config.telemetry.log, "info")?;
            block_on(serve::serve(source))?;
        }
        Command::Stdio => {
            let config = load()?;
            log(config.telemetry.log, "info")?;
            block_on(serve::serve_stdio(config))?;
        }
        Command::Health { live } => return block_on(health::run(load()?.server.listen, live)),
        Command::Migrate { grant_to } => block_on(migrate(&load()?, grant_to.as_deref()))?,
        Command::Tenant { command } => block_on(tenant::run(&load()?, command))?,
        Command::User { command } => block_on(user::run(&load()?, command))?,
        Command::Client { command } => block_on(client::run(&load()?, command))?,
        Command::Policy { command } => block_on(policy::run(&load()?, command))?,
        Command::Server { command } => block_on(server::run(&load()?, command))?,
        Command::Keys { command } => block_on(key::run(&load()?, command))?,
        Command::Audit { command } => block_on(audit::run(&load()?, command))?,
        Command::Operator { command } => block_on(operator::run(&load()?, command))?,
        Command::Scim { command } => block_on(scim::run(&load()?, command))?,
        Command::Token { command } => block_on(token::run(&load()?, command))?,
        Command::Install(wanted) => {
            install::run(&wanted, arguments.config.as_deref(), environment)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &Config, grant_to: Option<&str>) -> anyhow::Result<()> {
    store::migrate(config.database.url.expose(), grant_to).await?;
    terminal::say("the database is up to date")?;
    Ok(())
}

/// The gateway behind a command that serves nobody by network.
async fn open(config: &Config) -> anyhow::Result<Gateway> {
    let public_url = public_url(config, config.server.listen)?;
    Gateway::open(config, public_url, WeatherSource::Live).await
}

fn public_url(config: &Config, listen: SocketAddr) -> anyhow::Result<PublicUrl> {
    let public_url = config.server.public_url_at(listen);
    public_url.with_context(|| format!("no public URL follows from {listen}"))
}

/// The tenant that the option names.
async fn find_tenant(gateway: &Gateway, option: &TenantOption) -> anyhow::Result<Arc<Tenant>> {
    let slug = &option.tenant;
    let operations = gateway.operations();
    let Ok(parsed) = slug.parse() else {
        return Err(no_such_tenant(operations, slug).await?.into());
    };
    match operations.find_tenant(&parsed).await {
        Ok(tenant) => Ok(tenant),
        Err(OperationError::Missing { .. }) => Err(no_such_tenant(operations, slug).await?.into()),
        Err(error) => Err(exit::refused(error)),
    }
}

async fn no_such_tenant(operations: &Operations, slug: &str) -> anyhow::Result<Usage> {
    let listed = operations.list_tenants().await.map_err(exit::refused)?;
    let listed = listed
        .iter()
        .filter(|tenant| tenant.state != TenantState::Inactive);
    let names: Vec<&str> = listed.map(|tenant| tenant.slug.as_str()).collect();
    let hint = match config::nearest(slug, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "gatehouse tenant list prints those that there are".to_owned(),
    };
    Ok(Usage(format!("there is no tenant {slug:?}; {hint}")))
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
