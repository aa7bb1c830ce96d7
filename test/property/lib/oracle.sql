-- The slow way to everything that a co-occurrence matrix answers: self-joins of
-- the lines.  Included by the property tests; a failed check is an error.
\set ON_ERROR_STOP on
\o /dev/null
SET client_min_messages = warning;
SET search_path = public, personalize;

CREATE SCHEMA truth;

-- Random numbers that depend on their arguments only.
CREATE FUNCTION random_below(seed bigint, x bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
	$$ SELECT (hashint8extended(x, seed) & 9223372036854775807) % below $$;

-- Texts order by their bytes, whatever the database's collation.
CREATE FUNCTION key_order(type regtype) RETURNS text LANGUAGE sql STABLE AS
	$$ SELECT CASE WHEN typcategory = 'S' THEN ' COLLATE "C"' ELSE '' END FROM pg_type WHERE oid = type $$;

CREATE FUNCTION item_type(lines regclass) RETURNS regtype LANGUAGE sql STABLE AS
	$$ SELECT atttypid FROM pg_attribute WHERE attrelid = lines AND attname = 'item' $$;

-- Fills the schema truth from lines (basket, item, weight): each basket cut and with what it counts, items, pairs in both directions.
CREATE PROCEDURE make_truth(lines regclass, weighted boolean DEFAULT false, damping float8 DEFAULT 0, max_basket int DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	byte_order text := key_order(item_type(lines));
BEGIN
	DROP TABLE IF EXISTS truth.entry, truth.basket, truth.item, truth.pair;
	EXECUTE format($sql$
		CREATE TABLE truth.entry AS
		SELECT basket, item, weight
		  FROM (SELECT basket, item, CASE WHEN %1$L THEN sum(weight) ELSE 1 END::float8 AS weight,
					   row_number() OVER (PARTITION BY basket ORDER BY item %2$s DESC) AS place
				  FROM %3$s
				 WHERE basket IS NOT NULL AND item IS NOT NULL AND (NOT %1$L OR weight > 0)
				 GROUP BY basket, item) AS e
		 WHERE place <= coalesce(%4$L::int, place)$sql$, weighted, byte_order, lines, max_basket);
	CREATE TABLE truth.basket AS
		SELECT basket, count(*) AS size,
			   CASE WHEN damping = 0 THEN 1
			   ELSE round(65536 * power(2::float8, -damping * (length(ltrim(count(*)::bit(32)::text, '0')) - 1))) / 65536 END AS scale
		  FROM truth.entry GROUP BY basket;
	CREATE TABLE truth.item AS
		SELECT item, sum(weight * weight * scale) AS n_a
		  FROM truth.entry JOIN truth.basket USING (basket) GROUP BY item;
	ANALYZE truth.entry, truth.basket, truth.item;
	CREATE TABLE truth.pair AS
		SELECT a.item, b.item AS neighbor, sum(a.weight * b.weight * scale) AS n_ab,
			   min(ia.n_a) AS n_a, min(ib.n_a) AS n_b, (SELECT sum(scale) FROM truth.basket) AS n
		  FROM truth.entry AS a JOIN truth.entry AS b USING (basket) JOIN truth.basket USING (basket)
		  JOIN truth.item AS ia ON ia.item = a.item JOIN truth.item AS ib ON ib.item = b.item
		 WHERE a.item <> b.item GROUP BY a.item, b.item;
	ANALYZE truth.pair;
END $$;

CREATE FUNCTION fail_unless(holds boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF holds IS NOT TRUE THEN
		RAISE EXCEPTION 'failed: %', what;
	END IF;
END $$;

-- Two queries must return the same rows, each as often.
CREATE FUNCTION fail_unless_same(expected text, actual text, what text, m cooccurrence DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	missing text;
	extra text;
BEGIN
	EXECUTE format('WITH e AS MATERIALIZED (%s), a AS MATERIALIZED (%s) SELECT'
				   ' (SELECT d::text FROM (TABLE e EXCEPT ALL TABLE a) AS d LIMIT 1), (SELECT d::text FROM (TABLE a EXCEPT ALL TABLE e) AS d LIMIT 1)',
				   expected, actual)
	   INTO missing, extra USING m;
	IF missing IS NOT NULL OR extra IS NOT NULL THEN
		RAISE EXCEPTION 'failed: %', what USING DETAIL = format('Expected %s, got %s.', missing, extra);
	END IF;
END $$;

-- What stands in the matrix, against truth.
CREATE PROCEDURE check_counts(m cooccurrence, what text) LANGUAGE plpgsql AS $$
DECLARE
	type regtype := item_type('truth.item');
	byte_order text := key_order(type);
BEGIN
	PERFORM fail_unless(num_baskets(m) = (SELECT count(*) FROM truth.basket), what || ': num_baskets');
	PERFORM fail_unless(num_items(m) = (SELECT count(*) FROM truth.item), what || ': num_items');
	PERFORM fail_unless(num_pairs(m) = (SELECT count(*) / 2 FROM truth.pair), what || ': num_pairs');
	PERFORM fail_unless_same('SELECT item, n_a FROM truth.item',
						  'SELECT item, item_count($1, item) FROM truth.item', what || ': item_count', m);
	PERFORM fail_unless_same('SELECT item, neighbor, n_ab FROM truth.pair ORDER BY item, neighbor LIMIT 20',
						  'SELECT item, neighbor, pair_count($1, item, neighbor) FROM truth.pair ORDER BY item, neighbor LIMIT 20', what || ': pair_count', m);
	PERFORM fail_unless_same(format('SELECT * FROM truth.pair WHERE item %1$s < neighbor %1$s', byte_order),
						  format('SELECT * FROM pairs($1, NULL::%s)', type), what || ': pairs', m);
END $$;

-- The functions refuse counts that no baskets can have, and sums of weights are such counts.
CREATE FUNCTION weighted_score(measure text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE measure
		   WHEN 'count' THEN 'n_ab'
		   WHEN 'cosine' THEN 'n_ab / sqrt(n_a * n_b)'
		   WHEN 'asymmetric_cosine' THEN 'n_ab / sqrt(n_a * n_b)'
		   WHEN 'jaccard' THEN 'n_ab / (n_a + n_b - n_ab)'
		   WHEN 'dice' THEN '2 * n_ab / (n_a + n_b)'
		   WHEN 'kernel' THEN 'n_ab / (power(n_a, 0.6::float8) * power(n_b, 0.3::float8))' END $$;

-- The neighbors by one measure, with parameters such as 'shrinkage => 3'; `score` in place of the measure's own function.
CREATE PROCEDURE check_neighbors(m cooccurrence, measure text, what text, k int DEFAULT 5, min_count float8 DEFAULT 1,
								 parameters text DEFAULT NULL, score text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	type regtype := item_type('truth.item');
	more text := coalesce(', ' || parameters, '');
BEGIN
	PERFORM fail_unless_same(
		format('SELECT item, neighbor, rank::int, score, n_ab, n_a, n_b, n FROM ('
			   ' SELECT *, row_number() OVER (PARTITION BY item ORDER BY score DESC, neighbor %s) AS rank'
			   ' FROM (SELECT *, %s AS score FROM truth.pair WHERE n_ab >= %s) AS s) AS r WHERE rank <= %s',
			   key_order(type), coalesce(score, format('personalize.%I(n_ab, n_a, n_b, n %s)', measure, more)), min_count, k),
		format('SELECT * FROM neighbors($1, NULL::%s, k => %s, measure => %L, min_count => %s %s)', type, k, measure, min_count, more),
		format('%s: neighbors by %s, k %s, min_count %s %s', what, measure, k, min_count, more), m);
END $$;
