-- A shop of 120 customers and 40 products; the split is on 2026-03-01.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA ev;
CREATE TABLE ev.products (id integer PRIMARY KEY, available boolean NOT NULL, created timestamptz);
INSERT INTO ev.products SELECT i, i % 10 <> 0, CASE WHEN i % 13 = 0 THEN timestamptz '2026-03-10' WHEN i % 2 = 0 THEN timestamptz '2025-01-01' END FROM generate_series(1, 40) i;
CREATE TABLE ev.buys (customer integer, item integer, at timestamptz, kind text);
CREATE INDEX ON ev.buys (customer);
-- customers of a taste buy its items; from customer 101 on they come only after the split
INSERT INTO ev.buys
	SELECT c, 1 + (c % 4 * 10 + abs(hashint4(c * 1000 + n)) % 14 + abs(hashint4(n * 77 + c)) % 3) % 40,
		timestamptz '2026-01-01' + ((abs(hashint4(c * 31 + n)) % 118) + CASE WHEN c > 100 THEN 200 ELSE 0 END) * interval '1 day' + n * interval '1 s', 'buy'
	FROM generate_series(1, 120) c, generate_series(1, 6 + c % 9) n;
-- the future does not look like the past, so that whoever sees it does better than he may
INSERT INTO ev.buys SELECT c, 1 + (c % 4 * 10 + 20 + n) % 40, timestamptz '2026-04-01' + n * interval '1 min', 'buy' FROM generate_series(1, 100, 3) c, generate_series(1, 4) n;
-- what is no purchase, and a row that says no time
INSERT INTO ev.buys SELECT c, 7, '2026-02-01', 'look' FROM generate_series(1, 50) c;
INSERT INTO ev.buys VALUES (1, 8, NULL, 'buy');
CREATE TABLE ev.people AS SELECT c AS id, CASE WHEN c % 3 = 0 THEN 'FR' ELSE 'GB' END AS country FROM generate_series(1, 119) c;
CREATE INDEX ON ev.people (id);
SELECT personalize.create_catalog('ev.catalog', products => 'ev.products', item => 'id', created => 'created');
SELECT personalize.create_history('ev.bought', interactions => 'ev.buys', basket => 'customer', item => 'item', happened => 'at', event => 'kind', events => '{buy}', catalog => 'ev.catalog');
SELECT personalize.create_cooccurrence('ev.together', history => 'ev.bought', measure => 'count', neighbors => 1000);
SELECT personalize.create_widget('ev.home', sources => '{"ev.together": 1}', filter => 'available') IS NOT NULL AS made;
CREATE TABLE ev.before AS SELECT (SELECT count(*) FROM pg_class) AS relations, (SELECT count(*) FROM personalize.history) AS histories,
	(SELECT count(*) FROM personalize.model) AS models, (SELECT count(*) FROM personalize.catalog) AS catalogs, (SELECT count(*) FROM pg_trigger) AS triggers;

-- The same by SQL alone.
CREATE VIEW ev.train AS SELECT DISTINCT customer, item FROM ev.buys WHERE at <= '2026-03-01' AND kind = 'buy';
CREATE VIEW ev.test AS SELECT DISTINCT customer, item FROM ev.buys WHERE at > '2026-03-01' AND kind = 'buy';
CREATE VIEW ev.eligible AS SELECT id AS item FROM ev.products WHERE available AND (created IS NULL OR created <= '2026-03-01');
CREATE TABLE ev.lists AS
WITH pair AS (SELECT a.item AS a, b.item AS b, count(*) AS n FROM ev.train a JOIN ev.train b USING (customer) WHERE a.item <> b.item GROUP BY 1, 2),
scored AS (
	SELECT customer, b AS item, sum(n) AS score FROM ev.train t JOIN pair ON a = t.item WHERE b IN (TABLE ev.eligible) GROUP BY 1, 2),
popular AS (SELECT item, count(*) AS n FROM ev.train WHERE item IN (TABLE ev.eligible) GROUP BY 1)
SELECT c.customer, r.repeats,
	array(SELECT item FROM scored s WHERE s.customer = c.customer AND (r.repeats OR (s.customer, s.item) NOT IN (TABLE ev.train)) ORDER BY score DESC, item LIMIT 5) AS widget,
	array(SELECT item FROM popular p WHERE r.repeats OR (c.customer, p.item) NOT IN (TABLE ev.train) ORDER BY n DESC, item LIMIT 5) AS popularity,
	array(SELECT item FROM ev.test t WHERE t.customer = c.customer AND (r.repeats OR (t.customer, t.item) NOT IN (TABLE ev.train))) AS relevant,
	array(SELECT item FROM ev.train t WHERE t.customer = c.customer) AS known
FROM (SELECT DISTINCT customer FROM ev.test) c, (VALUES (false), (true)) r(repeats);
CREATE VIEW ev.expected AS
SELECT repeats, 'known' AS segment, m.metric, count(m.w) AS customers, avg(m.w) AS widget, avg(m.p) AS popularity
FROM ev.lists, LATERAL (VALUES
	('recall_at', personalize.recall_at(widget, relevant, 5), personalize.recall_at(popularity, relevant, 5)),
	('precision_at', personalize.precision_at(widget, relevant, 5), personalize.precision_at(popularity, relevant, 5)),
	('ndcg_at', personalize.ndcg_at(widget, relevant, 5), personalize.ndcg_at(popularity, relevant, 5)),
	('average_precision', personalize.average_precision(widget, relevant, 5), personalize.average_precision(popularity, relevant, 5)),
	('reciprocal_rank', personalize.reciprocal_rank(widget, relevant, 5), personalize.reciprocal_rank(popularity, relevant, 5)),
	('hit_at', personalize.hit_at(widget, relevant, 5), personalize.hit_at(popularity, relevant, 5)),
	('recall_of_repeats', personalize.recall_at(widget, array(SELECT unnest(relevant) INTERSECT SELECT unnest(known)), 5), personalize.recall_at(popularity, array(SELECT unnest(relevant) INTERSECT SELECT unnest(known)), 5)),
	('recall_of_new', personalize.recall_at(widget, array(SELECT unnest(relevant) EXCEPT SELECT unnest(known)), 5), personalize.recall_at(popularity, array(SELECT unnest(relevant) EXCEPT SELECT unnest(known)), 5))) m(metric, w, p)
WHERE known <> '{}' AND relevant <> '{}' GROUP BY 1, 3
UNION ALL SELECT repeats, 'known', 'coverage', count(*), personalize.coverage(widget, (SELECT count(*) FROM ev.eligible)), personalize.coverage(popularity, (SELECT count(*) FROM ev.eligible))
	FROM ev.lists WHERE known <> '{}' AND relevant <> '{}' GROUP BY 1
UNION ALL SELECT repeats, 'known', 'gini', count(*), personalize.gini(widget, (SELECT count(*) FROM ev.eligible)), personalize.gini(popularity, (SELECT count(*) FROM ev.eligible))
	FROM ev.lists WHERE known <> '{}' AND relevant <> '{}' GROUP BY 1
UNION ALL SELECT repeats, 'known', 'repeats_in_list', count(*), avg((SELECT count(*) FROM unnest(widget) w WHERE w = ANY (known)) / 5.0), avg((SELECT count(*) FROM unnest(popularity) w WHERE w = ANY (known)) / 5.0)
	FROM ev.lists WHERE known <> '{}' AND relevant <> '{}' GROUP BY 1;
CREATE TABLE ev.result AS SELECT repeats, e.* FROM (VALUES (false), (true)) r(repeats), LATERAL personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, repeats => repeats) e;
SELECT repeats, metric, r.customers, r.customers = e.customers AS customers, abs(widget_mean - e.widget) < 1e-9 AS widget, abs(popularity_mean - e.popularity) < 1e-9 AS popularity
FROM ev.expected e JOIN ev.result r USING (repeats, segment, metric) ORDER BY repeats, metric;
SELECT count(*) FILTER (WHERE widget_mean > 0) > 5 AS has_hits FROM ev.result WHERE segment = 'known';
-- every list was full, also for those who were not known
SELECT repeats, segment, metric, customers, widget_mean FROM ev.result WHERE metric IN ('list_length', 'repeats_in_test') ORDER BY repeats, segment, metric;
SELECT round(avg((SELECT count(*) FROM unnest(t) x WHERE x = ANY (known)) / cardinality(t)::numeric), 4) AS repeats_in_test
	FROM ev.lists l, LATERAL (SELECT array(SELECT item FROM ev.test t WHERE t.customer = l.customer)) x(t) WHERE repeats AND known <> '{}';
-- all is known and unknown together
SELECT repeats, metric, bool_and(abs(total - parts) < 1e-9) FROM (
	SELECT repeats, metric, max(widget_mean * customers) FILTER (WHERE segment = 'all') AS total, sum(widget_mean * customers) FILTER (WHERE segment <> 'all') AS parts
	FROM ev.result WHERE widget_low IS NOT NULL GROUP BY 1, 2) t GROUP BY 1, 2 HAVING NOT bool_and(abs(total - parts) < 1e-9);
-- nothing is left of it
SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'personalize_past%') AS tables, (SELECT count(*) FROM personalize.history) = histories AS histories,
	(SELECT count(*) FROM personalize.model) = models AS models, (SELECT count(*) FROM personalize.catalog) = catalogs AS catalogs, (SELECT count(*) FROM pg_trigger) = triggers AS triggers FROM ev.before;

-- Limits: the same for the same seed, others for another, about those of the normal distribution, around the mean.
SELECT count(*) AS lines, bool_and(a IS NOT DISTINCT FROM b) AS same, bool_or(a.widget_low <> c.widget_low) AS other_seed, bool_and(a.widget_mean = c.widget_mean) AS same_mean,
	bool_and(a.widget_low <= a.widget_mean AND a.widget_mean <= a.widget_high) AS around,
	bool_and(a.difference = a.widget_mean - a.popularity_mean OR abs(a.difference - (a.widget_mean - a.popularity_mean)) < 1e-12) AS difference
FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5) a JOIN personalize.evaluate_widget('ev.home', '2026-03-01', k => 5) b USING (segment, metric)
	JOIN personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, seed => 7) c USING (segment, metric);
SELECT segment, abs((widget_high - widget_low) / (2 * 1.96 * sd / sqrt(customers)) - 1) < 0.2 AS normal
FROM ev.result JOIN (SELECT stddev(personalize.recall_at(widget, relevant, 5)) AS sd FROM ev.lists WHERE NOT repeats AND known <> '{}' AND relevant <> '{}') s ON true
WHERE NOT repeats AND segment = 'known' AND metric = 'recall_at';
SELECT r.segment, e.widget_high - e.widget_low < r.widget_high - r.widget_low AS narrower FROM ev.result r, personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, confidence => 0.5) e
	WHERE (r.segment, r.metric, NOT r.repeats) = (e.segment, e.metric, true) AND e.metric = 'ndcg_at' ORDER BY 1;

-- Segments of the shop, an end of the test, a share of the customers, contexts of the call.
SELECT segment, customers FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, segments => 'ev.people', key => 'id', by => 'country', resamples => 10) WHERE metric = 'list_length';
SELECT customers = (SELECT count(*) FROM (SELECT customer FROM ev.buys WHERE at > '2026-03-01' AND at <= '2026-03-20' AND (customer, item) NOT IN (TABLE ev.train) GROUP BY 1) c) AS until
	FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, until => '2026-03-20', resamples => 10) WHERE segment = 'all' AND metric = 'ndcg_at';
SELECT customers BETWEEN 20 AND 80 AS sampled FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, sample => 0.5, resamples => 10) WHERE segment = 'all' AND metric = 'ndcg_at';
SELECT given, customers, widget_mean BETWEEN 0 AND 1 AS measured FROM (VALUES ('customer'), ('item'), ('cart'), ('session')) g(given), LATERAL personalize.evaluate_widget('ev.home', '2026-03-01', k => 5, given => given, resamples => 10)
	WHERE segment = 'known' AND metric = 'ndcg_at' ORDER BY 1;

-- Sources of all kinds as they would have been: what follows a history, with segments; content, blended with what people did; what the customer did.
ALTER TABLE ev.products ADD COLUMN taste text;
UPDATE ev.products SET taste = 'taste ' || id % 4;
SELECT personalize.create_content('ev.content', products => 'ev.products', item => 'id', attributes => '{taste}', catalog => 'ev.catalog') IS NOT NULL AS made;
SELECT personalize.create_popularity('ev.popular', history => 'ev.bought', half_life => '10 years', segments => 'ev.people', key => 'id', by => '{country}', kappa => 0);
SELECT personalize.create_trending('ev.trending', history => 'ev.bought', half_life => '7 days', baseline => '60 days');
SELECT personalize.create_sessions('ev.sessions', history => 'ev.bought');
SELECT personalize.create_widget('ev.all', sources => '{"ev.together": 0.5, "ev.sessions": {"weight": 0.2}, "similar_content": {"weight": 0.1, "blend": "ev.together"}, "buy_again": 0.1}', fallback => '{ev.trending, ev.popular}', filter => 'available') IS NOT NULL AS made;
SELECT segment, customers, widget_mean BETWEEN 0.01 AND 1 AS measured FROM personalize.evaluate_widget('ev.all', '2026-03-01', k => 5, resamples => 10) WHERE metric = 'ndcg_at';
-- of a popularity model that hardly decays, without segments, the list is that of popularity
SELECT personalize.create_popularity('ev.whole', history => 'ev.bought', half_life => '100 years');
SELECT personalize.create_widget('ev.popular_w', sources => '{"ev.whole": 1}', filter => 'available') IS NOT NULL AS made;
SELECT segment, abs(difference) < 0.05 AS about_the_same FROM personalize.evaluate_widget('ev.popular_w', '2026-03-01', k => 5, resamples => 10) WHERE metric = 'recall_at';
-- what the shop's own models say is no part of it
SELECT count(*) AS same FROM ev.result r JOIN personalize.evaluate_widget('ev.home', '2026-03-01', k => 5) e USING (segment, metric) WHERE NOT repeats AND r.widget_mean = e.widget_mean;
SELECT count(*) AS expected FROM ev.result WHERE NOT repeats AND widget_mean IS NOT NULL;

-- Parameters of a model, on the same split: what the widget of this one source does is what the model is said to do.
CREATE TABLE ev.plain AS SELECT * FROM ev.buys WHERE kind = 'buy';
CREATE INDEX ON ev.plain (customer);
SELECT personalize.create_history('ev.plain_h', interactions => 'ev.plain', basket => 'customer', item => 'item', happened => 'at');
SELECT personalize.create_cooccurrence('ev.plain_m', history => 'ev.plain_h', a => 0.4, b => 0.2, p => 2, damping => 0.5);
SELECT personalize.create_widget('ev.plain_w', sources => '{"ev.plain_m": 1}') IS NOT NULL AS made;
CREATE TABLE ev.tuned AS SELECT row_number() OVER () AS place, t.* FROM personalize.tune_model('ev.plain_m', '2026-03-01', k => 5, a => '{0.4, 0}', b => '{0.2, 0.5}', p => '{1, 2}', damping => '{0, 0.5}') t;
SELECT t.customers = r.customers AS customers, abs(t.ndcg_at - r.widget_mean) < 1e-12 AS ndcg, abs(p.ndcg_at - r.popularity_mean) < 1e-12 AS popularity, t.a, t.b, t.p, t.damping
	FROM ev.tuned t, ev.tuned p, personalize.evaluate_widget('ev.plain_w', '2026-03-01', k => 5, resamples => 10) r
	WHERE t.current AND p.measure = 'popularity' AND r.segment = 'known' AND r.metric = 'ndcg_at';
SELECT measure, current, count(*), min(damping), max(damping) FROM ev.tuned GROUP BY 1, 2 ORDER BY 1, 2;
SELECT bool_and(ndcg_at >= next) AS best_first FROM (SELECT ndcg_at, lead(ndcg_at) OVER (ORDER BY place) AS next FROM ev.tuned) t;
-- the model as it is was tried twice, and did the same
SELECT count(DISTINCT ndcg_at) AS scores, count(*) FROM ev.tuned WHERE (a, b, p, damping) = (0.4, 0.2, 2, 0.5);
-- orders begin and end: of those after the split, the first half is given
CREATE TABLE ev.orders AS SELECT customer * 1000 + extract(day FROM at)::int % 5 AS id, item, at FROM ev.plain WHERE at IS NOT NULL AND at < '2026-03-01' UNION ALL SELECT 900000 + customer, item, at FROM ev.plain WHERE at > '2026-03-01';
CREATE INDEX ON ev.orders (id);
SELECT personalize.create_history('ev.orders_h', interactions => 'ev.orders', basket => 'id', item => 'item', happened => 'at');
SELECT personalize.create_cooccurrence('ev.orders_m', history => 'ev.orders_h');
SELECT count(*) > 1 AS tried, min(customers) > 50 AS customers, max(ndcg_at) > 0 AS hits FROM personalize.tune_model('ev.orders_m', '2026-03-01', a => '{0.5}', b => '{0.5}', p => '{1}');

-- Bad arguments.
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', negatives => 100);
SELECT * FROM personalize.evaluate_widget('ev.nothing', '2026-03-01');
SELECT * FROM personalize.evaluate_widget(NULL, '2026-03-01');
SELECT * FROM personalize.evaluate_widget('ev.home', NULL);
SELECT * FROM personalize.evaluate_widget('ev.home', 'infinity');
SELECT * FROM personalize.evaluate_widget('ev.home', '2020-01-01');
SELECT * FROM personalize.evaluate_widget('ev.home', '2030-01-01');
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', until => '2026-03-01');
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 0);
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 1001);
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', given => 'all');
SELECT personalize.create_history('ev.looked', interactions => 'ev.buys', basket => 'customer', item => 'item', happened => 'at', event => 'kind', events => '{look}', catalog => 'ev.catalog');
SELECT personalize.create_widget('ev.two', sources => '{"ev.together": 1}', histories => '{"bought": "ev.bought", "looked": "ev.looked"}') IS NOT NULL AS made;
SELECT * FROM personalize.evaluate_widget('ev.two', '2026-03-01');
SELECT * FROM personalize.evaluate_widget('ev.two', '2026-03-01', event => 'viewed');
SELECT * FROM personalize.evaluate_widget('ev.two', '2026-03-01', event => 'looked');
SELECT count(*) > 20 AS bought FROM personalize.evaluate_widget('ev.two', '2026-03-01', event => 'bought', resamples => 10);
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', segments => 'ev.people');
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', segments => 'ev.people', key => 'id', by => 'age');
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', sample => 0);
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', confidence => 1);
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', resamples => 1);
SELECT * FROM personalize.tune_model('ev.buys', '2026-03-01');
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', a => '{}');
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', a => '{NaN}');
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', p => '{0}');
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', b => NULL);
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', damping => '{3}');
SELECT * FROM personalize.tune_model('ev.together', '2026-03-01', a => array_fill(0.5, '{40}'), b => array_fill(0.5, '{40}'));
CREATE TABLE ev.timeless AS SELECT customer, item FROM ev.buys;
CREATE INDEX ON ev.timeless (customer);
SELECT personalize.create_history('ev.timeless_h', interactions => 'ev.timeless', basket => 'customer', item => 'item');
SELECT personalize.create_cooccurrence('ev.timeless_m', history => 'ev.timeless_h');
SELECT * FROM personalize.tune_model('ev.timeless_m', '2026-03-01');
-- an error in the middle leaves the transaction of who catches it as it was
DO $$
BEGIN
	BEGIN
		PERFORM * FROM personalize.evaluate_widget('ev.home', '2030-01-01');
	EXCEPTION WHEN invalid_parameter_value THEN
		INSERT INTO ev.people VALUES (1000, 'caught');
	END;
END
$$;
SELECT country FROM ev.people WHERE id = 1000;
BEGIN TRANSACTION READ ONLY;
SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01');
ROLLBACK;
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 20 AS repeatable_read FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5);
COMMIT;
-- a filter means what it does in lists, whatever it is written like
CREATE TEMP TABLE plain AS SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5);
SELECT personalize.alter_widget('ev.home', filter => 'products.available AND as_of > ''2020-01-01'' -- and in the shop') IS NOT NULL AS altered;
SELECT count(*) AS other_figures FROM (SELECT * FROM personalize.evaluate_widget('ev.home', '2026-03-01', k => 5) EXCEPT TABLE plain) AS other;
SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'personalize_past%') AS tables;
DROP SCHEMA ev CASCADE;
