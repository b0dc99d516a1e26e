//! What an operator asks of those who use tools, resources and prompts.

use std::collections::BTreeMap;

use super::{MountPrefix, ScopeSet, expands_to};

/// Whether those who may not use something know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It is listed, and refused with the scopes that it needs.
    #[default]
    Discoverable,
    /// It is not listed, and unknown when it is asked for.
    Hidden,
}

/// What a tool, resource or prompt asks for beyond the scope of all of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// The scopes.
    pub scopes: ScopeSet,
    /// What callers without them see.
    pub visibility: Visibility,
}

/// The requirements of single tools, resources and prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// By the name of the tool.
    pub tools: BTreeMap<String, Requirement>,
    /// By the URI of the resource, or by the URI template of many.
    pub resources: BTreeMap<String, Requirement>,
    /// By the name of the prompt.
    pub prompts: BTreeMap<String, Requirement>,
    /// By what the names and URIs of a mounted server begin with.
    pub servers: BTreeMap<MountPrefix, ScopeSet>,
}

impl Requirement {
    /// What asks for all that both ask for, and hides what either hides.
    #[must_use]
    fn and(self, other: &Self) -> Self {
        let hidden = [self.visibility, other.visibility].contains(&Visibility::Hidden);
        Self {
            scopes: self.scopes.union(&other.scopes),
            visibility: if hidden {
                Visibility::Hidden
            } else {
                Visibility::Discoverable
            },
        }
    }
}

impl AccessRules {
    /// These rules, and those of `global` about what these don't name.
    #[must_use]
    pub fn over(mut self, global: &Self) -> Self {
        let missing = |own: &mut BTreeMap<String, Requirement>, global: &BTreeMap<_, _>| {
            for (name, requirement) in global {
                own.entry(String::clone(name))
                    .or_insert_with(|| Requirement::clone(requirement));
            }
        };
        missing(&mut self.tools, &global.tools);
        missing(&mut self.resources, &global.resources);
        missing(&mut self.prompts, &global.prompts);
        self
    }

    /// What the mounted server of the tool or prompt `name` asks for, whichever it is.
    #[must_use]
    pub fn of_server_named(&self, name: &str) -> ScopeSet {
        self.of_server(|prefix| prefix.claims_name(name))
    }

    /// What the mounted server of the resource or template `uri` asks for, whichever it is.
    #[must_use]
    pub fn of_server_at(&self, uri: &str) -> ScopeSet {
        self.of_server(|prefix| prefix.claims_uri(uri))
    }

    fn of_server(&self, claims: impl Fn(&MountPrefix) -> bool) -> ScopeSet {
        let claiming = self.servers.iter().filter(|(prefix, _)| claims(prefix));
        claiming.fold(ScopeSet::default(), |sum, (_, scopes)| sum.union(scopes))
    }

    /// What the resource at `uri`, or the template that reads so, asks for. Where several rules
    /// are about it, all of them count.
    #[must_use]
    pub fn of_resource(&self, uri: &str) -> Requirement {
        self.resources
            .iter()
            .filter(|(rule, _)| is_about(rule, uri))
            .fold(Requirement::default(), |sum, (_, one)| sum.and(one))
    }
}

/// True when a rule for the resource `rule` is about `uri`. A server may take two ways to write a
/// URI for one (RFC 3986 §6.2.2), so the rule is about every one that could be the same.
fn is_about(rule: &str, uri: &str) -> bool {
    let (rule, uri) = (rule.to_ascii_lowercase(), uri.to_ascii_lowercase());
    decoded(&rule) == decoded(&uri) || expands_to(&rule, &uri)
}

/// The bytes that percent-encoding stands for (RFC 3986 §2.1), in lower case.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (digit(ahead.next()), digit(ahead.next()));
        let value = match digits {
            (Some(high), Some(low)) if byte == b'%' => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        match value {
            Some(value) => {
                out.push(value.to_ascii_lowercase());
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn g05_a_rule_is_about_every_spelling_of_its_resource() {
        for (rule, uri) in [
            ("config://app", "config://app"),
            ("config://app", "CONFIG://APP"),
            ("config://app", "config://%61pp"),
            ("config://app", "config://%41pp"),
            ("alerts://{state}/active", "alerts://CA/active"),
            ("alerts://{state}/active", "Alerts://ca/Active"),
            ("alerts://{state}/active", "alerts://{state}/active"),
            ("alerts://CA/active", "alerts://c%61/active"),
        ] {
            assert!(is_about(rule, uri), "{rule} {uri}");
        }
        for (rule, uri) in [
            ("config://app", "config://app2"),
            ("config://app", "config://ap"),
            ("alerts://{state}/active", "alerts://CA/../active"),
            ("alerts://CA/active", "alerts://{state}/active"),
        ] {
            assert!(!is_about(rule, uri), "{rule} {uri}");
        }
    }
}
