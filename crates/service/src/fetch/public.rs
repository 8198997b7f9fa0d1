//! Addresses of the public internet, after the registries of special-purpose addresses of IANA (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Networks of IPv4 that are not of the public internet, and the lengths of their prefixes.
const NOT_PUBLIC_4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),       // this network (RFC 791)
    ([10, 0, 0, 0], 8),      // private (RFC 1918)
    ([100, 64, 0, 0], 10),   // shared, behind the translation of carriers (RFC 6598)
    ([127, 0, 0, 0], 8),     // loopback (RFC 1122)
    ([169, 254, 0, 0], 16),  // link-local, and metadata of clouds (RFC 3927)
    ([172, 16, 0, 0], 12),   // private (RFC 1918)
    ([192, 0, 0, 0], 24),    // assignments of the IETF (RFC 6890)
    ([192, 0, 2, 0], 24),    // documentation (RFC 5737)
    ([192, 88, 99, 0], 24),  // relays of 6to4, deprecated (RFC 7526)
    ([192, 168, 0, 0], 16),  // private (RFC 1918)
    ([198, 18, 0, 0], 15),   // benchmarks (RFC 2544)
    ([198, 51, 100, 0], 24), // documentation (RFC 5737)
    ([203, 0, 113, 0], 24),  // documentation (RFC 5737)
    ([224, 0, 0, 0], 4),     // multicast (RFC 1112)
    ([240, 0, 0, 0], 4),     // reserved, and broadcast (RFC 1112, RFC 919)
];

/// Network of all global unicast addresses of IPv6 (RFC 4291). Loopback, mapped and translated addresses of IPv4, unique
/// local, link-local and multicast addresses lie outside.
const GLOBAL_6: ([u16; 8], u32) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Networks within it that are not of the public internet.
const NOT_PUBLIC_6: [([u16; 8], u32); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // assignments of the IETF: Teredo, benchmarks, ORCHID (RFC 2928)
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation (RFC 3849)
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4: any address of IPv4 (RFC 3056)
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation (RFC 9637)
];

/// Ports below 1024 that servers of the web listen on. Others belong to services that must not be sent requests.
const WEB_PORTS: [u16; 2] = [80, 443];
/// First port that is free for everyone's servers.
const FREE_PORT: u16 = 1024;

/// Returns true for a public address and a port of the web.
pub fn may_be_connected_to(address: SocketAddr) -> bool {
    let port = address.port();
    (WEB_PORTS.contains(&port) || port >= FREE_PORT) && is_public(address.ip())
}

/// Returns true for an address of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !NOT_PUBLIC_4.iter().any(|(network, length)| is_within_4(address, *network, *length))
        }
        IpAddr::V6(address) => {
            let is_within = |(network, length): &([u16; 8], u32)| is_within_6(address, *network, *length);
            is_within(&GLOBAL_6) && !NOT_PUBLIC_6.iter().any(is_within)
        }
    }
}

fn is_within_4(address: Ipv4Addr, network: [u8; 4], length: u32) -> bool {
    let difference = address.to_bits() ^ u32::from_be_bytes(network);
    difference.leading_zeros() >= length
}

fn is_within_6(address: Ipv6Addr, network: [u16; 8], length: u32) -> bool {
    let difference = address.to_bits() ^ Ipv6Addr::from(network).to_bits();
    difference.leading_zeros() >= length
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn networks_that_are_not_public_are_refused_from_their_first_to_their_last_address() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert!(!public(first) && !public(last), "{first} to {last}");
        }
    }

    #[test]
    fn neighbours_of_these_networks_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "93.184.215.14",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::1",
            "2001:db9::",
            "2003::",
            "3ffe::1",
            "3fff:1000::",
            "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn addresses_of_ipv4_are_refused_in_every_dress_of_ipv6() {
        for address in [
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:93.184.215.14",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn nothing_is_public_that_the_standard_library_calls_otherwise() {
        let mut rng = StdRng::seed_from_u64(3);
        let (mut public, mut special) = (0, 0);
        for _ in 0..200_000 {
            let four = Ipv4Addr::from_bits(rng.random());
            let is_special = four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_multicast()
                || four.is_broadcast()
                || four.is_documentation()
                || four.is_unspecified();
            assert!(!(is_special && is_public(four.into())), "{four}");
            special += usize::from(is_special);
            public += usize::from(is_public(four.into()));
            let six = Ipv6Addr::from_bits(rng.random());
            let is_special = six.is_loopback()
                || six.is_multicast()
                || six.is_unspecified()
                || six.is_unique_local()
                || six.is_unicast_link_local()
                || six.to_ipv4().is_some();
            assert!(!(is_special && is_public(six.into())), "{six}");
        }
        assert!(special > 1000 && public > 100_000, "{special} special and {public} public ones were drawn");
    }

    #[test]
    fn ports_of_other_services_are_refused() {
        let may = |port: u16| may_be_connected_to(SocketAddr::new("93.184.215.14".parse().unwrap(), port));
        for (port, expected) in
            [(80, true), (443, true), (1024, true), (8080, true), (0, false), (22, false), (25, false)]
        {
            assert_eq!(may(port), expected, "{port}");
        }
        assert!(!may_be_connected_to("10.0.0.1:80".parse().unwrap()));
    }
}
