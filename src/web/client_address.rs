//! Where a request comes from: the address that connects, or the one that trusted proxies say it is
//! forwarded for (`X-Forwarded-For`, RFC 7239).
//!
//! Each proxy adds on the right whom it got the request from. So the list is read from the right, and
//! the first address that is no trusted proxy's is the client: what stands left of it is what that
//! client says, and may be invented.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::config::ForwardingHeader;

/// The address that a request comes from, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who may say for whom a request is forwarded, and where.
#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardingHeader,
    warned: AtomicBool,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl TrustedProxies {
    /// The proxies in `networks`, which write `header`.
    #[must_use]
    pub fn new(networks: Vec<IpNet>, header: ForwardingHeader) -> Self {
        Self {
            networks,
            header,
            warned: AtomicBool::new(false),
        }
    }

    /// The client of a request that `peer` sends.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            self.warn_once(nearest, headers);
            return ClientAddress(nearest);
        }
        for hop in self.hops(headers).into_iter().rev() {
            // What is no address was not written by a proxy that is to be believed.
            let Some(hop) = hop else { break };
            nearest = hop;
            if !self.trusts(nearest) {
                break;
            }
        }
        ClientAddress(nearest)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Whom the request was forwarded for, the nearest last.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        // RFC 9110 §5.3: several lines are one list.
        let lines = headers.get_all(self.name()).iter();
        let mut hops = Vec::new();
        for line in lines {
            match (line.to_str(), self.header) {
                (Err(_), _) => hops.push(None),
                (Ok(line), ForwardingHeader::XForwardedFor) => {
                    hops.extend(line.split(',').map(address));
                }
                (Ok(line), ForwardingHeader::Forwarded) => match elements(line) {
                    Some(elements) => hops.extend(elements.into_iter().map(forwarded_for)),
                    None => hops.push(None),
                },
            }
        }
        hops
    }

    fn name(&self) -> HeaderName {
        match self.header {
            ForwardingHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardingHeader::Forwarded => FORWARDED,
        }
    }

    /// Behind a proxy that is not configured, everyone would share one address.
    fn warn_once(&self, peer: IpAddr, headers: &HeaderMap) {
        let overlooked = self.networks.is_empty() && headers.contains_key(self.name());
        if overlooked && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                header = %self.name(),
                "a request says for whom it is forwarded, and nobody is believed to: if there is a \
                 proxy in front of this process, put its network into server.trusted_proxies, since \
                 all of its clients have its address in limits and logs until then"
            );
        }
    }
}

/// An address, where proxies may have added a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// The elements of a `Forwarded` header, split where no quoted text is (RFC 7239 §4).
fn elements(line: &str) -> Option<Vec<&str>> {
    split(line, ',')
}

/// The node of an element's `for`; none where it is hidden or unknown (RFC 7239 §6).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut nodes = split(element, ';')?.into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    });
    let (node, None) = (nodes.next()?.trim(), nodes.next()) else {
        return None;
    };
    match node.strip_prefix('"') {
        // RFC 7239 §6: with brackets or a port, a node is quoted.
        Some(quoted) => address(quoted.strip_suffix('"')?),
        None => address(node),
    }
}

/// The parts of `text` between separators outside of quotes; none where a quote is left open.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut quoted = false;
    let mut escaped = false;
    let parts = text.split(|character| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        character == separator && !quoted
    });
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(header: ForwardingHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|text| text.parse().unwrap());
        let proxies = TrustedProxies::new(networks.to_vec(), header);
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(*name, value);
        }
        let ClientAddress(address) = proxies.client(peer.parse().unwrap(), &headers);
        address.to_string()
    }

    fn x(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        client(ForwardingHeader::XForwardedFor, peer, &lines)
    }

    fn forwarded(line: &str) -> String {
        client(
            ForwardingHeader::Forwarded,
            "10.0.0.1",
            &[("forwarded", line)],
        )
    }

    #[test]
    fn m01_nobody_is_believed_but_trusted_proxies() {
        assert_eq!(x("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(x("::ffff:192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(x("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        let others = [
            ("forwarded", "for=198.51.100.1"),
            ("x-real-ip", "198.51.100.2"),
            ("cf-connecting-ip", "198.51.100.3"),
            ("true-client-ip", "198.51.100.4"),
        ];
        let header = ForwardingHeader::XForwardedFor;
        assert_eq!(client(header, "10.0.0.1", &others), "10.0.0.1");
        let others = [("x-forwarded-for", "198.51.100.1")];
        let header = ForwardingHeader::Forwarded;
        assert_eq!(client(header, "10.0.0.1", &others), "10.0.0.1");
    }

    #[test]
    fn m01_the_nearest_address_that_is_no_proxy_is_the_client() {
        // What the client invented stands on the left.
        assert_eq!(x("10.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            x("10.0.0.1", &["1.1.1.1,198.51.100.1 , 10.0.0.2"]),
            "198.51.100.1"
        );
        assert_eq!(x("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            x("10.0.0.1", &["10.9.9.9, 198.51.100.1, 10.0.0.2"]),
            "198.51.100.1"
        );
        // All of them are ours: the request began at the farthest.
        assert_eq!(x("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(x("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn m01_what_is_no_address_ends_the_search() {
        for line in [
            "",
            "unknown",
            "_hidden",
            "localhost",
            "198.51.100.1, x",
            "1.2.3",
            "\u{e9}",
        ] {
            assert_eq!(x("10.0.0.1", &[line]), "10.0.0.1", "{line:?}");
        }
        assert_eq!(x("10.0.0.1", &["198.51.100.1, x, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn addresses_come_with_ports_and_brackets() {
        assert_eq!(x("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(x("10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(x("10.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(x("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(x("2001:db8:ffff::1", &["::ffff:192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn m01_forwarded_is_read_as_its_rfc_has_it() {
        assert_eq!(
            forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"),
            "192.0.2.60"
        );
        assert_eq!(
            forwarded("For=\"[2001:db8:cafe::17]:4711\""),
            "2001:db8:cafe::17"
        );
        assert_eq!(
            forwarded("for=192.0.2.43, for=198.51.100.17"),
            "198.51.100.17"
        );
        assert_eq!(forwarded("by=x ; For = 198.51.100.17:80"), "198.51.100.17");
        // A comma in quotes parts nothing, and neither does an escaped quote.
        assert_eq!(
            forwarded("for=192.0.2.43;by=\"a,for=1.1.1.1\""),
            "192.0.2.43"
        );
        assert_eq!(
            forwarded("for=192.0.2.43;by=\"\\\",for=1.1.1.1\""),
            "192.0.2.43"
        );
        for line in [
            "for=unknown",
            "for=_mdn",
            "by=10.0.0.2",
            "for=192.0.2.43;for=192.0.2.44",
            "for=\"192.0.2.43",
            "for=192.0.2.1, for=\"",
            "",
        ] {
            assert_eq!(forwarded(line), "10.0.0.1", "{line:?}");
        }
    }
}
