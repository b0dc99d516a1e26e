//! Addresses, 4 or 16 bytes each: none that is special to this host or its network is public,
//! however it is wrapped.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatehouse::egress::is_public;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(bytes) = data.first_chunk::<4>() {
        check_v4(Ipv4Addr::from(*bytes));
    }
    if let Some(bytes) = data.first_chunk::<16>() {
        check_v6(Ipv6Addr::from(*bytes));
    }
});

fn check_v4(address: Ipv4Addr) {
    let [first, second, ..] = address.octets();
    let carriers = first == 100 && (64..128).contains(&second);
    let benchmarks = first == 198 && (second == 18 || second == 19);
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || carriers
        || benchmarks;
    assert!(!(special && is_public(address.into())), "{address}");
    // Wrapped in IPv6, no IPv4 address is public.
    let [a, b] = [address.to_bits() >> 16, address.to_bits() & 0xffff];
    let (a, b) = (u16::try_from(a).unwrap_or(0), u16::try_from(b).unwrap_or(0));
    for wrapped in [
        address.to_ipv6_mapped(),
        address.to_ipv6_compatible(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, a, b),
        Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, a, b, 0, 0, !a, !b),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, a, b),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, a, b),
    ] {
        assert!(!is_public(wrapped.into()), "{wrapped}");
    }
}

fn check_v6(address: Ipv6Addr) {
    let special = address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.to_ipv4_mapped().is_some();
    assert!(!(special && is_public(IpAddr::V6(address))), "{address}");
}
