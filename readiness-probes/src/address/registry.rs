//! The addresses that are not for the world: IANA's special-purpose address registries. RFC 6890.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for where it is not for the world.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SpecialUse {
    /// `for private networks`.
    pub(crate) what: &'static str,
    /// The standard that says so.
    pub(crate) rfc: &'static str,
    /// Whether some of the world may reach it, over a relay.
    pub(crate) is_relayed: bool,
}

/// A network, and what it is for; `None` for one that is for the world.
type Row<A> = (A, u32, Option<(&'static str, &'static str)>);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// The smaller networks stand before those they are part of.
const V4: [Row<Ipv4Addr>; 19] = [
    (v4(0, 0, 0, 0), 8, Some(("this network", "RFC 791"))),
    (v4(10, 0, 0, 0), 8, Some(("for private networks", "RFC 1918"))),
    (
        v4(100, 64, 0, 0),
        10,
        Some(("shared by customers of a provider", "RFC 6598")),
    ),
    (v4(127, 0, 0, 0), 8, Some(("the machine itself", "RFC 1122"))),
    (v4(169, 254, 0, 0), 16, Some(("for one link", "RFC 3927"))),
    (v4(172, 16, 0, 0), 12, Some(("for private networks", "RFC 1918"))),
    (v4(192, 0, 0, 9), 32, None),
    (v4(192, 0, 0, 10), 32, None),
    (
        v4(192, 0, 0, 0),
        24,
        Some(("for protocols of the IETF", "RFC 6890")),
    ),
    (v4(192, 0, 2, 0), 24, Some(("for documentation", "RFC 5737"))),
    (
        v4(192, 88, 99, 0),
        24,
        Some(("of the former 6to4 relays", "RFC 7526")),
    ),
    (v4(192, 168, 0, 0), 16, Some(("for private networks", "RFC 1918"))),
    (v4(198, 18, 0, 0), 15, Some(("for benchmarks", "RFC 2544"))),
    (v4(198, 51, 100, 0), 24, Some(("for documentation", "RFC 5737"))),
    (v4(203, 0, 113, 0), 24, Some(("for documentation", "RFC 5737"))),
    (v4(224, 0, 0, 0), 4, Some(("for groups (multicast)", "RFC 5771"))),
    (
        v4(255, 255, 255, 255),
        32,
        Some(("for all of one network (broadcast)", "RFC 919")),
    ),
    (v4(240, 0, 0, 0), 4, Some(("reserved", "RFC 1112"))),
    (v4(0, 0, 0, 0), 0, None),
];

const V6: [Row<Ipv6Addr>; 25] = [
    (
        Ipv6Addr::UNSPECIFIED,
        128,
        Some(("no address at all", "RFC 4291")),
    ),
    (Ipv6Addr::LOCALHOST, 128, Some(("the machine itself", "RFC 4291"))),
    (
        v6(0x64, 0xff9b, 1, 0),
        48,
        Some(("for translation inside one network", "RFC 8215")),
    ),
    (
        v6(0x100, 0, 0, 0),
        64,
        Some(("for traffic to discard", "RFC 6666")),
    ),
    (
        v6(0x100, 0, 0, 1),
        64,
        Some(("a prefix of no network", "RFC 9780")),
    ),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128, None),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128, None),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128, None),
    (v6(0x2001, 2, 0, 0), 48, Some(("for benchmarks", "RFC 5180"))),
    (v6(0x2001, 3, 0, 0), 32, None),
    (v6(0x2001, 4, 0x112, 0), 48, None),
    (
        v6(0x2001, 0x10, 0, 0),
        28,
        Some(("the former ORCHID", "RFC 4843")),
    ),
    (v6(0x2001, 0x20, 0, 0), 28, None),
    (v6(0x2001, 0x30, 0, 0), 28, None),
    (
        v6(0x2001, 0, 0, 0),
        23,
        Some(("for protocols of the IETF", "RFC 2928")),
    ),
    (
        v6(0x2001, 0xdb8, 0, 0),
        32,
        Some(("for documentation", "RFC 3849")),
    ),
    (v6(0x3fff, 0, 0, 0), 20, Some(("for documentation", "RFC 9637"))),
    (v6(0x2000, 0, 0, 0), 3, None),
    (
        v6(0x5f00, 0, 0, 0),
        16,
        Some(("for segments of one network (SRv6)", "RFC 9602")),
    ),
    (
        v6(0xfc00, 0, 0, 0),
        7,
        Some(("for private networks (ULA)", "RFC 4193")),
    ),
    (v6(0xfe80, 0, 0, 0), 10, Some(("for one link", "RFC 4291"))),
    (
        v6(0xfec0, 0, 0, 0),
        10,
        Some(("for one site, which is no more", "RFC 3879")),
    ),
    (
        v6(0xff00, 0, 0, 0),
        8,
        Some(("for groups (multicast)", "RFC 4291")),
    ),
    (
        v6(0, 0, 0, 0),
        96,
        Some(("IPv4 in the former compatible form", "RFC 4291")),
    ),
    // RFC 4291, section 2.4: what is given out lies in 2000::/3.
    (v6(0, 0, 0, 0), 0, Some(("not given out", "RFC 4291"))),
];

/// What an address is for where the world cannot reach it; `None` where it can. Of a form that carries an IPv4
/// address, that one counts too.
pub(crate) fn special_use(address: IpAddr) -> Option<SpecialUse> {
    let plain = |(what, rfc)| SpecialUse {
        what,
        rfc,
        is_relayed: false,
    };
    let v6 = match address {
        IpAddr::V4(v4) => return of_v4(v4).map(plain),
        IpAddr::V6(v6) => v6,
    };
    match carried(v6) {
        // Mapped addresses are for programs, and not for a network.
        Some(Carried::Mapped(_)) => Some(plain(("IPv4 in the mapped form", "RFC 4291"))),
        Some(Carried::Translated(inner)) => of_v4(inner).map(plain),
        Some(Carried::SixToFour(inner)) => Some(of_v4(inner).map_or(
            SpecialUse {
                what: "of 6to4, whose relays are gone",
                rfc: "RFC 7526",
                is_relayed: true,
            },
            plain,
        )),
        Some(Carried::Teredo(inner)) => Some(of_v4(inner).map_or(
            SpecialUse {
                what: "of Teredo, which few relays reach",
                rfc: "RFC 4380",
                is_relayed: true,
            },
            plain,
        )),
        None => {
            let bits = v6.to_bits();
            let shift = |length: u32| 128 - length;
            let holds = |(network, length, _): &&Row<Ipv6Addr>| {
                bits.checked_shr(shift(*length)) == network.to_bits().checked_shr(shift(*length))
            };
            V6.iter().find(holds).and_then(|(_, _, what)| what.map(plain))
        }
    }
}

/// An IPv4 address inside of another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carried {
    /// `::ffff:0:0/96`. RFC 4291, section 2.5.5.2.
    Mapped(Ipv4Addr),
    /// `2002::/16`. RFC 3056.
    SixToFour(Ipv4Addr),
    /// `2001::/32`: the client's, every bit of it turned. RFC 4380, section 4.
    Teredo(Ipv4Addr),
    /// `64:ff9b::/96`. RFC 6052, section 2.1.
    Translated(Ipv4Addr),
}

/// The IPv4 address that an address carries.
pub(crate) fn carried(v6: Ipv6Addr) -> Option<Carried> {
    let [.., g, h] = v6.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] => Some(Carried::Mapped(of(g, h))),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(Carried::Translated(of(g, h))),
        [0x2002, high, low, ..] => Some(Carried::SixToFour(of(high, low))),
        [0x2001, 0, ..] => Some(Carried::Teredo(of(!g, !h))),
        _ => None,
    }
}

fn of_v4(v4: Ipv4Addr) -> Option<(&'static str, &'static str)> {
    let bits = v4.to_bits();
    let shift = |length: u32| 32 - length;
    let holds = |(network, length, _): &&Row<Ipv4Addr>| {
        bits.checked_shr(shift(*length)) == network.to_bits().checked_shr(shift(*length))
    };
    V4.iter().find(holds).and_then(|(_, _, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> &'static str {
        special_use(text.parse().unwrap()).map_or("", |special| special.what)
    }

    #[test]
    fn each_network_ends_where_the_registry_says() {
        for (below, first, last, above, what) in [
            ("", "0.0.0.0", "0.255.255.255", "1.0.0.0", "this network"),
            (
                "9.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "11.0.0.0",
                "for private networks",
            ),
            (
                "100.63.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "100.128.0.0",
                "shared by customers of a provider",
            ),
            (
                "126.255.255.255",
                "127.0.0.0",
                "127.255.255.255",
                "128.0.0.0",
                "the machine itself",
            ),
            (
                "169.253.255.255",
                "169.254.0.0",
                "169.254.255.255",
                "169.255.0.0",
                "for one link",
            ),
            (
                "172.15.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "172.32.0.0",
                "for private networks",
            ),
            (
                "191.255.255.255",
                "192.0.0.0",
                "192.0.0.8",
                "192.0.0.9",
                "for protocols of the IETF",
            ),
            (
                "192.0.0.10",
                "192.0.0.11",
                "192.0.0.255",
                "192.0.1.0",
                "for protocols of the IETF",
            ),
            (
                "192.0.1.255",
                "192.0.2.0",
                "192.0.2.255",
                "192.0.3.0",
                "for documentation",
            ),
            (
                "192.88.98.255",
                "192.88.99.0",
                "192.88.99.255",
                "192.88.100.0",
                "of the former 6to4 relays",
            ),
            (
                "192.167.255.255",
                "192.168.0.0",
                "192.168.255.255",
                "192.169.0.0",
                "for private networks",
            ),
            (
                "198.17.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.20.0.0",
                "for benchmarks",
            ),
            (
                "198.51.99.255",
                "198.51.100.0",
                "198.51.100.255",
                "198.51.101.0",
                "for documentation",
            ),
            (
                "203.0.112.255",
                "203.0.113.0",
                "203.0.113.255",
                "203.0.114.0",
                "for documentation",
            ),
            (
                "223.255.255.255",
                "224.0.0.0",
                "239.255.255.255",
                "",
                "for groups (multicast)",
            ),
            ("", "240.0.0.0", "255.255.255.254", "", "reserved"),
            (
                "",
                "255.255.255.255",
                "255.255.255.255",
                "",
                "for all of one network (broadcast)",
            ),
            ("", "::", "::", "", "no address at all"),
            ("", "::1", "::1", "", "the machine itself"),
            ("", "::2", "::ffff:ffff", "", "IPv4 in the former compatible form"),
            (
                "",
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                "",
                "for translation inside one network",
            ),
            (
                "",
                "100::",
                "100::ffff:ffff:ffff:ffff",
                "",
                "for traffic to discard",
            ),
            (
                "",
                "100:0:0:1::",
                "100:0:0:1:ffff:ffff:ffff:ffff",
                "",
                "a prefix of no network",
            ),
            (
                "2001:1::3",
                "2001:1::4",
                "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for protocols of the IETF",
            ),
            (
                "",
                "2001:2::",
                "2001:2:0:ffff:ffff:ffff:ffff:ffff",
                "",
                "for benchmarks",
            ),
            (
                "2001:3:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:4::",
                "2001:4:111:ffff:ffff:ffff:ffff:ffff",
                "2001:4:112::",
                "for protocols of the IETF",
            ),
            (
                "",
                "2001:10::",
                "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:20::",
                "the former ORCHID",
            ),
            (
                "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:40::",
                "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:200::",
                "for protocols of the IETF",
            ),
            (
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db9::",
                "for documentation",
            ),
            (
                "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff:1000::",
                "for documentation",
            ),
            (
                "",
                "5f00::",
                "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for segments of one network (SRv6)",
            ),
            (
                "",
                "fc00::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for private networks (ULA)",
            ),
            (
                "",
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for one link",
            ),
            (
                "",
                "fec0::",
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for one site, which is no more",
            ),
            (
                "",
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "for groups (multicast)",
            ),
            (
                "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "4000::",
                "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "",
                "not given out",
            ),
            (
                "",
                "200::",
                "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2000::",
                "not given out",
            ),
        ] {
            for (text, wanted) in [(below, ""), (first, what), (last, what), (above, "")] {
                if !text.is_empty() {
                    assert_eq!(told(text), wanted, "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_carried_counts() {
        for (text, what, is_relayed) in [
            ("::ffff:1.1.1.1", "IPv4 in the mapped form", false),
            ("::ffff:10.0.0.1", "IPv4 in the mapped form", false),
            ("64:ff9b::a00:1", "for private networks", false),
            ("2002:a00:1::1", "for private networks", false),
            ("2002:101:101::1", "of 6to4, whose relays are gone", true),
            ("2001:0:101:101::f5ff:fffe", "for private networks", false),
            (
                "2001:0:101:101::fefe:fefe",
                "of Teredo, which few relays reach",
                true,
            ),
        ] {
            let special = special_use(text.parse().unwrap()).unwrap();
            assert_eq!((special.what, special.is_relayed), (what, is_relayed), "{text}");
        }
        assert_eq!(told("64:ff9b::101:101"), "");
        assert_eq!(told("2606:4700::1111"), "");
    }

    proptest::proptest! {
        #[test]
        fn every_address_has_its_row(bits in proptest::num::u128::ANY, low in proptest::num::u32::ANY) {
            let of = [Ipv6Addr::from_bits(bits).into(), Ipv4Addr::from_bits(low).into()];
            for address in of {
                // What the shorter list knows, this one knows too.
                if crate::address::special_purpose(address).is_some() {
                    proptest::prop_assert!(special_use(address).is_some(), "{}", address);
                }
            }
        }
    }
}
