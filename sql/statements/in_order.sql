-- For the rest of the transaction rows are read in the order that is asked for, by an index, and nothing is sorted
-- that can be had in order. Left to itself the planner has read and sorted the whole backlog of a path for its oldest
-- fifty rows: it cannot know how many rows lie between two moments that it is not told, and takes them for few.
-- Nor is code compiled (JIT) for what takes some milliseconds.

SELECT
    set_config('enable_sort', 'off', TRUE),
    set_config('enable_incremental_sort', 'off', TRUE),
    set_config('enable_seqscan', 'off', TRUE),
    set_config('jit', 'off', TRUE);
