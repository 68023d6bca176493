use std::{net::IpAddr, sync::Arc};

use readiness_core::{
    Looking, ObserveError, Source,
    fact::{LookFrom, View},
};

use super::{route, settings::Shared};

/// Answers [`LookFrom`].
pub(crate) struct ViewSource(pub(crate) Arc<Shared>);

impl Source<LookFrom> for ViewSource {
    async fn look(&self, _: LookFrom, _: Looking) -> Result<View, ObserveError> {
        let shared = &self.0;
        let mut view = View::default();
        view.host = host_name();
        view.resolvers = if shared.nameservers.is_empty() {
            std::fs::read_to_string("/etc/resolv.conf").map_or_else(|_| Vec::new(), |text| nameservers(&text))
        } else {
            shared.nameservers.iter().map(ToString::to_string).collect()
        };
        view.families = route::families(shared.only);
        view.proxy_variables.clone_from(&shared.proxy_variables);
        view.overrides = shared
            .overrides
            .iter()
            .map(|(name, addresses)| {
                let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                format!("{name} = {}", list.join(", "))
            })
            .collect();
        #[cfg(feature = "tls")]
        {
            let roots = shared.tls.roots.load(&shared.tls.provider).await?;
            view.trust_store.clone_from(&roots.name);
            view.trust_anchors = roots.count;
        }
        Ok(view)
    }
}

/// The machine's name; empty where nobody tells.
fn host_name() -> String {
    let from_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    from_kernel
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// The nameservers of a resolv.conf: three at most, as resolv.conf(5) says.
fn nameservers(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver"))
                .then(|| words.next())
                .flatten()
        })
        .map(str::to_owned)
        .take(3)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_are_read() {
        let text = "# nameserver 192.0.2.9\nsearch a\nnameserver 192.0.2.1\n nameserver  ::1 # x\nnameserver\n\
                    nameserver 192.0.2.3\nnameserver 192.0.2.4\n";
        assert_eq!(nameservers(text), ["192.0.2.1", "::1", "192.0.2.3"]);
        assert!(nameservers("").is_empty());
    }
}
