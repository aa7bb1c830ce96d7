-- One matrix, however the aggregate is called, however little memory it has, and whatever was merged.
\ir lib/oracle.sql

CREATE PROCEDURE fail_unless_fails(statement text, sqlstate_expected text, what text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION 'failed: % succeeds', what;
EXCEPTION
	WHEN OTHERS THEN
		IF SQLSTATE <> sqlstate_expected THEN
			RAISE EXCEPTION 'failed: %: % %', what, SQLSTATE, SQLERRM;
		END IF;
END $$;

-- Baskets come back again and again, so that every run holds a part of most.
CREATE UNLOGGED TABLE line AS
	SELECT basket, item, 1 + row % 3 AS weight, md5(basket::text)::uuid AS basket_uuid, 'item ' || item AS item_text
	  FROM (SELECT row, random_below(1, row, 15000)::int AS basket, (least(random_below(2, row, 3000), random_below(3, row, 3000)) - 1000)::int AS item
			  FROM generate_series(1, 120000) AS row) AS r;
INSERT INTO line SELECT 2147483647 - i % 2, i, 1, '00000000-0000-0000-0000-000000000000', repeat('x', i) FROM generate_series(1, 9000) AS i;

-- ---------------------------------------------------------------- memory

CREATE PROCEDURE check_memory(call text) LANGUAGE plpgsql AS $$
DECLARE
	many cooccurrence;
	few cooccurrence;
BEGIN
	SET LOCAL max_parallel_workers_per_gather = 0;
	SET LOCAL work_mem = '1GB';
	EXECUTE format('SELECT %s FROM line', call) INTO many;
	SET LOCAL work_mem = '64kB';
	EXECUTE format('SELECT %s FROM line', call) INTO few;
	PERFORM fail_unless(few = many, call || ': in 64 kB');
	SET LOCAL parallel_setup_cost = 0;
	SET LOCAL parallel_tuple_cost = 0;
	SET LOCAL min_parallel_table_scan_size = 0;
	SET LOCAL max_parallel_workers_per_gather = 2;
	EXECUTE format('SELECT %s FROM line', call) INTO few;
	PERFORM fail_unless(few = many, call || ': in 64 kB, with workers');
	COMMIT;
END $$;

CALL check_memory('cooccurrence(basket, item)');
CALL check_memory('cooccurrence(basket, item, weight)');
CALL check_memory('cooccurrence(basket, item, 1, 7)');
CALL check_memory('cooccurrence(basket_uuid, item_text, weight)');
CALL check_memory('cooccurrence(basket_uuid, item, NULL, 5)');

-- ---------------------------------------------------------------- calls

CREATE TABLE small AS SELECT * FROM line WHERE basket % 30 = 0;
CREATE TABLE reference AS SELECT cooccurrence(basket, item) AS m, cooccurrence(basket, item, weight) AS w FROM small;

SELECT fail_unless(m = (SELECT cooccurrence(DISTINCT basket, item) FROM small), 'DISTINCT') FROM reference;
SELECT fail_unless(m = (SELECT cooccurrence(basket, item ORDER BY weight, item, basket) FROM small), 'ORDER BY') FROM reference;
SELECT fail_unless(m = (SELECT cooccurrence(basket, item) FILTER (WHERE basket % 30 = 0) FROM line), 'FILTER') FROM reference;
SELECT fail_unless(m = (SELECT cooccurrence(basket, item, 0.0, NULL) FROM small), 'options that say nothing') FROM reference;
SELECT fail_unless(w = (SELECT cooccurrence(basket, item, weight) FROM (SELECT basket, item, sum(weight)::bigint AS weight FROM small GROUP BY 1, 2) AS s), 'weights add up')
  FROM reference;
SELECT fail_unless((SELECT cooccurrence(basket, item) FROM small WHERE false) IS NULL, 'no rows');
SELECT fail_unless((SELECT cooccurrence(NULL::int, item) FROM small) IS NULL, 'NULLs only');
SELECT fail_unless(m = (SELECT cooccurrence(basket, item) FROM (TABLE small UNION ALL SELECT NULL, 1, 1, NULL, NULL UNION ALL SELECT 1, NULL, 1, NULL, NULL) AS s), 'NULLs') FROM reference;

-- ---------------------------------------------------------------- groups

CREATE TABLE tagged AS SELECT *, abs(item) % 5000 AS tag FROM line WHERE basket < 20000;
CREATE TABLE by_sort (tag int, m cooccurrence);
CREATE TABLE by_hash (LIKE by_sort);
SET enable_hashagg = off;
INSERT INTO by_sort SELECT tag, cooccurrence(basket, item_text) FROM tagged GROUP BY tag;
RESET enable_hashagg;
SET enable_sort = off;
SET work_mem = '64kB';
INSERT INTO by_hash SELECT tag, cooccurrence(basket, item_text) FROM tagged GROUP BY tag;
RESET work_mem;
RESET enable_sort;
SELECT fail_unless((SELECT count(*) > 1500 AND bool_and(a.m = b.m) FROM by_sort AS a JOIN by_hash AS b USING (tag)), 'groups by sorting and hashing');
SELECT fail_unless_same('SELECT tag, count(DISTINCT basket), count(DISTINCT item) FROM tagged GROUP BY tag', 'SELECT tag, num_baskets(m), num_items(m) FROM by_sort', 'groups');
SELECT fail_unless_same('SELECT weight, tag % 7, cooccurrence(basket, item)::text FROM tagged GROUP BY weight, tag % 7 UNION ALL SELECT NULL, NULL, cooccurrence(basket, item)::text FROM tagged',
						'SELECT weight, t, cooccurrence(basket, item)::text FROM (SELECT *, tag % 7 AS t FROM tagged) AS s GROUP BY GROUPING SETS ((weight, t), ())', 'grouping sets');

-- Parts that meet in one process, as they are.
CREATE TABLE parted (LIKE small) PARTITION BY HASH (basket);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted TABLE small;
ANALYZE parted;
SET enable_partitionwise_aggregate = on;
SELECT fail_unless_same('SELECT weight, cooccurrence(basket, item_text, 1, 4)::text FROM small GROUP BY weight',
						'SELECT weight, cooccurrence(basket, item_text, 1, 4)::text FROM parted GROUP BY weight', 'groups over partitions');
RESET enable_partitionwise_aggregate;

-- ---------------------------------------------------------------- windows

CREATE TABLE running AS SELECT basket % 40 AS basket, item_text, row_number() OVER (ORDER BY basket, item) AS at FROM small LIMIT 150;
SELECT fail_unless_same('SELECT r.at, (SELECT cooccurrence(basket, item_text)::text FROM running WHERE at <= r.at) FROM running AS r',
						'SELECT at, (cooccurrence(basket, item_text) OVER (ORDER BY at))::text FROM running', 'running frame');
SELECT fail_unless_same('SELECT r.at, (SELECT cooccurrence(basket, item_text)::text FROM running WHERE at BETWEEN r.at - 9 AND r.at + 2) FROM running AS r',
						'SELECT at, (cooccurrence(basket, item_text) OVER (ORDER BY at ROWS BETWEEN 9 PRECEDING AND 2 FOLLOWING))::text FROM running', 'moving frame');
SELECT fail_unless_same('SELECT basket, cooccurrence(1, item_text)::text FROM running GROUP BY basket',
						'SELECT DISTINCT basket, (cooccurrence(1, item_text) OVER (PARTITION BY basket))::text FROM running', 'partitions of a window');
SET work_mem = '64kB';
SELECT fail_unless((SELECT bool_and(m = (SELECT cooccurrence(basket, item) FROM line)) FROM (SELECT cooccurrence(basket, item) OVER () AS m FROM line LIMIT 3) AS s), 'window in 64 kB');
SELECT fail_unless((SELECT bool_and(m = (SELECT r.m FROM reference AS r)) FROM (SELECT rollup(m) OVER () AS m FROM (SELECT cooccurrence(basket, item) AS m FROM small GROUP BY basket) AS p LIMIT 3) AS s),
				   'rollup over a window');
RESET work_mem;

-- ---------------------------------------------------------------- merging

CREATE UNLOGGED TABLE part WITH (parallel_workers = 3) AS SELECT basket % 500 AS part, cooccurrence(basket, item) AS m FROM small GROUP BY 1;
INSERT INTO part VALUES (NULL, NULL);
SELECT fail_unless(m = (SELECT rollup(m) FROM part), 'rollup') FROM reference;
SELECT fail_unless((SELECT rollup(m) FROM part WHERE part IS NULL) IS NULL, 'rollup of nothing');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT fail_unless(m = (SELECT rollup(m) FROM part), 'rollup with workers') FROM reference;
SELECT fail_unless_same('SELECT part % 5, rollup(m ORDER BY part)::text FROM part GROUP BY part % 5', 'SELECT part % 5, rollup(m)::text FROM part GROUP BY part % 5', 'rollup of groups with workers');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- ---------------------------------------------------------------- the same value, other words

SELECT fail_unless(a.m::cooccurrence = b.m::cooccurrence AND a.m::cooccurrence + 'bigint weighted damping 0.5:' = b.m::cooccurrence, a.m || ' = ' || b.m)
  FROM (VALUES ('bigint weighted damping 0.5: {1,2}x2 {3*2}', E'  bigint\tweighted   damping\n5e-1:{3*2}{2,1}{ 1 , 2 }')) AS v(a, b), LATERAL (SELECT a) AS a(m), LATERAL (SELECT b) AS b(m);
SELECT fail_unless('bigint damping -0: {1}'::cooccurrence = 'bigint: {1}', 'damping -0 in text');
SELECT fail_unless(cooccurrence(1, 2, '-0'::float8, NULL) = cooccurrence(1, 2), 'damping -0');
SELECT fail_unless('bigint: {1}x4294967295'::cooccurrence + 'bigint: {1}x3' = 'bigint: {1}x3'::cooccurrence + 'bigint: {1}x4294967295', 'more baskets of one item than one count holds');

-- Damped away: the basket is there, its pairs are not.
CREATE TABLE damped AS SELECT cooccurrence(1, i, 2, NULL) + 'integer damping 2: {1,2} {3}' AS m FROM generate_series(1, 600) AS i;
SELECT fail_unless((SELECT num_baskets(m) = 3 AND num_items(m) = 600 AND num_pairs(m) = 1 AND pair_count(m, 1, 2) = 0.25 AND pair_count(m, 3, 4) = 0 AND item_count(m, 3) = 1 FROM damped),
				   'counts of a basket damped away');
SELECT fail_unless_same('VALUES (1, 2, 1, 1::float8, 0.25::float8, 0.25::float8, 0.25::float8, 1.25::float8), (2, 1, 1, 1, 0.25, 0.25, 0.25, 1.25)',
						'SELECT n.* FROM damped, neighbors(m, item_type => NULL::integer, min_count => 0) AS n', 'neighbors of a basket damped away');

-- ---------------------------------------------------------------- errors

CALL fail_unless_fails('SELECT cooccurrence(1, 2, -1::bigint)', '22003', 'a negative weight');
CALL fail_unless_fails('SELECT cooccurrence(1, 2, 4294967296)', '22003', 'a weight past the limit');
CALL fail_unless_fails('SELECT cooccurrence(1, 2, 4294967295) FROM generate_series(1, 2)', '22003', 'weights that add up past the limit');
CALL fail_unless_fails('SELECT num_pairs(cooccurrence(1, i, 4294967295)) FROM generate_series(1, 2) AS i', '22003', 'squares past the limit');
CALL fail_unless_fails('SELECT cooccurrence(1, 2, ''NaN''::float8, NULL)', '22003', 'damping NaN');
CALL fail_unless_fails('SELECT cooccurrence(1, 2, 2.1, NULL)', '22003', 'damping 2.1');
CALL fail_unless_fails('SELECT cooccurrence(1, 2, NULL, 0)', '22003', 'max_basket 0');
CALL fail_unless_fails('SELECT cooccurrence(1, i, i / 4.0, NULL) FROM generate_series(1, 2) AS i', '22023', 'damping that changes');
CALL fail_unless_fails('SELECT cooccurrence(1, 2.5)', '42804', 'a numeric item');
CALL fail_unless_fails('SELECT cooccurrence(1.5, 2)', '42804', 'a numeric basket');
CALL fail_unless_fails('SELECT ''bigint: {1}''::cooccurrence + ''integer: {1}''', '42804', 'merging other types');
CALL fail_unless_fails('SELECT ''bigint: {1}''::cooccurrence + ''bigint weighted: {1}''', '22023', 'merging weights');
CALL fail_unless_fails('SELECT ''bigint: {1}''::cooccurrence + ''bigint damping 1: {1}''', '22023', 'merging damping');
CALL fail_unless_fails('SELECT * FROM neighbors(''bigint: {1,2147483648}'', item_type => NULL::integer)', '22003', 'items too large for the result');
CALL fail_unless_fails('SELECT * FROM neighbors(''text: {"a","b"}''::cooccurrence)', '42804', 'texts as numbers');
CALL fail_unless_fails('SELECT num_pairs(m::cooccurrence) FROM (SELECT ''bigint damping 1: '' || string_agg(format(''{%s,%s}x4294967295'', i, i + 1), '' '') AS m FROM generate_series(1, 70000) AS i) AS s',
					   '22003', 'more damped baskets than a sum holds');
