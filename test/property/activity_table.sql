-- Activity tables after random statements of all kinds on several sources, rolled back or not, with refreshes in between: bit for bit what the
-- aggregate makes of the rows as they are.
\ir lib/oracle.sql
-- warnings about disabled triggers are meant
SET client_min_messages = error;

-- Customers by number, orders in partitions, events of kinds that a column names, visits behind a view, scores.  Keys of type `key`, in events as `narrow`.
CREATE PROCEDURE make_shop(shop name, key text, narrow text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE SCHEMA %I', shop);
	PERFORM set_config('search_path', format('%I, public, personalize', shop), false);
	EXECUTE format('CREATE FUNCTION key_of(n bigint) RETURNS %1$s LANGUAGE sql IMMUTABLE AS %2$L', key,
				   CASE key WHEN 'uuid' THEN 'SELECT md5(n::text)::uuid' WHEN 'text' THEN $q$SELECT chr(65 + (n % 60)::int) || 'é' || n$q$ ELSE format('SELECT ((n - 20) * 37)::%s', key) END);
	EXECUTE format('CREATE TABLE customers (id %s, zone text, country text) PARTITION BY HASH (id)', key);
	CREATE TABLE customers_0 PARTITION OF customers FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE customers_1 PARTITION OF customers FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	ALTER TABLE customers ADD PRIMARY KEY (id);
	EXECUTE format('CREATE TABLE orders (line bigserial, who %s, ordered timestamptz, total numeric, note text) PARTITION BY RANGE (ordered)', key);
	CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
	CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
	CREATE INDEX ON orders (who);
	EXECUTE format('CREATE TABLE events (who %s, kind text, at timestamp, value float8)', narrow);
	CREATE INDEX ON events (who);
	EXECUTE format('CREATE TABLE session (session int PRIMARY KEY, who %s)', key);
	CREATE INDEX ON session (who);
	CREATE TABLE visit (session int, day date, points bigint);
	CREATE VIEW visits AS SELECT s.who, v.day, v.points FROM visit AS v JOIN session AS s USING (session);
	EXECUTE format('CREATE TABLE scores (who %s, model text, score real, PRIMARY KEY (who, model))', key);
	PERFORM personalize.create_activity('activity', customers => 'customers', key => 'id', zone => 'zone', default_zone => 'UTC',
		events => format('{"purchase": {"table": "orders", "customer": "who", "at": "ordered", "amount": "total"}, "*": {"table": "events", "event": "kind", "customer": "who", "at": "at", "amount": "value"},'
			' "order": {"table": "orders", "customer": "who", "at": "ordered"},'
			' "visit": {"table": "visits", "customer": "who", "at": "day", "amount": "points", "watch": {"visit": "(SELECT s.who FROM %1$I.session AS s WHERE s.session = visit.session FOR SHARE)", "session": "who"}}}', shop)::jsonb,
		scores => '{"table": "scores", "customer": "who", "model": "model", "score": "score"}');
	PERFORM personalize.create_segment('buyers', 'customers', 'id', 'count(purchase) >= 2 and (attr(country) = GB or score(churn) > 0.5)');
	PERFORM personalize.create_segment('lookers', NULL, NULL, 'count(a, 400 days) >= 3 or did(visit, 100 days) and not in(buyers)', activity => 'activity');
END $$;

-- What a refresh now would have to make.
CREATE PROCEDURE make_truth_of_shop() LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS truth.customer;
	-- the statements below rename columns
	EXECUTE format($sql$CREATE TABLE truth.customer AS
		SELECT c.id, coalesce(e.activity, '{}') AS activity FROM customers AS c
		  LEFT JOIN (SELECT who, rollup(a) AS activity FROM
				(SELECT %1$I AS who, activity('purchase', ordered, CASE WHEN abs(%2$I) < 461168601842738.79 THEN %2$I END) AS a FROM orders WHERE ordered >= '0001-01-01 00:00+00' AND ordered < '9999-12-31' GROUP BY 1
				 UNION ALL SELECT %1$I, activity('order', ordered) FROM orders WHERE ordered >= '0001-01-01 00:00+00' AND ordered < '9999-12-31' GROUP BY 1
				 UNION ALL SELECT who, activity(kind, at AT TIME ZONE 'UTC', CASE WHEN abs(value) < 461168601842738.79 THEN value END) FROM events
					WHERE at >= '0001-01-01' AND at < '9999-12-31' AND kind <> '' AND octet_length(kind) <= 200 GROUP BY 1
				 UNION ALL SELECT who, activity('visit', day::timestamp AT TIME ZONE 'UTC', points::numeric) FROM visits WHERE day > '-infinity' AND day < 'infinity' GROUP BY 1) AS e
			GROUP BY who) AS e ON e.who = c.id$sql$,
		(SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum = 2), (SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum = 4));
END $$;

CREATE PROCEDURE check_shop(what text) LANGUAGE plpgsql AS $$
DECLARE
	difference record;
BEGIN
	CALL make_truth_of_shop();
	SELECT coalesce(a.id, t.id) AS id, a.activity AS stored, t.activity AS expected INTO difference
	  FROM activity AS a FULL JOIN truth.customer AS t USING (id) WHERE (a.activity = t.activity) IS NOT TRUE LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'failed: %', what USING DETAIL = difference;
	END IF;
	SELECT * INTO difference FROM verify('activity') LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'failed: %', what USING DETAIL = difference;
	END IF;
	PERFORM fail_unless(num_customers = (SELECT count(*) FROM customers), what || ': number of customers') FROM activity_table WHERE relation = 'activity'::regclass;
	PERFORM fail_unless(pending = 0 AND needs_rebuild IS NULL AND (problem IS NULL OR problem LIKE '%trigger is disabled'), what || ': ' || coalesce(problem, needs_rebuild, 'pending')) FROM status WHERE relation = 'activity'::regclass;
END $$;

CREATE FUNCTION some_key(r bigint) RETURNS text LANGUAGE sql AS $$ SELECT format('key_of(%s)', r % 60) $$;

-- One statement, by its number; whatever fails is the statement's own business.
CREATE PROCEDURE change_shop(seed bigint) LANGUAGE plpgsql AS $$
DECLARE
	r bigint[] := ARRAY(SELECT random_below(seed, i, 1000000) FROM generate_series(0, 9) AS i);
	times text[] := ARRAY['2026-03-01', 'now', '2025-12-31 23:59:59.999999+00', '0001-01-01 00:00+00', '1999-02-03 04:05:06.7', 'infinity', '-infinity', '20000-01-01', '2026-10-25 02:30:00 Europe/Berlin'];
	amounts text[] := ARRAY['1', '19.99', '-3.00005', 'NaN', '1e14', '9e20', '0', '461168601842737.9999', '0.00005'];
	at text := quote_literal(times[1 + r[1] % 9]);
	amount text := quote_nullable(amounts[1 + r[2] % 9]);
	kind text := quote_nullable((ARRAY['a', 'b', NULL, '', repeat('x', 201), 'Käse "x"', 'a'])[1 + r[3] % 7]);
	command text;
BEGIN
	command := CASE r[4] % 44
		WHEN 0 THEN format('INSERT INTO customers SELECT %s, %L, %L ON CONFLICT (id) DO UPDATE SET country = EXCLUDED.country', some_key(r[5]), 'Asia/Tokyo', (ARRAY['GB', 'IN'])[1 + r[6] % 2])
		WHEN 1 THEN format('INSERT INTO customers SELECT key_of(g) FROM generate_series(%s, %s) AS g ON CONFLICT DO NOTHING', r[5] % 60, r[5] % 60 + r[6] % 9)
		WHEN 2 THEN format('DELETE FROM customers WHERE id = %s', some_key(r[5]))
		WHEN 3 THEN format('UPDATE customers SET id = %s WHERE id = %s', some_key(r[5]), some_key(r[6]))
		WHEN 4 THEN format('DELETE FROM orders WHERE who = %s', some_key(r[5]))
		WHEN 5 THEN format('UPDATE orders SET ordered = %s, who = %s WHERE line %% 7 = %s', at, some_key(r[5]), r[6] % 7)
		WHEN 6 THEN format('UPDATE orders SET total = %s::numeric WHERE line %% 11 = %s', amount, r[6] % 11)
		WHEN 7 THEN format('UPDATE orders SET note = %L WHERE who = %s', 'n', some_key(r[5]))
		WHEN 8 THEN format('UPDATE events SET kind = %s WHERE who = %s', kind, some_key(r[5]))
		WHEN 9 THEN format('DELETE FROM events WHERE at < %s', at)
		WHEN 10 THEN format('INSERT INTO session SELECT %s, %s ON CONFLICT (session) DO UPDATE SET who = EXCLUDED.who', r[5] % 40, some_key(r[6]))
		WHEN 11 THEN format('DELETE FROM session WHERE session = %s', r[5] % 40)
		WHEN 12 THEN format('DELETE FROM visit WHERE session = %s', r[5] % 40)
		WHEN 13 THEN CASE WHEN r[5] % 8 = 0 THEN (ARRAY['TRUNCATE events', 'TRUNCATE orders', 'TRUNCATE visit', 'TRUNCATE orders_2026', 'TRUNCATE customers_0'])[1 + r[6] % 5] ELSE 'SELECT 1' END
		WHEN 14 THEN (ARRAY['ALTER TABLE orders DETACH PARTITION orders_2026', 'ALTER TABLE orders ATTACH PARTITION orders_2026 FOR VALUES FROM (''2026-01-01'') TO (''2027-01-01'')'])[1 + r[5] % 2]
		WHEN 15 THEN (ARRAY['ALTER TABLE orders RENAME total TO paid', 'ALTER TABLE orders RENAME paid TO total', 'ALTER TABLE events ALTER value TYPE float8 USING value * 2', 'ALTER TABLE customers ADD COLUMN IF NOT EXISTS extra int',
			'ALTER TABLE orders RENAME who TO customer', 'ALTER TABLE orders RENAME customer TO who', 'ALTER TABLE events DISABLE TRIGGER USER', 'ALTER TABLE events ENABLE TRIGGER USER'])[1 + r[5] % 8]
		WHEN 16 THEN format('INSERT INTO scores SELECT %s, %L, %s ON CONFLICT (who, model) DO UPDATE SET score = EXCLUDED.score', some_key(r[5]), (ARRAY['churn', 'other'])[1 + r[6] % 2], (r[7] % 10) / 10.0)
		WHEN 17 THEN format('WITH gone AS (DELETE FROM orders_rest WHERE line %% 13 = %s RETURNING who) INSERT INTO events SELECT who, %s, %s, 1 FROM gone', r[5] % 13, kind, at)
		WHEN 18 THEN format('INSERT INTO visit SELECT %s, CASE WHEN %s %% 9 = 0 THEN %L ELSE %L END::date + %s, %s', r[5] % 40, r[7], '2026-01-01', '2025-06-01', r[6] % 300, r[7] % 100)
		WHEN 19 THEN format('INSERT INTO events SELECT %s, %L, timestamp %L + g * interval %L, g FROM generate_series(1, 600) AS g', some_key(r[5]), 'many', '2024-01-01', '7 hours')
		WHEN 20 THEN format('INSERT INTO orders_2026 VALUES (nextval(''orders_line_seq''), %s, %L, %s)', some_key(r[5]), '2026-05-05 05:05', amount)
		WHEN 21 THEN 'DROP TABLE IF EXISTS spare; CREATE TABLE spare (LIKE orders); INSERT INTO spare SELECT * FROM orders LIMIT 3'
		ELSE CASE WHEN r[4] % 2 = 0
			THEN format('INSERT INTO orders SELECT nextval(''orders_line_seq''), key_of((%s + g * g) %% 60), %s::timestamptz + g * interval %L, %s FROM generate_series(0, %s) AS g', r[5], at, '1 hour', amount, r[6] % 5)
			ELSE format('INSERT INTO events SELECT key_of((%s + g * 3) %% 60), %s, %s::timestamptz::timestamp + g * interval %L, %s FROM generate_series(0, %s) AS g', r[5], kind, at, '1 day', amount, r[6] % 5) END
		END;
	EXECUTE command;
EXCEPTION WHEN OTHERS THEN
	NULL;
END $$;

CREATE PROCEDURE refresh_shop(seed bigint) LANGUAGE plpgsql AS $$
BEGIN
	CALL refresh('activity', (ARRAY[NULL, false, false, false, true])[1 + random_below(seed, 77, 5)]);
END $$;

-- Several statements that are undone together, or whose last part is; a refresh may be among what is undone.
CREATE PROCEDURE change_and_undo(seed bigint) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		CALL change_shop(seed * 10 + 1);
		BEGIN
			CALL change_shop(seed * 10 + 2);
			IF seed % 3 = 0 THEN
				CALL refresh_shop(seed);
			END IF;
			CALL change_shop(seed * 10 + 3);
			RAISE EXCEPTION 'inner';
		EXCEPTION WHEN raise_exception THEN
			CALL change_shop(seed * 10 + 4);
		END;
		IF seed % 2 = 0 THEN
			RAISE EXCEPTION 'outer';
		END IF;
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
END $$;

CREATE PROCEDURE try_shop(shop name, key text, narrow text, first int, rounds int) LANGUAGE plpgsql AS $$
BEGIN
	CALL make_shop(shop, key, narrow);
	FOR round IN first .. first + rounds - 1 LOOP
		FOR i IN 1 .. 1 + random_below(round, 5, 8) LOOP
			CALL change_shop(round * 1000 + i);
			IF i % 4 = 3 THEN
				CALL change_and_undo(round * 100 + i);
			END IF;
			IF random_below(round, i, 4) = 0 THEN
				COMMIT;
			END IF;
		END LOOP;
		-- while a trigger is disabled, each refresh is a build
		IF round % 5 = 0 THEN
			ALTER TABLE events ENABLE TRIGGER USER;
		END IF;
		CALL refresh_shop(round);
		IF round % 3 = 0 THEN
			COMMIT;
		END IF;
		CALL check_shop(format('%s, round %s', shop, round));
	END LOOP;
	-- ids are never given twice, whoever came and went
	IF key IN ('uuid', 'text') THEN
		PERFORM fail_unless(count(DISTINCT ordinal) = count(*) AND max(ordinal) < max(next_ordinal) AND max(next_ordinal) > count(*), 'ordinals')
		  FROM activity, activity_table AS t WHERE t.relation = 'activity'::regclass;
	END IF;
	PERFORM fail_unless(count(*) > 10 AND count(*) FILTER (WHERE activity <> '{}') > 5, format('%s has customers with events', shop)) FROM activity;
	-- without any event trigger or log, a build from nothing is the same
	CALL refresh('activity', true);
	CALL check_shop(format('%s, built again', shop));
END $$;

\if :{?first}
\else
\set first 1
\endif
-- the parts of a build go to a file and come back
SET maintenance_work_mem = '1MB';
CALL try_shop('int_shop', 'integer', 'smallint', :first, 60);
CALL try_shop('big_shop', 'bigint', 'integer', :first, 60);
CALL try_shop('uuid_shop', 'uuid', 'uuid', :first, 60);
CALL try_shop('text_shop', 'text', 'varchar(40)', :first, 60);

-- amounts are read off the digits of a numeric: round() says what must come out
CREATE TABLE amounts AS SELECT g, (random_below(1, g, 2000000) - 1000000) * power(10::numeric, random_below(2, g, 24) - 16) + random_below(3, g, 3) * 0.00005 AS amount FROM generate_series(1, 50000) AS g;
SELECT fail_unless(count(*) > 40000 AND count(*) FILTER (WHERE kept <> round(amount, 4)) = 0, 'amounts of numerics')
  FROM (SELECT amount, sum_amount(activity('a', timestamptz '2026-01-01', amount), 'a') AS kept FROM amounts WHERE abs(amount) < 461168601842738 GROUP BY g, amount) AS k;
