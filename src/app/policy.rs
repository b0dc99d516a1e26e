//! What an operator asks the policy.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::Gateway;
use crate::model::{ClientId, Tenant};
use crate::resource_server::{Explanation, Operation, Question};

impl Gateway {
    /// Why the person of that user name may do `operation`, or why not.
    pub async fn explain(
        &self,
        tenant: &Arc<Tenant>,
        username: &str,
        client: Option<&ClientId>,
        operation: Operation,
    ) -> anyhow::Result<Explanation> {
        let user = self.store.find_user_by_name(&tenant.slug, username).await?;
        let user = user.with_context(|| format!("there is no account {username:?}"))?;
        let client = match client {
            None => None,
            Some(id) => match self.store.find_client(&tenant.slug, id).await? {
                Some(client) => Some(client),
                None => bail!("there is no registered client {:?}", id.as_str()),
            },
        };
        let question = Question {
            tenant: Arc::clone(tenant),
            user,
            client,
            exists: self.dispatcher.offers(tenant, &operation).await,
            operation,
        };
        Ok(self.dispatcher.policy().explain(&question))
    }
}
