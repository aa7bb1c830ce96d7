-- What customers who bought a product also buy, for a person to read.
WITH line AS (
	SELECT s.orders, s.product_id, 0 AS rank, format(E'\n%s, in %s orders\n  %-44s %9s %7s %8s', s.name, to_char(s.orders, 'FM999,999,999'),
		'customers who bought it also buy', 'together', 'lift', 'score') AS text
	  FROM shop.shown AS s
	UNION ALL
	SELECT s.orders, s.product_id, b.rank, format('  %s  %-41s %9s %7s %8s', b.rank, left(p.name, 41), to_char(b.n_ab, 'FM999,999,999'),
		to_char(personalize.lift(b.n_ab, b.n_a, b.n_b, b.n), 'FM99990.0'), to_char(b.score, 'FM99990.000'))
	  FROM shop.shown AS s CROSS JOIN LATERAL personalize.neighbors('shop.together', s.product_id, k => 5) AS b JOIN shop.products AS p ON p.product_id = b.neighbor
)
SELECT text FROM line WHERE product_id IN (SELECT product_id FROM shop.shown ORDER BY orders DESC, product_id LIMIT 3) ORDER BY orders DESC, product_id, rank;

-- The first of them again, over all that a customer ever bought. Counts are damped there, so the share stands in for the number.
WITH first AS (
	SELECT * FROM shop.shown ORDER BY orders DESC, product_id LIMIT 1
)
SELECT format(E'\n%s, over all that a customer ever bought\n  %-44s %9s %7s %8s', name, 'customers who bought it also buy', 'share', 'lift', 'score') FROM first
UNION ALL
(SELECT format('  %s  %-41s %9s %7s %8s', a.rank, left(p.name, 41), to_char(100 * personalize.conditional(a.n_ab, a.n_a, a.n_b, a.n), 'FM990.0') || ' %',
		to_char(personalize.lift(a.n_ab, a.n_a, a.n_b, a.n), 'FM99990.0'), to_char(a.score, 'FM99990.000'))
   FROM first JOIN shop.also_bought AS a ON a.item = product_id AND a.rank <= 5 JOIN shop.products AS p ON p.product_id = a.neighbor
  ORDER BY a.rank);
