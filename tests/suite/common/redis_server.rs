//! A redis-server of a test's own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server on a free port with a folder of its own, both gone with it.
pub(crate) struct RedisServer {
    child: Child,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl RedisServer {
    /// Starts one; `None`, said aloud, if there is none on this machine, which in CI is a failure.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let folder = super::folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = started else {
            assert!(std::env::var_os("CI").is_none(), "there is no redis-server");
            eprintln!("SKIPPED: there is no redis-server on this machine");
            return None;
        };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().expect("it is our child").is_none(), "redis-server has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Self { child, port, _folder: folder })
    }

    pub(crate) fn url(&self, database: u32) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    /// What redis-cli says to a command.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let out = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(args)
            .output()
            .expect("redis-cli comes with it");
        String::from_utf8(out.stdout).expect("tests ask for text")
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    bound.expect("a port is free").port()
}

/// A cluster of three primaries.
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
}

impl RedisCluster {
    pub(crate) fn start() -> Option<Self> {
        const RANGES: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        let buses: Vec<String> = RANGES.iter().map(|_| free_port().to_string()).collect();
        let start = |bus: &String| {
            RedisServer::start(&["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "1000"])
        };
        let nodes: Vec<RedisServer> = buses.iter().map(start).collect::<Option<_>>()?;
        for (node, (first, last)) in nodes.iter().zip(RANGES) {
            assert_eq!(node.cli(&["CLUSTER", "ADDSLOTSRANGE", first, last]), "OK\n");
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            assert_eq!(nodes[0].cli(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), bus]), "OK\n");
        }
        let is_ready = |node: &RedisServer| {
            let info = node.cli(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !nodes.iter().all(is_ready) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { nodes })
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    pub(crate) fn clear(&self) {
        for node in &self.nodes {
            node.cli(&["FLUSHALL"]);
        }
    }

    /// Moves this many slots from one node to another, and returns when they have arrived.
    pub(crate) fn move_slots(&self, from: usize, to: usize, slots: u32) {
        let id = |node: usize| self.nodes[node].cli(&["CLUSTER", "MYID"]).trim().to_owned();
        let (from, to, slots) = (id(from), id(to), slots.to_string());
        let address = format!("127.0.0.1:{}", self.nodes[0].port);
        let done = Command::new("redis-cli")
            .args(["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to])
            .args(["--cluster-slots", &slots, "--cluster-yes"])
            .output()
            .expect("redis-cli comes with it");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
}
