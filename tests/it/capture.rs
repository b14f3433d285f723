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
