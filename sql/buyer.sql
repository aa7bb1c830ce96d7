\pset null '(null)'
SET extra_float_digits = -4;
-- the value: days in any order, lines of a day together, refunds
SELECT '{2026-03-01:12, 2026-01-31:29.5000,2026-01-31:.5,2026-02-02:-3.25}'::personalize.buyer;
SELECT personalize.buyer(at, amount) FROM (VALUES (date '2026-03-01', 12.0), ('2026-01-31', 30), ('2026-03-01', 1.005), (NULL, 1), ('2026-05-01', NULL)) AS o(at, amount);
SELECT personalize.buyer(at, 1) AS local FROM (VALUES (timestamp '1999-12-31 23:59:59'), ('2000-01-01 00:00')) AS o(at);
SET TimeZone = 'Asia/Tokyo';
SELECT personalize.buyer(at, 1) AS utc FROM (VALUES (timestamptz '2026-03-02 08:59:59+09'), ('2026-03-02 09:00+09')) AS o(at);
RESET TimeZone;
SELECT personalize.buyer(at, amount) FROM (SELECT NULL::date AS at, 1 AS amount) AS o;
SELECT personalize.buyer(at, amount) FROM (SELECT date '2026-01-01' AS at, 1 AS amount WHERE false) AS o;
SELECT '{2026-01-01:1}'::personalize.buyer OPERATOR(personalize.+) '{2025-12-01:2,2026-01-01:3}' AS merged;
SELECT personalize.rollup(b) FROM (VALUES ('{2026-01-01:1}'::personalize.buyer), ('{}'), ('{2025-01-01:1,2026-01-01:-1}')) AS v(b);

-- what a buyer has done by a day: a day that nets nothing is no order
SELECT at, personalize.frequency(b, at) AS x, personalize.recency(b, at) AS t_x, personalize.age(b, at) AS t, personalize.mean_value(b, at) AS mean,
       personalize.total_value(b, at) AS total, personalize.first_order(b, at) AS first, personalize.last_order(b, at) AS last
  FROM (VALUES ('{2026-01-01:5,2026-01-08:10,2026-01-15:20,2026-01-16:-4,2026-02-01:0}'::personalize.buyer)) AS v(b),
       (VALUES (date '2025-12-31'), ('2026-01-01'), ('2026-01-15'), ('2026-03-01')) AS d(at);
SELECT personalize.orders_between('{2026-01-01:5,2026-01-08:10,2026-01-15:20}', '2026-01-01', '2026-01-15') AS two,
       personalize.orders_between('{2026-01-01:5,2026-01-08:10}', '-infinity', 'infinity') AS both;

-- published values: parameters of CDNOW as printed
SELECT x, round(personalize.expected_purchases(x, t_x, 38.86, bg, 39)::numeric, 4) AS expected, round(personalize.probability_alive(x, t_x, 38.86, bg)::numeric, 4) AS alive,
       round(personalize.churn_risk(x, t_x, 38.86, bg, 90 / 7.0)::numeric, 4) AS churn, round(personalize.probability_alive(x, t_x, 38.86, mbg)::numeric, 4) AS alive_mbg,
       personalize.churn_band(personalize.churn_risk(x, t_x, 38.86, mbg, 90 / 7.0)) AS band
  FROM (VALUES (2, 30.43), (1, 1.71), (0, 0), (7, 29.43), (29, 36)) AS c(x, t_x),
       (VALUES ('bg/nbd r=.24259 alpha=4.41353 a=.79289 b=2.42575'::personalize.buyer_model, 'mbg/nbd r=.52484 alpha=6.18299 a=.89136 b=1.61400'::personalize.buyer_model)) AS m(bg, mbg);
SELECT personalize.expected_purchases(1000, 10, 100, m, 39) AS none, personalize.probability_alive(1000, 10, 100, m) AS dead,
       round(personalize.churn_risk(0, 0, 0, m, 39)::numeric, 7) AS silent_new
  FROM (VALUES ('bg/nbd r=.243 alpha=4.414 a=.793 b=2.426'::personalize.buyer_model)) AS v(m);
SELECT round(personalize.probability_alive(26, 30.86, 31, m)::numeric, 10) AS alive, round(personalize.expected_purchases(26, 30.86, 31, m, 52)::numeric, 4) AS expected
  FROM (VALUES ('pareto/nbd r=.5534 alpha=10.5802 s=.6061 beta=11.6562'::personalize.buyer_model)) AS v(m);
SELECT x, round(personalize.expected_spend(x, mean, 'mbg/nbd r=1 alpha=1 a=1 b=1 p=6.25 q=3.74 v=15.44')::numeric, 8) FROM (VALUES (2, 22.35), (1, 11.77), (0, 0), (7, 73.74)) AS c(x, mean);

-- of a buyer: the same as of its numbers
SELECT personalize.expected_purchases(b, m, '273 days', '1997-09-30') = personalize.expected_purchases(2, 213 / 7.0::float8, 272 / 7.0::float8, m, 39) AS same,
       personalize.churn_risk(b, m, as_of => '1997-09-30') = personalize.churn_risk(2, 213 / 7.0::float8, 272 / 7.0::float8, m, 90 / 7.0::float8) AS same_risk,
       personalize.lifetime_value(b, m, '1 year', 0, 0.5, '1997-09-30') / (personalize.expected_purchases(b, m, '1 year', '1997-09-30') * personalize.expected_spend(b, m, '1997-09-30')) AS margin,
       personalize.lifetime_value(b, m, '1 year', 0.1, 1, '1997-09-30') < personalize.lifetime_value(b, m, '1 year', 0, 1, '1997-09-30') AS discounted,
       personalize.expected_purchases(b, m, '1 year', '1996-12-31') AS nobody_yet
  FROM (VALUES ('{1997-01-01:29.33,1997-01-18:29.73,1997-08-02:14.96}'::personalize.buyer, 'mbg/nbd r=.52 alpha=6.2 a=.89 b=1.6 p=6.25 q=3.74 v=15.44'::personalize.buyer_model)) AS v(b, m);

-- a fit that the data can bear, the same serial and in parallel, and in any order
CREATE TABLE fit_groups AS SELECT x, CASE WHEN x = 0 THEN 0 ELSE active * (0.5 + u3 / 2) END AS t_x, t, 10 + 30 * u3 AS mean, 1 + i % 3 AS n
  FROM (SELECT i, t, u3, least(t, 10 / u2 - 8) AS active, floor(-ln(u1) * 0.15 * least(t, 10 / u2 - 8))::int AS x
          FROM (SELECT i, (20 + i % 31)::float8 AS t, (1 + (hashint4(i) & 1023)) / 1025.0::float8 AS u1, (1 + (hashint4(-i) & 1023)) / 1025.0::float8 AS u2,
                       (1 + (hashint4(i + 100000) & 1023)) / 1025.0::float8 AS u3 FROM generate_series(1, 3000) AS i) AS u) AS g;
SELECT personalize.problem(m), personalize.parameter(m, 'customers') AS customers, personalize.parameter(m, 'r') > 0 AS fitted,
       m::text = (SELECT personalize.fit_buyers(x, t_x, t, mean, n)::text FROM (SELECT * FROM fit_groups ORDER BY x DESC, t_x, t DESC) AS o) AS any_order, m::text::personalize.buyer_model::text = m::text AS again
  FROM (SELECT personalize.fit_buyers(x, t_x, t, mean, n) AS m FROM fit_groups) AS f;
-- and what it cannot tell
SELECT m, personalize.problem(m), personalize.expected_purchases(2, 3, 4, m, 5), personalize.parameter(m, 'r') FROM (SELECT personalize.fit_buyers(1, 3, 20, 10, 99) AS m) AS f;
SELECT personalize.problem(personalize.fit_buyers(1, 3, 7.9, NULL, 1000));
SELECT personalize.problem(personalize.fit_buyers(x, t, t, 10, 100, 'bg/nbd')) FROM generate_series(0, 30) AS x, (VALUES (20), (21)) AS v(t) WHERE x > 0;
SELECT personalize.fit_buyers(NULL::personalize.buyer, '2026-01-01');

-- then predictions are rates of customers alike in the last weeks, and as little is said as is known
CREATE TABLE few AS
SELECT id, personalize.buyer(at, 10) AS b
  FROM (SELECT id, date '2025-01-01' + abs(hashint4(id)) % 500 + CASE WHEN n = 0 THEN 0 ELSE abs(hashint4(id * 100 + n)) % 200 END AS at
		  FROM generate_series(1, 600) AS id, generate_series(0, CASE WHEN id % 7 = 0 THEN 1 + id % 4 ELSE 0 END) AS n) AS o
 GROUP BY id;
CREATE TABLE few_fit AS SELECT personalize.fit_buyers(b, '2026-06-01') AS m FROM few;
SELECT m, personalize.problem(m), personalize.is_fallback(m), m OPERATOR(personalize.=) m::text::personalize.buyer_model AS again FROM few_fit;
SELECT r.weeks, r.recency_above, r.recency_up_to, r.orders_from, r.orders_to, r.customers, r.buyers, round(r.rate::numeric, 5) AS rate FROM few_fit, personalize.fallback_rates(m) AS r;
-- the same counted in SQL
WITH found AS (
	SELECT personalize.age(b, '2026-03-02') - personalize.recency(b, '2026-03-02') AS recency, personalize.frequency(b, '2026-03-02') + 1 AS orders,
		personalize.orders_between(b, '2026-03-02', '2026-06-01') AS later FROM few)
SELECT count(*) AS cells, count(*) FILTER (WHERE (r.customers, r.buyers) IS DISTINCT FROM (c.customers, c.buyers)) AS wrong, sum(r.customers) / 2 AS customers
  FROM few_fit, personalize.fallback_rates(m) AS r, LATERAL (SELECT count(*) AS customers, count(*) FILTER (WHERE later > 0) AS buyers FROM found
	 WHERE orders >= coalesce(r.orders_from, 1) AND orders <= CASE WHEN r.orders_from IS NULL THEN 1000 ELSE coalesce(r.orders_to, 1000) END
	   AND (recency > coalesce(r.recency_above, -1) OR r.recency_above = 0) AND recency <= coalesce(r.recency_up_to, 1e9)) AS c;
SELECT x, t_x, t, round(personalize.churn_risk(x, t_x, t, m, 13)::numeric, 5) AS churn, round(personalize.churn_risk(x, t_x, t, m, 26)::numeric, 5) AS twice, round(personalize.expected_purchases(x, t_x, t, m, 13)::numeric, 5) AS orders,
       personalize.probability_alive(x, t_x, t, m) AS alive, personalize.expected_purchases(x, t_x, t, m, 52) IS NULL AS year, personalize.expected_purchases(x, t_x, t, m, 52.1) IS NULL AS longer
  FROM few_fit, (VALUES (0, 0, 2), (0, 0, 30), (1, 10, 14), (4, 10, 100)) AS c(x, t_x, t);
SELECT personalize.lifetime_value(b, m, '26 weeks', as_of => '2026-06-01') AS no_values, personalize.churn_risk(b, m, as_of => '2026-06-01') > 0.5 AS quiet FROM few, few_fit WHERE id = 7;
-- a rate for all, where only times are known
SELECT m, personalize.churn_risk(1, 3, 20, m, 4) AS churn, personalize.expected_purchases(1, 3, 20, m, 4) AS orders
  FROM (SELECT personalize.fit_buyers(x, t_x, 7, NULL, n) AS m FROM (VALUES (0, 0, 30), (1, 2, 9), (1, 6, 10)) AS g(x, t_x, n)) AS f;

-- the model of a part is drawn to that of all
SELECT n, round(personalize.parameter(m, 'r')::numeric, 6) AS r, round(personalize.parameter(m, 'alpha')::numeric, 6) AS alpha, round(personalize.parameter(m, 'p')::numeric, 6) AS p,
       round(personalize.parameter(m, 'v')::numeric, 6) AS v, personalize.parameter(m, 'log_likelihood') AS l, personalize.parameter(m, 'spend_log_likelihood') AS spend_l, personalize.parameter(m, 'customers') AS customers
  FROM (VALUES (0), (250), (500), (1000), (5000)) AS v(n), LATERAL personalize.shrink(('bg/nbd r=4 alpha=1 a=1 b=1 p=4 q=2 v=9 log_likelihood=-5 spend_log_likelihood=-4 customers=' || n)::personalize.buyer_model,
	'bg/nbd r=1 alpha=16 a=1 b=1 p=1 q=2 v=16 customers=9999') AS m;
SELECT personalize.shrink('bg/nbd problem=few spend_problem=few customers=60', 'bg/nbd r=1 alpha=16 a=1 b=1 p=1 q=2 v=16 customers=9999') AS few,
       personalize.shrink('bg/nbd r=4 alpha=1 a=1 b=1 customers=60', 'bg/nbd problem=edge spend_problem=edge customers=9999') AS nothing_to_go_to,
       personalize.parameter(personalize.shrink('bg/nbd r=4 alpha=1 a=1 b=1 customers=60', 'bg/nbd r=4 alpha=1 a=1 b=1', 50), 'log_likelihood') AS alone;

-- equal sets of days are equal
SELECT '{2026-01-01:1,2026-01-02:2}'::personalize.buyer OPERATOR(personalize.=) '{2026-01-02:1.5, 2026-01-01:1,2026-01-02:.5}' AS same,
       '{2026-01-01:1}'::personalize.buyer OPERATOR(personalize.<>) '{2026-01-01:1.0001}' AS other;

SELECT bucket, customers, predicted_orders, actual_orders, problem FROM personalize.calibration('{1,2,3,4}', '{1,1,4,5}', 2);
-- equal predictions share a bucket, whatever came of them
SELECT bucket, customers, predicted_orders, actual_orders, problem FROM personalize.calibration('{1,1,1,1,1,1,7,8,9,NULL}', '{0,3,0,1,0,0,9,9,9,1}', 3);

-- bad input
SELECT '{2026-02-30:1}'::personalize.buyer;
SELECT '{2026-02-3:1}'::personalize.buyer;
SELECT '{2026-02-03:1.00001}'::personalize.buyer;
SELECT '{2026-02-03:100000000000000.1}'::personalize.buyer;
SELECT '{2026-02-03:}'::personalize.buyer;
SELECT '{2026-02-03:1} x'::personalize.buyer;
SELECT personalize.buyer(date 'infinity', 1);
SELECT personalize.buyer(timestamp '-infinity', 1);
SELECT personalize.buyer(date '2026-01-01', 'NaN');
SELECT 'nbd r=1'::personalize.buyer_model;
SELECT 'bg/nbd r=1 alpha=1 a=1'::personalize.buyer_model;
SELECT 'bg/nbd r=1 alpha=1 a=1 b=NaN'::personalize.buyer_model;
SELECT 'bg/nbd r=1 alpha=1 a=1 s=1'::personalize.buyer_model;
SELECT 'bg/nbd r=1 alpha=1 a=1 b=1 p=1 q=1 v=1'::personalize.buyer_model;
SELECT personalize.expected_purchases(0, 1, 2, 'bg/nbd r=1 alpha=1 a=1 b=1', 1);
SELECT personalize.expected_purchases(1, 3, 2, 'bg/nbd r=1 alpha=1 a=1 b=1', 1);
SELECT personalize.expected_purchases(1, 1, 2, 'bg/nbd r=1 alpha=1 a=1 b=1', 'Infinity');
SELECT personalize.expected_purchases('{2026-01-01:1}', 'bg/nbd r=1 alpha=1 a=1 b=1', '-1 day', '2026-01-01');
SELECT personalize.fit_buyers(1, 1, 2, -1, 1);
SELECT personalize.fit_buyers(1, 1, 2, 1, 1, 'nbd');
SELECT personalize.parameter('bg/nbd r=1 alpha=1 a=1 b=1', 's');
SELECT 'mbg/nbd problem=few rates=4,0,1,0'::personalize.buyer_model;
SELECT ('mbg/nbd problem=few rates=5,0,9,0' || repeat(',0', 30))::personalize.buyer_model;
SELECT ('mbg/nbd problem=few rates=4,0,9,10' || repeat(',0', 30))::personalize.buyer_model;
SELECT ('bg/nbd r=1 alpha=1 a=1 b=1 rates=4,0,9,0' || repeat(',0', 30))::personalize.buyer_model;
SELECT personalize.shrink('bg/nbd r=1 alpha=1 a=1 b=1', 'mbg/nbd r=1 alpha=1 a=1 b=1');
SELECT personalize.shrink('bg/nbd r=1 alpha=1 a=1 b=1', 'bg/nbd r=1 alpha=1 a=1 b=1', 0);
DROP TABLE fit_groups, few, few_fit;
