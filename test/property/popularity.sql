-- Popularity models after random writes: with counters by self-made SQL over the shop's tables, and with models that are made anew.
-- Customers come, go and move between segments; the last events of all are taken back; a shop that has long been asleep wakes up.
\ir lib/oracle.sql

CREATE SCHEMA shop;
CREATE TABLE shop.customers (id int, country text, age text, PRIMARY KEY (id));
CREATE TABLE shop.bought (customer int, item int, at timestamptz, pieces int);
CREATE TABLE shop.viewed (customer int, item int, at timestamptz);
CREATE INDEX ON shop.bought (customer);
CREATE INDEX ON shop.viewed (customer);

SELECT create_history('shop.b', 'shop.bought', 'customer', 'item', 'at', weight => 'pieces');
SELECT create_history('shop.v', 'shop.viewed', 'customer', 'item', 'at', catalog => 'shop.b_items');
SELECT create_popularity('shop.plain', 'shop.v', half_life => NULL, keep => 5, kappa => 3, segments => 'shop.customers', key => 'id', by => '{country,age}');
SELECT create_popularity('shop.popular', 'shop.b', half_life => '20 days', keep => 7, segments => 'shop.customers', key => 'id', by => '{country,age}');
SELECT create_trending('shop.trending', 'shop.v', half_life => '2 days', baseline => '20 days', segments => 'shop.customers', key => 'id', by => '{country}');
SELECT create_conversion('shop.conversion', 'shop.v', 'shop.b', half_life => '40 days', segments => 'shop.customers', key => 'id', by => '{age}');
SELECT create_repeat('shop.repeat', 'shop.b');

-- Times go back from a date that the caller names, so that the shop may be asleep.
CREATE PROCEDURE shop.write(seed int, today timestamptz) LANGUAGE plpgsql AS $$
DECLARE
	r int[] := ARRAY(SELECT random_below(seed, x, 1000000)::int FROM generate_series(1, 10) AS x);
	one int := 1 + r[2] % 30;
	moment timestamptz := today - r[4] % 10000 * interval '37 minutes';
	word text := (ARRAY['GB', 'DE', 'FR', NULL, 'a ''long'' one'])[1 + r[5] % 5];
	age text := (ARRAY['young', 'old', NULL])[1 + r[6] % 3];
BEGIN
	CASE r[1] % 10
		WHEN 0, 1, 2 THEN
			INSERT INTO shop.bought SELECT one + x, (r[3] + x * x) % 20, moment + x * interval '5 hours', 1 + (r[7] + x) % 3 FROM generate_series(0, r[8] % 5) AS x;
		WHEN 3, 4 THEN
			INSERT INTO shop.viewed SELECT one + x, (r[3] + x * x) % 20, moment + x * interval '5 hours' FROM generate_series(0, r[8] % 9) AS x;
		WHEN 5 THEN
			INSERT INTO shop.customers VALUES (one, word, age) ON CONFLICT (id) DO UPDATE SET country = excluded.country, age = excluded.age;
		WHEN 6 THEN
			UPDATE shop.customers SET country = word WHERE id % 7 = r[3] % 7;
		WHEN 7 THEN
			DELETE FROM shop.customers WHERE id = one;
			UPDATE shop.bought SET customer = customer + 1 WHERE customer = one;
		WHEN 8 THEN
			DELETE FROM shop.viewed WHERE at = (SELECT max(at) FROM shop.viewed);
			DELETE FROM shop.bought WHERE customer = one;
		ELSE
			UPDATE shop.viewed SET at = moment, item = (item + 1) % 20 WHERE customer = one;
	END CASE;
END $$;

-- Every entry of a history: the time that it counts for is that of the basket's last event, or the end of its day.
CREATE VIEW shop.entry AS
	SELECT history, e.basket, item, weight,
		   CASE WHEN date_trunc('day', at AT TIME ZONE 'UTC') = date_trunc('day', happened AT TIME ZONE 'UTC') THEN happened
		   ELSE (date_trunc('day', at AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' END AS at
	  FROM (SELECT 'b' AS history, customer AS basket, item, sum(pieces) AS weight, max(at) AS at, max(max(at)) OVER (PARTITION BY customer) AS happened
			  FROM shop.bought GROUP BY customer, item
			UNION ALL
			SELECT 'v', customer, item, 1, max(at), max(max(at)) OVER (PARTITION BY customer) FROM shop.viewed GROUP BY customer, item) AS e;

-- What stands in a column of segments: the values up to the first that is NULL.
CREATE FUNCTION shop.levels(basket int, columns text[]) RETURNS SETOF text[] LANGUAGE sql STABLE AS $$
	SELECT '{}'
	UNION ALL
	SELECT v[1:n] FROM (SELECT ARRAY(SELECT CASE u WHEN 'country' THEN c.country ELSE c.age END FROM unnest(columns) WITH ORDINALITY AS u(u, o) ORDER BY o) AS v
						  FROM shop.customers AS c WHERE c.id = basket) AS s, generate_series(1, cardinality(v)) AS n
	 WHERE array_position(v[1:n], NULL) IS NULL
$$;

-- Decayed counts at the time that the model says, of either kind, from the lines of the shop.
CREATE FUNCTION shop.counted(model regclass, history text, columns text[], half_life interval, condition text) RETURNS TABLE (segment text[], item int, n float8)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($sql$
		SELECT l, e.item, sum(%s * CASE WHEN $2 IS NULL THEN 1 ELSE power(2::float8, greatest(-200, extract(epoch FROM e.at - p.as_of)::float8 / extract(epoch FROM $2)::float8)) END)::float8
		  FROM shop.entry AS e, shop.levels(e.basket, $3) AS l, personalize.popularity AS p
		 WHERE e.history = $1 AND p.relation = $4 GROUP BY l, e.item$sql$, condition) USING history, half_life, columns, model;
END $$;

-- Differs: counts of one kind, with those of the counters; power(2, …) of another machine may round otherwise.
CREATE FUNCTION shop.differing(model regclass, kind int, history text, columns text[], half_life interval, condition text DEFAULT 'e.weight') RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	differing bigint;
BEGIN
	EXECUTE format($sql$
		SELECT count(*) FROM
		  (SELECT segment, c.code AS item, n FROM shop.counted($1, $3, $4, $5, $6) JOIN shop.b_items AS c USING (item) WHERE n > 1e-6) AS e
		  FULL JOIN
		  (SELECT segment, k.code AS item, sum(k.sum * CASE WHEN $5 IS NULL THEN 1
							ELSE power(2::float8, epoch * 16 - extract(epoch FROM p.as_of - timestamptz '2000-01-01 00:00+00')::float8 / extract(epoch FROM $5)::float8) END) / 65536 AS n
			 FROM %s AS row, popularity_counters(chunk, sums) AS k, personalize.popularity AS p WHERE p.relation = $1 AND what = $2
			GROUP BY segment, k.code
		   HAVING sum(k.sum * CASE WHEN $5 IS NULL THEN 1
							ELSE power(2::float8, epoch * 16 - extract(epoch FROM p.as_of - timestamptz '2000-01-01 00:00+00')::float8 / extract(epoch FROM $5)::float8) END) / 65536 > 1e-6) AS s
		 USING (segment, item)
		 WHERE (e.n - s.n BETWEEN -1e-4 * e.n AND 1e-4 * e.n) IS NOT TRUE AND coalesce(e.n, s.n) > 2e-6$sql$, (SELECT counts FROM personalize.popularity AS p WHERE p.relation = model))
	   INTO differing USING model, kind, history, columns, half_life, condition;
	RETURN differing;
END $$;

-- Shares without decay, with what they fall back on, and the best five of each segment.
CREATE FUNCTION shop.plain_differs() RETURNS bigint LANGUAGE sql AS $$
	WITH RECURSIVE counted AS (SELECT * FROM shop.counted('shop.plain', 'v', '{country,age}', NULL, 'e.weight')),
	total AS (SELECT segment, sum(n) AS n FROM counted GROUP BY segment),
	rate(segment, item, score, n) AS (
		SELECT c.segment, c.item, c.n / t.n, c.n FROM counted AS c JOIN total AS t USING (segment) WHERE segment = '{}'
		UNION ALL
		SELECT t.segment, r.item, (coalesce(c.n, 0) + 3 * r.score) / (t.n + 3), coalesce(c.n, 0)
		  FROM rate AS r JOIN total AS t ON r.segment = t.segment[1:cardinality(t.segment) - 1] AND cardinality(t.segment) = coalesce(cardinality(r.segment), 0) + 1
		  LEFT JOIN counted AS c ON c.segment = t.segment AND c.item = r.item),
	best AS (SELECT *, row_number() OVER (PARTITION BY segment ORDER BY round(score::numeric, 12) DESC, item) AS place FROM rate),
	face AS (SELECT f.segment, u.* FROM shop.plain AS f, unnest(f.items, f.scores, f.counts) WITH ORDINALITY AS u(item, score, n, place))
	SELECT count(*) FROM best AS b FULL JOIN face AS f USING (segment, place)
	 WHERE coalesce(place, 0) <= 5
	   AND (b.item = f.item AND b.n = f.n AND abs(b.score - f.score) < 1e-9) IS NOT TRUE
	   -- equal scores whose bits differ between the two may stand in another order
	   AND (abs(b.score - f.score) < 1e-9) IS NOT TRUE
$$;

CREATE PROCEDURE shop.check(round text) LANGUAGE plpgsql AS $$
DECLARE
	model text;
	columns text;
BEGIN
	FOREACH model IN ARRAY ARRAY['plain', 'popular', 'trending', 'conversion', 'repeat'] LOOP
		PERFORM fail_unless(NOT EXISTS (SELECT FROM verify('shop.' || model)), round || ': verify ' || model);
	END LOOP;
	PERFORM fail_unless(shop.differing('shop.plain', 0, 'v', '{country,age}', NULL) = 0, round || ': plain');
	PERFORM fail_unless(shop.differing('shop.popular', 0, 'b', '{country,age}', '20 days') = 0, round || ': popular');
	PERFORM fail_unless(shop.differing('shop.trending', 0, 'v', '{country}', '2 days') = 0, round || ': trending');
	PERFORM fail_unless(shop.differing('shop.trending', 1, 'v', '{country}', '20 days') = 0, round || ': baseline');
	PERFORM fail_unless(shop.differing('shop.conversion', 0, 'v', '{age}', '40 days') = 0, round || ': views');
	PERFORM fail_unless(shop.differing('shop.conversion', 1, 'v', '{age}', '40 days',
		'(EXISTS (SELECT FROM shop.bought AS b WHERE b.customer = e.basket AND b.item = e.item))::int') = 0, round || ': conversions');
	PERFORM fail_unless(shop.differing('shop.repeat', 0, 'b', '{}', NULL, '1') = 0, round || ': buyers');
	PERFORM fail_unless(shop.differing('shop.repeat', 1, 'b', '{}', NULL, '(e.weight > 1)::int') = 0, round || ': buyers again');
	PERFORM fail_unless(shop.plain_differs() = 0, round || ': shares');
END $$;

-- The same, made anew, in one transaction, so at one time.
CREATE PROCEDURE shop.check_fresh(round text) LANGUAGE plpgsql AS $$
DECLARE
	model text;
	part text;
	differing bigint;
BEGIN
	CALL refresh('shop.b', rebuild => false);
	PERFORM create_popularity('shop.plain_new', 'shop.v', half_life => NULL, keep => 5, kappa => 3, segments => 'shop.customers', key => 'id', by => '{country,age}');
	PERFORM create_popularity('shop.popular_new', 'shop.b', half_life => '20 days', keep => 7, segments => 'shop.customers', key => 'id', by => '{country,age}');
	PERFORM create_trending('shop.trending_new', 'shop.v', half_life => '2 days', baseline => '20 days', segments => 'shop.customers', key => 'id', by => '{country}');
	PERFORM create_conversion('shop.conversion_new', 'shop.v', 'shop.b', half_life => '40 days', segments => 'shop.customers', key => 'id', by => '{age}');
	PERFORM create_repeat('shop.repeat_new', 'shop.b');
	FOREACH model IN ARRAY ARRAY['plain', 'popular', 'trending', 'conversion', 'repeat'] LOOP
		FOREACH part IN ARRAY ARRAY['', '_counts', '_members'] LOOP
			CONTINUE WHEN to_regclass('shop.' || model || part) IS NULL;
			EXECUTE format('SELECT count(*) FROM ((TABLE shop.%1$I EXCEPT TABLE shop.%2$I) UNION ALL (TABLE shop.%2$I EXCEPT TABLE shop.%1$I)) AS d',
						   model || part, model || '_new' || part) INTO differing;
			PERFORM fail_unless(differing = 0, round || ': ' || model || part || ': ' || differing || ' rows differ from a new one');
		END LOOP;
		PERFORM drop_model(('shop.' || model || '_new')::regclass);
	END LOOP;
END $$;

CREATE PROCEDURE shop.rounds(first int, last int, today timestamptz) LANGUAGE plpgsql AS $$
BEGIN
	FOR seed IN first .. last LOOP
		CALL shop.write(seed, today);
		COMMIT;
		IF random_below(seed, 99, 4) = 0 THEN
			CALL refresh('shop.b', rebuild => false);
			COMMIT;
			CALL shop.check(seed::text);
		END IF;
		IF random_below(seed, 98, 25) = 0 THEN
			CALL shop.check_fresh(seed::text);
			COMMIT;
		END IF;
	END LOOP;
	CALL shop.check_fresh(last::text);
	COMMIT;
	CALL shop.check(last::text);
END $$;

-- A shop that has been asleep for ten years, then one of today; in the end nothing is left.
CALL shop.rounds(1, 120, now() - interval '10 years');
CALL shop.rounds(121, 240, now());
-- Hardly any memory: counters go through their table many times, and a build takes many passes.
SET maintenance_work_mem = '1MB';
INSERT INTO shop.viewed SELECT c, i, now() - (c * 7 + i) % 300 * interval '1 day' FROM generate_series(1, 60) AS c, generate_series(1, 400) AS i;
CALL shop.rounds(241, 250, now());
CALL refresh('shop.b', rebuild => true);
CALL shop.check('rebuilt');
DELETE FROM shop.viewed WHERE at > now() - interval '100 days';
CALL refresh('shop.b', rebuild => false);
CALL shop.check('the newest are gone');
CALL shop.check_fresh('the newest are gone');
DELETE FROM shop.viewed;
DELETE FROM shop.bought;
CALL refresh('shop.b', rebuild => false);
CALL shop.check('empty');
SELECT fail_unless(NOT EXISTS (SELECT FROM shop.popular) AND NOT EXISTS (SELECT FROM shop.popular_counts) AND NOT EXISTS (SELECT FROM shop.popular_members), 'nothing is left');

-- The test can fail: a count that is wrong by one unit, a member in another segment.
INSERT INTO shop.viewed VALUES (1, 1, now());
INSERT INTO shop.customers VALUES (1, 'GB', 'old') ON CONFLICT (id) DO UPDATE SET country = 'GB', age = 'old';
CALL refresh('shop.b');
UPDATE shop.trending_counts SET sums = '\x0001' WHERE what = 1;
UPDATE shop.plain_members SET segment = '{DE}';
UPDATE shop.plain SET scores = '{1.5}' WHERE segment = '{}';
SELECT fail_unless((SELECT count(*) FROM verify('shop.trending')) >= 2, 'a wrong counter is found'),
	   fail_unless((SELECT count(*) FROM verify('shop.plain') WHERE what = 'segment') = 1, 'a wrong segment is found'),
	   fail_unless((SELECT count(*) FROM verify('shop.plain') WHERE what = 'scores') = 1, 'a wrong score is found');
