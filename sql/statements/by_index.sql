-- For the rest of the transaction rows are looked up by index. Beside a long history the planner would rather read a
-- table from end to end than find some thousand rows in it, although they were just written and lie together. Nor is
-- code compiled (JIT) for what takes some milliseconds.

SELECT
    set_config('enable_seqscan', 'off', TRUE),
    set_config('jit', 'off', TRUE);
