//! `gatehouse check-config`, and the documents that others read: `config-schema`, `admin-api`.

use super::announce::sources;
use super::terminal;
use crate::admin;
use crate::config::{self, Config};

/// Says that there is nothing wrong: whoever has a [`Config`] has one that was checked.
pub(super) fn report(config: &Config) -> anyhow::Result<()> {
    terminal::say(&format!("no mistakes in {}", sources(config)))?;
    Ok(())
}

/// Prints the JSON Schema.
pub(super) fn print_schema() -> anyhow::Result<()> {
    terminal::print(&serde_json::to_string_pretty(&config::schema())?)?;
    Ok(())
}

/// Prints the OpenAPI document of the admin API.
pub(super) fn print_admin_api() -> anyhow::Result<()> {
    terminal::print(&serde_json::to_string_pretty(&admin::document())?)?;
    Ok(())
}
