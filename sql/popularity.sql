-- Popularity, trending, conversion and repeat models: lists of the shop and of segments.
\pset format unaligned
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET extra_float_digits = 0;
SET client_min_messages = warning;
CREATE ROLE regress_popular_owner;
CREATE ROLE regress_popular_reader;
CREATE SCHEMA shop AUTHORIZATION regress_popular_owner;
GRANT USAGE ON SCHEMA shop TO regress_popular_reader;
SET ROLE regress_popular_owner;

CREATE TABLE shop.customers (id int PRIMARY KEY, country text, age text, born date);
CREATE TABLE shop.viewed (customer int, item text, at timestamptz);
CREATE TABLE shop.bought (customer int, item text, at timestamptz, times int DEFAULT 1);
CREATE INDEX ON shop.viewed (customer);
CREATE INDEX ON shop.bought (customer);
INSERT INTO shop.customers VALUES (1, 'GB', 'young'), (2, 'GB', 'old'), (3, 'GB', NULL), (4, 'DE', 'young'), (5, NULL, 'old'), (6, 'FR', 'old');
INSERT INTO shop.viewed VALUES
	(1, 'tea', '2024-03-01 12:00'), (1, 'mug', '2024-03-01 12:00'), (2, 'tea', '2024-03-01 12:00'), (3, 'tea', '2024-03-01 12:00'), (3, 'pot', '2024-03-01 12:00'),
	(4, 'mug', '2024-03-01 12:00'), (4, 'beer', '2024-03-01 12:00'), (5, 'mug', '2024-03-01 12:00'), (7, 'mug', '2024-03-01 12:00'), (7, 'pot', '2024-03-01 12:00');
INSERT INTO shop.bought VALUES
	(1, 'tea', '2024-03-01 12:00'), (1, 'tea', '2024-02-01 12:00'), (2, 'tea', '2024-01-31 12:00'), (3, 'pot', '2024-03-01 12:00'), (4, 'beer', '2024-03-01 12:00');
SELECT personalize.create_history('shop.v', 'shop.viewed', 'customer', 'item', 'at');
SELECT personalize.create_history('shop.b', 'shop.bought', 'customer', 'item', 'at', weight => 'times', catalog => 'shop.v_items');

-- All alike, without decay: shares of the shop; in a segment they fall back on those of what it is part of.
SELECT personalize.create_popularity('shop.popular', 'shop.v', half_life => NULL, segments => 'shop.customers', key => 'id', by => '{country,age}', kappa => 2, keep => 4);
SELECT * FROM shop.popular ORDER BY segment;
SELECT segment, c.item, what, epoch, sum FROM shop.popular_counts AS k, personalize.popularity_counters(chunk, sums) AS s JOIN shop.v_items AS c USING (code)
 WHERE segment IN ('{}', '{GB}') ORDER BY segment, c.item;
SELECT * FROM shop.popular_members ORDER BY basket;
-- mug in GB: (1 + 2 · 4/10) / (5 + 2)
SELECT abs(scores[2] - (1 + 2 * 4 / 10.0) / 7) < 1e-12 AS fits FROM shop.popular WHERE segment = '{GB}' AND items[2] = 'mug';

-- Decayed by one half-life each 30 days, at the time of the last event.
SELECT personalize.create_popularity('shop.best', 'shop.b', half_life => '30 days');
SELECT segment, round(n::numeric, 4) AS n, items, (SELECT array_agg(round(c::numeric, 4)) FROM unnest(counts) AS c) AS counts FROM shop.best;
SELECT as_of, first_epochs, kind FROM personalize.popularity WHERE relation = 'shop.best'::regclass;

-- Trending: many for their usual number.
INSERT INTO shop.viewed SELECT 100 + n, 'tea', timestamptz '2024-02-20' + n * interval '4 hours' FROM generate_series(1, 60) AS n;
INSERT INTO shop.viewed SELECT 200 + n, 'hat', timestamptz '2024-03-01 11:00' + n * interval '1 minute' FROM generate_series(1, 20) AS n;
INSERT INTO shop.viewed VALUES (300, 'sock', '2024-03-01 12:00');
SELECT personalize.create_trending('shop.trending', 'shop.v', baseline => '10 days');
SELECT items, (SELECT array_agg(round(s::numeric, 2)) FROM unnest(scores) AS s) AS scores FROM shop.trending;

-- Conversion: of those who saw it.
SELECT personalize.create_conversion('shop.conversion', 'shop.v', 'shop.b', half_life => NULL);
SELECT items, counts, (SELECT array_agg(round(s::numeric, 4)) FROM unnest(scores) AS s) AS scores FROM shop.conversion;
-- Repeat: of those who bought it, those who did so again.
SELECT personalize.create_repeat('shop.again', 'shop.b', kappa => 1);
SELECT items, counts, (SELECT array_agg(round(s::numeric, 4)) FROM unnest(scores) AS s) AS scores FROM shop.again;

-- A refresh follows rows and segments.
UPDATE shop.customers SET country = 'DE', age = 'old' WHERE id = 3;
DELETE FROM shop.customers WHERE id = 4;
INSERT INTO shop.viewed VALUES (6, 'beer', '2024-03-01 12:00');
SELECT pending FROM personalize.status WHERE relation = 'shop.popular'::regclass;
CALL personalize.refresh('shop.popular', rebuild => false);
SELECT segment, n, items, counts FROM shop.popular ORDER BY segment;
SELECT * FROM shop.popular_members ORDER BY basket;
SELECT r.relation, v.* FROM (VALUES ('shop.popular'), ('shop.best'), ('shop.trending'), ('shop.conversion'), ('shop.again')) AS r(relation), personalize.verify(r.relation::regclass) AS v;
-- A customer of whom nothing is left; an orphan keeps nobody's number.
DELETE FROM shop.viewed WHERE customer = 3;
DELETE FROM shop.bought WHERE customer = 3;
SELECT personalize.erase('shop.v', 3);
SELECT segment, n FROM shop.popular ORDER BY segment;
SELECT count(*) FROM shop.popular_members WHERE basket = 3;
CALL personalize.refresh('shop.v', rebuild => true);
SELECT count(*) AS differ FROM personalize.verify('shop.popular');

-- Renamed columns are followed; a view says what to watch.
ALTER TABLE shop.customers RENAME COLUMN country TO land;
ALTER TABLE shop.customers RENAME COLUMN id TO number;
SELECT key, by FROM personalize.popularity WHERE relation = 'shop.popular'::regclass;
UPDATE shop.customers SET land = 'US' WHERE number = 1;
CALL personalize.refresh('shop.v', rebuild => false);
SELECT segment FROM shop.popular WHERE segment[1] = 'US' ORDER BY segment;
CREATE VIEW shop.bands AS SELECT number, CASE WHEN age = 'young' THEN 1 ELSE 2 END AS band FROM shop.customers;
SELECT personalize.create_popularity('shop.by_band', 'shop.v', segments => 'shop.bands', key => 'number', by => '{band}');
SELECT personalize.create_popularity('shop.by_band', 'shop.v', segments => 'shop.bands', key => 'number', by => '{band}', watch => '{"shop.customers": "number"}');
SELECT segment, items FROM shop.by_band ORDER BY segment;
SELECT relation, kind, source, built, pending, problem, definition FROM personalize.status WHERE kind IN ('popularity', 'trending', 'conversion', 'repeat') ORDER BY relation::text;

-- A drop of what it reads refuses; of the column that segments go by, everything may have changed.
DROP TABLE shop.popular_counts;
DROP VIEW shop.bands;
ALTER TABLE shop.customers DROP COLUMN age CASCADE;
SELECT problem FROM personalize.status WHERE relation = 'shop.popular'::regclass;
SELECT relation::text FROM personalize.popularity WHERE relation::text = 'shop.by_band';
SELECT to_regclass('shop.by_band_counts') AS counts, to_regclass('shop.by_band_members') AS members;
SELECT count(*) AS left_over FROM pg_trigger WHERE tgrelid = 'shop.customers'::regclass;
SELECT personalize.drop_model('shop.popular');
SELECT to_regclass('shop.popular_counts') AS counts, to_regclass('shop.popular_members') AS members;
SELECT count(*) AS left_over FROM pg_trigger WHERE tgrelid = 'shop.customers'::regclass;

INSERT INTO shop.customers VALUES (8, 'DE');
INSERT INTO shop.viewed SELECT 8, item, '2024-03-01' FROM unnest('{beer,mug,mug,mug}'::text[]) AS item;
CALL personalize.refresh('shop.v');
-- Widgets: the segment that is given, what it is part of, the whole shop.
SELECT personalize.create_popularity('shop.popular', 'shop.v', half_life => NULL, segments => 'shop.customers', key => 'number', by => '{land}', kappa => 2);
SELECT personalize.create_widget('shop.home', sources => '{"shop.popular": 1}', histories => '{"viewed": "shop.v"}') \gset
SELECT item, rank, round(score::numeric, 4) AS score, reason FROM shop.home(k => 2);
SELECT item, rank, reason FROM shop.home(segment => '{DE}', k => 2);
SELECT item, rank, reason FROM shop.home(segment => '{XX}', k => 2);
SELECT item, rank, reason FROM shop.home(segment => '{NULL}', k => 2);
SELECT item, rank, reason FROM shop.home(customer => 2, k => 2);
-- what this transaction knows of the customer
BEGIN;
UPDATE shop.customers SET land = 'FR' WHERE number = 2;
SELECT item, rank, reason FROM shop.home(customer => 2, segment => '{DE}', k => 2);
ROLLBACK;
SELECT item, rank, reason FROM shop.home(customer => 5, segment => '{DE}', k => 2);
SELECT personalize.create_widget('shop.german', sources => '{"shop.popular": {"weight": 1, "segment": ["DE"]}}', histories => '{"viewed": "shop.v"}') \gset
SELECT item, rank, reason FROM shop.german(customer => 2, k => 1);
SELECT personalize.create_widget('shop.bad', sources => '{"shop.popular": {"weight": 1, "segment": ["DE", "old"]}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.popular": {"weight": 1, "segment": "DE"}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.popular": {"weight": 1, "segment": [1]}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.popular": {"weight": 1, "half_life": 1}}');
SELECT personalize.create_widget('shop.all', sources => '{"shop.trending": 1, "shop.conversion": 1, "shop.again": 1}') \gset
SELECT item, rank, source, reason FROM shop.all(k => 4);
-- whoever calls needs the lists, not what they are counted from
GRANT SELECT ON shop.popular, shop.v TO regress_popular_reader;
SET ROLE regress_popular_reader;
SELECT item, reason FROM shop.home(customer => 2, k => 1);
SELECT count(*) FROM shop.popular_counts;
SELECT * FROM personalize.verify('shop.popular');
SELECT personalize.create_popularity('shop.other', 'shop.v');
SELECT personalize.drop_model('shop.popular');
UPDATE personalize.popularity SET keep = 1;
SET ROLE regress_popular_owner;
REVOKE SELECT ON shop.popular FROM regress_popular_reader;
SET ROLE regress_popular_reader;
SELECT item, reason FROM shop.home(k => 1);
SET ROLE regress_popular_owner;
SELECT personalize.drop_widget('shop.home'), personalize.drop_widget('shop.german');
SELECT personalize.drop_model('shop.popular');

SELECT * FROM personalize.popularity_counters(1, '\x00202107');
SELECT * FROM personalize.popularity_counters(1, '\x0020210407');
SELECT * FROM personalize.popularity_counters(-2, '\x0001');
SELECT * FROM personalize.popularity_counters(0, '');
-- Tables that are not as they were made, and counters that do not fit.
CREATE TABLE shop.copy AS SELECT * FROM shop.best_counts;
UPDATE shop.best_counts SET sums = '\x0005' WHERE what = 0;
SELECT count(*) > 0 AS found FROM personalize.verify('shop.best') WHERE what = 'count';
DELETE FROM shop.bought WHERE item = 'tea';
CALL personalize.refresh('shop.b', rebuild => false);
CALL personalize.refresh('shop.b', rebuild => true);
SELECT count(*) AS differ FROM personalize.verify('shop.best');
UPDATE shop.best_counts SET sums = '\x000102' WHERE what = 0;
SELECT * FROM personalize.verify('shop.best');
CALL personalize.refresh('shop.b', rebuild => false);
CALL personalize.refresh('shop.b', rebuild => true);
SELECT count(*) AS differ FROM personalize.verify('shop.best');
UPDATE shop.best_counts SET sums = '\x0001', chunk = 1000000 WHERE what = 0;
SELECT count(*) > 0 AS found FROM personalize.verify('shop.best') WHERE what = 'count';
CALL personalize.refresh('shop.b', rebuild => true);
ALTER TABLE shop.best_counts ALTER COLUMN chunk TYPE bigint;
CALL personalize.refresh('shop.b');
ALTER TABLE shop.best_counts ALTER COLUMN chunk TYPE integer;
CALL personalize.refresh('shop.b', rebuild => false);

-- Arguments.
SELECT personalize.create_popularity(NULL, 'shop.v');
SELECT personalize.create_popularity('shop.x', NULL);
SELECT personalize.create_popularity('shop.x', 'shop.customers');
SELECT personalize.create_popularity('shop.best', 'shop.v');
SELECT personalize.create_popularity('shop.x', 'shop.v', half_life => '0');
SELECT personalize.create_popularity('shop.x', 'shop.v', half_life => '-1 day');
SELECT personalize.create_popularity('shop.x', 'shop.v', half_life => '1000 years');
SELECT personalize.create_popularity('shop.x', 'shop.v', kappa => 'NaN');
SELECT personalize.create_popularity('shop.x', 'shop.v', kappa => -1);
SELECT personalize.create_popularity('shop.x', 'shop.v', kappa => 'Infinity');
SELECT personalize.create_popularity('shop.x', 'shop.v', keep => 0);
SELECT personalize.create_popularity('shop.x', 'shop.v', keep => 100001);
SELECT personalize.create_popularity('shop.x', 'shop.v', keep => NULL);
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers');
SELECT personalize.create_popularity('shop.x', 'shop.v', watch => '{}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => '{}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => '{land,land}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => '{land,NULL}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => ARRAY['la"nd']);
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => '{born}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'land', by => '{land}');
SELECT personalize.create_popularity('shop.x', 'shop.v', segments => 'shop.customers', key => 'number', by => '{land}', watch => '{"shop.customers": "number"}');
SELECT personalize.create_trending('shop.x', 'shop.v', half_life => '7 days');
SELECT personalize.create_trending('shop.x', 'shop.v', half_life => NULL);
SELECT personalize.create_trending('shop.x', 'shop.v', alpha => 0);
SELECT personalize.create_conversion('shop.x', 'shop.v', 'shop.v');
SELECT personalize.create_conversion('shop.x', 'shop.v', NULL);
SELECT personalize.create_repeat('shop.x', 'shop.v');
CREATE TABLE shop.timeless (customer int, item text);
CREATE INDEX ON shop.timeless (customer);
SELECT personalize.create_history('shop.t', 'shop.timeless', 'customer', 'item', catalog => 'shop.v_items');
SELECT personalize.create_popularity('shop.x', 'shop.t');
SELECT personalize.create_trending('shop.x', 'shop.t');
SELECT personalize.create_conversion('shop.x', 'shop.v', 'shop.t');
SELECT relation FROM personalize.popularity ORDER BY id;

-- A history goes with what follows it, if that is meant.
SELECT personalize.drop_history('shop.b');
SELECT personalize.drop_history('shop.b', cascade => true);
SELECT personalize.drop_widget('shop.all');
SELECT personalize.drop_history('shop.b', cascade => true);
SELECT relation FROM personalize.popularity ORDER BY id;
DROP TABLE shop.viewed CASCADE;
SELECT relation FROM personalize.popularity ORDER BY id;
RESET ROLE;
DROP SCHEMA shop CASCADE;
DROP ROLE regress_popular_owner, regress_popular_reader;
