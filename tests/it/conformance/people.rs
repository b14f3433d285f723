//! `retry`, `drop_delivery`, `set_hold`, and what people read.

#![cfg(test)]

use relaybell::domain::delivery::State;
use relaybell::domain::ids::EventId;
use relaybell::store::{DeliveryFilter, Hold, QueueDepth, StoreError, Tally};

use serde_json::json;

use super::sketch::{at, name, plan};
use super::{Bench, dead, numbers, on_every_store, sent};

on_every_store!(
    an_unfinished_delivery_is_hurried,
    a_dead_delivery_is_sent_again_once,
    a_delivered_one_is_sent_again_under_a_new_key,
    what_was_delivered_meanwhile_is_not_sent_again,
    only_what_is_open_or_dead_can_be_dropped,
    holds_are_remembered,
    lists_are_filtered_newest_first,
    events_are_read_in_the_order_they_came,
    the_files_of_a_revision_are_kept,
    ids_are_found_by_their_beginning,
    tallies_count_by_source_and_project,
    depths_tell_what_waits,
);

fn refused(result: Result<impl Sized, StoreError>, says: &str) {
    match result {
        Err(StoreError::Refused(why)) => assert!(why.contains(says), "{why}"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// "while that is unfinished it falls due at once"
async fn an_unfinished_delivery_is_hurried(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 500, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let id = plan(1, "defect/17", 500, &["chat"]).deliveries[0].id;
    assert_eq!(bench.store.retry(id, at(100)).await.unwrap(), id);
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(100)));
    assert_eq!(bench.store.retry(id, at(200)).await.unwrap(), id);
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(100)), "it is not put off");
    assert_eq!(numbers(&bench.take(&lease, 100).await), [1]);
    assert_eq!(bench.store.retry(id, at(300)).await.unwrap(), id);
    assert_eq!(bench.see(id).await.state, State::Sending, "what is being sent is left alone");
    refused(bench.store.retry(plan(9, "x", 0, &["chat"]).deliveries[0].id, at(0)).await, "there is no delivery");
}

/// "when it is finished, a new delivery at the end of its conversation names it as parent.
/// So asking twice sends once. The new one keeps the key"
async fn a_dead_delivery_is_sent_again_once(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    bench.store.commit(plan(2, "defect/17", 1, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let old = bench.take(&lease, 0).await.remove(0);
    bench.settle(&lease, &old, 10, dead()).await;
    let new = bench.store.retry(old.id, at(20)).await.unwrap();
    assert_ne!(new, old.id);
    assert_eq!(bench.store.retry(old.id, at(30)).await.unwrap(), new);
    assert_eq!(bench.store.retry(new, at(30)).await.unwrap(), new);
    let second = bench.take(&lease, 30).await;
    assert_eq!(numbers(&second), [2], "the end of the conversation is behind the second");
    bench.settle(&lease, &second[0], 40, sent()).await;
    let again = bench.take(&lease, 40).await.remove(0);
    assert_eq!((again.id, again.event, &again.key), (new, old.event, &old.key));
    assert_eq!((again.accepted, again.attempt, &again.content), (at(20), 1, &old.content));
    assert_eq!(bench.see(new).await.parent, Some(old.id));
    assert_eq!(bench.see(old.id).await.state, State::Dead);
    bench.settle(&lease, &again, 50, dead()).await;
    let third = bench.store.retry(old.id, at(60)).await.unwrap();
    assert_eq!(bench.see(third).await.parent, Some(new), "the last of the line is sent again");
}

/// "The new one keeps the key, by which the far side may know it already, unless the old
/// one was delivered."
async fn a_delivered_one_is_sent_again_under_a_new_key(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let old = bench.take(&lease, 0).await.remove(0);
    bench.settle(&lease, &old, 10, sent()).await;
    let new = bench.store.retry(old.id, at(20)).await.unwrap();
    let seen = bench.see(new).await;
    assert_ne!(seen.key, old.key);
    assert_eq!(seen.key.len(), old.key.len());
    assert_eq!((seen.created, seen.at, seen.unsure, seen.receipt), (at(20), at(20), false, None));
}

/// "Refused when there is no such delivery, or when a later one of its line was delivered."
async fn what_was_delivered_meanwhile_is_not_sent_again(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let old = bench.take(&lease, 0).await.remove(0);
    bench.settle(&lease, &old, 10, dead()).await;
    bench.store.retry(old.id, at(20)).await.unwrap();
    let new = bench.take(&lease, 20).await.remove(0);
    bench.settle(&lease, &new, 30, sent()).await;
    refused(bench.store.retry(old.id, at(40)).await, &format!("was sent again as {}, which is delivered", new.id));
}

/// "Drops an unfinished or dead delivery with a reason. Refused when it is delivered,
/// dropped or being sent, or when there is none."
async fn only_what_is_open_or_dead_can_be_dropped(bench: Bench) {
    bench.store.commit(plan(1, "defect/1", 0, &["chat"])).await.unwrap();
    bench.store.commit(plan(2, "defect/2", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let jobs = bench.take(&lease, 0).await;
    refused(bench.store.drop_delivery(jobs[0].id, "old news", at(5)).await, "is being sent");
    bench.settle(&lease, &jobs[0], 10, sent()).await;
    bench.settle(&lease, &jobs[1], 10, dead()).await;
    refused(bench.store.drop_delivery(jobs[0].id, "old news", at(20)).await, "is delivered already");
    bench.store.drop_delivery(jobs[1].id, "old news", at(20)).await.unwrap();
    let seen = bench.see(jobs[1].id).await;
    assert_eq!((seen.state, seen.why.as_deref(), seen.at), (State::Dropped, Some("old news"), at(20)));
    refused(bench.store.drop_delivery(jobs[1].id, "again", at(30)).await, "is dropped already");
    refused(
        bench.store.drop_delivery(plan(9, "x", 0, &["chat"]).deliveries[0].id, "", at(0)).await,
        "there is no delivery",
    );
}

/// "Remembers that a destination is held, or (`None`) no longer."
async fn holds_are_remembered(mut bench: Bench) {
    let hold =
        |destination: &str, why: &str| Hold { destination: name(destination), since: at(1), why: why.to_owned() };
    bench.store.set_hold(&name("jira"), Some(hold("jira", "401"))).await.unwrap();
    bench.store.set_hold(&name("chat"), Some(hold("chat", "gone"))).await.unwrap();
    bench.store.set_hold(&name("chat"), Some(hold("chat", "by hand"))).await.unwrap();
    bench.reopen().await;
    assert_eq!(bench.store.holds().await.unwrap(), [hold("chat", "by hand"), hold("jira", "401")]);
    bench.store.set_hold(&name("jira"), None).await.unwrap();
    bench.store.set_hold(&name("jira"), None).await.unwrap();
    assert_eq!(bench.store.held().await.unwrap(), [hold("chat", "by hand")]);
}

/// "The latest `limit` deliveries that `filter` lets through, newest first, older than
/// `before` if given."
async fn lists_are_filtered_newest_first(bench: Bench) {
    for n in 1..=3 {
        bench.store.commit(plan(n, &format!("defect/{n}"), i64::from(n), &["chat", "jira"])).await.unwrap();
    }
    let mut other = plan(4, "build/1", 4, &[]);
    other.event.source = "ci".into();
    bench.store.commit(other).await.unwrap();
    let events = bench.store.events(None, None, 2).await.unwrap();
    assert_eq!(events.iter().map(|event| event.received).collect::<Vec<_>>(), [at(4), at(3)]);
    let events = bench.store.events(Some("qase"), Some(events[1].id), 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.received).collect::<Vec<_>>(), [at(2), at(1)]);

    let lease = bench.lane("chat").await;
    let jobs = bench.take(&lease, 2).await;
    bench.settle(&lease, &jobs[0], 10, dead()).await;
    let list = async |filter: DeliveryFilter| {
        let found = bench.store.deliveries(&filter, None, 10).await.unwrap();
        found.iter().map(|one| (one.created.since(at(0)).as_millis(), one.destination.clone())).collect::<Vec<_>>()
    };
    let all = DeliveryFilter::default;
    let chat = |n| (n, "chat".to_owned());
    let with = |state| DeliveryFilter { state: Some(state), destination: Some("chat".to_owned()), ..all() };
    assert_eq!(list(with(State::Dead)).await, [chat(1)]);
    assert_eq!(list(with(State::Sending)).await, [chat(2)]);
    assert_eq!(list(with(State::Queued)).await, [chat(3)]);
    assert_eq!(list(with(State::Delivered)).await, []);
    assert_eq!(
        list(DeliveryFilter { rule: Some("rule-0".to_owned()), since: Some(at(2)), ..all() }).await,
        [chat(3), chat(2)]
    );
    let of_event = DeliveryFilter { event: Some(jobs[1].event), ..with(State::Sending) };
    assert_eq!(list(of_event).await, [chat(2)]);
    let older = bench.store.deliveries(&all(), Some(jobs[1].id), 10).await.unwrap();
    assert!(older.iter().all(|one| one.id < jobs[1].id) && !older.is_empty());
    assert_eq!(bench.store.deliveries(&all(), None, 4).await.unwrap().len(), 4);
}

/// "The first `limit` events whose ids are greater than `after`, oldest first."
async fn events_are_read_in_the_order_they_came(bench: Bench) {
    for n in [2, 3, 1] {
        bench.store.commit(plan(n, "defect/17", i64::from(n), &[])).await.unwrap();
    }
    let before = EventId::new(at(0), [0xff; 10]);
    let first = bench.store.events_after(before, 2).await.unwrap();
    assert_eq!(first.iter().map(|event| event.received).collect::<Vec<_>>(), [at(1), at(2)]);
    let rest = bench.store.events_after(first[1].id, 2).await.unwrap();
    assert_eq!(rest.iter().map(|event| event.received).collect::<Vec<_>>(), [at(3)]);
    assert_eq!(bench.store.events_after(rest[0].id, 2).await.unwrap(), []);
}

/// "The files of a configuration revision, by their names; `None` when it was not kept."
async fn the_files_of_a_revision_are_kept(mut bench: Bench) {
    let files = |text: &str| json!({ "rules/a.yaml": text }).as_object().unwrap().clone();
    bench.store.keep_revision("r1", at(1), &files("rules: []")).await.unwrap();
    bench.store.keep_revision("r1", at(2), &files("something else")).await.unwrap();
    bench.reopen().await;
    assert_eq!(bench.store.revision_files("r1").await.unwrap(), Some(files("rules: []")));
    assert_eq!(bench.store.revision_files("r2").await.unwrap(), None);
}

/// "The ids of events and deliveries that begin with `prefix` (their text form, whatever
/// its case and hyphens)"
async fn ids_are_found_by_their_beginning(bench: Bench) {
    let made = plan(1, "defect/17", 0, &["chat", "jira"]);
    bench.store.commit(made.clone()).await.unwrap();
    bench.store.commit(plan(2, "defect/17", 86_400_000, &["chat"])).await.unwrap();
    let id = made.event.id.to_string();
    assert_eq!(bench.store.ids_like(&id, 10).await.unwrap(), (vec![made.event.id], vec![]));
    let mut deliveries: Vec<_> = made.deliveries.iter().map(|new| new.id).collect();
    deliveries.sort();
    let moment = &id[..13];
    assert_eq!(bench.store.ids_like(moment, 10).await.unwrap(), (vec![made.event.id], deliveries.clone()));
    let shouted = moment.replace('-', "").to_uppercase();
    assert_eq!(bench.store.ids_like(&shouted, 1).await.unwrap(), (vec![made.event.id], vec![deliveries[0]]));
    assert_eq!(bench.store.ids_like("", 10).await.unwrap().1.len(), 3);
    assert_eq!(bench.store.ids_like("no-such", 10).await.unwrap(), (vec![], vec![]));
    assert_eq!(bench.store.ids_like(&format!("{id}0"), 10).await.unwrap(), (vec![], vec![]));
}

/// "How many events of each source and project are kept, and when the last was received."
async fn tallies_count_by_source_and_project(bench: Bench) {
    assert_eq!(bench.store.tallies().await.unwrap(), []);
    for n in 1..=3 {
        bench.store.commit(plan(n, "defect/17", i64::from(10 - n), &[])).await.unwrap();
    }
    let mut bare = plan(4, "defect/18", 20, &[]);
    (bare.event.source, bare.event.project) = ("ci".into(), None);
    bench.store.commit(bare).await.unwrap();
    let known = plan(1, "defect/17", 0, &[]).event;
    let tally = |source: &str, project: Option<String>, events, last| Tally {
        source: source.to_owned(),
        project,
        events,
        last: at(last),
    };
    let told = [tally("ci", None, 1, 20), tally(&known.source, known.project.clone(), 3, 9)];
    assert_eq!(bench.store.tallies().await.unwrap(), told);
}

/// "What waits at each destination that has any delivery unfinished or dead; `dead` counts those that have not been
/// sent again."
async fn depths_tell_what_waits(bench: Bench) {
    for n in 1..=3 {
        bench.store.commit(plan(n, "defect/17", i64::from(10 - n), &["chat", "jira"])).await.unwrap();
    }
    bench.store.commit(plan(4, "defect/18", 0, &["mail"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 100).await.remove(0);
    bench.settle(&lease, &job, 110, dead()).await;
    let failed = job.id;
    let mail = bench.lane("mail").await;
    let job = bench.take(&mail, 100).await.remove(0);
    bench.settle(&mail, &job, 110, sent()).await;
    let depth = |destination: &str, unfinished, dead, oldest| QueueDepth {
        destination: destination.to_owned(),
        unfinished,
        dead,
        oldest: Some(at(oldest)),
    };
    assert_eq!(bench.store.depths().await.unwrap(), [depth("chat", 2, 1, 7), depth("jira", 3, 0, 7)]);
    bench.store.retry(failed, at(120)).await.unwrap();
    assert_eq!(bench.store.depths().await.unwrap(), [depth("chat", 3, 0, 7), depth("jira", 3, 0, 7)]);
}
