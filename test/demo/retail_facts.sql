-- What the file holds, for a person and against its published facts.
WITH raw AS (
	SELECT count(*) AS rows, count(*) FILTER (WHERE invoice_no ~* '^C') AS cancelled, count(*) FILTER (WHERE quantity <= 0) AS no_quantity,
		count(*) FILTER (WHERE unit_price <= 0) AS no_price, count(*) FILTER (WHERE NULLIF(customer_id, '') IS NULL) AS no_customer,
		count(DISTINCT NULLIF(customer_id, '')) AS customers, count(DISTINCT invoice_no) AS invoices, count(DISTINCT stock_code) AS codes,
		count(DISTINCT country) AS countries, min(invoice_date) AS first, max(invoice_date) AS last
	  FROM shop.online_retail
), known AS (
	SELECT count(*) AS rows, count(DISTINCT customer_id) AS customers, count(DISTINCT invoice_no) AS invoices, count(DISTINCT stock_code) AS codes, sum(quantity * unit_price) AS revenue
	  FROM shop.online_retail WHERE NULLIF(customer_id, '') IS NOT NULL AND invoice_no !~* '^C' AND quantity > 0 AND unit_price > 0
), kept AS (
	SELECT count(*) AS lines, count(DISTINCT order_id) AS orders, count(DISTINCT product_id) AS products, count(*) FILTER (WHERE customer_id IS NULL) AS no_customer,
		count(DISTINCT customer_id) AS customers, (SELECT count(*) FROM shop.taken_back) AS taken_back
	  FROM shop.order_lines
)
SELECT format('  %-34s %s', what, value)
  FROM raw, known, kept, LATERAL (VALUES
	('rows in the file', to_char(raw.rows, 'FM999,999,999')),
	('from, to', to_char(raw.first, 'YYYY-MM-DD HH24:MI') || ' to ' || to_char(raw.last, 'YYYY-MM-DD HH24:MI')),
	('invoices, stock codes', to_char(raw.invoices, 'FM999,999,999') || ', ' || to_char(raw.codes, 'FM999,999,999')),
	('customers, countries', to_char(raw.customers, 'FM999,999,999') || ', ' || to_char(raw.countries, 'FM999,999,999')),
	('rows of cancellations', format('%s, which take back %s whole lines', to_char(raw.cancelled, 'FM999,999,999'), to_char(kept.taken_back, 'FM999,999,999'))),
	('rows with quantity <= 0', to_char(raw.no_quantity, 'FM999,999,999')),
	('rows with price <= 0', to_char(raw.no_price, 'FM999,999,999')),
	('rows without a customer', to_char(raw.no_customer, 'FM999,999,999')),
	('sold to known customers', format('%s rows, %s customers, %s invoices, %s codes, revenue %s', to_char(known.rows, 'FM999,999,999'), to_char(known.customers, 'FM999,999,999'),
		to_char(known.invoices, 'FM999,999,999'), to_char(known.codes, 'FM999,999,999'), to_char(known.revenue, 'FM999,999,999,990.00'))),
	('kept: products bought', format('%s lines of %s orders, %s products', to_char(kept.lines, 'FM999,999,999'), to_char(kept.orders, 'FM999,999,999'), to_char(kept.products, 'FM999,999,999'))),
	('  of these', format('%s lines of %s customers, %s without a customer', to_char(kept.lines - kept.no_customer, 'FM999,999,999'), to_char(kept.customers, 'FM999,999,999'),
		to_char(kept.no_customer, 'FM999,999,999')))) AS v(what, value);
