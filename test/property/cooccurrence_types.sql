-- The matrix of random baskets for every combination of basket and item types, against self-joins.
\ir lib/oracle.sql

CREATE DOMAIN sku AS text CHECK (value <> 'none');
CREATE DOMAIN positive AS integer;

-- Injective, and what a type finds hard comes first.
CREATE FUNCTION as_number(i bigint, low bigint, high bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS
	$$ SELECT CASE i WHEN 0 THEN low WHEN 1 THEN high WHEN 2 THEN -1 WHEN 3 THEN low + 1 WHEN 4 THEN 255 WHEN 5 THEN -256 ELSE (i % 3 - 1) * i * 331 END $$;

CREATE FUNCTION as_text(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce((ARRAY['', '"', '\', 'a"b\c', ' ', ',', '}', '{', '*2', 'x3', E'a\nb\t', 'é', '日本', '😀', 'a', 'ab', 'A', 'abcdefgh', 'abcdefghi', 'abcdefgh ',
							  'zz', 'NULL', repeat('long', 3000), repeat('long', 3000) || 'er', '-1', '01', '1', 'ß', 'ss', '{1}', ': {'])[i + 1],
					   CASE WHEN i % 2 = 0 THEN 'a common beginning ' ELSE '' END || i) $$;

CREATE TABLE key_type (name text, of_number text);
INSERT INTO key_type VALUES
	('smallint', 'as_number(%s, -32768, 32767)::smallint'),
	('integer', 'as_number(%s, -2147483648, 2147483647)::integer'),
	('bigint', 'as_number(%s, -9223372036854775808, 9223372036854775807)'),
	('uuid', $$CASE WHEN %1$s < 2 THEN lpad(to_hex(%1$s), 32, '0') WHEN %1$s = 2 THEN repeat('f', 32) ELSE md5((%1$s)::text) END::uuid$$),
	('text', 'as_text(%s)'),
	('varchar', 'as_text(%s)::varchar'),
	('sku', 'as_text(%s)::sku'),
	('positive', 'as_number(%s, -2147483648, 2147483647)::positive');

CREATE TABLE result (basket_type text, item_type text, options text, m cooccurrence);

-- Lines with duplicates, NULLs, weights of nothing, baskets of one item and some large ones.
CREATE PROCEDURE make_lines(basket_type text, item_type text, seed bigint) LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS line;
	EXECUTE format('CREATE UNLOGGED TABLE line AS SELECT CASE WHEN random_below(seed + 3, row, 40) > 0 THEN %s END AS basket,'
				   ' CASE WHEN random_below(seed + 4, row, 30) > 0 THEN %s END AS item, random_below(seed + 5, row, 4) AS weight'
				   ' FROM (SELECT %s::bigint AS seed, row, CASE WHEN row %% 9 = 0 THEN row %% 4 ELSE random_below(%3$s, row, 70) END AS b,'
				   ' least(random_below(%3$s + 1, row, 45), random_below(%3$s + 2, row, 45)) AS i FROM generate_series(1, 300) AS row) AS r',
				   format((SELECT of_number FROM key_type WHERE name = basket_type), 'b'),
				   format((SELECT of_number FROM key_type WHERE name = item_type), 'i'), seed);
END $$;

-- Every way to the same matrix ends in the same bytes.
CREATE PROCEDURE check_ways(call text, m cooccurrence, what text) LANGUAGE plpgsql AS $$
DECLARE
	part cooccurrence[];
	again cooccurrence;
BEGIN
	PERFORM fail_unless(m::text::cooccurrence = m, what || ': text in and out');
	EXECUTE format('SELECT %s FROM line', replace(call, ')', ' ORDER BY md5(weight || ctid::text))')) INTO again;
	PERFORM fail_unless(again = m, what || ': rows in another order');
	EXECUTE format('SELECT array_agg(m ORDER BY md5(m::text)) FROM (SELECT %s AS m FROM line GROUP BY hashtext(basket::text) %% 3) AS s WHERE m IS NOT NULL', call)
	   INTO part;
	PERFORM fail_unless(array_length(part, 1) > 3, what || ': there are parts');
	SELECT rollup(p ORDER BY random()) INTO again FROM unnest(part) AS p;
	PERFORM fail_unless(again = m, what || ': rollup');
	PERFORM fail_unless((part[1] + part[2]) + (part[3] + rollup_of(part[4:])) = m, what || ': +');
	PERFORM fail_unless(rollup_of(part[3:]) + part[1] + part[2] = m, what || ': + in another order');
END $$;

CREATE FUNCTION rollup_of(parts cooccurrence[]) RETURNS cooccurrence LANGUAGE sql AS
	$$ SELECT rollup(p) FROM unnest(parts) AS p $$;

-- The same in workers only, in workers and the leader, and alone.
CREATE PROCEDURE check_parallel(call text, m cooccurrence, what text) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	again cooccurrence;
BEGIN
	ALTER TABLE line SET (parallel_workers = 4);
	SET LOCAL parallel_setup_cost = 0;
	SET LOCAL parallel_tuple_cost = 0;
	SET LOCAL min_parallel_table_scan_size = 0;
	SET LOCAL max_parallel_workers_per_gather = 4;
	EXECUTE format('EXPLAIN (FORMAT json) SELECT %s FROM line', call) INTO plan;
	PERFORM fail_unless(plan::text LIKE '%"Workers Planned": 4%', what || ': a parallel plan');
	EXECUTE format('SELECT %s FROM line', call) INTO again;
	PERFORM fail_unless(again = m, what || ': parallel');
	SET LOCAL parallel_leader_participation = off;
	EXECUTE format('SELECT %s FROM line', call) INTO again;
	PERFORM fail_unless(again = m, what || ': parallel without the leader');
	RESET parallel_leader_participation;
	RESET max_parallel_workers_per_gather;
	RESET parallel_setup_cost;
	RESET parallel_tuple_cost;
	RESET min_parallel_table_scan_size;
END $$;

CREATE PROCEDURE check_combination(basket_type text, item_type text, number int) LANGUAGE plpgsql AS $$
DECLARE
	options text[] := (ARRAY[['', 'f', '0', NULL], [', weight', 't', '0', NULL], [', 0.5, NULL', 'f', '0.5', NULL],
							 [', NULL, 3', 'f', '0', '3'], [', weight, 1.3, 5', 't', '1.3', '5']]);
	measure text[] := (SELECT array_agg(x.name ORDER BY x.name) FROM measures() AS x WHERE weighted);
	name text;
	call text;
	what text;
	m cooccurrence;
BEGIN
	CALL make_lines(basket_type, item_type, number);
	FOR o IN 1 .. array_length(options, 1) LOOP
		-- the plain form and one other for each combination
		CONTINUE WHEN o > 1 AND o - 2 <> number % 4;
		call := format('cooccurrence(basket, item%s)', options[o][1]);
		what := format('%s, %s: %s', basket_type, item_type, call);
		EXECUTE format('SELECT %s FROM line', call) INTO m;
		CALL make_truth('line', options[o][2]::boolean, options[o][3]::float8, options[o][4]::int);
		CALL check_counts(m, what);
		name := measure[1 + number % array_length(measure, 1)];
		CALL check_neighbors(m, name, what, k => 1 + number % 7, score => CASE WHEN options[o][2]::boolean THEN weighted_score(name) END);
		CALL check_ways(call, m, what);
		-- starting workers takes time, so not for every combination
		IF number % 3 = 0 OR o > 1 THEN
			CALL check_parallel(call, m, what);
		END IF;
		INSERT INTO result VALUES (basket_type, item_type, options[o][1], m);
	END LOOP;
	COMMIT;
END $$;

DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT b.name AS basket_type, i.name AS item_type, row_number() OVER ()::int AS number FROM key_type AS b, key_type AS i LOOP
		CALL check_combination(c.basket_type, c.item_type, c.number);
	END LOOP;
END $$;

-- The binary forms of all of them, out and in again.
CREATE TABLE received (LIKE result);
COPY result TO PROGRAM 'cat >property_cooccurrence.bin' (FORMAT binary);
COPY received FROM PROGRAM 'cat property_cooccurrence.bin; rm property_cooccurrence.bin' (FORMAT binary);
SELECT fail_unless_same('SELECT *, 1 FROM (SELECT basket_type, item_type, options, m::text FROM result) AS r',
					  'SELECT *, 1 FROM (SELECT basket_type, item_type, options, m::text FROM received) AS r', 'binary out and in');
SELECT fail_unless((SELECT count(*) = 128 AND bool_and(a.m = b.m) FROM result AS a JOIN received AS b USING (basket_type, item_type, options)),
				 'binary out and in again is the same value');
