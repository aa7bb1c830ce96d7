-- Five popular products, each from another category, and the proof that their neighbors, in the model and in the view, are what a self-join of the order lines finds.
CREATE TABLE shop.shown AS
SELECT * FROM (
	SELECT DISTINCT ON (p.category) p.product_id, p.name, o.orders
	  FROM (SELECT product_id, count(*) AS orders FROM shop.order_lines GROUP BY product_id) AS o JOIN shop.products AS p USING (product_id)
	 ORDER BY p.category, o.orders DESC, p.product_id) AS popular
 ORDER BY orders DESC, product_id LIMIT 5;

CREATE TABLE shop.expected AS
WITH pair AS (
	SELECT a.product_id AS item, b.product_id AS neighbor, count(*) AS n_ab
	  FROM shop.order_lines AS a JOIN shop.order_lines AS b USING (order_id)
	 WHERE a.product_id IN (SELECT product_id FROM shop.shown) AND a.product_id <> b.product_id
	 GROUP BY a.product_id, b.product_id
), single AS (
	SELECT product_id, count(*) AS orders FROM shop.order_lines GROUP BY product_id
), scored AS (
	SELECT item, neighbor, personalize.kernel(n_ab, a.orders, b.orders, n) AS score, n_ab, a.orders AS n_a, b.orders AS n_b, n
	  FROM pair JOIN single AS a ON a.product_id = item JOIN single AS b ON b.product_id = neighbor, (SELECT count(DISTINCT order_id) FROM shop.order_lines) AS o(n)
), ranked AS (
	SELECT item, neighbor, row_number() OVER (PARTITION BY item ORDER BY score DESC, neighbor) AS rank, score, n_ab, n_a, n_b, n FROM scored
)
SELECT * FROM ranked WHERE rank <= 50;

CREATE FUNCTION pg_temp.require_same(what text, different bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF different > 0 THEN
		RAISE EXCEPTION '% neighbors of % differ from the self-join', different, what;
	END IF;
END $$;
SELECT pg_temp.require_same('the model', count(*))
  FROM shop.expected AS e FULL JOIN
	(SELECT item, u.neighbor, u.rank, u.score, u.n_ab, m.n AS n_a
	   FROM shop.together AS m CROSS JOIN LATERAL unnest(m.neighbors, m.counts, m.scores) WITH ORDINALITY AS u(neighbor, n_ab, score, rank)
	  WHERE item IN (SELECT product_id FROM shop.shown)) AS m USING (item, neighbor)
 WHERE (e.rank, e.score, e.n_ab, e.n_a) IS DISTINCT FROM (m.rank, m.score, m.n_ab, m.n_a);
SELECT pg_temp.require_same('the view', count(*))
  FROM (SELECT * FROM shop.expected WHERE rank <= 20) AS e FULL JOIN (SELECT * FROM shop.bought_together WHERE item IN (SELECT product_id FROM shop.shown)) AS b USING (item, neighbor)
 WHERE (e.rank, e.score, e.n_ab, e.n_a, e.n_b, e.n) IS DISTINCT FROM (b.rank, b.score, b.n_ab, b.n_a, b.n_b, b.n);
