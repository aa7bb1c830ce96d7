-- Rules of widgets: what may be in a list, in what order, and what is refused when a widget is made.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET search_path = public, personalize;
SET TimeZone = 'UTC';

CREATE SCHEMA shop;
CREATE TABLE shop.products (id int PRIMARY KEY, name text NOT NULL, price numeric, category text, brand text, available boolean NOT NULL, margin int NOT NULL,
							since date, until timestamptz, created timestamptz NOT NULL);
INSERT INTO shop.products VALUES
	(1, 'espresso machine', 400, 'machines', 'Aroma', true, 20, NULL, NULL, '2026-01-01'),
	(2, 'filter machine', 100, 'machines', 'Brew', true, 10, NULL, NULL, '2026-01-01'),
	(3, 'grinder', 120, 'machines', 'Aroma', true, 30, NULL, NULL, '2026-01-01'),
	(4, 'beans', 12, 'coffee', 'Roast', true, 40, NULL, NULL, '2026-01-01'),
	(5, 'ground coffee', 10, 'coffee', 'Roast', false, 35, NULL, NULL, '2026-01-01'),
	(6, 'decaf', 11, 'coffee', 'Aroma', true, 5, NULL, '2026-06-01', '2026-01-01'),
	(7, 'filters', 3, 'supplies', 'Brew', true, 50, NULL, NULL, '2026-01-01'),
	(8, 'cup', 8, 'cups', 'Brew', true, 45, '2026-06-15', NULL, '2026-01-01'),
	(9, 'glass', NULL, 'cups', NULL, true, 45, NULL, NULL, '2026-01-01'),
	(10, 'travel mug', 25, NULL, 'Aroma', true, 25, NULL, NULL, '2026-01-01'),
	(11, 'kettle', 110, 'machines', 'Brew', true, 15, NULL, NULL, '2026-05-20'),
	(12, 'scale', 60, 'supplies', 'Aroma', true, 15, NULL, NULL, '2026-05-25');
CREATE TABLE shop.lines (customer int NOT NULL, product int NOT NULL, at timestamptz NOT NULL);
-- the more often bought with the espresso machine, the smaller the number
INSERT INTO shop.lines SELECT c, p, '2026-03-01' FROM generate_series(1, 20) AS c, generate_series(1, 10) AS p WHERE p <= c;
INSERT INTO shop.lines VALUES (100, 4, '2026-05-31'), (100, 7, '2026-01-01');
CREATE INDEX ON shop.lines (customer);
SELECT create_catalog('shop.catalog', 'shop.products', 'id', price => 'price', category => 'category', created => 'created');
SELECT create_history('shop.customers', 'shop.lines', 'customer', 'product', happened => 'at', catalog => 'shop.catalog');
SELECT create_cooccurrence('shop.together', 'shop.customers', measure => 'cosine');
CALL refresh();

-- One widget, made again for each of the rules; its list in one line, on the day 2026-06-01.
CREATE FUNCTION made(filter text DEFAULT NULL, rules jsonb DEFAULT NULL, exclude text[] DEFAULT NULL, max_per_category int DEFAULT NULL, max_per jsonb DEFAULT NULL,
					 diversity float8 DEFAULT 0, shuffle int DEFAULT 0, explore float8 DEFAULT 0, sources jsonb DEFAULT '{"shop.together": 1}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF to_regproc('shop.w') IS NOT NULL THEN
		PERFORM drop_widget('shop.w');
	END IF;
	PERFORM create_widget('shop.w', sources => made.sources, histories => '{"bought": "shop.customers"}', filter => made.filter, exclude => made.exclude, rules => made.rules,
						  max_per_category => made.max_per_category, max_per => made.max_per, diversity => made.diversity, shuffle => made.shuffle, explore => made.explore);
	RETURN 'made';
END $$;
CREATE FUNCTION listed(item int DEFAULT NULL, customer int DEFAULT NULL, cart int[] DEFAULT NULL, category text DEFAULT NULL, session int[] DEFAULT NULL, k int DEFAULT 12, "offset" int DEFAULT 0,
					   exclude int[] DEFAULT NULL, among int[] DEFAULT NULL, as_of timestamptz DEFAULT '2026-06-01 12:00', seed bigint DEFAULT 0) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT string_agg(item::text, '' '' ORDER BY rank) FROM shop.w(customer => $1, item => $2, cart => $3, category => $4, session => $5, k => $6, "offset" => $7, exclude => $8, among => $9, as_of => $10, seed => $11)'
	   INTO result USING customer, item, cart, category, session, k, "offset", exclude, among, as_of, seed;
	RETURN result;
END $$;

-- no rules: neighbors, then the rest; never the item itself, nor what is in the cart
SELECT made();
SELECT listed(1), listed(1, k => 4), listed(1, k => 4, "offset" => 4), listed(1, cart => '{2,4}');
SELECT listed(), listed(k => 100, "offset" => 11), listed(k => 5, "offset" => 100) IS NULL AS past_the_end;
SELECT listed(1, exclude => '{2,3,999}'), listed(1, among => '{12,8,4,8,999}'), listed(among => '{}') IS NULL AS nothing;
SELECT listed(1, category => 'cups'), listed(1, category => 'unknown') IS NULL AS nothing;
-- the product table as it is now, also in this transaction
BEGIN;
DELETE FROM shop.products WHERE id = 3;
UPDATE shop.products SET category = 'cups' WHERE id = 2;
INSERT INTO shop.products VALUES (50, 'new cup', 9, 'cups', 'Brew', true, 1, NULL, NULL, '2026-05-31'), (40, 'newer cup', 9, 'cups', 'Brew', true, 1, NULL, NULL, '2026-05-31');
SELECT listed(1), listed(1, category => 'cups');
ROLLBACK;
SELECT listed(1, category => 'cups');

-- filters
SELECT made(filter => 'available'); SELECT listed(1);
SELECT made(filter => 'products.margin >= 40 AND name !~ ''^b'' -- of which there is enough'); SELECT listed(1);
SELECT made(filter => 'created > as_of - interval ''30 days'''); SELECT listed(1), listed(1, as_of => '2027-01-01') IS NULL AS nothing;
SELECT made(filter => 'false'); SELECT listed(1) IS NULL AS nothing;
SELECT made(filter => 'NULL'); SELECT listed(1) IS NULL AS nothing;
SELECT made(filter => '(CASE WHEN price > 50 THEN brand END) IN (''Aroma'', ''Brew'')'); SELECT listed(1);
SELECT made(rules => '{"where": ["available", "price < 100"]}'); SELECT listed(1);
SELECT made(filter => 'available', rules => '{"where": "margin > 20"}'); SELECT listed(1);

-- filters that are none
SELECT made(filter => '');
SELECT made(filter => '  ');
SELECT made(filter => 'available;');
SELECT made(filter => 'available; DROP TABLE shop.products');
SELECT made(filter => 'true) OR (true');
SELECT made(filter => 'true) FROM shop.products; DELETE FROM shop.products; --');
SELECT made(filter => 'available) UNION SELECT (true');
SELECT made(filter => 'available UNION SELECT true');
SELECT made(filter => 'available, true');
SELECT made(filter => 'available AS a');
SELECT made(filter => 'available a');
SELECT made(filter => 'DISTINCT available');
SELECT made(filter => 'ALL available');
SELECT made(filter => 'available FROM shop.products');
SELECT made(filter => 'available ORDER BY 1');
SELECT made(filter => 'available LIMIT 1');
SELECT made(filter => 'available FOR UPDATE');
SELECT made(filter => 'true INTO shop.stolen');
SELECT made(filter => 'true /* never closed');
SELECT made(filter => 'name = ''never closed');
SELECT made(filter => '*');
SELECT made(filter => 'products.*');
SELECT made(filter => '(SELECT true)');
SELECT made(filter => 'id IN (SELECT product FROM shop.lines)');
SELECT made(filter => 'EXISTS (TABLE shop.lines)');
SELECT made(filter => 'id = ANY (ARRAY(SELECT 1))');
SELECT made(filter => 'price > $1');
SELECT made(filter => '$2');
SELECT made(filter => 'count(*) > 0');
SELECT made(filter => 'bool_and(available)');
SELECT made(filter => 'rank() OVER () = 1');
SELECT made(filter => 'generate_series(1, 2) = 1');
SELECT made(filter => 'random() < 0.5');
SELECT made(filter => 'nextval(''shop.s'') > 0');
SELECT made(filter => 'margin');
SELECT made(filter => 'stock > 0');
SELECT made(filter => 'lines.at > now()');
SELECT made(filter => 'available AND margin >> ''a''');
SELECT made(rules => '{"where": "available; SELECT 1"}');
SELECT made(rules => '{"boost": {"where": "true) * (7", "factor": 2}}');
SELECT made(rules => '{"bury": {"where": "sum(margin) > 1"}}');
SELECT count(*) FROM shop.products;
-- names are those of pg_catalog, whoever calls: a function of the same name in the caller's path is none of them
CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
SELECT made(filter => 'lower(brand) = ''aroma''');
SET search_path = shop, public, personalize, pg_catalog;
SELECT listed(1);
SET search_path = public, personalize;
DROP FUNCTION shop.lower(text);

-- prices, compared with the item's or the cart's
SELECT made(rules => '{"price": {"min": 1.1, "max": 1.6}}'); SELECT listed(2), listed(4), listed(9), listed();
SELECT made(rules => '{"price": {"max": 0.6, "of": "cart"}}'); SELECT listed(1, cart => '{8,10}'), listed(1, cart => '{9}'), listed(1);
SELECT made(rules => '{"price": {"min": 1.1}}'); SELECT listed(5), listed(2);
-- what closes the gap, the nearest first
SELECT made(rules => '{"price_fill": {"to": 30}}'); SELECT listed(1, cart => '{4,8}'), listed(1, cart => '{1}', k => 3), listed(1, k => 3);
SELECT made(rules => '{"price_fill": {"to": 30}, "price": {"max": 2.5}}'); SELECT listed(2, cart => '{4,8}');

-- categories
SELECT made(rules => '{"category": "same"}'); SELECT listed(4), listed(10, k => 3), listed(cart => '{4,9}'), listed(k => 3);
SELECT made(rules => '{"category": "other"}'); SELECT listed(4), listed(cart => '{4,9}');

-- dates: from the first moment of a day, until the moment itself
SELECT made(rules => '{"dates": {"from": "since", "until": "until"}}');
SELECT listed(1, as_of => '2026-05-31 23:59'), listed(1, as_of => '2026-06-01'), listed(1, as_of => '2026-06-15');
ALTER TABLE shop.products ADD last_day date;
UPDATE shop.products SET last_day = '2026-06-01' WHERE id = 2;
SELECT made(rules => '{"dates": {"until": "last_day"}}');
SELECT listed(1, k => 2, as_of => '2026-06-01 23:59'), listed(1, k => 2, as_of => '2026-06-02');

-- keys
SELECT made(rules => '{"include": [10, "7", 1, 999], "exclude": [2, "3"], "cart": "keep"}'); SELECT listed(1), listed(cart => '{4,10}');
SELECT item, reason FROM shop.w(item => 1, k => 3);

-- boosts multiply a score, and what is buried comes last of its level
SELECT made(rules => '{"boost": [{"where": "brand = ''Brew''", "factor": 3}, {"where": "category = ''cups''", "factor": 0.5}], "bury": {"where": "margin > 45"}}');
SELECT listed(1);
SELECT item, round(score::numeric, 7) AS score FROM shop.w(item => 1, as_of => '2026-06-01') ORDER BY rank;
SELECT made(rules => '{"boost": {"where": "margin = 50", "factor": 1000}}'); SELECT listed(1, k => 3);

-- what the customer did: on 2026-05-31, and on 2026-01-01
SELECT made(exclude => '{bought}'); SELECT listed(1, customer => 100), listed(1);
SELECT made(exclude => '{bought 1 day}'); SELECT listed(1, customer => 100), listed(1, customer => 100, as_of => '2026-06-02 00:00');
SELECT made(exclude => '{bought 5 months, cart, session}'); SELECT listed(1, customer => 100), listed(1, customer => 100, session => '{2,3,2}', cart => '{5}');
BEGIN;
INSERT INTO shop.lines VALUES (100, 2, '2026-06-01');
SELECT listed(1, customer => 100);
ROLLBACK;

-- caps, and slots, greedily from the beginning
SELECT made(max_per_category => 1); SELECT listed(1), listed(1, k => 3, "offset" => 3);
SELECT made(max_per => '{"brand": 1, "category": 2}'); SELECT listed(1);
SELECT made(max_per => '{"available": 3}'); SELECT listed(1);
SELECT made(sources => '{"shop.together": 1, "new_arrivals": {"weight": 0.001, "slots": [2, 3]}}');
SELECT listed(1), listed(1, k => 2);

-- the first ones by chance, the same for the same seed
SELECT made(shuffle => 4);
SELECT listed(1), listed(1, seed => 1), listed(1, seed => 2), listed(1, k => 2, seed => 2), listed(1, k => 2, "offset" => 2, seed => 2);
SELECT count(DISTINCT listed(1, k => 4, seed => s)) FROM generate_series(1, 300) AS s;

-- diversity: alike is what is bought together
SELECT made(diversity => 0.5); SELECT listed(2), listed(2, k => 4);
SELECT made(diversity => 1); SELECT listed(2);

-- exploration: new products, each as likely as any other, at one position of two
SELECT made(explore => 0.5);
SELECT rank, item, reason, propensity FROM shop.w(item => 1, k => 6, seed => 1, as_of => '2026-06-01') ORDER BY rank;
SELECT sum((item IN (11, 12))::int) AS new, min(propensity) AS least FROM generate_series(1, 200) AS s, shop.w(item => 1, k => 2, seed => s, as_of => '2026-06-01');
SELECT abs(count(*) FILTER (WHERE item = 11) - 100) < 40 AS even FROM generate_series(1, 200) AS s, shop.w(item => 1, k => 2, seed => s, as_of => '2026-06-01') WHERE item IN (11, 12);
SELECT made(explore => 1, filter => 'id <> 11');
SELECT rank, item, propensity FROM shop.w(item => 1, k => 3, as_of => '2026-06-01') ORDER BY rank;

-- nothing but what sources offer, pins, and what the call names
SELECT made(rules => '{"rest": "none"}'); SELECT listed(5), listed(12) IS NULL AS nothing, listed() IS NULL AS nobody, listed(5, k => 3, "offset" => 8), listed(among => '{12,8}');
SELECT made(rules => '{"rest": "none", "include": [12]}', sources => '{"recently_viewed": {"event": "bought"}}'); SELECT listed(customer => 100), listed(), listed(session => '{3,10}');
SELECT step, detail FROM explain_recommendation('shop.w', 100, 2) UNION ALL SELECT step, detail FROM explain_recommendation('shop.w', 100, 7) WHERE step IN ('removed', 'rank');
SELECT made(rules => '{"rest": "all"}'); SELECT listed(12, k => 3);

-- rules that are not understood
SELECT made(rules => '[]');
SELECT made(rules => '{"prize": {"min": 1}}');
SELECT made(rules => '{"price": 2}');
SELECT made(rules => '{"price": {"least": 2}}');
SELECT made(rules => '{"price": {"min": -1}}');
SELECT made(rules => '{"price": {"min": "1"}}');
SELECT made(rules => '{"price": {"min": 2, "max": 1}}');
SELECT made(rules => '{"price": {"of": "basket"}}');
SELECT made(rules => '{"price_fill": {}}');
SELECT made(rules => '{"price_fill": {"to": 0}}');
SELECT made(rules => '{"price_fill": {"to": -5}}');
SELECT made(rules => '{"category": "different"}');
SELECT made(rules => '{"cart": true}');
SELECT made(rules => '{"rest": "some"}');
SELECT made(rules => '{"where": ""}');
SELECT made(rules => '{"where": [["available"]]}');
SELECT made(rules => '{"boost": {"where": "available"}}');
SELECT made(rules => '{"boost": {"where": "available", "factor": 0}}');
SELECT made(rules => '{"boost": [{"where": "available", "factor": "NaN"}]}');
SELECT made(rules => '{"bury": {"where": "available", "factor": 2}}');
SELECT made(rules => '{"dates": {"from": "started"}}');
SELECT made(rules => '{"dates": {"from": "name"}}');
SELECT made(rules => '{"include": ["one"]}');
SELECT made(rules => '{"exclude": [null]}');
SELECT made(rules => '{"exclude": [1.5]}');
SELECT made(rules => '{"cart": "keep"}', exclude => '{cart}');
SELECT made(exclude => '{eaten}');
SELECT made(exclude => '{bought soon}');
SELECT made(exclude => '{bought -1 day}');
SELECT made(max_per => '[2]');
SELECT made(max_per => '{"brand": 0}');
SELECT made(max_per => '{"brand": 1.5}');
SELECT made(max_per => '{"seller": 2}');

-- a catalog without a product table has nothing to ask, and says so
CREATE TABLE shop.others (customer int NOT NULL, product int NOT NULL);
INSERT INTO shop.others SELECT c, p FROM generate_series(1, 9) AS c, generate_series(1, 5) AS p WHERE p <= c;
CREATE INDEX ON shop.others (customer);
SELECT create_history('shop.others_h', 'shop.others', 'customer', 'product');
SELECT create_cooccurrence('shop.others_m', 'shop.others_h');
SELECT made(sources => '{"shop.others_m": 1}') ;
SELECT create_widget('shop.plain', sources => '{"shop.others_m": 1}', rules => '{"exclude": [2]}');
SELECT string_agg(item::text, ' ' ORDER BY rank) FROM shop.plain(item => 1);
SELECT string_agg(item::text, ' ' ORDER BY rank) FROM shop.plain(k => 2, "offset" => 1);
SELECT create_widget('shop.p2', sources => '{"shop.others_m": 1}', filter => 'available');
SELECT create_widget('shop.p2', sources => '{"shop.others_m": 1}', rules => '{"price": {"min": 1}}');
SELECT create_widget('shop.p2', sources => '{"shop.others_m": 1}', max_per_category => 2);
SELECT create_widget('shop.p2', sources => '{"shop.others_m": 1}', max_per => '{"brand": 2}');
SELECT create_widget('shop.p2', sources => '{"shop.others_m": 1}', explore => 0.1);
SELECT * FROM shop.plain(category => 'cups');

-- rights and policies of the product table are the caller's
SELECT made(filter => 'available');
CREATE ROLE regress_personalize_rules;
GRANT USAGE ON SCHEMA shop, personalize, public TO regress_personalize_rules;
GRANT SELECT ON shop.together, shop.customers TO regress_personalize_rules;
SET ROLE regress_personalize_rules;
SELECT listed(1);
RESET ROLE;
GRANT SELECT (id, available, category) ON shop.products TO regress_personalize_rules;
SET ROLE regress_personalize_rules;
SELECT listed(1);
RESET ROLE;
ALTER TABLE shop.products ENABLE ROW LEVEL SECURITY;
CREATE POLICY cheap ON shop.products TO regress_personalize_rules USING (id < 8);
SET ROLE regress_personalize_rules;
SELECT listed(1);
RESET ROLE;
SELECT listed(1);
-- a column of the filter is renamed, and dropped
ALTER TABLE shop.products RENAME available TO is_there;
SELECT listed(1);
ALTER TABLE shop.products RENAME is_there TO available;
SELECT listed(1);

DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_personalize_rules;
DROP ROLE regress_personalize_rules;
DROP FUNCTION made, listed;
