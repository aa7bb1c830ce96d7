-- Sets of customers.
SET search_path = personalize, pg_catalog;

-- text form
SELECT '{}'::cset, '{5}'::cset, ' { 12 , 9-11 , 1,1, 5 } '::cset, '{1,2,4,5,6}'::cset, '{-3--1,-7,0}'::cset;
SELECT '{-9223372036854775808,9223372036854775805-9223372036854775807}'::cset AS ends, cardinality('{-9223372036854775808--9223372036854775800}'::cset) AS first_nine;
SELECT ''::cset;
SELECT '{'::cset;
SELECT '{1'::cset;
SELECT '{1,}'::cset;
SELECT '{,1}'::cset;
SELECT '{a}'::cset;
SELECT '{1 2}'::cset;
SELECT '{1.5}'::cset;
SELECT '{+1}'::cset;
SELECT '{1-}'::cset;
SELECT '{1-2-3}'::cset;
SELECT '{5-4}'::cset;
SELECT '{1} x'::cset;
SELECT '{9223372036854775808}'::cset;
SELECT '{1-9223372036854775808}'::cset;
SELECT '{1-9223372036854775807}'::cset;
SELECT '{-9223372036854775808-9223372036854775807}'::cset;
SELECT '{0-34359738368}'::cset;
SELECT '{7-34359738366}'::cset AS everybody, cardinality('{0-34359738367}'::cset), octet_length(cset_send('{0-34359738367}'));

-- binary form
SELECT encode(cset_send('{5}'), 'hex') AS one, encode(cset_send('{}'), 'hex') AS none, encode(cset_send('{-1,32768,32770}'), 'hex') AS two_chunks,
	   octet_length(cset_send('{0-2047}')) AS places, octet_length(cset_send('{0-2048}')) AS bitmap, octet_length(cset_send('{0-32767}')) AS full, octet_length(cset_send('{1-1000000}')) AS million;

-- made of rows, arrays, other sets
SELECT cset_agg(i) FROM generate_series(1, 10) AS i;
SELECT cset_agg(i::bigint * 1000000007) FROM generate_series(-2, 2) AS i;
SELECT cset_agg(i) FILTER (WHERE i > 4), cset_agg(NULL::bigint) AS of_nulls, cset_agg(CASE WHEN i = 2 THEN i END) AS some_nulls FROM generate_series(1, 6) AS i;
SELECT cset_agg(i) FROM generate_series(1, 0) AS i;
SELECT i, cset_agg(i % 3) OVER (ORDER BY i ROWS 1 PRECEDING) FROM generate_series(1, 4) AS i;
SELECT cset_agg(i) = cset_agg(i ORDER BY i DESC) AS same, cset_agg(i) = '{1-100000}' AS right FROM generate_series(1, 100000) AS i;
SELECT cset_or_agg(s), cset_and_agg(s) FROM (VALUES ('{1-5}'::cset), ('{3-9}'), (NULL), ('{0,4,5,40000}')) AS sets(s);
SELECT cset_or_agg(s), cset_and_agg(s) FROM (VALUES (NULL::cset)) AS sets(s);
SELECT '{7,7,1}'::bigint[]::cset, cset(ARRAY[[1, 2], [3, 9]]::bigint[]), cset('{}'::bigint[]), '{1-3}'::cset::bigint[], '{}'::cset::bigint[] AS empty;
SELECT cset(ARRAY[1, NULL]::bigint[]);

-- operators
SELECT a | b AS either, a & b AS both, a - b AS left_only, b - a AS right_only, a && b AS overlap, overlap_count(a, b), jaccard(a, b)
  FROM (VALUES ('{1-5}'::cset, '{4-9,70000}'::cset), ('{1}', '{2}'), ('{}', '{1}'), ('{}', '{}'), ('{1-40000}', '{30000-50000}')) AS pairs(a, b);
SELECT s @> 5 AS has_5, 6 <@ s AS has_6, s @> 70000 AS has_70000, s @> -1 AS has_negative, s @> '{1,5}'::cset AS contains, '{1,6}'::cset <@ s AS is_contained, '{}'::cset <@ s AS empty_is
  FROM (SELECT '{1-5,70000}'::cset) AS sets(s);
SELECT '{1,2,3}'::cset = '{1-3}' AS equal, '{1}'::cset <> '{2}' AS differ, '{1}'::cset = '{}' AS not_equal;
SELECT cardinality('{1-5,70000}'::cset), count('{}'::cset), cardinality(NULL::cset) AS unknown, NULL::cset & '{1}' AS nothing;
SELECT unnest('{9,1-3,-40000,1000000}'::cset);
SELECT unnest('{}'::cset);
SELECT * FROM unnest('{1-1000000}'::cset) LIMIT 3;
SELECT sum(o), count(*) FROM unnest('{1-1000000}'::cset) AS o;

-- against arrays: sparse and dense, near and far, so that chunks are of all forms
CREATE TEMP TABLE sets AS SELECT n, array_agg(DISTINCT o) AS members, cset_agg(o) AS s
  FROM generate_series(1, 12) AS n, LATERAL (SELECT (CASE n % 3 WHEN 0 THEN 1 WHEN 1 THEN 37 ELSE 1000003 END) * (hashint8extended(i, n) & 16383) - n * 3000 AS o
	FROM generate_series(1, 500 * n * n) AS i) AS numbers GROUP BY n;
SELECT count(*) AS wrong FROM sets WHERE s::bigint[] <> members OR cset(members) <> s OR cardinality(s) <> cardinality(members) OR s::text::cset <> s;
SELECT count(*) AS pairs,
	   count(*) FILTER (WHERE (a.s | b.s)::bigint[] <> ARRAY(SELECT unnest(a.members) UNION SELECT unnest(b.members) ORDER BY 1)) AS wrong_or,
	   count(*) FILTER (WHERE (a.s & b.s)::bigint[] <> ARRAY(SELECT unnest(a.members) INTERSECT SELECT unnest(b.members) ORDER BY 1)) AS wrong_and,
	   count(*) FILTER (WHERE (a.s - b.s)::bigint[] <> ARRAY(SELECT unnest(a.members) EXCEPT SELECT unnest(b.members) ORDER BY 1)) AS wrong_minus,
	   count(*) FILTER (WHERE overlap_count(a.s, b.s) <> cardinality(a.s & b.s) OR (a.s && b.s) <> (cardinality(a.s & b.s) > 0)) AS wrong_count,
	   count(*) FILTER (WHERE (a.s @> b.s) <> (b.s - a.s = '{}') OR (a.s <@ b.s) <> (a.s & b.s = a.s)) AS wrong_contains
  FROM sets AS a, sets AS b;
SELECT n, count(*) AS asked, count(*) FILTER (WHERE (s @> o) <> (o = ANY (members))) AS wrong
  FROM sets, generate_series(-40000, 40000, 97) AS o WHERE n IN (3, 4, 5) GROUP BY n ORDER BY n;
-- stored, and stored out of line
SELECT bool_and(a.s = b.s) AS same FROM (SELECT n, s FROM sets) AS a JOIN sets AS b USING (n);
EXPLAIN (COSTS off) SELECT cardinality(cset_agg(n)) FROM sets WHERE n <@ '{1-3}'::cset;
