-- With a horizon, what a basket holds changes by time alone: also that of a basket which holds nothing.
SET client_min_messages = warning;
CREATE SCHEMA expiry;
CREATE TABLE expiry.lines (b integer, i integer, w integer, at timestamptz);
CREATE INDEX ON expiry.lines (b);
CREATE TABLE expiry.clock AS SELECT clock_timestamp() - interval '1 hour' AS horizon_start;
-- taken back, and the taking back expires in a moment
INSERT INTO expiry.lines SELECT 1, i, w, horizon_start + CASE WHEN w < 0 THEN interval '2 seconds' ELSE interval '10 minutes' END
  FROM expiry.clock, (VALUES (1, 1), (1, -1), (2, 2), (2, -3)) AS v (i, w);
-- taken back for as long as this test runs
INSERT INTO expiry.lines SELECT 2, i, w, horizon_start + interval '20 minutes' FROM expiry.clock, (VALUES (1, 1), (1, -1)) AS v (i, w);
-- one item weighs nothing now; another is cut off until the most recent events are those that are left
INSERT INTO expiry.lines SELECT 3, i, w, horizon_start + at FROM expiry.clock,
 (VALUES (1, 1, interval '10 minutes'), (2, 1, '11 minutes'), (3, 5, '12 minutes'), (3, -5, '2 seconds')) AS v (i, w, at);
INSERT INTO expiry.lines SELECT 4, i, 1, horizon_start + i * interval '1 minute' FROM expiry.clock, generate_series(1, 4) AS i;
-- expired from the beginning
INSERT INTO expiry.lines SELECT 5, 1, 1, horizon_start - interval '1 minute' FROM expiry.clock;
SELECT personalize.create_history('expiry.h', 'expiry.lines', 'b', 'i', happened => 'at', weight => 'w', horizon => '1 hour', max_basket => 2, build => false);
SELECT personalize.create_history('expiry.t', 'expiry.lines', 'b', 'i', happened => 'at', horizon => '1 hour', catalog => 'expiry.h_items', build => false);
SELECT personalize.create_cooccurrence('expiry.m', 'expiry.h', 'count', build => false);
SELECT personalize.create_cooccurrence('expiry.d', 'expiry.h', 'count', target => 'expiry.t', build => false);
CREATE PROCEDURE expiry.refresh(again boolean) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CALL personalize.refresh(''expiry.h'', rebuild => %L)', again);
END $$;
CALL expiry.refresh(true);

-- a row without items counts nowhere, but is there for its oldest event
SELECT basket, items = '' AS empty, happened IS NULL AS never, oldest - horizon_start AS oldest FROM expiry.h, expiry.clock WHERE basket IN (2, 5);
SELECT num_baskets = (SELECT count(*) FROM expiry.h WHERE items <> '') AS counted FROM personalize.history WHERE relation = 'expiry.h'::regclass;
SELECT count(*) FROM expiry.h, personalize.basket_items(items) WHERE basket = 2;
SELECT * FROM personalize.verify('expiry.m');
SELECT * FROM personalize.verify('expiry.d');

-- a refresh makes such rows, fills them, and takes them away
INSERT INTO expiry.lines SELECT 6, i, w, horizon_start + interval '30 minutes' FROM expiry.clock, (VALUES (7, 1), (8, 1), (7, -1), (8, -1)) AS v (i, w);
CALL expiry.refresh(false);
SELECT basket, items = '' AS empty, oldest - horizon_start AS oldest FROM expiry.h, expiry.clock WHERE basket = 6;
SELECT count(*) FROM expiry.m WHERE item IN (7, 8);
UPDATE expiry.lines SET w = 1 WHERE b = 6;
CALL expiry.refresh(false);
SELECT item, n, neighbors, counts FROM expiry.m WHERE item IN (7, 8) ORDER BY item;
UPDATE expiry.lines SET w = 0 WHERE b = 6;
CALL expiry.refresh(false);
SELECT basket, items = '' AS empty FROM expiry.h WHERE basket = 6;
DELETE FROM expiry.lines WHERE b = 6;
CALL expiry.refresh(false);
SELECT count(*) FROM expiry.h WHERE basket = 6;
SELECT * FROM personalize.verify('expiry.m');

-- time goes by; nobody writes
SELECT pg_sleep(greatest(0, extract(epoch FROM horizon_start + interval '1 hour 2.2 seconds' - clock_timestamp()))) FROM expiry.clock;
CALL expiry.refresh(false);
SELECT basket, c.item, weight FROM expiry.h, personalize.basket_items(items) JOIN expiry.h_items AS c USING (code) ORDER BY basket, c.item;
SELECT item, n, neighbors, counts FROM expiry.m ORDER BY item;
SELECT * FROM personalize.verify('expiry.m');
SELECT * FROM personalize.verify('expiry.d');
-- and a build says the same
CREATE TABLE expiry.kept AS SELECT * FROM expiry.m;
CREATE TABLE expiry.kept_h AS SELECT * FROM expiry.h;
CALL expiry.refresh(true);
SELECT count(*) FROM ((TABLE expiry.kept EXCEPT TABLE expiry.m) UNION ALL (TABLE expiry.m EXCEPT TABLE expiry.kept)) AS e;
SELECT count(*) FROM ((TABLE expiry.kept_h EXCEPT TABLE expiry.h) UNION ALL (TABLE expiry.h EXCEPT TABLE expiry.kept_h)) AS e;

-- rows of this kind that are not right are found, and made right
UPDATE expiry.h SET oldest = oldest + interval '1 second' WHERE basket = 2;
SELECT what, item FROM personalize.verify('expiry.m');
DELETE FROM expiry.h WHERE basket = 2;
SELECT what, item FROM personalize.verify('expiry.m');
CALL expiry.refresh(true);
SELECT * FROM personalize.verify('expiry.m');
UPDATE expiry.h SET oldest = NULL WHERE basket = 2;
SELECT * FROM personalize.verify('expiry.m');
DROP SCHEMA expiry CASCADE;
