//! Operators themselves: who may come here with a token, and who is signed in at the console.

use std::time::Duration;

use super::{By, OperationError, Operations};
use crate::model::{
    Operator, OperatorName, OperatorRole, OperatorSession, Secret, TenantSlug, is_operator_token,
    new_operator_token,
};
use crate::store::StoreError;

/// An operator as another one describes them.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: OperatorRole,
    /// The one tenant that exists for them.
    pub tenant: Option<TenantSlug>,
    /// For how long their token is good; until it is removed where that is not said.
    pub lifetime: Option<Duration>,
}

/// For how long a browser stays signed in at the console.
const SESSION_LIFETIME: Duration = Duration::from_hours(8);

impl Operations {
    /// All operators by name.
    pub async fn list_operators(&self) -> Result<Vec<Operator>, OperationError> {
        Ok(self.store.list_operators().await?)
    }

    /// Adds an operator. The token is told once.
    pub async fn add_operator(
        &self,
        by: &By,
        new: NewOperator,
    ) -> Result<(Operator, Secret), OperationError> {
        let name: OperatorName = new.name.parse().map_err(|error| {
            let rule = crate::model::InvalidOperatorName::to_string(&error);
            OperationError::invalid("name", rule)
        })?;
        if let Some(tenant) = &new.tenant {
            self.find_tenant(tenant).await?;
        }
        let now = self.clock.now();
        let operator = Operator {
            name,
            role: new.role,
            tenant: new.tenant,
            created_at: now,
            expires_at: new.lifetime.map(|lifetime| now.after(lifetime)),
        };
        let token = new_operator_token(&*self.random);
        let change = self.change(by, &TenantSlug::default());
        let digest = token.digest();
        match self.store.add_operator(&change, &operator, &digest).await {
            Err(StoreError::Conflict) => {
                let text = format!("there is an operator {} already", operator.name);
                return Err(OperationError::Taken(text));
            }
            added => added?,
        }
        tracing::info!(%by, operator = %operator.name, role = operator.role.as_str(), "added an operator");
        Ok((operator, token))
    }

    /// Removes an operator: from now on their token and their sessions are nobody's.
    pub async fn remove_operator(&self, by: &By, name: &str) -> Result<(), OperationError> {
        let missing = || OperationError::missing("operator", name);
        let parsed: OperatorName = name.parse().map_err(|_| missing())?;
        let change = self.change(by, &TenantSlug::default());
        if !self.store.remove_operator(&change, &parsed).await? {
            return Err(missing());
        }
        tracing::info!(%by, operator = name, "removed an operator");
        Ok(())
    }

    /// Whose token it is; nobody's where it is of another kind, unknown, or has ended.
    pub async fn operator_of(&self, token: &Secret) -> Result<Option<Operator>, StoreError> {
        if !is_operator_token(token) {
            return Ok(None);
        }
        let now = self.clock.now();
        self.store.find_operator(&token.digest(), now).await
    }

    /// Signs an operator in at the console; answers with the cookie and how long it is good.
    pub async fn begin_session(
        &self,
        operator: &Operator,
    ) -> Result<(Secret, Duration), StoreError> {
        let cookie = Secret::generate(&*self.random);
        let now = self.clock.now();
        let session = OperatorSession {
            digest: cookie.digest(),
            operator: operator.name.clone(),
            started_at: now,
            expires_at: now.after(SESSION_LIFETIME),
        };
        self.store.start_operator_session(&session).await?;
        tracing::info!(operator = %operator.name, "signed in at the console");
        Ok((cookie, SESSION_LIFETIME))
    }

    /// Who is signed in with that cookie.
    pub async fn operator_in_session(
        &self,
        cookie: &Secret,
    ) -> Result<Option<Operator>, StoreError> {
        let now = self.clock.now();
        self.store
            .find_operator_session(&cookie.digest(), now)
            .await
    }

    /// Signs a browser out.
    pub async fn end_session(&self, cookie: &Secret) -> Result<(), StoreError> {
        self.store.end_operator_session(&cookie.digest()).await
    }
}
