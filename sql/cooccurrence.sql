-- The example of the page: duplicates count once, NULLs are skipped, a basket of one item only counts itself.
CREATE TABLE lines (order_id integer, product_id bigint, quantity bigint);
INSERT INTO lines VALUES
    (1, 10, 1), (1, 20, 2), (2, 10, 1), (2, 20, 1), (2, 30, 5), (3, 10, 1), (3, 10, 2), (4, 30, 1),
    (NULL, 10, 1), (5, NULL, 1), (6, 40, NULL);
SELECT personalize.cooccurrence(order_id, product_id) AS m FROM lines;
SELECT personalize.num_baskets(m), personalize.num_items(m), personalize.num_pairs(m), personalize.damping(m)
FROM (SELECT personalize.cooccurrence(order_id, product_id) AS m FROM lines) AS x;
SELECT p.* FROM personalize.pairs((SELECT personalize.cooccurrence(order_id, product_id) FROM lines)) AS p;
SELECT n.* FROM personalize.neighbors((SELECT personalize.cooccurrence(order_id, product_id) FROM lines)) AS n;
SELECT personalize.item_count(m, 10), personalize.item_count(m, 99), personalize.pair_count(m, 10, 20),
       personalize.pair_count(m, 20, 10), personalize.pair_count(m, 10, 10), personalize.pair_count(m, 10, 99)
FROM (SELECT personalize.cooccurrence(order_id, product_id) AS m FROM lines) AS x;

-- weights add up inside a basket; nothing of an item is no item
SELECT personalize.cooccurrence(order_id, product_id, quantity) FROM lines;
SELECT personalize.cooccurrence(1, i, w) FROM (VALUES (1, 2::bigint), (1, 3), (2, 0), (3, NULL)) AS v (i, w);
SELECT p.* FROM personalize.pairs((SELECT personalize.cooccurrence(order_id, product_id, quantity) FROM lines)) AS p;

-- damping: a basket of d items counts 2^(-damping * floor(log2(d))), in 65536ths
SELECT d, personalize.item_count((SELECT personalize.cooccurrence(1, i, 0.5, NULL) FROM generate_series(1, d) AS i), 1) * 65536 AS unit
FROM unnest('{1,2,3,4,7,8,16}'::int[]) AS d;

-- the largest baskets keep their largest items
SELECT personalize.cooccurrence(b, i, NULL, 2) FROM (VALUES (1, 5), (1, -7), (1, 6), (2, 6), (2, 5)) AS v (b, i);
SELECT personalize.cooccurrence(b, i, NULL, 2) FROM (VALUES (1, 'c'), (1, 'a'), (1, 'b'), (2, 'B'), (2, 'a')) AS v (b, i);
SELECT personalize.cooccurrence(b, i, 2::bigint, 1, 1) FROM (VALUES (1, 'c'), (1, 'a')) AS v (b, i);

-- keys of all types, a varchar and a domain among them
CREATE DOMAIN sku AS text;
SELECT personalize.cooccurrence(b::text, i::smallint), personalize.cooccurrence(b::bigint, i::integer),
       personalize.cooccurrence(b::smallint, 'x"\' || i), personalize.cooccurrence(b, ('s' || i)::sku),
       personalize.cooccurrence(b, i::varchar(5)),
       personalize.cooccurrence(('00000000-0000-0000-0000-00000000000' || b)::uuid, ('10000000-0000-0000-0000-00000000000' || i)::uuid)
FROM (VALUES (1, 1), (1, 2), (2, 2)) AS v (b, i);
SELECT personalize.cooccurrence(b, i) FROM (VALUES (-9223372036854775808, 9223372036854775807), (-9223372036854775808, -9223372036854775808),
    (9223372036854775807, 0)) AS v (b, i);
SELECT item::text, neighbor, rank, n_ab, pg_typeof(item) FROM personalize.neighbors('text: {"a","b"}x2 {"a",""}'::personalize.cooccurrence, NULL::sku) AS n;
CREATE DOMAIN short AS text CHECK (length(VALUE) < 2);
SELECT item, neighbor FROM personalize.neighbors('text: {"a","b"}'::personalize.cooccurrence, NULL::short);
SELECT item, neighbor FROM personalize.neighbors('text: {"a","bc"}'::personalize.cooccurrence, NULL::short);
SELECT n.* FROM personalize.neighbors('uuid: {10000000-0000-0000-0000-000000000001,20000000-0000-0000-0000-000000000002}'::personalize.cooccurrence, NULL::uuid) AS n;
SELECT item, neighbor, pg_typeof(item) FROM personalize.neighbors('bigint: {1,2}', item_type => NULL::smallint);
SELECT personalize.item_count('uuid: {10000000-0000-0000-0000-000000000001}', '10000000-0000-0000-0000-000000000001');
SELECT personalize.item_count('text: {"a"}', 'a'), personalize.item_count('text: {"a"}', 'b'::varchar), personalize.item_count('smallint: {7}', 7::bigint);

-- ties: equal scores in the order of the items; texts by their bytes
SELECT n.item, n.neighbor, n.rank, n.score FROM personalize.neighbors('text: {"é","Z","a"}'::personalize.cooccurrence, NULL::text) AS n;

-- empty
SELECT personalize.cooccurrence(order_id, product_id) IS NULL AS is_null FROM lines WHERE false;
SELECT personalize.cooccurrence(NULL::integer, NULL::text) IS NULL AS is_null FROM lines;
SELECT personalize.cooccurrence(1, 1, 0::bigint) AS nothing_weighs FROM lines;
SELECT count(*) FROM personalize.neighbors(NULL), personalize.pairs(NULL);
SELECT count(*) FROM personalize.neighbors('bigint:'), personalize.pairs('bigint:');
SELECT personalize.num_baskets('bigint:'), personalize.num_items('bigint:'), personalize.num_pairs('bigint:'), personalize.item_count('bigint:', 1);

-- merging: the matrix of all baskets, whatever the order
SELECT a OPERATOR(personalize.+) b AS m, (a OPERATOR(personalize.+) b) OPERATOR(personalize.=) (b OPERATOR(personalize.+) a) AS commutes
FROM (SELECT 'bigint: {1,2}x3 {3}'::personalize.cooccurrence AS a, 'bigint: {3,4,5} {2,1}'::personalize.cooccurrence AS b) AS x;
SELECT personalize.rollup(m), personalize.rollup(m) FILTER (WHERE false) AS none,
       personalize.rollup(m) OPERATOR(personalize.=) (SELECT personalize.cooccurrence(order_id, product_id) FROM lines) AS is_whole
FROM (SELECT personalize.cooccurrence(order_id, product_id) AS m FROM lines GROUP BY order_id) AS daily;
SELECT 'bigint: {1}'::personalize.cooccurrence OPERATOR(personalize.+) 'integer: {1}'::personalize.cooccurrence;
SELECT 'bigint: {1}'::personalize.cooccurrence OPERATOR(personalize.+) 'bigint weighted: {1}'::personalize.cooccurrence;
SELECT 'bigint damping 1: {1}'::personalize.cooccurrence OPERATOR(personalize.+) 'bigint: {1}'::personalize.cooccurrence;
SELECT 'bigint: {1} {2}'::personalize.cooccurrence OPERATOR(personalize.<>) 'bigint: {1,2}'::personalize.cooccurrence AS differ;

SELECT m, count(*) FROM unnest('{"bigint: {1,2} {3}","bigint: {3} {2,1}","bigint: {3}"}'::personalize.cooccurrence[]) AS m GROUP BY m ORDER BY m::text;

-- as a window, as a group
SELECT order_id, personalize.cooccurrence(order_id, product_id) OVER (ORDER BY order_id) FROM lines WHERE order_id < 4 ORDER BY order_id;
SELECT order_id % 2 AS odd, personalize.cooccurrence(order_id, product_id ORDER BY product_id DESC) FROM lines GROUP BY 1 ORDER BY 1;

-- what neighbors can be asked
CREATE TABLE matrix AS SELECT 'bigint: {1,2}x30 {1,3}x10 {2,3}x5 {1}x20 {3}x7 {4,1} {5}'::personalize.cooccurrence AS m;
SELECT n.neighbor, n.rank, round(n.score::numeric, 6) AS score, n.n_ab FROM matrix, personalize.neighbors(m, k => 2) AS n WHERE n.item = 1;
SELECT n.neighbor, n.rank, n.score, n.n_ab FROM matrix, personalize.neighbors(m, measure => 'count', min_count => 5) AS n WHERE n.item = 1;
SELECT f.name, n.neighbor, round(n.score::numeric, 6) AS score
FROM matrix, personalize.measures() AS f, personalize.neighbors(m, k => 1, measure => f.name) AS n WHERE n.item = 1;
SELECT count(*) AS different
FROM matrix, personalize.neighbors(m, measure => 'kernel', a => 0.5, b => 0.5, shrinkage => 3, p => 2) AS n
WHERE score IS DISTINCT FROM personalize.kernel(n_ab, n_a, n_b, n, shrinkage => 3, a => 0.5, b => 0.5, p => 2);
SELECT (SELECT array_agg(n ORDER BY item, rank) FROM personalize.neighbors(m, k => 2147483647) AS n)
     = (SELECT array_agg(n ORDER BY item, rank) FROM personalize.neighbors(m, NULL::bigint, k => 4) AS n) AS all_there_is
FROM matrix;

-- a power that overflows leaves ties, which are in order all the same
SELECT neighbor, rank, score FROM personalize.neighbors((
    SELECT personalize.cooccurrence(basket, item, weight)
    FROM (SELECT i AS basket, x AS item, 5000::bigint AS weight FROM generate_series(2, 1500) AS i, LATERAL (VALUES (1), (i)) AS v (x)
          UNION ALL SELECT 100000 + i, i, 1 FROM generate_series(700, 1500) AS i) AS x), item_type => NULL::integer, k => 3, measure => 'kernel', a => 0, b => 0, p => 100)
WHERE item = 1;

-- mistakes
SELECT personalize.cooccurrence(order_id, quantity::numeric) FROM lines;
SELECT personalize.cooccurrence(now(), product_id) FROM lines;
SELECT personalize.cooccurrence(order_id, 'x') FROM lines;
SELECT personalize.cooccurrence(order_id, product_id, -1::bigint) FROM lines;
SELECT personalize.cooccurrence(1, 1, 4294967295) FROM generate_series(1, 2);
SELECT personalize.cooccurrence(order_id, product_id, 'NaN', NULL) FROM lines;
SELECT personalize.cooccurrence(order_id, product_id, 2.5, NULL) FROM lines;
SELECT personalize.cooccurrence(order_id, product_id, 0.5, 0) FROM lines;
SELECT personalize.cooccurrence(order_id, product_id, 0.5, quantity::integer) FROM lines;
SELECT * FROM personalize.neighbors('text: {"a","b"}');
SELECT * FROM personalize.neighbors('text: {"a","b"}'::personalize.cooccurrence, NULL::uuid);
SELECT * FROM personalize.neighbors('bigint: {1,70000}', item_type => NULL::smallint);
SELECT * FROM personalize.neighbors('bigint: {1,2}'::personalize.cooccurrence, NULL::integer);
SELECT * FROM personalize.neighbors('bigint: {1,2}', k => 5, item_type => NULL::integer);
SELECT * FROM personalize.neighbors('bigint: {1,2}', k => 0);
SELECT * FROM personalize.neighbors('bigint: {1,2}', measure => 'cosin');
SELECT * FROM personalize.neighbors('bigint: {1,2}', measure => NULL);
SELECT * FROM personalize.neighbors('bigint: {1,2}', min_count => 'NaN');
SELECT * FROM personalize.neighbors('bigint: {1,2}', measure => 'llr', shrinkage => 5);
SELECT * FROM personalize.neighbors('bigint: {1,2}', shrinkage => -1);
SELECT * FROM personalize.neighbors('bigint weighted: {1*3,2}', measure => 'llr');
SELECT personalize.item_count('bigint: {1,2}', 'x'::text);
SELECT personalize.item_count('bigint: {1,2}', 'x');
SELECT personalize.num_pairs('bigint weighted: {1*4294967295,2}x4294967295');
SET personalize.matrix_mem = '1MB';
SELECT personalize.cooccurrence(i / 5, i % 1000) IS NULL FROM generate_series(1, 100000) AS i;
-- what may be held in rows is for work_mem to say, as they could go to a file; here a count an item is left of them
SET work_mem = '64MB';
SELECT personalize.num_baskets(personalize.cooccurrence(i, i % 50)) FROM generate_series(1, 1200000) AS i;
RESET work_mem;
RESET personalize.matrix_mem;

-- text in
SELECT ' bigint : {3 , 2}x2  {2,3} {1}x10'::personalize.cooccurrence;
SELECT 'text weighted damping 0.1: {"a\"b\\"*2,"ü"}'::personalize.cooccurrence;
SELECT ''::personalize.cooccurrence;
SELECT 'numeric: {1}'::personalize.cooccurrence;
SELECT 'bigint {1}'::personalize.cooccurrence;
SELECT 'bigint: {}'::personalize.cooccurrence;
SELECT 'bigint: {1'::personalize.cooccurrence;
SELECT 'bigint: {1,1}'::personalize.cooccurrence;
SELECT 'bigint: {1*2}'::personalize.cooccurrence;
SELECT 'bigint weighted: {1*0}'::personalize.cooccurrence;
SELECT 'bigint: {1}x0'::personalize.cooccurrence;
SELECT 'bigint: {1}x4294967296'::personalize.cooccurrence;
SELECT 'bigint: {9223372036854775808}'::personalize.cooccurrence;
SELECT 'smallint: {40000}'::personalize.cooccurrence;
SELECT 'bigint damping x: {1}'::personalize.cooccurrence;
SELECT 'bigint damping -1: {1}'::personalize.cooccurrence;
SELECT 'bigint damping nan: {1}'::personalize.cooccurrence;
SELECT 'uuid: {1}'::personalize.cooccurrence;
SELECT 'text: {a}'::personalize.cooccurrence;
SELECT 'text: {"a}'::personalize.cooccurrence;


-- large values are written with each key once
SELECT left(t, 60) AS text, length(t) < 60000 AS short, t::personalize.cooccurrence OPERATOR(personalize.=) m AS same
FROM (SELECT m, m::text AS t FROM (SELECT personalize.cooccurrence(i / 4, i * 7 % (900 + i % 89) - 500) AS m FROM generate_series(1, 20000) AS i) AS x) AS y;
SELECT 'text weighted: ["b","a"] \x020100000001'::personalize.cooccurrence;
SELECT 'text: ["b","b"] \x02010000'::personalize.cooccurrence;
SELECT 'text: ["b","a"] \x0201'::personalize.cooccurrence;
SELECT 'text: ["b","a"] \x010100'::personalize.cooccurrence;
SELECT 'text: ["b","a"] \x0'::personalize.cooccurrence;
SELECT 'text: ["b","a"]'::personalize.cooccurrence;
SELECT 'text: []'::personalize.cooccurrence;

-- as somebody without privileges of his own, into a table and a materialized view
CREATE ROLE regress_personalize_reader;
GRANT SELECT ON lines TO regress_personalize_reader;
GRANT CREATE ON SCHEMA public TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
CREATE MATERIALIZED VIEW bought_together AS
SELECT n.* FROM personalize.neighbors((SELECT personalize.cooccurrence(order_id, product_id) FROM lines), k => 20, measure => 'kernel') AS n;
CREATE UNIQUE INDEX ON bought_together (item, neighbor);
REFRESH MATERIALIZED VIEW CONCURRENTLY bought_together;
SELECT item, neighbor, rank, n_ab FROM bought_together ORDER BY item, rank;
RESET ROLE;
DROP MATERIALIZED VIEW bought_together;
DROP TABLE lines, matrix;
DROP DOMAIN sku, short;
REVOKE CREATE ON SCHEMA public FROM regress_personalize_reader;
DROP ROLE regress_personalize_reader;
