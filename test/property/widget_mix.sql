-- recommend() against brute-force SQL: random widgets over models of all kinds, random calls; every score to the last bit, every rank.
\ir lib/oracle.sql
SET client_min_messages = warning;
CREATE SCHEMA shop;

-- Skewed items; customers of very different sizes, up to more items than a source starts from; events of which many happen at one time.
CREATE TABLE shop.line AS
	SELECT visit, CASE WHEN random_below(6, visit, 8) = 0 THEN 1 + random_below(1, visit, 3) ELSE random_below(2, visit, 300) END AS customer,
		   least(random_below(3, row, 400), random_below(4, row, 400))::int AS item,
		   timestamptz '2024-01-01 00:00+00' + random_below(7, row / 2, 700) * interval '19 hours' AS at
	  FROM (SELECT row, row / 4 AS visit FROM generate_series(1::bigint, 8000) AS row) AS r;
CREATE INDEX ON shop.line (visit);
CREATE INDEX ON shop.line (customer);
SELECT personalize.create_history('shop.visits', 'shop.line', 'visit', 'item', happened => 'at') \gset
SELECT relation AS catalog FROM personalize.catalog \gset
SELECT personalize.create_history('shop.customers', 'shop.line', 'customer', 'item', happened => 'at', catalog => :'catalog') \gset
SELECT personalize.create_cooccurrence('shop.cosine', 'shop.visits', measure => 'cosine', neighbors => 9) \gset
SELECT personalize.create_cooccurrence('shop.kernel', 'shop.customers', damping => 0.5, neighbors => 20) \gset
SELECT personalize.create_cooccurrence('shop.sequence', 'shop.customers', sequence => true, "window" => 3, neighbors => 7) \gset
SELECT personalize.create_cooccurrence('shop.directed', 'shop.customers', target => 'shop.visits', neighbors => 9) \gset
SELECT personalize.create_cooccurrence('shop.decayed', 'shop.visits', half_life => '60 days', generation => '30 days', neighbors => 5) \gset
SELECT personalize.create_cooccurrence('shop.ridge', 'shop.customers', measure => 'ridge', ridge_size => 30, neighbors => 30, lambda => 0.1) \gset
SELECT fail_unless(EXISTS (SELECT FROM shop.ridge WHERE 0 > ANY (scores)), 'no weight of ridge is negative');

-- A source: its model, what it starts from, what it weighs.
CREATE TYPE shop.source AS (model text, weight double precision, seeds text[]);
CREATE TYPE shop.call AS (customer bigint, item integer, cart integer[], session integer[]);

CREATE FUNCTION shop.customer_items(customer bigint) RETURNS TABLE (item integer, place bigint) LANGUAGE sql STABLE AS $$
	SELECT item, row_number() OVER (ORDER BY max(at) DESC, item DESC) FROM shop.line AS l WHERE l.customer = $1 GROUP BY item ORDER BY 2 LIMIT 50
$$;
-- What a source starts from, in its order: item, cart and session from the latest back, customer; what comes again counts once.
CREATE FUNCTION shop.seeds(source shop.source, call shop.call) RETURNS integer[] LANGUAGE sql STABLE AS $$
	WITH given AS (
		SELECT 1 AS kind, 'item' AS name, 1::bigint AS place, call.item WHERE call.item IS NOT NULL
		UNION ALL SELECT 2, 'cart', -min(place), item FROM unnest(call.cart) WITH ORDINALITY AS c(item, place) GROUP BY item
		UNION ALL SELECT 3, 'session', -max(place), item FROM unnest(call.session) WITH ORDINALITY AS s(item, place) GROUP BY item
		UNION ALL SELECT 4, 'customer', place, item FROM shop.customer_items(call.customer) WHERE call.customer IS NOT NULL),
	wanted AS (
		SELECT * FROM given
		 WHERE CASE WHEN source.seeds IS NULL THEN name = CASE WHEN call.item IS NOT NULL THEN 'item' WHEN call.cart <> '{}' THEN 'cart' WHEN call.session <> '{}' THEN 'session' ELSE 'customer' END
					ELSE name = ANY (source.seeds) END)
	SELECT array_agg(item ORDER BY kind, place) FROM (SELECT DISTINCT ON (item) * FROM wanted ORDER BY item, kind, place) AS w
$$;
CREATE FUNCTION shop.offers(source shop.source, call shop.call) RETURNS TABLE (item integer, score double precision) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT u.n, sum(u.s ORDER BY seed.place) FROM unnest($1) WITH ORDINALITY AS seed(key, place) JOIN %s AS m ON m.item = seed.key,
								unnest(m.neighbors, m.scores) AS u(n, s) GROUP BY u.n HAVING sum(u.s ORDER BY seed.place) > 0', source.model)
		USING shop.seeds(source, call);
END $$;
-- Sources in the order that jsonb gives them.
CREATE FUNCTION shop.expected(mix text, sources shop.source[], call shop.call) RETURNS TABLE (item integer, score double precision, rank bigint) LANGUAGE sql STABLE AS $$
	WITH placed AS (SELECT s, row_number() OVER (ORDER BY length((s).model), (s).model COLLATE "C") AS place FROM unnest(sources) AS s),
	offer AS (
		SELECT p.place, (p.s).weight, o.item, o.score / max(o.score) OVER (PARTITION BY p.place) AS share,
			   row_number() OVER (PARTITION BY p.place ORDER BY o.score DESC, o.item) AS rank
		  FROM placed AS p, shop.offers(p.s, call) AS o),
	mixed AS (
		SELECT o.item, sum(CASE mix WHEN 'sum' THEN o.weight * o.share ELSE o.weight / (60 + o.rank) END ORDER BY o.place) AS score FROM offer AS o GROUP BY o.item)
	SELECT m.item, m.score, row_number() OVER (ORDER BY m.score DESC, m.item) FROM mixed AS m WHERE m.item IS DISTINCT FROM call.item AND m.item <> ALL (coalesce(call.cart, '{}'))
$$;

CREATE FUNCTION shop.random_source(seed integer, place integer) RETURNS shop.source LANGUAGE sql AS $$
	SELECT ROW((ARRAY['shop.cosine', 'shop.kernel', 'shop.sequence', 'shop.directed', 'shop.decayed', 'shop.ridge'])[place], (1 + random_below(seed, 100 + place, 20)) / 7.0,
			   CASE WHEN random_below(seed, 200 + place, 2) = 0 THEN
					ARRAY(SELECT name FROM unnest(ARRAY['item', 'cart', 'session', 'customer']) WITH ORDINALITY AS n(name, bit)
						   WHERE ((1 + random_below(seed, 300 + place, 15)) >> (bit - 1)::int) % 2 = 1) END)::shop.source
$$;
CREATE FUNCTION shop.random_items(seed integer, at integer) RETURNS integer[] LANGUAGE sql AS $$
	SELECT ARRAY(SELECT random_below(seed, at + i::int, 420)::int FROM generate_series(1, random_below(seed, at, 6)) AS i)
$$;
CREATE FUNCTION shop.random_call(seed integer) RETURNS shop.call LANGUAGE sql AS $$
	SELECT ROW(CASE WHEN random_below(seed, 401, 4) > 0 THEN random_below(seed, 402, CASE WHEN seed % 3 = 0 THEN 4 ELSE 310 END) END,
			   CASE WHEN random_below(seed, 403, 2) = 0 THEN random_below(seed, 404, 420) END,
			   CASE WHEN random_below(seed, 405, 2) = 0 THEN shop.random_items(seed, 500) END,
			   CASE WHEN random_below(seed, 406, 2) = 0 THEN shop.random_items(seed, 600) END)::shop.call
$$;

CREATE PROCEDURE shop.try_widget(seed integer, INOUT candidates bigint) LANGUAGE plpgsql AS $$
DECLARE
	sources shop.source[] := ARRAY(SELECT shop.random_source(seed, p) FROM generate_series(1, 6) AS p WHERE random_below(seed, p, 2) = 0);
	mix text := CASE random_below(seed, 10, 2) WHEN 0 THEN 'sum' ELSE 'rrf' END;
	given jsonb;
	call shop.call;
	differing bigint;
	found bigint;
BEGIN
	IF sources = '{}' THEN
		sources := ARRAY[shop.random_source(seed, 1 + seed % 6)];
	END IF;
	SELECT jsonb_object_agg(model, jsonb_strip_nulls(jsonb_build_object('weight', weight, 'from', seeds))) INTO given FROM unnest(sources);
	PERFORM personalize.create_widget('shop.widget', given, histories => '{"bought": "shop.customers"}', mix => mix);
	FOR c IN 1 .. 12 LOOP
		call := shop.random_call(seed * 100 + c);
		EXECUTE 'SELECT count(*) FILTER (WHERE e.score IS DISTINCT FROM r.score OR e.rank IS DISTINCT FROM r.rank), count(*)
				   FROM shop.expected($1, $2, $3) AS e
				   FULL JOIN (SELECT * FROM shop.widget($4, $5, $6, session => $7, k => 1000) WHERE score > 0) AS r USING (item)'
		   INTO differing, found USING mix, sources, call, call.customer, call.item, call.cart, call.session;
		PERFORM fail_unless(differing = 0, format('seed %s, %s of %s, call %s: %s of %s items differ', seed, mix, given, call, differing, found));
		candidates := candidates + found;
	END LOOP;
	PERFORM personalize.drop_widget('shop.widget');
	DELETE FROM shop.line WHERE visit = seed;
	INSERT INTO shop.line SELECT seed, random_below(seed, 700, 310), random_below(seed, 701, 400), now();
END $$;

-- Between widgets customers change: the profile then comes from the shop's tables, and from the history after a refresh.
DO $$
DECLARE
	candidates bigint := 0;
BEGIN
	FOR seed IN 1 .. 60 LOOP
		CALL shop.try_widget(seed, candidates);
		IF seed % 20 = 0 THEN
			COMMIT;
			CALL personalize.refresh('shop.customers');
			CALL personalize.refresh('shop.visits');
		END IF;
	END LOOP;
	PERFORM fail_unless(candidates > 50000, 'only ' || candidates || ' candidates were compared');
END $$;
