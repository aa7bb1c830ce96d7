-- Why an item is, or is not, in a widget's list.
CREATE SCHEMA explain_shop;
CREATE TABLE explain_shop.products (id integer PRIMARY KEY, available boolean NOT NULL, price numeric NOT NULL, category text NOT NULL);
INSERT INTO explain_shop.products SELECT i, i % 7 <> 0, 10 + i, 'c' || i % 4 FROM generate_series(1, 30) AS i;
CREATE TABLE explain_shop.bought (customer bigint, product integer, at timestamptz);
CREATE TABLE explain_shop.viewed (customer bigint, product integer, at timestamptz);
CREATE INDEX ON explain_shop.bought (customer);
CREATE INDEX ON explain_shop.viewed (customer);
INSERT INTO explain_shop.bought SELECT c, 1 + (c * 7 + i * i * 3) % 28, timestamptz '2026-01-01 00:00+00' + c * interval '1 hour' + i * interval '1 min' FROM generate_series(1, 40) AS c, generate_series(1, 5) AS i;
INSERT INTO explain_shop.viewed SELECT c, 1 + (c * 5 + i * i * 2) % 28, timestamptz '2026-01-01 00:00+00' + c * interval '1 hour' + i * interval '1 min' FROM generate_series(1, 40) AS c, generate_series(1, 6) AS i;
SELECT personalize.create_catalog('explain_shop.items', products => 'explain_shop.products', item => 'id', available => 'available', price => 'price', category => 'category');
\set QUIET on
SELECT personalize.create_history('explain_shop.b', 'explain_shop.bought', 'customer', 'product', happened => 'at', catalog => 'explain_shop.items'),
	personalize.create_history('explain_shop.v', 'explain_shop.viewed', 'customer', 'product', happened => 'at', catalog => 'explain_shop.items') \g /dev/null
SELECT personalize.create_cooccurrence('explain_shop.bought_together', history => 'explain_shop.b', measure => 'cosine', neighbors => 8),
	personalize.create_cooccurrence('explain_shop.viewed_together', history => 'explain_shop.v', measure => 'jaccard', neighbors => 8) \g /dev/null
SELECT personalize.create_widget('explain_shop.w', sources => '{"explain_shop.bought_together": 0.6, "explain_shop.viewed_together": 0.4}', histories => '{"bought": "explain_shop.b", "viewed": "explain_shop.v"}',
	filter => 'available', exclude => '{bought}', max_per_category => 2, k => 4) \g /dev/null
\set QUIET off

-- Contributions add up to sources, sources to the score; the rank is the list's.
SELECT * FROM explain_shop.w(7);
SELECT step, source, because, round(amount::numeric, 6) AS amount, detail FROM personalize.explain_recommendation('explain_shop.w', 7, (SELECT item FROM explain_shop.w(7) WHERE rank = 1));

-- The same for everybody and everything: what is shown has its rank and reason, what is not has none, and why.
CREATE TABLE explain_shop.why AS
SELECT c, i, e.* FROM generate_series(1, 41) AS c, generate_series(0, 31) AS i, personalize.explain_recommendation('explain_shop.w', c, i) AS e;
CREATE TABLE explain_shop.list AS SELECT c, r.* FROM generate_series(1, 41) AS c, explain_shop.w(c, k => 1000) AS r;
SELECT count(*) AS items, count(*) FILTER (WHERE e.amount IS DISTINCT FROM l.rank) AS wrong_ranks, count(*) FILTER (WHERE l.rank <= 4 AND detail !~ '^shown') AS not_shown,
	count(*) FILTER (WHERE l.rank > 4 AND detail !~ '^not shown') AS shown, count(*) FILTER (WHERE l.rank IS NULL AND detail !~ '^none') AS not_none
  FROM explain_shop.why AS e LEFT JOIN explain_shop.list AS l ON l.c = e.c AND l.item = e.i WHERE e.step = 'rank';
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE abs(amount - score) > 1e-12) AS differ
  FROM (SELECT c, i, sum(amount) AS amount FROM explain_shop.why WHERE step = 'contribution' GROUP BY c, i) AS s JOIN explain_shop.list AS l ON l.c = s.c AND l.item = s.i WHERE score > 0;
SELECT count(*) AS differ FROM (SELECT c, i, source, sum(amount) AS amount FROM explain_shop.why WHERE step = 'contribution' GROUP BY c, i, source) AS s
  FULL JOIN (SELECT c, i, source, amount FROM explain_shop.why WHERE step = 'source' AND source IS NOT NULL) AS o USING (c, i, source) WHERE abs(s.amount - o.amount) <= 1e-12 IS NOT TRUE;
SELECT count(*) AS differ FROM explain_shop.why AS e FULL JOIN explain_shop.list AS l ON l.c = e.c AND l.item = e.i AND e.step = 'score'
 WHERE (e.step = 'score' OR e.step IS NULL) AND (e.amount IS DISTINCT FROM l.score OR e.source IS DISTINCT FROM l.source);
-- scores as the models have them
SELECT count(*) > 100 AS many,
	max(abs(split_part(w.detail, ' ', 2)::float8 - n.score)) < 1e-5 AS same
  FROM explain_shop.why AS w, personalize.neighbors(w.source, w.because::integer) AS n WHERE w.step = 'contribution' AND n.neighbor = w.i;
-- and why nothing
SELECT regexp_replace(detail, '\d+', 'N') AS detail, count(*) > 0 AS some FROM explain_shop.why WHERE step = 'rank' AND amount IS NULL GROUP BY 1 ORDER BY 1;
SELECT regexp_replace(detail, '\d+', 'N', 'g') AS removed, count(*) > 0 AS some FROM explain_shop.why WHERE step = 'removed' GROUP BY 1 ORDER BY 1;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM explain_shop.why AS o WHERE (o.c, o.i) = (w.c, w.i) AND o.step = 'contribution')) = count(*) AS right
  FROM explain_shop.why AS w WHERE step = 'source' AND detail = 'no source offers it';

-- Other contexts: a product's page, a cart, among, exclude, no customer
SELECT step, because, detail FROM personalize.explain_recommendation('explain_shop.w', NULL::bigint, 9, item => 9);
SELECT step, because, detail FROM personalize.explain_recommendation('explain_shop.w', NULL::bigint, 8, cart => ARRAY[8, 9]) WHERE step IN ('removed', 'rank');
SELECT step, because, detail FROM personalize.explain_recommendation('explain_shop.w', NULL, 8, exclude => '{8}') WHERE step IN ('removed', 'rank');
SELECT step, because, detail FROM personalize.explain_recommendation('explain_shop.w', 7, 8, among => '{9,10,11}') WHERE step IN ('removed', 'rank');
SELECT step, amount, detail FROM personalize.explain_recommendation('explain_shop.w', 7, (SELECT item FROM explain_shop.w(7, k => 10) WHERE rank = 5), k => 2, "offset" => 4) WHERE step = 'rank';
SELECT step, amount, detail FROM personalize.explain_recommendation('explain_shop.w', 7, (SELECT item FROM explain_shop.w(7, k => 10) WHERE rank = 5), k => 2, page => 4) WHERE step = 'rank';

-- Reciprocal rank fusion, a fallback, a boost
\set QUIET on
SELECT personalize.alter_widget('explain_shop.w', mix => 'rrf') \g /dev/null
\set QUIET off
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE abs(amount - score) > 1e-12) AS differ
  FROM (SELECT c, i, sum(amount) AS amount FROM generate_series(1, 41) AS c, generate_series(1, 30) AS i, personalize.explain_recommendation('explain_shop.w', c, i) WHERE step = 'source' GROUP BY c, i) AS s
  JOIN (SELECT c, r.* FROM generate_series(1, 41) AS c, explain_shop.w(c, k => 1000) AS r) AS l ON l.c = s.c AND l.item = s.i WHERE score > 0;
\set QUIET on
SELECT personalize.create_widget('explain_shop.boosted', sources => '{"explain_shop.bought_together": 1}', fallback => '{explain_shop.viewed_together}', histories => '{"bought": "explain_shop.b", "viewed": "explain_shop.v"}',
	rules => '{"boost": [{"where": "category = ''c1''", "factor": 1.5}]}', k => 4) \g /dev/null
\set QUIET off
SELECT DISTINCT detail FROM generate_series(1, 40) AS c, generate_series(1, 30) AS i, personalize.explain_recommendation('explain_shop.boosted', c, i) WHERE step = 'moved' ORDER BY 1;
SELECT DISTINCT regexp_replace(detail, '[\d.]+', 'N') AS detail FROM generate_series(1, 40) AS c, generate_series(1, 30) AS i, personalize.explain_recommendation('explain_shop.boosted', c, i) WHERE step = 'source' ORDER BY 1;

-- What is wrong
SELECT personalize.explain_recommendation(NULL, 7, 8);
SELECT personalize.explain_recommendation('explain_shop.w', 7, NULL::integer);
SELECT personalize.explain_recommendation('explain_shop.nothing', 7, 8);
SELECT personalize.explain_recommendation('explain_shop.w', 7, 'x'::text);
SELECT personalize.explain_recommendation('explain_shop.w', 7, 'x');
SELECT personalize.explain_recommendation('explain_shop.w', 7, 8, k => 0);
SELECT step, detail FROM personalize.explain_recommendation('explain_shop.w', 7, 99999999999);
SELECT step, detail FROM personalize.explain_recommendation('explain_shop.w', 7, 999);
SELECT step, detail FROM personalize.explain_recommendation('explain_shop.w', 99999999999, 8) WHERE step = 'rank';
SET client_min_messages = warning;
DROP SCHEMA explain_shop CASCADE;
