-- Catalogs, made by a role without special rights.
CREATE ROLE regress_personalize_shop;
CREATE SCHEMA catalog_shop AUTHORIZATION regress_personalize_shop;
SET ROLE regress_personalize_shop;
CREATE DOMAIN catalog_shop.money AS numeric(10,2);
CREATE TABLE catalog_shop.products (sku varchar(20) PRIMARY KEY, name text, in_stock boolean, price catalog_shop.money, leaf text COLLATE "C", since date, parent integer);
INSERT INTO catalog_shop.products
SELECT 'p' || p, 'product ' || p, p <> 2, p * 1.5, 'leaf' || p % 2, date '2026-01-01' + p, p % 3 FROM generate_series(1, 5) AS p;
CREATE TABLE catalog_shop.lines (order_id integer, sku text);
CREATE INDEX ON catalog_shop.lines (order_id);
INSERT INTO catalog_shop.lines VALUES (1, 'p3'), (1, 'p1'), (2, 'p3'), (3, 'gone');

-- Bound to the shop's products: attributes have their types, and are filled by the first refresh
SELECT personalize.create_catalog('catalog_shop.items', products => 'catalog_shop.products', item => 'sku', available => 'in_stock', price => 'price',
	category => 'leaf', created => 'since', item_group => 'parent');
SELECT relation, item_type, implicit, products, log, item, available, price, category, created, item_group, refreshed
  FROM personalize.catalog WHERE relation = 'catalog_shop.items'::regclass;
SELECT a.attrelid::regclass AS relation, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
  FROM pg_attribute AS a WHERE a.attrelid IN ('catalog_shop.items'::regclass, 'catalog_shop.items_log'::regclass) AND a.attnum > 0
 ORDER BY a.attrelid::regclass::text COLLATE "C", a.attnum;
SELECT count(*) FROM catalog_shop.items;
-- the most popular items get the smallest codes, then those that nobody bought
SELECT personalize.create_history('catalog_shop.h', 'catalog_shop.lines', 'order_id', 'sku', catalog => 'catalog_shop.items');
SELECT * FROM catalog_shop.items ORDER BY code;
UPDATE catalog_shop.products SET price = 9.99, in_stock = true WHERE sku = 'p2';
INSERT INTO catalog_shop.products VALUES ('p6', 'new', true, 1, 'leaf0', '2026-02-01', 7);
DELETE FROM catalog_shop.products WHERE sku = 'p1';
SELECT item FROM catalog_shop.items_log ORDER BY item COLLATE "C";
SET client_min_messages = warning;
CALL personalize.refresh('catalog_shop.items');
RESET client_min_messages;
SELECT * FROM catalog_shop.items ORDER BY code;
SELECT count(*) FROM catalog_shop.items_log;
SELECT refreshed IS NOT NULL AS refreshed FROM personalize.catalog WHERE relation = 'catalog_shop.items'::regclass;

-- Bound to nothing: codes alone
SELECT personalize.create_catalog('catalog_shop.codes', item_type => 'uuid');
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute AS a WHERE a.attrelid = 'catalog_shop.codes'::regclass AND a.attnum > 0 ORDER BY a.attnum;

-- Products may be a view
CREATE TABLE catalog_shop.stock (sku text PRIMARY KEY, pieces integer);
CREATE VIEW catalog_shop.on_sale AS SELECT p.sku, s.pieces > 0 AS available FROM catalog_shop.products AS p JOIN catalog_shop.stock AS s ON s.sku = p.sku;
SELECT personalize.create_catalog('catalog_shop.sale', 'catalog_shop.on_sale', 'sku', available => 'available');
SELECT personalize.create_catalog('catalog_shop.sale', 'catalog_shop.on_sale', 'sku', available => 'available',
	watch => '{"catalog_shop.products": "sku", "catalog_shop.stock": "sku"}');
SELECT relation, key FROM personalize.watch ORDER BY id, relation::text COLLATE "C";

-- Errors
SELECT personalize.create_catalog(NULL);
SELECT personalize.create_catalog('catalog_shop.x');
SELECT personalize.create_catalog('catalog_shop.x', item_type => 'numeric');
SELECT personalize.create_catalog('catalog_shop.x', item_type => 'text', price => 'price');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'id');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'sku', item_type => 'bigint');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'sku', available => 'price');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'sku', price => 'name');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'sku', created => 'name');
SELECT personalize.create_catalog('catalog_shop.x', 'catalog_shop.products', 'sku', category => 'nothing');
SELECT personalize.create_catalog('catalog_shop.items', item_type => 'text');
SELECT personalize.create_history('catalog_shop.h2', 'catalog_shop.lines', 'order_id', 'sku', catalog => 'catalog_shop.codes');
SELECT personalize.create_history('catalog_shop.h2', 'catalog_shop.lines', 'order_id', 'sku', catalog => 'catalog_shop.lines');

-- In use
SELECT personalize.drop_catalog('catalog_shop.items');
SELECT personalize.drop_catalog('catalog_shop.h');
DROP TABLE catalog_shop.products;
DROP TABLE catalog_shop.items_log;
SELECT personalize.drop_history('catalog_shop.h');
SELECT personalize.drop_catalog('catalog_shop.items');
SELECT personalize.drop_catalog('catalog_shop.codes');
SELECT personalize.drop_catalog('catalog_shop.sale');
SELECT relname FROM pg_class WHERE relnamespace = 'catalog_shop'::regnamespace AND relkind = 'r' ORDER BY 1;
SELECT count(*) AS triggers FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid WHERE c.relnamespace = 'catalog_shop'::regnamespace;

-- A catalog that create_history made can be shared; it goes with the last history
SELECT personalize.create_history('catalog_shop.h', 'catalog_shop.lines', 'order_id', 'sku');
SELECT personalize.create_history('catalog_shop.h2', 'catalog_shop.lines', 'order_id', 'sku', catalog => 'catalog_shop.h_items');
SELECT personalize.drop_history('catalog_shop.h');
SELECT to_regclass('catalog_shop.h_items') AS items;
SELECT personalize.drop_history('catalog_shop.h2');
SELECT to_regclass('catalog_shop.h_items') AS items;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA catalog_shop CASCADE;
SELECT (SELECT count(*) FROM personalize.history) + (SELECT count(*) FROM personalize.catalog) + (SELECT count(*) FROM personalize.watch) AS entries;
DROP ROLE regress_personalize_shop;
