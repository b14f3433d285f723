//! `hold_lane`, `release_lane`, `take`, `next_due`, `settle`, `put_back`.

#![cfg(test)]

use relaybell::domain::delivery::{Counts, Job, State, Transition};
use relaybell::domain::priority::Priority;
use relaybell::domain::thread::Thread;
use relaybell::store::{Settled, Settlement, StoreError};

use super::sketch::{at, name, plan};
use super::{Bench, dead, numbers, on_every_store, sent};

on_every_store!(
    a_lane_has_one_holder,
    a_lost_lane_is_fenced,
    a_given_up_lane_is_fenced,
    a_restart_frees_every_lane,
    a_conversation_goes_in_order,
    conversations_and_destinations_do_not_wait_for_each_other,
    those_due_longest_go_first,
    the_urgent_go_first_and_take_along_what_waits_before_them,
    what_has_expired_is_dropped_and_takes_no_turn,
    a_retry_waits_until_it_is_due,
    an_older_attempt_settles_nothing,
    an_ended_delivery_keeps_its_end,
    what_is_put_back_was_never_taken,
    a_conversation_has_a_thread,
    looks_are_counted_until_the_next_doubt,
);

/// "Takes or renews the lane of `destination` for `owner` until `until`. `None` while
/// another owner holds it."
async fn a_lane_has_one_holder(bench: Bench) {
    let chat = name("chat");
    let first = bench.store.hold_lane(&chat, "a", at(0), at(100)).await.unwrap().unwrap();
    assert_eq!(bench.store.hold_lane(&chat, "b", at(99), at(200)).await.unwrap(), None);
    let renewed = bench.store.hold_lane(&chat, "a", at(99), at(300)).await.unwrap().unwrap();
    assert_eq!(renewed, first, "renewing does not change hands");
    assert_eq!(bench.store.hold_lane(&chat, "b", at(299), at(400)).await.unwrap(), None);
    let second = bench.store.hold_lane(&chat, "b", at(300), at(400)).await.unwrap().unwrap();
    assert!(second.epoch > first.epoch);
    assert!(bench.store.hold_lane(&name("jira"), "a", at(0), at(100)).await.unwrap().is_some());
}

/// "What a lost holder left in `sending` becomes `queued` and unsure again." and "Verbs of
/// an older epoch are refused."
async fn a_lost_lane_is_fenced(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let chat = name("chat");
    let lost = bench.store.hold_lane(&chat, "a", at(0), at(100)).await.unwrap().unwrap();
    let job = bench.take(&lost, 50).await.remove(0);
    let lease = bench.store.hold_lane(&chat, "b", at(100), at(200)).await.unwrap().unwrap();
    assert_eq!(bench.settle(&lost, &job, 110, sent()).await, Settled::TooLate);
    assert_eq!(bench.store.put_back(&lost, job.id, job.attempt, at(0)).await.unwrap(), Settled::TooLate);
    assert!(matches!(bench.store.take(&lost, at(110), 1).await, Err(StoreError::Refused(_))));
    bench.store.release_lane(&lost).await.unwrap();

    let again = bench.take(&lease, 110).await.remove(0);
    assert_eq!((again.id, again.attempt, again.unsure, again.failures), (job.id, 2, true, 0));
    assert_eq!(bench.settle(&lost, &again, 120, sent()).await, Settled::TooLate);
    assert_eq!(bench.settle(&lease, &again, 120, sent()).await, Settled::Done);
}

/// "Gives the lane back; what was still `sending` becomes `queued` and unsure."
async fn a_given_up_lane_is_fenced(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 0).await.remove(0);
    bench.store.release_lane(&lease).await.unwrap();
    assert!(matches!(bench.store.take(&lease, at(0), 1).await, Err(StoreError::Refused(_))));
    assert_eq!(bench.settle(&lease, &job, 10, sent()).await, Settled::TooLate);
    let next = bench.store.hold_lane(&name("chat"), "b", at(1), at(100)).await.unwrap().unwrap();
    assert!(bench.take(&next, 1).await[0].unsure);
}

/// After a restart nobody holds a lane, and what was in flight may have arrived.
async fn a_restart_frees_every_lane(mut bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 0).await.remove(0);
    let owner = if bench.folder.is_some() { "b" } else { "a" };
    bench.reopen().await;
    if owner == "a" {
        bench.store.release_lane(&lease).await.unwrap();
    }
    let next = bench.store.hold_lane(&name("chat"), owner, at(1), at(100)).await.unwrap().unwrap();
    assert!(next.epoch > lease.epoch);
    let again = bench.take(&next, 1).await.remove(0);
    assert_eq!((again.id, again.attempt, again.unsure), (job.id, 2, true));
}

/// "and lets the next delivery of the conversation go when this one is finished."
async fn a_conversation_goes_in_order(bench: Bench) {
    for n in 1..=4 {
        bench.store.commit(plan(n, "defect/17", i64::from(n), &["chat"])).await.unwrap();
    }
    let lease = bench.lane("chat").await;
    let first = bench.take(&lease, 100).await;
    assert_eq!(numbers(&first), [1]);
    assert_eq!(numbers(&bench.take(&lease, 100).await), [0; 0], "the second waits while the first is sent");
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), None);
    let retry =
        Transition::Retry { at: at(500), why: "busy".to_owned(), counts: Counts::Failure, unsure: false, looks: 0 };
    bench.settle(&lease, &first[0], 120, retry).await;
    assert_eq!(numbers(&bench.take(&lease, 499).await), [0; 0], "and while the first waits to be sent again");
    let first = bench.take(&lease, 500).await;
    bench.settle(&lease, &first[0], 510, sent()).await;
    let second = bench.take(&lease, 510).await;
    assert_eq!(numbers(&second), [2]);
    bench.settle(&lease, &second[0], 520, dead()).await;
    assert_eq!(
        bench.store.next_due(&name("chat")).await.unwrap(),
        Some(at(3)),
        "a dead delivery frees its conversation"
    );
    let third = bench.store.deliveries(&Default::default(), None, 10).await.unwrap()[1].id;
    bench.store.drop_delivery(third, "no matter", at(530)).await.unwrap();
    assert_eq!(numbers(&bench.take(&lease, 530).await), [4], "and so does a dropped one");
}

/// "its deliveries at one destination go strictly in order, one at a time"
async fn conversations_and_destinations_do_not_wait_for_each_other(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 1, &["chat", "jira", "chat"])).await.unwrap();
    bench.store.commit(plan(2, "defect/18", 2, &["chat"])).await.unwrap();
    let chat = bench.lane("chat").await;
    let jira = bench.lane("jira").await;
    let jobs = bench.take(&chat, 10).await;
    assert_eq!(numbers(&jobs), [1, 2]);
    assert_eq!(&*jobs[0].rule, "rule-0");
    assert_eq!(numbers(&bench.take(&jira, 10).await), [1]);
    bench.settle(&chat, &jobs[0], 20, sent()).await;
    assert_eq!(&*bench.take(&chat, 20).await[0].rule, "rule-2");
}

/// "the highest priority first and within it those due longest" and "each behind the
/// unfinished ones of its conversation, which get its priority where that is higher"
async fn the_urgent_go_first_and_take_along_what_waits_before_them(bench: Bench) {
    let commit = async |n: u8, about: &str, priority| {
        let mut made = plan(n, about, i64::from(n), &["chat"]);
        made.deliveries[0].priority = priority;
        bench.store.commit(made).await.unwrap();
    };
    commit(1, "defect/1", Priority::Low).await;
    commit(2, "defect/2", Priority::Normal).await;
    commit(3, "defect/3", Priority::Low).await;
    commit(4, "defect/4", Priority::Urgent).await;
    commit(5, "defect/3", Priority::Urgent).await;
    let lease = bench.lane("chat").await;
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(1)), "whatever its priority");
    let first = bench.take(&lease, 10).await;
    assert_eq!(numbers(&first), [3, 4, 2, 1], "3 goes first because 5, which is urgent, waits for it");
    bench.settle(&lease, &first[0], 20, sent()).await;
    assert_eq!(numbers(&bench.take(&lease, 20).await), [5]);
}

/// "Drops what is queued in the lane and has expired by `now`."
async fn what_has_expired_is_dropped_and_takes_no_turn(bench: Bench) {
    for (n, about) in [(1, "defect/1"), (2, "defect/1"), (3, "defect/2"), (4, "defect/3")] {
        let mut made = plan(n, about, i64::from(n), &["chat"]);
        made.deliveries[0].expires = [None, Some(at(100)), None, None, Some(at(500))][usize::from(n)];
        bench.store.commit(made).await.unwrap();
    }
    let lease = bench.lane("chat").await;
    let taken = bench.store.take(&lease, at(100), 1).await.unwrap();
    assert_eq!((numbers(&taken.jobs), taken.expired), (vec![2], 1), "what was behind it goes instead");
    let records = bench.store.deliveries(&Default::default(), None, 10).await.unwrap();
    let dropped = records.iter().find(|record| record.state == State::Dropped).unwrap();
    assert!(dropped.why.as_deref().unwrap().starts_with("expired"), "{:?}", dropped.why);
    assert_eq!(dropped.at, at(100));
    assert_eq!(numbers(&bench.take(&lease, 499).await), [3, 4], "not a moment too early");
    // What is being sent is not dropped, and what a person sends again never expires.
    let again = bench.store.retry(dropped.id, at(600)).await.unwrap();
    assert_eq!(bench.see(again).await.expires, None);
    assert_eq!(bench.store.take(&lease, at(600), 10).await.unwrap().expired, 0);
}

/// "within it those due longest"
async fn those_due_longest_go_first(bench: Bench) {
    for (n, received) in [(1, 30), (2, 10), (3, 20), (4, 20), (5, 50)] {
        bench.store.commit(plan(n, &format!("defect/{n}"), received, &["chat"])).await.unwrap();
    }
    let lease = bench.lane("chat").await;
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(10)));
    assert_eq!(numbers(&bench.store.take(&lease, at(40), 3).await.unwrap().jobs), [2, 3, 4]);
    assert_eq!(numbers(&bench.take(&lease, 40).await), [1]);
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(50)));
    assert_eq!(numbers(&bench.take(&lease, 50).await), [5]);
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), None);
}

/// "It goes back to the queue", counting only what counts; "Unsure stays unsure."
async fn a_retry_waits_until_it_is_due(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let retry = |at, counts, unsure| Transition::Retry { at, why: "HTTP 503".to_owned(), counts, unsure, looks: 0 };
    let job = bench.take(&lease, 0).await.remove(0);
    bench.settle(&lease, &job, 10, retry(at(100), Counts::Failure, true)).await;
    assert_eq!(bench.store.next_due(&name("chat")).await.unwrap(), Some(at(100)));
    assert!(bench.take(&lease, 99).await.is_empty());
    let job = bench.take(&lease, 100).await.remove(0);
    assert_eq!((job.attempt, job.failures, job.unsure), (2, 1, true));
    bench.settle(&lease, &job, 110, retry(at(200), Counts::Nothing, false)).await;
    let seen = bench.see(job.id).await;
    assert_eq!((seen.state, seen.at, seen.why.as_deref()), (State::Queued, at(200), Some("HTTP 503")));
    let job = bench.take(&lease, 200).await.remove(0);
    assert_eq!((job.attempt, job.failures, job.unsure), (3, 1, true));
    bench.settle(&lease, &job, 210, sent()).await;
    let (seen, attempts) = bench.store.delivery(job.id).await.unwrap().unwrap();
    assert_eq!((seen.state, seen.why, seen.at, seen.attempts), (State::Delivered, None, at(210), 3));
    assert_eq!(seen.receipt.unwrap().key.as_deref(), Some("PAY-1"));
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(attempts[2].took.as_millis(), 20);
}

/// "a settlement of an older attempt changes nothing"
async fn an_older_attempt_settles_nothing(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    bench.store.commit(plan(2, "defect/18", 0, &["jira"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let old = bench.take(&lease, 0).await.remove(0);
    let retry =
        Transition::Retry { at: at(1), why: "busy".to_owned(), counts: Counts::Failure, unsure: false, looks: 0 };
    bench.settle(&lease, &old, 1, retry).await;
    assert_eq!(bench.settle(&lease, &old, 2, sent()).await, Settled::TooLate, "it is not being sent");
    bench.take(&lease, 1).await;
    assert_eq!(bench.settle(&lease, &old, 2, sent()).await, Settled::TooLate, "another attempt is");
    let jira = bench.lane("jira").await;
    let other = bench.take(&jira, 0).await.remove(0);
    assert_eq!(bench.settle(&lease, &other, 2, sent()).await, Settled::TooLate, "the lane is another's");
    assert_eq!(bench.see(old.id).await.state, State::Sending);
}

/// "`delivered`, `dead` and `dropped` never change again."
async fn an_ended_delivery_keeps_its_end(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 0).await.remove(0);
    assert_eq!(bench.settle(&lease, &job, 10, dead()).await, Settled::Done);
    let before = bench.see(job.id).await;
    assert_eq!((before.state, before.why.as_deref(), before.at), (State::Dead, Some("no such channel"), at(10)));
    assert_eq!(bench.settle(&lease, &job, 20, sent()).await, Settled::TooLate);
    bench.store.release_lane(&lease).await.unwrap();
    assert_eq!(bench.see(job.id).await, before);
}

/// "Puts a delivery taken but not sent back to `queued`, as if it had not been taken."
async fn what_is_put_back_was_never_taken(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let job = bench.take(&lease, 0).await.remove(0);
    assert_eq!(bench.store.put_back(&lease, job.id, job.attempt, at(40)).await.unwrap(), Settled::Done);
    assert_eq!(bench.store.put_back(&lease, job.id, job.attempt, at(40)).await.unwrap(), Settled::TooLate);
    assert_eq!(bench.see(job.id).await.attempts, 0);
    assert!(bench.take(&lease, 39).await.is_empty());
    assert_eq!(job.began, at(0));
    assert_eq!(bench.take(&lease, 40).await, [Job { began: at(40), ..job }]);
}

/// A thread of this key.
fn thread(key: &str) -> Thread {
    Thread {
        key: Some(key.to_owned()),
        channel: Some("C1".to_owned()),
        link: None,
        title: "Checkout fails".to_owned(),
        began: at(5),
        values: [("iid".to_owned(), "7".to_owned())].into(),
    }
}

/// "writes the transition, the attempt and the thread" and "Each knows the thread of its
/// conversation."
async fn a_conversation_has_a_thread(mut bench: Bench) {
    for (n, about) in [(1, "defect/1"), (2, "defect/1"), (3, "defect/2")] {
        bench.store.commit(plan(n, about, i64::from(n), &["chat", "jira"])).await.unwrap();
    }
    let lease = bench.lane("chat").await;
    let first = bench.take(&lease, 10).await;
    assert!(first.iter().all(|job| job.thread.is_none()));
    let settlement = |job: &Job, thread| Settlement {
        delivery: job.id,
        attempt: job.attempt,
        transition: sent(),
        began: at(10),
        ended: at(20),
        account: String::new(),
        thread,
    };
    bench.store.settle(&lease, settlement(&first[0], Some(thread("PAY-1")))).await.unwrap();
    let second = bench.take(&lease, 30).await;
    assert_eq!(second[0].thread, Some(thread("PAY-1")), "the same conversation, another event");
    let late = Settlement { attempt: 7, ..settlement(&second[0], Some(thread("PAY-9"))) };
    assert_eq!(bench.store.settle(&lease, late).await.unwrap(), Settled::TooLate);
    bench.reopen().await;
    let lease = bench.store.hold_lane(&name("chat"), "a", at(40), at(60_000)).await.unwrap().unwrap();
    if bench.folder.is_some() {
        assert_eq!(bench.take(&lease, 50).await[0].thread, Some(thread("PAY-1")), "it outlives a restart");
    }
    let jira = bench.lane("jira").await;
    assert!(bench.take(&jira, 50).await[0].thread.is_none(), "another destination remembers for itself");
}

/// How often something was looked for is kept, and begins anew with a new doubt.
async fn looks_are_counted_until_the_next_doubt(bench: Bench) {
    bench.store.commit(plan(1, "defect/17", 0, &["chat"])).await.unwrap();
    let lease = bench.lane("chat").await;
    let retry =
        |looks| Transition::Retry { at: at(0), why: "?".to_owned(), counts: Counts::Nothing, unsure: true, looks };
    for looks in [0, 1, 2] {
        let job = bench.take(&lease, 10).await.remove(0);
        assert_eq!(bench.settle(&lease, &job, 20, retry(looks)).await, Settled::Done);
        let job = bench.take(&lease, 10).await.remove(0);
        assert_eq!((job.looks, job.unsure), (looks, true));
        bench.store.put_back(&lease, job.id, job.attempt, at(0)).await.unwrap();
    }
    bench.take(&lease, 10).await;
    let next = bench.store.hold_lane(&name("chat"), "b", at(100_000), at(200_000)).await.unwrap().unwrap();
    assert_eq!(bench.take(&next, 100_000).await[0].looks, 0, "who took over does not know what was sent");
}
