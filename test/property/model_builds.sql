-- One model, however it is built: alone, with parallel workers, with hardly any memory, over what was there, by an owner without
-- any privilege.  Counts of all kinds are compared bit for bit, and by verify().
\ir lib/oracle.sql

SELECT set_config('test.role', 'builder_' || pg_backend_pid(), false) AS role \gset
CREATE ROLE :role;
CREATE SCHEMA shop AUTHORIZATION :role;
GRANT USAGE ON SCHEMA public, personalize TO :role;
SET ROLE :role;

-- Skewed items, some customers with far more lines than others, times that are often the same, weights that take each other away.
CREATE TABLE shop.line AS
	SELECT customer, md5((customer / 2)::text)::uuid AS visit, item, 'item ' || item % 900 AS name,
		   timestamptz '2024-01-01 00:00+00' + random_below(7, row, 500) * interval '19 hours' AS at, random_below(8, row, 5) - 1 AS weight,
		   CASE random_below(9, row, 3) WHEN 0 THEN 'buy' WHEN 1 THEN 'view' ELSE 'other' END AS event
	  FROM (SELECT row, least(random_below(1, row, 4000), random_below(2, row, 4000))::int AS customer,
				   least(random_below(3, row, 1500), random_below(4, row, 1500), random_below(5, row, 1500))::int AS item
			  FROM generate_series(1, 100000) AS row) AS r;
CREATE INDEX ON shop.line (customer);
CREATE INDEX ON shop.line (visit);
ANALYZE shop.line;

-- Histories and models of that many kinds, their names ending alike.
CREATE PROCEDURE shop.build(suffix text) LANGUAGE plpgsql AS $$
DECLARE
	h regclass;
	t regclass;
	x regclass;
BEGIN
	h := create_history('shop.plain' || suffix, 'shop.line', 'customer', 'item');
	PERFORM create_cooccurrence('shop.kernel' || suffix, h);
	PERFORM create_cooccurrence('shop.damped' || suffix, h, measure => 'cosine', damping => 0.5, neighbors => 7, min_count => 2);
	t := create_history('shop.timed' || suffix, 'shop.line', 'customer', 'item', happened => 'at', horizon => '30 years', max_basket => 60,
						catalog => (SELECT c.relation FROM personalize.catalog AS c JOIN personalize.history AS h2 ON h2.catalog_id = c.id WHERE h2.relation = h));
	PERFORM create_cooccurrence('shop.sequence' || suffix, t, sequence => true, "window" => 4);
	PERFORM create_cooccurrence('shop.decayed' || suffix, t, half_life => '45 days', generation => '30 days');
	PERFORM create_cooccurrence('shop.directed' || suffix, h, target => t);
	PERFORM create_cooccurrence('shop.ridge' || suffix, t, measure => 'ridge', ridge_size => 20);
	PERFORM create_history('shop.heavy' || suffix, 'shop.line', 'customer', 'item', happened => 'at', weight => 'weight',
						   catalog => (SELECT c.relation FROM personalize.catalog AS c JOIN personalize.history AS h2 ON h2.catalog_id = c.id WHERE h2.relation = h));
	x := create_history('shop.text' || suffix, 'shop.line', 'visit', 'name', happened => 'at', weight => 'weight',
						event => 'event', events => ARRAY['buy', 'view'], event_weights => ARRAY[3, 1]);
	PERFORM create_cooccurrence('shop.weighted' || suffix, x, measure => 'cosine');
END $$;

-- Codes are given in the same order, so that even the bytes of histories and pair tables are the same.
CREATE PROCEDURE shop.compare(suffix text) LANGUAGE plpgsql AS $$
DECLARE
	name text;
	differing bigint;
BEGIN
	FOREACH name IN ARRAY ARRAY['plain', 'timed', 'heavy', 'text', 'kernel', 'damped', 'sequence', 'decayed', 'directed', 'ridge', 'weighted',
								'kernel_pairs', 'damped_pairs', 'sequence_pairs', 'decayed_pairs', 'directed_pairs', 'ridge_pairs', 'weighted_pairs'] LOOP
		EXECUTE format('SELECT count(*) FROM ((TABLE shop.%1$I EXCEPT TABLE shop.%2$I) UNION ALL (TABLE shop.%2$I EXCEPT TABLE shop.%1$I)) AS d',
					   name, regexp_replace(name, '(_pairs)?$', suffix || '\1')) INTO differing;
		PERFORM fail_unless(differing = 0, name || suffix || ': ' || differing || ' rows differ');
	END LOOP;
END $$;

CREATE PROCEDURE shop.verify_all() LANGUAGE plpgsql AS $$
DECLARE
	m regclass;
	v record;
BEGIN
	FOR m IN SELECT relation FROM personalize.model LOOP
		SELECT * INTO v FROM verify(m) LIMIT 1;
		PERFORM fail_unless(v.what IS NULL, format('%s: %s', m, v));
	END LOOP;
END $$;

SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '256MB';
CALL shop.build('');
CALL shop.verify_all();

SET max_parallel_maintenance_workers = 3;
SET min_parallel_table_scan_size = 0;
CALL shop.build('_workers');
CALL shop.compare('_workers');

SET max_parallel_maintenance_workers = 0;
SET maintenance_work_mem = '1MB';
CALL shop.build('_spilled');
CALL shop.compare('_spilled');

-- Built over tables that hold other rows, some of which are to stay: half of the lines go and come back.
CREATE TABLE shop.gone AS SELECT * FROM shop.line WHERE (customer + item) % 3 = 0;
SET maintenance_work_mem = '256MB';
SET max_parallel_maintenance_workers = 2;
DELETE FROM shop.line WHERE (customer + item) % 3 = 0;
CALL personalize.refresh('shop.plain_workers', rebuild => true);
CALL personalize.refresh('shop.text_workers', rebuild => true);
SELECT fail_unless(NOT EXISTS (SELECT FROM verify('shop.kernel_workers')), 'a rebuild after deletions');
SELECT fail_unless(NOT EXISTS (SELECT FROM verify('shop.weighted_workers', 0.3)), 'a rebuild after deletions, keys that are no numbers');
INSERT INTO shop.line TABLE shop.gone;
CALL personalize.refresh('shop.plain_workers', rebuild => true);
CALL personalize.refresh('shop.text_workers', rebuild => true);
CALL shop.compare('_workers');

-- What was tampered with is found.
UPDATE shop.kernel SET counts[1] = counts[1] + 1 WHERE item = 3;
SELECT fail_unless((SELECT count(*) FROM verify('shop.kernel') WHERE what = 'counts' AND item = '3') = 1, 'a count of the face');
UPDATE shop.damped_pairs SET n = n + 65536 WHERE item = 5;
SELECT fail_unless((SELECT count(*) FROM verify('shop.damped') WHERE what = 'n' AND stored = expected + 1) = 1, 'an n');
DELETE FROM shop.weighted WHERE item = 'item 7';
SELECT fail_unless((SELECT array_agg(what || ' ' || item) FROM verify('shop.weighted')) = '{face item 7}', 'a row of the face');
-- Not of a history that lines are pending for.
UPDATE shop.plain_workers SET items = (SELECT items FROM shop.plain_workers WHERE basket = 2) WHERE basket = 1;
SELECT fail_unless((SELECT count(*) FROM verify('shop.kernel_workers') WHERE what = 'basket' AND item = '1') > 0, 'a basket');

RESET ROLE;
DROP SCHEMA shop CASCADE;
DROP OWNED BY :role;
DROP ROLE :role;
