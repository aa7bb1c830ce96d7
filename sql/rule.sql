-- Predicates over what a customer did and is.
SET search_path = personalize, pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null NULL

-- every condition in its text form, and as jsonb and back
CREATE TEMP TABLE condition(n serial, r rule);
INSERT INTO condition (r) VALUES
	('did(purchase, 60 days)'), ('count(purchase[amount >= 19.990], 365 days) >= 4'), ('count(purchase, EVER) = 0'), ('sum(purchase, this quarter) > 900000000000000'),
	('avg(purchase, previous month) <= 10.5'), ('min(purchase, since 2026-01-31) <> -1'), ('max(purchase, since 2026-01-31T12:30:00Z) < 0.0001'),
	('days(view, 2 weeks) >= 3'), ('last(purchase) <= 90 minutes'), ('first("my event") > 1 day 12 hours'), ('seq(view[amount < 3], purchase, within 1 hour, this week)'),
	('seq(view, purchase[amount = 5], 30 seconds)'), ('did_not_after(cart, purchase[amount <> 0], within 1 day)'), ('regular(purchase, every 30 days, 3 of 4)'),
	('attr(country) in (IN, GB, IN, 7.50)'), ('attr(age) >= 018'), ('attr(address.city) = ''São Paulo'''), ('attr(note) <> ''it''''s "quoted"'''), ('attr(vip) = true'),
	('attr(email) is null'), ('attr(tags) contains shoes'), ('attr(birthday) younger than 6570 days'), ('attr(joined) older than 1 week'),
	('rfm(r 4-5, m 1)'), ('rfm(f 2)'), ('lifecycle(at_risk)'), ('lifecycle(active, order[amount > 0])'), ('score(churn_90) >= 0.750'), ('in(shop.vips)'), ('in("Shop"."v i p")'),
	('bucket(''holdout 1'', 12.50, 50)'), ('consent(email)'), ('list(3, 1, anna, ''2'')'), ('true'), ('false'),
	('not did(a) and (did(b) or not (did(c) and did(d)))'), ('did(a) or did(b) and did(c)');
SELECT n, r FROM condition ORDER BY n;
SELECT n, r::jsonb AS ast FROM condition ORDER BY n;
SELECT n, r, r::jsonb::rule FROM condition WHERE r::jsonb::rule <> r OR r::text::rule <> r OR r::jsonb::rule::jsonb <> r::jsonb;

-- one text for one meaning of words
SELECT 'NOT  Did ( purchase ,60 DAY )and(did(b))'::rule, 'not not did(a)'::rule, 'not not not (did(a) or did(b))'::rule, '((did(a)) and (did(b) and did(c)))'::rule;
SELECT 'did(purchase, 24 hours)'::rule = 'did(purchase, 1 day)'::rule AS same, 'did(a)'::rule <> 'did(b)'::rule AS other, 'count(a) >= 1'::rule = 'did(a)'::rule AS did;
SELECT 'attr(x) = 1.0'::rule = 'attr(x) = 1'::rule AS numbers, 'attr(x) = ''1.0'''::rule = 'attr(x) = ''1'''::rule AS texts, 'list(b, a, b)'::rule = 'list(a, b)'::rule AS sets,
	   'in(Shop.VIPs)'::rule = 'in(''shop."vips"'')'::rule AS segments;
SELECT rule_events(r), rule_attributes(r), rule_segments(r), rule_scores(r)
  FROM (SELECT 'seq(view, cart, 1 day) and (lifecycle(new) or in(b.c) or in(a)) and not (attr(z) = 1 or attr(a.b) is null) and score(churn) > 0.5 and did(view)'::rule) AS s(r);
SELECT rule_events('true'), rule_attributes('true'), rule_segments('true'), rule_scores('true'), rule_events(NULL);

-- errors that point at the character
\pset format unaligned
CREATE FUNCTION pg_temp.try(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN t::personalize.rule::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || detail || CASE WHEN hint <> '' THEN ' | ' || hint ELSE '' END;
END $$;
SELECT t, pg_temp.try(t) FROM unnest(ARRAY[
	'', '  ', 'did', 'did(', 'did()', 'did(a', 'did(a))', 'did(a) and', 'did(a) or or did(b)', 'did(a) did(b)', 'not', '()', 'nothing(a)', 'größer(a)', 'attr(größe) = did(a)',
	'did(a, 2 months)', 'did(a, 0 days)', 'did(a, 101 years)', 'did(a, 36526 days)', 'did(a, since 2026-02-29)', 'did(a, since 2026-01-01T25:00:00Z)', 'did(a, since 2026-01-01T10:00:00+01)', 'did(a, this decade)', 'did(a, -1 day)',
	'count(a)', 'count(a) >= 1.5', 'count(a) >= 4294967296', 'count(a) >= x', 'sum(a) > 900000000000000.0001', 'sum(a) > 1.23456', 'avg(a) > 461168601842738.7904', 'did(a[amount])', 'did(a[price > 3])', 'did(a[amount > 3)',
	'last(a) = 1 day', 'last(a) < 1', 'seq(a, b)', 'seq(a, within 1 day)', 'did_not_after(a, b, 1 day, this week)', 'regular(a, every 1 day, 3 of 2)', 'regular(a, every 1 day, 0 of 2)', 'regular(a, every 1 day, 1 of 1001)',
	'attr() = 1', 'attr($key) = 1', 'attr(''$key'') = 1', 'attr('''') = 1', 'attr(a) in ()', 'attr(a) in (1', 'attr(a) is nil', 'attr(a) younger 3 days', 'attr(a)', 'attr(a) = ''open',
	'rfm()', 'rfm(r 0)', 'rfm(r 5-4)', 'rfm(r 11)', 'rfm(r 1, r 2)', 'rfm(x 1)', 'lifecycle(gone)', 'score(m)', 'score(m) > 0.1234567', 'in()', 'in(a.b.c)', 'in("")', 'in(a.)', 'in(1a)', 'in("a)', 'bucket(s, 50, 50)', 'bucket(s, 0, 100.01)', 'bucket(s, 0.001, 1)',
	'consent()', 'list()', 'list(a,)', 'true false', 'did(' || repeat('x', 201) || ')', 'did(a) and did(b) -- or so', 'did(a); DROP TABLE customers', E'did(a)\001']) WITH ORDINALITY AS s(t, n) ORDER BY n;

\pset format aligned
-- limits: 32 deep, 256 conditions, 100,000 values
CREATE FUNCTION pg_temp.nested(depth int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(CASE WHEN i % 2 = 1 THEN 'did(a) or (' ELSE 'did(a) and (' END, '' ORDER BY i) || 'did(b)' || repeat(')', depth - 1) FROM generate_series(1, depth - 1) AS i $$;
SELECT length(pg_temp.nested(32)::rule::text), pg_temp.nested(32)::rule::jsonb::rule = pg_temp.nested(32)::rule AS same;
SELECT left(pg_temp.try(pg_temp.nested(33)), 100);
SELECT length((repeat('not ', 31) || 'did(a)')::rule::text), (repeat('(', 100) || 'did(a)' || repeat(')', 100))::rule;
SELECT pg_temp.try(repeat('(', 1000000));
SELECT pg_temp.try(repeat('not ', 1000000));
SELECT length((repeat('did(a) or ', 255) || 'did(a)')::rule::text), length((repeat('true and ', 255) || 'did(a)')::rule::text);
SELECT pg_temp.try(repeat('did(a) or ', 256) || 'did(a)');
SELECT pg_temp.try(repeat('true and ', 100000) || 'did(a)');
SELECT length(r::text), r = r::jsonb::rule AS same, matches('{}', r, '{"$key": 77777}') AS listed, matches('{}', r, '{"$key": "100001"}') AS not_listed
  FROM (SELECT ('list(' || string_agg(i::text, ', ' ORDER BY i % 1000, i) || ')')::rule AS r FROM generate_series(1, 100000) AS i) AS s;
SELECT pg_temp.try('list(' || string_agg(i::text, ', ') || ')') FROM generate_series(1, 100001) AS i;
SELECT length(('attr(a) = ' || repeat('x', 1000))::rule::text);
SELECT pg_temp.try('attr(a) = ' || repeat('x', 1001));

-- from jsonb: what programs write, and what they get wrong
SELECT '{"all": [{"count": "purchase", "window": "365 days", "op": ">=", "value": 4}, {"not": {"did": "purchase", "window": "60 days"}},
	{"attr": "country", "op": "in", "value": ["IN", "GB"]}]}'::jsonb::rule;
SELECT '{"all": []}'::jsonb::rule, '{"any": []}'::jsonb::rule, '{"any": [{"not": {"not": {"rfm": {"r": [4, 5], "m": 1}}}}]}'::jsonb::rule, '{"did": 42}'::jsonb::rule, '{"count": "a", "op": "<", "value": 1e1}'::jsonb::rule;
\pset format unaligned
CREATE FUNCTION pg_temp.try_jsonb(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	RETURN t::jsonb::personalize.rule::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' | ' || substring(context FROM 'rule that the jsonb says[^\n]*'), '');
END $$;
SELECT t, pg_temp.try_jsonb(t) FROM unnest(ARRAY[
	'null', '1', '[]', '{}', '"did(a)"', '{"al": []}', '{"all": {}}', '{"all": [1]}', '{"not": []}', '{"not": {"did": "a"}, "did": "b"}', '{"did": "a", "windw": "1 day"}', '{"did": null}', '{"did": ["a"]}', '{"did": ""}',
	'{"count": "a"}', '{"count": "a", "op": ">=", "value": "4"}', '{"count": "a", "op": "~", "value": 4}', '{"count": "a", "op": ">=", "value": 4.5}', '{"count": "a", "op": ">= 1 or did", "value": 4}',
	'{"last": "a", "op": ">= 1 day or", "value": "true"}', '{"last": "a", "op": "<", "value": "1 day oR noT TruE"}', '{"did": "a", "window": "1 day) or did(b"}', '{"did": "a", "window": 1}', '{"did": "a", "where": 5}', '{"did": "a", "where": {"op": ">"}}',
	'{"did": "a", "where": {"op": ">", "amount": 5, "currency": "EUR"}}', '{"seq": ["a"], "within": "1 day"}', '{"seq": ["a", "b"], "within": "1 day", "window": "this week"}', '{"attr": "a", "op": "is null"}', '{"attr": "a", "op": "="}', '{"attr": "a", "op": "=", "value": {}}',
	'{"attr": "a", "op": "=", "value": null}', '{"attr": "a", "op": "in", "value": []}', '{"attr": "a", "op": "in", "value": 1}', '{"rfm": {}}', '{"rfm": {"x": 1}}', '{"rfm": {"r": [1, 2, 3]}}', '{"in": "a.b.c"}', '{"list": 1}', '{"list": [[1]]}',
	'{"did": "a'') or did(''b"}', '{"attr": "x", "op": "=", "value": "'' or true or attr(y) = ''"}']) WITH ORDINALITY AS s(t, n) ORDER BY n;
SELECT pg_temp.try_jsonb(repeat('{"not": ', 1000) || '{"did": "a"}' || repeat('}', 1000));

\pset format aligned
SELECT rule_send('did(a)');
CREATE TEMP TABLE received(r rule);
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\007\001did(a)\377\377'$$ (FORMAT binary);
TABLE received;
-- another version, nothing, a NUL, what is not UTF-8, what is no rule
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\007\002did(a)\377\377'$$ (FORMAT binary);
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\001\001\377\377'$$ (FORMAT binary);
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\007\001did(\0)\377\377'$$ (FORMAT binary);
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\007\001did(\377)\377\377'$$ (FORMAT binary);
COPY received FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\007\001did(a(\377\377'$$ (FORMAT binary);

-- three values inside, two outside
SELECT r, matches('{}', r::rule, '{"a": null, "b": 1, "c": "x"}') AS matches, value
  FROM unnest(ARRAY['attr(a) = 1', 'not attr(a) = 1', 'attr(a) <> 1', 'attr(a) is null', 'not attr(a) is null', 'attr(none) is null', 'attr(a) = 1 or attr(b) = 1', 'attr(a) = 1 and attr(b) = 1', 'attr(a) = 1 and attr(b) = 2',
	'not (attr(a) = 1 and attr(b) = 2)', 'not (attr(a) = 1 or attr(b) = 2)', 'attr(c) > 5', 'avg(x) > 0', 'not avg(x) > 0', 'sum(x) = 0', 'count(x) = 0', 'last(x) < 1 day', 'not last(x) < 1 day']) WITH ORDINALITY AS s(r, n),
	   LATERAL (SELECT value FROM explain_rule('{}', r::rule, '{"a": null, "b": 1, "c": "x"}') WHERE place = 1) AS e ORDER BY n;

-- attributes: numbers as such, also in strings; paths; arrays; times
SELECT r, matches('{}', r::rule, '{"n": 10, "s": "10.0", "w": "ten", "t": true, "tags": ["a", 3, "4.50"], "x": {"y": {"z": 1}}, "p.q": 7, "born": "2000-02-29", "seen": "2026-01-01T12:00:00Z", "bad": "not a time", "o": {}}', '2026-01-02 00:00+00', 'Asia/Kolkata') AS matches
  FROM unnest(ARRAY['attr(n) = 10.0', 'attr(n) = ''10''', 'attr(n) > 9', 'attr(s) > 9', 'attr(s) = 10', 'attr(s) in (9, 10)', 'attr(s) in (''10'')', 'attr(s) = ''10''', 'attr(w) = 10', 'attr(w) > abc', 'attr(t) = true', 'attr(t) in (false, true)',
	'attr(tags) contains a', 'attr(tags) contains 3', 'attr(tags) contains 4.5', 'attr(tags) contains b', 'attr(n) contains 10', 'attr(x.y.z) = 1', 'attr(x.y) = 1', 'attr(p.q) = 7', 'attr(o) is null', 'attr(x.no) is null',
	'attr(born) older than 9000 days', 'attr(born) younger than 9000 days', 'attr(seen) younger than 12 hours', 'attr(seen) younger than 13 hours', 'attr(n) younger than 1 day', 'attr(none) older than 1 day']) WITH ORDINALITY AS s(r, n) ORDER BY n;
SELECT t, value, stable_until FROM unnest(ARRAY['2026-01-02', '2026-01-02T05:30:00+05:30', '2026-01-02 00:00:00.25Z', '2026-01-02T05:30', '2026-01-01T23:30:00-0030', '2026-01-02T00:00:00+00',
	'2026-02-29', '2026-13-01', '2026-01-02T24:00:00Z', '2026-01-02T00:00:00+', '2026-01-02T00:00:00Z ', '2026-01-02x', '26-01-02', '', 'yesterday', 'infinity', '0000-01-01']) WITH ORDINALITY AS s(t, n),
	   LATERAL (SELECT * FROM explain_rule('{}', 'attr(t) younger than 1 day', jsonb_build_object('t', t), '2026-01-02 06:00+00', 'Asia/Kolkata')) AS e ORDER BY n;
SELECT matches('{}', 'attr(a) = 1', NULL);
SELECT matches('{}', 'attr(a) = 1', '[1]'), matches('{}', 'attr(a) is null', '"x"');
SELECT '{}'::activity @@ 'attr(a) = 1';

-- what personalize knows otherwise
SELECT r, matches('{}', r::rule, '{"$key": 42, "$score": {"churn": 0.75, "none": null}, "$rfm": {"r": 5, "f": 1, "m": 3}, "$segments": ["shop.vips", "\"Shop\".x"], "$consent": ["email"]}') AS matches
  FROM unnest(ARRAY['score(churn) >= 0.75', 'score(churn) > 0.75', 'score(none) > 0', 'score(other) > 0', 'rfm(r 4-5)', 'rfm(r 5, f 2-3)', 'rfm(m 1-3)', 'in(Shop.Vips)', 'in("Shop".x)', 'in(shop.x)', 'consent(email)', 'consent(sms)',
	'list(41, 42)', 'list(''42'')', 'list(43)', 'bucket(a, 0, 100)', 'bucket(a, 0, 50)', 'bucket(b, 0, 50)', 'bucket(c, 0, 50)']) WITH ORDINALITY AS s(r, n) ORDER BY n;
SELECT matches('{}', 'in(shop.vips)', '{}');
SELECT matches('{}', 'bucket(a, 0, 50)', NULL);
SELECT count(*) FILTER (WHERE matches('{}', 'bucket(holdout, 0, 10)', jsonb_build_object('$key', i))) AS tenth,
	   count(*) FILTER (WHERE matches('{}', 'bucket(holdout, 0, 10)', jsonb_build_object('$key', i)) AND matches('{}', 'bucket(holdout, 10, 20)', jsonb_build_object('$key', i))) AS both,
	   count(*) FILTER (WHERE matches('{}', 'bucket(holdout, 0, 10)', jsonb_build_object('$key', i::text)) <> matches('{}', 'bucket(holdout, 0, 10)', jsonb_build_object('$key', i))) AS otherwise
  FROM generate_series(1, 5000) AS i;

-- rolling windows: (t - W, t]
CREATE TEMP TABLE did(event text, at timestamptz, amount numeric);
INSERT INTO did VALUES ('a', '2026-01-01+00', 1), ('a', '2026-01-03+00', 2), ('a', '2026-01-05+00', NULL), ('a', '2026-01-06+00', 5.5), ('b', '2026-01-06 06:00+00', NULL);
CREATE TEMP TABLE who AS SELECT activity(event, at, amount) AS a FROM did;
SELECT as_of, e.* FROM who, unnest(ARRAY['2026-01-06', '2026-01-09 23:59:59.999999', '2026-01-10', '2026-01-11', '2026-01-12', '2026-01-13']::timestamptz[]) AS as_of,
	   evaluate(a, 'count(a, 7 days) >= 3', as_of => as_of) AS e ORDER BY as_of;
SELECT r, e.* FROM who, unnest(ARRAY['count(a, 7 days) < 3', 'count(a, 7 days) = 4', 'count(a, 7 days) <> 4', 'count(a, 7 days) <= 4', 'sum(a, 5 days) > 7', 'avg(a) = 2.8333', 'avg(a) > 2.8333', 'min(a, 5 days) = 2', 'max(a) >= 5.5', 'days(a, 3 days) = 2',
	'last(a) >= 2 days', 'last(a) > 2 days', 'last(a) < 2 days', 'first(a) >= 30 days', 'seq(a, b, 6 hours, 1 day)', 'seq(a, b, 5 hours)', 'seq(b, a, 30 days)', 'did_not_after(a, b, 1 day)', 'did_not_after(b, a, 1 day)', 'did_not_after(a[amount = 2], b, 1 day)',
	'regular(a, every 2 days, 3 of 3)', 'regular(a, every 2 days, 4 of 4)', 'count(a[amount > 1]) = 2', 'last(a[amount < 2]) >= 4 days', 'not count(a, 7 days) >= 3', 'count(a, 7 days) >= 3 and last(b) < 2 days', 'count(a, 7 days) >= 3 or last(b) < 2 days', 'count(a) > 9 and count(b) > 9']) WITH ORDINALITY AS s(r, n),
	   evaluate(a, r::rule, as_of => '2026-01-06 12:00+00') AS e ORDER BY n;
-- an instant of the past: what came later is not there yet, and will come
SELECT e.* FROM who, evaluate(a, 'count(a) >= 3', as_of => '2026-01-04+00') AS e;

-- calendars: in India a day begins at 18:30; in Berlin one in March has 23 hours
SELECT r, zone, e.* FROM who, (VALUES ('count(b, this day) = 1'), ('count(b, previous day) = 1'), ('did(a, this week)'), ('did(a, previous week)'), ('count(a, this month) = 4'), ('did(a, previous month)'), ('did(a, this quarter)'), ('did(a, previous quarter)'), ('did(a, this year)'), ('did(a, since 2026-01-06)'), ('count(a, since 2026-01-06T00:00:00Z) = 1'), ('did(a, since 2026-01-07)')) AS s(r),
	   unnest(ARRAY['Asia/Kolkata', 'America/New_York']) AS zone, evaluate(a, r::rule, as_of => '2026-01-06 18:29:59+00', zone => zone) AS e ORDER BY r, zone DESC;
SELECT zone, e.* FROM unnest(ARRAY['Europe/Berlin', 'UTC', 'Pacific/Apia']) AS zone, evaluate('{a: 2026-03-29T00:30:00Z}', 'did(a, this day)', as_of => '2026-03-29 12:00+00', zone => zone) AS e ORDER BY zone;
SELECT e.* FROM evaluate('{a: 2026-03-29T00:30:00Z}', 'did(a, previous day)', as_of => '2026-03-30 12:00+00', zone => 'Europe/Berlin') AS e;
SELECT e.* FROM evaluate('{a: 2026-10-25T00:30:00Z}', 'did(a, this day)', as_of => '2026-10-25 12:00+00', zone => 'Europe/Berlin') AS e;
-- a day with two midnights, one without any, and one that never was
SELECT zone, as_of, e.* FROM (VALUES ('America/Havana', '2019-11-03 03:59:59+00'), ('America/Havana', '2019-11-03 04:00+00'), ('America/Sao_Paulo', '2018-11-04 02:59:59+00'), ('America/Sao_Paulo', '2018-11-04 03:00+00'),
	('Pacific/Apia', '2011-12-30 09:59:59+00'), ('Pacific/Apia', '2011-12-30 10:00+00')) AS s(zone, as_of), evaluate('{}', 'count(a, this day) = 0 and count(a, previous day) = 0', as_of => as_of::timestamptz, zone => zone) AS e;
SELECT zone, as_of, e.* FROM (VALUES ('America/Havana', '2019-11-03 03:59:59+00'), ('America/Havana', '2019-11-03 04:00+00'), ('America/Havana', '2019-11-03 05:00+00'), ('America/Sao_Paulo', '2018-11-04 02:59:59+00'), ('America/Sao_Paulo', '2018-11-04 03:00+00'),
	('Pacific/Apia', '2011-12-30 09:59:59+00'), ('Pacific/Apia', '2011-12-30 10:00+00')) AS s(zone, as_of), evaluate('{a: 2019-11-03T03:30:00Z 2018-11-04T02:30:00Z 2011-12-30T09:30:00Z}', 'did(a, this day)', as_of => as_of::timestamptz, zone => zone) AS e;
SELECT e.* FROM evaluate('{}', 'did(a)', zone => 'Middle/Earth') AS e;
SELECT e.* FROM evaluate('{}', 'did(a)', as_of => 'infinity') AS e;
SELECT evaluate(NULL, 'did(a)'), evaluate('{}', NULL), matches(NULL, 'did(a)', NULL), '{}'::activity @@ NULL::rule;
SET timezone = 'Asia/Kolkata';
SELECT matches(activity('a', date_trunc('day', now())), 'did(a, this day)') AS session_zone, activity('a', date_trunc('day', now())) @@ 'did(a, this day)' AS operator;
SET timezone = 'UTC';

-- states of customers, and when they change
SELECT at, lifecycle(a, at, 'b') AS b, lifecycle(a, at, 'a') AS a, lifecycle(a, at) AS purchase
  FROM who, unnest(ARRAY['2025-12-31', '2026-01-06 06:00', '2026-02-05 06:00', '2026-02-05 06:00:00.000001', '2026-04-06 06:00', '2026-04-06 06:00:00.000001', '2026-07-05 06:00:00.000001', '2027-01-06 06:00:00.000001']::timestamptz[]) AS at ORDER BY at;
SELECT state, e.* FROM who, unnest(ARRAY['prospect', 'new', 'active', 'at_risk', 'lapsed', 'lost']) WITH ORDINALITY AS s(state, n), evaluate(a, format('lifecycle(%s, b)', state)::rule, as_of => '2026-02-01') AS e ORDER BY n;
SELECT matches(a, 'lifecycle(prospect)', '{}') AS by_events, matches(a, 'lifecycle(lost)', '{"$lifecycle": "lost"}') AS by_attribute, matches(a, 'lifecycle(lost, purchase)', '{"$lifecycle": "lost"}') AS named,
	   a @@ 'lifecycle(prospect)' AS operator FROM who;

-- why
\pset format unaligned
SELECT place, repeat('  ', depth) || condition AS condition, value, evidence, stable_until
  FROM who, explain_rule(a, '(count(a, 7 days) >= 3 or sum(a) > 100) and not (did_not_after(a, b, 1 day) or seq(a, b, 1 day)) and last(x) < 1 day and first(a) > 1 day and regular(a, every 2 days, 2 of 3) and days(a) > 1 and min(a) > 3
	and lifecycle(new, b) and attr(x.y) = 1 and attr(none) = 2 and score(churn) > 0.5 and in(shop.vips) and bucket(s, 0, 50) and consent(email) and list(1) and rfm(r 5) and true',
	attributes => '{"x": {"y": "ten"}, "$key": 7, "$score": {"churn": 0.25}, "$segments": [], "$consent": null, "$rfm": {"r": 1}}', as_of => '2026-01-06 12:00+00') ORDER BY place;
SELECT * FROM explain_rule(NULL, 'did(a)');

-- in a table, with workers, with another rule in each row, and damaged
CREATE TEMP TABLE rules AS SELECT i, format('count(a, %s days) >= %s', i % 9 + 1, i % 4)::rule AS r FROM generate_series(1, 1000) AS i;
SELECT count(*) FILTER (WHERE e.member) AS members, count(DISTINCT e.stable_until) AS instants FROM who, rules, evaluate(a, r, as_of => '2026-01-08') AS e;
SELECT sum(pg_column_size(r)) > 0 AS stored FROM rules;
SELECT member FROM evaluate('{}', 'did(a)');
DROP TABLE rules, who, did, condition, received;
