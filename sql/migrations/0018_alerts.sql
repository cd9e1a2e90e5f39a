-- What operators are to be told, and the messages in which they are told it.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.alert_message (
    message_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    path text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    last_error text
);

CREATE INDEX alert_message_unsent ON quel.alert_message (next_try_at) WHERE sent_at IS NULL;
CREATE INDEX alert_message_sent ON quel.alert_message (sent_at) WHERE sent_at IS NOT NULL;

COMMENT ON TABLE quel.alert_message IS 'An outbox: a message stays until it was taken.';

CREATE TABLE quel.alert (
    event text PRIMARY KEY,
    kind text NOT NULL,
    path text NOT NULL,
    told text NOT NULL,
    job_id uuid,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    message_id uuid REFERENCES quel.alert_message ON DELETE CASCADE
);

CREATE INDEX alert_unbundled ON quel.alert (noted_at) WHERE message_id IS NULL;
CREATE INDEX alert_bundled ON quel.alert (message_id) WHERE message_id IS NOT NULL;

COMMENT ON TABLE quel.alert IS 'What happened that operators are to be told, each event once.';
COMMENT ON COLUMN quel.alert.event IS 'What makes it the same event, such as job_failed/<job>/<attempt>.';
COMMENT ON COLUMN quel.alert.path IS 'The production path; empty where none is concerned.';
