-- Pages: several widgets, with no item twice. A small shop of which everything can be seen.
CREATE SCHEMA page_shop;
CREATE TABLE page_shop.products (id integer PRIMARY KEY, available boolean NOT NULL, price numeric NOT NULL, category text NOT NULL);
INSERT INTO page_shop.products SELECT i, i % 7 <> 0, 10 + i, 'c' || i % 4 FROM generate_series(1, 30) AS i;
CREATE TABLE page_shop.bought (customer bigint, product integer, at timestamptz);
CREATE INDEX ON page_shop.bought (customer);
INSERT INTO page_shop.bought SELECT c, 1 + (c * 7 + i * i * 3) % 30, timestamptz '2026-01-01 00:00+00' + c * interval '1 hour' + i * interval '1 min' FROM generate_series(1, 40) AS c, generate_series(1, 5) AS i;
SELECT personalize.create_catalog('page_shop.items', products => 'page_shop.products', item => 'id', available => 'available', price => 'price', category => 'category');
SELECT personalize.create_history('page_shop.h', 'page_shop.bought', 'customer', 'product', happened => 'at', catalog => 'page_shop.items');
SELECT personalize.create_cooccurrence('page_shop.m', history => 'page_shop.h', measure => 'cosine', neighbors => 8);
\set QUIET on
SELECT personalize.create_widget('page_shop.a', sources => '{"page_shop.m": 1}', filter => 'available', exclude => '{bought}', histories => '{"bought": "page_shop.h"}', k => 4) \g /dev/null
SELECT personalize.create_widget('page_shop.b', sources => '{"page_shop.m": 1}', filter => 'available', histories => '{"bought": "page_shop.h"}', k => 5) \g /dev/null
SELECT personalize.create_widget('page_shop.c', sources => '{"page_shop.m": 1}', filter => 'price < 25', histories => '{"bought": "page_shop.h"}', k => 3) \g /dev/null
\set QUIET off

-- The first shelf is the widget's own list; those behind it go on where they would have shown the same.
SELECT widget, string_agg(item, ' ' ORDER BY place) FROM personalize.page('{page_shop.a, page_shop.b, page_shop.c}', 7) WITH ORDINALITY AS p(widget, rank, item, score, source, because, reason, propensity, place)
 GROUP BY widget ORDER BY min(place);
SELECT 'a' AS widget, string_agg(item::text, ' ' ORDER BY rank) FROM page_shop.a(7)
UNION ALL SELECT 'b', string_agg(item::text, ' ' ORDER BY rank) FROM page_shop.b(7, k => 20)
UNION ALL SELECT 'c', string_agg(item::text, ' ' ORDER BY rank) FROM page_shop.c(7, k => 20)
 ORDER BY widget;
SELECT * FROM personalize.page('{page_shop.a}', 7, k => 2);

-- For all customers: nothing twice, as many as there are, ranks without gaps, each shelf the list of its widget without what is above it.
CREATE FUNCTION pg_temp.expected(widgets text[], customer bigint, k integer) RETURNS TABLE (widget text, item integer) LANGUAGE plpgsql AS $$
DECLARE
	shown integer[] := '{}';
BEGIN
	FOREACH widget IN ARRAY widgets LOOP
		FOR item IN EXECUTE format('SELECT item FROM %s(%s, k => 100) WHERE item <> ALL (%L::integer[]) ORDER BY rank LIMIT %s', widget, customer, shown, k) LOOP
			shown := shown || item;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END $$;
WITH p AS (
	SELECT c, widget, item, rank, row_number() OVER (PARTITION BY c, widget ORDER BY place) AS expected_rank
	  FROM generate_series(1, 41) AS c, personalize.page('{page_shop.c, page_shop.a, page_shop.b}', c, k => 6) WITH ORDINALITY AS p(widget, rank, item, score, source, because, reason, propensity, place)
), e AS (
	SELECT c, e.widget, e.item::text, row_number() OVER (PARTITION BY c, e.widget ORDER BY place) AS rank
	  FROM generate_series(1, 41) AS c, pg_temp.expected('{page_shop.c, page_shop.a, page_shop.b}', c, 6) WITH ORDINALITY AS e(widget, item, place)
)
SELECT (SELECT count(*) FROM p) AS rows, (SELECT count(*) FROM p WHERE rank <> expected_rank) AS ranks, (SELECT count(*) - count(DISTINCT (c, item)) FROM p) AS twice,
	(SELECT count(*) FROM (SELECT c, widget, item, rank FROM p EXCEPT SELECT * FROM e) AS x) AS wrong, (SELECT count(*) FROM (SELECT * FROM e EXCEPT SELECT c, widget, item, rank FROM p) AS x) AS missing;

-- A widget may come again, and goes on; k is each one's own where none is given; exclude, cart, item hold for all.
SELECT widget, count(*), count(DISTINCT item) FROM personalize.page('{page_shop.a, page_shop.a, page_shop.c}', 7) GROUP BY widget ORDER BY widget;
SELECT count(*) FROM personalize.page('{page_shop.a, page_shop.b}', 7, exclude => '{1,2,3,4,5}'::bigint[], k => 30) WHERE item::integer <= 5;
SELECT count(*) FROM personalize.page('{page_shop.a, page_shop.b}', 7, exclude => '{1,2,3,NULL}', cart => ARRAY[4, 5], item => 6, k => 30) WHERE item::integer <= 6;
SELECT count(*) > 0 AS nobody FROM personalize.page('{page_shop.a}');
SELECT (SELECT array_agg(p::text) FROM personalize.page('{page_shop.a, page_shop.b}', 7) AS p) = (SELECT array_agg(p::text) FROM personalize.page('{page_shop.a, page_shop.b}', 7) AS p) AS stable;

-- As a function of the shop's own
SELECT personalize.create_page('page_shop.home', widgets => '["page_shop.a", {"widget": "page_shop.b", "title": "It''s \"more\"", "k": 2}]');
SELECT shelf, rank, item, because, reason FROM page_shop.home(customer => 7);
SELECT pg_typeof(item), pg_typeof(because), pg_typeof(shelf), pg_typeof(score) FROM page_shop.home(7) LIMIT 1;
SELECT count(*) FILTER (WHERE p.item::text IS DISTINCT FROM n.item OR p.score <> n.score) AS differ, count(*)
  FROM page_shop.home(7, k => 5) WITH ORDINALITY AS p(shelf, rank, item, score, source, because, reason, propensity, place)
  FULL JOIN personalize.page('{page_shop.a, page_shop.b}', 7, k => 5) WITH ORDINALITY AS n(widget, rank, item, score, source, because, reason, propensity, place) USING (place);
-- set-returning in every place, more than once in a query
SELECT c, count(h.item), (SELECT count(*) FROM page_shop.home(c, k => 2)) AS two FROM generate_series(7, 9) AS c, page_shop.home(c) AS h GROUP BY c ORDER BY c;
SELECT provolatile, proparallel, prosecdef, proconfig, pg_get_function_result(oid) FROM pg_proc WHERE oid = 'page_shop.home'::regproc;
SELECT pg_get_function_arguments('page_shop.home'::regproc);
DO $$
DECLARE
	line text;
BEGIN
	FOR line IN EXPLAIN (VERBOSE, COSTS OFF) SELECT item FROM page_shop.home(7) LOOP
		RAISE NOTICE '%', regexp_replace(line, '\{\d+,\d+\}', '{IDS}');
	END LOOP;
END $$;
-- Widgets are known by their ids, and are not dropped under a page.
ALTER FUNCTION page_shop.b RENAME TO bb;
SELECT count(*) FROM page_shop.home(7);
SELECT personalize.drop_widget('page_shop.a');
DROP FUNCTION page_shop.home;
ALTER FUNCTION page_shop.bb RENAME TO b;

-- What is wrong
SELECT personalize.page(NULL, 7);
SELECT personalize.page('{}', 7);
SELECT personalize.page('{NULL}', 7);
SELECT personalize.page('{page_shop.nothing}', 7);
SELECT personalize.page('{pg_catalog.now}', 7);
SELECT personalize.page('{page_shop.a}', 7, k => 0);
SELECT personalize.page('{page_shop.a}', 7, k => 1001);
SELECT personalize.page('{page_shop.a}', 7, exclude => 3);
SELECT personalize.page('{page_shop.a}', 7, exclude => '{a,b}'::text[]);
SELECT personalize.page('{page_shop.a}', 7, exclude => '{a,b}');
SELECT personalize.page('{page_shop.a}', 'Bob'::text);
SELECT personalize.page('{page_shop.a}', item => 'x'::text);
SELECT personalize.page(array_fill('page_shop.a'::text, '{101}'), 7);
SELECT personalize.page(ARRAY[['page_shop.a'], ['page_shop.b']], 7) LIMIT 0;
SELECT personalize.create_page(NULL, '[]');
SELECT personalize.create_page('page_shop.p', NULL);
SELECT personalize.create_page('page_shop.p', '[]');
SELECT personalize.create_page('page_shop.p', '{"page_shop.a": 1}');
SELECT personalize.create_page('page_shop.p', '"page_shop.a"');
SELECT personalize.create_page('page_shop.p', '[1]');
SELECT personalize.create_page('page_shop.p', '[{"title": "x"}]');
SELECT personalize.create_page('page_shop.p', '[{"widget": "page_shop.a", "k": "x"}]');
SELECT personalize.create_page('page_shop.p', '[{"widget": "page_shop.a", "k": 0}]');
SELECT personalize.create_page('page_shop.p', '[{"widget": "page_shop.a", "size": 3}]');
SELECT personalize.create_page('page_shop.p', '[{"widget": ["page_shop.a"]}]');
SELECT personalize.create_page('page_shop.p', '["page_shop.nothing"]');
SELECT personalize.create_page('page_shop.a', '["page_shop.a"]');
SELECT personalize.create_page('nowhere.p', '["page_shop.a"]');
-- columns that the caller has made up
SELECT * FROM personalize.page_shelves('{1}', '{x}', '{0}', 7, NULL::int, NULL::int[], NULL, NULL::int[], 3, NULL::int[], NULL, 0, NULL, NULL) AS x(a integer);
SELECT * FROM personalize.page_shelves(ARRAY(SELECT id FROM personalize.widget WHERE schema = 'page_shop'), '{x,y,z}', '{0,0,0}', 7, NULL::int, NULL::int[], NULL, NULL::int[], 3, NULL::int[], NULL, 0, NULL, NULL)
	AS x(shelf text, rank int, item text, score float8, source text, because text, reason text, propensity float8);
SELECT * FROM personalize.page_shelves('{1,2}', '{x}', '{0}', 7, NULL::int, NULL::int[], NULL, NULL::int[], 3, NULL::int[], NULL, 0, NULL, NULL) AS x(a integer);

-- Keys of texts and names that look like code
CREATE SCHEMA "page ""shop';--";
CREATE TABLE "page ""shop';--".bought AS SELECT c % 9 AS customer, chr(97 + c % 13) || '''"\' AS product FROM generate_series(1, 90) AS c;
CREATE INDEX ON "page ""shop';--".bought (customer);
\set QUIET on
SELECT personalize.create_history('"page ""shop'';--".h', '"page ""shop'';--".bought', 'customer', 'product') \g /dev/null
SELECT personalize.create_cooccurrence('"page ""shop'';--"."m;"', history => '"page ""shop'';--".h') \g /dev/null
SELECT personalize.create_widget('"page ""shop'';--"."w''"', sources => '{"\"page \"\"shop'';--\".\"m;\"": 1}', k => 3) \g /dev/null
SELECT personalize.create_page('"page ""shop'';--"."p''$$"', widgets => '[{"widget": "\"page \"\"shop'';--\".\"w''\"", "title": "$$ \\ '' \""}]') \g /dev/null
\set QUIET off
SELECT shelf, rank, item, because FROM "page ""shop';--"."p'$$"(3, item => 'a''"\');
SELECT rank, item FROM personalize.page(ARRAY['"page ""shop'';--"."w''"'], 3, item => 'a''"\', exclude => ARRAY['b''"\']);
SELECT personalize.create_page('page_shop.mixed', widgets => '["page_shop.a", "\"page \"\"shop'';--\".\"w''\""]');
SET client_min_messages = warning;
DROP SCHEMA "page ""shop';--" CASCADE;
DROP SCHEMA page_shop CASCADE;
