//! A listening socket that outlives the relay: handed over by a service manager, it keeps
//! senders waiting during a restart instead of refusing them. Orchestrator skips a webhook
//! for an hour after one refusal and sends nothing again.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relaybell::ports::Dice as _;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::system::ThreadDice;
use relaybell::source::proof::{Algorithm, Key};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::files::Folder;
use crate::support::http::{ask, json as body_of};
use crate::support::process::{Serving, command, stderr};

/// How often the relay is stopped and started again.
const RESTARTS: usize = 50;
/// Senders that keep their connection open, and as many that open one for each webhook.
const SENDERS: usize = 2;
const SECRET: &str = "robots-secret";

const CONFIG: &str = "server: { listen: 127.0.0.1:1 }
storage: { url: \"sqlite:relay.db\" }
sources: { robots: { kind: uipath_orchestrator, secrets: [robots-secret] } }
destinations: { chat: { kind: slack, webhook_url: \"http://127.0.0.1:1/services/T/B/x\" } }
";
const RULES: &str = "rules:
  - name: faulted
    when: { event: job.faulted }
    send: [{ to: chat, template: t }]
";

fn folder() -> Folder {
    let folder = Folder::new(CONFIG, RULES);
    folder.write("templates/t.md.hbs", "{{event}}\n");
    folder
}

/// What a service manager keeps: the socket, and what it is told.
struct Manager {
    listener: TcpListener,
    told: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn of(folder: &Folder) -> Self {
        let path = folder.path().join("manager.sock");
        let told = UnixDatagram::bind(&path).unwrap();
        told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), told, path }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    fn start(&self, folder: &Folder) -> Serving {
        Serving::start_on(folder.path(), &self.listener, &self.path)
    }

    /// The next thing it is told.
    fn hears(&self) -> String {
        let mut buffer = [0; 500];
        let length = self.told.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

/// One sender of Orchestrator's webhooks: each must be accepted. Says how many were.
async fn sender(to: SocketAddr, keeps: bool, numbers: Arc<AtomicU64>, over: Arc<AtomicBool>) -> Vec<u64> {
    let client = HttpExchange::new().unwrap();
    let key = Key::new(Algorithm::Sha256, SECRET.as_bytes()).unwrap();
    let mut sent = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        assert!(!deliver(&client, &key, to, keeps, number).await, "{number} was never sent before");
        sent.push(number);
    }
    sent
}

/// Sends the webhook with this number, which must be accepted. Says whether it had come before.
async fn deliver(client: &HttpExchange, key: &Key, to: SocketAddr, keeps: bool, number: u64) -> bool {
    let job = json!({ "Id": number, "State": "Faulted" });
    let body = json!({ "Type": "job.faulted", "EventId": format!("e{number}"), "Job": job }).to_string();
    let signature = STANDARD.encode(key.sign(&[body.as_bytes()]));
    let mut headers = vec![("content-type", "application/json"), ("x-uipath-signature", &signature)];
    if !keeps {
        headers.push(("connection", "close"));
    }
    let answer = ask(client, to, "POST", "/hooks/robots", &headers, body.as_bytes()).await;
    assert_eq!(answer.status(), http::StatusCode::ACCEPTED, "{}", String::from_utf8_lossy(answer.body()));
    body_of(&answer)["duplicate"].as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_restarts_refuse_no_webhook_and_lose_none() {
    let folder = folder();
    let manager = Manager::of(&folder);
    // What is told must be taken in: the room for it is small.
    let told = manager.told.try_clone().unwrap();
    told.set_read_timeout(None).unwrap();
    std::thread::spawn(move || while told.recv(&mut [0; 500]).is_ok() {});
    let (folder, manager) = (Arc::new(folder), Arc::new(manager));
    let start = || {
        let (folder, manager) = (folder.clone(), manager.clone());
        async move { tokio::task::spawn_blocking(move || manager.start(&folder)).await.unwrap() }
    };
    let mut relay = start().await;
    let (numbers, over) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let mut senders = JoinSet::new();
    for n in 0..2 * SENDERS {
        senders.spawn(sender(manager.address(), n % 2 == 0, numbers.clone(), over.clone()));
    }
    for _ in 0..RESTARTS {
        // A real process is stopped at a random real moment.
        tokio::time::sleep(Duration::from_secs_f64(0.1 * ThreadDice.roll())).await;
        assert!(senders.try_join_next().is_none(), "a sender was refused");
        relay.signal("TERM");
        let ended = tokio::task::spawn_blocking(move || relay.wait()).await.unwrap();
        assert!(ended.success(), "{ended}");
        relay = start().await;
    }
    over.store(true, Ordering::Relaxed);
    let accepted: Vec<u64> = senders.join_all().await.concat();
    assert!(accepted.len() > 4 * RESTARTS, "only {} webhooks were sent", accepted.len());
    // Whatever was accepted is known to the last relay.
    let (client, key) = (HttpExchange::new().unwrap(), Key::new(Algorithm::Sha256, SECRET.as_bytes()).unwrap());
    for number in accepted.iter().step_by(accepted.len().div_ceil(1000)) {
        assert!(deliver(&client, &key, manager.address(), true, *number).await, "{number} was accepted and lost");
    }
}

#[test]
fn a_service_manager_is_told_how_it_is() {
    let folder = folder();
    let manager = Manager::of(&folder);
    let relay = manager.start(&folder);
    assert_eq!(relay.address, manager.address(), "not the address in relaybell.yaml");
    let in_force = "STATUS=the configuration on disk is in force";
    assert_eq!(manager.hears().trim(), format!("READY=1\n{in_force}"));
    relay.signal("HUP");
    let reloading = manager.hears();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.hears().trim(), "READY=1");
    assert_eq!(manager.hears().trim(), in_force);
    // An edit that nobody announced.
    folder.write("rules/broken.yaml", "rules: 7\n");
    let rejected = "STATUS=the configuration on disk was rejected; the last good one is in force";
    assert_eq!(manager.hears().trim(), rejected);
    folder.write("rules/broken.yaml", "rules: []\n");
    assert_eq!(manager.hears().trim(), in_force);
    relay.signal("TERM");
    assert_eq!(manager.hears().trim(), "STOPPING=1");
    assert!(relay.wait().success());
    // The socket is still there: a sender is kept waiting, not refused.
    std::net::TcpStream::connect(manager.address()).unwrap();
}

#[test]
fn what_is_no_listening_socket_is_refused_with_the_reason() {
    let folder = folder();
    let (one, _other) = UnixDatagram::pair().unwrap();
    let output = started_with(&folder, one.into());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("handover_no_socket", last_line(&stderr(&output)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let output = started_with(&folder, connection.into());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("handover_connection", last_line(&stderr(&output)));
    let output = command(folder.path(), &["serve"]).env("LISTEN_FDS", "2").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("handover_two_sockets", last_line(&stderr(&output)));
}

/// A run of `serve` that is handed `what` over.
fn started_with(folder: &Folder, what: OwnedFd) -> Output {
    Command::new("/bin/sh")
        .args(["-c", "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve"])
        .arg(env!("CARGO_BIN_EXE_relaybell"))
        .current_dir(folder.path())
        .stdin(what)
        .output()
        .unwrap()
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_manager_the_address_is_free_again_after_a_stop() {
    let folder = Folder::new(&CONFIG.replace("127.0.0.1:1 }", "127.0.0.1:0 }"), RULES);
    folder.write("templates/t.md.hbs", "{{event}}\n");
    let relay = Serving::start(folder.path());
    let address = relay.address;
    relay.signal("TERM");
    assert!(relay.wait().success());
    assert_eq!(std::net::TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
