SET search_path = public, personalize;

-- Text: order and white space do not matter, zeros are absent.
SELECT '{42:1.5,43:2}'::itemvec, ' { 3 : 1 ,	1:2 } '::itemvec, '{}'::itemvec, '{ }'::itemvec, '{1:0,2:-0}'::itemvec;
SELECT '{-9223372036854775808:1,-1:2,0:3,9223372036854775807:4}'::itemvec;
SELECT '{1:1e308,2:-1e-308,3:4.9e-324,4:0.1,5:1e15,6:1e16,7:.5,8:+1}'::itemvec;
SELECT '{+1:1}'::itemvec;

-- The output does not follow a setting, so it can be immutable.
SET extra_float_digits = -15;
SELECT '{1:0.1234567890123456}'::itemvec;
RESET extra_float_digits;

-- Malformed text: the place is named.
SELECT ''::itemvec;
SELECT '1:2'::itemvec;
SELECT '{'::itemvec;
SELECT '{1'::itemvec;
SELECT '{1:'::itemvec;
SELECT '{1:2'::itemvec;
SELECT '{1:2,'::itemvec;
SELECT '{1:2,}'::itemvec;
SELECT '{,1:2}'::itemvec;
SELECT '{1:2 3:4}'::itemvec;
SELECT '{1:2}}'::itemvec;
SELECT '{1:2} x'::itemvec;
SELECT '{1;2}'::itemvec;
SELECT '{1.5:2}'::itemvec;
SELECT '{a:2}'::itemvec;
SELECT '{-:2}'::itemvec;
SELECT '{1:two}'::itemvec;
SELECT '{1:2}' || repeat(' ', 3) || 'trailing text that is longer than the message shows' AS v \gset
SELECT :'v'::itemvec;
SELECT '{9223372036854775808:1}'::itemvec;
SELECT '{-9223372036854775809:1}'::itemvec;
SELECT '{99999999999999999999999999999999999999999999999999999999:1}'::itemvec;
SELECT '{1:1e309}'::itemvec;
SELECT '{1:1e-400}'::itemvec;
SELECT '{1:NaN}'::itemvec;
SELECT '{1:Infinity}'::itemvec;
SELECT '{1:-inf}'::itemvec;
SELECT '{2:1,1:1,2:3}'::itemvec;
SELECT '{2:0,2:1}'::itemvec;

-- Binary: sent field by field, and read back through the same checks.
SELECT itemvec_send('{1:1,258:-0.5}');
CREATE TABLE wire (id int, v itemvec);
INSERT INTO wire VALUES (1, '{}'), (2, '{5:1,7:1}'), (3, '{5:1,7:300}'), (4, '{-5:0.1,7:1e300}'), (5, NULL);
SELECT id, v, itemvec_send(v) FROM wire ORDER BY id;

-- COPY gets a value of chosen bytes from printf, which needs no file.
CREATE TABLE received (v itemvec);
CREATE FUNCTION receive(value bytea) RETURNS itemvec LANGUAGE plpgsql AS $$
DECLARE
	stream bytea := '\x5047434f50590aff0d0a000000000000000000'::bytea || int2send(1::int2)
		|| int4send(length(value)) || value || int2send((-1)::int2);
	octal text := (SELECT string_agg(format('\0%s%s%s', b >> 6, b >> 3 & 7, b & 7), '' ORDER BY i)
					 FROM generate_series(0, length(stream) - 1) AS i, get_byte(stream, i) AS b);
	result itemvec;
BEGIN
	EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)', format('printf %%b ''%s''', octal));
	DELETE FROM received RETURNING v INTO result;
	RETURN result;
END $$;
SELECT id, receive(itemvec_send(v)) = v AS same FROM wire WHERE v IS NOT NULL ORDER BY id;
SELECT receive('\x01000000020000000000000007400000000000000000000000000000053ff0000000000000') AS any_order;
SELECT receive('\x010000000100000000000000070000000000000000') AS zero;
\set SHOW_CONTEXT never
SELECT receive('\x');
SELECT receive('\x0100');
SELECT receive('\x0200000000');
SELECT receive('\x0100000001');
SELECT receive('\x010000000000');
SELECT receive('\x01ffffffff00000000000000073ff0000000000000');
SELECT receive('\x017fffffff00000000000000073ff0000000000000');
SELECT receive('\x010000000100000000000000073ff00000000000');
SELECT receive('\x010000000100000000000000077ff8000000000000');
SELECT receive('\x01000000010000000000000007fff0000000000000');
SELECT receive('\x010000000200000000000000073ff000000000000000000000000000073ff0000000000000');
\unset SHOW_CONTEXT

-- One coding per value: equal vectors are equal, however they came about.
SELECT pg_column_size('{1:1,2:1,3:1}'::itemvec) AS ones, pg_column_size('{1:1,2:1,3:2}'::itemvec) AS integers,
	   pg_column_size('{1:1,2:1,3:0.5}'::itemvec) AS floats;
SELECT '{1:2,3:4}'::itemvec = '{3:4.0,1:2e0}'::itemvec AS text, '{1:0.5}'::itemvec + '{1:0.5}' = '{1:1}' AS sum,
	   '{1:1,2:1}'::itemvec - '{2:1}' = '{1:1}' AS difference, '{1:1}'::itemvec <> '{1:2}' AS different,
	   '{1:9007199254740991}'::itemvec + '{1:1}' = '{1:9007199254740992}' AS large;
SELECT v, count(*) FROM (VALUES ('{1:1}'::itemvec), ('{2:1}'), ('{1:1,2:0}'), ('{}'), ('{2:0.5}'::itemvec * 2)) AS t(v) GROUP BY v ORDER BY v;
SET enable_hashagg = off;
SELECT count(DISTINCT v) FROM (VALUES ('{1:1}'::itemvec), ('{2:1}'), ('{1:1}'), ('{}'), ('{}')) AS t(v);
RESET enable_hashagg;
SELECT bool_and((a < b) = (itemvec_cmp(a, b) < 0) AND (a <= b) = (itemvec_cmp(a, b) <= 0) AND (a > b) = (b < a)
				AND (a >= b) = (b <= a) AND (a = b) = (itemvec_cmp(a, b) = 0) AND (a <> b) = NOT (a = b)
				AND (a <> b OR itemvec_hash(a) = itemvec_hash(b))
				AND (a <> b OR itemvec_hash_extended(a, 7) = itemvec_hash_extended(b, 7))) AS consistent
  FROM (VALUES ('{}'::itemvec), ('{1:1}'), ('{1:1,2:1}'), ('{1:2}'), ('{1:0.5}'), ('{1:0.5}')) AS x(a),
	   (VALUES ('{}'::itemvec), ('{1:1}'), ('{1:1,2:1}'), ('{1:2}'), ('{1:0.5}'), ('{-1:0.5}')) AS y(b);

-- Arithmetic.
SELECT '{1:1,2:2}'::itemvec + '{2:3,4:5}', '{1:1,2:2}'::itemvec - '{2:3,4:5}', '{1:1,2:2}'::itemvec * '{2:3,4:5}';
SELECT '{1:1,2:2}'::itemvec * 2.5, 3 * '{1:1,2:2}'::itemvec, - '{1:1,2:-2}'::itemvec, '{1:1}'::itemvec * 0, '{}'::itemvec * 2;
SELECT '{1:1,2:2}'::itemvec - '{1:1,2:2}', '{}'::itemvec + '{}', '{1:1}'::itemvec * '{2:1}';
SELECT '{1:1e-300}'::itemvec * 1e-300 AS too_small_to_be;
SELECT '{1:1,7:1e308}'::itemvec + '{7:1e308}';
SELECT '{7:-1e308}'::itemvec - '{7:1e308}';
SELECT '{7:1e200}'::itemvec * '{7:1e200}';
SELECT '{7:1e308}'::itemvec * 10;
SELECT '{7:1}'::itemvec * 'NaN'::float8;
SELECT 'Infinity'::float8 * '{7:1}'::itemvec;
SELECT '{7:1}'::itemvec + NULL, NULL::float8 * '{7:1}'::itemvec;

-- Measures.
SELECT dot('{1:1,3:2,9:3}', '{3:4,9:1,12:5}'::itemvec), dot('{1:1}', '{2:1}'::itemvec), dot('{}', '{2:1}'::itemvec), dot('{}', '{}'::itemvec);
SELECT norm('{1:3,2:-4}'::itemvec), norm1('{1:3,2:-4}'::itemvec), total('{1:3,2:-4}'::itemvec), norm('{}'::itemvec), norm1('{}'::itemvec), total('{}'::itemvec);
SELECT cosine('{1:3,2:4}'::itemvec, '{1:3,2:4}'::itemvec) AS same, cosine('{1:3,2:4}'::itemvec, '{1:-6,2:-8}'::itemvec) AS opposite,
	   cosine('{1:1}'::itemvec, '{2:1}'::itemvec) AS apart, cosine('{1:3,2:4}'::itemvec, '{1:4,2:3}'::itemvec) AS near,
	   cosine('{}'::itemvec, '{2:1}'::itemvec) AS one_empty, cosine('{}'::itemvec, '{}'::itemvec) AS both_empty;
SELECT jaccard('{1:1,3:2,9:3}'::itemvec, '{3:4,9:1,12:5}'::itemvec) AS weighted, 3 / 13.0::float8 AS by_hand,
	   jaccard('{1:1,2:1}'::itemvec, '{2:1,3:1}'::itemvec) AS sets, jaccard('{1:1}'::itemvec, '{1:1}'::itemvec) AS same,
	   jaccard('{1:1}'::itemvec, '{}'::itemvec) AS one_empty, jaccard('{}'::itemvec, '{}'::itemvec) AS both_empty;
SELECT jaccard('{1:1}'::itemvec, '{1:1,4:-2}'::itemvec);
-- Squares that leave the range do not spoil what lies inside it.
SELECT norm('{1:3e200,2:4e200}'::itemvec) / 5e200 AS norm, cosine('{1:3e200,2:4e200}'::itemvec, '{1:3e-200,2:4e-200}'::itemvec) AS cosine,
	   jaccard('{1:1e308,2:1e308}'::itemvec, '{1:1e308,2:1e308}'::itemvec) AS jaccard;
SELECT norm('{1:1.7e308,2:1.7e308}'::itemvec);
SELECT norm1('{1:1e308,2:-1e308}'::itemvec);
SELECT total('{1:1e308,2:1e308}'::itemvec);
SELECT dot('{1:1e200}'::itemvec, '{1:1e200}'::itemvec);
SELECT dot('{1:1e200,2:1e200}'::itemvec, '{1:1e200,2:-1e200}'::itemvec);

-- Looking into a vector.
SELECT size('{}'::itemvec), size('{1:1,2:5}'::itemvec), weight('{1:1,2:5}', 2), weight('{1:1,2:5}', 3), weight('{}', 0),
	   contains('{1:1,2:5}', 1), '{1:1,2:5}'::itemvec ? 0, '{-3:1}'::itemvec ? -3;
SELECT items('{5:1,-2:0.5}'::itemvec), weights('{5:1,-2:0.5}'::itemvec), items('{}'::itemvec), weights('{}'::itemvec);
SELECT * FROM unnest('{5:1,-2:0.5,7:3}'::itemvec);
SELECT * FROM unnest('{}'::itemvec);
SELECT unnest('{5:1,-2:0.5}'::itemvec) LIMIT 1;
SELECT top('{1:5,2:7,3:5,4:-1,5:7}', 0), top('{1:5,2:7,3:5,4:-1,5:7}', 1), top('{1:5,2:7,3:5,4:-1,5:7}', 3),
	   top('{1:5,2:7,3:5,4:-1,5:7}', 4), top('{1:5,2:7}', 100), top('{}'::itemvec, 3);
SELECT top('{1:5}', -1);
SELECT top('{1:5}', NULL);

-- Arrays and jsonb.
SELECT ARRAY[3, 1, 3]::itemvec, ARRAY[3, 1, 3]::bigint[]::itemvec, ARRAY[]::int[]::itemvec;
SELECT itemvec(ARRAY[3, 1, 3]::bigint[], ARRAY[0.5, 2, 0.25]), itemvec(ARRAY[]::bigint[], ARRAY[]::float8[]);
SELECT itemvec(ARRAY[1, 1, 1]::bigint[], ARRAY[1e100, 1, -1e100]);
INSERT INTO wire VALUES (6, ARRAY[9, 9]);
SELECT v FROM wire WHERE id = 6;
SELECT ARRAY[[1, 2], [3, 4]]::itemvec;
SELECT ARRAY[1, NULL]::itemvec;
SELECT itemvec(ARRAY[1, 2]::bigint[], ARRAY[1.0]::float8[]);
SELECT itemvec(ARRAY[1]::bigint[], ARRAY[NULL]::float8[]);
SELECT itemvec(ARRAY[1]::bigint[], ARRAY['NaN']::float8[]);
SELECT itemvec(ARRAY[1, 1]::bigint[], ARRAY[1e308, 1e308]::float8[]);
SELECT '{"43": 2, "42": 1.5, "-1": 1e-7, "7": 0}'::jsonb::itemvec, '{}'::jsonb::itemvec;
SELECT '{-1:0.1,42:1.5,43:2,44:1e300}'::itemvec::jsonb::itemvec, '{-1:0.1,42:1.5}'::itemvec::jsonb, '{}'::itemvec::jsonb;
SELECT '[1]'::jsonb::itemvec;
SELECT '1'::jsonb::itemvec;
SELECT '{"a": 1}'::jsonb::itemvec;
SELECT '{"": 1}'::jsonb::itemvec;
SELECT '{"9223372036854775808": 1}'::jsonb::itemvec;
SELECT '{"1": "1"}'::jsonb::itemvec;
SELECT '{"1": null}'::jsonb::itemvec;
SELECT '{"1": {"2": 3}}'::jsonb::itemvec;
SELECT '{"1": [2]}'::jsonb::itemvec;
SELECT '{"1": 1, "01": 2}'::jsonb::itemvec;
DO $$ BEGIN
	PERFORM '{"1": 1e400}'::jsonb::itemvec;
EXCEPTION WHEN numeric_value_out_of_range THEN
	RAISE NOTICE 'out of range';
END $$;

-- Aggregates.
SELECT itemvec(x) FROM (VALUES (3::bigint), (1), (NULL), (3)) AS t(x);
SELECT itemvec(x) FROM (VALUES (3), (1), (3)) AS t(x);
SELECT itemvec(x, w) FROM (VALUES (3, 0.5), (1, 2), (3, 0.25), (4, NULL), (NULL, 1), (5, 1), (5, -1)) AS t(x, w);
SELECT itemvec(x), itemvec(x, 1) FROM (VALUES (3)) AS t(x) WHERE false;
SELECT itemvec(x) FROM (VALUES (NULL::bigint)) AS t(x);
SELECT itemvec(x, w) AS cancelled FROM (VALUES (1, 1), (1, -1)) AS t(x, w);
SELECT sum(v) FROM (VALUES ('{1:1,2:0.5}'::itemvec), (NULL), ('{2:0.5,3:-1}'), ('{}')) AS t(v);
SELECT sum(v) FROM (VALUES (NULL::itemvec)) AS t(v);
SELECT itemvec(1, 'NaN');
SELECT itemvec(1, '-Infinity');
SELECT itemvec(x, w) FROM (VALUES (1, 1e308::float8), (1, 1e308)) AS t(x, w);
SELECT itemvec(x, w) FROM (VALUES (1, 1e308::float8), (1, 1e308), (1, -1e308)) AS t(x, w);
SELECT sum(v) FROM (VALUES ('{1:1e308}'::itemvec), ('{1:1e308}'), ('{1:-1e308,2:1}')) AS t(v);
SELECT itemvec(x) OVER (ORDER BY x), itemvec(1, 0.1) OVER (ORDER BY x) FROM generate_series(1, 4) AS x;

-- Sums are exact: no order of rows changes a bit of them.
CREATE TABLE line AS
	SELECT i, (i * 7919 % 1013)::bigint AS item, i % 50 AS customer,
		   ((i * 104729 % 1000003) - 500000) * power(10::float8, i % 40 - 20) AS weight
	  FROM generate_series(1, 20000) AS i;
SELECT count(DISTINCT v) AS results, min(size(v)) AS items FROM (
	SELECT itemvec(item, weight ORDER BY i) AS v FROM line
	UNION ALL SELECT itemvec(item, weight ORDER BY -i) FROM line
	UNION ALL SELECT itemvec(item, weight ORDER BY weight) FROM line
	UNION ALL SELECT itemvec(item, weight ORDER BY abs(weight) DESC, i) FROM line
	UNION ALL SELECT itemvec(item, weight ORDER BY md5(i::text)) FROM line) AS t;
SELECT itemvec(item, weight * sign) AS nothing_left FROM line, (VALUES (1), (-1)) AS s(sign);
SELECT itemvec(item) = sum(ARRAY[item]::itemvec) AS same, total(itemvec(item)) FROM line;

-- The counts are those of GROUP BY.
SELECT count(*) AS differences
  FROM (SELECT customer, (unnest(itemvec(item))).* FROM line GROUP BY customer) AS v
  FULL JOIN (SELECT customer, item, count(*)::float8 AS weight FROM line GROUP BY 1, 2) AS g
	USING (customer, item, weight)
 WHERE v.customer IS NULL OR g.customer IS NULL;

-- Parallel workers give the same bytes as one process.
CREATE TABLE serial_result AS SELECT itemvec(item) AS a, itemvec(item, weight) AS b FROM line;
CREATE TABLE serial_sum AS SELECT sum(v) AS c FROM (SELECT itemvec(item, weight) AS v FROM line GROUP BY customer) AS t;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT itemvec(item), itemvec(item, weight) FROM line;
SELECT itemvec(item) = (SELECT a FROM serial_result) AS items, itemvec(item, weight) = (SELECT b FROM serial_result) AS weights FROM line;
SET parallel_leader_participation = off;
SELECT itemvec(item) = (SELECT a FROM serial_result) AS items, itemvec(item, weight) = (SELECT b FROM serial_result) AS weights FROM line;
RESET parallel_leader_participation;
CREATE TABLE history AS SELECT customer, itemvec(item, weight) AS v FROM line GROUP BY customer;
EXPLAIN (COSTS OFF) SELECT sum(v) FROM history;
-- Huge weights take the other way through the states.
SELECT sum(v * 1e280) = (SELECT sum(v * 1e280) FROM (SELECT v FROM history ORDER BY customer DESC) AS t) AS huge FROM history;
SELECT itemvec(item, 1e308) AS none FROM line WHERE i < 0;
SELECT itemvec(item, CASE WHEN i % 2 = 0 THEN 1e308 ELSE -1e308 END) AS cancelled
  FROM (SELECT i, 1 AS item FROM line) AS t;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- Large vectors, stored out of line.
INSERT INTO wire SELECT 7, itemvec(i * 1000, i + 0.5) FROM generate_series(1, 50000) AS i;
SELECT size(v), weight(v, 50000000), total(v), v::text::itemvec = v AS text, abs(sqrt(dot(v, v)) / norm(v) - 1) < 1e-15 AS norm,
	   size(top(v, 1000)), items(top(v, 2)), itemvec(items(v), weights(v)) = v AS arrays, v::jsonb::itemvec = v AS json
  FROM wire WHERE id = 7;

-- Nobody needs a grant.
CREATE ROLE regress_personalize_itemvec;
SET ROLE regress_personalize_itemvec;
SELECT '{1:2}'::itemvec + '{1:1}', cosine('{1:2}', '{1:1}'::itemvec), (SELECT itemvec(x) FROM generate_series(1, 2) AS x);
RESET ROLE;
DROP ROLE regress_personalize_itemvec;

-- Every function of the type is safe to run in a worker and the same for ever.
SELECT p.proname FROM pg_proc p
 WHERE 'personalize.itemvec'::regtype = ANY (p.proargtypes::oid[] || p.prorettype)
   AND p.pronamespace = 'personalize'::regnamespace AND (p.proparallel <> 's' OR p.provolatile <> 'i');

DROP FUNCTION receive(bytea);
DROP TABLE wire, received, line, serial_result, serial_sum, history;
