-- k results whenever k items are eligible: random widgets at selectivities of 0.1 %, 1 % and 10 %, with random rules and caps, against the slow way in
-- SQL. The order is compared item by item; nothing comes twice; pages of a list are parts of it.
\ir lib/oracle.sql

CREATE SCHEMA shop;
CREATE TABLE shop.products (id int PRIMARY KEY, price numeric, category text, brand text, available boolean NOT NULL, share int NOT NULL,
							since date, until timestamptz, created timestamptz);
INSERT INTO shop.products
	SELECT i, CASE WHEN random_below(1, i, 50) > 0 THEN 1 + random_below(2, i, 200) END, 'c' || random_below(3, i, 12), 'b' || nullif(random_below(4, i, 40), 0),
		   random_below(5, i, 10) > 0, random_below(6, i, 1000),
		   CASE WHEN random_below(7, i, 4) = 0 THEN date '2026-01-01' + random_below(8, i, 300)::int END,
		   CASE WHEN random_below(9, i, 4) = 0 THEN timestamptz '2026-03-01 UTC' + random_below(10, i, 300) * interval '1 day' END,
		   CASE WHEN random_below(14, i, 20) = 0 THEN timestamptz '2026-06-01 UTC' - random_below(15, i, 60) * interval '1 day' END
	  FROM generate_series(1, 6000) AS i;
CREATE TABLE shop.line (customer int NOT NULL, item int NOT NULL, at timestamptz NOT NULL);
INSERT INTO shop.line
	SELECT random_below(11, i, 400), least(random_below(12, i, 5000), random_below(13, i, 5000)),
		   timestamptz '2026-01-01 UTC' + random_below(14, i, 150) * interval '1 day'
	  FROM generate_series(1, 12000) AS i;
CREATE INDEX ON shop.line (customer);
SELECT create_catalog('shop.catalog', 'shop.products', 'id', price => 'price', category => 'category', created => 'created');
SELECT create_history('shop.customers', 'shop.line', 'customer', 'item', happened => 'at', catalog => 'shop.catalog');
SELECT create_cooccurrence('shop.together', 'shop.customers', measure => 'cosine', neighbors => 400);
CALL refresh();
-- products that came after the refresh have no code yet
INSERT INTO shop.products SELECT i, 10, 'c1', 'b1', true, i % 1000 FROM generate_series(6001, 6500) AS i;
-- and items of the model whose product is gone
DELETE FROM shop.products WHERE id % 50 = 7;
VACUUM ANALYZE;

-- What a call may list, in order: neighbors of the item by score and factor, then the rest by code and key.
CREATE FUNCTION eligible(anchor int, customer int, cart int[], given_category text, among int[], as_of timestamptz, filter text, rules jsonb, days int)
	RETURNS TABLE (item int, place bigint) LANGUAGE plpgsql AS $$
DECLARE
	base record;
	cart_sum float8 := (SELECT sum(price) FROM shop.products WHERE id = ANY (eligible.cart));
	factor text := '1';
	low float8 := -1;
	high float8 := 'Infinity';
	lack float8;
	boost jsonb;
BEGIN
	SELECT price::float8, category INTO base FROM shop.products WHERE id = anchor;
	IF rules ? 'price' THEN
		IF rules -> 'price' ->> 'of' = 'cart' THEN
			base.price := cart_sum;
		END IF;
		IF base.price IS NOT NULL THEN
			low := base.price * coalesce((rules -> 'price' ->> 'min')::float8, 0) - 1e-6;
			high := base.price * coalesce((rules -> 'price' ->> 'max')::float8, 'Infinity') + 1e-6;
		END IF;
	END IF;
	IF rules ? 'price_fill' AND cart_sum < (rules -> 'price_fill' ->> 'to')::float8 THEN
		lack := (rules -> 'price_fill' ->> 'to')::float8 - cart_sum;
		low := greatest(low, lack);
	END IF;
	FOR boost IN SELECT jsonb_array_elements(coalesce(rules -> 'boost', '[]')) LOOP
		factor := factor || format(' * CASE WHEN %s THEN %s ELSE 1 END', boost ->> 'where', boost ->> 'factor');
	END LOOP;
	FOR boost IN SELECT jsonb_array_elements(coalesce(rules -> 'bury', '[]')) LOOP
		factor := factor || format(' * CASE WHEN %s THEN 1e-6 ELSE 1 END', boost ->> 'where');
	END LOOP;
	RETURN QUERY EXECUTE format($sql$
		SELECT p.id, row_number() OVER (ORDER BY n.score IS NULL, CASE WHEN n.score IS NOT NULL THEN coalesce($10 / p.price::float8, n.score) * (%s) END DESC,
										CASE WHEN n.score IS NOT NULL THEN p.id END,
										array_position($6, p.id), c.code NULLS LAST, p.id)
		  FROM shop.products AS p
		  LEFT JOIN (SELECT item AS coded, code FROM shop.catalog) AS c ON c.coded = p.id
		  LEFT JOIN (SELECT * FROM unnest((SELECT neighbors FROM shop.together WHERE item = $1), (SELECT scores FROM shop.together WHERE item = $1)) AS u(neighbor, score)) AS n ON n.neighbor = p.id
		 WHERE (%s) AND (%s)
		   AND ($5 IS NULL OR p.category = $5)
		   AND ($8 < 0 OR p.price >= $8 AND p.price <= $9)
		   AND (NOT $7 ? 'category' OR $11 IS NULL OR coalesce(p.category = $11, false) = ($7 ->> 'category' = 'same'))
		   AND (NOT $7 ? 'dates' OR (p.since IS NULL OR p.since::timestamp AT TIME ZONE 'UTC' <= $12) AND (p.until IS NULL OR p.until > $12))
		   AND p.id IS DISTINCT FROM $1 AND p.id <> ALL (coalesce($3, '{}')) AND ($6 IS NULL OR p.id = ANY ($6))
		   AND NOT coalesce($7 -> 'exclude', '[]') @> to_jsonb(p.id)
		   AND NOT EXISTS (SELECT FROM shop.line AS l WHERE l.customer = $2 AND l.item = p.id AND l.at::date >= $12::date - $4)
		$sql$, factor, coalesce(filter, 'true'),
		coalesce((SELECT string_agg('(' || w || E'\n)', ' AND ') FROM jsonb_array_elements_text(coalesce(rules -> 'where', '[]')) AS w), 'true'))
		USING anchor, customer, cart, days, given_category, among, rules, low, high, lack, base.category, as_of;
END $$;
-- The first n of them that caps let through.
CREATE FUNCTION capped(list int[], caps jsonb, n int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	taken int[] := '{}';
	counts jsonb := '{}';
	p record;
	cap record;
	full_cap boolean;
BEGIN
	FOR p IN SELECT r.*, to_jsonb(r) AS values FROM unnest(list) WITH ORDINALITY AS l(id, place) JOIN shop.products AS r USING (id) ORDER BY l.place LOOP
		EXIT WHEN cardinality(taken) = n;
		SELECT coalesce(bool_or(coalesce((counts ->> (key || (p.values ->> key)))::int, 0) >= value::int), false) INTO full_cap
		  FROM jsonb_each_text(caps) WHERE p.values ->> key IS NOT NULL;
		CONTINUE WHEN full_cap;
		taken := taken || p.id;
		FOR cap IN SELECT key FROM jsonb_each_text(caps) WHERE p.values ->> key IS NOT NULL LOOP
			counts := counts || jsonb_build_object(cap.key || (p.values ->> cap.key), coalesce((counts ->> (cap.key || (p.values ->> cap.key)))::int, 0) + 1);
		END LOOP;
	END LOOP;
	RETURN taken;
END $$;

CREATE FUNCTION random_rules(r int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM (VALUES
		(1, 'price', jsonb_build_object('min', 0.3 + random_below(20, r, 10) / 10.0, 'max', 1.4 + random_below(21, r, 20) / 10.0,
										'of', CASE random_below(22, r, 3) WHEN 0 THEN 'cart' ELSE 'item' END)),
		(2, 'price_fill', '{"to": 150}'),
		(3, 'category', to_jsonb(CASE random_below(23, r, 3) WHEN 0 THEN 'same' ELSE 'other' END)),
		(4, 'where', jsonb_build_array('price < ' || 50 + random_below(24, r, 150), 'brand IS NOT NULL -- has one')),
		(5, 'dates', '{"from": "since", "until": "until"}'),
		(6, 'exclude', (SELECT jsonb_agg(i) FROM generate_series(r, 6000, 7) AS i)),
		(7, 'boost', jsonb_build_array(jsonb_build_object('where', 'price > ' || random_below(25, r, 200), 'factor', 1.5),
									   jsonb_build_object('where', 'brand = ''b3''', 'factor', 0.5))),
		(8, 'bury', jsonb_build_array(jsonb_build_object('where', 'category = ''c' || random_below(26, r, 12) || '''')))) AS v(which, name, value)
	 WHERE random_below(30 + which, r, 4) = 0 $$;

CREATE TABLE shop.call AS
	SELECT r, CASE r % 4 WHEN 0 THEN format('share = %s', r) WHEN 1 THEN format('share BETWEEN %s AND %1$s + 9', r) WHEN 2 THEN format('share BETWEEN %s AND %1$s + 99', r)
			  ELSE 'available' END AS filter,
		   random_rules(r) AS rules,
		   CASE random_below(40, r, 3) WHEN 0 THEN '{"category": 2}' WHEN 1 THEN '{"brand": 1, "category": 5}' ELSE '{}' END::jsonb AS caps,
		   CASE random_below(41, r, 2) WHEN 0 THEN 50 END AS days,
		   1 + random_below(42, r, 5000)::int AS anchor,
		   random_below(43, r, 400)::int AS customer,
		   ARRAY[1 + random_below(44, r, 100), 1 + random_below(45, r, 6000)]::int[] AS cart,
		   CASE WHEN random_below(46, r, 6) = 0 THEN 'c' || random_below(47, r, 12) END AS category,
		   CASE WHEN random_below(48, r, 6) = 0 THEN (SELECT array_agg(1 + random_below(49, r * 1000 + i, 6500)::int) FROM generate_series(1, 300) AS i) END AS among,
		   1 + random_below(50, r, 40)::int AS k
	  FROM generate_series(1, 240) AS r;

CREATE FUNCTION shop.make(c shop.call) RETURNS void LANGUAGE sql AS $$
	SELECT create_widget('shop.w' || c.r, sources => '{"shop.together": {"weight": 1, "from": ["item"]}}', histories => '{"bought": "shop.customers"}',
						 filter => c.filter, exclude => CASE WHEN c.days IS NOT NULL THEN ARRAY['bought ' || c.days || ' days'] END, rules => c.rules, max_per => c.caps, k => c.k);
$$;
CREATE FUNCTION shop.called(c shop.call, k int, "offset" int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	items int[];
BEGIN
	EXECUTE format('SELECT array_agg(item ORDER BY rank) FROM shop.w%s(item => $1, customer => $2, cart => $3, category => $4, among => $5, k => $6, "offset" => $7, as_of => $8)', c.r)
	   INTO items USING c.anchor, c.customer, c.cart, c.category, c.among, k, "offset", timestamptz '2026-06-01 UTC';
	RETURN coalesce(items, '{}');
END $$;

DO $$
DECLARE
	c shop.call;
	expected int[];
	got int[];
	first int[];
	short int := 0;
	listed int := 0;
BEGIN
	FOR c IN SELECT * FROM shop.call LOOP
		PERFORM shop.make(c);
		expected := capped(ARRAY(SELECT item FROM eligible(c.anchor, c.customer, c.cart, c.category, c.among, '2026-06-01 UTC', c.filter, c.rules, c.days) ORDER BY place), c.caps, 2 * c.k);
		got := shop.called(c, 2 * c.k, 0);
		PERFORM fail_unless(got = expected, format(E'%s\n     got %s\nexpected %s', c, got, expected));
		PERFORM fail_unless(cardinality(got) = (SELECT count(DISTINCT i) FROM unnest(got) AS i), format('%s: an item comes twice in %s', c, got));
		first := shop.called(c, c.k, 0);
		PERFORM fail_unless(first || shop.called(c, c.k, c.k) = got, format('%s: pages are no parts of the list', c));
		short := short + (cardinality(first) < c.k)::int;
		listed := listed + cardinality(got);
	END LOOP;
	-- a test in which nothing is listed, or nothing ever ends, would prove little
	PERFORM fail_unless(listed > 2000 AND short BETWEEN 10 AND 200, format('%s items listed, %s lists shorter than k', listed, short));
END $$;

-- With pins, slots, diversity, shuffling and exploration the order is another, but not what may be in it, nor how much there is, nor that pages are parts.
DO $$
DECLARE
	c shop.call;
	allowed int[];
	got int[];
BEGIN
	FOR c IN SELECT * FROM shop.call WHERE r % 3 <> 0 LOOP
		PERFORM drop_widget('shop.w' || c.r);
		PERFORM create_widget('shop.w' || c.r, sources => '{"shop.together": {"weight": 1, "from": ["item"]}, "new_arrivals": {"weight": 0.5, "slots": [2, 5]}}', histories => '{"bought": "shop.customers"}',
							  filter => c.filter, exclude => CASE WHEN c.days IS NOT NULL THEN ARRAY['bought ' || c.days || ' days'] END,
							  rules => c.rules || jsonb_build_object('include', (SELECT jsonb_agg(i) FROM generate_series(c.r, 6500, 97) AS i)),
							  diversity => random_below(51, c.r, 3) / 3.0, shuffle => random_below(52, c.r, 9)::int, explore => random_below(53, c.r, 3) / 3.0);
		SELECT array_agg(item) INTO allowed FROM eligible(c.anchor, c.customer, c.cart, c.category, c.among, '2026-06-01 UTC', c.filter, c.rules, c.days);
		got := shop.called(c, 2 * c.k, 0);
		PERFORM fail_unless(cardinality(got) = least(2 * c.k, coalesce(cardinality(allowed), 0)), format('%s: %s items of %s', c, cardinality(got), cardinality(allowed)));
		PERFORM fail_unless(got <@ coalesce(allowed, '{}') AND cardinality(got) = (SELECT count(DISTINCT i) FROM unnest(got) AS i), format('%s: not allowed or twice in %s', c, got));
		PERFORM fail_unless(shop.called(c, c.k, 0) || shop.called(c, c.k, c.k) = got, format('%s: pages are no parts of the list', c));
	END LOOP;
END $$;

-- The same calls again and again while products change, in this transaction and by others, committed and rolled back; in between, pages become visible to all, so
-- that what was read of them is kept.
CREATE PROCEDURE shop.compare(c shop.call, what text) LANGUAGE plpgsql AS $$
DECLARE
	expected int[] := capped(ARRAY(SELECT item FROM eligible(c.anchor, c.customer, c.cart, c.category, c.among, '2026-06-01 UTC', c.filter, c.rules, c.days) ORDER BY place), c.caps, c.k);
	got int[] := shop.called(c, c.k, 0);
BEGIN
	PERFORM fail_unless(got = expected, format(E'%s %s\n     got %s\nexpected %s', what, c, got, expected));
END $$;
CREATE PROCEDURE shop.change(seed int) LANGUAGE plpgsql AS $$
DECLARE
	one int := 1 + random_below(60, seed, 6000);
BEGIN
	UPDATE shop.products SET share = random_below(61, seed, 1000), available = NOT available, price = 1 + random_below(62, seed, 200) WHERE id BETWEEN one AND one + 100;
	DELETE FROM shop.products WHERE id = one + 101;
	INSERT INTO shop.products SELECT one + 102, 20, 'c2', 'b2', true, seed % 1000 WHERE NOT EXISTS (SELECT FROM shop.products WHERE id = one + 102);
END $$;
CREATE PROCEDURE shop.change_and_compare(first int, last int) LANGUAGE plpgsql AS $$
DECLARE
	c shop.call;
BEGIN
	FOR c IN SELECT * FROM shop.call WHERE r BETWEEN first AND last AND category IS NULL LOOP
		PERFORM shop.make(c);
		CALL shop.compare(c, 'first');
		CALL shop.compare(c, 'again');
		BEGIN
			CALL shop.change(c.r);
			CALL shop.compare(c, 'changed');
			RAISE 'back' USING ERRCODE = 'ZZ000';
		EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
			NULL;
		END;
		CALL shop.compare(c, 'rolled back');
		CALL shop.change(c.r + 1000);
		CALL shop.compare(c, 'changed again');
	END LOOP;
END $$;
DO $$ BEGIN PERFORM drop_widget('shop.w' || r) FROM shop.call; END $$;
CALL shop.change_and_compare(1, 40);
VACUUM shop.products;
CALL shop.change_and_compare(41, 80);
VACUUM shop.products;
CALL shop.change_and_compare(81, 120);
VACUUM shop.products;
