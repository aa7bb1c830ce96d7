SELECT format('  %-34s %s', what, to_char(value, 'FM999,999,999'))
  FROM (VALUES
	('customers who ordered', (SELECT count(DISTINCT customer_id) FROM shop.orders)),
	('products, in 40 categories', (SELECT count(*) FROM shop.products)),
	('orders', (SELECT count(*) FROM shop.orders)),
	('order lines', (SELECT count(*) FROM shop.order_lines))) AS v(what, value);
