-- Segments whose tables their owner has changed, whose schema has another name, and whose readers ask for more than they may know.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_personalize_curious;
CREATE SCHEMA sh;
CREATE TABLE sh.customers (customer_id integer PRIMARY KEY, country text);
CREATE TABLE sh.orders (order_id integer PRIMARY KEY, customer_id integer, ordered_at timestamptz);
CREATE INDEX ON sh.orders (customer_id);
INSERT INTO sh.customers SELECT i, CASE i % 2 WHEN 0 THEN 'IN' ELSE 'GB' END FROM generate_series(1, 20) AS i;
INSERT INTO sh.orders SELECT i, i % 10 + 1, now() - i * interval '1 hour' FROM generate_series(1, 60) AS i;
SELECT personalize.create_activity('sh.activity', 'sh.customers', 'customer_id',
	'{"purchase": {"table": "sh.orders", "customer": "customer_id", "at": "ordered_at"}}');
SELECT personalize.create_segment('sh.buyers', 'sh.customers', 'customer_id', 'did(purchase, 30 days)');
SELECT personalize.create_segment('sh.indians', 'sh.customers', 'customer_id', 'attr(country) = "IN" and in(sh.buyers)');

-- ---------------------------------------------------------------- a schema with another name
ALTER SCHEMA sh RENAME TO "S'h";
SELECT count(*) FROM "S'h".indians();
SELECT segment, rule, problem FROM personalize.segments WHERE segment::text ~ 'buyers|indians' ORDER BY segment::text;
ALTER SCHEMA "S'h" RENAME TO sh;
SELECT count(*) FROM sh.indians();

-- ---------------------------------------------------------------- an activity table that its owner has changed
BEGIN;
ALTER TABLE sh.activity ALTER activity TYPE integer USING 5;
SAVEPOINT here;
SELECT * FROM personalize.segment_explain('sh.buyers', 2);
ROLLBACK TO here;
SELECT * FROM personalize.segment_preview('did(purchase)', 'sh.customers');
ROLLBACK TO here;
SELECT personalize.in_segment('sh.buyers', 2);
ROLLBACK;
BEGIN;
ALTER TABLE sh.activity ALTER customer_id TYPE text;
SELECT * FROM personalize.segment_preview('did(purchase)', 'sh.customers');
ROLLBACK;

-- ---------------------------------------------------------------- a segment of one owner, who looks at customers with his rights, and an activity of another
BEGIN;
ALTER TABLE sh.buyers OWNER TO regress_personalize_curious;
INSERT INTO sh.orders VALUES (1000, 20, now());
SELECT personalize.in_segment('sh.buyers', 20);
ROLLBACK;

-- ---------------------------------------------------------------- its function: pg_dump leaves out what is internal, so it is not
SELECT deptype FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = 'sh.indians()'::regprocedure AND refobjid = 'sh.indians'::regclass;
BEGIN;
DROP FUNCTION sh.indians();
SELECT segment, problem FROM personalize.segments WHERE segment::text ~ '^sh' ORDER BY segment::text;
ROLLBACK;
BEGIN;
SELECT personalize.drop_segment('sh.indians');
SELECT to_regprocedure('sh.indians()');
ROLLBACK;

-- ---------------------------------------------------------------- who may read members may not therefore read why
GRANT USAGE ON SCHEMA sh TO regress_personalize_curious;
GRANT SELECT ON sh.indians, sh.buyers TO regress_personalize_curious;
SET ROLE regress_personalize_curious;
SELECT personalize.in_segment('sh.indians', 2);
SELECT * FROM personalize.segment_explain('sh.buyers', 2);
RESET ROLE;
GRANT SELECT ON sh.activity TO regress_personalize_curious;
SET ROLE regress_personalize_curious;
SELECT count(*) FROM personalize.segment_explain('sh.buyers', 2);
SELECT * FROM personalize.segment_explain('sh.indians', 2);
RESET ROLE;
GRANT SELECT ON sh.customers TO regress_personalize_curious;
SET ROLE regress_personalize_curious;
SELECT condition, value FROM personalize.segment_explain('sh.indians', 2);
RESET ROLE;

DROP SCHEMA sh CASCADE;
SELECT count(*) FROM personalize.segment WHERE relation::text ~ '^sh[.]';
DROP ROLE regress_personalize_curious;
