-- The Online Retail columns, as they come, into the tables that the generated shop has too. Rows arrive from stdin.
CREATE SCHEMA shop;
CREATE TABLE shop.online_retail (invoice_no text, stock_code text, description text, quantity integer, invoice_date timestamp, unit_price numeric, customer_id text, country text);
\copy shop.online_retail FROM pstdin WITH (FORMAT csv, HEADER)

-- A cancelled invoice starts with C; postage, manual entries, bank charges and vouchers are no products: their codes have no digit, but for two kinds.
CREATE VIEW shop.clean_lines AS
SELECT invoice_no, stock_code, NULLIF(btrim(description), '') AS description, quantity, unit_price, split_part(NULLIF(customer_id, ''), '.', 1)::bigint AS customer_id
  FROM shop.online_retail
 WHERE invoice_no !~* '^C' AND quantity > 0 AND unit_price > 0 AND stock_code ~ '[0-9]' AND stock_code !~* '^(C2|gift.*)$';

CREATE TABLE shop.order_lines AS
SELECT invoice_no AS order_id, stock_code AS product_id, min(customer_id) AS customer_id, sum(quantity)::integer AS quantity
  FROM shop.clean_lines WHERE stock_code IS NOT NULL GROUP BY invoice_no, stock_code;
ALTER TABLE shop.order_lines ADD PRIMARY KEY (order_id, product_id);

-- One stock code has been called many things: the most frequent name wins. Its last word serves as the category that the file lacks.
CREATE TABLE shop.products AS
SELECT DISTINCT ON (stock_code) stock_code AS product_id, regexp_replace(coalesce(description, stock_code), '\s+', ' ', 'g') AS name, regexp_replace(coalesce(description, stock_code), '^.* ', '') AS category
  FROM shop.clean_lines GROUP BY stock_code, description ORDER BY stock_code, description IS NULL, count(*) DESC, description;
ALTER TABLE shop.products ADD PRIMARY KEY (product_id);
ANALYZE shop.order_lines, shop.products;
