//! Which addresses are public: the special-use registries of IANA (RFC 6890), read strictly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What no request of a stranger may make the gateway reach. The registry calls two of these
/// globally reachable (AS112 and AMT), but no web server is there.
const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared, of carriers
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, metadata services of clouds among it
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 31, 196, 0], 24), // AS112
    ([192, 52, 193, 0], 24), // AMT
    ([192, 88, 99, 0], 24),  // relays of 6to4
    ([192, 168, 0, 0], 16),  // private
    ([192, 175, 48, 0], 24), // AS112
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, and broadcast
    // Not IANA's: a public address by its number, and the host's own services within Azure.
    ([168, 63, 129, 16], 32),
];

/// The blocks within 2000::/3 that are not for everyone; all that is outside of it is not either.
/// That leaves out IPv4-mapped addresses, both prefixes of NAT64, link-local and unique local
/// ones, and multicast.
const SPECIAL_V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),      // protocol assignments, Teredo and ORCHID among them
    ([0x2001, 0x0db8, 0], 32), // documentation
    ([0x2002, 0, 0], 16),      // 6to4: an IPv4 address is within
    ([0x2620, 0x004f, 0x8000], 48), // AS112
    ([0x3fff, 0, 0], 20),      // documentation
];

/// True for an address that anyone on the Internet may be sent to.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, length): &([u8; 4], u32)| {
        let shift = 32 - length;
        address.to_bits() >> shift == Ipv4Addr::from(*network).to_bits() >> shift
    };
    !SPECIAL_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, _, fifth, sixth, ..] = address.segments();
    // RFC 5214 §6.1: the interface identifier of ISATAP holds an IPv4 address, in any network.
    let isatap = matches!(fifth, 0 | 0x0200) && sixth == 0x5efe;
    let joined = |[a, b, c]: [u16; 3]| u64::from(a) << 32 | u64::from(b) << 16 | u64::from(c);
    let within = |(network, length): &([u16; 3], u32)| {
        let shift = 48 - length;
        joined([first, second, third]) >> shift == joined(*network) >> shift
    };
    first >> 13 == 1 && !isatap && !SPECIAL_V6.iter().any(within)
}
