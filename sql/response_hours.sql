-- When one customer answered messages, and was around.
SET search_path = personalize, pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TEMP TABLE sends(customer integer, delivered_at timestamptz, opened_at timestamptz, clicked_at timestamptz, machine boolean, zone text);
INSERT INTO sends VALUES
	(1, '2026-01-05 09:00+00', '2026-01-05 09:35+00', NULL, NULL, 'Europe/Berlin'),
	(1, '2026-01-02 09:00+00', NULL, NULL, false, 'Europe/Berlin'),
	(1, NULL, '2026-01-05 09:35+00', NULL, NULL, 'Europe/Berlin'),
	(2, '2026-01-05 09:00+00', NULL, '2026-01-05 10:00+00', true, 'America/New_York'),
	(2, '2026-01-04 09:00+00', '2026-01-04 09:10+00', '2026-01-04 09:05+00', true, 'America/New_York'),
	(2, '2026-01-03 09:00+00', '2026-01-05 09:00+00', '2026-01-05 08:59+00', false, 'Asia/Kathmandu'),
	(3, '2026-03-28 12:00+00', '2026-03-29 05:00+00', NULL, NULL, 'Europe/Berlin'),
	(3, '2026-04-04 12:00+00', NULL, NULL, true, 'Australia/Lord_Howe'),
	(4, NULL, NULL, NULL, NULL, 'nowhere');
SELECT customer, response_hours(delivered_at, opened_at, clicked_at, machine, zone) FROM sends GROUP BY customer ORDER BY customer;
SELECT customer, response_hours(delivered_at, opened_at, zone) FROM sends GROUP BY customer ORDER BY customer;
SELECT u.* FROM (SELECT response_hours(delivered_at, opened_at, clicked_at, machine, zone) AS h FROM sends WHERE customer < 4) AS s, unnest(h) AS u;
SELECT visit_hours('2026-01-05 09:00+00'::timestamptz + i * interval '7 min', 'Asia/Kathmandu') FROM generate_series(0, 20) AS i;
SELECT visit_hours(NULL::timestamptz, 'nowhere'), response_hours(NULL::timestamptz, NULL, NULL);
-- clocks set back: an hour twice
SELECT visit_hours('2026-11-01 04:30+00'::timestamptz + i * interval '1 hour', 'America/New_York') FROM generate_series(0, 3) AS i;

-- what machines open says nothing of humans
SELECT observable(response_hours('2026-01-05 09:00+00'::timestamptz - i * interval '1 day', NULL, NULL, i < m, 'UTC'), as_of => '2026-02-01')
  FROM generate_series(0, 11) AS i, unnest(ARRAY[7, 8, 12]) AS m GROUP BY m ORDER BY m;
SELECT observable('{}', as_of => '2026-02-01'), observable('{2026-01-05T10:00+00:00 machine}', as_of => '2026-02-01'), observable('{2026-01-05T10:00+00:00 machine}', as_of => '2026-01-01');
SELECT is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:00:04+00'), is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:10+00'),
	is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:10+00', user_agent => 'Mozilla/5.0'), is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:10+00', user_agent => 'Mozilla/5.0 (X11; Linux)'),
	is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:10+00', flagged => true), is_machine_open('2026-01-05 09:00+00', '2026-01-05 09:10+00', user_agent => 'BarracudaCentral link scanner');
SELECT is_machine_click('2026-01-05 09:00+00', '2026-01-05 09:00:04+00'), is_machine_click('2026-01-05 09:00+00', '2026-01-05 09:10+00'),
	is_machine_click('2026-01-05 09:00+00', '2026-01-05 09:10+00', method => 'HEAD'), is_machine_click('2026-01-05 09:00+00', '2026-01-05 09:10+00', links => 12, links_within_2s => 12),
	is_machine_click('2026-01-05 09:00+00', '2026-01-05 09:10+00', links => 1, links_within_2s => 1);

-- merging: in any order, only the latest are kept
SELECT response_hours(delivered_at, opened_at, clicked_at, machine, zone) = rollup(h) AS same
  FROM (SELECT s.*, personalize.response_hours(delivered_at, opened_at, clicked_at, machine, zone) OVER (PARTITION BY ctid) AS h FROM sends AS s) AS s;
CREATE TEMP TABLE many AS SELECT i, '2026-01-05 09:00+00'::timestamptz + i * interval '37 min' AS at FROM generate_series(1, 3000) AS i;
SELECT num_messages(a + b), num_messages(a + b + a), a + b = b + a AS same, a + b = c AS whole, a <> b AS different, (SELECT count(*) FROM unnest(c)) AS kept, (SELECT min(delivered_at) FROM unnest(c))
  FROM (SELECT response_hours(at, at + interval '5 min', 'Europe/Berlin') FILTER (WHERE i % 3 = 0) AS a, response_hours(at, at + interval '5 min', 'Europe/Berlin') FILTER (WHERE i % 3 > 0) AS b,
		response_hours(at, at + interval '5 min', 'Europe/Berlin' ORDER BY i * 7919 % 3001) AS c FROM many) AS s;
SELECT v + v = v AS once, right((v + h)::text, 60) FROM (SELECT visit_hours(at, 'Europe/Berlin') AS v, response_hours(at, NULL, 'Europe/Berlin') AS h FROM many) AS s;
SELECT v + v = v AS one FROM (SELECT visit_hours('2026-01-05 10:10+00', 'UTC') AS v) AS s;

-- text form
SELECT '{}'::response_hours, ' { visit 2026-01-05T10+01:00 , 2026-01-05T10:00-05:30 click 5 open 3 machine } '::response_hours;
SELECT '{2026-01-05T10:00+00:00, visit 2026-01-05T09+00:00, visit 2026-01-05T09+00:00, 2026-01-05T10:00+00:00}'::response_hours;
SELECT '{1900-01-01T00:00+00:00, 2999-12-31T23:59+00:00 open 2879, 1969-12-31T23:59+00:00, 2100-02-28T23:59+14:00 change 60 by -60}'::response_hours;
SELECT (SELECT response_hours(at, NULL, 'UTC') FROM many)::text::response_hours = (SELECT response_hours(at, NULL, 'UTC') FROM many) AS same;
SELECT ''::response_hours;
SELECT '{'::response_hours;
SELECT '{2026-02-30T10:00+00:00}'::response_hours;
SELECT '{2026-01-05T24:00+00:00}'::response_hours;
SELECT '{2026-01-05T10:00}'::response_hours;
SELECT '{2026-01-05T10:00+25:00}'::response_hours;
SELECT '{2026-01-05T10:00+00:00 click 5}'::response_hours;
SELECT '{2026-01-05T10:00+00:00 open 2880}'::response_hours;
SELECT '{2026-01-05T10:00+00:00 open}'::response_hours;
SELECT '{2026-01-05T10:00+00:00 change 60}'::response_hours;
SELECT '{1899-12-31T23:59+00:00}'::response_hours;
SELECT '{3000-01-01T00:00+00:00}'::response_hours;
SELECT '{2026-01-05T10:00+00:00, count 5}'::response_hours;
SELECT '{first 2026-01-05T10:00+00:00}'::response_hours;
SELECT '{2026-01-05T10:00+00:00} x'::response_hours;

-- rows that are refused
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, 'Europe/Berlinn');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, 'Foo/Bar3');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, '+01:00');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, '');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, repeat('x', 300));
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, NULL, NULL);
SELECT response_hours('infinity'::timestamptz, NULL, 'UTC');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, '-infinity', 'UTC');
SELECT response_hours('1850-01-05 09:00+00'::timestamptz, NULL, 'UTC');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, '2026-01-05 07:59+00', 'UTC');
SELECT response_hours('2026-01-05 09:00+00'::timestamptz, '2026-01-05 08:00+00', 'UTC'), response_hours('2026-01-05 09:00+00'::timestamptz, NULL, 'Etc/GMT+5');
SELECT visit_hours('3000-01-05 09:00+00'::timestamptz, 'UTC');
