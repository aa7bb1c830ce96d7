-- What customers who bought a product also buy: five popular products, each from another category.
WITH popular AS (
	SELECT DISTINCT ON (p.category) p.product_id, p.name, o.orders
	  FROM (SELECT product_id, count(*) AS orders FROM shop.order_lines GROUP BY product_id) AS o JOIN shop.products AS p USING (product_id)
	 ORDER BY p.category, o.orders DESC, p.product_id
), chosen AS (
	SELECT * FROM popular ORDER BY orders DESC, product_id LIMIT 5
), line AS (
	SELECT c.orders, c.product_id, 0 AS rank, format(E'\n%s\n  %-48s %9s %7s %8s', c.name || ', in ' || to_char(c.orders, 'FM999,999,999') || ' orders',
		'customers who bought it also buy', 'together', 'lift', 'score') AS text
	  FROM chosen AS c
	UNION ALL
	SELECT c.orders, c.product_id, b.rank, format('  %-48s %9s %7s %8s', left(p.name, 48), to_char(b.n_ab, 'FM999,999,999'),
		to_char(personalize.lift(b.n_ab, b.n_a, b.n_b, b.n), 'FM99990.0'), to_char(b.score, 'FM99990.0000'))
	  FROM chosen AS c JOIN shop.bought_together AS b ON b.item = c.product_id AND b.rank <= 6 JOIN shop.products AS p ON p.product_id = b.neighbor
)
SELECT text FROM line ORDER BY orders DESC, product_id, rank;
