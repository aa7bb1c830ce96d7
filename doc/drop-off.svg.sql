-- Draws doc/drop-off.svg, from any database with personalize:  psql -X -q -At -f doc/drop-off.svg.sql >doc/drop-off.svg
-- 2,000 views of a page that visitors leave by a Weibull distribution of shape 0.6 and mean 24 s, the same ones every time.
\pset footer off
SET extra_float_digits = 0;
CREATE FUNCTION pg_temp.uniform(seed bigint, i bigint) RETURNS double precision LANGUAGE sql AS
	$$ SELECT ((hashint8extended(i, seed) >> 34 & 1073741823) + 0.5) / 1073741824 $$;
CREATE TEMP TABLE d AS
SELECT personalize.dropoff(24 / 1.504575488251556 * power(-ln(pg_temp.uniform(1, i)), 1 / 0.6),
						   CASE WHEN pg_temp.uniform(2, i) < 0.6 THEN 'exit' WHEN pg_temp.uniform(2, i) < 0.9 THEN 'advance' WHEN pg_temp.uniform(2, i) < 0.95 THEN 'convert' ELSE 'open' END) AS d
  FROM generate_series(1, 2000) AS i;
-- Time runs to the right, 9 units a second from 60 on; both panels are 160 units high.
CREATE FUNCTION pg_temp.x(t double precision) RETURNS numeric LANGUAGE sql AS $$ SELECT round((60 + 9 * t)::numeric, 1) $$;
CREATE FUNCTION pg_temp.y(top integer, share double precision) RETURNS numeric LANGUAGE sql AS $$ SELECT round((top + 160 * (1 - share))::numeric, 1) $$;
CREATE FUNCTION pg_temp.label(x numeric, y numeric, words text, color text DEFAULT '#444', anchor text DEFAULT 'start') RETURNS text LANGUAGE sql AS
	$$ SELECT format('<text x="%s" y="%s" fill="%s" text-anchor="%s">%s</text>', x, y, color, anchor, words) $$;
CREATE FUNCTION pg_temp.line(points text, color text, more text DEFAULT '') RETURNS text LANGUAGE sql AS
	$$ SELECT format('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>', points, color, more) $$;

SELECT '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480" font-family="sans-serif" font-size="12">';
SELECT '<title>Drop-off of a page: still here, chance to leave, and what a trigger is worth at each second</title><rect width="640" height="480" fill="#fff"/>';
-- axes
SELECT format('<path d="M60 %1$s V%2$s H600" fill="none" stroke="#999"/>', top, top + 160) FROM unnest('{40,260}'::int[]) AS top;
SELECT pg_temp.label(pg_temp.x(t), 437, t || ' s', anchor => 'middle') || format('<path d="M%1$s 200 v4 M%1$s 420 v4" stroke="#999"/>', pg_temp.x(t)) FROM generate_series(0, 60, 10) AS t;
SELECT pg_temp.label(52, pg_temp.y(40, s / 4.0) + 4, s * 25 || ' %', anchor => 'end') FROM generate_series(0, 4) AS s;
-- above: S with its limits, and the hazard, which falls from the first second on
SELECT format('<polygon points="%s %s" fill="#1f6fb2" fill-opacity="0.15"/>', string_agg(pg_temp.x(start) || ',' || pg_temp.y(40, upper), ' ' ORDER BY start),
			  string_agg(pg_temp.x(start) || ',' || pg_temp.y(40, lower), ' ' ORDER BY start DESC)) FROM d, personalize.life_table(d) WHERE start <= 60;
SELECT pg_temp.line(string_agg(pg_temp.x(start) || ',' || pg_temp.y(40, survival), ' ' ORDER BY start), '#1f6fb2') FROM d, personalize.life_table(d) WHERE start <= 60;
SELECT pg_temp.line(string_agg(pg_temp.x(t + 0.5) || ',' || pg_temp.y(40, 10 * personalize.hazard_at(d, t + 0.5)), ' ' ORDER BY t), '#c0504d', ' stroke-dasharray="5 3"') FROM d, generate_series(0, 59) AS t;
SELECT pg_temp.label(pg_temp.x(33), 112, 'still here, with 95 % limits', '#1f6fb2');
SELECT pg_temp.label(pg_temp.x(33), 218, 'hazard to leave the site, × 10 a second', '#c0504d');
-- below: the utility at each time, 0 at a third of the panel, 0.06 at its top
SELECT format('<path d="M60 %1$s H600" stroke="#ccc"/>', pg_temp.y(260, 0.4)) || pg_temp.label(52, pg_temp.y(260, 0.4) + 4, '0', anchor => 'end');
SELECT pg_temp.line(string_agg(pg_temp.x(t) || ',' || pg_temp.y(260, 0.4 + 10 * (b).utility), ' ' ORDER BY t), '#2e8b57')
  FROM (SELECT t, personalize.best_trigger(d, t_min => t * interval '1 second', t_max => t * interval '1 second') AS b FROM d, generate_series(0, 60) AS t) AS s;
SELECT pg_temp.label(pg_temp.x(28), 284, 'utility of a trigger at this time: rescued, less those disturbed', '#2e8b57');
-- the best time, and where the mean would be
SELECT format('<path d="M%1$s 30 V420" stroke="#2e8b57" stroke-dasharray="2 3"/>', pg_temp.x(t)) || pg_temp.label(pg_temp.x(t) + 4, 28, format('trigger %s s: %s %% still here', t, round(100 * here)), '#2e8b57')
  FROM (SELECT extract(epoch FROM (b).trigger_after)::double precision AS t, ((b).still_here)::numeric AS here FROM (SELECT personalize.best_trigger(d) AS b FROM d) AS s) AS s;
SELECT format('<path d="M%1$s 44 V420" stroke="#888" stroke-dasharray="2 3"/>', pg_temp.x(t)) || pg_temp.label(pg_temp.x(t) + 4, 54, format('mean %s s: %s %% still here', round(t::numeric), round(100 * here::numeric)), '#666')
  FROM (SELECT personalize.mean_dwell(d) AS t, personalize.survival_at(d, personalize.mean_dwell(d)) AS here FROM d) AS s;
SELECT pg_temp.label(330, 465, 'seconds on the page', anchor => 'middle');
SELECT '</svg>';
