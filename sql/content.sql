-- All of this as a role without special rights, on its own tables.
CREATE ROLE regress_personalize_shop;
CREATE ROLE regress_personalize_other;
CREATE SCHEMA content_shop AUTHORIZATION regress_personalize_shop;
SET ROLE regress_personalize_shop;
SET client_min_messages = warning;
CREATE TABLE content_shop.products (id integer PRIMARY KEY, title text, brand varchar(20), tags text[], price numeric, stock integer);
INSERT INTO content_shop.products
SELECT i, CASE i % 3 WHEN 0 THEN 'Red SHOE no. ' ELSE 'blue shoe, ' END || i % 5, CASE WHEN i % 7 > 0 THEN 'b' || i % 4 END,
       ARRAY['t' || i % 5, 't' || i % 6, NULL], CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN -1 ELSE 10 * (i % 9) END, i
  FROM generate_series(1, 40) AS i;

SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', attributes => '{brand,tags}', words => '{title}', numbers => '{price}');

-- What is made
SELECT relation, kind, source, built, problem FROM personalize.status ORDER BY relation::text COLLATE "C";
SELECT interactions, basket, item, max_basket FROM personalize.history;
SELECT token, count(*) AS items FROM content_shop.similar_tokens GROUP BY token ORDER BY token COLLATE "C";

-- Counted plainly: a value of d products, 2 to 500, weighs 2^(-floor(log2 d) / 2); scores are the cosine
CREATE FUNCTION content_shop.tokens() RETURNS TABLE (id integer, token text) LANGUAGE sql AS $$
	SELECT id, 'brand=' || brand FROM content_shop.products WHERE brand IS NOT NULL
	UNION SELECT id, 'tags=' || t FROM content_shop.products, unnest(tags) AS t WHERE t IS NOT NULL
	UNION SELECT id, 'title:' || w FROM content_shop.products, regexp_split_to_table(lower(title), '[^a-z0-9]+') AS w WHERE length(w) >= 2
	UNION SELECT id, 'price~' || floor(2 * log(2::numeric, price)) FROM content_shop.products WHERE price > 0
$$;
CREATE FUNCTION content_shop.plain(most integer DEFAULT 500) RETURNS TABLE (item integer, neighbor integer, n float8, score float8) LANGUAGE sql AS $$
	WITH t AS (SELECT id, token, count(*) OVER (PARTITION BY token) AS d FROM content_shop.tokens()),
	w AS (SELECT id, token, round(65536 * power(2::float8, -0.5 * (32 - position('1' IN d::integer::bit(32)::text)))) / 65536 AS w FROM t WHERE d BETWEEN 2 AND most),
	n AS (SELECT id, sum(w) AS n FROM w GROUP BY id)
	SELECT a.id, b.id, sum(a.w), sum(a.w) / sqrt(na.n * nb.n)
	  FROM w AS a JOIN w AS b USING (token) JOIN n AS na ON na.id = a.id JOIN n AS nb ON nb.id = b.id WHERE a.id <> b.id GROUP BY 1, 2, na.n, nb.n
$$;
CREATE FUNCTION content_shop.differences(most integer DEFAULT 500) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT m.item, u.neighbor, u.n, u.score FROM content_shop.similar AS m, unnest(m.neighbors, m.counts, m.scores) AS u(neighbor, n, score)) AS m
	  FULL JOIN content_shop.plain(most) AS p USING (item, neighbor)
	 WHERE m.n IS DISTINCT FROM p.n OR abs(m.score - p.score) > 1e-12 OR m.score IS NULL OR p.score IS NULL
$$;
SELECT count(*) > 500 AS pairs, content_shop.differences() FROM content_shop.plain();
SELECT neighbors[1:5] FROM content_shop.similar WHERE item = 8;

-- Kept exact
UPDATE content_shop.products SET brand = 'b3', tags = '{t1}' WHERE id = 8;
INSERT INTO content_shop.products VALUES (50, 'shoe for her', 'b1', '{t2,t2}', 41, 1), (51, NULL, NULL, NULL, 'NaN', 1);
DELETE FROM content_shop.products WHERE id IN (3, 4);
SELECT count(*) > 0 AS differs FROM content_shop.plain() HAVING content_shop.differences() > 0;
CALL personalize.refresh('content_shop.similar_baskets');
SELECT content_shop.differences();
SELECT * FROM personalize.verify('content_shop.similar');
TRUNCATE content_shop.products;
INSERT INTO content_shop.products SELECT i, 'one', 'b' || i % 2, '{}', NULL, 0 FROM generate_series(1, 9) AS i;
CALL personalize.refresh('content_shop.similar_baskets');
SELECT count(*) AS pairs, content_shop.differences() FROM content_shop.plain();
SELECT personalize.drop_content('content_shop.similar');
SELECT count(*) FROM personalize.history;
SELECT relname FROM pg_class WHERE relnamespace = 'content_shop'::regnamespace ORDER BY relname COLLATE "C";

-- A value of too many products does not count, until it is one of fewer
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', words => '{title}', max_items => 8);
SELECT count(*) AS pairs, content_shop.differences(8) FROM content_shop.plain(8);
DELETE FROM content_shop.products WHERE id = 9;
CALL personalize.refresh('content_shop.similar_baskets');
SELECT count(*) AS pairs, content_shop.differences(8) FROM content_shop.plain(8);
SELECT * FROM personalize.verify('content_shop.similar');
SELECT personalize.drop_content('content_shop.similar');

-- The catalog of the same products is shared; of several, one has to be named
SELECT personalize.create_catalog('content_shop.items', 'content_shop.products', 'id');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', measure => 'llr', damping => 0, neighbors => 3, build => false);
SELECT c.relation FROM personalize.history JOIN personalize.catalog AS c ON c.id = catalog_id;
CALL personalize.refresh('content_shop.similar_baskets');
SELECT item, neighbors FROM content_shop.similar ORDER BY item LIMIT 2;
SELECT personalize.drop_content('content_shop.similar');
SELECT personalize.create_catalog('content_shop.items_too', 'content_shop.products', 'id');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items_too');
SELECT personalize.drop_content('content_shop.similar');

-- Names and values that need quotes, long values, texts as keys
CREATE TABLE content_shop."It's ""a"" table" ("The id" uuid PRIMARY KEY, "it's; a ""column""" text);
INSERT INTO content_shop."It's ""a"" table" SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, CASE WHEN i < 4 THEN '''; DROP TABLE x; --' ELSE repeat('é', 5000 + i) END FROM generate_series(1, 7) AS i;
SELECT personalize.create_content('content_shop."My ""similar"""', 'content_shop."It''s ""a"" table"', 'The id', ARRAY['it''s; a "column"'::name]);
SELECT item, neighbors FROM content_shop."My ""similar""" ORDER BY item;
UPDATE content_shop."It's ""a"" table" SET "it's; a ""column""" = 'x' WHERE "The id" = '00000000-0000-0000-0000-000000000001';
CALL personalize.refresh('content_shop."My ""similar""_baskets"');
SELECT * FROM personalize.verify('content_shop."My ""similar"""');
SELECT personalize.drop_content('content_shop."My ""similar"""');

-- Mistakes
SELECT personalize.create_content(NULL, 'content_shop.products', 'id', '{brand}');
SELECT personalize.create_content('content_shop.similar', NULL, 'id', '{brand}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', NULL, '{brand}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{color}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand,NULL}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', numbers => '{title}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'price', '{brand}');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items', max_items => 1);
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items', damping => 'NaN');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items', measure => 'likeness');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items', neighbors => 0);
SELECT personalize.create_content('content_shop.products', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items');
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.products');
CREATE VIEW content_shop.shown AS SELECT * FROM content_shop.products;
SELECT personalize.create_content('content_shop.similar', 'content_shop.shown', 'id', '{brand}');
SELECT personalize.drop_content('content_shop.products');
SELECT personalize.create_history('content_shop.h', 'content_shop.products', 'stock', 'id', catalog => 'content_shop.items');
SELECT personalize.create_cooccurrence('content_shop.m', 'content_shop.h');
SELECT personalize.drop_content('content_shop.m');
SELECT personalize.drop_history('content_shop.h', cascade => true);

-- Rights: to read the columns, to make triggers, to drop
SELECT personalize.create_content('content_shop.similar', 'content_shop.products', 'id', '{brand}', catalog => 'content_shop.items');
GRANT USAGE, CREATE ON SCHEMA content_shop TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_content('content_shop.mine', 'content_shop.products', 'id', '{brand}');
SELECT personalize.drop_content('content_shop.similar');
RESET ROLE;
GRANT SELECT (id, brand) ON content_shop.products TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_content('content_shop.mine', 'content_shop.products', 'id', '{brand}', words => '{title}');
SELECT personalize.create_content('content_shop.mine', 'content_shop.products', 'id', '{brand}');
RESET ROLE;
GRANT TRIGGER ON content_shop.products TO regress_personalize_other;
SET ROLE regress_personalize_other;
SELECT personalize.create_content('content_shop.mine', 'content_shop.products', 'id', '{brand}');
SELECT personalize.drop_content('content_shop.mine');
RESET ROLE;

DROP SCHEMA content_shop CASCADE;
DROP ROLE regress_personalize_shop, regress_personalize_other;
