-- What one customer did, as a value.
SET search_path = personalize, pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TEMP TABLE log(customer integer, event text, at timestamptz, amount numeric);
INSERT INTO log VALUES
	(1, 'purchase', '2026-01-05 10:20+00', 19.99), (1, 'cart', '2026-01-05 10:00+00', NULL), (1, 'purchase', '2026-01-01 08:00:00.5+00', 5),
	(2, 'view', '2026-01-03 12:00+00', NULL), (2, 'purchase', '2026-01-04 12:00+00', 100), (2, 'purchase', '2026-01-06 12:00+00', -100),
	(3, NULL, '2026-01-03 12:00+00', 1), (3, 'view', NULL, 1);
SELECT customer, activity(event, at, amount) FROM log GROUP BY customer ORDER BY customer;
SELECT customer, activity(event, at) FROM log GROUP BY customer ORDER BY customer;
SELECT activity(event, at, amount::double precision) = activity(event, at, amount) AS same FROM log;
SELECT activity(event, at) FROM log WHERE false;

-- text form
SELECT '{}'::activity, ' { a:2026-01-05T10:00:00Z } '::activity;
SELECT '{b: 2026-01-05T10:00:00.25Z=-0.5 2026-01-06T00:00:00Z=1.1000, "A ""B""": 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999999Z}'::activity;
SELECT '{a: 2026-01-05T10:00:00Z, a: 2026-01-05T10:00:00Z}'::activity;
SELECT ''::activity;
SELECT '{'::activity;
SELECT '{a}'::activity;
SELECT '{a:}'::activity;
SELECT '{: 2026-01-05T10:00:00Z}'::activity;
SELECT '{"a: 2026-01-05T10:00:00Z}'::activity;
SELECT '{a: 2026-02-30T10:00:00Z}'::activity;
SELECT '{a: 2026-01-05T24:00:00Z}'::activity;
SELECT '{a: 2026-01-05T10:00:00}'::activity;
SELECT '{a: 2026-01-05}'::activity;
SELECT '{a: 2026-01-05*3}'::activity;
SELECT '{a: 2026-01-05*0}'::activity;
SELECT '{a: first 2026-01-05T10:00:00Z}'::activity;
SELECT '{a: 2026-01-05T10:00:00Z=}'::activity;
SELECT '{a: 2026-01-05T10:00:00Z=1.23456}'::activity;
SELECT '{a: 2026-01-05T10:00:00Z=99999999999999999999}'::activity;
SELECT '{a: 2026-01-05T10:00:00Z} x'::activity;
SELECT ('{' || repeat('x', 201) || ': 2026-01-05T10:00:00Z}')::activity;

-- rows that are refused
SELECT activity('', now());
SELECT activity('a', 'infinity');
SELECT activity('a', '-infinity');
SELECT activity('a', '4000-01-01 BC');
SELECT activity('a', now(), 'NaN'::numeric);
SELECT activity('a', now(), 'NaN'::double precision);
SELECT activity('a', now(), '-Infinity'::double precision);
SELECT activity('a', now(), 5e14::numeric);
SELECT activity('a', now(), 1e300::double precision);
SELECT activity('kind ' || i, now()) FROM generate_series(1, 1001) AS i;

-- accessors
CREATE TEMP TABLE value AS SELECT customer, activity(event, at, amount) AS a FROM log GROUP BY customer;
SELECT customer, count_events(a), count_events(a, 'purchase') AS purchases, count_events(a, 'none') AS none, sum_amount(a), sum_amount(a, 'purchase') AS paid,
	   first_event(a), last_event(a, 'purchase'), last_event(a, 'none') AS never
  FROM value ORDER BY customer;
SELECT count_events(a, 'purchase', since => '2026-01-01 08:00:00.5+00') AS after, count_events(a, 'purchase', '2026-01-01 08:00:00.499999+00') AS just_before,
	   count_events(a, NULL, until => '2026-01-05 10:00+00') AS until, sum_amount(a, since => '2026-01-02+00') AS late
  FROM value WHERE customer = 1;
SELECT days_since(a, 'purchase', '2026-01-07 10:20+00'), recency(a, 'purchase', '2026-01-07 10:19+00'), recency(a, as_of => '2026-01-07 10:20+00'), frequency(a), monetary(a)
  FROM value WHERE customer = 1;
SELECT days_since(a, 'none'), recency(a, 'none'), frequency(a, 'none'), monetary(a, 'none') FROM value WHERE customer = 1;
SELECT days_since(a, NULL, 'infinity') FROM value WHERE customer = 1;
SELECT customer, u.* FROM value, unnest(a) AS u ORDER BY customer, event, at;

-- + and rollup put events together, in any order
SELECT a.a + b.a AS both, a.a + b.a = b.a + a.a AS commutes FROM value AS a, value AS b WHERE a.customer = 1 AND b.customer = 2;
SELECT rollup(a) = (SELECT activity(event, at, amount) FROM log) AS same FROM value;

-- more than 256 events of a kind: the oldest are kept by day and amount
CREATE TEMP TABLE many AS
SELECT i, '2024-01-01 00:00+00'::timestamptz + i * interval '5 hours' AS at, CASE i % 3 WHEN 0 THEN NULL ELSE (i % 3)::numeric / 4 END AS amount FROM generate_series(1, 1000) AS i;
SELECT activity('view', at, amount) = activity('view', at, amount ORDER BY md5(i::text)) AS any_order,
	   activity('view', at, amount) = (SELECT rollup(a) FROM (SELECT activity('view', at, amount) AS a FROM many GROUP BY i % 7) AS part) AS any_parts,
	   activity('view', at, amount) = activity('view', at, amount)::text::activity AS as_text,
	   count_events(activity('view', at, amount)), sum_amount(activity('view', at, amount)) = sum(amount) AS sum, first_event(activity('view', at, amount)) = min(at) AS first
  FROM many;
SELECT count(*), sum(count), count(*) FILTER (WHERE exact) AS exact, min(at), max(at) FILTER (WHERE NOT exact) AS last_day
  FROM unnest((SELECT activity('view', at, amount) FROM many));
SELECT left(a, 30) AS head, right(a, 60) AS tail FROM (SELECT activity('view', at, amount)::text AS a FROM many) AS t;
SELECT count(*) FROM (SELECT activity('view', at, amount) OVER (ORDER BY i ROWS 300 PRECEDING) AS a FROM many) AS w WHERE count_events(a) > 300;

-- binary form: only what this type has written
SELECT encode(activity_send(a), 'hex') FROM value WHERE customer = 1;
SELECT activity_send(a) = activity_send(a::text::activity) AS same FROM value WHERE customer = 1;
SELECT activity_in(NULL) IS NULL AS strict, NULL::activity + '{}'::activity IS NULL AS strict_add, count_events(NULL) IS NULL AS no_value;
SELECT pg_column_size(activity('view', at)) < 3000 AS small FROM many;
