-- Times are UTC milliseconds. States: 0 queued, 1 sending, 2 delivered, 3 dead, 4 dropped;
-- below 2 is unfinished. `seq` is the order of arrival, in which conversations are sent.

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    received INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    source   TEXT NOT NULL,
    dedup    TEXT NOT NULL,
    name     TEXT NOT NULL,
    project  TEXT,
    subject  TEXT,
    revision TEXT NOT NULL,
    facts    TEXT NOT NULL,
    verdicts TEXT NOT NULL,
    body     BLOB NOT NULL
) STRICT;
-- Recognises a repetition; the newest event of a key counts.
CREATE INDEX events_dedup ON events (source, dedup, seq);
-- Finds what is old enough to be forgotten.
CREATE INDEX events_received ON events (received);

-- The hot table stays narrow: what is sent lies in `contents`.
CREATE TABLE deliveries (
    seq          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    event        INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    state        INTEGER NOT NULL,
    -- 1 while it is the first unfinished one of its conversation at its destination.
    head         INTEGER NOT NULL,
    -- When it is due, or, once finished, when it was finished.
    at           INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    unsure       INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    destination  TEXT NOT NULL,
    conversation TEXT NOT NULL,
    rule         TEXT NOT NULL,
    action       TEXT NOT NULL,
    key          TEXT NOT NULL,
    why          TEXT,
    receipt      TEXT,
    parent       BLOB
) STRICT;
CREATE INDEX deliveries_event ON deliveries (event);
-- What can be taken now.
CREATE INDEX deliveries_due ON deliveries (destination, at, seq) WHERE state = 0 AND head = 1;
-- The order within each conversation, the depth of each queue, and what is in flight.
CREATE INDEX deliveries_unfinished ON deliveries (conversation, destination, seq, created) WHERE state < 2;
CREATE INDEX deliveries_dead ON deliveries (destination, id) WHERE state = 3;
CREATE INDEX deliveries_parent ON deliveries (parent, seq) WHERE parent IS NOT NULL;

CREATE TABLE contents (
    delivery INTEGER PRIMARY KEY REFERENCES deliveries (seq) ON DELETE CASCADE,
    content  TEXT NOT NULL
) STRICT;

CREATE TABLE attempts (
    delivery INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    began    INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    account  TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
    key     TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    memory  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_touched ON memory (touched);

-- An epoch never shrinks, so a lane's row stays when nobody holds it (owner is NULL).
CREATE TABLE lanes (
    destination TEXT PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    owner       TEXT,
    until       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    destination TEXT PRIMARY KEY,
    since       INTEGER NOT NULL,
    why         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
    revision TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    files    TEXT NOT NULL
) STRICT;

-- Written to find out whether writing works.
CREATE TABLE probe (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    writes INTEGER NOT NULL
) STRICT;
INSERT INTO probe VALUES (1, 0);
