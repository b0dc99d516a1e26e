//! What a running process can't take up: whoever changes it starts the process anew.

use std::fmt::Debug;

use super::{Config, Otlp};
use crate::model::Digest;

impl Config {
    /// The keys, of those that hold for the life of a process, in which `other` says something else.
    #[must_use]
    pub fn fixed_keys_that_differ(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.fixed().into_iter().zip(other.fixed());
        pairs
            .filter(|((_, own), (_, its))| own != its)
            .map(|((name, _), _)| name)
            .collect()
    }

    /// Each such key with a digest of what is said there. Secrets have no other text to compare.
    fn fixed(&self) -> Vec<(&'static str, Digest)> {
        let server = &self.server;
        let documents = &self.metadata_documents;
        let keys = &self.keys;
        let key = keys.encryption_key.as_ref();
        let key = key.map(|key| key.encode().digest().to_hex());
        let network = (
            &documents.allow_private,
            &documents.allow_ports,
            &documents.root_certificates,
            documents.max_size,
        );
        let settings = (keys.algorithm, keys.rotate_every, keys.publish_ahead);
        vec![
            ("server.listen", of(&server.listen)),
            ("server.public_url", of(&server.public_url)),
            ("server.admin_listen", of(&server.admin_listen)),
            ("server.drain", of(&server.drain)),
            ("database.url", self.database.url.digest()),
            ("weather", of(&self.weather)),
            ("keys.encryption_key", of(&key)),
            ("keys", of(&settings)),
            ("mcp", of(&self.mcp)),
            ("audit", of(&self.audit)),
            ("registration.unused_ttl", of(&self.registration.unused_ttl)),
            ("clients.metadata_documents", of(&network)),
            ("telemetry.log", of(&self.telemetry.log)),
            (
                "telemetry",
                of(&self
                    .telemetry
                    .otlp
                    .as_ref()
                    .map(|otlp| digest(otlp).to_hex())),
            ),
        ]
    }
}

fn digest(otlp: &Otlp) -> Digest {
    let headers = otlp.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name, value.digest().to_hex()))
        .collect();
    of(&(&otlp.endpoint, headers, otlp.trace_ratio, otlp.interval))
}

fn of(value: &impl Debug) -> Digest {
    Digest::of(format!("{value:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::config::{Environment, parse};

    fn differ(before: &str, after: &str) -> Vec<&'static str> {
        let environment: Environment = [("KEY", "one"), ("OTHER", "two")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let read = |text| parse(text, "test.toml", &environment).unwrap();
        read(before).fixed_keys_that_differ(&read(after))
    }

    #[test]
    fn what_holds_for_the_life_of_a_process_is_named() {
        assert_eq!(
            differ("", "[server]\nlisten = \"127.0.0.1:1\""),
            ["server.listen"]
        );
        let database = |place| format!("[database]\nurl = {place}");
        assert_eq!(
            differ(&database("\"sqlite://a\""), &database("\"sqlite://b\"")),
            ["database.url"]
        );
        let telemetry = |place| {
            format!(
                "[telemetry]\notlp_endpoint = \"http://127.0.0.1:1\"\n\
                 otlp_headers = {{ key = {{ env = \"{place}\" }} }}"
            )
        };
        assert_eq!(
            differ(&telemetry("KEY"), &telemetry("OTHER")),
            ["telemetry"]
        );
    }

    #[test]
    fn everything_else_can_be_taken_up() {
        let text = "[tokens]\naccess_ttl = \"5m\"\n[scopes]\ninitial = []\n\
                    [server]\nallowed_origins = [\"https://a.example\"]\n\
                    [rate_limits]\nper_principal = \"7/m\"\n\
                    [[tenants]]\nslug = \"acme\"\npublic_url = \"https://acme.example.com\"";
        assert_eq!(differ("", text), [""; 0]);
    }
}
