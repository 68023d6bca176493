use std::collections::{HashMap, VecDeque};

/// Which job may begin next: bounded over all and for each host, fair among hosts.
#[derive(Debug)]
pub(super) struct Queue {
    most: usize,
    most_per_host: usize,
    active: usize,
    hosts: Vec<Host>,
    /// Hosts with a waiting job and room for it, each once.
    ready: VecDeque<usize>,
}

#[derive(Debug, Default)]
struct Host {
    active: usize,
    waiting: VecDeque<usize>,
}

impl Queue {
    /// Jobs are numbered in the order of their hosts.
    pub(super) fn new<'a>(
        most: usize,
        most_per_host: usize,
        job_hosts: impl Iterator<Item = &'a str>,
    ) -> (Self, Vec<usize>) {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut hosts: Vec<Host> = Vec::new();
        let mut host_of = Vec::new();
        for (job, name) in job_hosts.enumerate() {
            let host = *index.entry(name).or_insert_with(|| {
                hosts.push(Host::default());
                hosts.len() - 1
            });
            hosts[host].waiting.push_back(job);
            host_of.push(host);
        }
        let queue = Self {
            most: most.max(1),
            most_per_host: most_per_host.max(1),
            active: 0,
            ready: (0..hosts.len()).collect(),
            hosts,
        };
        (queue, host_of)
    }

    /// The next job that may begin now.
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.active >= self.most {
            return None;
        }
        let index = self.ready.pop_front()?;
        let host = &mut self.hosts[index];
        let job = host.waiting.pop_front()?;
        host.active += 1;
        self.active += 1;
        if !host.waiting.is_empty() && host.active < self.most_per_host {
            self.ready.push_back(index);
        }
        Some(job)
    }

    /// A job of this host has ended.
    pub(super) fn done(&mut self, index: usize) {
        let host = &mut self.hosts[index];
        let was_full = host.active >= self.most_per_host;
        host.active -= 1;
        self.active -= 1;
        if was_full && !host.waiting.is_empty() {
            self.ready.push_back(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_runs_once_within_its_bounds() {
        let hosts = ["a", "a", "a", "b", "a", "c", "a"];
        let (mut queue, host_of) = Queue::new(3, 2, hosts.into_iter());
        let mut running: Vec<usize> = Vec::new();
        let mut seen = Vec::new();
        loop {
            while let Some(job) = queue.next() {
                running.push(job);
                seen.push(job);
                assert!(running.len() <= 3);
                for host in 0..3 {
                    assert!(running.iter().filter(|job| host_of[**job] == host).count() <= 2);
                }
            }
            let Some(job) = running.pop() else { break };
            queue.done(host_of[job]);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..hosts.len()).collect::<Vec<_>>());
    }
}
