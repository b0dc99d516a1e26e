//! The configuration: a TOML file, the environment over it, checked as a whole before anything
//! starts. Every mistake is found at once.
//!
//! A section is written as `…Section` and reaches the rooms above as the value of its name.

mod access;
mod audit;
mod authorization;
mod branding;
mod checks;
mod clients;
mod database;
mod described_api;
mod document;
mod fixed;
mod foreign;
mod identity_assertions;
mod identity_provider;
mod keys;
mod mcp;
mod problem;
mod provisioning;
mod rate_limits;
mod refusals;
mod registration;
mod schema;
mod scopes;
mod sections;
mod server;
mod server_credentials;
mod servers;
mod sign_in;
mod telemetry;
mod tenant_document;
mod tenants;
mod tokens;
mod weather;

use std::path::Path;

use serde::Deserialize as _;

use checks::Checks;
use document::Document;
use problem::KeyPath;
use sections::Sections;

pub use audit::Audit;
pub use checks::duration;
pub use clients::MetadataDocuments;
pub use database::Database;
pub use document::Environment;
pub use keys::Keys;
pub use mcp::Mcp;
pub use problem::{Origin, Problem, Problems, nearest};
pub use registration::Registration;
pub use schema::{read_value, schema};
pub use scopes::Scopes;
pub use sections::{Config, Sources};
pub use server::{ForwardingHeader, Server};
pub use telemetry::{LogFormat, Otlp, Telemetry};
pub use tenant_document::{TenantRules, TenantSettings};
pub use tenants::{FileTenant, reserved_segment};
pub use tokens::Tokens;
pub use weather::Weather;

/// The file that is read when none is named and it exists.
pub const DEFAULT_FILE: &str = "config/gatehouse.toml";

/// Reads the file at `path`, or the default file where it exists, or nothing, and puts the
/// environment over it.
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Config, Problems> {
    let default = Path::new(DEFAULT_FILE);
    let Some(path) = path.or_else(|| default.exists().then_some(default)) else {
        return finish(Document::read("", None), environment);
    };
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => finish(Document::read(&text, Some(name)), environment),
        Err(error) => Err(Problems::new(vec![Problem {
            origin: Origin::File {
                name,
                line: None,
                column: None,
            },
            path: String::new(),
            found: format!("no readable file ({})", error.kind()),
            expected: "a TOML file".to_owned(),
        }])),
    }
}

/// Reads a configuration from text, as if it stood in a file of this `name`.
pub fn parse(text: &str, name: &str, environment: &Environment) -> Result<Config, Problems> {
    finish(Document::read(text, Some(name.to_owned())), environment)
}

fn finish(
    document: Result<Document, Problems>,
    environment: &Environment,
) -> Result<Config, Problems> {
    let mut document = document?;
    let mut problems: Vec<Problem> = document.merge(environment).into_iter().collect();
    problems.extend(schema::check(&mut document, &schema()));
    let Ok(sections) = Sections::deserialize(document.value()) else {
        // The schema is made from these very types, so that only its own mistakes end here.
        let whole = document.problem(&KeyPath::default(), "a document that fits its schema");
        problems.push(whole);
        return Err(Problems::new(problems));
    };
    let mut checks = Checks::new(&document, environment);
    let mut config = sections.resolve(&mut checks, document.sources());
    if let Some(config) = &mut config {
        config.sources.files = checks.files().cloned().collect();
    }
    problems.extend(checks.into_problems());
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => Err(Problems::new(problems)),
    }
}
