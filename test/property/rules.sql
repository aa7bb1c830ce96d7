-- Random rules over random events at random instants: what plain SQL makes of the raw events, at that instant and until the rule says that it may change.
\ir lib/oracle.sql
SET timezone = 'UTC';

-- Streams that come in no order, with times that are often the same; customer 0 did nothing, customers from 40 on did most of it within hours.
CREATE TABLE event AS
	SELECT c AS customer, (ARRAY['view', 'cart', 'purchase'])[1 + random_below(1, x, 3)] AS event,
		   timestamptz '2026-02-25' + CASE WHEN random_below(2, x, 3) = 0 THEN random_below(3, x, 40) * interval '1 day'
			   WHEN c >= 40 THEN interval '12 days' + random_below(3, x, 6 * 3600) * interval '1 second' ELSE random_below(3, x, 40 * 24) * interval '1 hour' END AS at,
		   CASE WHEN random_below(4, x, 3) > 0 THEN (random_below(5, x, 11) - 2) / 2.0 END AS amount
	  FROM generate_series(1, 59) AS c, generate_series(1, 25) AS e, LATERAL (SELECT c * 1000 + e AS x) AS s
	 WHERE e <= random_below(6, c, 26) ORDER BY random_below(7, x, 1000000);
CREATE INDEX ON event (customer, event);
ANALYZE event;
CREATE TABLE customer AS
	SELECT c AS customer, coalesce(activity(event, at, amount), '{}') AS a, (ARRAY['UTC', 'Asia/Kolkata', 'Europe/Berlin', 'America/New_York'])[1 + c % 4] AS zone,
		   CASE c % 3 WHEN 0 THEN '{"age": null, "born": "2026-03-08"}' WHEN 1 THEN '{"age": 30.0, "country": "IN", "born": "2026-03-01T10:00:00+01:00"}' ELSE '{"age": "7", "country": "GB"}' END::jsonb AS attributes
	  FROM generate_series(0, 59) AS c LEFT JOIN event ON customer = c GROUP BY c;

-- ---------------------------------------------------------------- random rules, as jsonb

CREATE FUNCTION pick(seed bigint, x bigint, VARIADIC choices text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT choices[1 + random_below(seed, x, cardinality(choices))] $$;

CREATE FUNCTION random_filter(seed bigint, x bigint, name text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN random_below(seed, x, 4) = 0 THEN jsonb_build_object(name, jsonb_build_object('op', pick(seed, x + 1, '=', '<>', '<', '<=', '>', '>='), 'amount', random_below(seed, x + 2, 9) / 2.0)) ELSE '{}' END $$;

CREATE FUNCTION random_window(seed bigint, x bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN random_below(seed, x, 6) = 0 THEN '{}' ELSE jsonb_build_object('window', pick(seed, x + 1, '1 day', '7 days', '36 hours', '90 minutes', '20 days', 'this day', 'previous day', 'this week', 'previous week',
		'this month', 'previous month', 'this quarter', 'previous quarter', 'this year', 'previous year', 'since 2026-03-08', 'since 2026-03-29', 'since 2026-03-09T03:00:00Z', 'ever')) END $$;

CREATE FUNCTION random_leaf(seed bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN what < 6 THEN jsonb_build_object(pick(seed, 1, 'count', 'count', 'count', 'sum', 'avg', 'min', 'max', 'days'), a, 'op', op, 'value', random_below(seed, 2, 6) - random_below(seed, 3, 2)) || filter || win
		WHEN what < 8 THEN jsonb_build_object('did', a) || filter || win
		WHEN what < 10 THEN jsonb_build_object(pick(seed, 1, 'last', 'first'), a, 'op', pick(seed, 2, '<', '<=', '>', '>='), 'value', length) || filter
		WHEN what = 10 THEN jsonb_build_object('seq', jsonb_build_array(a, b), 'within', length) || filter || random_filter(seed, 30, 'where_then') || win
		WHEN what = 11 THEN jsonb_build_object('did_not_after', jsonb_build_array(a, b), 'within', length) || filter || random_filter(seed, 30, 'where_then')
		WHEN what = 12 THEN jsonb_build_object('regular', a, 'every', length, 'at_least', 1 + random_below(seed, 2, 3), 'of', 3 + random_below(seed, 3, 5)) || filter
		WHEN what = 13 THEN jsonb_build_object('lifecycle', pick(seed, 1, 'prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost')) ||
			CASE WHEN random_below(seed, 2, 2) = 0 THEN '{}' ELSE jsonb_build_object('event', a) || filter END
		WHEN what = 14 THEN CASE random_below(seed, 1, 4) WHEN 0 THEN jsonb_build_object('attr', 'age', 'op', op, 'value', 7 + random_below(seed, 2, 2) * 23) WHEN 1 THEN '{"attr": "country", "op": "in", "value": ["IN", "FR"]}'
			WHEN 2 THEN jsonb_build_object('attr', pick(seed, 2, 'age', 'country', 'none'), 'op', 'is null') ELSE '{"attr": "country", "op": "<>", "value": "GB"}' END
		ELSE jsonb_build_object('attr', 'born', 'op', pick(seed, 1, 'younger than', 'older than'), 'value', length) END
	  FROM (SELECT random_below(seed, 10, 16) AS what, pick(seed, 11, 'view', 'cart', 'purchase') AS a, pick(seed, 12, 'view', 'cart', 'purchase') AS b, pick(seed, 13, '=', '<>', '<', '<=', '>', '>=') AS op,
				   pick(seed, 14, '1 hour', '1 day', '5 hours', '49 hours', '4 days', '10 days') AS length, random_filter(seed, 20, 'where') AS filter, random_window(seed, 40) AS win) AS s $$;

CREATE FUNCTION random_rule(seed bigint, depth int) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	members jsonb := '[]';
	what bigint := random_below(seed, 50, 6);
BEGIN
	IF depth = 0 OR what = 0 THEN
		RETURN random_leaf(seed);
	ELSIF what = 1 THEN
		RETURN jsonb_build_object('not', random_rule(seed * 5 + 1, depth - 1));
	END IF;
	FOR i IN 1 .. 2 + random_below(seed, 51, 2) LOOP
		members := members || random_rule(seed * 5 + i, depth - 1);
	END LOOP;
	RETURN jsonb_build_object(CASE WHEN what < 4 THEN 'all' ELSE 'any' END, members);
END $$;

-- ---------------------------------------------------------------- the plainest evaluation

CREATE FUNCTION compare(a numeric, op text, b numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS
	$$ SELECT CASE op WHEN '=' THEN a = b WHEN '<>' THEN a <> b WHEN '<' THEN a < b WHEN '<=' THEN a <= b WHEN '>' THEN a > b WHEN '>=' THEN a >= b END $$;

-- From and to, both included.
CREATE FUNCTION bounds(win text, t timestamptz, zone text, OUT since timestamptz, OUT until timestamptz) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	unit text := split_part(win, ' ', 2);
	start timestamp;
BEGIN
	since := '-infinity';
	until := t;
	IF win LIKE 'this %' OR win LIKE 'previous %' THEN
		start := date_trunc(unit, t AT TIME ZONE zone);
		since := start AT TIME ZONE zone;
		IF win LIKE 'previous %' THEN
			until := since - interval '1 microsecond';
			since := (start - CASE unit WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || unit)::interval END) AT TIME ZONE zone;
		END IF;
	ELSIF win LIKE 'since %Z' THEN
		since := unit::timestamptz;
	ELSIF win LIKE 'since %' THEN
		since := unit::timestamp AT TIME ZONE zone;
	ELSIF win <> 'ever' THEN
		since := t - win::interval + interval '1 microsecond';
	END IF;
END $$;

CREATE FUNCTION passing(c int, kind text, filter jsonb, t timestamptz) RETURNS SETOF event LANGUAGE sql STABLE AS $$
	SELECT * FROM event WHERE customer = c AND event = kind AND at <= t AND (filter IS NULL OR compare(amount, filter ->> 'op', (filter ->> 'amount')::numeric)) $$;

CREATE FUNCTION truth_of_leaf(c int, leaf jsonb, t timestamptz, zone text, attributes jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	type text := (SELECT k FROM jsonb_object_keys(leaf) AS k WHERE k IN ('count', 'sum', 'avg', 'min', 'max', 'days', 'did', 'last', 'first', 'seq', 'did_not_after', 'regular', 'lifecycle', 'attr'));
	kind text := CASE WHEN type = 'lifecycle' THEN coalesce(leaf ->> 'event', 'purchase') WHEN jsonb_typeof(leaf -> type) = 'array' THEN leaf -> type ->> 0 ELSE leaf ->> type END;
	op text := leaf ->> 'op';
	within interval := leaf ->> 'within';
	b record := bounds(coalesce(leaf ->> 'window', 'ever'), t, zone);
	n bigint;
	latest timestamptz;
	earliest timestamptz;
	figure numeric;
	value jsonb;
BEGIN
	IF type IN ('count', 'sum', 'avg', 'min', 'max', 'days', 'did') THEN
		SELECT CASE type WHEN 'sum' THEN coalesce(sum(amount), 0) WHEN 'avg' THEN avg(amount) WHEN 'min' THEN min(amount) WHEN 'max' THEN max(amount)
			   WHEN 'days' THEN count(DISTINCT date_trunc('day', at)) ELSE count(*) END
		  INTO figure FROM passing(c, kind, leaf -> 'where', t) WHERE at BETWEEN b.since AND b.until;
		RETURN CASE WHEN type = 'did' THEN figure > 0 ELSE compare(figure, op, (leaf ->> 'value')::numeric) END;
	ELSIF type IN ('last', 'first') THEN
		SELECT CASE type WHEN 'last' THEN max(at) ELSE min(at) END INTO latest FROM passing(c, kind, leaf -> 'where', t);
		RETURN compare(extract(epoch FROM t - latest)::numeric, op, extract(epoch FROM (leaf ->> 'value')::interval)::numeric);
	ELSIF type = 'seq' THEN
		RETURN EXISTS (SELECT FROM passing(c, kind, leaf -> 'where', t) AS x, passing(c, leaf -> type ->> 1, leaf -> 'where_then', t) AS y
						WHERE y.at > x.at AND y.at <= x.at + within AND y.at BETWEEN b.since AND b.until);
	ELSIF type = 'did_not_after' THEN
		SELECT max(at) INTO latest FROM passing(c, kind, leaf -> 'where', t);
		RETURN coalesce(t >= latest + within AND NOT EXISTS (SELECT FROM passing(c, leaf -> type ->> 1, leaf -> 'where_then', t) WHERE at > latest AND at <= latest + within), false);
	ELSIF type = 'regular' THEN
		SELECT count(DISTINCT period) INTO n FROM (SELECT div(extract(epoch FROM t - at)::numeric, extract(epoch FROM (leaf ->> 'every')::interval)::numeric) AS period FROM passing(c, kind, leaf -> 'where', t)) AS s
		 WHERE period < (leaf ->> 'of')::int;
		RETURN n >= (leaf ->> 'at_least')::int;
	ELSIF type = 'lifecycle' THEN
		SELECT count(*), max(at) INTO n, latest FROM passing(c, kind, leaf -> 'where', t);
		RETURN leaf ->> 'lifecycle' = CASE WHEN n = 0 THEN 'prospect' WHEN n = 1 AND t - latest <= interval '30 days' THEN 'new' WHEN t - latest <= interval '90 days' THEN 'active'
			WHEN t - latest <= interval '180 days' THEN 'at_risk' WHEN t - latest <= interval '365 days' THEN 'lapsed' ELSE 'lost' END;
	END IF;
	value := nullif(attributes -> (leaf ->> 'attr'), 'null');
	IF op LIKE '% than' THEN
		earliest := CASE WHEN value #>> '{}' LIKE '%T%' THEN (value #>> '{}')::timestamptz ELSE (value #>> '{}')::timestamp AT TIME ZONE zone END;
		RETURN (t - earliest < (leaf ->> 'value')::interval) = (op = 'younger than');
	END IF;
	RETURN CASE WHEN op = 'is null' THEN value IS NULL WHEN op = 'in' THEN leaf -> 'value' @> value WHEN leaf ->> 'attr' = 'country' THEN value <> leaf -> 'value'
		ELSE compare((value #>> '{}')::numeric, op, (leaf ->> 'value')::numeric) END;
END $$;

CREATE FUNCTION truth(c int, node jsonb, t timestamptz, zone text, attributes jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	result boolean := node ? 'all';
	member jsonb;
	v boolean;
BEGIN
	IF node ? 'not' THEN
		RETURN NOT truth(c, node -> 'not', t, zone, attributes);
	ELSIF NOT node ?| ARRAY['all', 'any'] THEN
		RETURN truth_of_leaf(c, node, t, zone, attributes);
	END IF;
	FOR member IN SELECT * FROM jsonb_array_elements(coalesce(node -> 'all', node -> 'any')) LOOP
		v := truth(c, member, t, zone, attributes);
		result := CASE WHEN node ? 'all' THEN result AND v ELSE result OR v END;
	END LOOP;
	RETURN result;
END $$;

-- ---------------------------------------------------------------- rules

CREATE TABLE random AS
	SELECT i AS seed, ast, ast::rule AS r FROM generate_series(1, 2500) AS i, LATERAL (SELECT random_rule(i * 1000003::bigint, (i % 4)::int) AS ast) AS s;

SELECT fail_unless(count(*) = 0, 'a rule is the same through jsonb and text: ' || min(r::text)) FROM random WHERE r::jsonb::rule <> r OR r::text::rule <> r;
SELECT fail_unless(count(*) = 0, 'rule_events: ' || min(r::text)) FROM random,
	LATERAL (SELECT array_agg(DISTINCT k COLLATE "C" ORDER BY k COLLATE "C") AS kinds FROM (
		SELECT unnest(ARRAY['view', 'cart', 'purchase']) AS k) AS s WHERE ast::text ~ format('"%s"', k) OR (k = 'purchase' AND r::text ~ 'lifecycle\([a-z_]+\)')) AS named
 WHERE rule_events(r) <> coalesce(kinds, '{}');

-- Each with a few customers and instants: around one of their events plus a length that occurs in rules, or anywhere.
CREATE TABLE trial AS
	SELECT seed, ast, r, c.customer, a, zone, attributes, s.as_of, e.member, e.stable_until
	  FROM random, generate_series(1, 4) AS k
	  JOIN LATERAL (SELECT * FROM customer WHERE customer = random_below(61, seed * 10 + k, 60)) AS c ON true
	 CROSS JOIN LATERAL (SELECT coalesce((SELECT at FROM event AS e WHERE e.customer = c.customer ORDER BY random_below(62, seed * 10 + k + extract(epoch FROM at)::bigint, 1000000), at LIMIT 1), '2026-03-10')
		+ pick(63, seed * 10 + k, '0', '1 hour', '1 day', '7 days', '36 hours', '4 days', '49 hours', '30 days', '90 days', '400 days')::interval
		+ pick(64, seed * 10 + k, '0', '0', '-1 microsecond', '1 microsecond', '777 seconds')::interval AS as_of) AS s,
	 LATERAL evaluate(a, r, attributes, s.as_of, zone) AS e;

CREATE TABLE mistake AS
	SELECT r, customer, zone, as_of, member, truth(customer, ast, as_of, zone, attributes) AS truth FROM trial WHERE member <> coalesce(truth(customer, ast, as_of, zone, attributes), false);
SELECT fail_unless(count(*) = 0, format('%s mistakes, as %s', count(*), min(mistake::text))) FROM mistake;
SELECT fail_unless(count(*) = 0, 'matches() differs from evaluate(): ' || min(r::text)) FROM trial WHERE matches(a, r, attributes, as_of, zone) <> member;
SELECT fail_unless(count(*) = 0, 'explain_rule() differs from evaluate(): ' || min(r::text)) FROM trial, LATERAL (SELECT * FROM explain_rule(a, r, attributes, as_of, zone) WHERE place = 1) AS e
 WHERE coalesce(e.value, false) <> member OR e.stable_until <> trial.stable_until OR e.condition <> r::text;
SELECT fail_unless(count(*) = 10000 AND count(*) FILTER (WHERE member) > 300 AND count(*) FILTER (WHERE NOT member) > 300 AND count(*) FILTER (WHERE stable_until < 'infinity') > 300, 'trials are of all kinds: ' || count(*)) FROM trial;

-- It does not change before it may: not just before, not on the way there.
CREATE TABLE early AS
	SELECT r, customer, zone, as_of, stable_until, t, member FROM trial,
		   LATERAL (SELECT stable_until - interval '1 microsecond' AS t WHERE stable_until < 'infinity'
					UNION SELECT as_of + random_below(71, seed * 10 + i, greatest(1, extract(epoch FROM least(stable_until, as_of + interval '500 days') - as_of)::bigint)) * interval '1 second' FROM generate_series(1, 2) AS i
					UNION SELECT min(at) + interval '7 days' FROM event AS e WHERE e.customer = trial.customer AND at + interval '7 days' > as_of) AS later
	 WHERE t >= as_of AND t < stable_until AND coalesce(truth(customer, ast, t, zone, attributes), false) <> member;
SELECT fail_unless(count(*) = 0, format('%s changed before they might, as %s', count(*), min(early::text))) FROM early;

-- A single condition of a count, an age or a lapse leaves exactly then, where nothing is still to come.
CREATE TABLE leaving AS
	SELECT ast::rule AS r, customer, as_of, e.member, e.stable_until, coalesce(truth(customer, ast, e.stable_until, zone, attributes), false) AS changed
	  FROM generate_series(1, 6000) AS i, LATERAL (SELECT random_leaf(i * 999983::bigint) AS ast) AS leaf, LATERAL (SELECT * FROM customer WHERE customer = random_below(81, i, 60)) AS c,
		   LATERAL (SELECT (SELECT max(at) FROM event AS e WHERE e.customer = c.customer) + pick(82, i, '0', '1 hour', '1 day', '2 days', '5 days')::interval AS as_of) AS s, evaluate(a, ast::rule, attributes, as_of, zone) AS e
	 WHERE ast ?| ARRAY['did', 'count', 'last', 'first', 'did_not_after', 'lifecycle'] AND coalesce(ast ->> 'window', '') !~ '^(this|previous)' AND e.stable_until < 'infinity';
SELECT fail_unless(count(*) = 0, 'did not change when it had to: ' || min(leaving::text)) FROM leaving WHERE member = changed;
SELECT fail_unless(count(*) > 300 AND count(*) FILTER (WHERE member) > 100, 'there are such trials: ' || count(*)) FROM leaving;

-- ---------------------------------------------------------------- compacted events: counts, sums and days since ever stay exact

CREATE TABLE many AS SELECT 'view'::text AS event, timestamptz '2020-01-01' + i * interval '7 hours' AS at, (i % 7)::numeric AS amount FROM generate_series(1, 2000) AS i;
SELECT fail_unless(a @@ 'count(view) = 2000' AND a @@ (SELECT format('sum(view) = %s and days(view) = %s', sum(amount), count(DISTINCT date_trunc('day', at)))::rule FROM many) AND
	a @@ (SELECT format('count(view[amount >= 3]) = %s', count(*) FILTER (WHERE amount >= 3))::rule FROM many) AND matches(a, 'first(view) >= 7 hours and first(view) <= 7 hours', NULL, timestamptz '2020-01-01 14:00'),
	'compacted events') FROM (SELECT activity(event, at, amount) AS a FROM many) AS s;
