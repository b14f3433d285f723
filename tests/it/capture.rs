//! Setting a sender up: what arrives is shown as it came, and what was refused is told.

use std::process::Stdio;
use std::time::Duration;

use relaybell::ports::http::HttpExchange;
use serde_json::Value;

use crate::support::files::Folder;
use crate::support::http::ask;
use crate::support::process::{Serving, command, run, stderr, stdout};

const CONFIG: &str = r#"
server: { listen: 127.0.0.1:0 }
sources: { qase: { kind: qase, secrets: ["a-long-secret"] } }
destinations: { chat: { kind: slack, webhook_url: "http://127.0.0.1:9/services/T/B/x" } }
"#;

#[test]
fn arrivals_are_shown_with_their_facts_or_why_they_were_refused() {
    let folder = Folder::new(CONFIG, "rules: []\n");
    let serving = Serving::start(folder.path());
    let mut onlooker = command(folder.path(), &["capture", "qase", "--count", "2", "--json"]);
    let mut onlooker = onlooker.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = HttpExchange::new().unwrap();
        // Sent until the onlooker has seen enough: it takes a moment to look on.
        for id in 0.. {
            let body = format!(
                r#"{{"event_name":"defect.created","project_code":"PAY","payload":{{"id":{id},"title":"t{id}"}}}}"#
            );
            let secret = [("x-qase-secret", "a-long-secret")];
            ask(&client, serving.address, "POST", "/hooks/qase", &secret, body.as_bytes()).await;
            ask(&client, serving.address, "POST", "/hooks/qase", &[], body.as_bytes()).await;
            if onlooker.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let shown = onlooker.wait_with_output().unwrap();
    let shown: Vec<Value> =
        String::from_utf8_lossy(&shown.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(shown.len(), 2);
    for one in &shown {
        assert!(one["body"].as_str().unwrap().contains("defect.created") && !one.to_string().contains("a-long-secret"));
        if one["status"] == 202 {
            assert_eq!(one["read"]["facts"]["project"], "PAY");
        } else {
            assert_eq!(
                one["refused"].as_str().map(|why| why.contains("X-Qase-Secret is missing")),
                Some(true),
                "{one}"
            );
        }
    }
    let listed = run(folder.path(), &["sources", "--json"]);
    let listed: Value = serde_json::from_str(&stdout(&listed)).unwrap_or_else(|_| panic!("{}", stderr(&listed)));
    let qase = &listed[0];
    assert!(qase["refused"]["no_secret"].as_u64() > Some(0) && qase["events"].as_u64() > Some(0), "{qase}");
    assert!(qase["address"].as_str().unwrap().ends_with("/hooks/qase"));
    let unknown = run(folder.path(), &["capture", "qasse"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean 'qase'?"), "{}", stderr(&unknown));
}

#[test]
fn sources_tell_each_reason_by_the_metrics_word_and_what_a_source_is_made_of() {
    let config = CONFIG
        .replace("sources: { qase:", "sources: { code: { preset: github, secrets: [\"another-secret\"] }, qase:")
        .replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0, public_url: \"https://bell.example.com\"");
    let folder = Folder::new(&config, "rules: []\n");
    let serving = Serving::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = HttpExchange::new().unwrap();
        let secret = |text: &'static str| vec![("x-qase-secret", text)];
        for (method, headers, body) in [
            ("POST", vec![], "{}"),
            ("POST", secret("wrong"), "{}"),
            ("POST", secret("wrong"), "{}"),
            ("POST", secret("a-long-secret"), "{ not json"),
            ("GET", vec![], ""),
        ] {
            let answer = ask(&client, serving.address, method, "/hooks/qase", &headers, body.as_bytes()).await;
            assert!(answer.status().is_client_error(), "{method}");
        }
        let metrics = ask(&client, serving.address, "GET", "/metrics", &[], b"").await;
        let metrics = String::from_utf8_lossy(metrics.body()).into_owned();
        for (reason, count) in [("no_secret", 1), ("wrong_secret", 2), ("malformed", 1), ("wrong_method", 1)] {
            let line = format!("relaybell_events_refused_total{{source=\"qase\",reason=\"{reason}\"}} {count}\n");
            assert!(metrics.contains(&line), "{line}{metrics}");
        }
    });
    let listed = stdout(&run(folder.path(), &["sources"]));
    let refused = "qase: refused 1 malformed, 1 no_secret, 1 wrong_method, 2 wrong_secret; the last at ";
    assert!(listed.contains(refused), "{listed}");
    let row = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("code ").contains("json (github)") && row("qase ").contains("qase  "), "{listed}");
}

const QUIET: &str = r#"
server: { listen: 127.0.0.1:0 }
storage: { url: "sqlite:relay.db" }
sources:
  ci: { kind: json, secrets: [a-long-secret], map: { when: 'body.kind == "build"', event: body.kind } }
  test-manager:
    kind: uipath
    secrets: [a-long-secret]
    projects: { 3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8: SHOP }
    defect_kpis: { from: memory }
destinations: { chat: { kind: slack, webhook_url: "http://127.0.0.1:9/services/T/B/x" } }
"#;
const SECRET: [(&str, &str); 2] = [("x-relaybell-secret", "a-long-secret"), ("content-type", "application/json")];

fn send(serving: &Serving, method: &str, path: &str, body: &str) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = HttpExchange::new().unwrap();
    runtime.block_on(ask(&client, serving.address, method, path, &SECRET, body.as_bytes())).status().as_u16()
}

/// Looks on at `source` until something has arrived that counts. `first` is sent until the
/// onlooker has written `shown`, then `last` until it has ended. Gives all that it wrote.
fn look_on(folder: &Folder, source: &str, (first, shown): (impl Fn(), &str), last: impl Fn()) -> String {
    let mut onlooker = command(folder.path(), &["capture", source, "--count", "1"]);
    let mut onlooker = onlooker.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(onlooker.stdout.take().unwrap()));
    let (tell, told) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            tell.send(line).unwrap();
        }
    });
    let mut all = String::new();
    let seen = |all: &mut String| all.extend(told.try_iter().map(|line| line + "\n"));
    while !all.contains(shown) {
        assert!(onlooker.try_wait().unwrap().is_none(), "it ended before {shown}: {all}");
        first();
        std::thread::sleep(Duration::from_millis(100));
        seen(&mut all);
    }
    while onlooker.try_wait().unwrap().is_none() {
        last();
        std::thread::sleep(Duration::from_millis(100));
    }
    reading.join().unwrap();
    seen(&mut all);
    all
}

#[test]
fn what_is_no_event_is_said_and_counted() {
    let folder = Folder::new(QUIET, "rules: []\n");
    let serving = Serving::start(folder.path());
    let question = "/hooks/test-manager/api/kpis/project/3dae45a4-6fc3-4a10-8c1e-0b49c244dbb8/defectstatus";
    let asks = || assert_eq!(send(&serving, "GET", question, ""), 200);
    let posts = || assert_eq!(send(&serving, "POST", "/hooks/test-manager", "{}"), 202);
    let all = look_on(&folder, "test-manager", (asks, "answered 200: no webhook: a question for figures"), posts);
    assert!(all.contains("answered 202: event "), "only a webhook counts: {all}");

    let pings = || assert_eq!(send(&serving, "POST", "/hooks/ci", r#"{"kind":"ping"}"#), 200);
    let all = look_on(&folder, "ci", (|| {}, ""), pings);
    assert!(all.contains("answered 200: no event: a ping, or what the source's 'when' leaves out"), "{all}");

    let listed = run(folder.path(), &["sources", "--json"]);
    let listed: Value = serde_json::from_str(&stdout(&listed)).unwrap_or_else(|_| panic!("{}", stderr(&listed)));
    let pinged = listed[0]["no_event"].as_u64().unwrap();
    assert!(pinged > 0 && listed[0]["last_no_event"].is_string(), "{listed}");
    assert_eq!((&listed[1]["no_event"], &listed[1]["last_no_event"]), (&0.into(), &Value::Null), "{listed}");
    let text = stdout(&run(folder.path(), &["sources"]));
    let head: Vec<&str> =
        text.lines().next().unwrap().split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect();
    let ci: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((head[4], ci[4]), ("NO EVENT", pinged.to_string().as_str()), "{text}");
    assert!(text.contains("no event (what its 'when' leaves out, or a ping); the last at 20"), "{text}");
    serving.kill();
    let text = stdout(&run(folder.path(), &["sources"]));
    assert_eq!(text.lines().nth(1).unwrap().split_whitespace().nth(4), Some("?"), "{text}");
}

#[test]
fn a_name_that_is_no_source_is_logged_with_the_one_that_was_meant() {
    let folder = Folder::new(QUIET, "rules: []\n");
    let serving = Serving::start(folder.path());
    for _ in 0..5 {
        assert_eq!(send(&serving, "POST", "/hooks/testmanager", "{}"), 404);
    }
    assert_eq!(send(&serving, "PATCH", "/hooks/ci", "{}"), 405);
    let refused = |record: &Value| record["message"] == "a webhook was refused";
    let first = serving.wait_for_log("the unknown source", refused);
    assert_eq!(first["source"], "testmanager", "{first}");
    assert_eq!(first["why"], "there is no such source, did you mean 'test-manager'?", "{first}");
    let next = serving.wait_for_log("the wrong method", refused);
    assert_eq!(next["source"], "ci", "the same again is not logged at once: {next}");
}
