//! Addresses in Qase's app.

use serde_json::Value;
use url::Url;

use super::envelope::Head;

/// Where a person looks at what the event is about; the project's page where the entity
/// has no page of its own that is known, or none any more. `None` without a project. `fact`
/// gives the facts of the event.
pub(super) fn of(app: &Url, head: &Head, fact: impl Fn(&str) -> Option<Value>) -> Option<String> {
    let project = head.project.as_deref()?;
    let id = |name: &str| match fact(name)? {
        Value::String(id) => Some(id),
        id => Some(id.to_string()),
    };
    let gone = head.verb() == "deleted";
    let run = |id: String| join(app, &["run", project, "dashboard", &id]);
    match head.entity() {
        // No address of a single defect is documented: its list is the surest way.
        "defect" => join(app, &["defect", project]),
        "run" if !gone => id("id").and_then(run),
        "result" => id("run_id").and_then(run),
        "case" if !gone => id("id").and_then(|id| join(app, &["case", &format!("{project}-{id}")])),
        "suite" if !gone => id("id").and_then(|id| {
            let mut url = joined(app, &["project", project])?;
            url.query_pairs_mut().append_pair("suite", &id);
            Some(url.into())
        }),
        _ => None,
    }
    .or_else(|| join(app, &["project", project]))
}

fn join(app: &Url, segments: &[&str]) -> Option<String> {
    let is_plain =
        |text: &&str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
    if segments.iter().all(is_plain) && app.query().is_none() && app.fragment().is_none() && !app.cannot_be_a_base() {
        // Nothing to encode: put together as text, which is what most webhooks need.
        let base = app.as_str();
        let mut address = base.strip_suffix('/').unwrap_or(base).to_owned();
        for segment in segments {
            address.push('/');
            address.push_str(segment);
        }
        return Some(address);
    }
    joined(app, segments).map(String::from)
}

fn joined(app: &Url, segments: &[&str]) -> Option<Url> {
    let mut url = app.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_put_together_as_text_is_the_one_that_is_encoded(
            app in proptest::sample::select(vec![
                "https://app.qase.io", "https://app.qase.io/", "https://qase.example/a/", "https://qase.example:8443/a//",
                "https://qase.example/a?b=c", "https://qase.example/#d",
            ]),
            project in "[A-Za-z0-9_. /%é-]{0,6}",
            id in "[a-z0-9.-]{0,3}",
        ) {
            let app = Url::parse(app).unwrap();
            let segments = ["run", &project, "dashboard", &id];
            prop_assert_eq!(join(&app, &segments), joined(&app, &segments).map(String::from));
        }
    }
}
