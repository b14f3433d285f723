//! `commit`, `recall`, `keep_revision`, `forget_before`, `probe`, `close`.

#![cfg(test)]

use relaybell::domain::event::Dedup;
use relaybell::domain::stage::Stage;
use relaybell::store::{Committed, DeliveryFilter, StoreError};

use super::sketch::{at, plan, remembering, subject};
use super::{Bench, dead, on_every_store, sent};

on_every_store!(
    everything_is_kept,
    nothing_of_a_refused_plan_is_kept,
    a_sender_s_id_is_repeated_as_long_as_the_event_is_kept,
    a_body_is_repeated_within_ten_minutes_of_the_first,
    a_repetition_is_recognised_before_the_memory_is_compared,
    memory_is_checked_against_its_version,
    a_lost_answer_can_be_asked_for_again,
    forgetting_spares_open_work,
    forgetting_takes_small_steps,
    memory_is_forgotten_when_untouched,
    an_open_event_is_decided_anew_once,
    a_replanned_event_may_turn_out_to_repeat_another,
    open_events_are_listed_in_the_order_in_which_they_came,
    what_awaits_is_never_forgotten,
    a_closed_store_refuses,
);

/// "Writes all that one event causes, or nothing. Durable when it returns `Stored`."
async fn everything_is_kept(mut bench: Bench) {
    let made = remembering(plan(1, "defect/17", 0, &["chat", "jira"]), None, "blocker");
    assert_eq!(bench.store.commit(made.clone()).await.unwrap(), Committed::Stored);
    bench.store.keep_revision("r1", at(0), &serde_json::Map::new()).await.unwrap();
    bench.store.keep_revision("r1", at(1), &serde_json::Map::new()).await.unwrap();
    bench.reopen().await;

    let event = bench.store.event(made.event.id).await.unwrap().unwrap();
    assert_eq!(event.body, made.body);
    assert_eq!(event.verdicts, made.verdicts);
    assert_eq!((event.time, event.received), (made.event.time, made.event.received));
    assert_eq!((event.revision.as_str(), event.subject.as_deref()), ("r1", Some("defect/17")));
    assert_eq!(event.facts["values"]["pass_rate"], 14.0 / 15.0);
    assert_eq!(event.facts["values"].get("payload"), None, "the body is kept, its copy in the facts is not");
    assert_eq!(event.facts["origins"]["severity"]["memory"]["since"], at(-1).as_ms());

    let known = bench.store.recall(&subject("defect/17")).await.unwrap();
    assert_eq!(bench.store.remembered(&subject("defect/17")).await.unwrap(), known, "people read the same");
    assert_eq!(known.memory, Some((made.memory.unwrap().to, 1)));
    let lease = bench.lane("jira").await;
    let job = bench.take(&lease, 0).await.remove(0);
    assert_eq!(
        (job.content.clone(), job.key.clone()),
        (made.deliveries[1].content.clone(), made.deliveries[1].key.clone())
    );
    assert_eq!((job.accepted, job.attempt, job.failures, job.unsure), (at(0), 1, 0, false));
}

/// "Writes all that one event causes, or nothing."
async fn nothing_of_a_refused_plan_is_kept(bench: Bench) {
    let mut twice = remembering(plan(1, "defect/17", 0, &["chat", "jira"]), None, "blocker");
    twice.deliveries[1].id = twice.deliveries[0].id;
    let (refused, stored) =
        tokio::join!(bench.store.commit(twice.clone()), bench.store.commit(plan(2, "run/1", 0, &["chat"])));
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(stored.unwrap(), Committed::Stored, "others in the same group are stored");
    assert_eq!(bench.store.event(twice.event.id).await.unwrap(), None);
    assert_eq!(bench.store.recall(&subject("defect/17")).await.unwrap().memory, None);
    assert_eq!(bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().len(), 1);
}

/// "By the sender's own delivery id, for as long as the event is kept."
async fn a_sender_s_id_is_repeated_as_long_as_the_event_is_kept(bench: Bench) {
    let first = plan(1, "defect/17", 0, &["chat"]);
    let later = |n| {
        let mut later = plan(n, "defect/17", 86_400_000, &["chat"]);
        later.dedup = first.dedup.clone();
        later
    };
    assert_eq!(bench.store.commit(first.clone()).await.unwrap(), Committed::Stored);
    assert_eq!(bench.store.commit(later(2)).await.unwrap(), Committed::Duplicate(first.event.id));
    let mut elsewhere = later(3);
    elsewhere.event.source = "ci".into();
    assert_eq!(bench.store.commit(elsewhere).await.unwrap(), Committed::Stored, "ids are the source's own");
    let lease = bench.lane("chat").await;
    for job in bench.take(&lease, 1).await {
        bench.settle(&lease, &job, 100, sent()).await;
    }
    assert_eq!(bench.store.forget_before(at(1), 10).await.unwrap(), 1);
    assert_eq!(bench.store.commit(later(4)).await.unwrap(), Committed::Stored);
}

/// "By a hash of source and body, within `DEDUP_WINDOW`" of the first.
async fn a_body_is_repeated_within_ten_minutes_of_the_first(bench: Bench) {
    let hashed = |n, received| {
        let mut plan = plan(n, "defect/17", received, &[]);
        plan.dedup = Dedup::BodyHash("abc".to_owned());
        plan
    };
    let first = hashed(1, 0);
    assert_eq!(bench.store.commit(first.clone()).await.unwrap(), Committed::Stored);
    assert_eq!(bench.store.commit(hashed(2, 599_999)).await.unwrap(), Committed::Duplicate(first.event.id));
    assert_eq!(bench.store.commit(hashed(3, 600_000)).await.unwrap(), Committed::Stored, "the window does not slide");
    assert_eq!(
        bench.store.commit(hashed(4, 600_001)).await.unwrap(),
        Committed::Duplicate(hashed(3, 600_000).event.id)
    );
    let mut id = hashed(5, 600_002);
    id.dedup = Dedup::SenderId("abc".to_owned());
    assert_eq!(bench.store.commit(id).await.unwrap(), Committed::Stored, "an id is no hash");
}

/// "A repetition is recognised before the memory's version is compared."
async fn a_repetition_is_recognised_before_the_memory_is_compared(bench: Bench) {
    let first = remembering(plan(1, "defect/17", 0, &[]), None, "blocker");
    bench.store.commit(first.clone()).await.unwrap();
    assert_eq!(bench.store.commit(first.clone()).await.unwrap(), Committed::Duplicate(first.event.id));
}

/// "The memory it was planned from has changed since; nothing was changed. Plan again."
async fn memory_is_checked_against_its_version(bench: Bench) {
    let remember = |n, from, severity| remembering(plan(n, "defect/17", i64::from(n), &["chat"]), from, severity);
    assert_eq!(bench.store.commit(remember(1, Some(1), "minor")).await.unwrap(), Committed::Stale);
    assert_eq!(bench.store.commit(remember(1, None, "minor")).await.unwrap(), Committed::Stored);
    assert_eq!(bench.store.commit(remember(2, None, "major")).await.unwrap(), Committed::Stale);
    assert_eq!(bench.store.commit(remember(2, Some(1), "major")).await.unwrap(), Committed::Stored);
    assert_eq!(bench.store.commit(remember(3, Some(1), "blocker")).await.unwrap(), Committed::Stale);
    let (memory, version) = bench.store.recall(&subject("defect/17")).await.unwrap().memory.unwrap();
    assert_eq!((version, &memory.facts["severity"].value), (2, &"major".into()));
    assert_eq!(bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().len(), 2);
}

/// "It cannot be told whether the verb was done": then it is asked again.
async fn a_lost_answer_can_be_asked_for_again(bench: Bench) {
    let made = plan(1, "defect/17", 0, &["chat"]);
    {
        let mut asked = std::pin::pin!(bench.store.commit(made.clone()));
        // Polled once and dropped: the caller has gone away.
        let gone = tokio::time::timeout(std::time::Duration::ZERO, &mut asked).await;
        drop(gone);
    }
    let again = bench.store.commit(made.clone()).await.unwrap();
    assert!(matches!(again, Committed::Stored | Committed::Duplicate(_)), "{again:?}");
    assert_eq!(bench.store.events(None, None, 10).await.unwrap().len(), 1);
    assert_eq!(bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().len(), 1);
}

/// "Forgets up to `limit` events received before `before` that have no unfinished
/// delivery, oldest first, with all that belongs to them."
async fn forgetting_spares_open_work(bench: Bench) {
    for n in 1..=4 {
        bench.store.commit(plan(n, &format!("defect/{n}"), i64::from(n), &["chat", "jira"])).await.unwrap();
    }
    let lease = bench.lane("chat").await;
    let jobs = bench.take(&lease, 100).await;
    bench.settle(&lease, &jobs[0], 200, sent()).await;
    bench.settle(&lease, &jobs[1], 200, dead()).await;
    let jira = bench.lane("jira").await;
    let tickets = bench.take(&jira, 100).await;
    bench.settle(&jira, &tickets[0], 200, sent()).await;
    bench.store.drop_delivery(jobs[1].id, "no matter", at(300)).await.unwrap();

    assert_eq!(bench.store.forget_before(at(1000), 10).await.unwrap(), 1, "only the first has no open work");
    assert_eq!(bench.store.event(jobs[0].event).await.unwrap(), None);
    assert!(bench.store.delivery(jobs[0].id).await.unwrap().is_none());
    bench.settle(&jira, &tickets[1], 1100, sent()).await;
    assert_eq!(bench.store.forget_before(at(2), 10).await.unwrap(), 0, "it was received at that moment, not before");
    assert_eq!(bench.store.forget_before(at(3), 10).await.unwrap(), 1);
    assert_eq!(bench.store.events(None, None, 10).await.unwrap().len(), 2);
    assert_eq!(bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().len(), 4);
}

/// "Returns how many events went."
async fn forgetting_takes_small_steps(bench: Bench) {
    for n in 1..=5 {
        bench.store.commit(plan(n, "run/1", i64::from(10 - n), &[])).await.unwrap();
    }
    assert_eq!(bench.store.forget_before(at(1000), 2).await.unwrap(), 2);
    let left: Vec<_> = bench.store.events(None, None, 10).await.unwrap().iter().map(|event| event.received).collect();
    assert_eq!(left, [at(9), at(8), at(7)], "the oldest went first");
    assert_eq!(bench.store.forget_before(at(1000), 10).await.unwrap(), 3);
    assert_eq!(bench.store.forget_before(at(1000), 10).await.unwrap(), 0);
}

/// "and up to `limit` memories untouched since then whose subject is no unfinished conversation."
async fn memory_is_forgotten_when_untouched(bench: Bench) {
    bench.store.commit(remembering(plan(1, "defect/1", 0, &[]), None, "blocker")).await.unwrap();
    bench.store.commit(remembering(plan(2, "defect/2", 0, &["chat"]), None, "blocker")).await.unwrap();
    bench.store.commit(remembering(plan(3, "defect/3", 0, &[]), None, "blocker")).await.unwrap();
    bench.store.commit(remembering(plan(4, "defect/3", 50, &[]), Some(1), "minor")).await.unwrap();
    bench.store.forget_before(at(50), 10).await.unwrap();
    let known = async |about| bench.store.recall(&subject(about)).await.unwrap().memory.map(|(_, version)| version);
    assert_eq!((known("defect/1").await, known("defect/2").await, known("defect/3").await), (None, Some(1), Some(2)));
}

/// "Decides anew an event that is open … keeps its id, body and when it was received."
async fn an_open_event_is_decided_anew_once(mut bench: Bench) {
    let mut open = plan(1, "defect/17", 0, &[]);
    open.stage = Stage::Awaiting;
    open.verdicts.clear();
    open.headers.insert("ce-type".to_owned(), "defect".to_owned());
    bench.store.commit(open.clone()).await.unwrap();

    let mut decided = remembering(plan(1, "defect/18", 0, &["chat"]), Some(3), "blocker");
    decided.event.name = "defect.updated".to_owned();
    decided.body = "another".into();
    assert_eq!(bench.store.replan(decided.clone(), at(5000)).await.unwrap(), Committed::Stale);
    assert!(bench.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().is_empty(), "nothing changed");
    decided = remembering(decided, None, "blocker");
    assert_eq!(bench.store.replan(decided.clone(), at(5000)).await.unwrap(), Committed::Stored);
    bench.reopen().await;

    let event = bench.store.event(open.event.id).await.unwrap().unwrap();
    assert_eq!(
        (event.stage, event.name.as_str(), event.subject.as_deref()),
        (Stage::Decided, "defect.updated", Some("defect/18"))
    );
    assert_eq!((event.body.clone(), event.received, event.headers), (open.body.to_vec(), at(0), open.headers));
    assert_eq!(event.verdicts, decided.verdicts);
    assert!(bench.store.recall(&subject("defect/18")).await.unwrap().memory.is_some());
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 5000).await.remove(0);
    assert_eq!((job.event, job.accepted), (open.event.id, at(5000)), "its patience begins when it is decided");

    let again = bench.store.replan(decided, at(6000)).await;
    assert!(matches!(&again, Err(StoreError::Refused(why)) if why.contains("has been decided already")), "{again:?}");
    let nobody = bench.store.replan(plan(9, "defect/1", 0, &[]), at(6000)).await;
    assert!(matches!(&nobody, Err(StoreError::Refused(why)) if why.contains("there is no event")), "{nobody:?}");
}

/// "Where it now says otherwise how a repetition is recognised, and so repeats another event …"
async fn a_replanned_event_may_turn_out_to_repeat_another(bench: Bench) {
    let known = plan(1, "defect/17", 0, &[]);
    let mut open = plan(2, "defect/17", 100, &[]);
    open.stage = Stage::Quarantined;
    open.dedup = Dedup::BodyHash("abc".to_owned());
    let mut same_body = plan(3, "defect/17", 900_000, &[]);
    same_body.dedup = open.dedup.clone();
    for made in [&known, &open, &same_body] {
        assert_eq!(bench.store.commit(made.clone()).await.unwrap(), Committed::Stored);
    }
    let mut decided = open.clone();
    decided.stage = Stage::Decided;
    decided.dedup = known.dedup.clone();
    assert_eq!(bench.store.replan(decided.clone(), at(200)).await.unwrap(), Committed::Duplicate(known.event.id));
    decided.dedup = open.dedup;
    assert_eq!(bench.store.replan(decided, at(200)).await.unwrap(), Committed::Stored, "what it is known by stays");
}

/// "The first `limit` events at `stage` … in the order in which they came in, after `after`."
async fn open_events_are_listed_in_the_order_in_which_they_came(bench: Bench) {
    for n in [3, 1, 2, 4] {
        let mut made = plan(n, "defect/17", 0, &[]);
        made.stage = if n == 4 { Stage::Quarantined } else { Stage::Awaiting };
        bench.store.commit(made).await.unwrap();
    }
    let ids = async |stage, source, after, limit| -> Vec<u8> {
        let found = bench.store.events_at(stage, source, after, limit).await.unwrap();
        found.iter().map(|event| event.id.0.as_bytes()[15]).collect()
    };
    assert_eq!(ids(Stage::Awaiting, None, None, 10).await, [3, 1, 2], "not by their ids");
    assert_eq!(ids(Stage::Awaiting, None, Some(plan(3, "", 0, &[]).event.id), 1).await, [1]);
    assert_eq!(ids(Stage::Quarantined, Some("qase"), None, 10).await, [4]);
    assert!(ids(Stage::Quarantined, Some("ci"), None, 10).await.is_empty());
    assert!(ids(Stage::Decided, None, None, 10).await.is_empty(), "only open ones are listed");
}

/// "Forgets … events … that await nothing."
async fn what_awaits_is_never_forgotten(bench: Bench) {
    for (n, stage) in [(1, Stage::Awaiting), (2, Stage::Quarantined), (3, Stage::Decided)] {
        let mut made = plan(n, "defect/17", 0, &[]);
        made.stage = stage;
        bench.store.commit(made).await.unwrap();
    }
    assert_eq!(bench.store.forget_before(at(1000), 10).await.unwrap(), 2);
    assert_eq!(bench.store.events(None, None, 10).await.unwrap()[0].stage, Stage::Awaiting);
}

/// "Flushes and closes; later verbs are `Unavailable`."
async fn a_closed_store_refuses(bench: Bench) {
    bench.store.probe().await.unwrap();
    bench.store.close().await.unwrap();
    let closed =
        |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    closed(bench.store.probe().await);
    closed(bench.store.recall(&subject("defect/1")).await.map(drop));
    closed(bench.store.depths().await.map(drop));
    closed(bench.store.commit(plan(1, "defect/17", 0, &[])).await.map(drop));
    closed(bench.store.close().await);
}
