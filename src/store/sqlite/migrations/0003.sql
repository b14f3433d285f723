-- How far an event has come: 0 decided, 1 awaiting a look-up, 2 quarantined, 3 broken.
ALTER TABLE events ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
-- What reading the webhook needs beside its body, as JSON; mostly nothing.
ALTER TABLE events ADD COLUMN headers TEXT;
-- The open ones are few; without an index they would be looked for among all that came.
CREATE INDEX events_open ON events (state, seq) WHERE state > 0;
UPDATE events SET state = 3 WHERE json_extract(verdicts, '$.data[0].decision.broken') IS NOT NULL;
