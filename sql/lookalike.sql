\pset null '(null)'
SET extra_float_digits = 0;
-- customers of a seed set, and of all, by feature; each counts once, rows with a NULL are passed over
CREATE TABLE customers (key integer, features text[], seed boolean);
INSERT INTO customers VALUES (1, '{shoes,"price 2"}', true), (2, '{shoes,shoes,hats}', true), (3, '{hats}', false), (4, '{"price 2",NULL,socks}', false), (5, '{}', false), (6, '{"a \"b\\c"}', false),
	(7, '{shoes,"price 2"}', false), (8, NULL, true), (9, '{shoes}', NULL), (10, '{shoes,hats,"price 2"}', false);
SELECT personalize.lookalike_model(features, seed) FROM customers;
CREATE TABLE model AS SELECT personalize.lookalike_model(features, seed) AS m FROM customers;
SELECT personalize.num_customers(m), personalize.num_seeds(m), f.feature, f.customers, f.seeds, round(f.weight::numeric, 9) AS weight, round((ln((f.seeds + 0.5) / 3) - ln((f.customers + 0.5) / 9))::numeric, 9) AS by_hand
  FROM model, personalize.lookalike_features(m) AS f;
-- a score is the sum of the weights; what nobody has adds nothing, and neither order nor repetition matters
SELECT key, personalize.lookalike_score(m, c.features) AS score, abs(personalize.lookalike_score(m, c.features) - (SELECT coalesce(sum(weight), 0) FROM personalize.lookalike_features(m) WHERE feature = ANY (c.features))) < 1e-9 AS sum
  FROM customers AS c, model ORDER BY key;
SELECT personalize.lookalike_score(m, '{unknown}') AS unknown, personalize.lookalike_score(m, '{}') AS none, personalize.lookalike_score(m, '{hats,shoes}') = personalize.lookalike_score(m, '{shoes,hats,NULL,shoes,unknown}') AS same FROM model;
-- parts merge exactly
SELECT m OPERATOR(personalize.=) (SELECT personalize.rollup(p ORDER BY part DESC) FROM (SELECT key % 3 AS part, personalize.lookalike_model(features, seed) AS p FROM customers GROUP BY 1) AS parts) AS rollup,
	m OPERATOR(personalize.=) (SELECT personalize.lookalike_model(features, seed) FILTER (WHERE key < 4) OPERATOR(personalize.+) personalize.lookalike_model(features, seed) FILTER (WHERE key >= 4) FROM customers) AS plus,
	m OPERATOR(personalize.=) m::text::personalize.lookalike_model AS again, m OPERATOR(personalize.<>) '0/1 {}' AS other FROM model;
SELECT personalize.lookalike_model(features, seed) FROM customers WHERE false;
SELECT ' 1/2{ "b":1/2 , "a":0/1 } '::personalize.lookalike_model AS sorted, '0/0 {}'::personalize.lookalike_model AS empty, '1/1 {"":1/1}'::personalize.lookalike_model AS nameless;
-- scores of several models in one statement
SELECT i, personalize.lookalike_score(CASE i % 3 WHEN 0 THEN m WHEN 1 THEN '1/2 {"shoes":1/1}' ELSE '1/2 {"shoes":0/1}' END, '{shoes}') AS score FROM model, generate_series(0, 5) AS i ORDER BY i;

-- the best of a table: in order of score, then of key; seeds are left out, also where they stand there more than once or not at all
SELECT * FROM personalize.lookalike('{1,2,2,NULL,99}'::int[], 'customers');
SELECT * FROM personalize.lookalike('{1,2}'::int[], 'customers', k => 2);
SELECT count(*) FROM personalize.lookalike((SELECT array_agg(key) FROM customers), 'customers');
CREATE TABLE "My Customers" ("the key" text COLLATE "C", "its ""features""" text[]);
INSERT INTO "My Customers" SELECT chr(64 + key) || key, features FROM customers;
SELECT key, rank FROM personalize.lookalike('{A1,B2}'::text[], '"My Customers"', 3, 'the key', 'its "features"');
CREATE TABLE uuids AS SELECT md5(key::text)::uuid AS key, features FROM customers;
SELECT pg_typeof(key), count(*), count(DISTINCT key) FROM personalize.lookalike(ARRAY[md5('1'), md5('2')]::uuid[], 'uuids') GROUP BY 1;

-- how well it finds seeds that it was not shown: here they have a feature in common
CREATE TABLE many AS SELECT i AS key, ARRAY['a' || i % 7, 'b' || i % 11, CASE WHEN i % 20 = 0 OR i % 33 = 0 THEN 'mark' END] AS features FROM generate_series(1, 2000) AS i;
SELECT seeds + hidden_seeds AS seeds, hidden_seeds BETWEEN 10 AND 30 AS hidden, candidates = 2000 - seeds AS candidates, found = hidden_seeds AS all_found, recall, lift > 10 AS lift, abs(lift - recall / random) < 1e-9 AS quotient
  FROM personalize.lookalike_lift((SELECT array_agg(key) FROM many WHERE key % 20 = 0), 'many', k => 160);
-- here they do not
SELECT lift < 2 AS chance FROM personalize.lookalike_lift((SELECT array_agg(key) FROM many WHERE key % 19 = 0), 'many', k => 400);
SELECT hidden_seeds, found, recall, lift FROM personalize.lookalike_lift('{20,40}'::int[], 'many', hidden => 0);
-- the same as the model and the hash say
WITH seed AS (SELECT key, (hashtextextended(key::text COLLATE "C", 5) & 1048575) < 0.3 * 1048576 AS hidden FROM many WHERE key % 20 = 0),
c AS (SELECT m.key, m.features, s.hidden IS NOT DISTINCT FROM false AS in_seed, coalesce(s.hidden, false) AS hidden FROM many AS m LEFT JOIN seed AS s USING (key)),
best AS (SELECT c.* FROM c, (SELECT personalize.lookalike_model(features, in_seed) AS m FROM c) AS l WHERE NOT in_seed ORDER BY personalize.lookalike_score(m, features) DESC, key LIMIT 30)
SELECT (l.seeds, l.hidden_seeds, l.found) = ((SELECT count(*) FROM c WHERE in_seed), (SELECT count(*) FROM c WHERE hidden), (SELECT count(*) FROM best WHERE hidden)) AS same
  FROM personalize.lookalike_lift((SELECT array_agg(key) FROM many WHERE key % 20 = 0), 'many', 30, 0.3, 5) AS l;

-- bad input
SELECT '1/2 {"a":2/1}'::personalize.lookalike_model;
SELECT '3/2 {}'::personalize.lookalike_model;
SELECT '2/3 {"a":0/2}'::personalize.lookalike_model;
SELECT '1/3 {"a":0/0}'::personalize.lookalike_model;
SELECT '1/3 {"a":0/1,"a":1/1}'::personalize.lookalike_model;
SELECT '1/3 {"a:0/1}'::personalize.lookalike_model;
SELECT '1/3 {"a\'::personalize.lookalike_model;
SELECT '1/3 {a:0/1}'::personalize.lookalike_model;
SELECT '1/3 {"a":0/1} x'::personalize.lookalike_model;
SELECT '1/99999999999999999 {}'::personalize.lookalike_model;
SELECT '-1/3 {}'::personalize.lookalike_model;
SELECT personalize.lookalike_model(ARRAY[repeat('x', 1001)], true);
SELECT * FROM personalize.lookalike('{98,99}'::int[], 'customers');
SELECT * FROM personalize.lookalike('{}'::int[], 'customers');
SELECT * FROM personalize.lookalike('{1}'::bigint[], 'customers');
SELECT * FROM personalize.lookalike('{1}'::int[], 'customers', 0);
SELECT * FROM personalize.lookalike('{1}'::int[], 'customers', key_column => 'id');
SELECT * FROM personalize.lookalike('{1}'::int[], 'customers', features_column => 'seed');
SELECT * FROM personalize.lookalike('{1}'::int[], 'customers', key_column => 'key" FROM x; --');
SELECT * FROM personalize.lookalike_lift('{1}'::int[], 'customers', hidden => 1.5);
SELECT * FROM personalize.lookalike_lift('{98}'::int[], 'customers');
DROP TABLE customers, model, "My Customers", uuids, many;
