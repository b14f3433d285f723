//! What only the SQLite store promises: one holder of the file, clear errors, no silent loss.

#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "the bytes that the store leaves are read here")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use relaybell::domain::delivery::State;
use relaybell::domain::event::Dedup;
use relaybell::domain::priority::Priority;
use relaybell::domain::stage::Stage;
use relaybell::domain::standing::Standing;
use relaybell::store::sqlite::{OpenError, SqliteStore, announcement};
use relaybell::store::{Committed, DeliveryFilter, Ledger, Store, StoreError};

use serde_json::json;

use crate::conformance::sketch::{at, name, plan, remembering, subject};

/// Where the process that fills a disk finds its file.
const FILE_VARIABLE: &str = "RELAYBELL_TEST_FILE";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("relaybell.db")
    }

    fn open(&self) -> Arc<SqliteStore> {
        SqliteStore::open(&self.file(), at(0)).unwrap()
    }

    /// The error of opening, with the folder's name left out.
    fn refused(&self) -> String {
        let error = SqliteStore::open(&self.file(), at(0)).unwrap_err().to_string();
        error.replace(&self.0.path().display().to_string(), "…")
    }

    /// Does `sql` behind the store's back.
    fn meddle(&self, sql: &str) {
        rusqlite::Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }
}

#[tokio::test]
async fn a_second_holder_is_refused_and_told_who_has_the_file() {
    let folder = Folder::new();
    let store = folder.open();
    let pid = std::process::id();
    assert_eq!(
        folder.refused(),
        format!(
            "…/relaybell.db is in use by process {pid} since 2026-09-21T14:13:20.000Z; one process at a time can serve \
             from it"
        )
    );
    store.announce("127.0.0.1:8480").unwrap();
    assert_eq!(announcement(&folder.file()).unwrap().address.as_deref(), Some("127.0.0.1:8480"));
    let error = SqliteStore::open(&folder.file(), at(0)).unwrap_err();
    assert!(matches!(&error, OpenError::Held { holder, .. } if holder.pid == Some(pid)));
    assert!(error.to_string().contains("which answers at 127.0.0.1:8480"), "{error}");

    store.close().await.unwrap();
    assert_eq!(announcement(&folder.file()), None, "nobody is sent to an address where nobody is");
    drop(folder.open());
    drop(folder.open());
}

#[tokio::test]
async fn people_read_beside_the_relay_and_without_it() {
    let folder = Folder::new();
    let missing = SqliteStore::open_read_only(&folder.file()).unwrap_err();
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    let store = folder.open();
    let reader = SqliteStore::open_read_only(&folder.file()).unwrap();
    let made = plan(1, "defect/17", 0, &["chat"]);
    store.commit(made.clone()).await.unwrap();
    assert_eq!(reader.event(made.event.id).await.unwrap().unwrap().body, made.body);
    store.close().await.unwrap();
    drop(reader);
    let reader = SqliteStore::open_read_only(&folder.file()).unwrap();
    assert_eq!(reader.depths().await.unwrap()[0].unfinished, 1);
    folder.open().commit(plan(2, "defect/18", 1, &["chat"])).await.unwrap();
    assert_eq!(reader.depths().await.unwrap()[0].unfinished, 2);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let folder = Folder::new();
    let store = folder.open();
    let made = remembering(plan(1, "defect/17", 0, &["chat"]), None, "blocker");
    store.commit(made.clone()).await.unwrap();
    let lease = store.hold_lane(&name("chat"), "a", at(0), at(100)).await.unwrap().unwrap();
    assert_eq!(store.take(&lease, at(0), 1).await.unwrap().jobs.len(), 1);

    // What a process killed now leaves behind.
    let crashed = Folder::new();
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", folder.file().display());
        std::fs::copy(from, format!("{}{suffix}", crashed.file().display())).unwrap();
    }
    let store = crashed.open();
    let wal = std::fs::metadata(format!("{}-wal", crashed.file().display())).unwrap();
    assert_eq!(wal.len(), 0, "the log is emptied onto the disk before anything is acknowledged");
    assert_eq!(store.recall(&subject("defect/17")).await.unwrap().memory.unwrap().1, 1);
    let next = store.hold_lane(&name("chat"), "b", at(1), at(100)).await.unwrap().unwrap();
    assert!(next.epoch > lease.epoch);
    let job = store.take(&next, at(1), 1).await.unwrap().jobs.remove(0);
    assert_eq!((job.id, job.attempt, job.unsure), (made.deliveries[0].id, 2, true));
}

#[test]
fn files_are_for_their_owner_alone() {
    let folder = Folder::new();
    let store = folder.open();
    for suffix in ["", "-wal", ".lock"] {
        let file = format!("{}{suffix}", folder.file().display());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    drop(store);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_empty() {
    let folder = Folder::new();
    std::fs::write(folder.file(), b"this was a database once").unwrap();
    let error = folder.refused();
    assert!(error.starts_with("…/relaybell.db is damaged or no database"), "{error}");
    assert!(error.contains("restore a backup"), "{error}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), b"this was a database once");

    let folder = Folder::new();
    let store = folder.open();
    for n in 0..50 {
        store.commit(plan(n, &format!("defect/{n}"), i64::from(n), &["chat"])).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let mut bytes = std::fs::read(folder.file()).unwrap();
    let after_the_schema = 8192;
    bytes[after_the_schema..].fill(0xA5);
    std::fs::File::create(folder.file()).unwrap().write_all(&bytes).unwrap();
    let outcome = match SqliteStore::open(&folder.file(), at(0)) {
        Err(error) => Err(error.to_string()),
        Ok(store) => store.events(None, None, 100).await.map_err(|error| error.to_string()),
    };
    let error = outcome.unwrap_err();
    assert!(error.contains("is damaged"), "{error}");
}

/// A file of the first schema, with a delivery that waits.
const FIRST_SCHEMA: &str = concat!(
    include_str!("../../src/store/sqlite/migrations/0001.sql"),
    include_str!("../fixtures/stored/schema-1.sql"),
);

#[tokio::test]
async fn a_file_of_the_first_schema_is_migrated_and_goes_on() {
    let folder = Folder::new();
    folder.meddle(FIRST_SCHEMA);
    assert!(
        matches!(SqliteStore::open_read_only(&folder.file()), Err(OpenError::Older { found: 1, known: 4, .. })),
        "reading does not migrate"
    );
    let store = folder.open();
    let waiting = store.deliveries(&Default::default(), None, 10).await.unwrap().remove(0);
    assert_eq!((waiting.state, waiting.priority, waiting.expires), (State::Queued, Priority::Normal, None));
    let lease = store.hold_lane(&"chat".into(), "a", at(0), at(100)).await.unwrap().unwrap();
    let taken = store.take(&lease, at(1_789_372_800_000), 10).await.unwrap();
    assert_eq!(taken.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [waiting.id]);
    assert_eq!(taken.jobs[0].content.message.title, "Checkout fails");
}

/// A file of the second schema, with an event whose planning broke.
const SECOND_SCHEMA: &str = concat!(
    include_str!("../../src/store/sqlite/migrations/0001.sql"),
    include_str!("../../src/store/sqlite/migrations/0002.sql"),
    include_str!("../fixtures/stored/schema-2.sql"),
);

#[tokio::test]
async fn a_file_of_the_second_schema_knows_which_events_are_open() {
    let folder = Folder::new();
    folder.meddle(SECOND_SCHEMA);
    let store = folder.open();
    let events = store.events(None, None, 10).await.unwrap();
    let stages: Vec<Stage> = events.iter().map(|event| event.stage).collect();
    assert_eq!(stages, [Stage::Broken, Stage::Decided], "a reason that says 'broken' breaks nothing");
    assert_eq!((events[0].dedup.clone(), events[0].headers.len()), (Dedup::SenderId("2".to_owned()), 0));
    let open = store.events_at(Stage::Broken, Some("qase"), None, 10).await.unwrap();
    assert_eq!(open.iter().map(|event| event.id).collect::<Vec<_>>(), [events[0].id]);
}

/// A file of the third schema, with defects that are remembered.
const THIRD_SCHEMA: &str = concat!(
    include_str!("../../src/store/sqlite/migrations/0001.sql"),
    include_str!("../../src/store/sqlite/migrations/0002.sql"),
    include_str!("../../src/store/sqlite/migrations/0003.sql"),
    include_str!("../fixtures/stored/schema-3.sql"),
);

#[tokio::test]
async fn a_file_of_the_third_schema_learns_what_became_of_its_defects() {
    let folder = Folder::new();
    folder.meddle(THIRD_SCHEMA);
    let store = folder.open();
    let memories = store.memories("qase/", None, 10).await.unwrap();
    let told: Vec<_> = memories
        .iter()
        .map(|(key, memory)| (key.0.as_str(), memory.standing.map(|stands| (stands.is, stands.since.as_ms()))))
        .collect();
    assert_eq!(
        told,
        [
            ("qase/-/defect/19", Some((Standing::Gone, 5))),
            ("qase/SHOP/defect/17", Some((Standing::Open, 1))),
            ("qase/SHOP/defect/18", Some((Standing::Closed, 3))),
            ("qase/SHOP/defect/20", None),
        ]
    );
    assert_eq!(memories[1].1.facts["pass_rate"].value, json!(0.933_333_333_333_333_3), "what was there is untouched");
    assert_eq!(store.figures("anything").await.unwrap(), None);
}

#[test]
fn a_file_of_another_schema_or_program_is_refused() {
    let folder = Folder::new();
    drop(folder.open());
    folder.meddle("PRAGMA user_version = 99");
    assert_eq!(
        folder.refused(),
        "…/relaybell.db has schema 99, this release knows up to 4: run the release that wrote it, or a newer one"
    );
    assert!(matches!(SqliteStore::open_read_only(&folder.file()), Err(OpenError::Newer { found: 99, known: 4, .. })));

    let folder = Folder::new();
    folder.meddle("CREATE TABLE notes (text TEXT)");
    assert_eq!(folder.refused(), "…/relaybell.db is a database of another program; name another file in storage.url");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    for file in ["/proc/relaybell.db", "/no/such/folder/relaybell.db"] {
        let error = SqliteStore::open(Path::new(file), at(0)).unwrap_err();
        assert!(matches!(error, OpenError::Lock { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{file}.lock: ")), "{error}");
        assert!(error.to_string().contains("the folder must exist and be writable"), "{error}");
    }
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_does_not_stop_its_lane() {
    let folder = Folder::new();
    let store = folder.open();
    for n in 1..=3 {
        store.commit(plan(n, "defect/17", i64::from(n), &["chat"])).await.unwrap();
    }
    folder.meddle(
        "UPDATE contents SET content = '{\"v\":7}' WHERE delivery = 1;
         UPDATE deliveries SET action = 'teleport' WHERE seq = 2;",
    );
    let lease = store.hold_lane(&name("chat"), "a", at(0), at(100)).await.unwrap().unwrap();
    assert!(store.take(&lease, at(10), 10).await.unwrap().jobs.is_empty());
    assert!(store.take(&lease, at(10), 10).await.unwrap().jobs.is_empty());
    assert_eq!(store.take(&lease, at(10), 10).await.unwrap().jobs.len(), 1);
    folder.meddle(
        "UPDATE contents SET content = (SELECT content FROM contents WHERE delivery = 3);
                   UPDATE deliveries SET action = 'post'",
    );
    let dead = DeliveryFilter { state: Some(State::Dead), ..DeliveryFilter::default() };
    let whys: Vec<_> =
        store.deliveries(&dead, None, 10).await.unwrap().into_iter().map(|one| one.why.unwrap()).collect();
    assert!(whys[1].contains("its form has version 7, which a newer release of Relaybell wrote"), "{whys:?}");
    assert!(whys[0].contains("no action 'teleport'"), "{whys:?}");
}

/// A process of its own fills its disk (a limit on the size of files stands for one), until
/// nothing is acknowledged any more; given space, it goes on by itself and has lost nothing.
#[test]
fn a_full_disk_stops_acknowledging_and_heals() {
    const BYTES: u64 = 400 << 10;
    let folder = Folder::new();
    let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", BYTES / 512);
    let mut child = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::fills_its_disk", "--ignored", "--nocapture"])
        .env(FILE_VARIABLE, folder.file())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "still full" {
            let pid = child.id().to_string();
            assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success());
        }
        said.push(line);
    }
    assert!(child.wait().unwrap().success(), "{said:#?}");
    assert!(said.iter().any(|line| line == "still full"), "it was never full: {said:#?}");
    let db = rusqlite::Connection::open(folder.file()).unwrap();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    let events: i64 = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!((check.as_str(), events), ("ok", 200));
}

#[tokio::test]
#[ignore = "a_full_disk_stops_acknowledging_and_heals runs it, in a process whose files cannot grow"]
async fn fills_its_disk() {
    let file = PathBuf::from(std::env::var_os(FILE_VARIABLE).unwrap());
    let store = SqliteStore::open(&file, at(0)).unwrap();
    for n in 0..200 {
        let mut made = plan(n, "defect/17", i64::from(n), &["chat"]);
        made.body = vec![n; 8 << 10].into();
        let mut failures = 0;
        loop {
            match store.commit(made.clone()).await {
                Ok(Committed::Stored | Committed::Duplicate(_)) => break,
                Ok(Committed::Stale) => unreachable!("nothing is remembered"),
                Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => failures += 1,
                Err(other) => panic!("{other}"),
            }
            assert!(failures < 1000, "it does not heal");
            if failures == 50 {
                println!("\nstill full");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(store.events(None, None, 1000).await.unwrap().len(), 200);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_removed_in_use_acknowledges_nothing_until_it_is_back() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(store.commit(plan(1, "defect/1", 0, &["chat"])).await.unwrap(), Committed::Stored);
    let aside = folder.file().with_extension("aside");
    std::fs::rename(folder.file(), &aside).unwrap();
    let refused = store.commit(plan(2, "defect/2", 0, &["chat"])).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, StoreError::Unavailable(_)) && text.contains("removed or replaced"), "{text}");
    assert!(store.probe().await.is_err(), "unready too");

    std::fs::rename(&aside, folder.file()).unwrap();
    for _ in 0..200 {
        match store.commit(plan(3, "defect/3", 0, &["chat"])).await {
            Ok(committed) => {
                assert_eq!(committed, Committed::Stored);
                return;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("it never acknowledged again");
}
