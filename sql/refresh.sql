-- What a refresh does and says; that it is exact is for the property tests.
SET client_min_messages = warning;
CREATE SCHEMA rf;
CREATE TABLE rf.orders (order_id bigint PRIMARY KEY);
CREATE TABLE rf.lines (order_id bigint REFERENCES rf.orders ON DELETE CASCADE, product_id integer, at timestamptz DEFAULT '2026-01-01 UTC');
CREATE INDEX ON rf.lines (order_id);
INSERT INTO rf.orders SELECT generate_series(1, 200);
INSERT INTO rf.lines SELECT o, 1 + (o * l * l + o / 7) % 30, '2026-01-01 UTC'::timestamptz + o * interval '1 hour'
FROM generate_series(1, 200) AS o, generate_series(1, 5) AS l;
RESET client_min_messages;
SELECT personalize.create_history('rf.h', 'rf.lines', 'order_id', 'product_id', happened => 'at');
SELECT personalize.create_cooccurrence('rf.m', 'rf.h', measure => 'cosine', neighbors => 4);

-- pairs by brute force, beside what the model has
CREATE VIEW rf.truth AS
SELECT a.product_id AS a, b.product_id AS b, count(DISTINCT a.order_id)::float8 AS n_ab
FROM rf.lines AS a JOIN rf.lines AS b USING (order_id) GROUP BY 1, 2;
CREATE VIEW rf.wrong AS
SELECT * FROM rf.truth WHERE personalize.pair_count('rf.m', a, b) <> n_ab;
-- without the time that it took, which its notice tells
CREATE PROCEDURE rf.refresh(what regclass DEFAULT 'rf.h', rebuild boolean DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	baskets bigint; pairs bigint; items bigint;
BEGIN
	SET LOCAL client_min_messages = warning;
	CALL personalize.refresh(what, rebuild);
	SET LOCAL client_min_messages = notice;
	SELECT h.last_baskets, coalesce(sum(m.last_pairs), 0), coalesce(sum(m.last_items), 0) INTO STRICT baskets, pairs, items
	FROM personalize.history AS h LEFT JOIN personalize.model AS m ON m.history_id = h.id
	WHERE h.relation = what OR h.id = (SELECT history_id FROM personalize.model WHERE relation = what) GROUP BY h.id;
	RAISE NOTICE 'baskets %, pairs %, items %', baskets, pairs, items;
END $$;

-- nothing has changed
CALL rf.refresh();

-- a line more, two less, a basket that is new, one that is gone
INSERT INTO rf.lines VALUES (1, 31);
CALL rf.refresh();
SELECT * FROM rf.m WHERE item = 31;
DELETE FROM rf.lines WHERE order_id = 1 AND product_id IN (31, 2);
INSERT INTO rf.orders VALUES (201);
INSERT INTO rf.lines VALUES (201, 4), (201, 5), (201, 4);
DELETE FROM rf.orders WHERE order_id = 2;
CALL rf.refresh('rf.m');
SELECT * FROM rf.m WHERE item = 31;
SELECT * FROM rf.wrong;
SELECT * FROM personalize.verify('rf.m');

-- changes that undo each other touch nothing
BEGIN;
DELETE FROM rf.lines WHERE order_id = 3 AND product_id = 4;
ROLLBACK;
UPDATE rf.lines SET product_id = product_id WHERE order_id = 3;
CALL rf.refresh();

-- a swap that leaves n of both items as it was
INSERT INTO rf.orders VALUES (301), (302);
INSERT INTO rf.lines VALUES (301, 1), (301, 2), (302, 3), (302, 4);
CALL rf.refresh();
UPDATE rf.lines SET product_id = CASE product_id WHEN 2 THEN 4 ELSE 2 END WHERE order_id IN (301, 302) AND product_id IN (2, 4);
CALL rf.refresh();
SELECT * FROM personalize.verify('rf.m');

-- rebuilt where much has changed, where it is asked for, and after TRUNCATE
UPDATE rf.lines SET product_id = product_id % 30 + 1 WHERE order_id % 2 = 0;
CALL rf.refresh();
SELECT * FROM personalize.verify('rf.m');
CALL rf.refresh(rebuild => true);
UPDATE rf.lines SET product_id = product_id % 30 + 1 WHERE order_id % 2 = 0;
CALL rf.refresh(rebuild => false);
SELECT * FROM personalize.verify('rf.m');
TRUNCATE rf.lines;
CALL rf.refresh(rebuild => false);
SELECT count(*) AS items FROM rf.m;
INSERT INTO rf.lines SELECT o, 1 + (o * l * l + o / 7) % 30, '2026-01-01 UTC'::timestamptz + o * interval '1 hour'
FROM rf.orders AS x (o), generate_series(1, 5) AS l;
CALL rf.refresh();
SELECT * FROM personalize.verify('rf.m');

-- erasure: not while there are rows
SELECT personalize.erase('rf.h', 7);
DELETE FROM rf.orders WHERE order_id = 7;
SELECT personalize.erase('rf.h', 7) AS pairs;
SELECT count(*) AS left_over FROM rf.h WHERE basket = 7;
SELECT count(*) AS pending FROM rf.h_log;
SELECT personalize.erase('rf.h', 7) AS pairs;
SELECT personalize.erase('rf.h', 7::smallint) AS pairs;
SELECT personalize.erase('rf.h', '8'::text);
SELECT personalize.erase('rf.m', 7);
SELECT * FROM personalize.verify('rf.m');

-- reading by item
SELECT * FROM personalize.neighbors('rf.m', 5);
SELECT count(*) AS items, count(*) FILTER (WHERE f.neighbors <> l.neighbors OR f.scores <> l.scores) AS wrong
FROM rf.m AS f, LATERAL (SELECT array_agg(n.neighbor::integer ORDER BY n.rank) AS neighbors, array_agg(n.score ORDER BY n.rank) AS scores
	FROM personalize.neighbors('rf.m', f.item) AS n) AS l;
SELECT neighbor, pg_typeof(neighbor), score FROM personalize.neighbors('rf.m', 5::bigint, k => 2, measure => 'lift', min_count => 3);
SELECT neighbor, pg_typeof(neighbor) FROM personalize.neighbors('rf.m', '5', k => 1);
SELECT count(*) FROM personalize.neighbors('rf.m', 12345);
SELECT count(*) FROM personalize.neighbors('rf.m', NULL::integer);
SELECT count(*) FROM personalize.neighbors('rf.m', 5, k => 2147483647);
SELECT personalize.pair_count('rf.m', 5, 5) = (SELECT n FROM rf.m WHERE item = 5) AS diagonal,
       personalize.pair_count('rf.m', 5, 4711) AS unknown, personalize.pair_count('rf.m', 5, 99999999999) AS too_large;
SELECT count(*) AS neighbors, bool_and(n.n_ab = t.n_ab) AS exact
FROM personalize.neighbors('rf.m', 5, k => 100, measure => 'count') AS n
JOIN rf.truth AS t ON t.a = 5 AND t.b = n.neighbor;
SELECT * FROM personalize.neighbors('rf.m', 5, k => 0);
SELECT * FROM personalize.neighbors('rf.m', 5, measure => 'cosinus');
SELECT * FROM personalize.neighbors('rf.m', 5, a => 0.5);
SELECT * FROM personalize.neighbors('rf.h', 5);
SELECT * FROM personalize.neighbors('rf.none', 5);
SELECT * FROM personalize.neighbors('rf.m', 'x'::text);
SET search_path = rf;
SELECT neighbor FROM personalize.neighbors('m', 5, k => 1);
RESET search_path;

-- what is no history, and who may not
CALL personalize.refresh('rf.lines');
CREATE ROLE regress_personalize_reader;
GRANT USAGE ON SCHEMA rf TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
CALL personalize.refresh('rf.h');
SELECT personalize.erase('rf.h', 7);
SELECT * FROM personalize.neighbors('rf.m', 5);
SELECT personalize.pair_count('rf.m', 5, 4);
-- owns nothing, so there is nothing to do
CALL personalize.refresh();
RESET ROLE;
GRANT SELECT ON rf.m TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
SELECT count(*) > 0 AS reads FROM personalize.neighbors('rf.m', 5);
SELECT personalize.pair_count('rf.m', 5, 4) > 0 AS reads;
RESET ROLE;
ALTER TABLE rf.m ENABLE ROW LEVEL SECURITY;
SET ROLE regress_personalize_reader;
SELECT count(*) FROM personalize.neighbors('rf.m', 5);
RESET ROLE;
ALTER TABLE rf.m DISABLE ROW LEVEL SECURITY;

-- everything: one that fails does not stop the others
CREATE TABLE rf.other (basket text, item text);
CREATE INDEX ON rf.other (basket);
INSERT INTO rf.other VALUES ('a', 'x'), ('a', 'y'), ('b', 'y');
SELECT personalize.create_history('rf.broken', 'rf.other', 'basket', 'item');
SELECT personalize.create_history('rf.fine', 'rf.other', 'basket', 'item');
SELECT personalize.create_cooccurrence('rf.fine_m', 'rf.fine', measure => 'count');
INSERT INTO rf.other VALUES ('b', 'x');
\set VERBOSITY terse
ALTER TABLE rf.broken DROP CONSTRAINT broken_pkey;
SET client_min_messages = warning;
CALL personalize.refresh();
RESET client_min_messages;
\set VERBOSITY default
SELECT * FROM rf.fine_m ORDER BY item;
SELECT count(*) AS pending FROM rf.broken_log;
SELECT count(*) AS pending FROM rf.fine_log;
ALTER TABLE rf.broken ADD PRIMARY KEY (basket);
BEGIN;
CALL rf.refresh('rf.broken');
SELECT count(*) AS pending FROM rf.broken_log;
ROLLBACK;
SELECT count(*) AS pending FROM rf.broken_log;

SET client_min_messages = warning;
DROP SCHEMA rf CASCADE;
DROP ROLE regress_personalize_reader;
