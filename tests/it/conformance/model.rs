//! Whatever is done in whatever order, SQLite equals the in-memory store.

#![cfg(test)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use relaybell::domain::delivery::{Counts, Job, State, Transition};
use relaybell::domain::event::Dedup;
use relaybell::domain::ids::DeliveryId;
use relaybell::domain::plan::Plan;
use relaybell::domain::priority::Priority;
use relaybell::domain::stage::Stage;
use relaybell::store::{DeliveryFilter, Hold, Lease, StoreError};

use super::sketch::{at, name, plan, remembering, subject};
use super::{Bench, Both, dead, sent};

const DESTINATIONS: [&str; 2] = ["chat", "jira"];
const SUBJECTS: [&str; 2] = ["defect/1", "defect/2"];

/// One step. Numbers choose among what there is, whatever there is.
#[derive(Debug, Clone)]
enum Step {
    Pass { ms: i64 },
    Commit { subject: usize, dedup: u8, from: Option<i64>, to: Vec<usize>, priority: usize, expires: Option<i64> },
    Replan { event: usize, dedup: u8, from: Option<i64>, to: Vec<usize> },
    Hold { destination: usize, owner: bool, ms: i64 },
    Release { lease: usize },
    Take { lease: usize, limit: usize },
    Settle { lease: usize, job: usize, how: usize },
    PutBack { lease: usize, job: usize, ms: i64 },
    Retry { delivery: usize },
    Drop { delivery: usize },
    SetHold { destination: usize, hold: bool },
    Forget { ms: i64, limit: usize },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let index = || 0_usize..1000;
    let ms = || 0_i64..1000;
    prop_oneof![
        2 => prop_oneof![ms().boxed(), (0_i64..700_000).boxed()].prop_map(|ms| Step::Pass { ms }),
        6 => (
            0_usize..2,
            0_u8..60,
            prop_oneof![Just(None), (0_i64..4).prop_map(Some)],
            prop::collection::vec(0_usize..2, 0..4),
            0_usize..3,
            prop_oneof![3 => Just(None), 1 => (0_i64..1500).prop_map(Some)],
        )
            .prop_map(|(subject, dedup, from, to, priority, expires)| {
                Step::Commit { subject, dedup, from, to, priority, expires }
            }),
        3 => (
            index(),
            0_u8..60,
            prop_oneof![Just(None), (0_i64..4).prop_map(Some)],
            prop::collection::vec(0_usize..2, 0..3),
        )
            .prop_map(|(event, dedup, from, to)| Step::Replan { event, dedup, from, to }),
        3 => (0_usize..2, proptest::bool::ANY, ms()).prop_map(|(destination, owner, ms)| Step::Hold { destination, owner, ms }),
        1 => index().prop_map(|lease| Step::Release { lease }),
        5 => (index(), 0_usize..4).prop_map(|(lease, limit)| Step::Take { lease, limit }),
        8 => (index(), index(), 0_usize..6).prop_map(|(lease, job, how)| Step::Settle { lease, job, how }),
        1 => (index(), index(), ms()).prop_map(|(lease, job, ms)| Step::PutBack { lease, job, ms }),
        2 => index().prop_map(|delivery| Step::Retry { delivery }),
        1 => index().prop_map(|delivery| Step::Drop { delivery }),
        1 => (0_usize..2, proptest::bool::ANY).prop_map(|(destination, hold)| Step::SetHold { destination, hold }),
        1 => (ms(), 0_usize..3).prop_map(|(ms, limit)| Step::Forget { ms, limit }),
        1 => Just(Step::Reopen),
    ]
}

/// Both stores, and what has been learnt of them.
struct Pair {
    memory: Bench,
    sqlite: Bench,
    now: i64,
    events: u8,
    leases: Vec<Lease>,
    jobs: Vec<Job>,
    plans: Vec<Plan>,
    deliveries: Vec<DeliveryId>,
    /// The last lease of each destination.
    held: BTreeMap<usize, Lease>,
}

/// Does the same with both stores; the results must be equal.
macro_rules! both {
    ($pair:expr, $verb:ident ( $($argument:expr),* )) => {{
        let memory = $pair.memory.store.$verb($($argument),*).await.map_err(kind);
        let sqlite = $pair.sqlite.store.$verb($($argument),*).await.map_err(kind);
        prop_assert_eq!(&memory, &sqlite, "{}", stringify!($verb));
        memory
    }};
}

/// Refusals must be equal to the letter; nothing else may fail.
fn kind(error: StoreError) -> String {
    match error {
        StoreError::Refused(why) => why,
        other => panic!("{other}"),
    }
}

/// Mostly one of the latest, at times an older one.
fn choose_late<T: Clone>(among: &[T], number: usize) -> Option<T> {
    let late = &among[among.len().saturating_sub(3)..];
    if number.is_multiple_of(5) { choose(among, number / 5) } else { choose(late, number) }
}

fn choose<T: Clone>(among: &[T], number: usize) -> Option<T> {
    among.get(number % among.len().max(1)).cloned()
}

impl Pair {
    async fn run(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Pass { ms } => self.now += ms,
            Step::Commit { subject, dedup, from, to, priority, expires } => {
                let about = SUBJECTS[subject];
                let to: Vec<&str> = to.iter().map(|to| DESTINATIONS[*to]).collect();
                let mut made = plan(self.events, about, self.now, &to);
                self.events += 1;
                for new in &mut made.deliveries {
                    new.priority = Priority::WORDS[priority].1;
                    new.expires = expires.map(|after| at(self.now + after));
                }
                self.commit(about, dedup, from, made).await?;
            }
            Step::Replan { event, dedup, from, to } => self.replan(event, dedup, from, &to).await?,
            Step::Hold { destination, owner, ms } => {
                let owner = if owner { "a" } else { "b" };
                let lane = name(DESTINATIONS[destination]);
                let lease = both!(self, hold_lane(&lane, owner, at(self.now), at(self.now + ms)));
                if let Ok(Some(lease)) = lease {
                    self.held.insert(destination, lease.clone());
                    self.leases.push(lease);
                }
            }
            Step::Release { lease } => {
                if let Some(lease) = choose(&self.leases, lease) {
                    prop_assert!(both!(self, release_lane(&lease)).is_ok());
                }
            }
            Step::Take { lease, limit } => {
                if let Some(lease) = self.lease(lease) {
                    self.jobs.extend(both!(self, take(&lease, at(self.now), limit)).unwrap_or_default().jobs);
                }
            }
            Step::Settle { lease, job, how } => self.settle(lease, job, how).await?,
            Step::PutBack { lease, job, ms } => {
                if let Some((lease, job)) = self.attempt(lease, job) {
                    prop_assert!(both!(self, put_back(&lease, job.id, job.attempt, at(self.now + ms))).is_ok());
                }
            }
            Step::Retry { delivery } => {
                if let Some(id) = choose(&self.deliveries, delivery) {
                    self.deliveries.extend(both!(self, retry(id, at(self.now))));
                }
            }
            Step::Drop { delivery } => {
                if let Some(id) = choose(&self.deliveries, delivery) {
                    let _refused = both!(self, drop_delivery(id, "no matter", at(self.now)));
                }
            }
            Step::SetHold { destination, hold } => {
                let destination = name(DESTINATIONS[destination]);
                let since = at(self.now);
                let hold = hold.then(|| Hold { destination: destination.clone(), since, why: "401".to_owned() });
                prop_assert!(both!(self, set_hold(&destination, hold.clone())).is_ok());
            }
            Step::Forget { ms, limit } => {
                prop_assert!(both!(self, forget_before(at(self.now - ms), limit)).is_ok());
            }
            Step::Reopen => {
                for lease in self.held.values() {
                    self.memory.store.release_lane(lease).await.unwrap();
                }
                self.sqlite.reopen().await;
            }
        }
        self.compare().await
    }

    /// Mostly the present lease of a lane, at times an older one.
    fn lease(&self, number: usize) -> Option<Lease> {
        if number.is_multiple_of(5) {
            return choose(&self.leases, number / 5);
        }
        choose(&self.held.values().cloned().collect::<Vec<_>>(), number)
    }

    /// An attempt, mostly with the lease that may end it.
    fn attempt(&self, lease: usize, job: usize) -> Option<(Lease, Job)> {
        let job = choose_late(&self.jobs, job)?;
        let right = self.held.values().find(|lease| lease.destination == job.destination).cloned();
        let lease = if lease.is_multiple_of(5) { self.lease(lease) } else { right };
        Some((lease?, job))
    }

    async fn commit(&mut self, about: &str, dedup: u8, from: Option<i64>, made: Plan) -> Result<(), TestCaseError> {
        let made = self.told(about, dedup, from, made).await;
        let _committed = both!(self, commit(made.clone()));
        self.deliveries.extend(made.deliveries.iter().map(|new| new.id));
        self.plans.push(made);
        Ok(())
    }

    /// Decides one of the events anew, open or not.
    async fn replan(&mut self, event: usize, dedup: u8, from: Option<i64>, to: &[usize]) -> Result<(), TestCaseError> {
        let Some(old) = choose_late(&self.plans, event) else { return Ok(()) };
        let about = old.event.subject.clone().unwrap();
        let to: Vec<&str> = to.iter().map(|to| DESTINATIONS[*to]).collect();
        let mut made = plan(self.events, &about, self.now, &to);
        self.events += 1;
        made.event.name = "defect.updated".to_owned();
        made.event.id = old.event.id;
        made.event.received = old.event.received;
        made.deliveries.iter_mut().for_each(|new| new.event = old.event.id);
        let mut made = self.told(&about, dedup, from, made).await;
        if dedup.is_multiple_of(2) {
            made.dedup = old.dedup;
        }
        let _replanned = both!(self, replan(made.clone(), at(self.now)));
        self.deliveries.extend(made.deliveries.iter().map(|new| new.id));
        Ok(())
    }

    /// `made`, recognised by `dedup`, at a stage, remembering something or nothing.
    async fn told(&self, about: &str, dedup: u8, from: Option<i64>, mut made: Plan) -> Plan {
        made.dedup = match dedup {
            0..10 => Dedup::BodyHash((dedup % 3).to_string()),
            other => Dedup::SenderId(other.to_string()),
        };
        made.stage = Stage::WORDS[usize::from(dedup % 7).min(3)].1;
        if dedup.is_multiple_of(4) {
            made.headers.insert("ce-type".to_owned(), "x".to_owned());
        }
        if let Some(from) = from {
            let known = self.memory.store.recall(&subject(about)).await.unwrap().memory;
            // Mostly the right version, at times another.
            let version = known.map(|(_, version)| version);
            let from = if from == 0 { Some(1) } else { version };
            made = remembering(made, from, "blocker");
        }
        made
    }

    async fn settle(&mut self, lease: usize, job: usize, how: usize) -> Result<(), TestCaseError> {
        let Some((lease, job)) = self.attempt(lease, job) else { return Ok(()) };
        let retry = |counts, unsure, looks| Transition::Retry {
            at: at(self.now + 300),
            why: "busy".to_owned(),
            counts,
            unsure,
            looks,
        };
        let transition = match how {
            0 => sent(),
            1 => dead(),
            2 => Transition::Dropped { why: "expired".to_owned(), unsure: true },
            3 => retry(Counts::Failure, true, 0),
            _ => retry(Counts::Nothing, false, job.looks + 1),
        };
        let memory = self.memory.settle(&lease, &job, self.now, transition.clone()).await;
        prop_assert_eq!(memory, self.sqlite.settle(&lease, &job, self.now, transition).await);
        Ok(())
    }

    /// All that can be read must be equal.
    async fn compare(&self) -> Result<(), TestCaseError> {
        let (memory, sqlite) = (&*self.memory.store, &*self.sqlite.store);
        prop_assert_eq!(memory.events(None, None, 1000).await.unwrap(), sqlite.events(None, None, 1000).await.unwrap());
        for (_, stage) in Stage::WORDS {
            let (one, other) =
                (memory.events_at(stage, Some("qase"), None, 100), sqlite.events_at(stage, None, None, 100));
            prop_assert_eq!(one.await.unwrap(), other.await.unwrap());
        }
        prop_assert_eq!(memory.depths().await.unwrap(), sqlite.depths().await.unwrap());
        prop_assert_eq!(memory.holds().await.unwrap(), sqlite.holds().await.unwrap());
        for (_, state) in State::WORDS {
            let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
            prop_assert_eq!(
                memory.deliveries(&filter, None, 1000).await.unwrap(),
                sqlite.deliveries(&filter, None, 1000).await.unwrap()
            );
        }
        prop_assert_eq!(
            memory.memories("qase/PAY/", None, 100).await.unwrap(),
            sqlite.memories("qase/PAY/", None, 100).await.unwrap()
        );
        for name in DESTINATIONS.map(name) {
            prop_assert_eq!(memory.next_due(&name).await.unwrap(), sqlite.next_due(&name).await.unwrap());
        }
        for about in SUBJECTS.map(subject) {
            prop_assert_eq!(memory.recall(&about).await.unwrap(), sqlite.recall(&about).await.unwrap());
        }
        Ok(())
    }

    async fn compare_attempts(&self) -> Result<(), TestCaseError> {
        let (memory, sqlite): (&dyn Both, &dyn Both) = (&*self.memory.store, &*self.sqlite.store);
        for id in &self.deliveries {
            prop_assert_eq!(memory.delivery(*id).await.unwrap(), sqlite.delivery(*id).await.unwrap());
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_equals_memory(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair {
                memory: Bench::memory(),
                sqlite: Bench::sqlite(),
                now: 0,
                events: 0,
                leases: Vec::new(),
                jobs: Vec::new(),
                plans: Vec::new(),
                deliveries: Vec::new(),
                held: BTreeMap::new(),
            };
            for step in steps {
                pair.run(step).await?;
            }
            pair.compare_attempts().await
        })?;
    }
}
