//! What the schema can't say: each section checks its own values here, and every mistake is kept.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use super::document::{Document, Environment};
use super::problem::{KeyPath, Problem};

/// The mistakes that were found so far.
#[derive(Debug)]
pub(super) struct Checks<'a> {
    document: &'a Document,
    environment: &'a Environment,
    problems: Vec<Problem>,
    files: BTreeSet<PathBuf>,
}

impl<'a> Checks<'a> {
    pub(super) fn new(document: &'a Document, environment: &'a Environment) -> Self {
        Self {
            document,
            environment,
            problems: Vec::new(),
            files: BTreeSet::new(),
        }
    }

    /// The environment, for values that name a variable.
    pub(super) fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// Remembers that the configuration is also what is in this file.
    pub(super) fn note_file(&mut self, name: &str) {
        self.files.insert(name.into());
    }

    /// The files that the configuration names.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter()
    }

    /// Keeps a mistake; what stands at `path` is shown with it.
    pub(super) fn refuse(&mut self, path: &KeyPath, expected: impl Into<String>) {
        self.problems.push(self.document.problem(path, expected));
    }

    /// Keeps a mistake, with these words for what was found.
    pub(super) fn refuse_found(
        &mut self,
        path: &KeyPath,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.problems.push(Problem {
            found: found.into(),
            ..self.document.problem(path, expected)
        });
    }

    /// Keeps a mistake unless there is a value.
    pub(super) fn require<T>(
        &mut self,
        value: Option<T>,
        path: &KeyPath,
        expected: impl Into<String>,
    ) -> Option<T> {
        if value.is_none() {
            self.refuse(path, expected);
        }
        value
    }

    /// A duration of at least `least` and at most `most`.
    pub(super) fn duration(
        &mut self,
        path: &KeyPath,
        text: &str,
        (least, most): (&str, &str),
    ) -> Option<Duration> {
        let bounds = duration(least).zip(duration(most));
        let value = duration(text)
            .filter(|value| bounds.is_none_or(|(least, most)| (least..=most).contains(value)));
        let expected = format!("a duration from \"{least}\" to \"{most}\", with s, m, h or d");
        self.require(value, path, expected)
    }

    /// Networks, each as in `10.20.0.0/16`, or single addresses.
    pub(super) fn networks(&mut self, texts: &[String], path: &KeyPath) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (position, text) in texts.iter().enumerate() {
            let expected = "a network, as in \"10.20.0.0/16\" without bits after its prefix, or an \
                            address";
            networks.extend(self.require(network(text), &path.join(position), expected));
        }
        networks
    }

    /// All mistakes.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// Reads a count of seconds, minutes, hours or days, as in `30s`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let (count, seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = digits.then(|| count.parse().ok())??;
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// Reads a network without bits after its prefix, or a single address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let single = || text.parse().ok().map(|address: IpAddr| address.into());
    let network = text.parse().ok().or_else(single);
    network.filter(|network: &IpNet| network.trunc() == *network)
}

/// Reads an address that an operator may configure: https, or http on this machine.
pub(super) fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let loopback = match url.host()? {
        Host::Domain(domain) => domain == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let reachable = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (reachable && plain).then_some(url)
}
