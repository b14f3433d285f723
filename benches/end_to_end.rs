//! One event → one rule → one delivery, durable, on this machine: against a forwarder made
//! of the same axum and reqwest that stores nothing. Load generator and sink run on the
//! same cores. `cargo bench --bench end_to_end`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a benchmark measures real time, prints what it finds, and stops at the first trouble"
)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use relaybell::config::diagnostic::Color;
use relaybell::config::{Secrets, load};
use relaybell::ports::Clock;
use relaybell::ports::http::HttpExchange;
use relaybell::ports::system::{SystemClock, ThreadDice};
use relaybell::relay::{Parts, Relay};
use relaybell::store::sqlite::SqliteStore;
use relaybell::web::{router, server};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: u64 = 256;
const EVENTS: u64 = 40_000;
const WARM_UP: u64 = 4_000;
/// Events with this number or more have their way measured one by one.
const MEASURED_FROM: u64 = 1_000_000;

/// Many small, short-lived values a webhook: the system's allocator is slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // The forwarder uses reqwest as it comes, which wants a provider for the whole process.
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let forwarder = forwarder_rate().await;
        println!("forwarder that stores nothing: {forwarder:>8.0} events/s");
        let relay = relay_figures().await;
        println!("relaybell, durable:            {relay:>8.0} events/s, ratio {:.2}", relay / forwarder);
    });
}

/// Receives messages and remembers when each came.
struct Sink {
    address: SocketAddr,
    count: Arc<AtomicU64>,
    arrivals: Arc<Mutex<HashMap<u64, Instant>>>,
}

impl Sink {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), count: Arc::default(), arrivals: Arc::default() };
        let (count, arrivals) = (sink.count.clone(), sink.arrivals.clone());
        tokio::task::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (count, arrivals) = (count.clone(), arrivals.clone());
                tokio::task::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(body) = read_message(&mut stream).await {
                        let number = number_in(&body);
                        if number >= MEASURED_FROM {
                            arrivals.lock().unwrap().entry(number).or_insert_with(Instant::now);
                        }
                        count.fetch_add(1, Ordering::Relaxed);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
                        if stream.get_mut().write_all(answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        sink
    }

    async fn wait_for(&self, wanted: u64) {
        while self.count.load(Ordering::Relaxed) < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The number after `no-` in a message.
fn number_in(body: &[u8]) -> u64 {
    let at = body.windows(3).position(|part| part == b"no-").expect("the message names its number");
    body[at + 3..].iter().take_while(|c| c.is_ascii_digit()).fold(0, |n, c| n * 10 + u64::from(c - b'0'))
}

/// Reads one HTTP message and gives its body; `None` at the end of the connection.
async fn read_message(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

fn webhook(number: u64) -> Vec<u8> {
    let body = format!(
        r#"{{"event_name":"defect.created","timestamp":1789382400,"payload":{{"id":{number},"title":"Voucher is charged twice no-{number} end","severity":"blocker","actual_result":"Pay with voucher and a declined card, then retry with a good card. The voucher is redeemed **twice**; support had to refund 20.00 EUR.","attachments":["0a1b2c3d4e5f60718293a4b5c6d7e8f9"]}},"team_member_id":112,"project_code":"SHOP"}}"#
    );
    format!(
        "POST /hooks/qase HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nx-qase-secret: bench-secret\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends events `from..to` as fast as they are accepted.
async fn flood(address: SocketAddr, from: u64, to: u64) {
    let next = Arc::new(AtomicU64::new(from));
    let mut senders = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let next = next.clone();
        senders.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(stream);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to {
                    return;
                }
                stream.get_mut().write_all(&webhook(number)).await.unwrap();
                read_message(&mut stream).await.expect("an answer");
            }
        });
    }
    senders.join_all().await;
}

/// Events a second from the first accepted to the last delivered.
async fn rate(address: SocketAddr, sink: &Sink) -> f64 {
    flood(address, 0, WARM_UP).await;
    sink.wait_for(WARM_UP).await;
    let (began, cpu) = (Instant::now(), cpu_time());
    flood(address, WARM_UP, WARM_UP + EVENTS).await;
    let accepted = began.elapsed();
    sink.wait_for(WARM_UP + EVENTS).await;
    let cpu = (cpu_time() - cpu).as_secs_f64() * 1e6 / EVENTS as f64;
    println!(
        "  accepted {:.0}/s; {cpu:.0} µs of processor time an event, load and sink included",
        EVENTS as f64 / accepted.as_secs_f64()
    );
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

async fn forwarder_rate() -> f64 {
    let sink = Sink::start().await;
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(256).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => panic!("no client: {error}"),
    };
    let state = Arc::new((client, format!("http://{}/services/x", sink.address)));
    async fn forward(
        State(state): State<Arc<(reqwest::Client, String)>>,
        body: axum::body::Bytes,
    ) -> (StatusCode, &'static str) {
        let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let title = event["payload"]["title"].as_str().unwrap();
        let message = serde_json::json!({ "text": title }).to_string();
        let request = state.0.post(&state.1).header("content-type", "application/json").body(message);
        request.send().await.unwrap();
        (StatusCode::ACCEPTED, "{}")
    }
    let app = Router::new().route("/hooks/qase", post(forward)).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::task::spawn(server::serve(listener, app, server::Patience::default(), stop.clone()));
    let rate = rate(address, &sink).await;
    stop.cancel();
    serving.await.unwrap();
    rate
}

async fn relay_figures() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start().await;
    let (relay, address, stop) = start_relay(folder.path(), sink.address).await;
    let rate = rate(address, &sink).await;
    for per_second in [200, 1000] {
        latency(address, &sink, per_second).await;
    }
    stop.cancel();
    relay.stop().await.unwrap();
    rate
}

async fn start_relay(folder: &Path, sink: SocketAddr) -> (Relay, SocketAddr, CancellationToken) {
    std::fs::create_dir_all(folder.join("rules")).unwrap();
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    let config = format!(
        "server: {{ listen: 127.0.0.1:0 }}\nstorage: {{ url: \"sqlite:bench.db\" }}\n\
         sources: {{ qase: {{ kind: qase, secrets: [bench-secret] }} }}\n\
         destinations: {{ sink: {{ kind: slack, webhook_url: \"http://{sink}/services/T/B/x\", limit: none, concurrency: 256 }} }}\n"
    );
    std::fs::write(folder.join("relaybell.yaml"), config).unwrap();
    let rules = "rules:\n  - name: blocker\n    when: { event: defect.created, project: SHOP, severity: { at_least: critical } }\n    send: [{ to: sink, template: opened }]\n";
    std::fs::write(folder.join("rules/bench.yaml"), rules).unwrap();
    let template = "---\ntitle: \"{{project}}: {{title}}\"\nlink: \"{{url}}\"\nfields:\n  Severity: \"{{severity}}\"\n---\n{{actual_result}}\n";
    std::fs::write(folder.join("templates/opened.md.hbs"), template).unwrap();
    let config_path = folder.join("relaybell.yaml");
    let snapshot =
        load(&config_path, Secrets::Resolve).unwrap_or_else(|findings| panic!("{}", findings.render(Color::Never)));
    let store = SqliteStore::open(&snapshot.storage.sqlite, SystemClock::start().now()).unwrap();
    let relay = Relay::start(Parts {
        store: store.clone(),
        ledger: store,
        clock: Arc::new(SystemClock::start()),
        dice: Arc::new(ThreadDice),
        exchange: Arc::new(HttpExchange::new().unwrap()),
        snapshot,
        config_path,
    })
    .await
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    tokio::task::spawn(server::serve(listener, router(relay.clone()), server::Patience::default(), stop.clone()));
    (relay, address, stop)
}

/// Sends `per_second` events a second for ten seconds and prints how long each took to be
/// accepted, and to reach the sink, both from the moment it was sent.
async fn latency(address: SocketAddr, sink: &Sink, per_second: u64) {
    let seconds = 10;
    let began = Instant::now();
    let first = MEASURED_FROM * per_second;
    let times = Arc::new(Mutex::new(Vec::new()));
    let before = sink.count.load(Ordering::Relaxed);
    let mut senders = JoinSet::new();
    for lane in 0..16 {
        let times = times.clone();
        senders.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut stream = BufReader::new(stream);
            for n in (lane..per_second * seconds).step_by(16) {
                let at = began + Duration::from_secs_f64(n as f64 / per_second as f64);
                tokio::time::sleep_until(at.into()).await;
                let sent = Instant::now();
                stream.get_mut().write_all(&webhook(first + n)).await.unwrap();
                read_message(&mut stream).await.expect("an answer");
                times.lock().unwrap().push((first + n, sent, sent.elapsed()));
            }
        });
    }
    senders.join_all().await;
    sink.wait_for(before + per_second * seconds).await;
    let times = std::mem::take(&mut *times.lock().unwrap());
    let arrivals = sink.arrivals.lock().unwrap();
    let delivered = times.iter().map(|(number, sent, _)| arrivals[number].duration_since(*sent)).collect();
    let accepted = times.into_iter().map(|(_, _, accepted)| accepted).collect();
    println!("  at {per_second}/s: accepted {}; delivered {}", spread(accepted), spread(delivered));
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms", at(0.5), at(0.99), at(1.0))
}

/// The processor time this process has used so far, all threads.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
