-- Neighbors by every measure, with parameters, cuts and ties, on data that takes every way through the multiplication.
\ir lib/oracle.sql

CREATE TABLE option (measure text, parameters text);
INSERT INTO option SELECT name, NULL FROM measures();
INSERT INTO option VALUES
	('conditional', 'shrinkage => 10'), ('cosine', 'shrinkage => 25'), ('asymmetric_cosine', 'a => 0.2'), ('asymmetric_cosine', 'a => 1, shrinkage => 3'),
	('asymmetric_cosine', 'a => 0'), ('jaccard', 'shrinkage => 7.5'), ('dice', 'shrinkage => 1'), ('overlap', 'shrinkage => 4'),
	('tversky', 'a => 0.3, b => 2'), ('tversky', 'a => 0, b => 0'), ('tversky', 'a => 0.1, b => 0, shrinkage => 2'), ('lift', 'shrinkage => 0.5'),
	('lift_lower_bound', 'z => 0'), ('lift_lower_bound', 'z => 4'), ('kernel', 'a => 0, b => 0'), ('kernel', 'a => 1, b => 1, p => 0.5'),
	('kernel', 'a => 2, b => 0.1, shrinkage => 20, p => 3'), ('confidence', NULL);

-- The same measure with another k for each row; `width` is how many of the options are tried.
CREATE PROCEDURE check_options(lines text, what text, width int DEFAULT 1000, damping float8 DEFAULT 0, weighted boolean DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE
	m cooccurrence;
	o record;
	counts float8[] := '{1, 0, 2, 3, 1.5, 6, 1, 1e18}';
	ks int[] := '{1, 3, 10, 50, 2147483647, 2}';
BEGIN
	DROP TABLE IF EXISTS line;
	EXECUTE 'CREATE TABLE line AS ' || lines;
	EXECUTE format('SELECT cooccurrence(basket, item %s, %s, NULL) FROM line', CASE WHEN weighted THEN ', weight' ELSE '' END, damping) INTO m;
	CALL make_truth('line', weighted, damping);
	CALL check_counts(m, what);
	FOR o IN SELECT *, row_number() OVER (ORDER BY parameters IS NOT NULL, measure, parameters) AS i FROM option
			 WHERE NOT weighted OR parameters IS NULL AND measure IN (SELECT name FROM measures() AS x WHERE x.weighted) ORDER BY i LIMIT width LOOP
		CALL check_neighbors(m, o.measure, what, ks[1 + o.i % 6], counts[1 + o.i % 8], o.parameters,
							 CASE WHEN weighted THEN weighted_score(o.measure) END);
		CALL check_neighbors(m, o.measure, what, ks[1 + (o.i + 3) % 6], 1, o.parameters, CASE WHEN weighted THEN weighted_score(o.measure) END);
	END LOOP;
	COMMIT;
END $$;

-- Popular items and rare ones, more than the bitmap of a span holds.
CALL check_options($$SELECT random_below(1, row, 700)::int AS basket, (least(random_below(2, row, 1200), random_below(3, row, 1200), random_below(4, row, 1200)) * 7 - 900)::int AS item, 1 AS weight
					 FROM generate_series(1, 6000) AS row$$, 'popular and rare');
-- Few items in many baskets: counts of one, two and four bytes.
CALL check_options($$SELECT row / 3 AS basket, (sqrt(random_below(5, row, 40 * 40)) * sqrt(random_below(6, row, 100)) / 10)::int AS item, 1 AS weight
					 FROM generate_series(1, 240000) AS row$$, 'large counts', 24);
-- Everything ties.
CALL check_options($$SELECT b AS basket, (b + i * i) % 60 - 30 AS item, 1 AS weight FROM generate_series(1, 60) AS b, generate_series(0, 7) AS i$$, 'ties');
CALL check_options($$SELECT b AS basket, i AS item, 1 AS weight FROM generate_series(1, 3) AS b, generate_series(1, 70) AS i$$, 'all with all', 18);
-- The same baskets over and over: written out while that pays, multiplied otherwise.
CALL check_options($$SELECT b AS basket, (b % 11) * i AS item, 1 AS weight FROM generate_series(1, 600) AS b, generate_series(-3, 4) AS i$$, 'repeats', 24);
CALL check_options($$SELECT b AS basket, (b % 300) % 50 * i AS item, 1 AS weight FROM generate_series(1, 400) AS b, generate_series(-3, 4) AS i$$, 'some repeats', 24);
-- One item, one basket, nothing.
CALL check_options($$SELECT b AS basket, 7 AS item, 1 AS weight FROM generate_series(1, 3) AS b$$, 'one item', 18);
CALL check_options($$SELECT 1 AS basket, i AS item, 1 AS weight FROM generate_series(1, 30) AS i$$, 'one basket', 18);
CALL check_options($$SELECT 1 AS basket, 2 AS item, 0 AS weight$$, 'nothing', 18, 0, true);

CALL check_options($$SELECT random_below(11, row, 150)::int AS basket, random_below(12, row, 90)::int AS item, random_below(13, row, 9) AS weight
					 FROM generate_series(1, 1500) AS row$$, 'weights', 1000, 0, true);
CALL check_options($$SELECT random_below(14, row, 150)::int AS basket, random_below(15, row, 90)::int AS item, random_below(16, row, 9) * 100000 AS weight
					 FROM generate_series(1, 1500) AS row$$, 'large weights and damping', 1000, 0.7, true);
CALL check_options($$SELECT (sqrt(random_below(17, row, 90000)) / 2)::int AS basket, random_below(18, row, 200)::int AS item, 1 AS weight
					 FROM generate_series(1, 3000) AS row$$, 'damping', 1000, 0.5);
CALL check_options($$SELECT b AS basket, i AS item, 1 AS weight FROM generate_series(0, 7) AS b, generate_series(1, 1 << b) AS i$$, 'sizes at the steps of damping', 18, 2);
