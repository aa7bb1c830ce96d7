-- What status tells, and to whom.
CREATE ROLE regress_personalize_shop;
CREATE ROLE regress_personalize_reader;
CREATE SCHEMA status_shop AUTHORIZATION regress_personalize_shop;
GRANT USAGE ON SCHEMA status_shop TO regress_personalize_reader;
SET ROLE regress_personalize_shop;
CREATE TABLE status_shop.products (id bigint PRIMARY KEY, price numeric);
CREATE TABLE status_shop.lines (order_id bigint, product_id bigint, at timestamptz, kind text, quantity integer);
CREATE INDEX ON status_shop.lines (order_id);
INSERT INTO status_shop.lines SELECT o, p, timestamptz '2026-01-01 00:00+00' + o * interval '1 day', 'buy', 1 FROM generate_series(1, 10) AS o, generate_series(1, 3) AS p;
SELECT count(*) FROM personalize.status;
SELECT personalize.create_catalog('status_shop.items', 'status_shop.products', 'id', price => 'price');
SELECT personalize.create_history('status_shop.h', 'status_shop.lines', 'order_id', 'product_id', happened => 'at', weight => 'quantity',
	event => 'kind', events => '{buy,"it''s"}', event_weights => '{2,1}', max_basket => 100, horizon => '10 years', catalog => 'status_shop.items', build => false);
SELECT personalize.create_cooccurrence('status_shop.m', 'status_shop.h', damping => 0.5, min_count => 2, build => false);
SELECT relation, kind, source, built, pending, needs_rebuild, problem, baskets, items, bytes > 0 AS bytes, refreshed, rebuilt, last_baskets, last_pairs, last_items, last_ms
  FROM personalize.status;
SELECT relation, definition FROM personalize.status;
SET client_min_messages = warning;
CALL personalize.refresh('status_shop.h');
RESET client_min_messages;
SELECT relation, kind, built, pending, needs_rebuild, problem, baskets, items, refreshed IS NOT NULL AS refreshed, rebuilt IS NOT NULL AS rebuilt,
       last_baskets, last_pairs, last_items, last_ms > 0 AS last_ms
  FROM personalize.status;

-- Pending changes
INSERT INTO status_shop.lines VALUES (1, 9, '2026-01-01', 'buy', 1), (1, 8, '2026-01-01', 'buy', 1), (2, 9, '2026-01-01', 'buy', 1);
DELETE FROM status_shop.lines WHERE order_id = 1 AND product_id = 9;
INSERT INTO status_shop.products VALUES (1, 5);
SELECT relation, pending, needs_rebuild FROM personalize.status;
TRUNCATE status_shop.lines;
SELECT relation, pending, needs_rebuild FROM personalize.status;
SET client_min_messages = warning;
CALL personalize.refresh('status_shop.h');
RESET client_min_messages;
SELECT relation, pending, needs_rebuild, baskets, items FROM personalize.status;

-- Other models
SELECT personalize.create_history('status_shop.h2', 'status_shop.lines', 'order_id', 'product_id', happened => 'at', max_basket => NULL, catalog => 'status_shop.items');
SELECT personalize.create_cooccurrence('status_shop.directed', 'status_shop.h2', 'cosine', target => 'status_shop.h');
SELECT personalize.create_cooccurrence('status_shop.next', 'status_shop.h2', 'count', sequence => true, half_life => '90 days');
SELECT personalize.create_cooccurrence('status_shop.ridge', 'status_shop.h2', 'ridge', delta => 0.5, neighbors => 10);
SELECT personalize.create_catalog('status_shop.codes', item_type => 'text');
SELECT relation, source, definition FROM personalize.status WHERE relation::text ~ 'directed|next|ridge|h2|codes';

-- Readers see what they may read
RESET ROLE;
SET ROLE regress_personalize_reader;
SELECT relation FROM personalize.status;
RESET ROLE;
GRANT SELECT ON status_shop.m, status_shop.h TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
SELECT relation, pending, needs_rebuild, problem, items FROM personalize.status;

-- What is broken is told, and hides nothing else
SET ROLE regress_personalize_shop;
ALTER TABLE status_shop.lines DISABLE TRIGGER ALL;
SELECT relation FROM personalize.status WHERE problem IS NOT NULL;
ALTER TABLE status_shop.lines ENABLE TRIGGER ALL;
SELECT relation FROM personalize.status WHERE problem IS NOT NULL;
ALTER TABLE status_shop.lines DROP COLUMN quantity;
SELECT relation, problem FROM personalize.status WHERE problem IS NOT NULL;
RESET ROLE;
-- in a transaction that has failed before, and in a cursor
BEGIN;
DECLARE c CURSOR FOR SELECT relation, problem FROM personalize.status;
FETCH 1 FROM c;
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA status_shop CASCADE;
SELECT * FROM personalize.status;
DROP ROLE regress_personalize_shop, regress_personalize_reader;
