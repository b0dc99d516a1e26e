//! What an operator asks the policy.

use std::sync::Arc;

use super::{OperationError, Operations};
use crate::model::{ClientId, Tenant, User};
use crate::resource_server::{Explanation, Operation, Question};

impl Operations {
    /// Why a person may do `operation`, or why not, through that client where one is named.
    pub async fn explain(
        &self,
        tenant: &Arc<Tenant>,
        user: User,
        client: Option<&ClientId>,
        operation: Operation,
    ) -> Result<Explanation, OperationError> {
        let client = match client {
            None => None,
            Some(id) => Some(self.find_client(&tenant.slug, id).await?),
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
