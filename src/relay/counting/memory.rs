//! Counts the defects that the relay itself remembers.

use crate::config::Remembered;
use crate::domain::census::facts_of;
use crate::domain::defects::Counts;
use crate::domain::event::SubjectKey;
use crate::store::{Ledger, StoreError};

/// How many memories are looked at at a time.
const PAGE: usize = 500;

/// How many defects of `project` are remembered, by their sorts.
pub(super) async fn count(ledger: &dyn Ledger, kept: &Remembered, project: &str) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for source in &kept.sources {
        for kind in &kept.subjects {
            let beginning = SubjectKey::beginning(source, Some(project), kind);
            let mut after = None;
            loop {
                let page = ledger.memories(&beginning, after.as_ref(), PAGE).await?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|(key, _)| key.clone());
                for (key, memory) in page {
                    let id = key.0.get(beginning.len()..).unwrap_or_default();
                    let standing = memory.standing.map(|stands| stands.is);
                    let facts = facts_of(source, project, &format!("{kind}/{id}"), memory);
                    kept.census.add(&mut counts, &facts, standing);
                }
                if is_last {
                    break;
                }
            }
        }
    }
    Ok(counts)
}
