-- Definitions of widgets: what create_widget understands and refuses, the function it makes, names, dependencies, rights.
SET client_min_messages = warning;
CREATE SCHEMA widget_shop;
SET search_path = pg_catalog;
CREATE TABLE widget_shop.products (id bigint PRIMARY KEY, name text, available boolean, price numeric, category text, brand text, created timestamptz);
INSERT INTO widget_shop.products SELECT i, 'product ' || i, i % 7 > 0, i, 'category ' || i % 3, 'brand ' || i % 4, '2026-01-01' FROM generate_series(1, 40) AS i;
CREATE TABLE widget_shop.lines (order_id integer, customer uuid, product bigint, at timestamptz);
INSERT INTO widget_shop.lines SELECT i / 3, ('00000000-0000-0000-0000-0000000000' || lpad((i % 20)::text, 2, '0'))::uuid, 1 + (i * i * 7 + i) % 40, timestamptz '2026-06-01' + i * interval '1 hour'
	FROM generate_series(1, 300) AS i;
CREATE INDEX ON widget_shop.lines (order_id);
CREATE INDEX ON widget_shop.lines (customer);
CREATE TABLE widget_shop.views (session_id integer, customer uuid, product bigint, at timestamptz);
INSERT INTO widget_shop.views SELECT order_id, customer, product, at FROM widget_shop.lines;
CREATE INDEX ON widget_shop.views (session_id);
CREATE INDEX ON widget_shop.views (customer);
SELECT personalize.create_catalog('widget_shop.catalog', products => 'widget_shop.products', item => 'id', available => 'available', price => 'price', category => 'category', created => 'created');
SELECT personalize.create_history('widget_shop.orders', 'widget_shop.lines', 'order_id', 'product', 'at', catalog => 'widget_shop.catalog');
SELECT personalize.create_history('widget_shop.sessions', 'widget_shop.views', 'session_id', 'product', 'at', catalog => 'widget_shop.catalog');
SELECT personalize.create_history('widget_shop.buyers', 'widget_shop.lines', 'customer', 'product', 'at', catalog => 'widget_shop.catalog');
SELECT personalize.create_cooccurrence('widget_shop.bought_together', 'widget_shop.orders');
SELECT personalize.create_cooccurrence('widget_shop.viewed_together', 'widget_shop.sessions');
-- a catalog of another shop
CREATE TABLE widget_shop.other_lines (basket text, item text);
SELECT personalize.create_history('widget_shop.others', 'widget_shop.other_lines', 'basket', 'item');
SELECT personalize.create_cooccurrence('widget_shop.other_together', 'widget_shop.others');
SET client_min_messages = notice;

-- Customers are those of the one history that no model is made from, which is said; or of nobody, where there are several.
SELECT personalize.create_widget('widget_shop.guessed', '{"widget_shop.bought_together": 1, "widget_shop.viewed_together": 1}') IS NOT NULL AS created;
SELECT personalize.create_widget('widget_shop.nobody', '{"widget_shop.bought_together": 1}') IS NOT NULL AS created;
SELECT function::regproc, histories, customer_type FROM personalize.widgets;
SELECT personalize.drop_widget('widget_shop.nobody');
SELECT personalize.create_history('widget_shop.viewers', 'widget_shop.views', 'customer', 'product', 'at', catalog => 'widget_shop.catalog');
SELECT personalize.create_cooccurrence('widget_shop.viewed_bought', 'widget_shop.viewers', target => 'widget_shop.buyers');

-- The function: typed, named, with defaults; STABLE and parallel safe.
SELECT personalize.create_widget('widget_shop.product_page', sources => '{"widget_shop.bought_together": 0.6, "widget_shop.viewed_together": 0.4}',
	histories => '{"bought": "widget_shop.buyers", "viewed": "widget_shop.viewers"}', filter => 'available', exclude => '{bought 90 days, cart}', max_per_category => 3);
SELECT provolatile, proparallel, proretset, prorows, regexp_replace(prosrc, '\d+', 'ID') AS prosrc, replace(pg_get_function_arguments(oid), ', ', E',\n') AS arguments, pg_get_function_result(oid) AS result
  FROM pg_proc WHERE oid = 'widget_shop.product_page'::regproc \gx
SELECT function, owner = current_user::regrole AS mine, catalog, item_type, customer_type, sources, fallback, histories, mix, filter, exclude, rules, max_per_category, max_per, diversity, shuffle, explore, k, problem
  FROM personalize.widgets WHERE function = 'widget_shop.product_page'::regproc \gx
-- It is gone from the plan of a query: only the call inside is left, with nothing between.
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS off) SELECT r.item, p.name FROM widget_shop.product_page(item => 42, k => 5) AS r JOIN widget_shop.products AS p ON p.id = r.item;
RESET max_parallel_workers_per_gather;
SELECT level, kind, name, relation, weight, slots, seeds, seed_history, options FROM personalize.widget_source
 WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'product_page') ORDER BY place;
SELECT place, event, history FROM personalize.widget_history
 WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'product_page') ORDER BY place;

-- Every form of sources: weights, objects, arrays, labels, and where each starts.
SELECT personalize.create_widget('widget_shop.forms', histories => '{"bought": "widget_shop.buyers", "viewed": "widget_shop.viewers"}', sources => '[
	"widget_shop.bought_together",
	{"source": "widget_shop.bought_together", "weight": 2.5, "from": ["cart", "bought"], "slots": [1, 4, 4]},
	{"source": "you viewed", "model": "widget_shop.viewed_together", "from": "viewed"},
	{"source": "widget_shop.viewed_bought", "from": ["item", "session"], "weight": null},
	{"source": "recently_viewed", "weight": 0.1},
	{"source": "look again", "model": "recently_viewed", "weight": 0.2}]', mix => 'rrf', max_per => '{"brand": 2}', diversity => 0.3, shuffle => 5, explore => 0.1, k => 30) IS NOT NULL AS created;
SELECT place, level, kind, name, relation, weight, slots, seeds, seed_history, options FROM personalize.widget_source
 WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'forms') ORDER BY place;
-- Without any source, with the only history of its own catalog; that stands for every event.
SELECT personalize.create_widget('widget_shop.plain', catalog => 'widget_shop.others_items', exclude => '{bought, "viewed 2 days"}') IS NOT NULL AS created;
SELECT item_type, customer_type, sources, histories, k FROM personalize.widgets WHERE function = 'widget_shop.plain'::regproc;
-- What personalize.widgets shows makes the same widget again.
CREATE FUNCTION pg_temp.definition(regproc, OUT text) LANGUAGE sql AS
	$$ SELECT to_jsonb(w)::text FROM (SELECT catalog, item_type, customer_type, sources, fallback, histories, mix, filter, exclude, rules, max_per_category, max_per, diversity, shuffle, explore, k, problem
		FROM personalize.widgets WHERE function = $1) AS w $$;
SELECT function::regproc, pg_temp.definition(function::regproc) = pg_temp.definition(again::regproc) AS same
  FROM (SELECT w.function, personalize.create_widget(w.function::regproc || '_again', sources, histories, catalog, mix, filter, exclude, rules, max_per_category, max_per, fallback, diversity, shuffle, explore, k) AS again
	FROM personalize.widgets AS w ORDER BY w.id) AS made;
SELECT personalize.drop_widget(function::text) FROM personalize.widgets WHERE function::text ~ '_again';

-- Bad input, each with its own error.
CREATE FUNCTION pg_temp.refused(sources text, more text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	EXECUTE format('SELECT personalize.create_widget(''widget_shop.bad'', sources => %L%s)', sources, more);
	RAISE NOTICE 'accepted: % %', sources, more;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE E'% %\n  %: %\n  DETAIL: %\n  HINT: %', sources, more, state, message, detail, hint;
END $$;
DO $$
DECLARE
	s text;
BEGIN
	-- sources
	FOREACH s IN ARRAY ARRAY['1', '"a"', 'null', '{"": 1}', '{"nothing": 1}', '{"no.where": 1}', '{"a.b.c.d.e": 1}', '{"widget_shop.products": 1}', '{"cooccurrence": 1}',
		'{"best_sellers": 1}', '{"trending": 1}', '{"widget_shop.bought_together": 0}', '{"widget_shop.bought_together": -1}', '{"widget_shop.bought_together": 1e400}',
		'{"widget_shop.bought_together": "1"}', '{"widget_shop.bought_together": null}', '{"widget_shop.bought_together": [1]}', '{"widget_shop.bought_together": {"weight": "x"}}',
		'{"widget_shop.bought_together": {"weigth": 1}}', '{"widget_shop.bought_together": {"slots": [0]}}', '{"widget_shop.bought_together": {"slots": [1.5]}}',
		'{"widget_shop.bought_together": {"slots": "1"}}', '{"widget_shop.bought_together": {"slots": [1001]}}', '{"widget_shop.bought_together": {"from": 1}}',
		'{"widget_shop.bought_together": {"from": ["basket"]}}', '{"widget_shop.bought_together": {"from": "customer"}}', '{"label": {"model": 1}}', '{"label": {"model": "widget_shop.nothing"}}',
		'{"label": {"model": "trending"}}', '{"label": {"model": "cooccurrence"}}', '{"widget_shop.bought_together": {"slots": [1, 2]}, "widget_shop.viewed_together": {"slots": [2]}}',
		'[1]', '[{"weight": 1}]', '[{"source": 1}]', '{"widget_shop.bought_together": 1, "widget_shop.other_together": 1}']
	LOOP
		PERFORM pg_temp.refused(s);
	END LOOP;
	PERFORM pg_temp.refused((SELECT jsonb_agg('widget_shop.bought_together'::text) FROM generate_series(1, 65))::text);
	-- the other arguments
	FOREACH s IN ARRAY ARRAY['histories => ''1''', 'histories => ''[1]''', 'histories => ''{"bought": 1}''', 'histories => ''{"bought": "widget_shop.nothing"}''', 'histories => ''{"bought": "widget_shop.lines"}''',
		'histories => ''{"cart": "widget_shop.buyers"}''', 'histories => ''{"bought twice": "widget_shop.buyers"}''', 'histories => ''{"": "widget_shop.buyers"}''',
		'histories => ''{"bought": "widget_shop.buyers", "ordered": "widget_shop.orders"}''', 'histories => ''{"bought": "widget_shop.others"}''',
		'catalog => ''widget_shop.lines''', 'catalog => ''widget_shop.others_items''', 'mix => ''max''', 'mix => ''''', 'mix => NULL',
		'filter => ''no_such_column''', 'filter => ''price''', 'filter => ''true; DROP TABLE widget_shop.products''', 'filter => ''available) OR (true''', 'filter => ''sum(price) > 1''',
		'exclude => ''{NULL}''', 'exclude => ''{viewed}''', 'exclude => ''{bought 90 parsecs}''', 'exclude => ''{""}''', 'exclude => ''{{cart}}''', 'exclude => ''{bought -1 days}''', 'exclude => ''{bought 90 days ago}''', 'fallback => ''{{trending}}''', 'rules => ''[]''', 'rules => ''{"prize": 1}''',
		'max_per_category => -1', 'max_per_category => 1001', 'max_per => ''[]''', 'max_per => ''{"brand": 0}''', 'max_per => ''{"brand": 1.5}''', 'max_per => ''{"brand": "2"}''', 'max_per => ''{"maker": 2}''',
		'fallback => ''{NULL}''', 'fallback => ''{""}''', 'fallback => ''{nothing}''', 'fallback => ''{widget_shop.other_together}''',
		'diversity => -0.1', 'diversity => 1.1', 'diversity => ''NaN''', 'diversity => NULL', 'shuffle => -1', 'shuffle => 1001', 'shuffle => NULL',
		'explore => 2', 'explore => ''-Infinity''', 'explore => NULL', 'k => 0', 'k => -1', 'k => 1001', 'k => 2147483647', 'k => NULL']
	LOOP
		PERFORM pg_temp.refused('{"widget_shop.bought_together": 1}', CASE WHEN s ~ '^(histories|catalog)' THEN ', ' ELSE ', histories => ''{"bought": "widget_shop.buyers"}'', ' END || s);
	END LOOP;
	-- what needs products, of a catalog without any
	FOREACH s IN ARRAY ARRAY['filter => ''true''', 'max_per => ''{"brand": 1}''', 'max_per_category => 1'] LOOP
		PERFORM pg_temp.refused('{"widget_shop.other_together": 1}', ', ' || s);
	END LOOP;
	PERFORM pg_temp.refused('{}');
END $$;
SELECT count(*) AS nothing_left_behind FROM pg_proc WHERE proname = 'bad';

-- Generic names of models: none, one, several.
DO $$ BEGIN PERFORM pg_temp.refused('{"best_sellers": 1}', ', catalog => ''widget_shop.catalog'''); END $$;
BEGIN;
SELECT personalize.create_popularity('widget_shop.popular', 'widget_shop.buyers');
SELECT personalize.create_widget('widget_shop.page', '{"best_sellers": {"weight": 2}, "sold here": {"model": "popular"}}', histories => '"widget_shop.buyers"', fallback => '{best_sellers}') IS NOT NULL AS created;
SELECT sources, fallback FROM personalize.widgets WHERE function = 'widget_shop.page'::regproc;
SELECT place, level, kind, name, relation FROM personalize.widget_source WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'page') ORDER BY place;
SELECT personalize.create_popularity('widget_shop.viewed', 'widget_shop.viewers');
DO $$ BEGIN PERFORM pg_temp.refused('{"popular": 1}', ', catalog => ''widget_shop.catalog'''); END $$;
-- what was clear stays what it was
SELECT personalize.alter_widget('widget_shop.page', k => 3) IS NOT NULL AS altered;
SELECT k, sources, fallback FROM personalize.widgets WHERE function = 'widget_shop.page'::regproc;
ROLLBACK;

-- Names.
SELECT personalize.create_widget(NULL);
SELECT personalize.create_widget('');
SELECT personalize.create_widget('widget_shop.product_page', '{"widget_shop.bought_together": 1}');
SELECT personalize.create_widget('nowhere.page', '{"widget_shop.bought_together": 1}');
SELECT personalize.create_widget('pg_temp.page', '{"widget_shop.bought_together": 1}');
SELECT personalize.create_widget('widget_shop.page', NULL);
SELECT personalize.alter_widget(NULL);
SELECT personalize.alter_widget('widget_shop.nothing', k => 1);
SELECT personalize.alter_widget('pg_catalog.now', k => 1);
SELECT personalize.drop_widget('widget_shop.nothing');
SELECT personalize.drop_widget('a.b.c.d');

-- alter_widget: what is given changes, what is not stays; '' and {} take away.
SELECT personalize.alter_widget('widget_shop.product_page', k => 20, filter => '', max_per_category => 0) = 'widget_shop.product_page'::regproc::oid AS same_function;
SELECT k, filter, max_per_category, exclude, sources FROM personalize.widgets WHERE function = 'widget_shop.product_page'::regproc;
SELECT pg_get_function_arguments(oid) ~ 'k integer DEFAULT 20' AS new_default, prorows FROM pg_proc WHERE oid = 'widget_shop.product_page'::regproc;
SELECT personalize.alter_widget('widget_shop.product_page', sources => '{"widget_shop.viewed_together": 1}', exclude => '{}', mix => 'rrf', diversity => 0.5, shuffle => 3, explore => 0.2,
	max_per => '{"brand": 1}', rules => '{"category": "same"}', filter => 'price > 3', fallback => '{widget_shop.viewed_bought}') IS NOT NULL AS altered;
SELECT sources, fallback, mix, filter, exclude, rules, max_per, diversity, shuffle, explore, k FROM personalize.widgets WHERE function = 'widget_shop.product_page'::regproc \gx
SELECT personalize.alter_widget('widget_shop.product_page', max_per => '{}', rules => '{}', fallback => '{}') IS NOT NULL AS altered;
SELECT sources, fallback, rules, max_per FROM personalize.widgets WHERE function = 'widget_shop.product_page'::regproc;
-- weights stay to the last bit
SET extra_float_digits = -15;
SELECT personalize.alter_widget('widget_shop.product_page', sources => '{"widget_shop.viewed_together": 0.12345678901234566}') IS NOT NULL AS altered;
SELECT personalize.alter_widget('widget_shop.product_page', k => 20) IS NOT NULL AS altered;
RESET extra_float_digits;
SELECT weight FROM personalize.widget_source WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'product_page');
-- refused, and then nothing has changed
SELECT personalize.alter_widget('widget_shop.product_page', k => 0);
SELECT personalize.alter_widget('widget_shop.product_page', k => 7, filter => 'nonsense');
SELECT personalize.alter_widget('widget_shop.product_page', histories => '"widget_shop.orders"');
SELECT personalize.alter_widget('widget_shop.product_page', catalog => 'widget_shop.others_items');
SELECT k, filter FROM personalize.widgets WHERE function = 'widget_shop.product_page'::regproc;
-- grants stay
REVOKE EXECUTE ON FUNCTION widget_shop.product_page FROM PUBLIC;
SELECT personalize.alter_widget('widget_shop.product_page', k => 9) IS NOT NULL AS altered;
SELECT proacl IS NOT NULL AS revoked FROM pg_proc WHERE oid = 'widget_shop.product_page'::regproc;
GRANT EXECUTE ON FUNCTION widget_shop.product_page TO PUBLIC;

-- Renames: of the function, the schema, both; models by their own.
ALTER FUNCTION widget_shop.product_page RENAME TO "Page ""1""";
ALTER ROUTINE widget_shop.forms RENAME TO forms2;
CREATE SCHEMA "Widget's";
ALTER FUNCTION widget_shop."Page ""1""" SET SCHEMA "Widget's";
ALTER SCHEMA "Widget's" RENAME TO "widget "" shop";
ALTER TABLE widget_shop.viewed_together RENAME TO seen_together;
SELECT function::regproc, problem FROM personalize.widgets ORDER BY id;
SELECT personalize.alter_widget('"widget "" shop"."Page ""1"""', k => 11) IS NOT NULL AS altered;
SELECT sources, k FROM personalize.widgets WHERE k = 11;
SELECT personalize.alter_widget((SELECT function::text FROM personalize.widgets WHERE k = 11), k => 12) IS NOT NULL AS by_signature;
SET search_path = "widget "" shop", pg_catalog;
SELECT personalize.alter_widget('"Page ""1"""', k => 13) IS NOT NULL AS by_search_path;
SET search_path = pg_catalog;
ALTER TABLE widget_shop.seen_together RENAME TO viewed_together;

-- A function with the same body is no widget, wherever it goes.
DO $$
BEGIN
	EXECUTE replace(pg_get_functiondef('widget_shop.guessed'::regproc), 'widget_shop.guessed', 'widget_shop.copy');
END $$;
SELECT personalize.alter_widget('widget_shop.copy', k => 1);
ALTER FUNCTION widget_shop.copy RENAME TO guessed_too;
CREATE SCHEMA widget_copies;
ALTER FUNCTION widget_shop.guessed_too RENAME TO copy;
ALTER FUNCTION widget_shop.copy SET SCHEMA widget_copies;
ALTER FUNCTION widget_copies.copy RENAME TO guessed;
DROP FUNCTION widget_copies.guessed;
SELECT function::regproc, problem FROM personalize.widgets ORDER BY id;

-- Dependencies: what a widget reads is not dropped under it; CASCADE takes the widget, and the registry forgets it.
\set VERBOSITY terse
DROP TABLE widget_shop.bought_together;
SELECT personalize.drop_model('widget_shop.viewed_bought');
DROP TABLE widget_shop.viewers;
DROP EXTENSION personalize;
\set VERBOSITY default
BEGIN;
SET LOCAL client_min_messages = warning;
DROP TABLE widget_shop.viewed_bought CASCADE;
SELECT function::regproc FROM personalize.widgets ORDER BY id;
SELECT count(*) AS left_behind FROM personalize.widget_source WHERE widget_id NOT IN (SELECT id FROM personalize.widget);
ROLLBACK;
DROP FUNCTION widget_shop.forms2;
SELECT personalize.drop_widget('"widget "" shop"."Page ""1"""');
SELECT function::regproc FROM personalize.widgets ORDER BY id;
SELECT count(*) AS left_behind FROM (SELECT widget_id FROM personalize.widget_source UNION ALL SELECT widget_id FROM personalize.widget_history) AS w WHERE widget_id NOT IN (SELECT id FROM personalize.widget);
-- What a dump, or a replaced function, loses comes back with the next refresh.
DO $$ BEGIN EXECUTE pg_get_functiondef('widget_shop.guessed'::regproc); END $$;
SELECT count(*) FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = 'widget_shop.guessed'::regproc AND refclassid IN ('pg_class'::regclass, 'pg_extension'::regclass);
SET client_min_messages = warning;
CALL personalize.refresh('widget_shop.orders');
SET client_min_messages = notice;
SELECT refclassid::regclass AS class, CASE refclassid WHEN 'pg_class'::regclass THEN refobjid::regclass::text END AS relation FROM pg_depend
 WHERE classid = 'pg_proc'::regclass AND objid = 'widget_shop.guessed'::regproc AND refclassid IN ('pg_class'::regclass, 'pg_extension'::regclass) ORDER BY 1, 2;

-- What is wrong is said: behind the back of the event triggers.
SET session_replication_role = replica;
ALTER FUNCTION widget_shop.guessed RENAME TO elsewhere;
SET session_replication_role = origin;
SELECT function, id IS NOT NULL AS known, problem FROM personalize.widgets WHERE histories = '"widget_shop.buyers"' OR function IS NULL;
SELECT personalize.alter_widget('widget_shop.elsewhere', k => 3);
SET session_replication_role = replica;
ALTER FUNCTION widget_shop.elsewhere RENAME TO guessed;
DROP FUNCTION widget_shop.plain;
SET session_replication_role = origin;
SELECT function::regproc, problem FROM personalize.widgets ORDER BY id;
SELECT personalize.drop_widget('widget_shop.plain');
SELECT personalize.drop_widget('widget_shop.plain');
ALTER TABLE widget_shop.products RENAME available TO on_hand;
SELECT personalize.alter_widget('widget_shop.guessed', filter => 'on_hand') IS NOT NULL AS altered;
ALTER TABLE widget_shop.products RENAME on_hand TO available;
SELECT function::regproc, problem FROM personalize.widgets ORDER BY id;
SELECT personalize.alter_widget('widget_shop.guessed', filter => 'available') IS NOT NULL AS mended;

-- what another version wrote, or somebody has taken out of the registry
BEGIN;
UPDATE personalize.widget_source SET kind = 'crystal_ball', name = CASE place WHEN 0 THEN 'label' ELSE 'crystal_ball' END, relation = NULL
 WHERE widget_id = (SELECT id FROM personalize.widget WHERE name = 'guessed');
SELECT sources, problem FROM personalize.widgets WHERE function = 'widget_shop.guessed'::regproc;
SAVEPOINT s;
SELECT count(*) FROM widget_shop.guessed();
ROLLBACK TO s;
SELECT personalize.alter_widget('widget_shop.guessed', k => 3);
ROLLBACK TO s;
SELECT personalize.alter_widget('widget_shop.guessed', sources => '{"widget_shop.bought_together": 1}') IS NOT NULL AS mended;
DELETE FROM personalize.history WHERE relation = 'widget_shop.buyers'::regclass;
SELECT histories, problem FROM personalize.widgets WHERE function = 'widget_shop.guessed'::regproc;
DELETE FROM personalize.catalog;
SELECT catalog, problem FROM personalize.widgets WHERE function = 'widget_shop.guessed'::regproc;
SELECT personalize.drop_widget('widget_shop.guessed');
ROLLBACK;

-- Without any privilege but those it is given.
CREATE ROLE regress_personalize_clerk;
CREATE ROLE regress_personalize_thief;
CREATE SCHEMA widget_office AUTHORIZATION regress_personalize_clerk;
SET ROLE regress_personalize_clerk;
SELECT personalize.create_widget('widget_shop.page', '{"widget_shop.bought_together": 1}');
SELECT personalize.create_widget('widget_office.page', '{"widget_shop.bought_together": 1}');
RESET ROLE;
GRANT USAGE ON SCHEMA widget_shop TO regress_personalize_clerk, regress_personalize_thief;
SET ROLE regress_personalize_clerk;
SELECT personalize.create_widget('widget_shop.page', '{"widget_shop.bought_together": 1}');
SELECT personalize.create_widget('widget_office.page', '{"widget_shop.bought_together": 1}');
RESET ROLE;
GRANT SELECT ON widget_shop.bought_together TO regress_personalize_clerk;
SET ROLE regress_personalize_clerk;
SELECT personalize.create_widget('widget_office.page', '{"widget_shop.bought_together": 1}', histories => '{"bought": "widget_shop.buyers"}');
SELECT personalize.create_widget('widget_office.page', '{"widget_shop.bought_together": 1}', filter => 'available');
RESET ROLE;
GRANT SELECT ON widget_shop.buyers, widget_shop.products TO regress_personalize_clerk;
SET ROLE regress_personalize_clerk;
SELECT personalize.create_widget('widget_office.page', '{"widget_shop.bought_together": 1}', filter => 'available', exclude => '{bought}') IS NOT NULL AS created;
SELECT personalize.alter_widget('widget_office.page', k => 5) IS NOT NULL AS altered;
SELECT function::regproc, owner, problem FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole;
INSERT INTO personalize.widget SELECT * FROM personalize.widget;
-- names are followed for everybody who may change them
ALTER FUNCTION widget_office.page RENAME TO page2;
ALTER FUNCTION widget_office.page2 RENAME TO page;
SELECT function::regproc, problem FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole;
BEGIN READ ONLY;
SELECT count(*), count(problem) FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole;
COMMIT;
BEGIN;
DROP FUNCTION widget_office.page;
SELECT count(*) FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole;
ROLLBACK;
RESET ROLE;
GRANT USAGE ON SCHEMA widget_office TO regress_personalize_thief;
GRANT SELECT ON widget_shop.bought_together, widget_shop.buyers, widget_shop.products TO regress_personalize_thief;
REVOKE EXECUTE ON FUNCTION widget_office.page FROM PUBLIC;
SET ROLE regress_personalize_thief;
SELECT personalize.alter_widget('widget_office.page', k => 6);
SELECT personalize.drop_widget('widget_office.page');
SELECT personalize.drop_widget('widget_shop.guessed');
DELETE FROM personalize.widget_source;
-- its id, which anybody can read, opens no other way in
SELECT count(*) FROM widget_office.page();
DO $$
BEGIN
	EXECUTE (SELECT regexp_replace(prosrc, '\$\d+', 'NULL', 'g') FROM pg_proc WHERE oid = 'widget_office.page'::regproc);
EXCEPTION WHEN insufficient_privilege THEN
	RAISE NOTICE '%', SQLERRM;
END $$;
RESET ROLE;
-- functions of its name and body, of somebody else's, are none of it
GRANT CREATE ON SCHEMA widget_office TO regress_personalize_thief;
SET ROLE regress_personalize_thief;
DO $$
DECLARE
	body text := (SELECT regexp_replace(prosrc, '\$\d+', 'NULL', 'g') FROM pg_proc WHERE oid = 'widget_office.page'::regproc);
	columns text := regexp_replace(body, '.* AS r\((.*)\)$', '\1');
BEGIN
	FOR n IN 0 .. 20 LOOP
		EXECUTE format('CREATE FUNCTION widget_office.page(%s) RETURNS TABLE (%s) LANGUAGE sql AS %L',
					   array_to_string(array_fill('text'::text, ARRAY[n]), ', '), columns, body);
	END LOOP;
END $$;
SELECT personalize.alter_widget('widget_office.page', k => 6);
SELECT personalize.drop_widget('widget_office.page');
SELECT count(*) FROM widget_office.page('a', 'b', 'c');
ALTER FUNCTION widget_office.page(text) RENAME TO page2;
DROP FUNCTION widget_office.page(text, text);
RESET ROLE;
SELECT proname, pronargs, owner, problem FROM personalize.widgets AS w JOIN pg_proc AS p ON p.oid = w.function WHERE proname ~ '^page';
SET client_min_messages = warning;
DROP OWNED BY regress_personalize_thief;
GRANT USAGE ON SCHEMA widget_shop, widget_office TO regress_personalize_thief;
RESET client_min_messages;
SELECT count(*) FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole;
-- hostile names: of the schema, the widget, the label
SET ROLE regress_personalize_clerk;
SELECT personalize.create_widget('widget_office."x(); DROP TABLE y; --"', '{"''; DROP TABLE widget_shop.products; --": {"model": "widget_shop.bought_together"}}', histories => '{"\"'';--": "widget_shop.buyers"}') IS NOT NULL AS created;
SELECT personalize.alter_widget('widget_office."x(); DROP TABLE y; --"', k => 2) IS NOT NULL AS altered;
SELECT function::regproc, sources, histories, k FROM personalize.widgets WHERE owner = 'regress_personalize_clerk'::regrole ORDER BY id;
-- functions of the caller's that stand where those of the system do
CREATE FUNCTION widget_office.int4eq(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE OPERATOR widget_office.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = widget_office.int4eq);
SET search_path = widget_office, pg_catalog;
SELECT personalize.create_widget('mine', '{"widget_shop.bought_together": 1}') IS NOT NULL AS created;
SELECT personalize.alter_widget('mine', k => 4) IS NOT NULL AS altered;
SELECT personalize.drop_widget('mine');
SET search_path = pg_catalog;
RESET ROLE;

\set VERBOSITY terse
SET client_min_messages = warning;
DROP OWNED BY regress_personalize_clerk, regress_personalize_thief CASCADE;
DROP SCHEMA widget_shop, widget_copies, "widget "" shop" CASCADE;
DROP ROLE regress_personalize_clerk;
DROP ROLE regress_personalize_thief;
SELECT count(*) AS left_behind FROM personalize.widget;
