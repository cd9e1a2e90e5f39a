-- What all processes know of the ComfyUI servers they share: the places our renders hold there, and quarantine.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.backend (
    url text PRIMARY KEY,
    state text NOT NULL DEFAULT 'serving' CHECK (state IN ('serving', 'quarantined')),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text,
    trials int NOT NULL DEFAULT 0,
    next_trial_at timestamptz,
    model text,
    seen_at timestamptz,
    CONSTRAINT backend_in_quarantine_is_tried_again CHECK (state <> 'quarantined' OR next_trial_at IS NOT NULL)
);

COMMENT ON TABLE quel.backend IS 'The ComfyUI servers that have rendered for us or are in quarantine.';
COMMENT ON COLUMN quel.backend.url IS 'Its address, as COMFYUI_URLS has it.';
COMMENT ON COLUMN quel.backend.state IS
'quarantined: it took a prompt and did nothing with it; it gets no work until it renders a trial graph.';
COMMENT ON COLUMN quel.backend.since IS 'When it came into this state.';
COMMENT ON COLUMN quel.backend.reason IS 'Why it is in quarantine.';
COMMENT ON COLUMN quel.backend.trials IS 'How often it was tried since it is in quarantine.';
COMMENT ON COLUMN quel.backend.next_trial_at IS 'Not to be tried before this moment.';
COMMENT ON COLUMN quel.backend.model IS
'The model files of the last graph that it rendered for us, and so those it has loaded.';
COMMENT ON COLUMN quel.backend.seen_at IS 'When it last rendered something for us.';

-- A place counts as long as its attempt is alive, so that a process that is killed leaves none behind.
CREATE TABLE quel.backend_place (
    job_id uuid NOT NULL,
    slot int NOT NULL,
    claim_id uuid NOT NULL,
    prompt_id uuid NOT NULL,
    url text NOT NULL,
    model text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, slot)
);

CREATE INDEX backend_place_url ON quel.backend_place (url);

COMMENT ON TABLE quel.backend_place IS 'Where a picture is being rendered, or waits for it: a handful of rows.';
COMMENT ON COLUMN quel.backend_place.claim_id IS
'The ticket of the attempt; without a living attempt the place is free.';
COMMENT ON COLUMN quel.backend_place.model IS 'The model files that its graph loads.';
