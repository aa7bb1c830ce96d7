-- The Online Retail columns, as they come, into the tables that the generated shop has too. Rows arrive from stdin.
CREATE SCHEMA shop;
CREATE TABLE shop.online_retail (invoice_no text, stock_code text, description text, quantity integer, invoice_date timestamp, unit_price numeric, customer_id text, country text,
	line bigint GENERATED ALWAYS AS IDENTITY);
\copy shop.online_retail (invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country) FROM pstdin WITH (FORMAT csv, HEADER)

-- Products only: postage, carriage, fees, discounts, samples, manual entries and vouchers are none. Codes are typed in either case.
CREATE VIEW shop.lines AS
SELECT line, invoice_no, invoice_no ~* '^C' AS cancels, upper(stock_code) AS product_id, NULLIF(btrim(description), '') AS description, quantity, unit_price, invoice_date,
	split_part(NULLIF(customer_id, ''), '.', 1)::bigint AS customer_id
  FROM shop.online_retail
 WHERE stock_code !~* '^(POST|DOT|C2|M|D|S|B|BANK CHARGES|AMAZONFEE|CRUK|gift_.*)$';

-- A cancellation is an invoice of its own, starting with C. It takes back the last line before it with the same customer, product and quantity;
-- of a line that is cancelled in part, something stays bought.
CREATE TABLE shop.taken_back AS
SELECT DISTINCT sold.line
  FROM (SELECT DISTINCT ON (c.line) o.line
		  FROM shop.lines AS c JOIN shop.lines AS o ON o.customer_id = c.customer_id AND o.product_id = c.product_id AND o.quantity = -c.quantity AND o.invoice_date <= c.invoice_date
		 WHERE c.cancels AND NOT o.cancels AND o.quantity > 0
		 ORDER BY c.line, o.invoice_date DESC, o.line DESC) AS sold;

CREATE VIEW shop.sold AS
SELECT * FROM shop.lines AS l
 WHERE NOT cancels AND quantity > 0 AND unit_price > 0 AND NOT EXISTS (SELECT FROM shop.taken_back AS t WHERE t.line = l.line);

CREATE TABLE shop.order_lines AS
SELECT invoice_no AS order_id, product_id, min(customer_id) AS customer_id, sum(quantity)::integer AS quantity FROM shop.sold GROUP BY invoice_no, product_id;
ALTER TABLE shop.order_lines ADD PRIMARY KEY (order_id, product_id);

-- One product has been called many things: the most frequent name wins. Its last word serves as the category that the file lacks.
CREATE TABLE shop.products AS
SELECT DISTINCT ON (product_id) product_id, regexp_replace(coalesce(description, product_id), '\s+', ' ', 'g') AS name, regexp_replace(coalesce(description, product_id), '^.* ', '') AS category
  FROM shop.sold GROUP BY product_id, description ORDER BY product_id, description IS NULL, count(*) DESC, description;
ALTER TABLE shop.products ADD PRIMARY KEY (product_id);
ANALYZE shop.order_lines, shop.products;
