-- What widgets answer: mixes against plain SQL, own writes, paging, every argument, bad arguments, keys of all types.
SET client_min_messages = warning;
CREATE SCHEMA rc;
CREATE TABLE rc.products (id integer PRIMARY KEY, price numeric NOT NULL, category text, available boolean NOT NULL);
INSERT INTO rc.products SELECT i, 10 + i % 7, 'c' || i % 4, true FROM generate_series(1, 40) AS i;
CREATE TABLE rc.lines (order_id bigint, customer_id integer, product_id integer, at timestamptz NOT NULL);
CREATE INDEX ON rc.lines (order_id);
CREATE INDEX ON rc.lines (customer_id);
INSERT INTO rc.lines
SELECT o, 1 + o % 30, 1 + (o * l * l + o / 7 + l * (o % 5)) % 38, '2026-01-01 UTC'::timestamptz + o * interval '7 hours'
FROM generate_series(1, 300) AS o, generate_series(1, 4) AS l;
SELECT personalize.create_catalog('rc.catalog', 'rc.products', 'id', available => 'available', price => 'price', category => 'category');
SELECT personalize.create_history('rc.orders', 'rc.lines', 'order_id', 'product_id', happened => 'at', catalog => 'rc.catalog');
SELECT personalize.create_history('rc.customers', 'rc.lines', 'customer_id', 'product_id', happened => 'at', catalog => 'rc.catalog');
SELECT personalize.create_cooccurrence('rc.together', 'rc.orders', measure => 'cosine', neighbors => 4);
SELECT personalize.create_cooccurrence('rc.also', 'rc.customers', neighbors => 5);
SELECT personalize.create_cooccurrence('rc.next', 'rc.customers', sequence => true, neighbors => 3);
SELECT personalize.create_cooccurrence('rc.ridge', 'rc.orders', measure => 'ridge', neighbors => 12, ridge_size => 20);
SELECT personalize.create_widget('rc.one', '{"rc.together": 1}', filter => 'available', histories => '{"bought": "rc.customers"}');
SELECT personalize.create_widget('rc.two', '{"rc.together": 0.6, "rc.also": 0.4}', histories => '{"bought": "rc.customers"}', filter => 'available');
SELECT personalize.create_widget('rc.ranks', '{"rc.together": 1, "rc.also": 2, "rc.next": 0.5}', histories => '{"bought": "rc.customers"}', mix => 'rrf');
SELECT personalize.create_widget('rc.weights', '{"rc.ridge": 1}', histories => '{"bought": "rc.customers"}');
RESET client_min_messages;

-- The same in SQL: scores of the seeds' neighbors added up by source, then mixed; both in the order that the page says, so to the last bit.
CREATE FUNCTION rc.offers(source regclass, seeds anyarray) RETURNS TABLE (item text, score double precision) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT u.n::text, sum(u.s ORDER BY place) FROM unnest($1) WITH ORDINALITY AS seed(key, place) JOIN %s AS m ON m.item = seed.key,
								unnest(m.neighbors, m.scores) AS u(n, s) GROUP BY u.n HAVING sum(u.s ORDER BY place) > 0', source)
		USING seeds;
END $$;
CREATE FUNCTION rc.mixed(mix text, sources regclass[], weights double precision[], seeds anyarray) RETURNS TABLE (item text, score double precision)
LANGUAGE sql STABLE AS $$
	WITH offer AS (
		SELECT s.place, s.weight, o.item, o.score / max(o.score) OVER (PARTITION BY s.place) AS share,
			   row_number() OVER (PARTITION BY s.place ORDER BY o.score DESC, length(o.item), o.item COLLATE "C") AS rank
		  FROM unnest(sources, weights) WITH ORDINALITY AS s(source, weight, place), rc.offers(s.source, seeds) AS o)
	SELECT o.item, sum(CASE mix WHEN 'sum' THEN o.weight * o.share ELSE o.weight / (60 + o.rank) END ORDER BY o.place) FROM offer AS o GROUP BY o.item
$$;
CREATE FUNCTION rc.items_of(customer integer) RETURNS integer[] LANGUAGE sql STABLE AS
	'SELECT array_agg(product_id ORDER BY at DESC, product_id DESC) FROM (SELECT product_id, max(at) AS at FROM rc.lines WHERE customer_id = customer GROUP BY 1 ORDER BY 2 DESC, 1 DESC LIMIT 50) AS l';
-- What is in one and not in the other, or elsewhere than (score desc, item asc) says; `without` is what the widget was told to leave out.
CREATE FUNCTION rc.differences(items text[], scores double precision[], mix text, sources regclass[], weights double precision[], seeds anyarray, without text[] DEFAULT '{}')
RETURNS bigint LANGUAGE sql STABLE AS $$
	WITH given AS (SELECT * FROM unnest(items, scores) WITH ORDINALITY AS g(item, score, rank) WHERE score > 0),
	expected AS (SELECT * FROM rc.mixed(mix, sources, weights, seeds) AS m WHERE item <> ALL (without))
	SELECT (SELECT count(*) FROM given AS g FULL JOIN expected AS e USING (item) WHERE g.score IS DISTINCT FROM e.score)
		 + (SELECT count(*) FROM (SELECT rank, row_number() OVER (ORDER BY score DESC, length(item), item COLLATE "C") AS place FROM given) AS o WHERE rank <> place)
$$;
SELECT item, rank, round(score::numeric, 6) AS score, source, because, reason, propensity FROM rc.two(customer => 7, k => 4);
SELECT item, rank, round(score::numeric, 6) AS score, source, because, reason FROM rc.one(item => 7, k => 4);

-- every customer, by four widgets, whose sources stand as jsonb orders them; numbers of candidates, so that nothing is not compared with nothing
SELECT w, count(*) AS customers, sum(n) AS candidates, sum(differences) AS differences
  FROM generate_series(1, 30) AS c,
	   LATERAL (SELECT 'one' AS w, count(*) FILTER (WHERE score > 0) AS n,
					   rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.together}', '{1}', rc.items_of(c)) FROM rc.one(c, k => 1000)
				UNION ALL
				SELECT 'two', count(*) FILTER (WHERE score > 0),
					   rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.together, rc.also}', '{0.6, 0.4}', rc.items_of(c)) FROM rc.two(c, k => 1000)
				UNION ALL
				SELECT 'ranks', count(*) FILTER (WHERE score > 0),
					   rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'rrf', '{rc.also, rc.next, rc.together}', '{2, 0.5, 1}', rc.items_of(c)) FROM rc.ranks(c, k => 1000)
				UNION ALL
				SELECT 'weights', count(*) FILTER (WHERE score > 0),
					   rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.ridge}', '{1}', rc.items_of(c)) FROM rc.weights(c, k => 1000)) AS x(w, n, differences)
 GROUP BY w ORDER BY w;

-- from the item, the cart, the session: the first of them that is given, the latest of a list first
SELECT rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.together, rc.also}', '{0.6, 0.4}', '{5}'::integer[], '{5}') AS item
  FROM rc.two(customer => 3, item => 5, cart => '{8}', session => '{9}', exclude => '{}', k => 1000) WHERE item <> 8;
SELECT rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.together, rc.also}', '{0.6, 0.4}', '{9,8,6}'::integer[], '{6,8,9}') AS cart
  FROM rc.two(customer => 3, cart => '{6,8,NULL,9,8}', session => '{9}', k => 1000);
SELECT rc.differences(array_agg(item::text ORDER BY rank), array_agg(score ORDER BY rank), 'sum', '{rc.together, rc.also}', '{0.6, 0.4}', '{9,8,6}'::integer[]) AS session
  FROM rc.two(session => '{8,6,8,9}', k => 1000);

-- the item asked about, the cart and what is to be left out are not in the list; among: nothing but these, and all of them
SELECT count(*), count(*) FILTER (WHERE item IN (5, 6, 7)) AS refused FROM rc.two(item => 5, cart => '{6}', exclude => '{7}', k => 1000);
SELECT array_agg(item ORDER BY rank) AS among, count(*) FILTER (WHERE score > 0) AS scored FROM rc.two(3, among => '{40,2,9,39,2,NULL,1000}', k => 1000);
SELECT count(*) AS among_nothing FROM rc.two(3, among => '{}');
SELECT DISTINCT p.category FROM rc.two(3, category => 'c2', k => 1000) AS r JOIN rc.products AS p ON p.id = r.item;

-- a page is a part of one list, however long that is asked for
SELECT k, "offset", array_agg(p.item ORDER BY p.rank) = (SELECT array_agg(l.item ORDER BY l.rank) FROM rc.two(3, k => 1000) AS l WHERE l.rank > "offset" AND l.rank <= "offset" + k) AS same,
	   min(p.rank) = "offset" + 1 AS rank
  FROM (VALUES (1, 0), (5, 0), (5, 5), (7, 3), (30, 9), (12, 24)) AS v(k, "offset"), rc.two(3, k => k, "offset" => "offset") AS p
 GROUP BY k, "offset" ORDER BY k, "offset";
SELECT array_agg(item ORDER BY rank) = (SELECT array_agg(item ORDER BY rank) FROM rc.two(3, k => 5, "offset" => 10)) AS third_page FROM rc.two(3, k => 5, page => 3);
SELECT count(*) AS behind_the_end FROM rc.two(3, k => 5, "offset" => 1000);
SELECT count(*) AS as_the_widget_says FROM rc.two(3);

-- A code that is taken back is another item's afterwards, and this session has seen both.
SET client_min_messages = warning;
INSERT INTO rc.products SELECT i, 1, 'new', true FROM generate_series(41, 42) AS i;
SELECT personalize.create_widget('rc.unseen', '{"rc.together": 1}', histories => '{"bought": "rc.customers"}', exclude => '{bought}') IS NOT NULL AS created;
BEGIN;
INSERT INTO rc.lines VALUES (950, 97, 41, '2026-06-01');
CALL personalize.refresh('rc.customers');
SELECT array_agg(item ORDER BY item) AS not_bought FROM rc.unseen(97, among => '{41,42}');
ROLLBACK;
INSERT INTO rc.lines VALUES (951, 97, 42, '2026-06-01');
CALL personalize.refresh('rc.customers');
SELECT array_agg(item ORDER BY item) AS not_bought FROM rc.unseen(97, among => '{41,42}');
DELETE FROM rc.lines WHERE order_id = 951;
CALL personalize.refresh('rc.customers');
DELETE FROM rc.products WHERE id > 40;
RESET client_min_messages;

-- What the shop's tables say is what the history says: for customers that the log names, past a long log, and where everything may have changed.
CREATE VIEW rc.lists AS SELECT c, r.* FROM generate_series(1, 30) AS c, rc.two(c, k => 1000) AS r;
CREATE TABLE rc.before AS TABLE rc.lists;
CREATE VIEW rc.changed AS (TABLE rc.before EXCEPT TABLE rc.lists) UNION ALL (TABLE rc.lists EXCEPT TABLE rc.before);
UPDATE rc.lines SET at = at WHERE customer_id < 20;
SELECT count(*) AS named FROM rc.changed;
BEGIN;
INSERT INTO rc.lines SELECT 10000 + i, 10000 + i, 1 + i % 38, '2026-06-01' FROM generate_series(1, 3000) AS i;
SELECT count(*) AS long_log FROM rc.changed;
ROLLBACK;
BEGIN;
CREATE TEMP TABLE copy AS TABLE rc.lines;
TRUNCATE rc.lines;
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.lists;
INSERT INTO rc.lines TABLE copy;
SELECT count(*) AS everything FROM rc.changed;
ROLLBACK;

-- What this transaction has done counts, and is rolled back with it.
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.one(99);
BEGIN;
INSERT INTO rc.lines VALUES (900, 99, 7, '2026-06-01');
SELECT item, because FROM rc.one(99, k => 2) ORDER BY rank;
SAVEPOINT one_more;
INSERT INTO rc.lines VALUES (901, 99, 9, '2026-06-02');
SELECT item, because FROM rc.one(99, k => 2) ORDER BY rank;
ROLLBACK TO one_more;
SELECT item, because FROM rc.one(99, k => 2) ORDER BY rank;
DELETE FROM rc.lines WHERE customer_id = 3;
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.one(3);
ROLLBACK;
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.one(99);
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.one(3);
-- A sold-out item is gone in the same transaction, and back after it.
SELECT item FROM rc.two(3, k => 1) \gset sold_
BEGIN;
UPDATE rc.products SET available = false WHERE id = :sold_item;
SELECT count(*) AS sold_out FROM rc.two(3, k => 1000) WHERE item = :sold_item;
ROLLBACK;
SELECT rank FROM rc.two(3, k => 1000) WHERE item = :sold_item;

-- nobody known, nothing known
SELECT count(*) FILTER (WHERE score > 0) AS scored, count(*) AS all FROM rc.two();
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.two(customer => -1);
SELECT count(*) FILTER (WHERE score > 0) AS scored FROM rc.two(item => 123456);

-- as_of: with `recency` what is older counts less, the half every 10 days of UTC; a customer's items of the future count as those of the day
SET client_min_messages = warning;
SELECT personalize.create_widget('rc.recent', '{"rc.together": {"weight": 1, "recency": 10}}', histories => '{"bought": "rc.customers"}');
RESET client_min_messages;
WITH moment AS (SELECT * FROM (VALUES ('2026-02-01 23:59:59+00'::timestamptz), ('2026-04-01 00:00:00+00'), ('2030-01-01 12:00:00+00')) AS v(as_of)),
offer AS (
	SELECT m.as_of, c, u.n AS item, sum(u.s * power(2::float8, -greatest((m.as_of AT TIME ZONE 'UTC')::date - l.day, 0) / 10::float8)) AS score
	  FROM moment AS m, generate_series(1, 30) AS c,
		   LATERAL (SELECT product_id, max((at AT TIME ZONE 'UTC')::date) AS day FROM rc.lines WHERE customer_id = c GROUP BY 1) AS l
	  JOIN rc.together AS t ON t.item = l.product_id, unnest(t.neighbors, t.scores) AS u(n, s)
	 GROUP BY 1, 2, 3),
expected AS (SELECT as_of, c, item, score / max(score) OVER (PARTITION BY as_of, c) AS score FROM offer)
SELECT to_char(m.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS as_of, count(*) AS candidates, count(*) FILTER (WHERE e.score IS NULL OR r.score IS NULL OR abs(e.score - r.score) > 1e-12) AS differing
  FROM moment AS m CROSS JOIN generate_series(1, 30) AS c CROSS JOIN LATERAL (SELECT * FROM rc.recent(c, as_of => m.as_of, k => 1000) AS r WHERE score > 0) AS r
  FULL JOIN expected AS e ON e.as_of = m.as_of AND e.c = c.c AND e.item = r.item
 GROUP BY m.as_of ORDER BY m.as_of;

-- seed: the same gives the same, another one another order of the same
SELECT personalize.alter_widget('rc.recent', shuffle => 10) IS NOT NULL AS altered;
SELECT count(DISTINCT l) AS orders, count(DISTINCT s) AS sets
  FROM generate_series(1, 20) AS seed, LATERAL (SELECT array_agg(item ORDER BY rank) AS l, array_agg(item ORDER BY item) AS s FROM rc.recent(3, k => 10, seed => seed % 5)) AS r;
-- a query and a segment go to those sources that know what to do with them
SELECT count(*) AS differing FROM (SELECT item, rank, score FROM rc.one(3) EXCEPT SELECT item, rank, score FROM rc.one(3, query => 'red shoes', segment => '{GB,NULL}')) AS d;

-- bad arguments
SELECT * FROM rc.two(3, k => 0);
SELECT * FROM rc.two(3, k => -1);
SELECT * FROM rc.two(3, k => 1001);
SELECT * FROM rc.two(3, k => 5, "offset" => -1);
SELECT * FROM rc.two(3, k => 5, "offset" => 100001);
SELECT * FROM rc.two(3, k => 5, page => 0);
SELECT * FROM rc.two(3, k => 1000, page => 2000000000);
SELECT * FROM rc.two(3, k => 5, page => 2, "offset" => 5);
SELECT * FROM rc.two(3, as_of => 'infinity');
SELECT * FROM rc.two('three');
SELECT count(*) AS null_is_not_given FROM rc.two(NULL, k => NULL, "offset" => NULL, page => NULL, seed => NULL, as_of => NULL);
\set row 'AS r(item integer, rank integer, score double precision, source text, because integer, reason text, propensity double precision)'
SELECT id AS two FROM personalize.widget WHERE name = 'two' \gset
SELECT count(*) FROM personalize.recommend(:two, 3, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT count(*) FROM personalize.recommend(:two, 3::bigint, 5::smallint, '{6}', NULL, ARRAY[7::bigint], 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT count(*) FROM personalize.recommend(:two, 30000000000, 50000000000, NULL, NULL, ARRAY[70000000000], 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(NULL, 3, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(-1, 3, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 'three'::text, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 3, 1.5, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 3, NULL, 6, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 3, NULL, ARRAY['6'], NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 3, NULL, '{six}', NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) :row;
SELECT * FROM personalize.recommend(:two, 3, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS r(item integer);
SELECT * FROM personalize.recommend(:two, 3, NULL, NULL, NULL, NULL, 5, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
	AS r(item text, rank integer, score double precision, source text, because integer, reason text, propensity double precision);
\set SHOW_CONTEXT never
SELECT count(*) FROM rc.two(3, cart => (SELECT array_agg(i) FROM generate_series(1, 100001) AS i));

-- a plan outlives an error and a rolled back change, and sees what others change
BEGIN;
SAVEPOINT a;
SELECT personalize.alter_widget('rc.two', sources => '{"rc.next": 1}') IS NOT NULL AS altered;
SELECT DISTINCT source FROM rc.two(3, k => 8) WHERE score > 0;
ROLLBACK TO a;
SELECT DISTINCT source FROM rc.two(3, k => 8) WHERE score > 0 ORDER BY 1;
SELECT 1 / 0 FROM rc.two(3);
ROLLBACK;
SELECT DISTINCT source FROM rc.two(3, k => 8) WHERE score > 0 ORDER BY 1;
SELECT personalize.alter_widget('rc.two', sources => '{"rc.next": 1}') IS NOT NULL AS altered;
SELECT DISTINCT source FROM rc.two(3, k => 8) WHERE score > 0;

-- the planner sees through the function
EXPLAIN (COSTS OFF) SELECT * FROM rc.one(3);

-- rights: a role needs the function, the models, the history and the products
CREATE ROLE regress_rc_reader;
GRANT USAGE ON SCHEMA rc TO regress_rc_reader;
SET ROLE regress_rc_reader;
SELECT count(*) FROM rc.one(3);
RESET ROLE;
GRANT SELECT ON rc.together TO regress_rc_reader;
SET ROLE regress_rc_reader;
SELECT count(*) FROM rc.one(3);
RESET ROLE;
GRANT SELECT ON rc.customers, rc.products TO regress_rc_reader;
SET ROLE regress_rc_reader;
SELECT count(*) FROM rc.one(3);
RESET ROLE;
-- also where this transaction's own rows are read, which the role itself may not
SET client_min_messages = warning;
GRANT INSERT ON rc.lines TO regress_rc_reader;
BEGIN;
SET LOCAL ROLE regress_rc_reader;
INSERT INTO rc.lines VALUES (904, 98, 7, '2026-06-01');
SELECT count(*) FILTER (WHERE score > 0) > 0 AS scored FROM rc.one(98);
ROLLBACK;
ALTER TABLE rc.customers ENABLE ROW LEVEL SECURITY;
SET ROLE regress_rc_reader;
SELECT count(*) FROM rc.one(3);
RESET ROLE;
ALTER TABLE rc.customers DISABLE ROW LEVEL SECURITY;

DROP OWNED BY regress_rc_reader;
DROP ROLE regress_rc_reader;

-- Keys of all types: the same shop in each, the same list under other names.
CREATE DOMAIN rc.sku AS text CHECK (value <> '');
CREATE PROCEDURE rc.as_type(type text, key text) LANGUAGE plpgsql AS $$
DECLARE
	differing bigint;
	scored bigint;
BEGIN
	SET LOCAL client_min_messages = warning;
	EXECUTE format('CREATE TABLE rc.typed AS SELECT order_id, (%s)::%s AS customer, (%s)::%s AS item, at FROM rc.lines',
				   replace(key, '$', 'customer_id'), type, replace(key, '$', 'product_id'), type);
	CREATE INDEX ON rc.typed (order_id);
	CREATE INDEX ON rc.typed (customer);
	PERFORM personalize.create_history('rc.typed_orders', 'rc.typed', 'order_id', 'item', happened => 'at');
	PERFORM personalize.create_history('rc.typed_customers', 'rc.typed', 'customer', 'item', happened => 'at',
		catalog => (SELECT c.relation FROM personalize.catalog AS c JOIN personalize.history AS h ON h.catalog_id = c.id WHERE h.relation = 'rc.typed_orders'::regclass));
	PERFORM personalize.create_cooccurrence('rc.typed_together', 'rc.typed_orders', measure => 'cosine', neighbors => 6);
	PERFORM personalize.create_widget('rc.typed_widget', '{"rc.typed_together": 1}', histories => '{"bought": "rc.typed_customers"}');
	-- every other customer is in the log then
	UPDATE rc.typed SET at = at WHERE order_id % 2 = 0;
	EXECUTE format('WITH typed AS (SELECT c, r.item::text, r.because::text, r.score FROM generate_series(1, 30) AS c, rc.typed_widget((%1$s)::%2$s, k => 1000) AS r WHERE score > 0),
		plain AS (SELECT c, m.item, m.score FROM generate_series(1, 30) AS c, rc.mixed(''sum'', ''{rc.typed_together}'', ''{1}'',
			ARRAY(SELECT ((%3$s)::%2$s)::%4$s FROM unnest(rc.items_of(c)) AS i)) AS m)
		SELECT count(*) FILTER (WHERE t.item IS NULL OR p.item IS NULL OR abs(t.score - p.score) > 1e-9), count(t.because) FROM typed AS t FULL JOIN plain AS p USING (c, item)',
		replace(key, '$', 'c'), type, replace(key, '$', 'i'), CASE WHEN type IN ('rc.sku', 'character varying') THEN 'text' ELSE type END) INTO differing, scored;
	RAISE WARNING '%: differing %, scored %, arguments %', type, differing, scored,
		(SELECT left(pg_get_function_arguments(function::oid), 40) FROM personalize.widgets WHERE function::text LIKE 'rc.typed\_widget(%');
	PERFORM personalize.drop_widget('rc.typed_widget');
	PERFORM personalize.drop_history('rc.typed_orders', cascade => true);
	PERFORM personalize.drop_history('rc.typed_customers', cascade => true);
	DROP TABLE rc.typed;
END $$;
CALL rc.as_type('smallint', '$');
CALL rc.as_type('integer', '$');
CALL rc.as_type('bigint', '$ + 10000000000');
CALL rc.as_type('uuid', 'md5(($)::text)');
CALL rc.as_type('text', '''item '' || $');
CALL rc.as_type('character varying', '''item '' || $');
CALL rc.as_type('rc.sku', '''item '' || $');

DROP SCHEMA rc CASCADE;

-- A customer's text in a row has a short header, and must outlast whatever is done with it: asked about twice, with the log naming all.
SET client_min_messages = warning;
CREATE SCHEMA rd;
CREATE TABLE rd.lines (customer text, product text, at timestamptz NOT NULL);
INSERT INTO rd.lines SELECT 'c' || i % 5, 'p' || i % 11, '2026-01-01 UTC'::timestamptz + i * interval '7 hours' FROM generate_series(1, 90) AS i;
CREATE INDEX ON rd.lines (customer);
CREATE TABLE rd.people (id text PRIMARY KEY, country text);
INSERT INTO rd.people SELECT 'c' || i, 'country ' || i % 2 FROM generate_series(0, 4) AS i;
SELECT personalize.create_catalog('rd.catalog', item_type => 'text');
SELECT personalize.create_history('rd.customers', 'rd.lines', 'customer', 'product', happened => 'at', catalog => 'rd.catalog');
SELECT personalize.create_popularity('rd.popular', 'rd.customers', segments => 'rd.people', key => 'id', by => '{country}');
SELECT personalize.create_cooccurrence('rd.together', 'rd.customers', neighbors => 4);
SELECT personalize.create_widget('rd.w', '{"buy_again": 1, "recently_viewed": 1, "rd.popular": 1}', exclude => '{cart}', histories => '{"bought": "rd.customers"}');
SELECT personalize.create_widget('rd.rest', '{"rd.together": 1}', histories => '{"bought": "rd.customers"}');
INSERT INTO rd.lines SELECT id, 'p1', '2026-03-01 UTC' FROM rd.people;
RESET client_min_messages;
SELECT p.id, array_agg(r.item ORDER BY rank) = (SELECT array_agg(o.item ORDER BY o.rank) FROM rd.w(customer => 'c' || substr(p.id, 2), as_of => '2026-03-02 UTC') AS o) AS same,
	bool_or(r.reason = 'popular in ' || p.country) AS by_segment
FROM rd.people AS p, rd.w(customer => p.id, as_of => '2026-03-02 UTC') AS r GROUP BY p.id ORDER BY p.id;

-- Tables that their owner has changed: an error, whatever is read of them first.
SET client_min_messages = warning;
CALL personalize.refresh('rd.customers');
RESET client_min_messages;
CREATE FUNCTION rd.try(change text) RETURNS TABLE (call text, error text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH call IN ARRAY ARRAY['rd.w(customer => ''c1'')', 'rd.rest(customer => ''c1'')', 'rd.rest(item => ''p0'', k => 50)', 'personalize.status']
	LOOP
		BEGIN
			EXECUTE change;
			EXECUTE format('SELECT FROM %s', call);
			error := 'none';
			RAISE SQLSTATE 'UNDO0';
		EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
			RETURN NEXT;
		WHEN others THEN
			error := SQLERRM;
			RETURN NEXT;
		END;
	END LOOP;
END $$;
SELECT * FROM rd.try('ALTER TABLE rd.catalog DROP COLUMN item CASCADE');
SELECT * FROM rd.try('ALTER TABLE rd.catalog ALTER COLUMN item TYPE integer USING code');
SELECT * FROM rd.try('ALTER TABLE rd.catalog ALTER COLUMN code TYPE text');
SELECT * FROM rd.try('ALTER TABLE rd.catalog ALTER COLUMN code DROP NOT NULL; UPDATE rd.catalog SET code = NULL');
SELECT * FROM rd.try('ALTER TABLE rd.catalog DROP CONSTRAINT catalog_pkey');
SELECT * FROM rd.try('ALTER TABLE rd.customers_log ALTER COLUMN basket TYPE integer USING 1');
SELECT * FROM rd.try('INSERT INTO rd.customers_log VALUES (NULL, ''x''); ALTER TABLE rd.customers_log ALTER COLUMN reason TYPE integer USING 1');
SELECT * FROM rd.try('ALTER TABLE rd.customers DROP COLUMN items');
SELECT * FROM rd.try('UPDATE rd.customers SET items = ''\xffffffff''');
SELECT * FROM rd.try('UPDATE rd.together SET scores = array[1, NULL]');
SELECT * FROM rd.try('UPDATE rd.popular SET scores = ''{{1,2},{3,4}}''');

-- Sources that cannot be opened leave no memory behind, however often they are asked.
CREATE FUNCTION rd.picks() RETURNS SETOF text LANGUAGE sql STABLE PARALLEL SAFE AS $$ VALUES ('p1') $$;
SELECT personalize.create_widget('rd.picked', '{"function": {"function": "rd.picks"}}', catalog => 'rd.catalog') IS NOT NULL AS created;
DROP FUNCTION rd.picks;
DO $$
DECLARE
	used text := 'SELECT sum(used_bytes) FROM pg_catalog.pg_backend_memory_contexts WHERE name = ''personalize widget''';
	before bigint;
	after bigint;
BEGIN
	IF to_regclass('pg_catalog.pg_backend_memory_contexts') IS NULL THEN
		RETURN;
	END IF;
	EXECUTE used INTO before;
	FOR i IN 1 .. 2000 LOOP
		BEGIN
			PERFORM FROM rd.picked();
			RAISE EXCEPTION 'it was opened';
		EXCEPTION WHEN undefined_function THEN
			NULL;
		END;
	END LOOP;
	EXECUTE used INTO after;
	IF after > before + 300000 THEN
		RAISE EXCEPTION 'from % to % bytes', before, after;
	END IF;
END $$;

SET client_min_messages = warning;
DROP SCHEMA rd CASCADE;
RESET client_min_messages;
