-- Buyers, their fits, and limits of RFM: against SQL over the orders, in any order, in parts, with workers.
\ir lib/oracle.sql
-- a fit that is refused says so, as a warning
SET client_min_messages = error;

-- Orders of 4,000 customers over three years, with lines on the same day, refunds, and rows that say nothing.
CREATE UNLOGGED TABLE orders AS
	SELECT customer, date '2024-01-01' + (random_below(1, customer, 700) + random_below(2, row, 200 + 150 * (customer % 3)))::int AS at,
		   CASE WHEN row % 23 = 0 THEN NULL WHEN row % 11 = 0 THEN -random_below(3, row, 4000) ELSE random_below(3, row, 9000) END / 100.0::float8 AS amount
	  FROM (SELECT row, random_below(4, row, 4000) * random_below(5, row, 4000) / 4000 AS customer FROM generate_series(1, 30000) AS row) AS r;
CREATE TABLE buyers AS SELECT customer, buyer(at, amount) AS b FROM orders GROUP BY customer;

-- ---------------------------------------------------------------- the value

CREATE TABLE days AS SELECT customer, at, sum(round(amount::numeric, 4)) AS paid FROM orders WHERE amount IS NOT NULL GROUP BY customer, at;
CREATE INDEX ON days (customer, at);
ANALYZE days;
SELECT fail_unless(count(*) FILTER (WHERE o.x IS NOT NULL) > 300 AND count(*) FILTER (WHERE frequency(b, as_of) IS DISTINCT FROM o.x OR abs(recency(b, as_of) * 7 - o.span) > 1e-9 OR abs(age(b, as_of) * 7 - o.age) > 1e-9
		OR first_order(b, as_of) IS DISTINCT FROM o.first OR last_order(b, as_of) IS DISTINCT FROM o.last
		OR abs(total_value(b, as_of) - o.total) > 1e-6 OR (o.mean > 0 AND mean_value(b, as_of) IS NULL) OR abs(mean_value(b, as_of) - o.mean) > 1e-6 OR (o.mean <= 0 AND mean_value(b, as_of) IS NOT NULL)) = 0,
	'what a buyer has done by ' || as_of)
  FROM (VALUES (date '2024-07-01'), ('2025-03-03'), ('2026-01-01'), ('2030-01-01')) AS d(as_of), buyers AS v,
	   LATERAL (SELECT nullif(count(*) FILTER (WHERE paid > 0), 0) - 1 AS x, max(at) FILTER (WHERE paid > 0) - min(at) FILTER (WHERE paid > 0) AS span, as_of - min(at) FILTER (WHERE paid > 0) AS age,
					   min(at) FILTER (WHERE paid > 0) AS first, max(at) FILTER (WHERE paid > 0) AS last FROM days WHERE customer = v.customer AND at <= as_of) AS f,
	   LATERAL (SELECT f.*, sum(paid)::float8 AS total, (sum(paid) FILTER (WHERE at > f.first) / nullif(f.x, 0))::float8 AS mean FROM days WHERE customer = v.customer AND at <= as_of AND at >= f.first) AS o
 GROUP BY as_of;
SELECT fail_unless(count(*) FILTER (WHERE orders_between(b, '2024-12-31', '2025-12-31') <> (SELECT count(*) FROM days WHERE customer = v.customer AND at > '2024-12-31' AND at <= '2025-12-31' AND paid > 0)) = 0, 'orders_between')
  FROM buyers AS v;

-- parts, in whatever order they are made and merged
CREATE TABLE parts AS SELECT customer, part, buyer(at, amount ORDER BY random_below(9, part, 1000), amount DESC) AS b FROM (SELECT *, (hashfloat8(amount) & 3) AS part FROM orders) AS o GROUP BY customer, part;
SELECT fail_unless(count(*) > 2500 AND count(*) FILTER (WHERE v.b <> p.up OR v.b <> p.down OR v.b IS DISTINCT FROM p.plus) = 0, 'buyers of parts')
  FROM buyers AS v JOIN (SELECT customer, rollup(b ORDER BY part) AS up, rollup(b ORDER BY part DESC) AS down, coalesce((array_agg(b ORDER BY part))[1] + rollup(b) FILTER (WHERE part > first), (array_agg(b))[1]) AS plus
		FROM (SELECT *, min(part) OVER (PARTITION BY customer) AS first FROM parts WHERE b IS NOT NULL) AS p GROUP BY customer) AS p USING (customer) WHERE v.b IS NOT NULL;
SELECT fail_unless(count(*) FILTER (WHERE b <> b::text::buyer) = 0, 'buyers as text') FROM buyers;

-- ---------------------------------------------------------------- with workers

-- times that a model can be fitted to, which random days are not
CREATE TABLE groups AS SELECT x, CASE WHEN x = 0 THEN 0 ELSE active * (0.5 + u3 / 2) END AS t_x, t, 10 + 30 * u3 AS mean, 1 + i % 3 AS n
  FROM (SELECT i, t, u3, least(t, 10 / u2 - 8) AS active, floor(-ln(u1) * 0.15 * least(t, 10 / u2 - 8))::int AS x
		  FROM (SELECT i, (20 + i % 31)::float8 AS t, (1 + random_below(6, i, 1024)) / 1025.0::float8 AS u1, (1 + random_below(7, i, 1024)) / 1025.0::float8 AS u2,
					   (1 + random_below(8, i, 1024)) / 1025.0::float8 AS u3 FROM generate_series(1, 3000) AS i) AS u) AS g;
ALTER TABLE groups SET (parallel_workers = 2);

CREATE TABLE serial AS SELECT (SELECT rollup(b) FROM buyers) AS all_days, (SELECT fit_buyers(b, '2025-12-31') FROM buyers) AS mbg, (SELECT fit_buyers(b, '2025-12-31', 'bg/nbd') FROM buyers WHERE customer % 4 = 0) AS part,
	(SELECT fit_buyers(b, '2025-12-31') FROM buyers WHERE customer < 60) AS few, (SELECT fit_buyers(x, t_x, t, mean, n) FROM groups) AS fitted,
	(SELECT rfm_thresholds(n.recency, n.frequency, n.monetary) FROM buyers, rfm(b, '365 days', '2025-12-31') AS n) AS five,
	(SELECT rfm_thresholds(n.recency, n.frequency, n.monetary, 3) FROM buyers, rfm(b, '365 days', '2025-12-31') AS n) AS three;
SELECT fail_unless(problem(few) IS NOT NULL AND is_fallback(few), 'too few repeat buyers make rates') FROM serial;
SELECT fail_unless(problem(fitted) IS NULL AND NOT is_fallback(fitted), 'a fit') FROM serial;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE buyers SET (parallel_workers = 2);
ALTER TABLE orders SET (parallel_workers = 2);
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		plan := plan || line;
	END LOOP;
	RETURN plan;
END $$;
SELECT fail_unless(plan_of(q) LIKE '%Gather%' AND plan_of(q) LIKE '%Partial Aggregate%', 'parallel plan of ' || q)
  FROM (VALUES ('SELECT rollup(b) FROM buyers'), ('SELECT fit_buyers(b, ''2025-12-31'') FROM buyers'), ('SELECT rfm_thresholds(1, 1, customer) FROM buyers')) AS v(q);
SELECT fail_unless(all_days = (SELECT rollup(b) FROM buyers), 'rollup with workers') FROM serial;
SELECT fail_unless(mbg = (SELECT fit_buyers(b, '2025-12-31') FROM buyers), 'fit with workers') FROM serial;
SELECT fail_unless(part = (SELECT fit_buyers(b, '2025-12-31', 'bg/nbd') FROM buyers WHERE customer % 4 = 0), 'BG fit with workers') FROM serial;
SELECT fail_unless(few = (SELECT fit_buyers(b, '2025-12-31') FROM buyers WHERE customer < 60), 'rates with workers') FROM serial;
SELECT fail_unless(five = (SELECT rfm_thresholds(n.recency, n.frequency, n.monetary) FROM buyers, rfm(b, '365 days', '2025-12-31') AS n), 'limits with workers') FROM serial;
SELECT fail_unless((SELECT count(*) FROM (SELECT customer, buyer(at, amount) AS b FROM orders GROUP BY customer) AS p JOIN buyers AS v USING (customer) WHERE p.b IS DISTINCT FROM v.b) = 0, 'buyers with workers');
SELECT fail_unless(fitted = (SELECT fit_buyers(x, t_x, t, mean, n) FROM groups), 'fit of groups with workers') FROM serial;
SET max_parallel_workers_per_gather = 0;
SELECT fail_unless(fitted = (SELECT fit_buyers(x, t_x, t, mean, n ORDER BY mean, x DESC) FROM groups), 'fit of groups in another order') FROM serial;
SELECT fail_unless(mbg = (SELECT fit_buyers(b, '2025-12-31' ORDER BY customer DESC) FROM buyers), 'fit in another order') FROM serial;
SELECT fail_unless(five = (SELECT rfm_thresholds(n.recency, n.frequency, n.monetary ORDER BY customer DESC) FROM buyers, rfm(b, '365 days', '2025-12-31') AS n), 'limits in another order') FROM serial;

-- ---------------------------------------------------------------- RFM

-- Recency, frequency and monetary value of a window, and their scores, as SQL has them.
CREATE TABLE numbers AS SELECT customer, '2025-12-31' - max(at) FILTER (WHERE paid > 0) AS recency, count(*) FILTER (WHERE paid > 0) AS frequency, sum(paid) AS monetary
	FROM days WHERE at > date '2025-12-31' - 365 AND at <= '2025-12-31' GROUP BY customer HAVING count(*) FILTER (WHERE paid > 0) > 0;
SELECT fail_unless(count(*) = (SELECT count(*) FROM numbers) AND count(*) FILTER (WHERE (n.recency, n.frequency, n.monetary) IS DISTINCT FROM (w.recency, w.frequency, w.monetary)) = 0, 'rfm of buyers')
  FROM (SELECT customer, n.* FROM buyers, rfm(b, '365 days', '2025-12-31') AS n WHERE n.recency IS NOT NULL) AS n LEFT JOIN numbers AS w USING (customer);
SELECT fail_unless(count(*) > 1000 AND count(*) FILTER (WHERE s.r <> w.r OR s.f <> w.f OR s.m <> w.m) = 0, 'scores of ' || levels || ' levels are shares')
  FROM (SELECT 5 AS levels, five AS m FROM serial UNION ALL SELECT 3, three FROM serial) AS l,
	   LATERAL (SELECT *, 1 + (rank() OVER (ORDER BY recency DESC) - 1) * levels / count(*) OVER () AS r, 1 + (rank() OVER (ORDER BY frequency) - 1) * levels / count(*) OVER () AS f,
					   1 + (rank() OVER (ORDER BY monetary) - 1) * levels / count(*) OVER () AS m FROM numbers) AS w,
	   rfm_score(l.m, w.recency, w.frequency, w.monetary) AS s
 GROUP BY levels;

-- What would take too much memory is refused, in one process and with workers.
SET personalize.matrix_mem = '1MB';
DO $$
BEGIN
	PERFORM rfm_thresholds(1, 1, i) FROM generate_series(1, 100000) AS i;
	RAISE EXCEPTION 'failed: limits of more values than memory allows';
EXCEPTION
	WHEN program_limit_exceeded THEN NULL;
END $$;
SELECT fail_unless(rfm_thresholds(i % 300, i % 7 + 1, i % 5000) IS NOT NULL, 'many customers with few values') FROM generate_series(1, 100000) AS i;

-- ---------------------------------------------------------------- lookalikes

CREATE TABLE features AS SELECT customer AS key, array_agg(DISTINCT 'month ' || extract(month FROM at)) || array_agg(DISTINCT 'spent ' || round(amount)) AS features, bool_or(customer % 9 = 0) AS seed
	FROM orders WHERE amount IS NOT NULL GROUP BY customer;
ALTER TABLE features SET (parallel_workers = 2);
CREATE TABLE lookalikes AS SELECT (SELECT lookalike_model(features, seed) FROM features) AS m, (SELECT count(*) FROM features) AS n, (SELECT count(*) FROM features WHERE seed) AS n_seed;
SELECT fail_unless(count(*) > 50 AND count(*) FILTER (WHERE (f.customers, f.seeds) IS DISTINCT FROM (w.customers, w.seeds) OR abs(f.weight - ln((w.seeds + 0.5) / (n_seed + 1)) + ln((w.customers + 0.5) / (n + 1))) > 1e-9) = 0, 'counts and weights of features')
  FROM lookalikes, lookalike_features(m) AS f FULL JOIN (SELECT feature, count(*) AS customers, count(*) FILTER (WHERE seed) AS seeds FROM (SELECT DISTINCT key, seed, unnest(features) AS feature FROM features) AS u GROUP BY feature) AS w USING (feature);
SELECT fail_unless(count(*) FILTER (WHERE abs(lookalike_score(m, f.features) - w.score) > 1e-9) = 0, 'scores are sums of weights')
  FROM lookalikes, features AS f, LATERAL (SELECT sum(weight) AS score FROM lookalike_features(m) WHERE feature = ANY (f.features)) AS w WHERE f.key < 200;
SELECT fail_unless(m = (SELECT rollup(part) FROM (SELECT lookalike_model(features, seed ORDER BY key DESC) AS part FROM features GROUP BY key % 13) AS p), 'parts of a lookalike model') FROM lookalikes;
CREATE TABLE best AS SELECT * FROM lookalike((SELECT array_agg(key) FROM features WHERE seed), 'features', 500);
SELECT fail_unless(count(*) = 500 AND count(*) FILTER (WHERE (b.key, b.score) IS DISTINCT FROM (w.key, w.score)) = 0, 'the best of a table')
  FROM best AS b FULL JOIN (SELECT key, lookalike_score(m, features) AS score, row_number() OVER (ORDER BY lookalike_score(m, features) DESC, key) AS rank FROM features, lookalikes WHERE NOT seed ORDER BY 3 LIMIT 500) AS w USING (rank);
SET max_parallel_workers_per_gather = 2;
SELECT fail_unless(plan_of('SELECT lookalike_model(features, seed) FROM features') LIKE '%Gather%', 'parallel plan of lookalike_model');
SELECT fail_unless(m = (SELECT lookalike_model(features, seed) FROM features), 'lookalike_model with workers') FROM lookalikes;
SELECT fail_unless(count(*) FILTER (WHERE b.key <> w.key OR b.score <> w.score) = 0, 'the best with workers') FROM best AS b FULL JOIN lookalike((SELECT array_agg(key) FROM features WHERE seed), 'features', 500) AS w USING (rank);
