-- What a backfill must know of a table: its size, the default of its path, and which triggers touch updated_at.
-- 19 is a row trigger (1) before (2) an update (16).
-- :name text.

SELECT
    pg_size_pretty(pg_table_size(c.oid)) AS size,
    (
        SELECT pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute AS a
        INNER JOIN pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE a.attrelid = c.oid AND a.attname = 'quel_production_path'
    ) AS path_default,
    CASE
        WHEN
            EXISTS (
                SELECT 1 FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = 'updated_at'
            )
            THEN
                array(
                    SELECT CAST(t.tgname AS text)
                    FROM pg_trigger AS t
                    WHERE
                        t.tgrelid = c.oid
                        AND t.tgtype & 19 = 19
                        AND t.tgenabled <> 'D'
                        AND NOT t.tgisinternal
                        AND t.tgname <> '~quel_keep_updated_at'
                    ORDER BY t.tgname
                )
        ELSE '{}'
    END AS touching
FROM pg_class AS c
WHERE c.oid = to_regclass(:name);
