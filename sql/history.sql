-- All of this as a role without special rights, on its own tables.
CREATE ROLE regress_personalize_shop;
CREATE ROLE regress_personalize_other;
CREATE SCHEMA history_shop AUTHORIZATION regress_personalize_shop;
SET ROLE regress_personalize_shop;
CREATE TABLE history_shop.order_lines (order_id bigint, product_id integer, ordered_at timestamptz, quantity numeric, kind text, note json);
CREATE INDEX ON history_shop.order_lines (order_id);
INSERT INTO history_shop.order_lines
SELECT o, 1 + o * l % 7, timestamptz '2026-01-01 00:00+00' + o * interval '1 hour', l, CASE l WHEN 1 THEN 'buy' ELSE 'view' END
  FROM generate_series(1, 20) AS o, generate_series(1, 3) AS l;

-- What a history is made of
SELECT personalize.create_history('history_shop.h', interactions => 'history_shop.order_lines', basket => 'order_id', item => 'product_id',
	happened => 'ordered_at', weight => 'quantity', event => 'kind', events => '{buy,view}', event_weights => '{3,1}', horizon => '100 years');
SELECT relation, log, interactions, basket, item, happened, weight, event, events, event_weights, basket_type, item_type, max_basket, horizon, built, num_baskets
  FROM personalize.history WHERE relation = 'history_shop.h'::regclass;
SELECT c.relation, c.item_type, c.implicit, c.products FROM personalize.catalog AS c JOIN personalize.history AS h ON h.catalog_id = c.id
 WHERE h.relation = 'history_shop.h'::regclass;
SELECT relation, key, expression FROM personalize.watch;
SELECT c.relname, c.relkind, c.reloptions, pg_get_userbyid(c.relowner) AS owner FROM pg_class AS c
 WHERE c.relnamespace = 'history_shop'::regnamespace AND c.relname LIKE 'h%' ORDER BY c.relname COLLATE "C";
SELECT a.attrelid::regclass AS relation, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
  FROM pg_attribute AS a WHERE a.attrelid IN ('history_shop.h'::regclass, 'history_shop.h_log'::regclass, 'history_shop.h_items'::regclass) AND a.attnum > 0
 ORDER BY a.attrelid::regclass::text COLLATE "C", a.attnum;
SELECT basket, happened AT TIME ZONE 'UTC' AS happened, oldest IS NULL AS no_oldest FROM history_shop.h ORDER BY basket LIMIT 2;
SELECT tgtype & 28 AS events, count(*) FROM pg_trigger WHERE tgrelid = 'history_shop.order_lines'::regclass AND tgfoid = 'personalize.log_changes'::regproc GROUP BY 1 ORDER BY 1;

-- It depends on the source, and DROP TABLE of it takes log, triggers and entries along
DROP TABLE history_shop.order_lines;
DROP TABLE history_shop.h;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'history_shop.order_lines'::regclass;
SELECT to_regclass('history_shop.h_log') AS log, to_regclass('history_shop.h_items') AS items;
SELECT count(*) FROM personalize.history;
SELECT count(*) FROM personalize.watch;
SELECT count(*) FROM personalize.catalog;

-- so the name is free again.  The catalog goes with the last of those that share it, also if they go at once
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', build => false);
SELECT personalize.create_history('history_shop.g', 'history_shop.order_lines', 'order_id', 'product_id', catalog => 'history_shop.h_items', build => false);
DROP TABLE history_shop.h;
SELECT relation FROM personalize.catalog;
DROP TABLE history_shop.g;
SELECT relation FROM personalize.catalog;
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', build => false);
SELECT personalize.create_history('history_shop.g', 'history_shop.order_lines', 'order_id', 'product_id', catalog => 'history_shop.h_items', build => false);
DROP TABLE history_shop.h, history_shop.g;
SELECT relation FROM personalize.catalog;
-- whoever drops it: the owner of the schema may, too
RESET ROLE;
CREATE SCHEMA history_mall AUTHORIZATION regress_personalize_other;
GRANT USAGE, CREATE ON SCHEMA history_mall TO regress_personalize_shop;
SET ROLE regress_personalize_shop;
SELECT personalize.create_history('history_mall.h', 'history_shop.order_lines', 'order_id', 'product_id', build => false);
SET ROLE regress_personalize_other;
DROP TABLE history_mall.h;
DROP SCHEMA history_mall;
SET ROLE regress_personalize_shop;
-- with what others have built upon it, it stays; a catalog made by hand stays, too
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', build => false);
CREATE VIEW history_shop.names AS SELECT item FROM history_shop.h_items;
DROP TABLE history_shop.h;
SELECT relation FROM personalize.catalog;
DROP VIEW history_shop.names;
SELECT personalize.drop_catalog('history_shop.h_items');
SELECT personalize.create_catalog('history_shop.made', item_type => 'integer');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', catalog => 'history_shop.made', build => false);
DROP TABLE history_shop.h;
SELECT personalize.drop_catalog('history_shop.made');
SELECT count(*) FROM personalize.catalog;

-- drop_history takes its own catalog, too
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_cooccurrence('history_shop.m', 'history_shop.h', build => false);
SELECT personalize.create_cooccurrence('history_shop.m2', 'history_shop.h', build => false);
SELECT personalize.drop_history('history_shop.h');
SELECT personalize.drop_history('history_shop.h', cascade => true);
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'history_shop'::regnamespace AND c.relkind = 'r';
SELECT (SELECT count(*) FROM personalize.history) + (SELECT count(*) FROM personalize.model) + (SELECT count(*) FROM personalize.catalog)
	+ (SELECT count(*) FROM personalize.watch) AS entries;

-- The source with CASCADE takes all of it
CREATE TABLE history_shop.doomed AS SELECT order_id, product_id FROM history_shop.order_lines;
SELECT personalize.create_history('history_shop.h', 'history_shop.doomed', 'order_id', 'product_id');
SELECT personalize.create_cooccurrence('history_shop.m', 'history_shop.h', build => false);
SET client_min_messages = warning;
DROP TABLE history_shop.doomed CASCADE;
RESET client_min_messages;
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'history_shop'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT (SELECT count(*) FROM personalize.history) + (SELECT count(*) FROM personalize.model) + (SELECT count(*) FROM personalize.catalog)
	+ (SELECT count(*) FROM personalize.watch) AS entries;

-- Names
SELECT personalize.create_history(NULL, 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_history('history_shop.order_lines', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_history('nowhere.h', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_history('pg_temp.h', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_history('a.b.c.d', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT personalize.create_history('personalize.h', 'history_shop.order_lines', 'order_id', 'product_id');

-- Sources
CREATE MATERIALIZED VIEW history_shop.stale AS SELECT * FROM history_shop.order_lines;
CREATE SEQUENCE history_shop.sequence;
CREATE TEMPORARY TABLE fleeting (order_id bigint, product_id bigint);
SELECT personalize.create_history('history_shop.h', 'history_shop.stale', 'order_id', 'product_id');
SELECT personalize.create_history('history_shop.h', 'history_shop.sequence', 'order_id', 'product_id');
SELECT personalize.create_history('history_shop.h', 'fleeting', 'order_id', 'product_id');
SELECT personalize.create_history('history_shop.h', 0, 'order_id', 'product_id');
SELECT personalize.create_history('history_shop.h', NULL, 'order_id', 'product_id');

-- Columns
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order', 'product_id');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'ctid');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'quantity', 'product_id');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'note');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', NULL);
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', happened => 'kind');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', weight => 'kind');

-- Events
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', events => '{buy}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event_weights => '{1}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind', events => '{}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind', events => '{buy,NULL}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind', events => '{buy,view,buy}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind', events => '{buy,view}', event_weights => '{1}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', event => 'kind', events => '{buy,view}', event_weights => '{1,0}');

-- Limits
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', max_basket => 0);
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', horizon => '1 year');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', happened => 'ordered_at', horizon => '-1 day');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', happened => 'ordered_at', horizon => '20000 years');

-- Nothing of all that is left behind
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'history_shop'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'history_shop.order_lines'::regclass;
SELECT count(*) FROM personalize.history;

-- A basket column without an index is noticed, also below a partitioned table
CREATE TABLE history_shop.parted (order_id bigint, product_id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE history_shop.parted_1 PARTITION OF history_shop.parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE history_shop.parted_2 PARTITION OF history_shop.parted FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX ON history_shop.parted_1 (order_id);
CREATE INDEX ON history_shop.parted_2 (order_id) WHERE product_id > 1;
SELECT personalize.create_history('history_shop.h', 'history_shop.parted', 'order_id', 'product_id', happened => 'day');
SELECT personalize.drop_history('history_shop.h');
CREATE INDEX ON history_shop.parted_2 (order_id, product_id);
SELECT personalize.create_history('history_shop.h', 'history_shop.parted', 'order_id', 'product_id', happened => 'day');
SELECT personalize.drop_history('history_shop.h');

-- Views: the tables to watch have to be named
CREATE TABLE history_shop.orders (id integer PRIMARY KEY, customer text, paid boolean, country integer);
CREATE TABLE history_shop.countries (id integer PRIMARY KEY, active boolean);
CREATE VIEW history_shop.paid AS SELECT * FROM history_shop.orders WHERE paid;
CREATE VIEW history_shop.bought AS
SELECT o.id, o.customer, l.product_id FROM history_shop.paid AS o JOIN history_shop.order_lines AS l ON l.order_id = o.id
  JOIN history_shop.countries AS c ON c.id = o.country AND c.active;
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'customer', 'product_id', watch => '{}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '["history_shop.orders"]');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": 1}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.nothing": "id"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.paid": "id"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "paid"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "id", "history_shop.order_lines": "order_id"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "id + nothing"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "max(id)"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "id), (id"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "id) -- "}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": "id); DROP TABLE history_shop.orders; SELECT (1"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id', watch => '{"history_shop.orders": ""}');
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', watch => '{"history_shop.orders": "id"}');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id',
	watch => '{"history_shop.orders": "id", "history_shop.parted": "order_id::integer", "history_shop.order_lines": "order_id::integer"}');
SELECT personalize.drop_history('history_shop.h');
SELECT personalize.create_history('history_shop.h', 'history_shop.bought', 'id', 'product_id',
	watch => '{"history_shop.orders": "id", "history_shop.order_lines": "order_id::integer", "history_shop.countries": null}');
SELECT relation, key, expression FROM personalize.watch ORDER BY relation::text COLLATE "C";
DROP VIEW history_shop.bought;
SELECT personalize.drop_history('history_shop.h');

-- Other roles: no source, no schema, no trigger without a grant
SET ROLE regress_personalize_other;
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id');
RESET ROLE;
CREATE SCHEMA history_other AUTHORIZATION regress_personalize_other;
GRANT USAGE ON SCHEMA history_shop TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_history('history_other.h', 'history_shop.order_lines', 'order_id', 'product_id');
RESET ROLE;
GRANT SELECT (order_id, product_id) ON history_shop.order_lines TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_history('history_other.h', 'history_shop.order_lines', 'order_id', 'product_id', happened => 'ordered_at');
SELECT personalize.create_history('history_other.h', 'history_shop.order_lines', 'order_id', 'product_id');
RESET ROLE;
GRANT TRIGGER ON history_shop.order_lines TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_history('history_other.h', 'history_shop.order_lines', 'order_id', 'product_id');
GRANT USAGE ON SCHEMA history_other TO regress_personalize_shop;
SET ROLE regress_personalize_shop;
SELECT personalize.create_cooccurrence('history_shop.m', 'history_other.h');
SELECT personalize.drop_history('history_other.h');
SELECT * FROM history_other.h;
INSERT INTO personalize.history (id) VALUES (0);
DELETE FROM personalize.watch;
SET ROLE regress_personalize_other;
SELECT count(*) FROM history_other.h;
SELECT personalize.drop_history('history_other.h');
SELECT personalize.drop_history('history_shop.order_lines');

-- Names that are no names, as long as they may be, with a search path that shadows what it can
SET ROLE regress_personalize_shop;
CREATE FUNCTION history_shop.refuse(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'shadowed'; END $$;
CREATE OPERATOR history_shop.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = history_shop.refuse);
CREATE FUNCTION history_shop.count(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'shadowed'; END $$;
CREATE TABLE history_shop."""; DROP TABLE x; --äöüäöüäöüäöüäöüäöü A" ("a ""'b" bigint, "SELECT" text, "1" date);
INSERT INTO history_shop."""; DROP TABLE x; --äöüäöüäöüäöüäöüäöü A" VALUES (1, 'Ä', '2026-01-01'), (1, '''', '2026-01-02');
SET search_path = history_shop, pg_catalog;
SELECT personalize.create_history('"""; DROP TABLE y; --äöüäöüäöüäöüäöüäöü B"', interactions => '"""; DROP TABLE x; --äöüäöüäöüäöüäöüäöü A"',
	basket => 'a "''b', item => 'SELECT', happened => '1');
SELECT relname FROM pg_catalog.pg_class WHERE relname LIKE '%;%' AND relkind = 'r' ORDER BY relname COLLATE "C";
SELECT personalize.create_cooccurrence('"""; DROP TABLE y; --äöüäöüäöüäöüäöüäöü M"', '"""; DROP TABLE y; --äöüäöüäöüäöüäöüäöü B"');
SELECT item, n, neighbors, counts FROM """; DROP TABLE y; --äöüäöüäöüäöüäöüäöü M" ORDER BY item COLLATE "C";
SELECT personalize.drop_history('"""; DROP TABLE y; --äöüäöüäöüäöüäöüäöü B"', true);
RESET search_path;

-- One snapshot for the whole transaction is older than the triggers: the first refresh builds
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id');
SELECT built, num_baskets FROM personalize.history WHERE relation = 'history_shop.h'::regclass;
COMMIT;
SELECT personalize.drop_history('history_shop.h');

-- DROP EXTENSION names what it would take
SELECT personalize.create_history('history_shop.h', 'history_shop.order_lines', 'order_id', 'product_id', build => false);
SELECT pg_describe_object(d.classid, d.objid, 0) AS object, d.deptype FROM pg_depend AS d
 WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'personalize')
   AND d.deptype = 'n' ORDER BY 1;
SELECT personalize.drop_history('history_shop.h');

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA history_shop, history_other CASCADE;
DROP TABLE pg_temp.fleeting;
DROP ROLE regress_personalize_shop, regress_personalize_other;
