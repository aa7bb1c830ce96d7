SELECT personalize.top_k(item, score, 3) AS items, personalize.top_k_scores(item, score, 3) AS scores
FROM (VALUES ('pear', 2.5), ('fig', 7), ('plum', 1), ('apple', 2.5), ('date', 0)) AS v(item, score);

-- per group, with fewer than k items, and with rows that do not count
SELECT g, personalize.top_k(item, score, 2) AS items, personalize.top_k_scores(item, score, 2) AS scores
FROM (VALUES (1, 10, 1.0), (1, 11, 2.0), (1, 12, 3.0), (2, 20, -1.0), (3, NULL, 1.0), (3, 30, NULL), (4, NULL, 9), (4, 40, 5))
     AS v(g, item, score)
GROUP BY g ORDER BY g;
SELECT personalize.top_k(1, 1, 1) IS NULL AS items, personalize.top_k_scores(1, 1, 1) IS NULL AS scores WHERE false;

-- ties go by the item, in the order of its type and collation; the same item may come twice
SELECT personalize.top_k(i, 1, 4) AS integers, personalize.top_k(-i::numeric, 1, 4) AS numerics,
       personalize.top_k(i::text COLLATE "C", 1, 4) AS texts, personalize.top_k(i % 3, 1, 4) AS repeated
FROM generate_series(1, 100) AS i;
SELECT personalize.top_k(x COLLATE "C", 1, 4) AS c FROM unnest('{b,A,a,B}'::text[]) AS x;
SELECT personalize.top_k_scores(i, s, 4)
FROM (VALUES (1, 'Infinity'), (2, '-Infinity'), (3, '-0'), (4, '0'::float8)) AS v(i, s);

-- items that are equal and look different stay in one order, whatever the order of the rows
SELECT personalize.top_k(x, 1, 2 ORDER BY x::text) AS up, personalize.top_k(x, 1, 2 ORDER BY x::text DESC) AS down
FROM unnest('{1.00,1.0,1}'::numeric[]) AS x;

-- any type with an array
CREATE TYPE pair AS (x integer, y text);
SELECT personalize.top_k(ROW(i, 'x')::pair, 1, 2) AS composite, personalize.top_k(int4range(i, i + 2), i, 2) AS range,
       personalize.top_k(lpad(i::text, 32, '0')::uuid, i, 2) AS uuid, personalize.top_k(i % 2 = 0, i, 2) AS boolean,
       personalize.top_k(repeat(chr(64 + i), 5), i, 2) AS text, personalize.top_k(i::text::name, i, 2) AS name
FROM generate_series(9, 1, -1) AS i;
DROP TYPE pair;

-- as a window function, where the state is read again and again
SELECT i, personalize.top_k(i, i % 4, 2) OVER (ORDER BY i) AS so_far FROM generate_series(1, 6) AS i;

-- against plain SQL: k below, at and above the number of rows, and where the state is cut often
CREATE TABLE scored AS
SELECT i AS id, i % 7 AS g, 'item ' || hashint4(i) AS item, (hashint4(i * 3) % 1000)::float8 AS score
FROM generate_series(1, 20000) AS i;
ANALYZE scored;
SELECT k, bool_and(got = want AND got_scores = want_scores) AS equal
FROM generate_series(0, 6) AS g,
     (VALUES (1), (2), (7), (100), (2857), (2858), (5000)) AS v(k),
     LATERAL (SELECT personalize.top_k(item COLLATE "C", score, k) AS got, personalize.top_k_scores(item COLLATE "C", score, k) AS got_scores
              FROM scored WHERE scored.g = g.g) AS a,
     LATERAL (SELECT array_agg(item ORDER BY score DESC, item COLLATE "C") AS want, array_agg(score ORDER BY score DESC, item COLLATE "C") AS want_scores
              FROM (SELECT * FROM scored WHERE scored.g = g.g ORDER BY score DESC, item COLLATE "C" LIMIT k) AS l) AS b
GROUP BY k ORDER BY k;

-- parallel workers change nothing
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS
SELECT g, personalize.top_k(item, score, 50) AS texts, personalize.top_k(id, score, 50) AS ints, personalize.top_k_scores(id, score, 50) AS scores,
       personalize.top_k(NULLIF(id, id), score, 5) AS none, personalize.top_k(id::numeric, score, 5000) AS numerics
FROM scored GROUP BY g;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE parallel AS
SELECT g, personalize.top_k(item, score, 50) AS texts, personalize.top_k(id, score, 50) AS ints, personalize.top_k_scores(id, score, 50) AS scores,
       personalize.top_k(NULLIF(id, id), score, 5) AS none, personalize.top_k(id::numeric, score, 5000) AS numerics
FROM scored GROUP BY g;
SELECT count(*) AS groups FROM serial JOIN parallel USING (g, texts, ints, scores, numerics) WHERE serial.none IS NULL AND parallel.none IS NULL;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE scored, serial, parallel;

SELECT personalize.top_k(i, i, 0) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(i, i, -1) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(i, i, 2147483647) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(i, i, NULL) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(i, i, i) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(i, 'NaN', 1) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(point(i, i), i, 1) FROM generate_series(1, 2) AS i;
SELECT personalize.top_k(ARRAY[i], i, 1) FROM generate_series(1, 2) AS i;
