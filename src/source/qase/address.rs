//! Addresses in Qase's app.

use serde_json::Value;
use url::Url;

use super::envelope::Envelope;
use super::reading::Reading;

/// Where a person looks at what the event is about; the project's page where the entity
/// has no page of its own that is known, or none any more. `None` without a project.
pub(super) fn of(app: &Url, envelope: &Envelope, reading: &Reading) -> Option<String> {
    let project = envelope.project.as_deref()?;
    let id = |name: &str| match reading.facts.get(name)? {
        Value::String(id) => Some(id.clone()),
        id => Some(id.to_string()),
    };
    let gone = envelope.verb() == "deleted";
    let run = |id: String| join(app, &["run", project, "dashboard", &id]);
    match envelope.entity() {
        // No address of a single defect is documented: its list is the surest way.
        "defect" => join(app, &["defect", project]),
        "run" if !gone => id("id").and_then(run),
        "result" => id("run_id").and_then(run),
        "case" if !gone => id("id").and_then(|id| join(app, &["case", &format!("{project}-{id}")])),
        "suite" if !gone => id("id").and_then(|id| {
            let mut url = join(app, &["project", project])?;
            url.query_pairs_mut().append_pair("suite", &id);
            Some(url)
        }),
        _ => None,
    }
    .or_else(|| join(app, &["project", project]))
    .map(String::from)
}

fn join(app: &Url, segments: &[&str]) -> Option<Url> {
    let mut url = app.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}
