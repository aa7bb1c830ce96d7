-- Segments after random changes at random instants: members are those whom the rule holds for by itself, everybody came and went when an evaluation at every
-- instant of change says, and each once.
\ir lib/oracle.sql
SET timezone = 'UTC';
SET client_min_messages = warning;

SELECT set_config('test.role', 'segments_' || pg_backend_pid(), false) AS role \gset
CREATE ROLE :role;
CREATE SCHEMA shop AUTHORIZATION :role;
GRANT USAGE ON SCHEMA public, personalize TO :role;
SET ROLE :role;

CREATE TABLE shop.customers (customer_id bigint PRIMARY KEY, country text, zone text, profile jsonb,
	visitor uuid GENERATED ALWAYS AS (md5(customer_id::text)::uuid) STORED UNIQUE, email text GENERATED ALWAYS AS ('c' || customer_id % 7 || '.' || customer_id) STORED UNIQUE);
CREATE TABLE shop.events (customer_id bigint, kind text, at timestamptz, amount numeric,
	visitor uuid GENERATED ALWAYS AS (md5(customer_id::text)::uuid) STORED, email text GENERATED ALWAYS AS ('c' || customer_id % 7 || '.' || customer_id) STORED);
CREATE INDEX ON shop.events (customer_id);
CREATE INDEX ON shop.events (visitor);
CREATE INDEX ON shop.events (email);
INSERT INTO shop.customers SELECT c, (ARRAY['IN', 'US', 'GB', NULL])[1 + c % 4], (ARRAY['UTC', 'Asia/Kolkata', 'America/New_York', 'Nowhere', NULL])[1 + c % 5], jsonb_build_object('vip', c % 2 = 0)
  FROM generate_series(1, 30) AS c;

-- Around a time, on a grid, so that many are equal; some of nobody.
CREATE FUNCTION shop.happen(seed bigint, first timestamptz, seconds int, n int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO shop.events SELECT 1 + random_below(seed, e, 33), (ARRAY['view', 'purchase', 'cart'])[1 + random_below(seed + 1, e, 3)],
		first + random_below(seed + 2, e, seconds * 10) * interval '100 ms', 5 * random_below(seed + 3, e, 6) FROM generate_series(1, n) AS e
$$;

CREATE FUNCTION shop.leaf(seed bigint) RETURNS text LANGUAGE sql AS $$
	SELECT (ARRAY['count(purchase, 2 seconds) >= 2', 'did(purchase, 3 seconds)', 'not did(view, 1 second)', 'count(view, 3 seconds) <= 1', 'sum(purchase, 2 seconds) > 20', 'avg(purchase, 3 seconds) >= 10',
		'last(purchase) >= 2 seconds', 'last(view) < 1 second', 'seq(view, purchase, 1 second, 3 seconds)', 'did_not_after(view, purchase, 2 seconds)', 'regular(view, every 1 second, 2 of 3)', 'did(purchase, this day)',
		'count(view, previous day) = 0', 'attr(country) in (IN, GB)', 'attr(profile.vip) = true', 'attr(country) is null', 'max(purchase, 2 seconds) > 15', 'days(view, 2 seconds) >= 1', 'bucket(x, 0, 50)',
		'first(view) >= 2 seconds', 'count(purchase[amount >= 10], 3 seconds) >= 1', 'count(view) <> 3', 'lifecycle(new)'])[1 + random_below(seed, 0, 23)]
$$;
CREATE FUNCTION shop.random_rule(seed bigint, depth int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	what bigint := random_below(seed, 1, 6);
BEGIN
	IF depth = 0 OR what < 2 THEN RETURN shop.leaf(seed); END IF;
	IF what = 2 THEN RETURN 'not (' || shop.random_rule(seed * 3 + 1, depth - 1) || ')'; END IF;
	RETURN '(' || shop.random_rule(seed * 3 + 1, depth - 1) || CASE WHEN what < 5 THEN ') and (' ELSE ') or (' END || shop.random_rule(seed * 3 + 2, depth - 1) || ')';
END $$;

-- ---------------------------------------------------------------- what has to be

CREATE TABLE shop.known (customer_id bigint PRIMARY KEY, a personalize.activity, attributes jsonb, zone text);
CREATE TABLE shop.before (LIKE shop.known);
CREATE PROCEDURE shop.look() LANGUAGE sql AS $$
	DELETE FROM shop.before;
	INSERT INTO shop.before SELECT * FROM shop.known;
	DELETE FROM shop.known;
	INSERT INTO shop.known SELECT c.customer_id, coalesce((SELECT activity(e.kind, e.at, e.amount) FROM shop.events AS e WHERE e.customer_id = c.customer_id), '{}'),
		to_jsonb(c), CASE WHEN c.zone IN (SELECT name FROM pg_timezone_names) THEN c.zone ELSE 'UTC' END FROM shop.customers AS c;
$$;

-- A rule as it was given, on an activity made of the rows, and other segments by the same way.
CREATE FUNCTION shop.holds(s regclass, k shop.known, at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	def personalize.segment;
	names text[] := '{}';
	used regclass;
BEGIN
	SELECT * INTO STRICT def FROM personalize.segment WHERE relation = s;
	FOREACH used IN ARRAY def.uses LOOP
		IF shop.holds(used, k, at) THEN names := names || used::text; END IF;
	END LOOP;
	RETURN matches(k.a, def.rule, k.attributes || jsonb_build_object('$segments', names,
		'$key', k.attributes -> CASE def.key_type WHEN 'uuid'::regtype THEN 'visitor' WHEN 'text'::regtype THEN 'email' ELSE 'customer_id' END), at, k.zone);
END $$;

CREATE TABLE shop.wrong (what text, segment regclass, detail text);

-- Between two refreshes; `key` is what customers go by in the segment.
CREATE PROCEDURE shop.check_segment(s regclass, key text, first timestamptz, last timestamptz, since timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO shop.wrong SELECT ''member'', $1, coalesce(e.key::text, f.%1$I::text)'
		' FROM (SELECT c.%1$I AS key FROM shop.known AS k JOIN shop.customers AS c USING (customer_id) WHERE shop.holds($1, k, $2)) AS e FULL JOIN %2$s AS f ON f.%1$I = e.key WHERE e.key IS NULL OR f.%1$I IS NULL', key, s) USING s, last;
	INSERT INTO shop.wrong SELECT 'verify', s, v::text FROM verify(s) AS v;
	EXECUTE format('INSERT INTO shop.wrong SELECT ''log'', $1, l::text FROM (SELECT *, lag(change) OVER w AS before, lag(at) OVER w AS at_before, lead(change) OVER w IS NULL AS is_last'
		'  FROM (SELECT *, row_number() OVER () AS n FROM %2$s_changes) AS l WINDOW w AS (PARTITION BY customer ORDER BY n)) AS l'
		' WHERE change IS NOT DISTINCT FROM before OR before IS NULL AND change = ''left'' OR at < at_before OR is_last AND (change = ''entered'') <> EXISTS (SELECT FROM %2$s AS f WHERE f.%1$I = l.customer)', key, s) USING s;
	-- of who was known before, and has changed in nothing but events: instants are those of events, and so many seconds later
	EXECUTE format('CREATE TEMP TABLE flip ON COMMIT DROP AS WITH customer AS (SELECT k, c.%1$I AS key, shop.holds($1, ROW(b.*)::shop.known, $2) AS was FROM shop.known AS k JOIN shop.before AS b USING (customer_id) JOIN shop.customers AS c USING (customer_id)'
		'  WHERE b.attributes = k.attributes),'
		' answer AS (SELECT key, was, i.at, shop.holds($1, k, i.at) AS now FROM customer, LATERAL (SELECT $2 AS at UNION SELECT e.at + n * interval ''1 second'' FROM shop.events AS e, generate_series(0, 3) AS n'
		'  WHERE e.customer_id = (k).customer_id AND e.at + n * interval ''1 second'' > $2 AND e.at + n * interval ''1 second'' <= $3) AS i)'
		' SELECT key, CASE WHEN now THEN ''entered'' ELSE ''left'' END AS change, at FROM (SELECT *, coalesce(lag(now) OVER (PARTITION BY key ORDER BY at), was) AS before FROM answer) AS a WHERE now <> before', key) USING s, first, last;
	EXECUTE format('CREATE TEMP TABLE told ON COMMIT DROP AS SELECT customer AS key, change, at FROM %2$s_changes WHERE recorded >= $1 AND cause <> ''rule_change'''
		' AND customer IN (SELECT c.%1$I FROM shop.known AS k JOIN shop.before AS b USING (customer_id, attributes) JOIN shop.customers AS c USING (customer_id))', key, s) USING since;
	INSERT INTO shop.wrong SELECT 'not told', s, d::text FROM (SELECT * FROM flip EXCEPT ALL SELECT * FROM told) AS d UNION ALL SELECT 'told', s, d::text FROM (SELECT * FROM told EXCEPT ALL SELECT * FROM flip) AS d;
	DROP TABLE flip, told;
END $$;

-- ---------------------------------------------------------------- three kinds of keys, chains of segments

SELECT create_activity('shop.by_number', customers => 'shop.customers', key => 'customer_id', zone => 'zone', default_zone => 'UTC', events => '{"*": {"table": "shop.events", "customer": "customer_id", "at": "at", "event": "kind", "amount": "amount"}}');
SELECT create_activity('shop.by_uuid', customers => 'shop.customers', key => 'visitor', zone => 'zone', default_zone => 'UTC', events => '{"*": {"table": "shop.events", "customer": "visitor", "at": "at", "event": "kind", "amount": "amount"}}');
SELECT create_activity('shop.by_text', customers => 'shop.customers', key => 'email', zone => 'zone', default_zone => 'UTC', events => '{"*": {"table": "shop.events", "customer": "email", "at": "at", "event": "kind", "amount": "amount"}}');
CREATE TABLE shop.segment (name text PRIMARY KEY, activity text, key text, place int);
INSERT INTO shop.segment SELECT format('shop.%s%s', left(key, 1), n), activity, key, n FROM (VALUES ('shop.by_number', 'customer_id'), ('shop.by_uuid', 'visitor'), ('shop.by_text', 'email')) AS v(activity, key), generate_series(1, 5) AS n;

CREATE PROCEDURE shop.create_segments(seed bigint) LANGUAGE plpgsql AS $$
DECLARE
	s shop.segment;
	rule text;
BEGIN
	FOR s IN SELECT * FROM shop.segment ORDER BY activity, place LOOP
		rule := shop.random_rule(seed + s.place, 2);
		IF s.place > 3 THEN
			rule := format('in(shop.%1$s%2$s) and (%3$s) or not in(shop.%1$s%4$s)', left(s.key, 1), 1 + random_below(seed, s.place, 3), rule, s.place - 1);
		END IF;
		PERFORM create_segment(s.name, NULL, NULL, rule, activity => s.activity::regclass);
	END LOOP;
END $$;

CREATE PROCEDURE shop.round(activity text, rebuild boolean) LANGUAGE plpgsql AS $$
DECLARE
	s shop.segment;
	before timestamptz;
	after timestamptz;
BEGIN
	SELECT refreshed INTO before FROM personalize.activity_table WHERE relation = round.activity::regclass;
	CALL refresh(round.activity::regclass, rebuild => round.rebuild);
	SELECT refreshed INTO after FROM personalize.activity_table WHERE relation = round.activity::regclass;
	FOR s IN SELECT * FROM shop.segment AS g WHERE g.activity = round.activity ORDER BY place LOOP
		CALL shop.check_segment(s.name::regclass, s.key, before, after, now());
	END LOOP;
END $$;

-- Each in a statement of its own, as a refresh is as of the start of its statement.
CREATE PROCEDURE shop.change(x bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM shop.happen(x * 10, clock_timestamp() - interval '2 seconds', 4, random_below(x, 1, 15)::int);
	IF random_below(x, 2, 2) = 0 THEN DELETE FROM shop.events WHERE ctid = ANY (ARRAY(SELECT ctid FROM shop.events ORDER BY random_below(x, hashtext(ctid::text), 1000000) LIMIT 3)); END IF;
	IF random_below(x, 3, 3) = 0 THEN UPDATE shop.customers SET country = 'IN', zone = NULL WHERE random_below(x, customer_id, 8) = 0; END IF;
	IF random_below(x, 4, 4) = 0 THEN DELETE FROM shop.customers WHERE random_below(x + 1, customer_id, 12) = 0; END IF;
	IF random_below(x, 5, 3) = 0 THEN INSERT INTO shop.customers SELECT c, 'US' FROM generate_series(1, 33) AS c WHERE random_below(x + 2, c, 4) = 0 ON CONFLICT DO NOTHING; END IF;
	CALL shop.look();
END $$;

CREATE PROCEDURE shop.check_round(x bigint) LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM shop.wrong) THEN RAISE EXCEPTION 'round %: %', x, (SELECT array_agg(w) FROM (SELECT * FROM shop.wrong LIMIT 5) AS w); END IF;
	IF random_below(x, 8, 4) = 0 THEN
		PERFORM alter_segment(name::regclass, shop.random_rule(x, 2)) FROM shop.segment WHERE place = 1 + random_below(x, 9, 2);
		CALL shop.look();
	END IF;
END $$;

CREATE FUNCTION shop.rounds(seed bigint, n int) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT command FROM generate_series(1, n) AS i, LATERAL (SELECT seed * 1000 + i AS x) AS s,
		LATERAL (VALUES (1, format('CALL shop.change(%s)', x)), (2, format('SELECT pg_sleep(%s)', random_below(x, 6, 5) * 0.1)),
			(3, format('CALL shop.round(''shop.by_number'', %L)', random_below(x, 7, 8) = 0)), (4, format('CALL shop.round(''shop.by_uuid'', %L)', random_below(x, 10, 8) = 0)),
			(5, format('CALL shop.round(''shop.by_text'', %L)', random_below(x, 11, 8) = 0)), (6, format('CALL shop.check_round(%s)', x))) AS v(place, command)
	 ORDER BY i, place $$;

SELECT shop.happen(1, now() - interval '3 days', 2 * 86400, 60);
SELECT shop.happen(2, now() - interval '4 seconds', 5, 40);
CALL shop.look();
CALL shop.create_segments(1);
CALL shop.look();
SELECT shop.rounds(1, 12) \gexec
SELECT drop_segment(name::regclass) FROM shop.segment ORDER BY activity, place DESC;
CALL shop.create_segments(20);
SELECT shop.rounds(2, 12) \gexec
SELECT fail_unless((SELECT count(*) FROM shop.c2_changes WHERE cause IN ('event', 'timer')) > 0, 'somebody came or went');

RESET ROLE;
DROP SCHEMA shop CASCADE;
DROP OWNED BY :role;
DROP ROLE :role;
