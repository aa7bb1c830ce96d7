-- Random rules over random activities: what the index finds is what a look at every row finds, also for who did nothing, for events still to come,
-- and after inserts, updates, deletions and vacuum, with pending entries and without.
\set ON_ERROR_STOP on
\o /dev/null
SET client_min_messages = warning;
SET search_path = public, personalize;
SET timezone = 'Asia/Kolkata';

CREATE FUNCTION pg_temp.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE
RETURN choices[1 + floor(random() * cardinality(choices))::int];

CREATE FUNCTION pg_temp.random_events() RETURNS text LANGUAGE sql VOLATILE
RETURN pg_temp.pick('view', 'cart', 'purchase', 'refund', 'never', '"näh"') || CASE WHEN random() < 0.2 THEN
	pg_temp.pick('[amount > 5]', '[amount <= 3]', '[amount = 2]', '[amount <> 1]') ELSE '' END;

CREATE FUNCTION pg_temp.random_leaf() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	events text := pg_temp.random_events();
	cmp text := pg_temp.pick('=', '<>', '<', '<=', '>', '>=');
	span text := pg_temp.pick('1 hour', '1 day', '36 hours', '7 days', '30 days', '400 days');
	wide text := pg_temp.pick('', '', ', ' || span, ', this day', ', previous day', ', this month', ', previous month', ', previous year', ', since ' || (current_date - 5),
		', since ' || (current_date + 1));
BEGIN
	RETURN CASE floor(random() * 11)::int
		WHEN 0 THEN format('did(%s%s)', events, wide)
		WHEN 1 THEN format('count(%s%s) %s %s', events, wide, cmp, floor(random() * random() * 30)::int)
		WHEN 2 THEN format('sum(%s%s) %s %s', events, wide, cmp, floor(random() * random() * 60 - 10)::int)
		WHEN 3 THEN format('%s(%s%s) %s %s', pg_temp.pick('avg', 'min', 'max'), events, wide, cmp, floor(random() * 10 - 2)::int)
		WHEN 4 THEN format('days(%s%s) %s %s', events, wide, cmp, floor(random() * 5)::int)
		WHEN 5 THEN format('last(%s) %s %s', events, pg_temp.pick('<', '<=', '>', '>='), span)
		WHEN 6 THEN format('first(%s) %s %s', events, pg_temp.pick('<', '<=', '>', '>='), span)
		WHEN 7 THEN format('seq(%s, %s, within %s%s)', events, pg_temp.random_events(), span, wide)
		WHEN 8 THEN format('did_not_after(%s, %s, within %s)', events, pg_temp.random_events(), span)
		WHEN 9 THEN format('regular(%s, every %s, %s of 5)', events, span, 1 + floor(random() * 4)::int)
		ELSE format('did(%s, %s)', events, span) END;
END $$;

CREATE FUNCTION pg_temp.random_rule(depth int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN CASE WHEN random() < 0.25 THEN 'not ' ELSE '' END
		|| CASE WHEN depth = 0 OR random() < 0.2 THEN pg_temp.random_leaf()
			ELSE '(' || pg_temp.random_rule(depth - 1) || pg_temp.pick(' and ', ' and ', ' or ') || pg_temp.random_rule(depth - 1) || ')' END;
END $$;

-- Most customers did little and lately; some nothing, some so much that it is compacted, some will do more.
CREATE FUNCTION pg_temp.random_activity() RETURNS activity LANGUAGE sql VOLATILE
RETURN (SELECT coalesce(activity(event, at, amount), '{}'::activity)
	FROM (SELECT pg_temp.pick('view', 'view', 'view', 'cart', 'cart', 'purchase', 'refund', 'näh') AS event,
			now() - interval '1 day' * (-0.02 * s.spread + s.spread * random() ^ 2) + (CASE WHEN random() < 0.03 THEN interval '3 days' ELSE '0' END) AS at,
			CASE WHEN random() < 0.6 THEN floor(random() * 12 - 2)::numeric END AS amount
			FROM (SELECT floor(CASE WHEN random() < 0.02 THEN 1200 WHEN random() < 0.1 THEN 0 ELSE random() * 12 END)::int AS n,
					(ARRAY[2, 30, 500])[1 + floor(random() * 3)::int] AS spread) AS s, generate_series(1, s.n)) AS e);

CREATE TABLE customers (id int PRIMARY KEY, a activity);
CREATE TABLE met (rules int, rows bigint, indexed int);
INSERT INTO met VALUES (0, 0, 0);

CREATE FUNCTION pg_temp.compare(rules int, stage text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	r text;
	plan text;
	found int[];
	wanted int[];
BEGIN
	FOR i IN 1 .. rules LOOP
		r := pg_temp.random_rule(i % 4);
		-- as of one time, which is the statement's that called this
		SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = on; SET LOCAL enable_indexscan = off;
		EXECUTE format('EXPLAIN SELECT id FROM customers WHERE a @@ %L', r) INTO plan;
		EXECUTE format('SELECT array_agg(id ORDER BY id), count(*) FROM customers WHERE a @@ %L', r) INTO found;
		SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = off;
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM customers WHERE a @@ %L', r) INTO wanted;
		IF found IS DISTINCT FROM wanted THEN
			RAISE EXCEPTION '%: index finds %, not %, by %', stage, found, wanted, r;
		END IF;
		UPDATE met SET rules = met.rules + 1, rows = rows + coalesce(cardinality(found), 0), indexed = indexed + (plan ~ 'Bitmap')::int;
	END LOOP;
END $$;

SELECT setseed(0.5);
INSERT INTO customers SELECT i, CASE WHEN i % 50 = 0 THEN NULL ELSE pg_temp.random_activity() END FROM generate_series(1, 600) AS i;
CREATE INDEX by_activity ON customers USING gin (a);
SELECT pg_temp.compare(400, 'built');
INSERT INTO customers SELECT i, pg_temp.random_activity() FROM generate_series(601, 800) AS i;
UPDATE customers SET a = pg_temp.random_activity() WHERE id % 7 = 0;
DELETE FROM customers WHERE id % 11 = 0;
SELECT pg_temp.compare(400, 'with pending entries');
VACUUM customers;
SELECT pg_temp.compare(400, 'after vacuum');
DROP INDEX by_activity;
CREATE INDEX by_activity ON customers USING gin (a) WITH (fastupdate = off);
INSERT INTO customers SELECT i, pg_temp.random_activity() FROM generate_series(801, 900) AS i;
UPDATE customers SET a = a + pg_temp.random_activity() WHERE id % 5 = 0 AND a IS NOT NULL;
SELECT pg_temp.compare(400, 'without pending entries');
SET work_mem = '64kB';
SELECT pg_temp.compare(100, 'in little memory');
DO $$
BEGIN
	IF (SELECT rules <> 1700 OR indexed <> rules OR rows < 20 * rules OR rows > 700 * rules FROM met) THEN
		RAISE EXCEPTION 'this test has looked at nothing: %', (SELECT met FROM met);
	END IF;
END $$;
