-- Metrics of one list, against vectors computed by hand: hits at 1, 3 and 6 of four relevant items.
WITH list (recommended, relevant) AS (VALUES ('{7,1,8,2,3,9}'::int[], '{7,8,9,10}'::int[]))
SELECT k, personalize.recall_at(recommended, relevant, k) AS recall, personalize.precision_at(recommended, relevant, k) AS precision,
	round(personalize.ndcg_at(recommended, relevant, k)::numeric, 6) AS ndcg,
	round(personalize.average_precision(recommended, relevant, k)::numeric, 6) AS ap,
	personalize.hit_at(recommended, relevant, k) AS hit, personalize.reciprocal_rank(recommended, relevant, k) AS rr
FROM list, (VALUES (1), (2), (5), (6), (10)) AS p(k) ORDER BY k;
SELECT round(personalize.average_precision('{7,1,8,2,3,9}'::int[], '{7,8,9,10}')::numeric, 6) AS ap,
	personalize.reciprocal_rank('{1,2,7}'::int[], '{7,8}') AS rr;
-- the same by SQL alone, on lists that chance has made
WITH list AS (
	SELECT n, array(SELECT abs(hashint4(n * 1000 + i)) % 60 FROM generate_series(1, n % 30) i) AS recommended,
		array(SELECT abs(hashint4(-n * 1000 - i)) % 60 FROM generate_series(1, 1 + n % 17) i) AS relevant
	FROM generate_series(1, 300) n),
hit AS (
	SELECT n, min(p) AS position FROM list, unnest(recommended) WITH ORDINALITY AS r(item, p)
	WHERE item = ANY (relevant) GROUP BY n, item),
numbered AS (SELECT n, position, row_number() OVER (PARTITION BY n ORDER BY position) AS h FROM hit WHERE position <= 10),
size AS (SELECT n, (SELECT count(DISTINCT x) FROM unnest(relevant) x) AS t FROM list),
expected AS (
	SELECT s.n, count(position)::float8 / t AS recall, count(position)::float8 / 10 AS precision,
		coalesce(sum(h::float8 / position), 0) / least(t, 10) AS ap, coalesce(1.0::float8 / min(position), 0) AS rr,
		coalesce(sum(ln(2.0::float8) / ln(position + 1.0::float8)), 0) / (SELECT sum(ln(2.0::float8) / ln(p + 1.0::float8)) FROM generate_series(1, least(t, 10)) p) AS ndcg
	FROM size s LEFT JOIN numbered USING (n) GROUP BY s.n, t)
SELECT count(*) AS lists, sum(recall) > 10 AS has_hits,
	max(abs(personalize.recall_at(recommended, relevant, 10) - recall)) < 1e-12 AS recall,
	max(abs(personalize.precision_at(recommended, relevant, 10) - precision)) < 1e-12 AS precision,
	max(abs(personalize.average_precision(recommended, relevant, 10) - ap)) < 1e-12 AS ap,
	max(abs(personalize.reciprocal_rank(recommended, relevant, 10) - rr)) < 1e-12 AS rr,
	max(abs(personalize.ndcg_at(recommended, relevant, 10) - ndcg)) < 1e-12 AS ndcg,
	max(abs(personalize.hit_at(recommended, relevant, 10) - (rr > 0)::int)) = 0 AS hit
FROM list JOIN expected USING (n);
-- repeats and NULLs take positions, and a relevant item is hit once
SELECT personalize.recall_at('{1,1,1,2}'::int[], '{1,2}', 3) AS repeats, personalize.recall_at('{NULL,1}'::int[], '{1,NULL}', 2) AS nulls,
	personalize.precision_at('{1,1}'::int[], '{1}', 2) AS once, personalize.recall_at('{1}'::int[], '{1,1,2,2}', 5) AS twice_relevant;
-- all types of keys
SELECT personalize.ndcg_at('{1,2}'::smallint[], '{2}'::smallint[], 2) = personalize.ndcg_at('{1,2}'::bigint[], '{2}'::bigint[], 2) AS numbers,
	personalize.recall_at('{a,"b "}'::text[], '{b,a}', 2) AS texts,
	personalize.recall_at('{00000000-0000-0000-0000-000000000001}'::uuid[], '{00000000-0000-0000-0000-000000000001}'::uuid[], 1) AS uuids;
-- nothing recommended is 0; nothing relevant, or NULL, is NULL, which avg() passes over
SELECT personalize.recall_at('{}'::int[], '{1}', 5) AS no_list, personalize.recall_at('{1}'::int[], '{}', 5) AS no_relevant,
	personalize.ndcg_at('{1}'::int[], '{NULL}', 5) AS only_null, personalize.recall_at(NULL::int[], '{1}', 5) AS null_list,
	personalize.recall_at('{1}'::int[], '{1}', NULL) AS null_k;
\set VERBOSITY default
SELECT personalize.recall_at('{1}'::int[], '{1}', 0);
SELECT personalize.ndcg_at('{1}'::int[], '{1}', -1);
SELECT personalize.recall_at('{1.5}'::numeric[], '{1}', 1);

-- Aggregates over lists: counts 2, 1, 1 among ten items
SELECT personalize.coverage(list, 10), personalize.gini(list, 10) FROM (VALUES ('{1,2}'::int[]), ('{1,3,3}'), (NULL), ('{NULL}')) v(list);
SELECT personalize.coverage(list, 3) AS all_the_same, personalize.gini(list, 3) FROM (VALUES ('{a,b,c}'::text[]), ('{c,b,a}')) v(list);
SELECT personalize.coverage(list, 10) AS no_rows, personalize.gini(list, 10) FROM (VALUES ('{1}'::int[])) v(list) WHERE false;
SELECT personalize.coverage(list, 10) AS empty_lists, personalize.gini(list, 10) FROM (VALUES ('{}'::int[])) v(list);
SELECT personalize.coverage(list, 1) FROM (VALUES ('{1,2}'::int[])) v(list);
SELECT personalize.coverage(list, 0) FROM (VALUES ('{1,2}'::int[])) v(list);
SELECT personalize.coverage(list, NULL) FROM (VALUES ('{1,2}'::int[])) v(list);
SELECT personalize.gini(list, size) FROM (VALUES ('{1,2}'::int[], 5), ('{1,2}', 6)) v(list, size);
-- bits: an eighth is 3, a quarter is 2, what nobody has is as new as what one has
SELECT personalize.novelty(n, 8) FROM (VALUES (1), (2), (NULL)) v(n);
SELECT personalize.novelty(n, 8) AS everybody, (SELECT personalize.novelty(n, 8) FROM (VALUES (1)) w(n) WHERE false) AS no_rows FROM (VALUES (8)) v(n);
SELECT personalize.novelty(9, 8);
SELECT personalize.novelty(-1, 8);
SELECT personalize.novelty(1, 'NaN');
SELECT personalize.novelty(1, NULL);

-- Parallel plans give the same bits.
CREATE TABLE rank_lists AS
	SELECT n, array(SELECT (abs(hashint4(n * 100 + i)) % (1 + n % 500))::text FROM generate_series(1, 10) i) AS list, 1 + n % 77 AS buyers
	FROM generate_series(1, 20000) n;
ANALYZE rank_lists;
SELECT personalize.coverage(list, 500) AS coverage, personalize.gini(list, 500) AS gini, personalize.novelty(buyers, 100) AS novelty FROM rank_lists \gset serial_
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
EXPLAIN (COSTS OFF) SELECT personalize.coverage(list, 500), personalize.novelty(buyers, 100) FROM rank_lists;
SELECT personalize.coverage(list, 500) = :serial_coverage AS coverage, personalize.gini(list, 500) = :serial_gini AS gini,
	personalize.novelty(buyers, 100) = :serial_novelty AS novelty FROM rank_lists;
-- and so does SQL
WITH per_item AS (SELECT item, count(DISTINCT n) AS x FROM rank_lists, unnest(list) item GROUP BY item),
every AS (SELECT x FROM per_item UNION ALL SELECT 0 FROM generate_series(1, 500 - (SELECT count(*) FROM per_item))),
ranked AS (SELECT x, row_number() OVER (ORDER BY x) AS i FROM every)
SELECT abs(sum((2 * i - 501) * x)::float8 / (500 * sum(x)) - :serial_gini) < 1e-12 AS gini,
	count(*) FILTER (WHERE x > 0) / 500.0 = :serial_coverage AS coverage,
	abs((SELECT avg(-ln(buyers / 100.0) / ln(2.0)) FROM rank_lists) - :serial_novelty) < 1e-6 AS novelty FROM ranked;
DROP TABLE rank_lists;
