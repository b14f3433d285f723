//! The stored JSON forms: what is written, and how every release's form is read.
//!
//! A form is `{"v":1,"data":…}`; [`Content`] carries its version itself. Golden files in
//! `tests/fixtures/stored/v1` stay readable for ever.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::facts::{Facts, Origin};
use crate::domain::message::{CONTENT_VERSION, Content};

/// The version of every form that this release writes.
const VERSION: u32 = 1;

/// Most stored forms are no longer.
const TEXT_BYTES_TYPICAL: usize = 1024;

/// The fact that is not stored among the facts, because the body is stored beside them.
const PAYLOAD: &str = "payload";

/// Why stored text cannot be read, without saying where it stood.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadForm {
    /// A newer release wrote it.
    #[error("its form has version {0}, which a newer release of Relaybell wrote")]
    Newer(u32),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Form<T> {
    v: u32,
    data: T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The stored form of `data`.
pub(super) fn write<T: Serialize>(data: &T) -> Result<String, serde_json::Error> {
    to_text(&Form { v: VERSION, data })
}

/// `serde_json::to_string`, with room from the start.
fn to_text<T: Serialize>(data: &T) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(TEXT_BYTES_TYPICAL);
    serde_json::to_writer(&mut text, data)?;
    String::from_utf8(text).map_err(serde::ser::Error::custom)
}

/// Reads what [`write`] of this or any older release wrote.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, BadForm> {
    let form: Form<T> = parse(text, VERSION)?;
    Ok(form.data)
}

/// The stored form of a delivery's content.
pub(super) fn write_content(content: &Content) -> Result<String, serde_json::Error> {
    to_text(content)
}

/// Reads the content of a delivery.
pub(super) fn read_content(text: &str) -> Result<Content, BadForm> {
    parse(text, CONTENT_VERSION)
}

/// A newer version is told apart from damage only when needed: a form that reads well
/// may still be newer.
fn parse<T: DeserializeOwned>(text: &str, known: u32) -> Result<T, BadForm> {
    if let Ok(Version { v }) = serde_json::from_str(text)
        && v > known
    {
        return Err(BadForm::Newer(v));
    }
    serde_json::from_str(text).map_err(BadForm::Damaged)
}

/// The facts as they are kept and shown: all but the payload.
#[derive(Serialize)]
pub(super) struct KeptFacts<'a> {
    values: WithoutPayload<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    origins: &'a BTreeMap<String, Origin>,
}

impl<'a> KeptFacts<'a> {
    /// What is kept of `facts`.
    pub(super) fn of(facts: &'a Facts) -> Self {
        Self { values: WithoutPayload(&facts.values), origins: &facts.origins }
    }
}

/// The values in their order, without the payload and without a copy.
struct WithoutPayload<'a>(&'a Map<String, Value>);

impl Serialize for WithoutPayload<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != PAYLOAD))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::defects::Counts;
    use crate::domain::delivery::Receipt;
    use crate::domain::memory::Memory;
    use crate::domain::plan::Verdict;
    use crate::domain::thread::Thread;

    /// Reads the golden file and writes it again: the release that writes must not drift
    /// from the form without a new version.
    fn golden<T: Serialize + DeserializeOwned>(text: &str) {
        let data: T = read(text).unwrap();
        assert_eq!(write(&data).unwrap(), text.trim_end());
    }

    #[test]
    fn the_first_release_s_forms_stay_readable() {
        golden::<Memory>(include_str!("../../tests/fixtures/stored/v1/memory.json"));
        golden::<Memory>(include_str!("../../tests/fixtures/stored/v1/memory-standing.json"));
        golden::<Counts>(include_str!("../../tests/fixtures/stored/v1/figures.json"));
        golden::<Vec<Verdict>>(include_str!("../../tests/fixtures/stored/v1/verdicts.json"));
        golden::<Vec<Verdict>>(include_str!("../../tests/fixtures/stored/v1/verdicts-open.json"));
        golden::<Facts>(include_str!("../../tests/fixtures/stored/v1/facts-looked-up.json"));
        golden::<Receipt>(include_str!("../../tests/fixtures/stored/v1/receipt.json"));
        golden::<Facts>(include_str!("../../tests/fixtures/stored/v1/facts.json"));
        golden::<Thread>(include_str!("../../tests/fixtures/stored/v1/thread.json"));
        for text in [
            include_str!("../../tests/fixtures/stored/v1/content.json"),
            include_str!("../../tests/fixtures/stored/v1/content-how.json"),
            include_str!("../../tests/fixtures/stored/v1/content-described.json"),
        ] {
            let content = read_content(text).unwrap();
            assert_eq!(write_content(&content).unwrap(), text.trim_end());
        }
    }

    #[test]
    fn facts_are_kept_without_the_payload() {
        let values = json!({"event": "defect.created", "payload": {"id": 7}, "severity": "blocker"});
        let facts = Facts { values: values.as_object().unwrap().clone(), origins: BTreeMap::new() };
        assert_eq!(
            write(&KeptFacts::of(&facts)).unwrap(),
            r#"{"v":1,"data":{"values":{"event":"defect.created","severity":"blocker"}}}"#
        );
    }

    #[test]
    fn a_newer_form_is_told_from_a_damaged_one() {
        let newer = read::<Receipt>(r#"{"v":2,"data":{}}"#).unwrap_err();
        assert_eq!(newer.to_string(), "its form has version 2, which a newer release of Relaybell wrote");
        assert!(matches!(read::<Receipt>(r#"{"v":1,"da"#), Err(BadForm::Damaged(_))));
        assert!(matches!(read_content(r#"{"v":9}"#), Err(BadForm::Newer(9))));
    }

    #[test]
    fn a_number_with_a_long_tail_comes_back_as_it_went() {
        let data = json!({ "pass_rate": 1.810_278_549_485_625_6e-26, "share": 0.933_333_333_333_333_3 });
        assert_eq!(read::<Value>(&write(&data).unwrap()).unwrap(), data);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
        })]

        #[test]
        fn numbers_come_back_as_they_went(number in proptest::num::f64::NORMAL) {
            let data = json!({ "pass_rate": number });
            proptest::prop_assert_eq!(read::<Value>(&write(&data).unwrap()).unwrap(), data);
        }
    }
}
