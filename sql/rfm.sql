\pset null '(null)'
-- limits are quantiles of the customers with an order; the others do not count
SELECT personalize.rfm_thresholds(recency, frequency, monetary, 3) AS three, personalize.rfm_thresholds(recency, frequency, monetary) AS five
  FROM (VALUES (1, 9, 900.5), (2, 1, 10), (30, 2, 20), (40, 1, 30), (80, 3, 250), (90, 1, 5), (NULL, 1, 5), (7, 0, 5), (7, NULL, 5), (7, 5, NULL)) AS c(recency, frequency, monetary);
SELECT personalize.rfm_thresholds(1, 0, 1) AS nobody;
SELECT personalize.rfm_thresholds(7, 2, 50.25, 3) AS one_customer;

-- who ties shares a score: of these, seven in ten ordered once
CREATE TABLE customers AS SELECT i AS id, i % 37 AS recency, CASE WHEN i % 10 < 7 THEN 1 ELSE i % 5 + 2 END AS frequency, (i * i) % 1000 / 10.0 - 3 AS monetary FROM generate_series(1, 1000) AS i;
CREATE TABLE limits AS SELECT levels, (SELECT personalize.rfm_thresholds(recency, frequency, monetary, levels) FROM customers) AS m FROM (VALUES (3), (5)) AS l(levels);
SELECT m FROM limits ORDER BY levels;
SELECT s.f, min(frequency), max(frequency), count(*) FROM customers, limits, personalize.rfm_score(m, recency, frequency, monetary) AS s WHERE levels = 5 GROUP BY s.f ORDER BY s.f;

-- the same as percentile_disc has it, score by score
WITH q AS MATERIALIZED (
	SELECT levels, limits.m::text::personalize.rfm_model AS limits, percentile_disc(steps) WITHIN GROUP (ORDER BY recency DESC) AS r, percentile_disc(steps) WITHIN GROUP (ORDER BY frequency) AS f, percentile_disc(steps) WITHIN GROUP (ORDER BY monetary) AS m
	  FROM limits, LATERAL (SELECT array_agg(i::float8 / levels) AS steps FROM generate_series(1, levels - 1) AS i) AS t, customers GROUP BY levels, limits.m::text, steps)
SELECT count(*) AS scored, count(*) FILTER (WHERE s.r <> 1 + (SELECT count(*) FROM unnest(q.r) AS u WHERE recency < u) OR s.f <> 1 + (SELECT count(*) FROM unnest(q.f) AS u WHERE frequency > u)
	OR s.m <> 1 + (SELECT count(*) FROM unnest(q.m) AS u WHERE monetary > u)) AS wrong
  FROM q, customers, personalize.rfm_score(q.limits, recency, frequency, monetary) AS s;
-- and the same in any order
SELECT bool_and(m OPERATOR(personalize.=) (SELECT personalize.rfm_thresholds(recency, frequency, monetary, levels ORDER BY monetary DESC, id) FROM customers)) AS same FROM limits;
SELECT s FROM personalize.rfm_score('levels=3 r=60,14 f=1,3 m=50,199.5', 14, 3, 199.5001) AS s;
SELECT s FROM personalize.rfm_score('levels=3 r=60,14 f=1,3 m=50,199.5', 13, 0, 1) AS s;

-- names: of all combinations, each exactly one
SELECT "group", count(*), min(r * 100 + f * 10 + m) AS first, max(r * 100 + f * 10 + m) AS last FROM personalize.rfm_groups(3) GROUP BY 1 ORDER BY 1;
SELECT "group", count(*), min(r * 100 + f * 10 + m) AS first, max(r * 100 + f * 10 + m) AS last FROM personalize.rfm_groups() GROUP BY 1 ORDER BY 1;
SELECT count(*), count(DISTINCT (r, f, m)), count("group"), (SELECT count(*) FROM personalize.rfm_groups(3)) FROM personalize.rfm_groups(5);
-- the tables of the page: recency, and the mean of the other two, rounded up
SELECT r, string_agg("group", ' | ' ORDER BY worth) FROM (SELECT DISTINCT r, ceil((f + m) / 2.0) AS worth, "group" FROM personalize.rfm_groups(3)) AS g GROUP BY r ORDER BY r DESC;
SELECT r, string_agg("group", ' | ' ORDER BY worth) FROM (SELECT DISTINCT r, ceil((f + m) / 2.0) AS worth, "group" FROM personalize.rfm_groups(5)) AS g GROUP BY r ORDER BY r DESC;

-- of activities: days are the shop's, the window is (as_of - within, as_of], refunds are no orders
SET TimeZone = 'UTC';
CREATE TABLE one AS SELECT '{purchase: 2026-03-05T23:30:00Z=-4.5 2026-03-01T23:30:00Z=19.99 2026-02-01T12:00:00Z=5 2025-12-01T00:00:00Z, visit: 2026-03-09T00:00:00Z}'::personalize.activity AS a;
SELECT zone, n.* FROM one, (VALUES ('UTC'), ('Europe/Berlin'), ('America/Los_Angeles')) AS z(zone), personalize.rfm(a, as_of => '2026-03-10 00:30+00', zone => zone) AS n;
SELECT as_of, n.* FROM one, (VALUES (timestamptz '2026-01-31 12:00+00'), ('2026-02-01 11:59:59+00'), ('2026-02-01 12:00+00'), ('2026-03-08 11:59:59.999999+00'), ('2026-03-08 12:00+00'), ('2027-01-01 00:00+00')) AS t(as_of),
	personalize.rfm(a, within => '35 days', as_of => as_of) AS n;
SELECT n.* FROM one, personalize.rfm(a, 'visit', as_of => '2026-03-10 00:00+00') AS n;
-- scores hold until an event leaves, or the day of the zone ends on which recency is too long; walked to the end
WITH RECURSIVE walk AS (
	SELECT timestamptz '2026-02-27 12:00+00' AS at, s.* FROM one, personalize.rfm_score('levels=3 r=20,4 f=1,2 m=5,20', a, 'purchase', '60 days', '2026-02-27 12:00+00', 'Europe/Berlin') AS s
	UNION ALL
	SELECT walk.stable_until, s.* FROM walk, one, personalize.rfm_score('levels=3 r=20,4 f=1,2 m=5,20', a, 'purchase', '60 days', walk.stable_until, 'Europe/Berlin') AS s WHERE walk.stable_until < 'infinity')
SELECT * FROM walk;
-- nothing changes in between
SELECT count(*) AS changed FROM one, generate_series(timestamptz '2026-01-25 00:00+00', '2026-06-01 00:00+00', interval '47 minutes') AS at,
	personalize.rfm_score('levels=3 r=20,4 f=1,2 m=5,20', a, 'purchase', '60 days', at, 'Europe/Berlin') AS s,
	personalize.rfm_score('levels=3 r=20,4 f=1,2 m=5,20', a, 'purchase', '60 days', least(s.stable_until - interval '1 microsecond', '2027-01-01 00:00+00'), 'Europe/Berlin') AS later
 WHERE (s.r, s.f, s.m) IS DISTINCT FROM (later.r, later.f, later.m);
-- of buyers
SELECT as_of, n.* FROM (VALUES ('{2026-01-01:5,2026-01-08:10,2026-01-09:-2.5,2026-01-15:20,2026-01-16:-20}'::personalize.buyer)) AS v(b), (VALUES (date '2026-01-20'), ('2026-01-31'), ('2026-02-07'), ('2027-02-01')) AS d(as_of),
	personalize.rfm(b, '30 days', as_of) AS n;

-- text
SELECT 'm=-1.5,2 r=60,0   levels=3 f=1,1'::personalize.rfm_model;
SELECT 'levels=3 r=60,14 f=1,3 m=50,199.5 customers=1'::personalize.rfm_model OPERATOR(personalize.=) 'levels=3 r=60,14 f=1,3 m=50,199.5 customers=1' AS same,
	'levels=3 r=60,14 f=1,3 m=50,199.5 customers=1'::personalize.rfm_model OPERATOR(personalize.<>) 'levels=3 r=60,14 f=1,3 m=50,199.4 customers=1' AS other;

-- bad input
SELECT ''::personalize.rfm_model;
SELECT 'levels=4 r=3,2,1 f=1,2,3 m=1,2,3'::personalize.rfm_model;
SELECT 'levels=3 r=14,60 f=1,3 m=50,199.5'::personalize.rfm_model;
SELECT 'levels=3 r=60,14 f=0,3 m=50,199.5'::personalize.rfm_model;
SELECT 'levels=3 r=60,14 f=1,3 m=50,199.55555'::personalize.rfm_model;
SELECT 'levels=3 r=60 f=1,3 m=50,199'::personalize.rfm_model;
SELECT 'levels=3 r=6,5,4,3,2 f=1,3 m=50,199'::personalize.rfm_model;
SELECT 'levels=3 r=60,14 f=1,3 m=50,199 x=1'::personalize.rfm_model;
SELECT 'levels=3 r=60,99999999999999999999 f=1,3 m=50,199'::personalize.rfm_model;
SELECT personalize.rfm_thresholds(-1, 1, 1);
SELECT personalize.rfm_thresholds(1, -1, 1);
SELECT personalize.rfm_thresholds(1, 1, 'NaN');
SELECT personalize.rfm_thresholds(1, 1, 1, 4);
SELECT personalize.rfm_thresholds(1, 1, 1, NULL);
SELECT personalize.rfm_score('levels=3 r=60,14 f=1,3 m=50,199.5', -1, 1, 1);
SELECT personalize.rfm_score('levels=3 r=60,14 f=1,3 m=50,199.5', 1, 1, 'Infinity');
SELECT personalize.rfm_group(4, 1, 1, 3);
SELECT personalize.rfm_group(0, 1, 1);
SELECT personalize.rfm_group(1, 1, 1, 2);
SELECT personalize.rfm(a, within => '1 month') FROM one;
SELECT personalize.rfm(a, within => '-1 day') FROM one;
SELECT personalize.rfm(a, zone => 'Europe/Nowhere') FROM one;
SELECT personalize.rfm(a, as_of => 'infinity') FROM one;
SELECT personalize.rfm('{2026-01-01:5}'::personalize.buyer, '36 hours', '2026-01-01');
DROP TABLE customers, limits, one;
