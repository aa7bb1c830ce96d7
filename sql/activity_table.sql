-- Activity tables: what each customer did, kept from the shop's tables.
CREATE SCHEMA acting;
SET search_path = acting, personalize, public;
SET timezone = 'UTC';
SET client_min_messages = warning;

CREATE TABLE customers (customer_id integer PRIMARY KEY, country text, zone text, consent text[]);
CREATE TABLE orders (order_id integer PRIMARY KEY, customer_id integer, ordered_at timestamptz, total numeric);
CREATE INDEX ON orders (customer_id);
CREATE TABLE clicks (customer_id smallint, kind text, at timestamp, note text);
CREATE INDEX ON clicks (customer_id);
INSERT INTO customers VALUES (1, 'GB', 'Europe/London', '{email}'), (2, 'IN', 'Asia/Kolkata', NULL), (3, NULL, 'Atlantis', '{}'), (4, 'GB', NULL, NULL);
INSERT INTO orders VALUES (1, 1, '2026-01-05 10:20+00', 19.99), (2, 1, '2026-01-01 09:00+00', 5), (3, 2, '2026-01-02 00:00+00', NULL), (4, 99, '2026-01-03', 1);
INSERT INTO clicks VALUES (1, 'cart', '2026-01-05 10:00'), (1, 'view', '2026-01-05 09:59:58.5'), (2, 'view', '2026-01-06');

-- ---------------------------------------------------------------- making one
SELECT create_activity('activity', customers => 'customers', key => 'customer_id', zone => 'zone', default_zone => 'Europe/Berlin', consent => 'consent',
	events => '{"purchase": {"table": "orders", "customer": "customer_id", "at": "ordered_at", "amount": "total"},
				"*": {"table": "clicks", "event": "kind", "customer": "customer_id", "at": "at"}}');
SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute WHERE attrelid = 'activity'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM activity ORDER BY customer_id;
SELECT relation, kind, source, built, pending, needs_rebuild, problem, baskets, items, last_baskets, definition FROM status WHERE kind = 'activity';
SELECT relation, event, event_column, customer, at, amount FROM activity_source ORDER BY place;
SELECT relation, key, expression FROM watch AS w WHERE id = (SELECT id FROM activity_table) ORDER BY relation::text;
SELECT * FROM verify('activity');

-- ---------------------------------------------------------------- changes
INSERT INTO orders VALUES (5, 4, '2026-02-01', 100), (6, 3, '2026-02-01', 7);
UPDATE orders SET customer_id = 2 WHERE order_id = 2;
DELETE FROM clicks WHERE kind = 'cart';
INSERT INTO customers VALUES (99), (5);
DELETE FROM customers WHERE customer_id = 3;
-- what the definition does not read changes nothing
UPDATE clicks SET note = 'n';
SELECT pending FROM status WHERE relation = 'activity'::regclass;
SELECT * FROM verify('activity');
CREATE TABLE before AS SELECT customer_id, xmin::text::bigint AS x FROM activity;
CALL refresh('activity');
SELECT * FROM activity ORDER BY customer_id;
SELECT baskets, last_baskets, pending FROM status WHERE relation = 'activity'::regclass;
SELECT * FROM verify('activity');

-- rows that are right already are not written, by neither way
TRUNCATE before;
INSERT INTO before SELECT customer_id, xmin::text::bigint FROM activity;
CALL refresh('activity', rebuild => true);
UPDATE orders SET total = total WHERE false;
INSERT INTO clicks VALUES (5, NULL, '2026-01-01'), (5, '', '2026-01-01'), (5, repeat('x', 201), '2026-01-01'), (5, 'view', NULL), (5, 'view', 'infinity'), (NULL, 'view', '2026-01-01');
CALL refresh('activity');
SELECT count(*) FROM activity JOIN before USING (customer_id) WHERE activity.xmin::text::bigint <> before.x;
-- an amount that is none
INSERT INTO orders VALUES (7, 5, '2026-02-02', 'NaN'), (8, 5, '2026-02-03', 1e20), (9, 5, '2026-02-04', -0.00005), (10, 5, '20000-01-01', 1);
CALL refresh('activity');
SELECT activity FROM activity WHERE customer_id = 5;

-- in one transaction, and rolled back
BEGIN;
INSERT INTO orders VALUES (11, 1, '2026-03-01', 1);
SAVEPOINT s;
INSERT INTO orders VALUES (12, 2, '2026-03-01', 1);
CALL refresh('activity');
ROLLBACK TO s;
CALL refresh('activity');
SELECT customer_id, activity FROM activity WHERE customer_id <= 2 ORDER BY customer_id;
ROLLBACK;
CALL refresh('activity');
SELECT customer_id, activity FROM activity WHERE customer_id <= 2 ORDER BY customer_id;

-- ---------------------------------------------------------------- DDL
TRUNCATE clicks;
SELECT pending, needs_rebuild FROM status WHERE relation = 'activity'::regclass;
CALL refresh('activity');
SELECT customer_id, activity FROM activity WHERE customer_id <= 2 ORDER BY customer_id;
ALTER TABLE orders RENAME total TO paid;
ALTER TABLE customers RENAME zone TO time_zone;
ALTER TABLE clicks RENAME customer_id TO who;
ALTER TABLE customers ADD COLUMN extra integer;
SELECT pending, needs_rebuild, problem, definition FROM status WHERE relation = 'activity'::regclass;
INSERT INTO clicks VALUES (1, 'view', '2026-04-01');
UPDATE orders SET paid = 6 WHERE order_id = 2;
CALL refresh('activity', rebuild => false);
SELECT customer_id, activity FROM activity WHERE customer_id <= 2 ORDER BY customer_id;
ALTER TABLE orders ALTER ordered_at TYPE date USING ordered_at::date;
SELECT needs_rebuild FROM status WHERE relation = 'activity'::regclass;
CALL refresh('activity', rebuild => false);
SELECT activity FROM activity WHERE customer_id = 2;
ALTER TABLE orders ALTER ordered_at TYPE text;
SELECT problem, needs_rebuild FROM status WHERE relation = 'activity'::regclass;
CALL refresh('activity');
ALTER TABLE orders ALTER ordered_at TYPE timestamptz USING ordered_at::timestamptz;
ALTER TABLE orders DISABLE TRIGGER USER;
UPDATE orders SET paid = 8 WHERE order_id = 2;
SELECT problem FROM status WHERE relation = 'activity'::regclass;
ALTER TABLE orders ENABLE TRIGGER USER;
CALL refresh('activity');
SELECT * FROM verify('activity');
ALTER TABLE clicks DROP COLUMN kind;
SELECT problem FROM status WHERE relation = 'activity'::regclass;
CALL refresh('activity');
ALTER TABLE clicks ADD COLUMN kind text;
CALL refresh('activity');
SELECT * FROM activity ORDER BY customer_id;

-- ---------------------------------------------------------------- proof, erasure
UPDATE activity SET activity = '{view: 2026-01-01T00:00:00Z}' WHERE customer_id = 1;
DELETE FROM activity WHERE customer_id = 4;
INSERT INTO activity VALUES (77, '{}');
SELECT * FROM verify('activity') ORDER BY item, neighbor;
CALL refresh('activity', rebuild => true);
SELECT * FROM verify('activity');
SELECT erase('activity', 2);
DELETE FROM customers WHERE customer_id = 2;
SELECT erase('activity', 2);
DELETE FROM orders WHERE customer_id = 2;
SELECT erase('activity', 2);
SELECT pending, baskets FROM status WHERE relation = 'activity'::regclass;
SELECT customer_id FROM activity ORDER BY customer_id;
SELECT erase('activity', 3000000000);
-- a customer twice is nobody
ALTER TABLE customers DROP CONSTRAINT customers_pkey;
INSERT INTO customers VALUES (1);
CALL refresh('activity');
CALL refresh('activity', rebuild => true);
DELETE FROM customers WHERE customer_id = 1 AND country IS NULL;

-- ---------------------------------------------------------------- segments come along
ALTER TABLE customers ADD PRIMARY KEY (customer_id);
SELECT create_segment('british', 'customers', 'customer_id', 'attr(country) = GB and did(purchase)');
SELECT drop_activity('activity');
DROP TABLE activity;
INSERT INTO orders VALUES (20, 99, '2026-01-01', 1);
UPDATE customers SET country = 'GB' WHERE customer_id = 99;
CALL refresh('british');
SELECT customer_id FROM british ORDER BY customer_id;
SELECT * FROM verify('activity');
-- a column that a rule asks for
ALTER TABLE customers ALTER country TYPE varchar(2);
SELECT needs_rebuild FROM status WHERE relation = 'activity'::regclass;
CALL refresh('activity');
SELECT drop_segment('british');

-- ---------------------------------------------------------------- other keys, a view, scores
CREATE TABLE people (name text PRIMARY KEY, consent jsonb);
CREATE TABLE sessions (session integer PRIMARY KEY, name text);
CREATE TABLE pages (session integer, seen date);
CREATE TABLE marks (name text, model text, score real);
CREATE VIEW visits AS SELECT s.name, p.seen FROM sessions AS s JOIN pages AS p USING (session);
INSERT INTO people VALUES ('zoë', '["sms"]'), ('Ann', '{"email": true, "sms": false}'), ('bob', NULL);
INSERT INTO sessions VALUES (1, 'zoë'), (2, 'bob');
INSERT INTO pages VALUES (1, '2026-01-01'), (1, '2026-01-02'), (2, '2026-01-03');
INSERT INTO marks VALUES ('bob', 'churn', 0.5), ('bob', 'churn', 0.25);
CREATE INDEX ON sessions (name);
CREATE INDEX ON marks (name);
SELECT create_activity('acts', 'people', 'name', '{"visit": {"table": "visits", "customer": "name", "at": "seen"}}');
SELECT create_activity('acts', 'people', 'name', consent => 'consent', scores => '{"table": "marks", "customer": "name", "model": "model", "score": "score"}',
	events => '{"visit": {"table": "visits", "customer": "name", "at": "seen", "watch":
		{"acting.sessions": "name", "acting.pages": "(SELECT s.name FROM acting.sessions AS s WHERE s.session = pages.session FOR SHARE)"}}}');
SELECT name, activity, ordinal FROM acts ORDER BY ordinal;
DELETE FROM people WHERE name = 'bob';
INSERT INTO people VALUES ('carl');
INSERT INTO pages VALUES (1, '2026-01-04');
CALL refresh('acts');
INSERT INTO people VALUES ('bob');
CALL refresh('acts');
SELECT name, activity, ordinal FROM acts ORDER BY ordinal;
SELECT * FROM verify('acts');
SELECT create_segment('texted', 'people', 'name', 'consent(sms) or consent(email) or score(churn) >= 0.5');
SELECT name FROM texted ORDER BY name;
UPDATE marks SET score = 0.75 WHERE score < 0.3;
DELETE FROM people WHERE name = 'Ann';
CALL refresh('acts');
SELECT name FROM texted ORDER BY name;
SELECT definition FROM status WHERE relation = 'acts'::regclass;
CREATE OR REPLACE VIEW visits AS SELECT s.name, p.seen FROM sessions AS s JOIN pages AS p USING (session) WHERE p.seen > '2026-01-01';
SELECT needs_rebuild FROM status WHERE relation = 'acts'::regclass;
CALL refresh('acts');
SELECT name, activity, ordinal FROM acts ORDER BY ordinal;
ALTER TABLE acts OWNER TO CURRENT_USER;

-- ---------------------------------------------------------------- what is refused
SELECT create_activity(NULL, 'customers', 'customer_id', '{}');
SELECT create_activity('x', 'customers', 'customer_id', '{}');
SELECT create_activity('x', 'customers', 'customer_id', '[]');
SELECT create_activity('x', 'customers', 'nowhere', '{"a": {}}');
SELECT create_activity('x', 'customers', 'consent', '{"a": {}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": 1}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "nowhere", "customer": "c", "at": "a"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "order_id", "at": "paid"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at", "amount": "ordered_at"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at", "ammount": "paid"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "clicks", "customer": "who", "at": "at", "event": "kind"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"*": {"table": "clicks", "customer": "who", "at": "at"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"": {"table": "clicks", "customer": "who", "at": "at"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "clicks", "customer": 7, "at": "at"}}');
SELECT create_activity('x', 'people', 'name', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}, "b": {"table": "orders", "customer": "order_id", "at": "ordered_at"}}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}', default_zone => 'Atlantis');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}', consent => 'country');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}', scores => '{"table": "marks"}');
SELECT create_activity('x', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}', watch => '{"orders": "customer_id"}');
SELECT create_activity('activity', 'customers', 'customer_id', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}');
CREATE VIEW odd AS SELECT 1 AS activity;
SELECT create_activity('x', 'odd', 'activity', '{"a": {"table": "orders", "customer": "customer_id", "at": "ordered_at"}}');
SELECT to_regclass('x'), (SELECT count(*) FROM activity_table) AS tables, (SELECT count(DISTINCT id) FROM activity_source) AS with_sources;
SELECT drop_activity('customers');
CALL refresh('customers');
SELECT * FROM verify('customers');

-- ---------------------------------------------------------------- one table for all, by expression
CREATE TABLE gifts (giver integer, taker integer, at timestamptz);
CREATE VIEW given AS SELECT giver AS customer_id, at FROM gifts;
CREATE VIEW taken AS SELECT taker AS customer_id, at FROM gifts;
SELECT create_activity('gifts_activity', 'customers', 'customer_id', '{"gave": {"table": "given", "customer": "customer_id", "at": "at", "watch": {"gifts": "giver"}}, "got": {"table": "taken", "customer": "customer_id", "at": "at", "watch": {"gifts": "taker"}}}');
SELECT create_activity('gifts_activity', 'customers', 'customer_id', '{"gave": {"table": "given", "customer": "customer_id", "at": "at", "watch": {"gifts": "unnest(ARRAY[giver, taker])"}},
	"got": {"table": "taken", "customer": "customer_id", "at": "at", "watch": {"gifts": "unnest(ARRAY[giver, taker])"}}}');
INSERT INTO gifts VALUES (1, 4, '2026-05-05');
CALL refresh('gifts_activity');
SELECT * FROM gifts_activity WHERE activity <> '{}' ORDER BY customer_id;

-- ---------------------------------------------------------------- gone
DROP TABLE orders;
DROP TABLE orders CASCADE;
SELECT relation FROM activity_table ORDER BY id;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'clicks'::regclass AND NOT tgisinternal;
SELECT drop_segment('texted');
SELECT drop_activity('acts');
DROP TABLE gifts_activity;
SELECT (SELECT count(*) FROM activity_table) AS tables, (SELECT count(*) FROM activity_source) AS sources, (SELECT count(*) FROM watch) AS watched, to_regclass('acts_log') AS log;
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('customers'::regclass, 'marks'::regclass, 'gifts'::regclass) AND NOT tgisinternal;
DROP SCHEMA acting CASCADE;
