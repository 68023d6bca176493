use std::net::{IpAddr, Ipv4Addr};

/// What an address is where the world cannot reach it by routing: loopback, private and their like, also
/// inside the forms that carry an IPv4 address. `None` for all others. RFC 6890, RFC 6052, RFC 3056.
pub fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => {
            let [.., g, h] = v6.segments();
            let carried = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
            match v6.segments() {
                [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
                [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
                // ::ffff:0:0/96 and 64:ff9b::/96
                [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => special_v4(carried(g, h)),
                // 2002::/16
                [0x2002, high, low, ..] => special_v4(carried(high, low)),
                [0xfc00..=0xfdff, ..] => Some("private"),
                [0xfe80..=0xfebf, ..] => Some("link-local"),
                [0xff00..=0xffff, ..] => Some("multicast"),
                _ => None,
            }
        }
    }
}

/// Why a credential is kept back where [`is_local`] is not so.
#[cfg(feature = "http")]
pub(crate) const UNENCRYPTED: &str = "the connection is not encrypted and leaves the inner network";

/// Whether the way to this address stays on this machine or in an inner network. Where nothing is encrypted
/// a credential goes to such an address only.
pub fn is_local(address: IpAddr) -> bool {
    matches!(
        special_purpose(address),
        Some("loopback" | "private" | "link-local")
    )
}

fn special_v4(v4: Ipv4Addr) -> Option<&'static str> {
    match v4.octets() {
        [0, ..] => Some("unspecified"),
        [127, ..] => Some("loopback"),
        // 100.64.0.0/10, RFC 6598
        [100, 64..=127, ..] => Some("shared"),
        _ if v4.is_private() => Some("private"),
        _ if v4.is_link_local() => Some("link-local"),
        _ if v4.is_multicast() => Some("multicast"),
        [240..=255, ..] => Some("reserved"),
        _ => None,
    }
}
