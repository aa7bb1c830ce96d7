-- Each source gives what plain SQL gives.  All of this as a role without special rights, on its own tables.
CREATE ROLE regress_personalize_shop;
CREATE ROLE regress_personalize_visitor;
CREATE SCHEMA sources_shop AUTHORIZATION regress_personalize_shop;
SET ROLE regress_personalize_shop;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET search_path = sources_shop, public;
CREATE TABLE products (id bigint PRIMARY KEY, name text, brand text, price numeric, old_price numeric, available boolean NOT NULL, listed_on timestamptz);
INSERT INTO products
SELECT i, 'thing ' || i, 'b' || i % 5, 10 + i % 17, CASE i % 4 WHEN 0 THEN 20 + i % 13 WHEN 1 THEN 'NaN'::numeric END, i % 6 > 0,
       timestamptz '2026-03-01 00:00+00' + (i * 37 % 60) * interval '1 day'
  FROM generate_series(1, 80) AS i;
UPDATE products SET listed_on = 'infinity' WHERE id = 7;
UPDATE products SET listed_on = NULL WHERE id = 8;
CREATE TABLE purchases (customer integer, product bigint, bought_at timestamptz, quantity integer);
CREATE INDEX ON purchases (customer);
INSERT INTO purchases
SELECT c, 1 + (c * 11 + n * n * 7) % 23, timestamptz '2026-01-01 00:00+00' + (n * 9 + c % 4) * interval '1 day' + n * interval '1 hour', 1
  FROM generate_series(1, 30) AS c, generate_series(1, 14) AS n WHERE (c + n) % 5 > 0;
INSERT INTO purchases SELECT customer, product, bought_at + interval '20 minutes', 1 FROM purchases WHERE customer % 3 = 0;	-- lines of one order
INSERT INTO purchases SELECT 4, product, bought_at + interval '1 day', -quantity FROM purchases WHERE customer = 4 AND product < 9;	-- returned
CREATE TABLE views (customer integer, product bigint, viewed_at timestamptz);
CREATE INDEX ON views (customer);
INSERT INTO views SELECT c, 1 + (c * 5 + n * 3) % 79, timestamptz '2026-04-01 00:00+00' + n * interval '7 hours' FROM generate_series(1, 30) AS c, generate_series(1, 40) AS n;
CREATE TABLE searches (query text, product bigint, term text GENERATED ALWAYS AS (personalize.normalize_term(query)) STORED);
CREATE INDEX ON searches (term);
INSERT INTO searches (query, product)
SELECT q, 1 + (length(q) * 7 + n * n) % 40 FROM unnest('{Red Shoes,"red  shoes!",red,shoes,"warm red shoes",warm,1.5l bottle,C++}'::text[]) AS q, generate_series(1, 6) AS n;

SELECT personalize.create_catalog('items', 'products', 'id', available => 'available', price => 'price', category => 'brand', created => 'listed_on');
SELECT personalize.create_history('bought_h', 'purchases', 'customer', 'product', happened => 'bought_at', weight => 'quantity', catalog => 'items');
SELECT personalize.create_history('viewed_h', 'views', 'customer', 'product', happened => 'viewed_at', catalog => 'items');
SELECT personalize.create_history('searches_h', 'searches', 'term', 'product', catalog => 'items');

-- Makes the widget w of one source
CREATE FUNCTION make(source jsonb, filter text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	SELECT personalize.create_widget('sources_shop.w', jsonb_build_array(source), histories => '{"bought": "sources_shop.bought_h", "viewed": "sources_shop.viewed_h"}',
		catalog => 'sources_shop.items', filter => filter, exclude => '{}')
$$;
-- Its items, ranks and scores against those of a query that gives item and score
CREATE FUNCTION compare(call text, plain text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	differ bigint;
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FILTER (WHERE w.rank IS DISTINCT FROM p.rank OR abs(w.score - p.score) > 1e-9), count(p.item)
		FROM (SELECT item, rank, score FROM sources_shop.w(%s, k => 1000) WHERE score > 0) AS w
		FULL JOIN (SELECT item, row_number() OVER (ORDER BY score DESC, item) AS rank, score / max(score) OVER () AS score FROM (%s) AS q) AS p USING (item)',
		call, plain) INTO differ, n;
	RETURN CASE WHEN differ = 0 THEN 'the same' ELSE differ || ' differ' END || ', ' || n || ' items';
END $$;
CREATE FUNCTION compare(source jsonb, call text, plain text, filter text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM sources_shop.make(source, filter);
	result := sources_shop.compare(call, plain);
	PERFORM personalize.drop_widget('sources_shop.w');
	RETURN result;
END $$;

-- new_arrivals: age on the scale of a half-life
SELECT compare('{"source": "new_arrivals"}', $$as_of => '2026-04-10 00:00+00'$$,
	$$SELECT id AS item, power(2, -extract(epoch FROM '2026-04-10 00:00+00' - listed_on)::float8 / 86400 / 30) AS score FROM products WHERE isfinite(listed_on) AND listed_on <= '2026-04-10 00:00+00'$$);
SELECT compare('{"source": "new_arrivals", "since": "10 days", "half_life": 3, "limit": 7}', $$as_of => '2026-04-10 00:00+00'$$,
	$$SELECT id AS item, power(2, -extract(epoch FROM '2026-04-10 00:00+00' - listed_on)::float8 / 86400 / 3) AS score FROM products
	   WHERE isfinite(listed_on) AND listed_on BETWEEN '2026-03-31 00:00+00' AND '2026-04-10 00:00+00' AND available AND price > 12 ORDER BY listed_on DESC, id LIMIT 7$$, filter => 'available AND price > 12');

-- on_sale: the share of the old price that is taken off, and whatever a condition calls a sale
SELECT compare('{"source": "on_sale", "list_price": "old_price"}', $$category => 'b3'$$,
	$$SELECT id AS item, (1 - price / old_price)::float8 AS score FROM products WHERE available AND brand = 'b3' AND old_price <> 'NaN' AND old_price > price$$, filter => 'available');
SELECT compare('{"source": "on_sale", "list_price": "old_price", "price": "price", "where": "brand = ''b1'' OR price < 15"}', 'item => 12',
	$$SELECT id AS item, (1 - price / old_price)::float8 AS score FROM products WHERE (brand = 'b1' OR price < 15) AND old_price <> 'NaN' AND old_price > price AND id <> 12$$);
SELECT compare('{"source": "on_sale", "where": "brand = ''b2''"}', 'seed => 1', $$SELECT id AS item, 1::float8 AS score FROM products WHERE brand = 'b2'$$);

-- curated: keys, a table with ranks
SELECT compare('{"source": "curated", "items": [33, "5", 33, 12, 1]}', 'item => 5', $$SELECT item, score FROM (VALUES (33, 1.0::float8), (12, 1.0 / 3), (1, 1.0 / 4)) AS v(item, score)$$);
CREATE TABLE picks (product smallint, place numeric);
INSERT INTO picks VALUES (9, 1), (3, 2.5), (4, 2.5), (3, 7), (NULL, 0), (5, NULL), (70, 'NaN');
SELECT make('{"source": "curated", "table": "picks", "item": "product", "rank": "place"}');
SET search_path = public;	-- whoever calls it
SELECT sources_shop.compare('seed => 1',
	$$SELECT product AS item, 1.0::float8 / row_number() OVER (ORDER BY min(place), product) AS score FROM sources_shop.picks WHERE place IS NOT NULL AND product IS NOT NULL GROUP BY product$$);
SET search_path = sources_shop, public;
SELECT personalize.drop_widget('w');

-- recently_viewed: the session, then the customer's views; a history that exists only of the other event
SELECT compare('{"source": "recently_viewed"}', 'customer => 3, session => ''{8,7,8,60}''',
	$$SELECT item, 1.0::float8 / row_number() OVER (ORDER BY min(place), item) AS score FROM (
		SELECT item, -ordinality AS place FROM unnest('{8,7,8,60}'::bigint[]) WITH ORDINALITY AS s(item, ordinality)
		UNION ALL SELECT product, 1e9 - extract(epoch FROM viewed_at - '2026-01-01') FROM views WHERE customer = 3) AS v GROUP BY item$$);
SELECT compare('{"source": "recently_viewed", "event": "bought", "limit": 4}', 'customer => 2',
	$$SELECT product AS item, 1.0::float8 / row_number() OVER (ORDER BY max(bought_at) DESC, product DESC) AS score FROM purchases WHERE customer = 2 GROUP BY product ORDER BY max(bought_at) DESC, product DESC LIMIT 4$$);

-- buy_again: (k + alpha) / (wait + beta)
CREATE FUNCTION again(who integer, as_of timestamptz, alpha float8 DEFAULT 1, beta float8 DEFAULT 30, otherwise float8 DEFAULT 30) RETURNS TABLE (item bigint, score float8) LANGUAGE sql AS $$
	WITH p AS (SELECT product, count(DISTINCT bought_at::date) FILTER (WHERE quantity > 0) AS k, min(bought_at) FILTER (WHERE quantity > 0) AS first, max(bought_at) FILTER (WHERE quantity > 0) AS last
		FROM purchases WHERE customer = who AND bought_at <= as_of GROUP BY product HAVING sum(quantity) > 0),
	usual AS (SELECT sum(extract(epoch FROM last - first) / 86400) / sum(k - 1) AS days FROM (
		SELECT min(bought_at) AS first, max(bought_at) AS last, count(DISTINCT bought_at::date) AS k FROM purchases
		 WHERE customer = who AND bought_at <= as_of AND quantity > 0 GROUP BY product) AS all_items WHERE k > 1),
	t AS (SELECT product, k, extract(epoch FROM as_of - last)::float8 / 86400 AS since,
		CASE WHEN k > 1 THEN extract(epoch FROM last - first)::float8 / 86400 / (k - 1) ELSE coalesce((SELECT days FROM usual), otherwise) END AS usual FROM p)
	SELECT product, (k + alpha) / (CASE WHEN since < 2 * usual THEN 2 * abs(usual - since) ELSE since END + beta) FROM t
$$;
SELECT compare('{"source": "buy_again"}', 'customer => 3, as_of => ''2026-05-20 12:00+00''', $$SELECT * FROM again(3, '2026-05-20 12:00+00')$$);
SELECT compare('{"source": "buy_again"}', 'customer => 4, as_of => ''2026-03-20''', $$SELECT * FROM again(4, '2026-03-20')$$);
SELECT compare('{"source": "buy_again", "alpha": 0.5, "beta": "7 days", "interval": 12}', 'customer => 5, as_of => ''2026-01-20''', $$SELECT * FROM again(5, '2026-01-20', 0.5, 7, 12)$$);
SELECT compare('{"source": "buy_again"}', 'customer => 77', $$SELECT 1 AS item, 1::float8 AS score WHERE false$$);
-- what this transaction has bought is not due, and due again after its rollback
SELECT make('{"source": "buy_again"}');
BEGIN;
SELECT item AS due FROM w(customer => 3, as_of => '2026-05-20', k => 1) \gset
INSERT INTO purchases VALUES (3, :due, '2026-05-19 23:59+00', 1);
SAVEPOINT bought;
SELECT compare('customer => 3, as_of => ''2026-05-20''', $$SELECT * FROM again(3, '2026-05-20')$$);
ROLLBACK TO bought;
SELECT rank > 1 AS later FROM w(customer => 3, as_of => '2026-05-20', k => 100) WHERE item = :due;
ROLLBACK;
SELECT compare('customer => 3, as_of => ''2026-05-20''', $$SELECT * FROM again(3, '2026-05-20')$$);
SELECT personalize.drop_widget('w');
-- with the probability that somebody buys an item again
SELECT personalize.create_repeat('repeats', 'bought_h');
SELECT compare('{"source": "buy_again", "repeat": "repeats"}', 'customer => 3, as_of => ''2026-05-20''',
	$$SELECT item, a.score * r.score AS score FROM again(3, '2026-05-20') AS a JOIN (SELECT u.* FROM repeats, unnest(items, scores) AS u(item, score) WHERE segment = '{}') AS r USING (item)$$);
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s) AS half FROM repeats, unnest(scores) AS s WHERE segment = '{}' \gset
SELECT compare(jsonb_build_object('source', 'buy_again', 'repeat', 'repeats', 'least', :half), 'customer => 3, as_of => ''2026-05-20''', format(
	$$SELECT item, a.score * r.score AS score FROM again(3, '2026-05-20') AS a JOIN (SELECT u.* FROM repeats, unnest(items, scores) AS u(item, score) WHERE segment = '{}') AS r USING (item) WHERE r.score >= %s$$, :half));

-- function: rows with scores, items alone, arguments by their names
CREATE FUNCTION near(k integer, item bigint, note text DEFAULT 'x') RETURNS TABLE (score numeric, item integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT 10 - abs(g - $2)::numeric, g FROM generate_series(1, least($1, 20)) AS g WHERE g <> $2 UNION ALL VALUES (NULL, 1), (3, NULL), (-1, 2), (0.5, 21), (0.25, 21)
$$;
SELECT make('{"source": "function", "function": "near"}');
SELECT sources FROM personalize.widgets;
SELECT compare('item => 9', $$SELECT g AS item, (10 - abs(g - 9))::float8 + CASE g WHEN 2 THEN -1 ELSE 0 END AS score FROM generate_series(1, 18) AS g WHERE g <> 9 UNION ALL VALUES (21, 0.75)$$);
CREATE FUNCTION echo(customer bigint, cart bigint[], session bigint[], category text, query text, segment text[], as_of timestamptz, seed bigint) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT unnest(ARRAY[$1, $2[1] + 1, $3[1] + 2, length($4), length($5), length($6[2]), extract(day FROM $7)::bigint, $8, $1])
$$;
SELECT make('{"source": "function", "function": "echo"}');
SELECT item, round(score::numeric, 3) AS score FROM w(customer => 31, cart => '{40,41}', session => '{50}', query => 'abcde', segment => '{a,abcdefg}', as_of => '2026-04-09', seed => 66) WHERE score > 0;
SELECT item, round(score::numeric, 3) AS score FROM w(as_of => '2026-04-09') WHERE score > 0;
SELECT personalize.drop_widget('w');
CREATE FUNCTION wrong(item bigint) RETURNS TABLE (item bigint, score float8) LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 1::bigint, 'NaN'::float8 $$;
SELECT make('{"source": "function", "function": "wrong"}');
SELECT * FROM w();
SELECT personalize.drop_widget('w');

-- terms: shares of the longest parts of the search that are known
SELECT personalize.normalize_term(t) FROM unnest(ARRAY['  Red, SHOES!! ', 'C++ & c#', '1.5L, 1,000 x 2. end.', '50% H&M', '...', '', 'a' || chr(9) || 'b']) AS t;
CREATE FUNCTION found(parts text[], left_out integer, of integer) RETURNS TABLE (item bigint, score float8) LANGUAGE sql AS $$
	SELECT product, sum(1.0 / (SELECT count(DISTINCT s.product) FROM searches AS s WHERE s.term = d.term)) * power(0.4, left_out) / of
	  FROM (SELECT DISTINCT term, product FROM searches WHERE term = ANY (parts)) AS d GROUP BY product
$$;
SELECT compare('{"source": "terms", "history": "searches_h"}', $$query => 'RED shoes'$$, $$SELECT * FROM found('{red shoes}', 0, 1) UNION ALL
	SELECT * FROM found('{red,shoes}', 1, 2) AS f WHERE NOT EXISTS (SELECT FROM found('{red shoes}', 0, 1) AS g WHERE g.item = f.item)$$);
SELECT compare('{"source": "terms", "history": "searches_h"}', $$query => 'very warm -- shoes'$$, $$SELECT * FROM found('{warm,shoes,very}', 2, 3)$$);
SELECT compare('{"source": "terms", "history": "searches_h"}', $$query => ' "C++" '$$, $$SELECT * FROM found('{c++}', 0, 1)$$);
SELECT make('{"source": "terms", "history": "searches_h"}');
SELECT count(*) FILTER (WHERE source = 'terms') FROM w(query => 'nothing like this');
SELECT count(*) FILTER (WHERE source = 'terms') FROM w(query => '?');
SELECT count(*) FILTER (WHERE source = 'terms') FROM w(query => repeat('red ', 100000));
SELECT count(*) FILTER (WHERE source = 'terms') FROM w();
SELECT personalize.drop_widget('w');

-- similar_content: a content model; blended with what people did
SELECT personalize.create_content('alike', 'products', 'id', '{brand}', numbers => '{price}');
SELECT personalize.create_cooccurrence('together', 'bought_h', measure => 'cosine');
SELECT compare('{"source": "similar_content"}', 'item => 12', $$SELECT u.item, u.score FROM alike AS m, unnest(neighbors, scores) AS u(item, score) WHERE m.item = 12$$);
SELECT compare('{"source": "similar_content", "blend": "together", "n0": 10}', 'cart => ''{12,3}''', $$
	WITH c AS (SELECT m.item AS seed, u.item, u.score / max(u.score) OVER (PARTITION BY m.item) AS score FROM alike AS m, unnest(neighbors, scores) AS u(item, score) WHERE m.item IN (12, 3)),
	b AS (SELECT m.item AS seed, u.item, u.score / max(u.score) OVER (PARTITION BY m.item) AS score FROM together AS m, unnest(neighbors, scores) AS u(item, score) WHERE m.item IN (12, 3)),
	x AS (SELECT seed, item, coalesce(c.score, 0) AS content, coalesce(b.score, 0) AS behavior FROM c FULL JOIN b USING (seed, item)),
	l AS (SELECT x.*, least(coalesce((SELECT n FROM together AS t WHERE t.item = x.seed), 0), coalesce((SELECT n FROM together AS t WHERE t.item = x.item), 0)) AS n FROM x)
	SELECT item, sum((1 - n / (n + 10)) * content + n / (n + 10) * behavior) AS score FROM l WHERE item NOT IN (12, 3) GROUP BY item$$);

-- Mistakes
SELECT make('{"source": "new_arrivals", "since": "soon"}');
SELECT make('{"source": "new_arrivals", "since": "-1 days"}');
SELECT make('{"source": "new_arrivals", "limit": 2.5}');
SELECT make('{"source": "new_arrivals", "limit": "2"}');
SELECT make('{"source": "new_arrivals", "older": 1}');
SELECT make('{"source": "on_sale"}');
SELECT make('{"source": "on_sale", "list_price": "was"}');
SELECT make('{"source": "on_sale", "list_price": "brand"}');
SELECT make('{"source": "on_sale", "where": "price"}');
SELECT make('{"source": "on_sale", "where": "true) OR (SELECT true FROM pg_class LIMIT 1"}');
SELECT make('{"source": "on_sale", "where": "true; DROP TABLE products"}');
SELECT make('{"source": "curated"}');
SELECT make('{"source": "curated", "items": [1], "table": "picks"}');
SELECT make('{"source": "curated", "items": [1], "rank": "place"}');
SELECT make('{"source": "curated", "items": 1}');
SELECT make('{"source": "curated", "items": [1, null]}');
SELECT make('{"source": "curated", "items": [1, "x"]}');
SELECT make('{"source": "curated", "items": [1.5]}');
SELECT make('{"source": "curated", "items": [99999999999999999999]}');
SELECT make('{"source": "curated", "table": "nowhere"}');
SELECT make('{"source": "curated", "table": "picks"}');
SELECT make('{"source": "curated", "table": "products", "item": "name", "rank": "id"}');
SELECT make('{"source": "curated", "table": "products", "item": "id", "rank": "available"}');
SELECT make('{"source": "recently_viewed", "event": "heard"}');
SELECT make('{"source": "buy_again", "event": "heard"}');
SELECT make('{"source": "buy_again", "alpha": 0}');
SELECT make('{"source": "buy_again", "beta": "NaN"}');
SELECT make('{"source": "buy_again", "least": 0.5}');
SELECT make('{"source": "buy_again", "repeat": "together"}');
SELECT make('{"source": "buy_again", "repeat": "repeats", "least": 1.5}');
SELECT personalize.create_history('timeless_h', 'purchases', 'customer', 'product', catalog => 'items');
SELECT personalize.create_widget('sources_shop.w', '{"buy_again": {}}', histories => '{"bought": "timeless_h"}', catalog => 'items');
SELECT make('{"source": "function"}');
SELECT make('{"source": "function", "function": "nothing"}');
SELECT make('{"source": "function", "function": "make"}');
SELECT make('{"source": "function", "function": "pg_catalog.count"}');
CREATE FUNCTION needs(what text) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::bigint';
SELECT make('{"source": "function", "function": "needs"}');
CREATE FUNCTION nameless(bigint) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::bigint';
SELECT make('{"source": "function", "function": "nameless"}');
CREATE FUNCTION unsafe() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
SELECT make('{"source": "function", "function": "unsafe"}');
CREATE FUNCTION shapeless() RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::bigint, 2';
SELECT make('{"source": "function", "function": "shapeless"}');
CREATE FUNCTION itemless() RETURNS TABLE (product bigint, score float8) LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::bigint, 2.0::float8';
SELECT make('{"source": "function", "function": "itemless"}');
CREATE FUNCTION needs(item bigint) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::bigint';
SELECT make('{"source": "function", "function": "needs"}');
SELECT make('{"source": "function", "function": "needs(bigint)"}');
SELECT personalize.drop_widget('w');
SELECT make('{"source": "terms"}');
SELECT make('{"source": "terms", "history": "picks"}');
SELECT make('{"source": "terms", "history": "bought_h"}');
SELECT make('{"source": "similar_content", "content": "products"}');
SELECT make('{"source": "similar_content", "n0": 3}');
SELECT make('{"source": "similar_content", "blend": "repeats"}');
SELECT make('{"source": "similar_content", "blend": "together", "n0": -1}');
SELECT personalize.create_content('similar_too', 'products', 'id', '{brand}');
SELECT make('{"source": "similar_content"}');
SELECT personalize.drop_content('similar_too');
SELECT make('{"source": "embedding", "table": "products", "item": "id", "vector": "name"}');
SELECT personalize.create_catalog('bare', item_type => 'bigint');
SELECT personalize.create_widget('sources_shop.w', '{"new_arrivals": {}}', catalog => 'bare');
SELECT personalize.create_widget('sources_shop.w', '{"on_sale": {"where": "true"}}', catalog => 'bare');
SELECT personalize.create_widget('sources_shop.w', '{"similar_content": {}}', catalog => 'bare');
SELECT personalize.create_catalog('undated', 'products', 'id');
SELECT personalize.create_widget('sources_shop.w', '{"new_arrivals": {}}', catalog => 'undated');

-- Rights are the caller's, at each call
SELECT personalize.create_widget('sources_shop.w_' || s, jsonb_build_object(s, o), histories => '{"bought": "bought_h"}', catalog => 'items', exclude => '{}')
  FROM (VALUES ('curated', '{"table": "picks", "item": "product", "rank": "place"}'::jsonb), ('function', '{"function": "near"}'), ('terms', '{"history": "searches_h"}'),
	('buy_again', '{}'), ('new_arrivals', '{}')) AS v(s, o) WHERE s IS NOT NULL;
GRANT USAGE ON SCHEMA sources_shop TO regress_personalize_visitor;
REVOKE EXECUTE ON FUNCTION near FROM PUBLIC;
SET ROLE regress_personalize_visitor;
SELECT count(*) FROM w_new_arrivals(k => 3);
RESET ROLE;
GRANT SELECT ON products, items, bought_h TO regress_personalize_visitor;
SET ROLE regress_personalize_visitor;
SELECT count(*) FROM w_new_arrivals(k => 3);
SELECT count(*) FROM w_curated(k => 3);
SELECT count(*) FROM w_function(item => 3, k => 3);
SELECT count(*) FROM w_terms(query => 'red', k => 3);
SELECT count(*) FROM w_buy_again(customer => 3, k => 3);
RESET ROLE;
GRANT SELECT ON picks, searches_h TO regress_personalize_visitor;
GRANT EXECUTE ON FUNCTION near TO regress_personalize_visitor;
SET ROLE regress_personalize_visitor;
SELECT count(*) FROM w_curated(k => 3) WHERE source = 'curated';
SELECT count(*) FROM w_function(item => 3, k => 3) WHERE source = 'function';
SELECT count(*) FROM w_terms(query => 'red', k => 3) WHERE source = 'terms';
SELECT count(*) FROM w_buy_again(customer => 3, k => 3) WHERE source = 'buy_again';
-- policies of rows of a table that a source reads hold
RESET ROLE;
ALTER TABLE picks ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON picks FOR SELECT TO regress_personalize_visitor USING (product = 4);
SET ROLE regress_personalize_visitor;
SELECT item FROM w_curated(k => 3) WHERE source = 'curated';
RESET ROLE;

-- Dropping what a widget reads is refused; what has been renamed is followed
SET ROLE regress_personalize_shop;
DROP TABLE picks;
ALTER TABLE picks RENAME TO choices;
ALTER TABLE choices DISABLE ROW LEVEL SECURITY;
SELECT personalize.alter_widget('w_curated', k => 5) IS NOT NULL AS altered;
SELECT sources FROM personalize.widgets WHERE function::text LIKE '%curated%';
SELECT item FROM w_curated(k => 3) WHERE source = 'curated';
DROP FUNCTION near;
\set VERBOSITY sqlstate
SELECT count(*) FROM w_function(item => 3);
\set VERBOSITY default
-- so is the second model of a blend; and a schema
SELECT personalize.create_cooccurrence('beside', 'bought_h', damping => 0.5);
SELECT personalize.create_widget('sources_shop.w_blend', '{"similar_content": {"blend": "beside"}}', histories => '{"bought": "bought_h"}', catalog => 'items') IS NOT NULL AS made;
CREATE TEMP TABLE before AS SELECT * FROM w_blend(item => 3);
DROP TABLE beside;
ALTER TABLE beside RENAME TO nearby;
SELECT count(*), count(*) FILTER (WHERE (w.item, w.score) IS DISTINCT FROM (b.item, b.score)) AS different FROM w_blend(item => 3) AS w FULL JOIN before AS b USING (rank);
SELECT sources, problem FROM personalize.widgets WHERE function::text LIKE '%w_blend%';
RESET ROLE;
ALTER SCHEMA sources_shop RENAME TO sources_renamed;
SELECT count(*), count(*) FILTER (WHERE (w.item, w.score) IS DISTINCT FROM (b.item, b.score)) AS different FROM sources_renamed.w_blend(item => 3) AS w FULL JOIN pg_temp.before AS b USING (rank);
SELECT function::regproc, problem FROM personalize.widgets WHERE problem IS NOT NULL AND function::text NOT LIKE '%w_function%';
ALTER SCHEMA sources_renamed RENAME TO sources_shop;
SET ROLE regress_personalize_shop;
DROP TABLE before;
SELECT personalize.drop_widget('w_blend'), personalize.drop_model('nearby');
SELECT personalize.drop_widget('w_' || s) FROM unnest('{curated,function,terms,buy_again,new_arrivals}'::text[]) AS s;

-- Cold start.  A visitor nobody knows: what his segment buys, then what the shop buys, then whatever there is
CREATE TABLE people (customer integer PRIMARY KEY, country text);
INSERT INTO people SELECT c, CASE WHEN c % 4 = 0 THEN 'FR' ELSE 'GB' END FROM generate_series(1, 30) AS c;
INSERT INTO purchases SELECT c, 70 + c % 3, '2026-05-01 00:00+00', 1 FROM generate_series(4, 28, 4) AS c;
SELECT personalize.create_popularity('popular', 'bought_h', segments => 'people', key => 'customer', by => '{country}');
SELECT personalize.create_widget('sources_shop.home', '{"together": 0.7, "similar_content": {"weight": 0.3, "blend": "together"}}', histories => '{"bought": "bought_h"}',
	catalog => 'items', filter => 'available', exclude => '{}', fallback => '{popular}');
CREATE FUNCTION popular_in(which text[]) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT (array_agg(u.item ORDER BY u.place))[1:5] FROM popular, unnest(items) WITH ORDINALITY AS u(item, place) JOIN products ON id = u.item AND available WHERE segment = which
$$;
SELECT popular_in('{}') <> popular_in('{FR}') AS segments_differ;
SELECT array_agg(item ORDER BY rank) = popular_in('{}') AS nobody FROM home(k => 5);
SELECT array_agg(item ORDER BY rank) = popular_in('{FR}') AS segment FROM home(k => 5, segment => '{FR}');
SELECT array_agg(item ORDER BY rank) = popular_in('{}') AS segment_nobody_is_in FROM home(k => 5, segment => '{XX}');
INSERT INTO people VALUES (99, 'FR');
CALL personalize.refresh('bought_h');
SELECT array_agg(item ORDER BY rank) = popular_in('{FR}') AS new_customer FROM home(k => 5, customer => 99);
SELECT count(*), count(DISTINCT item), count(*) FILTER (WHERE source IS NULL) > 0 AS the_rest FROM home(k => 1000);
SELECT (SELECT count(*) FROM products WHERE available) AS available;
-- a new product is known by its attributes until somebody buys it
INSERT INTO products VALUES (200, 'new', 'b2', 15, NULL, true, '2026-05-30');
CALL personalize.refresh('alike_baskets');
SELECT bool_and(source = 'similar_content' AND because = 200) AS by_attributes, count(*) FROM home(k => 5, item => 200);
SELECT rank <= 40 AS is_recommended, source FROM home(k => 1000, item => (SELECT m.item FROM alike AS m WHERE 200 = ANY (neighbors[1:10]) ORDER BY m.item LIMIT 1)) WHERE item = 200;
INSERT INTO purchases SELECT c, p, '2026-05-30 12:00+00', 1 FROM generate_series(100, 160) AS c, unnest('{200,2}'::bigint[]) AS p;
CALL personalize.refresh('bought_h');
SELECT item, source FROM home(k => 1, item => 200);

RESET ROLE;
DROP SCHEMA sources_shop CASCADE;
DROP ROLE regress_personalize_shop, regress_personalize_visitor;
