-- Kaplan-Meier estimates of any duration column.
SET search_path = public, personalize;
SET extra_float_digits = -3;
SET intervalstyle = postgres;
-- Remission of acute myelogenous leukemia (Miller 1997), the textbooks' example.
CREATE TEMP TABLE aml(maintained boolean, time double precision, event boolean);
INSERT INTO aml SELECT i <= 11, time, event
  FROM unnest('{9,13,13,18,23,28,31,34,45,48,161,5,5,8,8,12,16,23,27,30,33,43,45}'::double precision[],
			  '{t,t,f,t,t,f,t,t,f,t,f,t,t,t,t,t,f,t,t,t,t,t,t}'::boolean[]) WITH ORDINALITY AS a(time, event, i);
SELECT maintained, km(time, event) FROM aml GROUP BY maintained ORDER BY maintained;
SELECT t.* FROM (SELECT km(time, event) AS k FROM aml WHERE maintained) AS s, survival_table(k) AS t ORDER BY time;
SELECT time, lower, upper FROM (SELECT km(time, event) AS k FROM aml WHERE NOT maintained) AS s, survival_table(k, 0.9, 'plain') AS t ORDER BY time;
SELECT time, lower, upper FROM (SELECT km(time, event) AS k FROM aml WHERE NOT maintained) AS s, survival_table(k, conf_type => 'log-log') AS t ORDER BY time;
SELECT maintained, median(km(time, event)), (quantile(km(time, event), 0.25)).estimate AS quarter, quantile(km(time, event), 0), quantile(km(time, event), 1)
  FROM aml GROUP BY maintained ORDER BY maintained;
SELECT maintained, survival_at(k, -1) AS before, survival_at(k, 9) AS at_event, survival_at(k, 8.999999) AS just_before, survival_at(k, 45.5) AS late, survival_at(k, 1000) AS beyond,
	   survival_at(k, 'Infinity') AS for_ever
  FROM (SELECT maintained, km(time, event) AS k FROM aml GROUP BY maintained) AS s ORDER BY maintained;

-- a curve that is flat at the level has its quantile in the middle, as in R; at its end, up to the last that was seen
SELECT median(km '{10:1, 20:1, 30:1, 40:1}'), median(km '{10:1, 20:1, 25:0+2}'), median(km '{10:1, 20:0+2}'), median(km '{}');

-- ties: who was only seen until 5 was at risk when another's 5 ended
SELECT * FROM survival_table(km '{5:1+1, 6:1}');
SELECT * FROM survival_table(km '{0:1, 0.5:2}');
SELECT count(*) FROM survival_table(km '{}');

-- rows that are passed over, rows that are refused
SELECT km(d, e) FROM (VALUES (1::double precision, true), (NULL, true), (2, NULL), (-0.0, false), (0, true), (1e-300, true), (1e300, false)) AS v(d, e);
SELECT km(d, true) FROM (VALUES (NULL::double precision)) AS v(d);
SELECT km(1::double precision, true) WHERE false;
SELECT km('NaN'::double precision, true);
SELECT km('Infinity'::double precision, true);
SELECT km(-1e-300::double precision, false);
SELECT km(interval '-1 second', true);
SELECT km(d, e) FROM (VALUES (interval '1.5 seconds', true), (interval '1 month', true), (interval '30 days', false), (interval '0', true)) AS v(d, e);
SELECT km(at - '2026-01-01', true) FROM (VALUES (timestamptz '2026-01-02')) AS v(at);

-- parts merge to the same bytes, whatever the order
CREATE TABLE many AS SELECT i, (i * i % 997) / 8.0 AS time, i % 3 > 0 AS event FROM generate_series(1, 5000) AS i;
SELECT km(time, event) = km(time, event ORDER BY md5(i::text)) AS any_order,
	   km(time, event) = (SELECT rollup(k) FROM (SELECT km(time, event) AS k FROM many GROUP BY i % 7) AS part) AS any_parts,
	   km(time, event) = km(time, event) FILTER (WHERE i % 2 = 0) + km(time, event) FILTER (WHERE i % 2 = 1) AS added,
	   km(time, event) = km(time, event)::text::km AS as_text,
	   km(time, event) <> km(time, NOT event) AS different
  FROM many;
SELECT sum(events) = 3334 AND sum(censored) = 1666 AND bool_and(at_risk = rest) AS exact
  FROM (SELECT t.*, (sum(events + censored) OVER (ORDER BY time DESC))::bigint AS rest FROM survival_table((SELECT km(time, event) FROM many)) AS t) AS x;
SELECT count(*) FROM (SELECT km(time, event) OVER (ORDER BY i ROWS 9 PRECEDING) AS k FROM many) AS w WHERE (SELECT sum(events + censored) FROM survival_table(k)) = 10;

-- text form
SELECT ' { 3 : 1+2,1e1:5 ,3:1 } '::km, '{1e22:1, 0.1:0+1, 5e-324:1, 1.7976931348623157e308:2}'::km;
SELECT ''::km;
SELECT '{'::km;
SELECT '{3}'::km;
SELECT '{3:}'::km;
SELECT '{3:0}'::km;
SELECT '{-3:1}'::km;
SELECT '{NaN:1}'::km;
SELECT '{0x10:1}'::km;
SELECT '{1e999:1}'::km;
SELECT '{3:1+}'::km;
SELECT '{3:-1}'::km;
SELECT '{3:99999999999999999999}'::km;
SELECT '{3:1} x'::km;
SELECT '{1:4611686018427387905}'::km;
SELECT ('{1:2611686018427387904}'::km + '{1:0+2000000000000000000}'::km)::text::km;
SELECT (SELECT rollup(k) FROM (SELECT '{1:460000000000000000}'::km AS k FROM generate_series(1, 11)) AS v);

-- arguments
SELECT quantile(km '{1:1}', 1.5);
SELECT quantile(km '{1:1}', 'NaN');
SELECT median(km '{1:1}', level => 1);
SELECT median(km '{1:1}', conf_type => 'arcsin');
SELECT survival_at(km '{1:1}', 'NaN');
SELECT survival_at(NULL::km, 1) IS NULL AS strict, NULL::km + '{}'::km IS NULL AS strict_add;

-- binary form: only what this type has written; memory is bounded
SELECT encode(km_send('{1:1, 300:2+1}'), 'hex') AS whole, encode(km_send('{0.5:1}'), 'hex') AS parts;
SET personalize.matrix_mem = '1MB';
SELECT km(i / 7.0, true) FROM generate_series(1, 100000) AS i;
RESET personalize.matrix_mem;
SELECT pg_column_size(km(i, i % 2 = 0)) < 350000 AS small FROM generate_series(1, 100000) AS i;
DROP TABLE many;
