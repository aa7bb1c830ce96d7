-- Draws doc/send-time.svg, from any database with personalize:  psql -X -q -At -f doc/send-time.svg.sql >doc/send-time.svg
-- 300 customers who get a message every three days between 8 and 22 o'clock; each answers in hours around one of their own, the same ones every time.
SET extra_float_digits = 0;
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.uniform(seed bigint, i bigint) RETURNS double precision LANGUAGE sql AS
	$$ SELECT ((hashint8extended(i, seed) >> 34 & 1073741823) + 0.5) / 1073741824 $$;
CREATE TEMP TABLE sent AS
SELECT c AS customer, at, CASE WHEN pg_temp.uniform(2, c * 100 + i) < chance THEN at + pg_temp.uniform(3, c * 100 + i) ^ 2 * interval '5 hours' END AS opened_at
  FROM generate_series(1, 300) AS c, generate_series(0, 29) AS i,
	LATERAL (SELECT timestamptz '2026-01-01 00:00+00' + i * interval '3 days' + (8 + floor(14 * pg_temp.uniform(1, c * 100 + i))) * interval '1 hour' AS at) AS s,
	LATERAL (SELECT 0.06 + 0.5 * exp(-power(extract(hour FROM at)::float8 - CASE c % 2 WHEN 0 THEN 19 ELSE 9 END, 2) / 8) AS chance) AS p;
CREATE TEMP TABLE m AS SELECT personalize.fit_response_model(h, '2026-04-01') AS m
  FROM (SELECT personalize.response_hours(at, opened_at, 'UTC') AS h FROM sent GROUP BY customer) AS s;
CREATE TEMP TABLE h AS SELECT personalize.response_hours(at, opened_at, 'UTC') AS h FROM sent WHERE customer = 4;
-- a weekday: what was seen, what is expected, and the chance of a message that is sent then
CREATE TEMP TABLE c AS
SELECT hour, responses, hours_at_risk, rate, group_rate,
	   (SELECT p_response FROM personalize.best_send_time(h, m, tstzrange(at, at, '[]'), 'UTC', valid_for => '48 hours', as_of => '2026-04-01')) AS p,
	   (SELECT p_response FROM personalize.best_send_time(NULL, m, tstzrange(at, at, '[]'), 'UTC', valid_for => '48 hours', as_of => '2026-04-01')) AS p_all
  FROM h, m, personalize.response_profile(h, m, as_of => '2026-04-01'), LATERAL (SELECT timestamptz '2026-04-01 00:00+00' + hour * interval '1 hour' AS at) AS t WHERE weekday = 3;
-- Hours run to the right, 22 units each from 60 on; panels are 130 units high.
CREATE FUNCTION pg_temp.x(hour double precision) RETURNS numeric LANGUAGE sql AS $$ SELECT round((60 + 22 * hour)::numeric, 1) $$;
CREATE FUNCTION pg_temp.y(top integer, share double precision) RETURNS numeric LANGUAGE sql AS $$ SELECT round((top + 130 * (1 - share))::numeric, 1) $$;
CREATE FUNCTION pg_temp.label(x numeric, y numeric, words text, color text DEFAULT '#444', anchor text DEFAULT 'start') RETURNS text LANGUAGE sql AS
	$$ SELECT format('<text x="%s" y="%s" fill="%s" text-anchor="%s">%s</text>', x, y, color, anchor, words) $$;
CREATE FUNCTION pg_temp.line(points text, color text, more text DEFAULT '') RETURNS text LANGUAGE sql AS
	$$ SELECT format('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>', points, color, more) $$;

SELECT '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 560" font-family="sans-serif" font-size="12">';
SELECT '<title>Responses and hours at risk of a customer, the rate expected from them, and the chance of a message by the hour it is sent</title><rect width="640" height="560" fill="#fff"/>';
SELECT format('<path d="M60 %1$s V%2$s H588" fill="none" stroke="#999"/>', top, top + 130) FROM unnest('{40,210,380}'::int[]) AS top;
SELECT pg_temp.label(pg_temp.x(hour), 527, hour || ':00', anchor => 'middle') FROM generate_series(0, 24, 4) AS hour;
-- above: hours at risk, and responses on them
SELECT format('<rect x="%s" y="%s" width="20" height="%s" fill="#bbb"/>', pg_temp.x(hour), pg_temp.y(40, hours_at_risk / most), round((130 * hours_at_risk / most)::numeric, 1))
  FROM c, (SELECT max(hours_at_risk) AS most FROM c) AS s ORDER BY hour;
SELECT format('<rect x="%s" y="%s" width="20" height="%s" fill="#1f6fb2"/>', pg_temp.x(hour), pg_temp.y(40, responses / most), round((130 * responses / most)::numeric, 1))
  FROM c, (SELECT max(hours_at_risk) AS most FROM c) AS s WHERE responses > 0 ORDER BY hour;
SELECT pg_temp.label(70, 36, 'hours at risk', '#888') || pg_temp.label(160, 36, 'and responses of one customer, on weekdays', '#1f6fb2');
-- in the middle: rates
SELECT pg_temp.line(string_agg(pg_temp.x(hour + 0.5) || ',' || pg_temp.y(210, rate / most), ' ' ORDER BY hour), '#1f6fb2') FROM c, (SELECT max(greatest(rate, group_rate)) AS most FROM c) AS s;
SELECT pg_temp.line(string_agg(pg_temp.x(hour + 0.5) || ',' || pg_temp.y(210, group_rate / most), ' ' ORDER BY hour), '#c0504d', ' stroke-dasharray="5 3"') FROM c, (SELECT max(greatest(rate, group_rate)) AS most FROM c) AS s;
SELECT pg_temp.label(70, 206, 'rate of responses right after delivery: of the customer', '#1f6fb2') || pg_temp.label(364, 206, 'and of all', '#c0504d');
-- below: what is chosen by
SELECT pg_temp.line(string_agg(pg_temp.x(hour) || ',' || pg_temp.y(380, p), ' ' ORDER BY hour), '#1f6fb2') FROM c;
SELECT pg_temp.line(string_agg(pg_temp.x(hour) || ',' || pg_temp.y(380, p_all), ' ' ORDER BY hour), '#c0504d', ' stroke-dasharray="5 3"') FROM c;
SELECT format('<circle cx="%s" cy="%s" r="4" fill="#1f6fb2"/>', pg_temp.x(hour), pg_temp.y(380, p)) FROM c ORDER BY p DESC, hour LIMIT 1;
SELECT pg_temp.label(52, pg_temp.y(380, s / 4.0) + 4, s * 25 || ' %', anchor => 'end') FROM generate_series(0, 4) AS s;
SELECT pg_temp.label(70, 376, 'chance of a response within two days, by the hour of sending', '#1f6fb2');
SELECT pg_temp.label(324, 548, 'local time', anchor => 'middle');
SELECT '</svg>';
