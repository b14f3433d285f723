//! A sender whose webhooks say little, whose API says more, and whose reading can break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use relaybell::config::{ApiSpec, Exchanges, Snapshot, SourceSpec, Unread};
use relaybell::domain::ask::{Answer, Ask};
use relaybell::domain::event::Report;
use relaybell::domain::memory::Known;
use relaybell::source::catalogue::Catalogue;
use relaybell::source::proof::Proof;
use relaybell::source::{Found, Inquiry, Malformed, Source, Verified, Wanted};

/// Reads what Qase sends, and asks `api.example` for what is wanted and not known.
#[derive(Debug)]
pub struct Thin {
    inner: Arc<dyn Source>,
    /// Whether it signs in before it asks.
    pub signs_in: bool,
    /// While set, nothing can be read.
    pub broken: Arc<AtomicBool>,
    /// How many events each webhook reports.
    pub times: usize,
}

/// Makes the source `qase` of a snapshot such a one.
pub fn thin(change: impl FnOnce(&mut Thin)) -> impl FnOnce(&mut Snapshot) {
    |snapshot| {
        let old = snapshot.sources.get("qase").unwrap().clone();
        let mut adapter = Thin { inner: old.adapter.clone(), signs_in: false, broken: Arc::default(), times: 1 };
        change(&mut adapter);
        let api = ApiSpec { limit: None, timeout: Duration::from_secs(10), proxy: None };
        let spec = SourceSpec {
            name: old.name.clone(),
            kind: old.kind,
            preset: old.preset,
            adapter: Arc::new(adapter),
            expect_every: Vec::new(),
            unread: Unread::Refused,
            api: Some(api),
            exchanges: Exchanges::default(),
        };
        snapshot.sources.insert(old.name.clone(), Arc::new(spec));
    }
}

const ASKED: [&str; 2] = ["severity", "title"];

fn get(path: &str) -> Ask {
    let request = Request::get(format!("https://api.example/{path}")).body(Bytes::new()).unwrap();
    Ask { what: format!("GET {path}"), request }
}

impl Source for Thin {
    fn proof(&self) -> &Proof {
        self.inner.proof()
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.inner.catalogue()
    }

    fn normalise(&self, hook: &Verified) -> Result<Vec<Report>, Malformed> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Malformed::kept("the mapping 'severity' failed"));
        }
        let one = self.inner.normalise(hook)?.remove(0);
        Ok((0..self.times)
            .map(|number| {
                let mut report = one.clone();
                if number > 0 {
                    report.dedup = relaybell::domain::event::Dedup::SenderId(format!("part {number}"));
                    report.facts.insert("title".to_owned(), format!("part {number}").into());
                }
                report
            })
            .collect())
    }

    fn is_thin(&self, report: &Report, known: &Known, wanted: &Wanted) -> bool {
        let remembered = |name: &str| known.memory.as_ref().is_some_and(|(memory, _)| memory.facts.contains_key(name));
        ASKED.iter().any(|name| wanted.0.contains(*name) && !report.facts.contains_key(*name) && !remembered(name))
    }

    fn inquire(&self, report: &Report, _wanted: &Wanted, answers: &[Answer]) -> Inquiry {
        let subject = report.subject.as_deref().unwrap_or_default();
        match answers {
            [] => Inquiry::Ask(get(subject)),
            [Answer::Replied(reply), ..] => match reply.status {
                200 => {
                    let facts = reply.json().as_object().cloned().unwrap_or_default();
                    Inquiry::Done(Found { facts, ..Found::default() })
                }
                404 => Inquiry::Done(Found { notes: vec![format!("there is no {subject}")], ..Found::default() }),
                429 => Inquiry::Later { why: "too many questions".to_owned(), after: reply.retry_after() },
                401 | 403 => Inquiry::Failed { why: "the token is refused".to_owned() },
                status => Inquiry::Later { why: format!("the API answered {status}"), after: None },
            },
            [Answer::Lost(lost), ..] => Inquiry::Later { why: lost.to_string(), after: None },
        }
    }

    fn sign_in(&self) -> Option<Ask> {
        let request = Request::post("https://id.example/token").body(Bytes::from_static(b"secret")).unwrap();
        self.signs_in.then_some(Ask { what: "POST token".to_owned(), request })
    }
}
