-- Segments of random rules, read in every form while random changes are pending, refreshed, committed and rolled back, against the rules over the tables
-- themselves at the same instant. Windows end all the time: most events are a few seconds from the end of one.
\ir lib/oracle.sql
SET timezone = 'UTC';

-- ---------------------------------------------------------------- random rules

CREATE FUNCTION pick(seed bigint, x bigint, VARIADIC choices text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT choices[1 + random_below(seed, x, cardinality(choices))] $$;

CREATE FUNCTION random_leaf(seed bigint, segments int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN what < 3 THEN format('count(%s, %s) %s %s', a, win, op, random_below(seed, 5, 4))
		WHEN what = 3 THEN format('did(%s, %s)', a, win)
		WHEN what = 4 THEN format('sum(%s, %s) %s %s', a, win, op, random_below(seed, 5, 60))
		WHEN what = 5 THEN format('last(%s) %s %s', a, pick(seed, 6, '<', '>='), win)
		WHEN what = 6 THEN format('seq(%s, %s, within %s)', a, b, win)
		WHEN what = 7 THEN format('did_not_after(%s, %s, within %s)', a, b, win)
		WHEN what = 8 THEN format('attr(country) %s', pick(seed, 6, '= GB', '<> GB', 'is null', 'in (IN, US)'))
		WHEN what = 9 AND segments > 0 THEN format('in(shop.s%s)', 1 + random_below(seed, 7, segments))
		ELSE format('count(%s) >= %s', a, 1 + random_below(seed, 5, 5)) END
	  FROM (SELECT random_below(seed, 1, 11) AS what, pick(seed, 2, 'view', 'cart', 'purchase') AS a, pick(seed, 3, 'view', 'cart', 'purchase') AS b,
				   pick(seed, 4, '20 seconds', '1 minute', '10 minutes', '1 hour', '1 day') AS win, pick(seed, 8, '>=', '>', '<', '<=', '=', '<>') AS op) AS s $$;

CREATE FUNCTION random_rule(seed bigint, depth int, segments int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	what bigint := random_below(seed, 50, 5);
BEGIN
	IF depth = 0 OR what = 0 THEN
		RETURN random_leaf(seed, segments);
	ELSIF what = 1 THEN
		RETURN format('not (%s)', random_rule(seed * 5 + 1, depth - 1, segments));
	END IF;
	RETURN format('(%s) %s (%s)', random_rule(seed * 5 + 1, depth - 1, segments), CASE WHEN what < 4 THEN 'and' ELSE 'or' END, random_rule(seed * 5 + 2, depth - 1, segments));
END $$;

-- ---------------------------------------------------------------- random shops

-- Keys of all kinds: close together, far apart, below 0.
CREATE FUNCTION key_text(type text, i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE type WHEN 'smallint' THEN (i - 30)::text WHEN 'integer' THEN (i * 32768 - 5)::text WHEN 'bigint' THEN ((i - 20) * 98765432109876)::text
		   WHEN 'uuid' THEN md5(i::text)::uuid::text ELSE 'customer ' || chr((97 + i % 26)::int) || i END $$;

-- Seconds before now: a little more or less than a window, or any time.
CREATE FUNCTION random_age(seed bigint, x bigint) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN random_below(seed, x, 4) = 0 THEN random_below(seed + 1, x, 200000) * interval '1 second'
		   ELSE pick(seed + 2, x, '20 seconds', '1 minute', '10 minutes', '1 hour', '1 day')::interval + (random_below(seed + 3, x, 40000) - 20000) * interval '1 millisecond' END $$;

CREATE PROCEDURE make_shop(type text) LANGUAGE plpgsql AS $$
BEGIN
	DROP SCHEMA IF EXISTS shop CASCADE;
	CREATE SCHEMA shop;
	EXECUTE format('CREATE TABLE shop.customers (id %s PRIMARY KEY, country text)', type);
	EXECUTE format('CREATE TABLE shop.events (n serial PRIMARY KEY, customer %s, event text, at timestamptz, amount numeric)', type);
	CREATE INDEX ON shop.events (customer);
	EXECUTE format('INSERT INTO shop.customers SELECT key_text(%1$L, i)::%1$s, pick(1, i, ''GB'', ''IN'', ''US'', NULL) FROM generate_series(1, 60) AS i', type);
	CALL write_events(type, 0, 400);
END $$;

CREATE PROCEDURE write_events(type text, seed bigint, n int) LANGUAGE plpgsql AS $$
BEGIN
	-- some are of nobody
	EXECUTE format('INSERT INTO shop.events (customer, event, at, amount) SELECT key_text(%1$L, random_below($1, i, 65))::%1$s, pick($1, i, ''view'', ''cart'', ''purchase''),
		clock_timestamp() - random_age($1, i), nullif(random_below($1 + 7, i, 40) - 5, 0) FROM generate_series(1, $2) AS i', type) USING seed * 100 + 11, n;
END $$;

CREATE PROCEDURE write(type text, seed bigint) LANGUAGE plpgsql AS $$
BEGIN
	CALL write_events(type, seed, 1 + random_below(seed, 1, 30)::int);
	IF random_below(seed, 2, 2) = 0 THEN
		DELETE FROM shop.events WHERE random_below(seed, n, 20) = 0;
	END IF;
	IF random_below(seed, 3, 2) = 0 THEN
		UPDATE shop.events SET at = at - interval '5 seconds', amount = 3 WHERE random_below(seed + 1, n, 20) = 0;
	END IF;
	IF random_below(seed, 4, 3) = 0 THEN
		UPDATE shop.customers SET country = pick(seed, 5, 'GB', 'IN', NULL) WHERE random_below(seed, hashtext(id::text), 10) = 0;
	END IF;
	IF random_below(seed, 6, 3) = 0 THEN
		DELETE FROM shop.customers WHERE random_below(seed, hashtext(id::text), 30) = 0;
	END IF;
	IF random_below(seed, 7, 3) = 0 THEN
		EXECUTE format('INSERT INTO shop.customers SELECT key_text(%1$L, i)::%1$s, ''IN'' FROM generate_series(55, 64) AS i ON CONFLICT DO NOTHING', type);
	END IF;
END $$;

-- ---------------------------------------------------------------- the slow way, and all others

CREATE FUNCTION brute(segment regclass) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
	r rule := (SELECT s.rule FROM personalize.segment AS s WHERE s.relation = segment);
BEGIN
	RETURN QUERY
		WITH others AS MATERIALIZED (SELECT n AS name, b AS customer FROM unnest(rule_segments(r)) AS n, brute(n::regclass) AS b),
		happened AS MATERIALIZED (SELECT e.customer AS id, activity(e.event, e.at, e.amount) AS a FROM shop.events AS e GROUP BY 1)
		SELECT c.id::text FROM shop.customers AS c LEFT JOIN happened AS h USING (id)
		 WHERE matches(coalesce(h.a, '{}'), r, jsonb_build_object('country', c.country, '$segments',
			   (SELECT coalesce(jsonb_agg(o.name), '[]') FROM others AS o WHERE o.customer = c.id::text)), statement_timestamp(), 'UTC');
END $$;

CREATE FUNCTION check_form(segment regclass, expected text[], form text, query text, what text) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
	ours text[];
BEGIN
	EXECUTE format('SELECT ARRAY(SELECT x::text FROM (%s) AS q(x) ORDER BY x::text COLLATE "C")', query) INTO ours;
	IF ours IS DISTINCT FROM expected THEN
		RAISE EXCEPTION 'failed: %: % of %, whose rule is %', what, form, segment, (SELECT s.rule FROM personalize.segment AS s WHERE s.relation = segment)
			USING DETAIL = format('Missing %s, extra %s.', ARRAY(SELECT unnest(expected) EXCEPT SELECT unnest(ours)), ARRAY(SELECT unnest(ours) EXCEPT SELECT unnest(expected)));
	END IF;
END $$;

CREATE FUNCTION check_reads(type text, what text) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
	segment regclass;
	expected text[];
BEGIN
	FOR segment IN SELECT s.relation FROM personalize.segment AS s ORDER BY s.id LOOP
		expected := ARRAY(SELECT b FROM brute(segment) AS b ORDER BY b COLLATE "C");
		PERFORM check_form(segment, expected, 'in_segment', format('SELECT id FROM shop.customers WHERE in_segment(%L, id)', segment), what);
		PERFORM check_form(segment, expected, 'segment', format('SELECT segment(%L, NULL::%s)', segment, type), what);
		PERFORM check_form(segment, expected, 'the function', format('SELECT * FROM %s()', segment), what);
		PERFORM check_form(segment, expected, 'explanations', format('SELECT c.id FROM shop.customers AS c, segment_explain(%L, c.id) AS e WHERE e.place = 1 AND e.value', segment), what);
		-- a customer alone, for whom nothing else is read
		PERFORM check_form(segment, expected[1:1], 'the first alone', format('SELECT %L WHERE in_segment(%L, %L)', expected[1], segment, expected[1]), what);
		IF type IN ('smallint', 'integer', 'bigint') THEN
			PERFORM check_form(segment, expected, 'segment_set', format('SELECT unnest(segment_set(%L))', segment), what);
		END IF;
	END LOOP;
END $$;

-- ---------------------------------------------------------------- rounds

-- Each column is a statement of its own, so that time goes on.
CREATE TABLE step AS
	SELECT type, round, type_number * 1000 + round AS seed
	  FROM unnest('{smallint,integer,bigint,uuid,text}'::text[]) WITH ORDINALITY AS t(type, type_number), generate_series(1, 10) AS round;
SELECT CASE round WHEN 1 THEN format('CALL make_shop(%L)', type) ELSE 'SELECT' END,
	   CASE round WHEN 1 THEN $$SELECT create_activity('shop.activity', 'shop.customers', 'id', '{"*": {"table": "shop.events", "customer": "customer", "event": "event", "at": "at", "amount": "amount"}}')$$ ELSE 'SELECT' END,
	   CASE WHEN round < 9 THEN format('SELECT create_segment(%L, %L, %L, %L)', 'shop.s' || round, 'shop.customers', 'id', random_rule(seed, 1 + round % 3, round - 1)) ELSE 'SELECT' END,
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', before'),
	   'BEGIN',
	   format('CALL write(%L, %s)', type, seed),
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', own changes'),
	   'SAVEPOINT s',
	   format('CALL write(%L, %s)', type, seed + 500),
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', within a subtransaction'),
	   'ROLLBACK TO s',
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', rolled back to'),
	   CASE WHEN random_below(seed, 1, 3) = 0 THEN 'ROLLBACK' ELSE 'COMMIT' END,
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', afterwards'),
	   CASE WHEN random_below(seed, 2, 2) = 0 THEN $$CALL refresh('shop.activity')$$ ELSE 'SELECT' END,
	   format('SELECT check_reads(%L, %L)', type, type || ' ' || round || ', refreshed'),
	   CASE WHEN random_below(seed, 3, 3) = 0 AND round < 9 THEN format('SELECT alter_segment(%L, %L)', 'shop.s' || round, random_rule(seed + 300, 2, round - 1)) ELSE 'SELECT' END
  FROM step ORDER BY seed \gexec
-- hardly any memory: no set is kept
SET work_mem = '64kB';
SELECT check_reads('text', 'little memory');
RESET work_mem;
-- workers have states of their own
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT check_reads('text', 'in parallel');

-- The test can fail: a member that is none.
DELETE FROM shop.s1;
DELETE FROM shop.s1_outside;
INSERT INTO shop.s1 SELECT id, now(), 'infinity' FROM shop.customers;
DO $$
BEGIN
	PERFORM check_reads('text', 'planted');
	RAISE EXCEPTION 'failed: a wrong member is not found';
EXCEPTION WHEN raise_exception THEN
	PERFORM fail_unless(sqlerrm LIKE '%planted%', 'a wrong member is found');
END $$;
