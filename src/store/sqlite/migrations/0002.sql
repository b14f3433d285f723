-- Priorities: 0 urgent, 1 normal, 2 low. `expires` is when a delivery is of no use any more.
ALTER TABLE deliveries ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
ALTER TABLE deliveries ADD COLUMN expires INTEGER;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (destination, priority, at, seq) WHERE state = 0 AND head = 1;
-- What is to be dropped before anything is taken.
CREATE INDEX deliveries_expiring ON deliveries (destination, expires) WHERE state = 0 AND expires IS NOT NULL;

-- How often an unsure delivery was looked for at the far side.
ALTER TABLE deliveries ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
-- What a destination remembers of a conversation.
CREATE TABLE threads (
    destination  TEXT NOT NULL,
    conversation TEXT NOT NULL,
    touched      INTEGER NOT NULL,
    thread       TEXT NOT NULL,
    PRIMARY KEY (destination, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_touched ON threads (touched);
