-- GIN over activities: the same answers as a look at every row, and which plans are made.
SET search_path = personalize, pg_catalog;
SET timezone = 'UTC';
CREATE TEMP TABLE customers(id integer PRIMARY KEY, a personalize.activity);
INSERT INTO customers VALUES (1, NULL), (2, '{}');
-- number 1000 + i bought i days ago, less an hour; every third one more often; number 2000 + i will
INSERT INTO customers SELECT 1000 + i, activity('purchase', now() - interval '1 day' * (i + s) + interval '1 hour', 10 * i)
  FROM generate_series(1, 100) AS i, generate_series(0, CASE WHEN i % 3 = 0 THEN 9 ELSE 0 END) AS s GROUP BY i;
INSERT INTO customers SELECT 2000 + i, activity('purchase', now() + interval '2 days' * i) + activity('view', now() - interval '2 days' * i) FROM generate_series(1, 5) AS i GROUP BY i;
INSERT INTO customers SELECT 3000 + i, activity('name of ' || i % 3, now() - interval '1 day' * i) FROM generate_series(1, 9) AS i GROUP BY i;
CREATE INDEX by_activity ON customers USING gin (a);
SELECT opcname, opcdefault, opckeytype::regtype FROM pg_opclass WHERE opcname = 'activity_ops';
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'activity_ops';

CREATE FUNCTION pg_temp.found(r rule, OUT by_index int[], OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
	by_rows int[];
	plan text := '';
	line text;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_bitmapscan = on;
	FOR line IN EXECUTE format('EXPLAIN (COSTS off) SELECT id FROM customers WHERE a @@ %L', r) LOOP
		plan := plan || line;
	END LOOP;
	ASSERT plan ~ 'Bitmap Index Scan on by_activity', plan;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM customers WHERE a @@ %L', r) INTO by_index;
	SET LOCAL enable_bitmapscan = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM customers WHERE a @@ %L', r) INTO by_rows;
	same := by_index IS NOT DISTINCT FROM by_rows;
END $$;

SELECT r, f.* FROM unnest(ARRAY[
	'did(purchase, 3 days)',
	'did(purchase, 7 days) and not did(purchase, 3 days)',
	'count(purchase) >= 10 and last(purchase) < 20 days',
	'count(purchase) = 1 and first(purchase) >= 99 days',
	'last(purchase) > 98 days',
	'sum(purchase) > 9000',
	'max(purchase, 10 days) = 50 or min(purchase[amount > 0]) >= 1000',
	'did("name of 1")',
	'did("name of 1") or did("name of 2", 3 days)',
	'did(nothing)',
	'did(purchase) and not did(purchase)',
	'did(view) and not did(purchase)',
	'did(view) and not (did(purchase) or did(cart))',
	'did_not_after(view, purchase, within 5 days)',
	'regular(purchase, every 3 days, 3 of 4)',
	'seq(purchase, purchase, within 1 day, 5 days)',
	'did(purchase, since 2000-01-01) and last(purchase) >= 99 days']::rule[]) WITH ORDINALITY AS rules(r, place), pg_temp.found(r) AS f ORDER BY place;

-- of whom no key speaks
SELECT r, cardinality(f.by_index) AS customers, 2 = ANY (f.by_index) AS also_the_idle, 1 = ANY (f.by_index) AS also_null, f.same FROM unnest(ARRAY[
	'not did(purchase)',
	'count(purchase) = 0',
	'sum(purchase) < 100',
	'not did(purchase, 30 days)',
	'not did(purchase) or did(view)',
	'not (did(purchase) and did(view))']::rule[]) WITH ORDINALITY AS rules(r, place), pg_temp.found(r) AS f ORDER BY place;

-- what is not of events is left to the rule, which wants attributes
SET enable_seqscan = off;
SELECT count(*) FROM customers WHERE a @@ 'did(nothing) and attr(country) = GB';
SELECT count(*) FROM customers WHERE a @@ 'did(purchase) and attr(country) = GB';
SELECT count(*) FROM customers WHERE a @@ NULL;
SELECT id FROM customers WHERE a @@ 'did(purchase, 3 days)' AND matches(a, 'attr(country) = GB', '{"country": "GB"}') ORDER BY id;

-- pending entries, updates, deletions
INSERT INTO customers VALUES (4001, activity_in('{refund: 2026-01-05T10:00:00Z}'));
UPDATE customers SET a = a + '{refund: 2026-01-06T10:00:00Z}' WHERE id = 1001;
SELECT pg_temp.found('did(refund)');
VACUUM customers;
SELECT pg_temp.found('did(refund)');
DELETE FROM customers WHERE id = 4001;
SELECT pg_temp.found('did(refund)');
DROP INDEX by_activity;
CREATE INDEX by_activity ON customers USING gin (a) WITH (fastupdate = off);
UPDATE customers SET a = '{}' WHERE id = 1001;
SELECT pg_temp.found('did(refund)');
SELECT pg_temp.found('count(purchase, 200 days) >= 10 and last(purchase) >= 95 days');
RESET enable_seqscan;

-- With parameters, and as of each execution.
PREPARE ask(rule) AS SELECT count(*) FROM customers WHERE a @@ $1;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
EXECUTE ask('did(purchase, 3 days)');
EXECUTE ask('not did(purchase)');
RESET enable_seqscan;
RESET plan_cache_mode;

-- A rare rule takes the index by itself.
CREATE TEMP TABLE many AS SELECT i, activity('view', now() - interval '1 minute' * i) AS a FROM generate_series(1, 20000) AS i GROUP BY i;
CREATE INDEX ON many USING gin (a);
ANALYZE many;
EXPLAIN (COSTS off) SELECT * FROM many WHERE a @@ 'did(view, 10 minutes)';
EXPLAIN (COSTS off) SELECT * FROM many WHERE a @@ 'not did(view, 10 minutes)';
