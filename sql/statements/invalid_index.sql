-- The index :name if an interrupted CREATE INDEX CONCURRENTLY left it behind unusable, quoted and with its schema.

SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_index AS i
INNER JOIN pg_class AS c ON i.indexrelid = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relname = :name AND n.nspname IN ('public', 'quel') AND NOT i.indisvalid;
