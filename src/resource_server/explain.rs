//! Why a person may do something, or why not: the policy's decision in words, made by the policy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::permit::{Operation, Policy, Refusal};
use crate::model::{
    Client, ClientId, Principal, RefusalDialect, Scope, ScopeSet, Tenant, Timestamp, User,
    Visibility,
};
use crate::web::rfc3339;

/// Who is about to do what, and where.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where.
    pub tenant: Arc<Tenant>,
    /// Who.
    pub user: User,
    /// Through which client; any without one.
    pub client: Option<Client>,
    /// What.
    pub operation: Operation,
    /// Whether any server has it.
    pub exists: bool,
}

/// The answer, for people as text and for programs as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The tenant's slug.
    pub tenant: String,
    /// What operators call the person by.
    pub username: String,
    /// True when the account may not be used.
    pub disabled: bool,
    /// What their identity provider last said, and which roles follow; none for an account that no
    /// provider has, or has named groups of.
    pub groups: Option<ExplainedGroups>,
    /// The person's roles, with the scopes that each has at the tenant; none for one that the tenant
    /// does not know.
    pub roles: BTreeMap<String, Option<Vec<String>>>,
    /// All that a token of the person can have, with what these scopes imply.
    pub scopes_of_user: Vec<String>,
    /// The client, where one was asked about.
    pub client: Option<ExplainedClient>,
    /// What was asked about: `tool`, `resource` or `prompt`, and its name or URI.
    pub kind: &'static str,
    /// See `kind`.
    pub name: String,
    /// Whether any server has it.
    pub exists: bool,
    /// Every scope that it needs.
    pub needed: Vec<String>,
    /// `discoverable` or `hidden`.
    pub visibility: &'static str,
    /// Those of the needed scopes that are missing.
    pub missing: Vec<String>,
    /// What happens.
    pub verdict: Verdict,
    /// What would change that, each a sentence.
    pub remedies: Vec<String>,
}

/// The groups of a person, as far as the policy goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedGroups {
    /// The provider's name at the tenant.
    pub provider: String,
    /// When it named them, in seconds since the Unix epoch.
    pub named_at: i64,
    /// The role that each of them gives; none for one that gives nothing.
    pub roles: BTreeMap<String, Option<String>>,
    /// The role of everyone who signs in there.
    pub default_role: Option<String>,
}

/// A client as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedClient {
    /// Its identifier.
    pub id: String,
    /// What people know it by.
    pub name: String,
    /// The most that it may have; none where it has no limit.
    pub limit: Option<Vec<String>>,
    /// How it is told what its tokens lack: `http` or `tool_result`.
    pub refusals: &'static str,
}

/// What happens when it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is done, with a token that has the needed scopes.
    Allowed,
    /// It is refused, and the refusal names the needed scopes.
    Refused,
    /// It is answered as if it did not exist.
    Hidden,
    /// The account can have no token.
    Disabled,
    /// There is no such thing.
    Unknown,
}

impl Policy {
    /// Why `question` is answered as it is.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Explanation {
        let Question {
            tenant,
            user,
            client,
            operation,
            exists,
        } = question;
        let catalogue = self.catalogue();
        let of_user = catalogue.expand(&tenant.scopes_of_roles(&user.roles));
        let limit = client.as_ref().and_then(|client| client.scopes.as_ref());
        let held = match limit {
            Some(limit) => of_user.intersection(&catalogue.expand(limit)),
            None => of_user.clone(),
        };
        let (needed, visibility) = self.requirement(tenant, operation);
        let missing = needed.without(&held);
        let (kind, name) = named(operation);
        Explanation {
            tenant: tenant.slug.to_string(),
            username: user.username.clone(),
            disabled: user.disabled,
            groups: groups(tenant, user),
            roles: roles(tenant, user),
            scopes_of_user: names(&of_user),
            client: client.as_ref().map(|client| explained(tenant, client)),
            kind,
            name,
            exists: *exists,
            needed: names(&needed),
            visibility: match visibility {
                Visibility::Discoverable => "discoverable",
                Visibility::Hidden => "hidden",
            },
            verdict: self.verdict(question, held),
            remedies: self.remedies(question, &missing, &of_user),
            missing: names(&missing),
        }
    }

    fn verdict(&self, question: &Question, scopes: ScopeSet) -> Verdict {
        if question.user.disabled {
            return Verdict::Disabled;
        }
        if !question.exists {
            return Verdict::Unknown;
        }
        let client = question.client.as_ref().map(|client| client.id.clone());
        let principal = Arc::new(Principal {
            tenant: question.tenant.slug.clone(),
            user: question.user.id.clone(),
            client: client.unwrap_or_else(|| ClientId::new("any")),
            grant: None,
            key: None,
            refusals: RefusalDialect::default(),
            scopes,
            issued_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(0),
        });
        match self.permit(&question.tenant, &principal, question.operation.clone()) {
            Ok(_) => Verdict::Allowed,
            Err(Refusal::InsufficientScope { .. }) => Verdict::Refused,
            Err(Refusal::Unknown) => Verdict::Hidden,
        }
    }

    fn remedies(&self, question: &Question, missing: &ScopeSet, of_user: &ScopeSet) -> Vec<String> {
        let mut remedies = Vec::new();
        let user = &question.user.username;
        if question.user.disabled {
            remedies.push(format!("Enable {user} again: gatehouse user enable."));
        }
        if !question.exists {
            let (kind, _) = named(&question.operation);
            remedies.push(format!(
                "Ask about a {kind} that a server of the tenant has."
            ));
        }
        let lacking = missing.without(of_user);
        if !lacking.is_empty() {
            let able: Vec<&str> = self.roles_with(&question.tenant, &lacking);
            remedies.push(if able.is_empty() {
                format!("Give a role {lacking}: no role of the tenant has all of it.")
            } else {
                let able = able.join(" or ");
                format!("Give {user} a role that has {lacking}: {able}.")
            });
        }
        let limited = missing.intersection(of_user);
        if let (false, Some(client)) = (limited.is_empty(), &question.client) {
            let client = client.display_name();
            remedies.push(format!(
                "Let the client {client} have {limited}, which it is limited from."
            ));
        }
        if !missing.is_empty() && question.exists {
            let (kind, name) = named(&question.operation);
            remedies.push(format!(
                "Ask less of it, in [{kind}s.{name:?}] of the configuration or of the tenant."
            ));
        }
        remedies
    }

    fn roles_with<'a>(&self, tenant: &'a Tenant, scopes: &ScopeSet) -> Vec<&'a str> {
        let able = tenant
            .roles
            .iter()
            .filter(|(_, role)| self.catalogue().expand(&role.scopes).is_superset(scopes));
        able.map(|(name, _)| name.as_str()).collect()
    }
}

fn roles(tenant: &Tenant, user: &User) -> BTreeMap<String, Option<Vec<String>>> {
    let scopes = |name: &String| tenant.roles.get(name).map(|role| names(&role.scopes));
    user.roles
        .iter()
        .map(|name| (name.clone(), scopes(name)))
        .collect()
}

fn groups(tenant: &Tenant, user: &User) -> Option<ExplainedGroups> {
    let (identity, seen) = (user.identity.as_ref()?, user.groups.as_ref()?);
    let provider = tenant.sign_in.provider(&identity.provider);
    let role = |group: &String| provider.and_then(|provider| provider.roles.get(group).cloned());
    let roles = seen.groups.iter().map(|group| (group.clone(), role(group)));
    Some(ExplainedGroups {
        provider: identity.provider.clone(),
        named_at: seen.taken_at.seconds(),
        roles: roles.collect(),
        default_role: provider.and_then(|provider| provider.default_role.clone()),
    })
}

fn explained(tenant: &Tenant, client: &Client) -> ExplainedClient {
    let by_rule = || tenant.refusals.of(client.id.as_str());
    ExplainedClient {
        id: client.id.to_string(),
        name: client.display_name().to_owned(),
        limit: client.scopes.as_ref().map(names),
        refusals: client.refusals.unwrap_or_else(by_rule).as_str(),
    }
}

fn named(operation: &Operation) -> (&'static str, String) {
    match operation {
        Operation::Converse => ("conversation", String::new()),
        Operation::CallTool(name) => ("tool", name.clone()),
        Operation::ReadResource(uri) => ("resource", uri.clone()),
        Operation::GetPrompt(name) => ("prompt", name.clone()),
    }
}

fn names(scopes: &ScopeSet) -> Vec<String> {
    scopes.iter().map(Scope::to_string).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(" ")
}

impl fmt::Display for ExplainedGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = rfc3339(Timestamp::from_seconds(self.named_at));
        writeln!(f, "  groups that {} named at {at}:", self.provider)?;
        if self.roles.is_empty() {
            writeln!(f, "    none")?;
        }
        for (group, role) in &self.roles {
            match role {
                Some(role) => writeln!(f, "    {group}: role {role}")?,
                None => writeln!(f, "    {group}: no role")?,
            }
        }
        match &self.default_role {
            Some(role) => writeln!(f, "    whoever signs in there: role {role}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenant,
            username,
            kind,
            name,
            ..
        } = self;
        let disabled = if self.disabled { ", disabled" } else { "" };
        writeln!(f, "{username} at {tenant}{disabled}")?;
        if let Some(groups) = &self.groups {
            write!(f, "{groups}")?;
        }
        if self.roles.is_empty() {
            writeln!(f, "  has no role, so no scope")?;
        }
        for (role, scopes) in &self.roles {
            match scopes {
                Some(scopes) => writeln!(f, "  role {role}: {}", list(scopes))?,
                None => writeln!(f, "  role {role}: unknown at the tenant, so no scope")?,
            }
        }
        let scopes = list(&self.scopes_of_user);
        writeln!(f, "  a token can have at most: {scopes}")?;
        if let Some(client) = &self.client {
            let limit = client.limit.as_deref().map(list);
            let limit = limit.unwrap_or_else(|| "whatever the person has".to_owned());
            writeln!(f, "client {} ({})", client.name, client.id)?;
            writeln!(f, "  may have: {limit}")?;
            writeln!(f, "  is refused by: {}", client.refusals)?;
        }
        writeln!(f, "{kind} {name}")?;
        writeln!(f, "  needs: {}", list(&self.needed))?;
        let seen = match self.visibility {
            "hidden" => "hidden: without these, not listed and unknown",
            _ => "discoverable: listed for everyone, refused without these",
        };
        writeln!(f, "  is {seen}")?;
        writeln!(f, "verdict: {}", self.verdict_in_words())?;
        for remedy in &self.remedies {
            writeln!(f, "  - {remedy}")?;
        }
        Ok(())
    }
}

impl Explanation {
    fn verdict_in_words(&self) -> String {
        let missing = list(&self.missing);
        match self.verdict {
            Verdict::Allowed => {
                "allowed, with a token for which the needed scopes were asked".to_owned()
            }
            Verdict::Refused => format!("refused for lack of {missing}. What would change it:"),
            Verdict::Hidden => {
                format!(
                    "answered as if it did not exist, for lack of {missing}. What would change it:"
                )
            }
            Verdict::Disabled => {
                "no token at all: the account is disabled. What would change it:".to_owned()
            }
            Verdict::Unknown => format!("no server has this {}. What would change it:", self.kind),
        }
    }
}
