//! `memories`, `keep_figures`, `figures`.

#![cfg(test)]

use relaybell::domain::defects::Counts;
use relaybell::domain::event::SubjectKey;
use relaybell::domain::memory::MemoryChange;
use relaybell::domain::standing::{Standing, Stands};
use relaybell::store::Figures;

use super::sketch::{at, plan, remembering, subject};
use super::{Bench, on_every_store};

on_every_store!(
    memories_are_read_by_what_their_keys_begin_with,
    memories_are_read_page_by_page,
    the_last_figures_are_kept,
    old_figures_are_forgotten,
);

/// Remembers the subject with this key.
async fn remember(bench: &Bench, n: u8, key: SubjectKey, standing: Standing) {
    let mut made = remembering(plan(n, "x", i64::from(n), &[]), None, "major");
    let MemoryChange { from, mut to, .. } = made.memory.take().unwrap();
    to.standing = Some(Stands { is: standing, since: at(i64::from(n)) });
    made.memory = Some(MemoryChange { key, from, to });
    bench.store.commit(made).await.unwrap();
}

/// "The first `limit` of the memories whose keys begin with `beginning`, by their keys"
async fn memories_are_read_by_what_their_keys_begin_with(mut bench: Bench) {
    let keys = [
        ("qase", Some("PAY"), "defect/9"),
        ("qase", Some("PAY"), "defect/10"),
        ("qase", Some("PAY"), "defect/"),
        ("qase", Some("PAY"), "defect/\u{10ffff}\u{10ffff}"),
        ("qase", Some("PAY"), "defect"),
        ("qase", Some("PAY"), "defect0"),
        ("qase", Some("PAY"), "case/1"),
        ("qase", Some("pay"), "defect/1"),
        ("qase", Some("PAYMENTS"), "defect/1"),
        ("qase", None, "defect/1"),
        ("qase2", Some("PAY"), "defect/1"),
    ];
    for (n, (source, project, about)) in (1..).zip(keys) {
        remember(&bench, n, SubjectKey::new(source, project, about), Standing::Closed).await;
    }
    bench.reopen().await;
    let of = async |beginning: &str| {
        let found = bench.store.memories(beginning, None, 100).await.unwrap();
        found.into_iter().map(|(key, _)| key.0).collect::<Vec<_>>()
    };
    let pay = SubjectKey::beginning("qase", Some("PAY"), "defect");
    let expected = ["defect/", "defect/10", "defect/9", "defect/\u{10ffff}\u{10ffff}"];
    assert_eq!(of(&pay).await, expected.map(|about| subject(about).0));
    assert_eq!(of(&SubjectKey::beginning("qase", None, "defect")).await, ["qase/-/defect/1"]);
    assert_eq!(of("qase/PAY%").await, Vec::<String>::new());
    assert_eq!(of("").await.len(), keys.len());
    let (_, memory) = bench.store.memories(&pay, None, 1).await.unwrap().remove(0);
    assert_eq!((memory.standing.unwrap().is, &memory.facts["severity"].value), (Standing::Closed, &"major".into()));
}

/// "after `after` if given"
async fn memories_are_read_page_by_page(bench: Bench) {
    for n in 1..=7 {
        remember(&bench, n, subject(&format!("defect/{n}")), Standing::Open).await;
    }
    remember(&bench, 8, subject("run/1"), Standing::Open).await;
    let mut after = None;
    let mut pages = Vec::new();
    loop {
        let page = bench.store.memories("qase/PAY/defect/", after.as_ref(), 3).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        pages.push(page.len());
    }
    assert_eq!(pages, [3, 3, 1]);
    let before = SubjectKey("a".to_owned());
    assert_eq!(bench.store.memories("qase/PAY/defect/", Some(&before), 9).await.unwrap().len(), 7);
    let past = SubjectKey("z".to_owned());
    assert_eq!(bench.store.memories("qase/PAY/defect/", Some(&past), 9).await.unwrap(), []);
}

fn figures(total: u64, ms: i64) -> Figures {
    Figures { counts: Counts { total, open: 3, closed: 2, critical: 1, moderate: u64::MAX }, at: at(ms) }
}

/// "Keeps `figures` as the last ones known for `question`, in place of older ones."
async fn the_last_figures_are_kept(mut bench: Bench) {
    for (question, kept) in [("a", figures(5, 1)), ("b", figures(6, 2)), ("a", figures(7, 3))] {
        bench.store.keep_figures(question, &kept).await.unwrap();
    }
    bench.reopen().await;
    assert_eq!(bench.store.figures("a").await.unwrap(), Some(figures(7, 3)));
    assert_eq!(bench.store.figures("b").await.unwrap(), Some(figures(6, 2)));
    assert_eq!(bench.store.figures("c").await.unwrap(), None);
}

/// "and up to `limit` figures counted before `before`"
async fn old_figures_are_forgotten(bench: Bench) {
    for (question, ms) in [("a", 30), ("b", 10), ("c", 20), ("d", 40)] {
        bench.store.keep_figures(question, &figures(1, ms)).await.unwrap();
    }
    assert_eq!(bench.store.forget_before(at(40), 2).await.unwrap(), 0, "no event went");
    let left = async |question| bench.store.figures(question).await.unwrap().is_some();
    assert_eq!([left("a").await, left("b").await, left("c").await, left("d").await], [true, false, false, true]);
    bench.store.forget_before(at(40), 2).await.unwrap();
    assert_eq!([left("a").await, left("d").await], [false, true]);
}
