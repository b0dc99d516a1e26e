//! The commands and their options, each with an example in its help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::audit::AuditCommand;
use super::client::ClientCommand;
use super::install::InstallArguments;
use super::operator::OperatorCommand;
use super::policy::PolicyCommand;
use super::scim::ScimCommand;
use super::server::ServerCommand;
use crate::config::duration;
use crate::model::{PublicUrl, TenantSlug};

/// An OAuth 2.1 secured gateway for remote MCP servers.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, disable_help_subcommand = true, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration file; config/gatehouse.toml where it exists, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  gatehouse demo                                   see all of it work, without network
  gatehouse user add --username ada --role admin   add someone who can sign in
  gatehouse serve                                  serve on http://127.0.0.1:8080

Exit codes: 0 done, 64 wrong usage, 69 a needed service can't be reached, 78 wrong configuration, \
1 anything else.
With MCP_TRANSPORT=stdio in the environment and no command, it runs `gatehouse stdio`.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve clients over HTTP.
    #[command(after_help = "\
Example:
  PORT=8080 GATEHOUSE__SERVER__PUBLIC_URL=https://mcp.example.com gatehouse serve

GATEHOUSE_LOG says what is logged, as in GATEHOUSE_LOG=warn,gatehouse=debug.")]
    Serve,

    /// Serve the program that started this one, on standard input and output.
    #[command(after_help = "\
Example, in a desktop host's list of MCP servers:
  {\"command\": \"gatehouse\", \"args\": [\"stdio\"]}

Whoever can start the process may use everything: there are no tokens here.")]
    Stdio,

    /// Walk through the whole flow offline, with sample weather, then serve it.
    #[command(after_help = "\
Example:
  gatehouse demo --exit

It keeps nothing: its database is gone when it ends.")]
    Demo {
        /// The address to serve at; 127.0.0.1:8080 or a free port without it.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// End after the walk, with 1 if a step failed.
        #[arg(long)]
        exit: bool,
    },

    /// Ask the process that serves by the same configuration whether it is ready; 0 says yes.
    #[command(after_help = "\
Example, in a Dockerfile:
  HEALTHCHECK CMD [\"/usr/local/bin/gatehouse\", \"health\"]

It needs neither a shell nor the network. Where it is not ready, stderr says why.")]
    Health {
        /// Ask only whether it answers, not whether it has its database.
        #[arg(long)]
        live: bool,
    },

    /// Bring the tables of the database up to date.
    #[command(after_help = "\
Examples:
  DATABASE_URL=postgres://gatehouse@db/gatehouse gatehouse --config /etc/gatehouse.toml migrate
  DATABASE_URL=postgres://owner@db/gatehouse gatehouse migrate --grant-to gatehouse")]
    Migrate {
        /// The role of Postgres that `serve` connects as, where it is another one than this.
        #[arg(long, value_name = "ROLE")]
        grant_to: Option<String>,
    },

    /// Report every mistake in the configuration, without starting anything.
    #[command(after_help = "\
Example:
  gatehouse --config /etc/gatehouse.toml check-config

It ends with 78 if there are mistakes, one on each line of stderr.")]
    CheckConfig,

    /// Print the JSON Schema of the configuration file.
    #[command(after_help = "\
Example:
  gatehouse config-schema > gatehouse.schema.json

An editor that knows TOML checks a file against it that begins with
  #:schema ./gatehouse.schema.json")]
    ConfigSchema,

    /// Print the OpenAPI document of the admin API.
    #[command(after_help = "Example:\n  gatehouse admin-api > openapi.json")]
    AdminApi,

    /// Manage tenants beside those of the configuration file; running gateways follow at once.
    #[command(after_help = "\
Example:
  gatehouse tenant list")]
    Tenant {
        #[command(subcommand)]
        command: TenantCommand,
    },

    /// Manage local accounts.
    #[command(after_help = "\
Example:
  gatehouse user list")]
    User {
        #[command(subcommand)]
        command: UserCommand,
    },

    /// Manage clients: those that registered themselves, and those that you add.
    #[command(after_help = "\
Example:
  gatehouse client list")]
    Client {
        #[command(subcommand)]
        command: ClientCommand,
    },

    /// Ask the policy for its reasons.
    #[command(after_help = "\
Example:
  gatehouse policy explain --user ada --tool get_internal_metric")]
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },

    /// Look at the tools of mounted servers, and approve what changed.
    #[command(after_help = "Example:\n  gatehouse server tools --waiting")]
    Server {
        #[command(subcommand)]
        command: ServerCommand,
    },

    /// Look at the keys that sign access tokens, and rotate them.
    #[command(after_help = "\
Example:
  gatehouse keys list")]
    Keys {
        #[command(subcommand)]
        command: KeyCommand,
    },

    /// Read, export and verify the audit log.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Manage operators: who may use the admin API and the console.
    #[command(after_help = "Example:\n  gatehouse operator list")]
    Operator {
        #[command(subcommand)]
        command: OperatorCommand,
    },
    /// Let a tenant's identity provider keep people and groups here (SCIM).
    Scim {
        #[command(subcommand)]
        command: ScimCommand,
    },

    /// Issue access tokens by hand.
    #[command(after_help = "\
Example:
  gatehouse token issue --username ada --scope mcp:tools")]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },

    /// Add this gateway to a desktop host's list of MCP servers.
    #[command(after_help = "\
Examples:
  gatehouse install claude-desktop
  gatehouse install vscode --url https://mcp.example.com/mcp
  gatehouse install codex --undo

What else is in the host's file stays as it is. A project's list is named with --file, as in
--file .mcp.json (Claude Code), .cursor/mcp.json, .vscode/mcp.json or .codex/config.toml.")]
    Install(InstallArguments),
}

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Add a tenant; prints the address of its MCP endpoint.
    #[command(after_help = "\
Examples:
  gatehouse tenant add acme --public-url https://mcp.example.com/t/acme
  gatehouse tenant add acme --public-url https://acme.example.com --file acme.toml

The file says what a [[tenants]] entry of the configuration may say, at its top: sign_in, roles,
registration, metadata_documents, rate_limits, branding.")]
    Add {
        /// Its short name: a-z, 0-9 and '-'.
        slug: TenantSlug,
        /// Its address, an https origin or an origin with a path; the issuer of its tokens.
        #[arg(long, value_name = "URL")]
        public_url: PublicUrl,
        /// What else there is to say about it (TOML).
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the tenants: slug, public URL, who added it, its state and when it was last changed, a
    /// tab apart.
    #[command(after_help = "\
Example:
  gatehouse tenant list | cut -f1,2")]
    List,
    /// Remove a tenant with its accounts, clients, grants and keys.
    #[command(after_help = "\
Example:
  gatehouse tenant remove acme --yes")]
    Remove {
        /// Its short name.
        slug: TenantSlug,
        /// Do it: nothing of it can be brought back.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add an account; asks for its password.
    #[command(after_help = "\
Examples:
  gatehouse user add --username ada --role admin
  gatehouse user add --username ada --role admin --password-stdin < password.txt")]
    Add {
        #[command(flatten)]
        tenant: TenantOption,
        /// What the person types to sign in.
        #[arg(long)]
        username: String,
        /// A role of the tenant: admin or member, unless the configuration has others; may be
        /// repeated.
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<String>,
        /// Read the password from standard input instead of asking at the terminal.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print the accounts: user name, roles, when it was added and whether it is disabled, a tab apart.
    #[command(after_help = "\
Example:
  gatehouse user list | cut -f1")]
    List {
        #[command(flatten)]
        tenant: TenantOption,
    },
    /// Keep a person out from now on: no sign-in, no token, and none that was issued before.
    #[command(after_help = "\
Example:
  gatehouse user disable --username ada")]
    Disable {
        #[command(flatten)]
        tenant: TenantOption,
        /// The account's user name.
        #[arg(long)]
        username: String,
    },
    /// Let a person in again who was disabled.
    #[command(after_help = "\
Example:
  gatehouse user enable --username ada")]
    Enable {
        #[command(flatten)]
        tenant: TenantOption,
        /// The account's user name.
        #[arg(long)]
        username: String,
    },
    /// Sign a person out everywhere: their browsers, and everything that they allowed clients to do.
    #[command(after_help = "\
Example:
  gatehouse user sign-out --username ada")]
    SignOut {
        #[command(flatten)]
        tenant: TenantOption,
        /// The account's user name.
        #[arg(long)]
        username: String,
    },
    /// Remove an account with its sign-ins and with everything that it allowed clients to do.
    #[command(after_help = "\
Example:
  gatehouse user remove --username ada")]
    Remove {
        #[command(flatten)]
        tenant: TenantOption,
        /// The account's user name.
        #[arg(long)]
        username: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Print the keys: identifier, algorithm, when it was made and its state, a tab apart, newest first.
    #[command(after_help = "\
Example:
  gatehouse keys list

The active one signs; all of them verify. A next one takes over in a while, a retired one is kept \
until the tokens have ended that it signed.")]
    List {
        #[command(flatten)]
        tenant: TenantOption,
    },
    /// Add a key that takes over from the active one, without an interruption.
    #[command(after_help = "\
Example:
  gatehouse keys rotate

The new key is published at once and signs after keys.publish_ahead; running processes take it up.")]
    Rotate {
        #[command(flatten)]
        tenant: TenantOption,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print an access token for an account, to try things out without a browser.
    #[command(after_help = "\
Example:
  curl -H \"Authorization: Bearer $(gatehouse token issue --username ada)\" …

It can't be refreshed or taken back: keep its life short.")]
    Issue {
        #[command(flatten)]
        tenant: TenantOption,
        /// The account that the token acts for.
        #[arg(long)]
        username: String,
        /// What the token allows; may be repeated. Everything that the account's role has, without.
        #[arg(long)]
        scope: Vec<String>,
        /// How long it is good, up to a day, as in 90s, 10m, 1h.
        #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = life)]
        ttl: Duration,
    },
}

#[derive(Debug, Args)]
pub(super) struct TenantOption {
    /// The tenant's short name.
    #[arg(long, value_name = "SLUG", default_value = "default")]
    pub(super) tenant: String,
}

fn life(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .filter(|life| !life.is_zero() && *life <= Duration::from_hours(24))
        .ok_or("a duration up to a day, as in 90s, 10m or 1h")
}
