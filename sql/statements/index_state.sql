-- Whether an index is there and whole, and who is building it.
-- :name text, with its schema.

SELECT
    i.indisvalid AS is_valid,
    p.pid AS builder,
    pg_size_pretty(pg_relation_size(i.indexrelid)) AS size
FROM pg_index AS i
LEFT JOIN pg_stat_progress_create_index AS p ON i.indexrelid = p.index_relid
WHERE i.indexrelid = to_regclass(:name);
