-- Three visitors' home pages, a product's page and a cart, as rows: for the tables that the demo prints, and for its HTML file.
CREATE TABLE shop.shown_section (section integer, title text, note text);
CREATE TABLE shop.shown_page (section integer, shelf_place bigint, shelf text, rank integer, product text, name text, category text, price text, why text);
CREATE TABLE shop.shown_why (section integer, line bigint, product text, step text, source text, because text, amount double precision, detail text);
CREATE TABLE shop.shown_time (what text, ms double precision);

-- Somebody with a long history, somebody who has just bought for the first time; of the third only the country is known.
SELECT customer_id AS old FROM shop.purchases GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 1 \gset
SELECT customer_id AS new
  FROM (SELECT customer_id, max(ordered_at) AS last FROM shop.purchases WHERE ordered_at > now() - interval '7 days' GROUP BY customer_id) AS recent
  CROSS JOIN LATERAL (SELECT count(DISTINCT order_id) AS orders, count(*) AS products FROM shop.purchases AS p WHERE p.customer_id = recent.customer_id) AS x
 WHERE orders = 1 AND products BETWEEN 2 AND 6 ORDER BY last DESC, customer_id LIMIT 1 \gset
SELECT name AS old_name, country AS old_country FROM shop.customers WHERE customer_id = :old \gset
SELECT count(DISTINCT order_id) AS old_orders, count(DISTINCT product_id) AS old_products FROM shop.purchases WHERE customer_id = :old \gset
SELECT name AS new_name, country AS new_country FROM shop.customers WHERE customer_id = :new \gset
SELECT count(*) AS new_products, string_agg(name, ', ' ORDER BY name) AS new_bought FROM shop.purchases JOIN shop.products USING (product_id) WHERE customer_id = :new \gset

-- A popular product that is available, and a cart of it and popular things of two other categories.
CREATE TEMP TABLE popular AS
SELECT product_id, name, category, orders, row_number() OVER (ORDER BY orders DESC, product_id) AS place
  FROM (SELECT DISTINCT ON (category) product_id, name, category, orders FROM (SELECT product_id, count(*) AS orders FROM shop.order_lines GROUP BY product_id) AS o JOIN shop.products USING (product_id)
		 WHERE available ORDER BY category, orders DESC, product_id) AS x;
SELECT product_id AS anchor, name AS anchor_name FROM popular WHERE place = 1 \gset
SELECT array_agg(product_id) AS cart, string_agg(p.name || ' (' || p.price || ')', ', ') AS cart_names, sum(p.price) AS cart_value FROM popular JOIN shop.products AS p USING (product_id) WHERE place IN (2, 5, 9) \gset

CREATE FUNCTION pg_temp.reason(product text, because text, reason text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN because IS NOT NULL AND because <> product THEN (SELECT 'because of ' || name FROM shop.products WHERE product_id::text = because) ELSE reason END
$$;
CREATE FUNCTION pg_temp.show(section integer, page text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE format('CREATE TEMP TABLE answer AS SELECT *, row_number() OVER () AS place FROM %s', page);
	INSERT INTO shop.shown_time VALUES (regexp_replace(page, '\(.*', ''), extract(epoch FROM clock_timestamp() - started) * 1000);
	INSERT INTO shop.shown_page
	SELECT section, dense_rank() OVER (ORDER BY first), shelf, rank, item, name, category, to_char(price, 'FM999,990.00'), pg_temp.reason(item::text, because::text, reason)
	  FROM (SELECT *, min(place) OVER (PARTITION BY shelf) AS first FROM answer) AS a JOIN shop.products ON product_id = item;
	DROP TABLE answer;
END $$;

INSERT INTO shop.shown_section VALUES
	(1, :'old_name' || ', a customer for long', format('%s, %s orders, %s products.', :'old_country', :'old_orders', :'old_products')),
	(2, :'new_name' || ', a new customer', format('%s, one order of %s products: %s.', :'new_country', :'new_products', :'new_bought')),
	(3, 'A visitor from Germany', 'Nobody knows more: what is popular there.'),
	(4, :'anchor_name', 'The page of a product, looked at by the new customer.'),
	(5, 'A cart', format('%s: together %s. Delivery is free from %s.', :'cart_names', :'cart_value', :'delivery'));

-- The first call of a connection reads definitions and plans statements
SELECT (SELECT count(*) FROM shop.home()) + (SELECT count(*) FROM shop.product()) + (SELECT count(*) FROM shop.cart()) AS ignored \gset
SELECT pg_temp.show(1, format('shop.home(customer => %s)', :old)), pg_temp.show(2, format('shop.home(customer => %s)', :new)), pg_temp.show(3, 'shop.home(segment => ''{Germany}'')') \g /dev/null
SELECT pg_temp.show(4, format('shop.product(customer => %s, item => %L)', :new, :'anchor')), pg_temp.show(5, format('shop.cart(cart => %L)', :'cart')) \g /dev/null

-- Why the first product that is for the old customer stands where it stands.
INSERT INTO shop.shown_why
SELECT 1, e.line, p.name, e.step, e.source, coalesce(b.name, e.because), e.amount, CASE WHEN e.step = 'reason' THEN 'because of ' || b.name ELSE e.detail END
  FROM (SELECT item FROM shop.home(customer => :old) WHERE shelf = 'For you' AND rank = 1) AS h JOIN shop.products AS p ON p.product_id = h.item
  CROSS JOIN LATERAL personalize.explain_recommendation('shop.for_you', :old, h.item) WITH ORDINALITY AS e(step, source, because, amount, detail, line)
  LEFT JOIN shop.products AS b ON b.product_id::text = e.because;
