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

CREATE TABLE shop.sold AS
SELECT * FROM shop.lines AS l
 WHERE NOT cancels AND quantity > 0 AND unit_price > 0 AND NOT EXISTS (SELECT FROM shop.taken_back AS t WHERE t.line = l.line);

-- The file's last day becomes yesterday: what is trending is a question of now.
CREATE TABLE shop.order_lines AS
SELECT invoice_no AS order_id, product_id, min(customer_id) AS customer_id, sum(quantity)::integer AS quantity, min((invoice_date + moved) AT TIME ZONE 'UTC') AS ordered_at,
	sum(quantity * unit_price) AS amount
  FROM shop.sold, (SELECT date_trunc('day', now() AT TIME ZONE 'UTC') - date_trunc('day', max(invoice_date)) - interval '1 day' FROM shop.online_retail) AS m(moved)
 GROUP BY invoice_no, product_id;
ALTER TABLE shop.order_lines ADD PRIMARY KEY (order_id, product_id);
CREATE INDEX ON shop.order_lines (customer_id);
CREATE VIEW shop.purchases AS SELECT order_id, customer_id, product_id, ordered_at FROM shop.order_lines WHERE customer_id IS NOT NULL;
CREATE VIEW shop.order_totals AS
SELECT order_id, customer_id, min(ordered_at) AS ordered_at, sum(amount) AS total FROM shop.order_lines WHERE customer_id IS NOT NULL GROUP BY order_id, customer_id;

-- One product has been called many things: the most frequent name wins. Its last word serves as the category that the file lacks, its first
-- sale as the day it came, and what has not been sold for two months counts as sold out.
CREATE TABLE shop.products AS
SELECT DISTINCT ON (product_id) product_id, regexp_replace(coalesce(description, product_id), '\s+', ' ', 'g') AS name, regexp_replace(coalesce(description, product_id), '^.* ', '') AS category,
	price, ordered_at > now() - interval '60 days' AS available, created
  FROM shop.sold JOIN (SELECT product_id, max(ordered_at) AS ordered_at, min(ordered_at)::date AS created FROM shop.order_lines GROUP BY product_id) AS o USING (product_id)
  JOIN (SELECT DISTINCT ON (product_id) product_id, unit_price AS price FROM shop.sold ORDER BY product_id, invoice_date DESC, line DESC) AS p USING (product_id)
 GROUP BY product_id, description, price, ordered_at, created ORDER BY product_id, description IS NULL, count(*) DESC, description;
ALTER TABLE shop.products ADD PRIMARY KEY (product_id);
-- Customers are numbers, with the country of their last order.
CREATE TABLE shop.customers AS
SELECT DISTINCT ON (customer_id) split_part(NULLIF(customer_id, ''), '.', 1)::bigint AS customer_id, 'Customer ' || split_part(customer_id, '.', 1) AS name, country
  FROM shop.online_retail WHERE NULLIF(customer_id, '') IS NOT NULL ORDER BY customer_id, invoice_date DESC, line DESC;
ALTER TABLE shop.customers ADD PRIMARY KEY (customer_id);
-- What the shop's checkout does.
CREATE PROCEDURE shop.buy(customer bigint) LANGUAGE sql AS $$
	INSERT INTO shop.order_lines SELECT 'N0', product_id, customer, 1, now(), price FROM shop.products ORDER BY product_id LIMIT 1;
$$;
ANALYZE shop.order_lines, shop.products, shop.customers;
