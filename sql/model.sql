-- Models, made by a role without special rights.
CREATE ROLE regress_personalize_shop;
CREATE SCHEMA model_shop AUTHORIZATION regress_personalize_shop;
SET ROLE regress_personalize_shop;
CREATE TABLE model_shop.bought (customer text, product uuid, at date, quantity integer);
CREATE TABLE model_shop.viewed (customer text, product uuid, at timestamp);
CREATE INDEX ON model_shop.bought (customer);
CREATE INDEX ON model_shop.viewed (customer);
INSERT INTO model_shop.bought
SELECT 'c' || c, ('00000000-0000-0000-0000-00000000000' || p)::uuid, date '2026-01-01' + c * 10 + p, 1
  FROM generate_series(1, 6) AS c, generate_series(1, 4) AS p WHERE c % p = 0;
INSERT INTO model_shop.viewed SELECT customer, product, at - interval '1 hour' FROM model_shop.bought WHERE customer < 'c5';

SELECT personalize.create_catalog('model_shop.items', item_type => 'uuid');
SELECT personalize.create_history('model_shop.b', 'model_shop.bought', 'customer', 'product', happened => 'at', catalog => 'model_shop.items');
SELECT personalize.create_history('model_shop.v', 'model_shop.viewed', 'customer', 'product', happened => 'at', catalog => 'model_shop.items');
SELECT personalize.create_history('model_shop.w', 'model_shop.bought', 'customer', 'product', weight => 'quantity', catalog => 'model_shop.items');

-- The face and the pair table
SELECT personalize.create_cooccurrence('model_shop.m', history => 'model_shop.b', measure => 'cosine', neighbors => 2);
SELECT right(item::text, 1) AS item, n, ARRAY(SELECT right(x::text, 1) FROM unnest(neighbors) AS x) AS neighbors, counts, scores
  FROM model_shop.m ORDER BY 1;
SELECT generation, n, n_target, length(base) > 0 AS base, length(delta) FROM model_shop.m_pairs ORDER BY item;
SELECT a.attrelid::regclass AS relation, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.attstorage
  FROM pg_attribute AS a WHERE a.attrelid IN ('model_shop.m'::regclass, 'model_shop.m_pairs'::regclass) AND a.attnum > 0
 ORDER BY a.attrelid::regclass::text COLLATE "C", a.attnum;
SELECT c.relname, c.reloptions, pg_get_userbyid(c.relowner) AS owner FROM pg_class AS c
 WHERE c.relnamespace = 'model_shop'::regnamespace AND c.relname LIKE 'm%' ORDER BY c.relname COLLATE "C";

-- What can be chosen
SELECT personalize.create_cooccurrence('model_shop.damped', 'model_shop.b', damping => 0.5, min_count => 0.5, shrinkage => 10, a => 0.5, b => 0.5, p => 2);
SELECT personalize.create_cooccurrence('model_shop.next', 'model_shop.b', 'conditional', sequence => true);
SELECT personalize.create_cooccurrence('model_shop.next2', 'model_shop.b', 'conditional', sequence => true, "window" => 2, build => false);
SELECT personalize.create_cooccurrence('model_shop.directed', 'model_shop.v', 'lift', target => 'model_shop.b');
SELECT personalize.create_cooccurrence('model_shop.recent', 'model_shop.b', half_life => '3 months', generation => '1 week');
SELECT personalize.create_cooccurrence('model_shop.recent2', 'model_shop.b', half_life => '36 hours', build => false);
SELECT personalize.create_cooccurrence('model_shop.ridge', 'model_shop.b', 'ridge', lambda => 3, delta => 0.5, ridge_size => 10, a => 0.4);
SELECT personalize.create_cooccurrence('model_shop.weighted', 'model_shop.w', 'cosine');
SELECT relation, history_id IS NOT NULL AS history, target_id IS NOT NULL AS target, sequence, "window", damping, half_life, generation_days, weighted,
	measure, shrinkage, a, b, p, z, lambda, delta, ridge_size, neighbors, min_count, built
  FROM personalize.model ORDER BY id;

-- Errors: names and histories
SELECT personalize.create_cooccurrence('model_shop.m', 'model_shop.b');
SELECT personalize.create_cooccurrence(NULL, 'model_shop.b');
SELECT personalize.create_cooccurrence('model_shop.x', NULL);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.bought');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.m');
-- scoring
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'cosinus');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', NULL);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'cosine', z => 2);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'kernel', a => 11);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'cosine', lambda => 2);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', neighbors => 0);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', neighbors => 1001);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', min_count => -1);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', min_count => 'NaN');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', lambda => 0);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', delta => -1);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', ridge_size => 513);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', z => 1);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', sequence => true);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', 'ridge', half_life => '1 month');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.v', 'ridge', target => 'model_shop.b');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.w', 'llr');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.v', 'llr', target => 'model_shop.w');
-- shape
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', damping => 2.5);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', damping => 'NaN');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', target => 'model_shop.b');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', target => 'model_shop.v', sequence => true);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', "window" => 3);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', sequence => true, "window" => 0);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.w', sequence => true);
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.w', half_life => '1 year');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', half_life => '0');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', generation => '30 days');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', half_life => '1 year', generation => '36 hours');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', half_life => '1 year', generation => '0');
CREATE TABLE model_shop.by_number (customer integer, product uuid);
CREATE INDEX ON model_shop.by_number (customer);
SELECT personalize.create_history('model_shop.n', 'model_shop.by_number', 'customer', 'product', catalog => 'model_shop.items');
SELECT personalize.create_history('model_shop.own', 'model_shop.bought', 'customer', 'product');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', target => 'model_shop.n');
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b', target => 'model_shop.own');
SELECT to_regclass('model_shop.x');

-- Another measure, from the counts
SELECT personalize.alter_model('model_shop.m', neighbors => 1);
SELECT right(item::text, 1) AS item, n, ARRAY(SELECT right(x::text, 1) FROM unnest(neighbors) AS x) AS neighbors, counts, scores
  FROM model_shop.m ORDER BY 1;
SELECT personalize.alter_model('model_shop.m', 'lift', min_count => 2, shrinkage => 1);
SELECT right(item::text, 1) AS item, n, ARRAY(SELECT right(x::text, 1) FROM unnest(neighbors) AS x) AS neighbors, counts, scores
  FROM model_shop.m ORDER BY 1;
SELECT personalize.alter_model('model_shop.m', neighbors => 3);
SELECT measure, shrinkage, a, neighbors, min_count FROM personalize.model WHERE relation = 'model_shop.m'::regclass;
SELECT personalize.alter_model('model_shop.m', 'kernel');
SELECT personalize.alter_model('model_shop.m', b => 0.7);
SELECT measure, shrinkage, a, b, p, neighbors, min_count FROM personalize.model WHERE relation = 'model_shop.m'::regclass;
SELECT personalize.alter_model('model_shop.m', 'ridge', lambda => 2);
SELECT personalize.alter_model('model_shop.m', ridge_size => 3);
SELECT measure, shrinkage, a, b, p, lambda, delta, ridge_size, neighbors FROM personalize.model WHERE relation = 'model_shop.m'::regclass;
SELECT personalize.alter_model('model_shop.m', 'cosine');
SELECT measure, shrinkage, a, b, p, lambda, delta, ridge_size, neighbors FROM personalize.model WHERE relation = 'model_shop.m'::regclass;
SELECT personalize.alter_model('model_shop.m', lambda => 2);
SELECT personalize.alter_model('model_shop.m', 'ridge', neighbors => 0);
SELECT personalize.alter_model('model_shop.directed', 'ridge');
SELECT personalize.alter_model('model_shop.weighted', 'llr');
SELECT personalize.alter_model('model_shop.b', 'cosine');
SELECT personalize.alter_model(NULL, 'cosine');
SELECT personalize.alter_model('model_shop.next2', 'count');

-- Only the owner may
RESET ROLE;
CREATE ROLE regress_personalize_other;
GRANT USAGE ON SCHEMA model_shop TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_cooccurrence('model_shop.x', 'model_shop.b');
SELECT personalize.alter_model('model_shop.m', 'cosine');
SELECT personalize.drop_model('model_shop.m');
SELECT item FROM model_shop.m;
RESET ROLE;
GRANT SELECT ON model_shop.m TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT count(*) FROM model_shop.m;
-- A superuser's model of somebody's history belongs to the history's owner, who refreshes it
RESET ROLE;
SELECT personalize.create_cooccurrence('model_shop.by_superuser', 'model_shop.b');
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname LIKE 'by_superuser%' AND relkind = 'r' ORDER BY 1;

-- What goes with what
SET ROLE regress_personalize_shop;
DROP TABLE model_shop.m_pairs;
DROP TABLE model_shop.v;
DROP TABLE model_shop.m;
SELECT to_regclass('model_shop.m_pairs');
SELECT count(*) FROM personalize.model WHERE relation::text = 'model_shop.m';
SELECT personalize.drop_model('model_shop.by_superuser');
SELECT personalize.drop_model('model_shop.by_superuser'::regclass);
SELECT personalize.drop_model('model_shop.b');
SELECT personalize.drop_history('model_shop.b');
-- A view upon a model is its owner's to drop
CREATE VIEW model_shop.best AS SELECT item, neighbors[1] FROM model_shop.damped;
SELECT personalize.drop_history('model_shop.b', cascade => true);
SELECT count(*) FROM personalize.model;
DROP VIEW model_shop.best;
SELECT personalize.drop_history('model_shop.b', cascade => true);
SELECT relation FROM personalize.model ORDER BY id;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA model_shop CASCADE;
SELECT (SELECT count(*) FROM personalize.history) + (SELECT count(*) FROM personalize.model) + (SELECT count(*) FROM personalize.catalog)
	+ (SELECT count(*) FROM personalize.watch) AS entries;
DROP ROLE regress_personalize_shop, regress_personalize_other;
