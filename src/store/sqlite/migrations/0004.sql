-- The defect figures that were counted last, for when they cannot be counted: by what was asked.
CREATE TABLE figures (
    question TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    counts   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- What became of each subject, as the events that are kept tell by their names.
UPDATE memory SET memory = json_set(memory.memory, '$.data.standing', json_object('is', told.standing, 'since', told.time))
FROM (
    SELECT source || '/' || coalesce(project, '-') || '/' || subject AS key, max(seq), time,
        CASE substr(name, instr(name, '.') + 1)
            WHEN 'resolved' THEN 'closed' WHEN 'closed' THEN 'closed' WHEN 'deleted' THEN 'gone' ELSE 'open'
        END AS standing
    FROM events
    WHERE subject IS NOT NULL
        AND substr(name, instr(name, '.') + 1) IN ('created', 'opened', 'reopened', 'resolved', 'closed', 'deleted')
    GROUP BY 1
) AS told
WHERE memory.key = told.key;
