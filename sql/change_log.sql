-- What the triggers of a history write to its change log, and what DDL does to it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.order_lines (order_id bigint, product_id bigint, ordered_at timestamptz, note text);
CREATE INDEX ON shop.order_lines (order_id);
SELECT personalize.create_history('shop.orders_h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id',
	happened => 'ordered_at');

-- What is in the log, which is then emptied: by hand here, as a refresh does it by itself.
CREATE FUNCTION pg_temp.take(log regclass, OUT basket text, OUT reason text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('WITH gone AS (DELETE FROM %s RETURNING *) SELECT basket::text, reason FROM gone ORDER BY gone.basket::text COLLATE "C", reason COLLATE "C"', log);
END $$;
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT regexp_replace(tgname, '\d+', 'N') AS name, tgenabled FROM pg_trigger WHERE tgrelid = 'shop.order_lines'::regclass ORDER BY tgtype;

--
-- Statements: old and new keys, each once
--
INSERT INTO shop.order_lines SELECT g % 3, g, '2025-01-01' FROM generate_series(1, 100) AS g;
SELECT * FROM pg_temp.take('shop.orders_h_log');
INSERT INTO shop.order_lines VALUES (7, 70, '2025-01-01');
INSERT INTO shop.order_lines VALUES (NULL, 70, '2025-01-01');
SELECT * FROM pg_temp.take('shop.orders_h_log');
UPDATE shop.order_lines SET product_id = 71 WHERE order_id = 7;
UPDATE shop.order_lines SET order_id = 8 WHERE order_id = 7;
UPDATE shop.order_lines SET order_id = NULL WHERE order_id = 8;
SELECT * FROM pg_temp.take('shop.orders_h_log');
-- a column that no definition reads, no row at all, and the same value again
UPDATE shop.order_lines SET note = 'gift';
UPDATE shop.order_lines SET product_id = 1 WHERE order_id = 99;
UPDATE shop.order_lines SET product_id = product_id;
SELECT * FROM pg_temp.take('shop.orders_h_log');
-- only the rows that differ
UPDATE shop.order_lines SET note = NULL, product_id = CASE WHEN product_id = 3 THEN 33 ELSE product_id END;
SELECT * FROM pg_temp.take('shop.orders_h_log');
DELETE FROM shop.order_lines WHERE order_id = 2 OR order_id IS NULL;
SELECT * FROM pg_temp.take('shop.orders_h_log');
COPY shop.order_lines (order_id, product_id, ordered_at) FROM stdin;
20	1	2025-01-01
20	2	2025-01-01
21	1	2025-01-01
\.
SELECT * FROM pg_temp.take('shop.orders_h_log');
CREATE TEMP TABLE moved AS SELECT * FROM shop.order_lines WHERE false;
WITH gone AS (DELETE FROM shop.order_lines WHERE order_id = 20 RETURNING *), new AS (INSERT INTO shop.order_lines VALUES (22, 1) RETURNING *)
INSERT INTO moved SELECT * FROM gone;
SELECT * FROM pg_temp.take('shop.orders_h_log');
TRUNCATE shop.order_lines;
SELECT * FROM pg_temp.take('shop.orders_h_log');

-- one row a basket a statement
INSERT INTO shop.order_lines SELECT 5, g, '2025-01-01' FROM generate_series(1, 10000) AS g;
SELECT count(*) FROM shop.orders_h_log;
INSERT INTO shop.order_lines SELECT g % 1000, g, '2025-01-01' FROM generate_series(1, 10000) AS g;
SELECT count(*), count(DISTINCT basket) FROM shop.orders_h_log;
DELETE FROM shop.orders_h_log;
TRUNCATE shop.order_lines;
DELETE FROM shop.orders_h_log;

CREATE PROCEDURE pg_temp.refresh(what regclass) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CALL personalize.refresh(%L)', what);
END $$;
-- an order that is written line by line: one row a transaction, unless what wrote it has been rolled back or a refresh has taken it
BEGIN;
INSERT INTO shop.order_lines VALUES (30, 1);
INSERT INTO shop.order_lines VALUES (30, 2);
UPDATE shop.order_lines SET product_id = 3 WHERE order_id = 30 AND product_id = 2;
SELECT basket FROM shop.orders_h_log;
SAVEPOINT s;
INSERT INTO shop.order_lines VALUES (31, 1);
ROLLBACK TO s;
INSERT INTO shop.order_lines VALUES (31, 2);
RELEASE s;
INSERT INTO shop.order_lines VALUES (31, 3);
SELECT basket FROM shop.orders_h_log ORDER BY basket;
CALL pg_temp.refresh('shop.orders_h');
INSERT INTO shop.order_lines VALUES (31, 4);
SELECT basket FROM shop.orders_h_log;
COMMIT;
INSERT INTO shop.order_lines VALUES (31, 5);
SELECT basket FROM shop.orders_h_log;
DELETE FROM shop.orders_h_log;
TRUNCATE shop.order_lines;
DELETE FROM shop.orders_h_log;

-- ON CONFLICT: inserted, updated and left alone
CREATE UNIQUE INDEX order_lines_key ON shop.order_lines (order_id, product_id);
INSERT INTO shop.order_lines VALUES (1, 1, '2025-01-01'), (2, 1, '2025-01-01');
DELETE FROM shop.orders_h_log;
INSERT INTO shop.order_lines VALUES (1, 1, '2025-01-02'), (3, 1, '2025-01-02')
	ON CONFLICT (order_id, product_id) DO UPDATE SET ordered_at = EXCLUDED.ordered_at;
SELECT * FROM pg_temp.take('shop.orders_h_log');
INSERT INTO shop.order_lines VALUES (1, 1, '2025-01-03') ON CONFLICT DO NOTHING;
SELECT * FROM pg_temp.take('shop.orders_h_log');
-- MERGE where the server has it, otherwise the same by hand
SELECT current_setting('server_version_num')::integer >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO shop.order_lines AS o USING (VALUES (1, 1, 'delete'), (2, 1, 'update'), (4, 1, 'insert')) AS n (order_id, product_id, what)
	ON o.order_id = n.order_id AND o.product_id = n.product_id
	WHEN MATCHED AND what = 'delete' THEN DELETE
	WHEN MATCHED THEN UPDATE SET order_id = 12
	WHEN NOT MATCHED THEN INSERT VALUES (n.order_id, n.product_id, '2025-01-01');
\else
DELETE FROM shop.order_lines WHERE order_id = 1;
UPDATE shop.order_lines SET order_id = 12 WHERE order_id = 2;
INSERT INTO shop.order_lines VALUES (4, 1, '2025-01-01');
\endif
SELECT * FROM pg_temp.take('shop.orders_h_log');
DROP INDEX shop.order_lines_key;

-- what is rolled back leaves nothing
BEGIN;
INSERT INTO shop.order_lines VALUES (50, 1);
SAVEPOINT a;
INSERT INTO shop.order_lines VALUES (51, 1);
ROLLBACK TO a;
INSERT INTO shop.order_lines VALUES (52, 1);
COMMIT;
BEGIN;
INSERT INTO shop.order_lines VALUES (53, 1);
ROLLBACK;
SELECT * FROM pg_temp.take('shop.orders_h_log');

-- an index that somebody adds to the log is kept, too
CREATE INDEX log_basket ON shop.orders_h_log (basket);
INSERT INTO shop.order_lines VALUES (60, 1);
INSERT INTO shop.order_lines VALUES (61, 1), (62, 1);
SET enable_seqscan = off;
SELECT basket FROM shop.orders_h_log WHERE basket BETWEEN 60 AND 62 ORDER BY basket;
RESET enable_seqscan;
DROP INDEX shop.log_basket;
DELETE FROM shop.orders_h_log;

--
-- Foreign keys write, too
--
CREATE TABLE shop.orders (id integer PRIMARY KEY, status text);
INSERT INTO shop.orders SELECT g, 'paid' FROM generate_series(1, 5) AS g;
CREATE TABLE shop.lines (order_id integer REFERENCES shop.orders ON DELETE CASCADE ON UPDATE CASCADE, product_id uuid);
CREATE INDEX ON shop.lines (order_id);
INSERT INTO shop.lines SELECT g, '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 5) AS g;
SELECT personalize.create_history('shop.lines_h', interactions => 'shop.lines', basket => 'order_id', item => 'product_id', build => false);
DELETE FROM shop.orders WHERE id IN (1, 2);
SELECT * FROM pg_temp.take('shop.lines_h_log');
UPDATE shop.orders SET id = 30 WHERE id = 3;
SELECT * FROM pg_temp.take('shop.lines_h_log');

--
-- Tables below a view: by column and by expression, any column counts
--
CREATE TABLE shop.customers (id integer PRIMARY KEY, email text COLLATE "C");
ALTER TABLE shop.orders ADD customer_id integer;
CREATE VIEW shop.bought AS SELECT c.email, l.product_id FROM shop.lines AS l JOIN shop.orders AS o ON o.id = l.order_id
	JOIN shop.customers AS c ON c.id = o.customer_id WHERE o.status = 'paid';
CREATE FUNCTION shop.email_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM shop.customers WHERE id = $1';
SELECT personalize.create_history('shop.bought_h', interactions => 'shop.bought', basket => 'email', item => 'product_id', build => false,
	watch => '{"shop.customers": "email", "shop.orders": "shop.email_of(customer_id)",
		"shop.lines": "(SELECT c.email FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id WHERE o.id = lines.order_id)"}');
INSERT INTO shop.customers VALUES (1, 'ann'), (2, 'bob');
SELECT * FROM pg_temp.take('shop.bought_h_log');
UPDATE shop.orders SET customer_id = 1 WHERE id IN (4, 5);
SELECT * FROM pg_temp.take('shop.bought_h_log');
UPDATE shop.orders SET customer_id = 2 WHERE id = 5;
SELECT * FROM pg_temp.take('shop.bought_h_log');
UPDATE shop.orders SET status = 'returned' WHERE id = 4;
SELECT * FROM pg_temp.take('shop.bought_h_log');
DELETE FROM shop.lines WHERE order_id = 5;
SELECT * FROM pg_temp.take('shop.bought_h_log');
UPDATE shop.customers SET email = 'Ann' WHERE id = 1;
SELECT * FROM pg_temp.take('shop.bought_h_log');
DELETE FROM shop.orders WHERE id = 4;
SELECT * FROM pg_temp.take('shop.bought_h_log');
-- the writer's search_path does not matter; an error in an expression is the writer's
SET search_path = pg_temp;
UPDATE shop.orders SET status = 'paid' WHERE id = 5;
RESET search_path;
SELECT * FROM pg_temp.take('shop.bought_h_log');
CREATE OR REPLACE FUNCTION shop.email_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT (1 / ($1 - $1))::text';
UPDATE shop.orders SET status = 'lost' WHERE id = 5;
-- one that cannot be understood any more is not
ALTER TABLE shop.orders RENAME customer_id TO customer;
UPDATE shop.orders SET status = 'lost' WHERE id = 5;
SELECT * FROM pg_temp.take('shop.bought_h_log');
SELECT problem FROM personalize.status WHERE relation = 'shop.bought_h'::regclass;
ALTER TABLE shop.orders RENAME customer TO customer_id;
-- the view itself, and one below it
CREATE OR REPLACE VIEW shop.bought AS SELECT c.email, l.product_id FROM shop.lines AS l JOIN shop.orders AS o ON o.id = l.order_id
	JOIN shop.customers AS c ON c.id = o.customer_id;
SELECT * FROM pg_temp.take('shop.bought_h_log');

--
-- Partitions: written directly, through any level, attached, detached, dropped
--
CREATE TABLE shop.views (session text, item smallint, at timestamptz) PARTITION BY RANGE (at);
CREATE INDEX ON shop.views (session);
CREATE TABLE shop.views_1 PARTITION OF shop.views FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE shop.views_2 PARTITION OF shop.views FOR VALUES FROM ('2025-02-01') TO ('2025-03-01') PARTITION BY LIST (item);
CREATE TABLE shop.views_2a PARTITION OF shop.views_2 FOR VALUES IN (1);
CREATE TABLE shop.views_2b PARTITION OF shop.views_2 DEFAULT;
SELECT personalize.create_history('shop.views_h', interactions => 'shop.views', basket => 'session', item => 'item', happened => 'at');
INSERT INTO shop.views VALUES ('a', 1, '2025-01-01'), ('b', 1, '2025-02-01'), ('c', 2, '2025-02-01');
SELECT * FROM pg_temp.take('shop.views_h_log');
INSERT INTO shop.views_1 VALUES ('d', 1, '2025-01-01');
INSERT INTO shop.views_2 VALUES ('e', 1, '2025-02-01');
INSERT INTO shop.views_2b VALUES ('f', 2, '2025-02-01');
SELECT * FROM pg_temp.take('shop.views_h_log');
-- from one partition to another, for which the second may have no use
UPDATE shop.views SET at = '2025-02-02', session = 'A' WHERE session = 'a';
SELECT * FROM pg_temp.take('shop.views_h_log');
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER refuse BEFORE INSERT ON shop.views_2a FOR EACH ROW EXECUTE FUNCTION shop.refuse();
UPDATE shop.views SET at = '2025-02-02' WHERE session = 'd';
SELECT * FROM pg_temp.take('shop.views_h_log');
DROP TRIGGER refuse ON shop.views_2a;
TRUNCATE shop.views_2a;
SELECT * FROM pg_temp.take('shop.views_h_log');
CREATE TABLE shop.views_3 PARTITION OF shop.views FOR VALUES FROM ('2025-03-01') TO ('2025-04-01') PARTITION BY LIST (item);
CREATE TABLE shop.views_3a PARTITION OF shop.views_3 DEFAULT;
INSERT INTO shop.views_3a VALUES ('g', 1, '2025-03-01');
SELECT * FROM pg_temp.take('shop.views_h_log');
CREATE TABLE shop.old (item smallint, at timestamptz, session text) PARTITION BY LIST (item);
CREATE TABLE shop.old_a PARTITION OF shop.old DEFAULT;
INSERT INTO shop.old VALUES (1, '2024-12-01', 'h');
ALTER TABLE shop.views ATTACH PARTITION shop.old FOR VALUES FROM ('2024-12-01') TO ('2025-01-01');
SELECT * FROM pg_temp.take('shop.views_h_log');
INSERT INTO shop.old_a VALUES (1, '2024-12-02', 'i');
SELECT * FROM pg_temp.take('shop.views_h_log');
SELECT relation, needs_rebuild, problem FROM personalize.status WHERE relation = 'shop.views_h'::regclass;
ALTER TABLE shop.views DETACH PARTITION shop.old;
SELECT needs_rebuild, problem FROM personalize.status WHERE relation = 'shop.views_h'::regclass;
INSERT INTO shop.old_a VALUES (1, '2024-12-03', 'j');
SELECT * FROM pg_temp.take('shop.views_h_log');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('shop.old'::regclass, 'shop.old_a'::regclass);
DROP TABLE shop.views_3;
SELECT * FROM pg_temp.take('shop.views_h_log');
DROP TABLE shop.views_2b;
SELECT * FROM pg_temp.take('shop.views_h_log');
-- children of plain inheritance
CREATE TABLE shop.lines_2 () INHERITS (shop.lines);
INSERT INTO shop.lines_2 VALUES (77, NULL);
SELECT * FROM pg_temp.take('shop.lines_h_log');
ALTER TABLE shop.lines_2 NO INHERIT shop.lines;
INSERT INTO shop.lines_2 VALUES (78, NULL);
SELECT * FROM pg_temp.take('shop.lines_h_log');

--
-- Columns, triggers, policies
--
ALTER TABLE shop.order_lines ADD color text, ALTER note SET DEFAULT 'x', ADD CHECK (product_id > 0);
SELECT * FROM pg_temp.take('shop.orders_h_log');
ALTER TABLE shop.order_lines RENAME order_id TO "order";
ALTER TABLE shop.order_lines RENAME product_id TO "select";
INSERT INTO shop.order_lines VALUES (80, 1);
UPDATE shop.order_lines SET "select" = 2 WHERE "order" = 80;
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT basket, item FROM personalize.history WHERE relation = 'shop.orders_h'::regclass;
ALTER TABLE shop.order_lines ALTER note TYPE varchar(100);
SELECT * FROM pg_temp.take('shop.orders_h_log');
ALTER TABLE shop.order_lines ALTER "select" TYPE integer;
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass;
ALTER TABLE shop.order_lines ALTER "select" TYPE bigint;
ALTER TABLE shop.order_lines DROP note;
DELETE FROM shop.orders_h_log;
ALTER TABLE shop.order_lines DISABLE TRIGGER USER;
SELECT regexp_replace(problem, '\d+', 'N') AS problem, needs_rebuild FROM personalize.status WHERE relation = 'shop.orders_h'::regclass;
INSERT INTO shop.order_lines VALUES (81, 1);
SELECT * FROM pg_temp.take('shop.orders_h_log');
ALTER TABLE shop.order_lines ENABLE TRIGGER USER;
SELECT problem, needs_rebuild FROM personalize.status WHERE relation = 'shop.orders_h'::regclass;
DELETE FROM shop.orders_h_log;
ALTER TABLE shop.order_lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON shop.order_lines USING (true);
DROP POLICY everything ON shop.order_lines;
ALTER TABLE shop.order_lines DISABLE ROW LEVEL SECURITY;
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT tgname AS name FROM pg_trigger WHERE tgrelid = 'shop.order_lines'::regclass AND tgname LIKE '%delete' \gset
DROP TRIGGER :name ON shop.order_lines;
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass;
ALTER TABLE shop.order_lines DROP "order";
INSERT INTO shop.order_lines VALUES (1);
SELECT * FROM pg_temp.take('shop.orders_h_log');
SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass;

--
-- Dropping takes along what belongs to it
--
SELECT personalize.drop_history('shop.orders_h');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.order_lines'::regclass;
DROP TABLE shop.views_h;
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('shop.views'::regclass, 'shop.views_1'::regclass, 'shop.views_2a'::regclass);
SELECT relation FROM personalize.history ORDER BY id;
DROP TABLE shop.lines;
BEGIN;
SELECT personalize.create_history('shop.twice_h', interactions => 'shop.order_lines', basket => 'select', item => 'select', build => false);
INSERT INTO shop.order_lines VALUES (9);
SELECT * FROM pg_temp.take('shop.twice_h_log');
ROLLBACK;
INSERT INTO shop.order_lines VALUES (10);
SELECT personalize.create_history('shop.twice_h', interactions => 'shop.order_lines', basket => 'select', item => 'select', build => false);
INSERT INTO shop.order_lines VALUES (11);
SELECT * FROM pg_temp.take('shop.twice_h_log');

--
-- Hostile names; writers without a right on the log; triggers that somebody else attaches
--
CREATE SCHEMA "a""b'c";
CREATE TABLE "a""b'c"."t.""'$$; DROP" ("k"";--" varchar(20), "i'\" integer);
CREATE INDEX ON "a""b'c"."t.""'$$; DROP" ("k"";--");
SELECT personalize.create_history('"a""b''c"."h''"', interactions => '"a""b''c"."t.""''$$; DROP"', basket => 'k";--', item => 'i''\', build => false);
CREATE ROLE personalize_test_writer;
GRANT USAGE ON SCHEMA "a""b'c" TO personalize_test_writer;
GRANT INSERT ON "a""b'c"."t.""'$$; DROP" TO personalize_test_writer;
GRANT CREATE, USAGE ON SCHEMA shop TO personalize_test_writer;
SET ROLE personalize_test_writer;
INSERT INTO "a""b'c"."t.""'$$; DROP" VALUES (E'it''s', 1), ('b"', 2);
SELECT count(*) FROM "a""b'c"."h'_log";
RESET ROLE;
-- what an index of the log runs, it runs as the owner
CREATE FUNCTION shop.whose(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN RAISE WARNING ''as the writer: %'', current_user = ''personalize_test_writer''; RETURN true; END';
CREATE INDEX whose ON "a""b'c"."h'_log" (shop.whose(basket)) WHERE basket = 'd';
SET ROLE personalize_test_writer;
INSERT INTO "a""b'c"."t.""'$$; DROP" VALUES ('d', 1);
RESET ROLE;
DROP INDEX "a""b'c".whose;
SELECT * FROM pg_temp.take('"a""b''c"."h''_log"');
ALTER TABLE "a""b'c"."t.""'$$; DROP" RENAME "k"";--" TO "k2'";
INSERT INTO "a""b'c"."t.""'$$; DROP" VALUES ('c');
SELECT * FROM pg_temp.take('"a""b''c"."h''_log"');
SELECT id FROM personalize.history WHERE relation = '"a""b''c"."h''"'::regclass \gset
SET ROLE personalize_test_writer;
CREATE TABLE shop.mine ("k2'" varchar(20));
CREATE TRIGGER sly AFTER INSERT ON shop.mine REFERENCING NEW TABLE AS personalize_new FOR EACH STATEMENT
	EXECUTE FUNCTION personalize.log_changes(:id);
INSERT INTO shop.mine VALUES ('forged');
CREATE TRIGGER wrong AFTER INSERT ON shop.mine FOR EACH ROW EXECUTE FUNCTION personalize.log_changes('x', 'y');
INSERT INTO shop.mine VALUES ('forged');
CREATE TRIGGER before BEFORE INSERT ON shop.mine FOR EACH ROW EXECUTE FUNCTION personalize.log_changes(:id);
INSERT INTO shop.mine VALUES ('forged');
DROP TABLE shop.mine;
RESET ROLE;
SELECT * FROM pg_temp.take('"a""b''c"."h''_log"');
SELECT personalize.log_changes();
SELECT personalize.ddl_end();

--
-- Rows that come by replication, if that is asked for
--
CREATE TABLE shop.copied (b integer, i integer) PARTITION BY LIST (b);
CREATE TABLE shop.copied_1 PARTITION OF shop.copied DEFAULT;
CREATE INDEX ON shop.copied (b);
SELECT personalize.create_history('shop.copied_h', interactions => 'shop.copied', basket => 'b', item => 'i', replica => true, build => false);
CREATE TABLE shop.copied_2 PARTITION OF shop.copied FOR VALUES IN (2);
SELECT tgrelid::regclass AS relation, regexp_replace(tgname, '\d+', 'N') AS name, tgenabled
	FROM pg_trigger WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('shop.copied')) ORDER BY tgrelid::regclass::text COLLATE "C", tgtype, tgname COLLATE "C";
SET session_replication_role = replica;
INSERT INTO shop.copied VALUES (1, 1), (2, 1);
UPDATE shop.copied SET i = i;
UPDATE shop.copied SET b = 3 WHERE b = 1;
DELETE FROM shop.copied WHERE b = 2;
TRUNCATE shop.copied_2;
SELECT * FROM pg_temp.take('shop.copied_h_log');
INSERT INTO shop.order_lines VALUES (12);
RESET session_replication_role;
SELECT * FROM pg_temp.take('shop.twice_h_log');
INSERT INTO shop.copied VALUES (4, 1);
SELECT * FROM pg_temp.take('shop.copied_h_log');

DROP SCHEMA shop, "a""b'c" CASCADE;
SELECT (SELECT count(*) FROM personalize.history), (SELECT count(*) FROM personalize.catalog), (SELECT count(*) FROM personalize.watch);
DROP ROLE personalize_test_writer;
