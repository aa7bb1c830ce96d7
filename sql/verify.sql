-- What is exact gives no rows; what is not is named.
SET client_min_messages = warning;
CREATE ROLE regress_personalize_shop;
CREATE ROLE regress_personalize_reader;
CREATE SCHEMA verify_shop AUTHORIZATION regress_personalize_shop;
GRANT USAGE ON SCHEMA verify_shop TO regress_personalize_reader;
SET ROLE regress_personalize_shop;
CREATE TABLE verify_shop.lines (order_id integer, product_id integer, at timestamptz, quantity integer);
CREATE INDEX ON verify_shop.lines (order_id);
INSERT INTO verify_shop.lines
SELECT o, 1 + (o * l) % 11, timestamptz '2026-01-01 00:00+00' + o * interval '9 hours' + l * interval '1 minute', 1 + l % 2
  FROM generate_series(1, 200) AS o, generate_series(1, 5) AS l;
SELECT personalize.create_history('verify_shop.h', 'verify_shop.lines', 'order_id', 'product_id', happened => 'at', max_basket => 4);
SELECT personalize.create_history('verify_shop.w', 'verify_shop.lines', 'order_id', 'product_id', weight => 'quantity', catalog => 'verify_shop.h_items');
SELECT personalize.create_cooccurrence('verify_shop.plain', 'verify_shop.h', 'cosine');
SELECT personalize.create_cooccurrence('verify_shop.damped', 'verify_shop.h', 'llr', damping => 0.5, neighbors => 3);
SELECT personalize.create_cooccurrence('verify_shop.next', 'verify_shop.h', 'conditional', sequence => true, "window" => 2);
SELECT personalize.create_cooccurrence('verify_shop.recent', 'verify_shop.h', half_life => '20 days', generation => '10 days', min_count => 1);
SELECT personalize.create_cooccurrence('verify_shop.ridge', 'verify_shop.h', 'ridge', ridge_size => 5);
SELECT personalize.create_cooccurrence('verify_shop.weighted', 'verify_shop.w');
SELECT personalize.create_cooccurrence('verify_shop.directed', 'verify_shop.w', 'cosine', target => 'verify_shop.h');
CREATE FUNCTION verify_shop.all_models() RETURNS TABLE (model regclass, differences bigint) LANGUAGE sql AS $$
	SELECT s.relation, (SELECT count(*) FROM personalize.verify(s.relation)) FROM personalize.status AS s WHERE s.kind = 'model' ORDER BY s.relation::text COLLATE "C"
$$;
SELECT * FROM verify_shop.all_models();
-- changes that wait for a refresh are no differences, and none is left after it
UPDATE verify_shop.lines SET product_id = 12, at = at + interval '100 days' WHERE order_id % 10 = 3;
DELETE FROM verify_shop.lines WHERE order_id IN (7, 8);
SELECT * FROM verify_shop.all_models();
CALL personalize.refresh(rebuild => false);
SELECT * FROM verify_shop.all_models();
-- and a fresh build has the same face, bit for bit
CREATE TABLE verify_shop.before AS SELECT * FROM verify_shop.recent;
CALL personalize.refresh('verify_shop.h', rebuild => true);
SELECT * FROM verify_shop.all_models();
SELECT count(*) FROM (TABLE verify_shop.before EXCEPT TABLE verify_shop.recent) AS difference;

-- What somebody has changed behind our back
UPDATE verify_shop.plain SET counts[1] = 1, n = 5 WHERE item = 2;
SELECT what, item, neighbor, stored FROM personalize.verify('verify_shop.plain') ORDER BY what, item;
CALL personalize.refresh('verify_shop.h', rebuild => true);
SELECT count(*) FROM personalize.verify('verify_shop.plain');
DELETE FROM verify_shop.plain WHERE item = 2;
SELECT count(*) > 0 AS differs FROM personalize.verify('verify_shop.plain');
ALTER TABLE verify_shop.lines DISABLE TRIGGER USER;
UPDATE verify_shop.lines SET product_id = 99 WHERE order_id = 1;
ALTER TABLE verify_shop.lines ENABLE TRIGGER USER;
CALL personalize.refresh('verify_shop.h');
SELECT count(*) FROM personalize.verify('verify_shop.plain');
SELECT count(*) FROM personalize.verify('verify_shop.plain', sample => 0.5);

-- Arguments
SELECT * FROM personalize.verify('verify_shop.h');
SELECT * FROM personalize.verify(NULL);
SELECT * FROM personalize.verify('verify_shop.plain', sample => 2);
SELECT personalize.create_cooccurrence('verify_shop.empty', 'verify_shop.h', build => false);
SELECT * FROM personalize.verify('verify_shop.empty');
SELECT personalize.drop_model('verify_shop.empty');

-- Others need to read what is compared
GRANT SELECT ON verify_shop.plain TO regress_personalize_reader;
RESET ROLE;
SET ROLE regress_personalize_reader;
SELECT * FROM personalize.verify('verify_shop.plain');
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA verify_shop TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
SELECT count(*) FROM personalize.verify('verify_shop.plain');

-- Row-level security: the owner's view of the source is what counts, for a superuser too
RESET ROLE;
CREATE TABLE verify_shop.secured AS SELECT * FROM verify_shop.lines;
CREATE INDEX ON verify_shop.secured (order_id);
ALTER TABLE verify_shop.secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON verify_shop.secured TO regress_personalize_shop USING (order_id <= 50);
GRANT SELECT, TRIGGER ON verify_shop.secured TO regress_personalize_shop;
SET ROLE regress_personalize_shop;
SELECT personalize.create_history('verify_shop.s', 'verify_shop.secured', 'order_id', 'product_id');
SELECT personalize.create_cooccurrence('verify_shop.few', 'verify_shop.s');
SELECT num_baskets FROM personalize.history WHERE relation = 'verify_shop.s'::regclass;
RESET ROLE;
SELECT count(*) FROM personalize.verify('verify_shop.few');
CALL personalize.refresh('verify_shop.s', rebuild => true);
SELECT num_baskets FROM personalize.history WHERE relation = 'verify_shop.s'::regclass;

SET client_min_messages = warning;
DROP SCHEMA verify_shop CASCADE;
DROP ROLE regress_personalize_shop, regress_personalize_reader;
