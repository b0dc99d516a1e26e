//! `gatehouse policy`: why someone may do something, or why not.

use anyhow::bail;
use clap::{Args, Subcommand};

use super::arguments::TenantOption;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::config::Config;
use crate::model::ClientId;
use crate::resource_server::Operation;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Say why a person may use a tool, a resource or a prompt, or why not, and what would change it.
    #[command(after_help = "\
Examples:
  gatehouse policy explain --user ada --tool get_internal_metric
  gatehouse policy explain --tenant acme --user ada --resource config://app --json")]
    Explain {
        #[command(flatten)]
        tenant: TenantOption,
        /// The person's user name.
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        subject: Subject,
        /// The identifier of the client that they would use.
        #[arg(long, value_name = "ID")]
        client: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Subject {
    /// The name of a tool.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// The URI of a resource, or a URI template.
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// The name of a prompt.
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,
}

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: PolicyCommand) -> anyhow::Result<()> {
    let PolicyCommand::Explain {
        tenant,
        user,
        subject,
        client,
        json,
    } = command;
    let gateway = open(config).await?;
    let tenant = find_tenant(&gateway, &tenant).await?;
    let Some(operation) = subject.operation() else {
        bail!("nothing to explain");
    };
    let client = client.map(ClientId::new);
    let operations = gateway.operations();
    let user = operations.find_user_by_name(&tenant.slug, &user).await;
    let user = user.map_err(refused)?;
    let explained = operations.explain(&tenant, user, client.as_ref(), operation);
    let explanation = explained.await.map_err(refused)?;
    if json {
        terminal::print(&serde_json::to_string_pretty(&explanation)?)?;
    } else {
        terminal::print(explanation.to_string().trim_end())?;
    }
    Ok(())
}

impl Subject {
    fn operation(self) -> Option<Operation> {
        let tool = self.tool.map(Operation::CallTool);
        let resource = self.resource.map(Operation::ReadResource);
        let prompt = self.prompt.map(Operation::GetPrompt);
        tool.or(resource).or(prompt)
    }
}
