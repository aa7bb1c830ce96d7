-- How long page views last, how they end, and when to speak.
SET search_path = public, personalize;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET extra_float_digits = -3;
SET intervalstyle = postgres;
CREATE SCHEMA shop;
-- Dwells in milliseconds by a rule, long ones rare; most leave, some go on or buy, few are still there.
CREATE TABLE shop.page_views AS
SELECT i, 'p' || i / 7 % 3 AS page_type, CASE i / 5 % 2 WHEN 0 THEN 'mobile' ELSE 'desktop' END AS device, 's' || i / 11 % 10 AS segment,
	   round(400000.0 / (1 + i * 7919 % 1000) - 395) / 10 AS dwell, (array['exit','exit','exit','advance','convert','open'])[1 + i * 31 % 6] AS ending,
	   timestamptz '2026-01-01' + i * interval '11 minutes' AS at
  FROM generate_series(1, 6000) AS i;
ALTER TABLE shop.page_views ALTER dwell TYPE double precision;
SELECT left(dropoff(dwell, ending)::text, 60) AS head FROM shop.page_views;
SELECT page_type, views(dropoff(dwell, ending)), count(*) FROM shop.page_views GROUP BY page_type ORDER BY page_type;
SELECT dropoff(dwell, ending) FROM (VALUES (0::double precision, 'exit'), (0.999999, 'exit'), (0.9999999, 'advance'), (59.99, 'convert'), (60, 'open'), (66, 'exit'), (3285.9, 'exit'), (1e300, 'open'),
	(NULL, 'exit'), (1, NULL)) AS v(dwell, ending);
SELECT dropoff(make_interval(secs => i), 'exit') = dropoff(i::double precision, 'exit') AS same FROM generate_series(0, 4000) AS i;
SELECT dropoff(1.0::double precision, 'exit') WHERE false;

-- rows that are refused
SELECT dropoff('NaN'::double precision, 'exit');
SELECT dropoff('Infinity'::double precision, 'exit');
SELECT dropoff(-1::double precision, 'exit');
SELECT dropoff(interval '-1 second', 'exit');
SELECT dropoff(1::double precision, 'left');
SELECT dropoff(1::double precision, '');
SELECT dropoff(1::double precision, 'exit', 'infinity');
SELECT dropoff(1::double precision, 'exit', now(), '59 minutes');
SELECT dropoff(1::double precision, 'exit', now(), '1 day 0.5 seconds');
SELECT dropoff(1::double precision, 'exit', now(), NULL);
SELECT dropoff(1::double precision, 'exit', now(), i * interval '1 day') FROM generate_series(1, 2) AS i;
SELECT dropoff(1::double precision, 'exit') + dropoff(1::double precision, 'exit', now());

-- parts merge to the same bytes, whatever the order; with a half-life, too
SELECT dropoff(dwell, ending) = dropoff(dwell, ending ORDER BY md5(i::text)) AS any_order,
	   dropoff(dwell, ending) = (SELECT rollup(d) FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views GROUP BY i % 7) AS part) AS any_parts,
	   dropoff(dwell, ending) = dropoff(dwell, ending) FILTER (WHERE i % 2 = 0) + dropoff(dwell, ending) FILTER (WHERE i % 2 = 1) AS added,
	   dropoff(dwell, ending) = dropoff(dwell, ending)::text::dropoff AS as_text, dropoff(dwell, ending) <> dropoff(dwell, 'exit') AS different,
	   dropoff(dwell, ending) + '{}' = dropoff(dwell, ending) AS and_nothing
  FROM shop.page_views;
SELECT half_life, dropoff(dwell, ending, at, half_life) = dropoff(dwell, ending, at, half_life ORDER BY md5(i::text)) AS any_order,
	   dropoff(dwell, ending, at, half_life) = (SELECT rollup(d) FROM (SELECT dropoff(dwell, ending, at, h.half_life) AS d FROM shop.page_views GROUP BY i / 999) AS part) AS any_parts,
	   dropoff(dwell, ending, at, half_life) = dropoff(dwell, ending, at, half_life) FILTER (WHERE i < 77) + dropoff(dwell, ending, at, half_life) FILTER (WHERE i >= 77) AS added,
	   dropoff(dwell, ending, at, half_life) = dropoff(dwell, ending, at, half_life)::text::dropoff AS as_text,
	   abs(views(dropoff(dwell, ending, at, half_life)) / sum(power(2, -extract(epoch FROM timestamptz '2026-01-01' + 6000 * interval '11 minutes' - at) / extract(epoch FROM half_life))) - 1) < 0.0001 AS weighs
  FROM shop.page_views, (VALUES (interval '30 days'), ('1 day'), ('5 hours')) AS h(half_life) GROUP BY half_life ORDER BY half_life;
SELECT dropoff(dwell, ending, at) = dropoff(dwell, ending, at, '30 days') AS a_month FROM shop.page_views;
SELECT dropoff(5::double precision, 'exit', at, '1 day') FROM (VALUES (timestamptz '2026-01-01'), ('2026-01-02'), ('2026-01-20'), ('2026-02-10'), ('2020-01-01')) AS v(at);

-- text form
SELECT ' { 0:1/0/0/0,102:1/2/3/9223372036854775807 } '::dropoff, '3600@2026-01-05T10:00:00.5Z {1:1/0/0/0} {} {2:0/0/1/0}'::dropoff, '3600@2026-01-05T10:00:00Z {1:1/0/0/0} {} {}'::dropoff;
SELECT ''::dropoff;
SELECT '{'::dropoff;
SELECT '{1}'::dropoff;
SELECT '{1:1/2/3}'::dropoff;
SELECT '{1:0/0/0/0}'::dropoff;
SELECT '{103:1/0/0/0}'::dropoff;
SELECT '{2:1/0/0/0, 2:1/0/0/0}'::dropoff;
SELECT '{2:1/0/0/9223372036854775808}'::dropoff;
SELECT '{2:1/0/0/0} {}'::dropoff;
SELECT '{2:1/0/0/0} x'::dropoff;
SELECT '3600 {}'::dropoff;
SELECT '3600@2026-01-05 {}'::dropoff;
SELECT '3600@2026-01-05T10:00:00Z {}'::dropoff;
SELECT '3599@2026-01-05T10:00:00Z {1:1/0/0/0}'::dropoff;
SELECT '{2:9223372036854775807/0/0/0}'::dropoff + '{2:1/0/0/0}'::dropoff;
SELECT encode(dropoff_send('{0:1/0/0/300}'), 'hex') AS plain, encode(dropoff_send('3600@2000-01-01T00:00:01Z {1:1/0/0/0}'), 'hex') AS decayed;

-- accessors: by hand, of 200 views
SELECT survival_at(d, 2) AS s2, 150 / 200.0 * (1 - 35 / 147.5) AS expected,
	   exit_incidence(d, 0, 2) AS f2, 40 / 200.0 + 150 / 200.0 * 30 / 147.5 AS expected
  FROM (SELECT '{0:40/10/0/0, 1:30/0/5/5, 9:60/0/0/50}'::dropoff AS d) AS s;
SELECT start, "end", at_risk, exits, advances, converts, opens, exit_hazard, other_hazard, survival, exit_share FROM life_table('{0:40/0/0/0, 1:30/0/5/5, 9:60/0/0/60}') WHERE exits + opens > 0 OR start < 3;
SELECT start, "end", std_error, lower, upper FROM life_table('{0:40/0/0/0, 1:60/0/0/0, 102:0/0/0/100}', level => 0.9) WHERE start IN (0, 1, 2) OR "end" IS NULL;
SELECT views(d), survival_at(d, 0) AS s0, survival_at(d, 12.5) AS s, hazard_at(d, 12.5) AS h, exit_incidence(d, 5.5, 90) AS f, mean_dwell(d), median(d), quantile(d, 0.9, level => 0.5)
  FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s;
SELECT survival_at(d, 3285) IS NOT NULL AS known, survival_at(d, 3286) AS beyond, exit_incidence(d, 3280, 10) AS past, hazard_at(d, 1e300) AS far, quantile(d, 1) FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s;
SELECT survival_at('{}'::dropoff, 1), hazard_at('{}'::dropoff, 1), mean_dwell('{}'::dropoff), median('{}'::dropoff), views('{}'::dropoff);
SELECT count(*) FROM life_table('{}');
SELECT survival_at('{}'::dropoff, -1);
SELECT exit_incidence('{}'::dropoff, 1, 'NaN');
SELECT quantile('{}'::dropoff, 2);
SELECT median('{}'::dropoff, 0);

-- the best time
SELECT page_type, b.* FROM (SELECT page_type, dropoff(dwell, ending) AS d FROM shop.page_views GROUP BY page_type) AS s, best_trigger(d) AS b ORDER BY page_type;
SELECT b.* FROM best_trigger('{5:99/0/0/0}'::dropoff) AS b;
SELECT b.* FROM best_trigger('{5:99/0/0/1}'::dropoff) AS b;
SELECT b.* FROM best_trigger('{5:0/99/0/9}'::dropoff, fallback => '45 seconds') AS b;
SELECT b.* FROM best_trigger(NULL) AS b;
-- the chain: a segment with few views leans on its parents, one with many does not; a level that is missing is passed over
SELECT what, b.trigger_after, b.still_here, b.source, b.views, b.flagged
  FROM (VALUES (1, 'alone', '{3:20/0/0/0, 30:20/0/0/0}'::dropoff, NULL::dropoff[]), (2, 'few', '{3:20/0/0/0, 30:20/0/0/0}', '{"{9:500/0/0/0, 20:500/0/0/0}"}'), (3, 'none', NULL, '{"{9:500/0/0/0, 20:500/0/0/0}"}'),
			   (4, 'many', '{3:20000/0/0/0, 30:20000/0/0/0}', '{NULL, "{9:500/0/0/0, 20:500/0/0/0}"}'), (5, 'a small site', '{3:20000/0/0/0}', '{"{9:50/0/0/0}"}'),
			   (6, 'through', '{3:2/0/0/0}', '{"{4:60/0/0/0, 30:60/0/0/0}", "{9:500/0/0/0, 20:500/0/0/0}"}')) AS v(n, what, d, parents), best_trigger(d, parents) AS b ORDER BY n;
SELECT b.trigger_after FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s, best_trigger(d, t_min => '12.5 seconds', t_max => '12.5 seconds') AS b;
SELECT (best_trigger(d)).trigger_after, (best_trigger(d, pace => 2)).trigger_after AS slow, (best_trigger(d, pace => 0.5)).trigger_after AS fast, (best_trigger(d, reading => '2 seconds')).trigger_after AS short,
	   (best_trigger(d, cost => 0.5)).trigger_after AS dear FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s;
SELECT best_trigger('{}', reading => NULL);
SELECT best_trigger('{}', reading => '2 hours');
SELECT best_trigger('{}', cost => 'NaN');
SELECT best_trigger('{}', t_min => '20 seconds', t_max => '10 seconds');
SELECT best_trigger('{}', t_max => '1 hour');
SELECT best_trigger('{}', pace => 0);
SELECT best_trigger('{}', fallback => '-1 second');

-- what a test of triggers shows: both arms of those still present
SELECT trigger_efficacy(shown_at, dwell, converted) FROM (VALUES (10::double precision, 30::double precision, true), (10, 30, false), (10, 9, false), (NULL, 30, true), (NULL, 5, false), (NULL, NULL, true), (1, 2, NULL)) AS v(shown_at, dwell, converted);
SELECT t.* FROM (SELECT '{5:0/0/500/0, 12:900/100/0/0, 30:0/0/930/70}'::trigger_efficacy AS e) AS s, efficacy_table(e) AS t;
SELECT efficacy_at(NULL, 8) AS parametric, efficacy_at('{}', 8) AS no_data, efficacy_at('{12:900/100/0/0, 30:0/0/930/70}', 12) AS tested, efficacy_at('{12:900/100/0/0, 30:0/0/930/70}', 300) AS untested;
CREATE TABLE trial AS SELECT i, CASE i % 2 WHEN 0 THEN i % 40 END::double precision AS shown_at, dwell, i % 5 = 0 AS converted FROM shop.page_views;
SELECT trigger_efficacy(shown_at, dwell, converted) = (SELECT rollup(e) FROM (SELECT trigger_efficacy(shown_at, dwell, converted) AS e FROM trial GROUP BY i % 3) AS part) AS any_parts,
	   trigger_efficacy(shown_at, dwell, converted) = trigger_efficacy(shown_at * interval '1 second', dwell * interval '1 second', converted) AS as_interval,
	   trigger_efficacy(shown_at, dwell, converted) = trigger_efficacy(shown_at, dwell, converted)::text::trigger_efficacy AS as_text
  FROM trial;
SELECT (best_trigger(d)).trigger_after AS by_formula, (best_trigger(d, efficacy => '{5:990/10/0/0, 8:990/10/0/0, 12:990/10/0/0, 22:800/200/0/0, 60:0/0/1000/0}', cost => 0)).trigger_after AS as_tested FROM (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s;
SELECT '3600@2026-01-05T10:00:00Z {1:1/0/0/0}'::trigger_efficacy;
SELECT trigger_efficacy(-1::double precision, 1, true);
SELECT trigger_efficacy(1::double precision, 'Infinity', true);
SELECT efficacy_at('{}', 'NaN');

DROP TABLE trial;

-- arms by hash: the same for ever
SELECT key, trigger_arm(key) FROM unnest('{a,b,c,d,e}'::text[]) AS key;
SELECT (a).arm, count(*), min((a).trigger_after), max((a).trigger_after) FROM (SELECT trigger_arm(i::text, 'spring', d) AS a FROM generate_series(1, 3000) AS i, (SELECT dropoff(dwell, ending) AS d FROM shop.page_views) AS s) AS x GROUP BY 1 ORDER BY 1;
SELECT (trigger_arm('a', random_share => 1, control_share => 0)).arm, (trigger_arm('a', random_share => 0, control_share => 1)).arm, (trigger_arm('a', random_share => 0, control_share => 0)).arm;
SELECT trigger_arm('a', random_share => 0.6, control_share => 0.6);
SELECT trigger_arm('a', control_share => 'NaN');
SELECT trigger_arm(NULL);

-- the visitor's own pace
SELECT pace('{10,20}', '{20,20}') AS too_few, pace('{10,20,30}', '{20,20,20}') AS as_expected, pace('{1000,1000,1000}', '{1,1,1}') AS slowest, pace('{0,0,0}', '{500,500,500}') AS fastest,
	   pace('{40,NULL,40,40}', '{20,20,20,20}') AS slow, pace('{}', '{}') AS new;
SELECT pace('{1,2}', '{1}');
SELECT pace('{1,2,-3}', '{1,2,3}');
SELECT pace('{1,2,3}', '{1,2,Infinity}');

-- the call of a page, over a materialized view
CREATE MATERIALIZED VIEW shop.dropoff AS
SELECT page_type, device, segment, dropoff(dwell, ending) AS dropoff FROM shop.page_views GROUP BY ROLLUP (page_type, device, segment);
CREATE UNIQUE INDEX ON shop.dropoff (page_type, device, segment);
SELECT trigger_after, still_here, source_level, views, flagged FROM dropoff_delay('shop.dropoff', 'p1', 'mobile', 's3');
SELECT b.trigger_after, b.still_here FROM best_trigger((SELECT dropoff FROM shop.dropoff WHERE (page_type, device, segment) = ('p1', 'mobile', 's3')),
	ARRAY[(SELECT dropoff FROM shop.dropoff WHERE (page_type, device) = ('p1', 'mobile') AND segment IS NULL), (SELECT dropoff FROM shop.dropoff WHERE page_type = 'p1' AND device IS NULL),
		  (SELECT dropoff FROM shop.dropoff WHERE page_type IS NULL)]) AS b;
SELECT what, d.* FROM (VALUES (1, 'p1', 'mobile', 'new'), (2, 'p1', 'mobile', NULL), (3, 'p1', NULL, 's3'), (4, 'new', 'mobile', 's3'), (5, NULL, NULL, NULL)) AS v(what, page_type, device, segment),
	   dropoff_delay('shop.dropoff', page_type, device, segment) AS d ORDER BY what;
SELECT (d).arm, count(*), count((d).trigger_after), count(DISTINCT (d).trigger_after) FROM (SELECT dropoff_delay('shop.dropoff', 'p1', 'mobile', 's3', customer => i::text) AS d FROM generate_series(1, 1000) AS i) AS s GROUP BY 1 ORDER BY 1;
SELECT trigger_after, arm, propensity FROM dropoff_delay('shop.dropoff', 'p1', pace => 2, customer => 'c', random_share => 0, control_share => 0);
-- what changes is seen; columns of the chain may be missing, and parts be in rows of their own
ALTER MATERIALIZED VIEW shop.dropoff RENAME TO drop_off;
ALTER SCHEMA shop RENAME TO store;
SELECT source_level, views FROM dropoff_delay('store.drop_off', 'p1', 'mobile', 's3');
ALTER SCHEMA store RENAME TO shop;
CREATE TABLE shop.daily (page_type varchar(10), day integer, dropoff dropoff);
SELECT source_level, views, flagged FROM dropoff_delay('shop.daily', 'p1', 'mobile');
INSERT INTO shop.daily SELECT page_type, i % 4, dropoff(dwell, ending) FROM shop.page_views GROUP BY GROUPING SETS ((page_type, i % 4), (i % 4));
SELECT source_level, views, flagged FROM dropoff_delay('shop.daily', 'p1', 'mobile');
ALTER TABLE shop.daily ADD device text;
SELECT source_level, views, flagged FROM dropoff_delay('shop.daily', 'p1', 'mobile');
ALTER TABLE shop.daily DROP dropoff;
SELECT dropoff_delay('shop.daily', 'p1');
SELECT dropoff_delay('shop.nothing', 'p1');
SELECT dropoff_delay(0, 'p1');
SELECT dropoff_delay(NULL, 'p1');
\set SHOW_CONTEXT never
CREATE ROLE regress_dropoff_stranger;
GRANT USAGE ON SCHEMA shop, personalize TO regress_dropoff_stranger;
SET ROLE regress_dropoff_stranger;
SELECT dropoff_delay('shop.drop_off', 'p1');
RESET ROLE;
GRANT SELECT ON shop.drop_off TO regress_dropoff_stranger;
SET ROLE regress_dropoff_stranger;
SELECT source_level FROM dropoff_delay('shop.drop_off', 'p1');
RESET ROLE;
DROP OWNED BY regress_dropoff_stranger;
DROP ROLE regress_dropoff_stranger;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
