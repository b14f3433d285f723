//! What the program itself needs: size, time to start with 1,000 rules, memory when idle
//! and with 100,000 deliveries queued. `cargo bench --bench footprint`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a benchmark measures real time, prints what it finds, and stops at the first trouble"
)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const QUEUED: u64 = 100_000;
const RULES: usize = 1000;
const SENDERS: u64 = 64;

fn main() {
    let binary = Path::new(env!("CARGO_BIN_EXE_relaybell"));
    let bytes = std::fs::metadata(binary).unwrap().len();
    println!("binary: {:.1} MB", bytes as f64 / 1e6);
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let began = Instant::now();
    let (mut child, address) = start(binary, folder.path());
    println!("start to ready with {RULES} rules: {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    std::thread::sleep(Duration::from_secs(2));
    println!("idle: {:.1} MB", memory(&child));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || send(address, (sender..QUEUED).step_by(SENDERS as usize)));
        }
    });
    println!("accepted {QUEUED} in {:.1} s", began.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_secs(2));
    println!("with {QUEUED} deliveries queued: {:.1} MB", memory(&child));
    child.kill().unwrap();
    child.wait().unwrap();
    let began = Instant::now();
    let (mut child, _) = start(binary, folder.path());
    println!("start to ready with {QUEUED} deliveries queued: {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    std::thread::sleep(Duration::from_secs(2));
    println!("after that start: {:.1} MB", memory(&child));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A thousand rules, of which one sends; its destination refuses connections.
fn write_files(folder: &Path) {
    std::fs::create_dir(folder.join("rules")).unwrap();
    let config = "server: { listen: 127.0.0.1:0 }\nsources: { qase: { kind: qase } }\n\
                  destinations: { gone: { kind: slack, webhook_url: \"http://127.0.0.1:1/services/T/B/x\" } }\n";
    std::fs::write(folder.join("relaybell.yaml"), config).unwrap();
    let mut rules =
        String::from("rules:\n  - name: all\n    when: { event: defect.created }\n    send: [{ to: gone }]\n");
    for n in 1..RULES {
        writeln!(
            rules,
            "  - name: rule-{n}\n    when: {{ event: run.completed, project: P{n}, failed: {{ above: {n} }} }}\n    send: [{{ to: gone }}]"
        )
        .unwrap();
    }
    std::fs::write(folder.join("rules/rules.yaml"), rules).unwrap();
}

#[expect(clippy::zombie_processes, reason = "every caller waits for it")]
fn start(binary: &Path, folder: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(binary)
        .args(["serve", "--log-format", "json"])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        if log.read_line(&mut line).unwrap() == 0 {
            panic!("the relay did not start: {}", child.wait().unwrap());
        }
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        if record["message"] == "relaybell is ready" {
            let address = record["address"].as_str().unwrap().parse().unwrap();
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return (child, address);
        }
    }
}

/// The memory of the process in MB (resident set).
fn memory(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
}

fn send(address: SocketAddr, numbers: impl Iterator<Item = u64>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0; 1024];
    for number in numbers {
        let body = format!(
            r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{number},"title":"Voucher is charged twice","severity":"blocker"}},"team_member_id":112,"project_code":"SHOP"}}"#
        );
        write!(stream, "POST /hooks/qase HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .unwrap();
        let read = stream.read(&mut answer).unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer[..read]));
    }
}
