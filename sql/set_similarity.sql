SELECT personalize.jaccard(a, b) AS jaccard, round(personalize.cosine(a, b)::numeric, 10) AS cosine,
       personalize.dice(a, b) AS dice, personalize.overlap(a, b) AS overlap
FROM (VALUES (ARRAY[1, 2, 3, 4], ARRAY[3, 4, 5]), (ARRAY[1, 2], ARRAY[3]), (ARRAY[1, 2], ARRAY[2, 1]),
             (ARRAY[1, 1, 2, NULL, 2], ARRAY[2, 2, NULL]), ('{}', ARRAY[1]), (ARRAY[1], '{}'), ('{}', '{}'),
             (ARRAY[NULL]::int[], ARRAY[NULL]::int[])) AS v(a, b);

-- any type that has an order
CREATE TYPE pair AS (x integer, y text);
SELECT personalize.jaccard('{a,b,c}'::text[], '{b,c,d}') AS text,
       personalize.jaccard('{1,2,3}'::bigint[], '{2,3,4}') AS bigint,
       personalize.jaccard('{1.0,2.50}'::numeric[], '{1.00,2.5}') AS numeric,
       personalize.jaccard('{2020-01-01,2020-01-02}'::date[], '{2020-01-02}') AS date,
       personalize.jaccard('{00000000-0000-0000-0000-000000000001}'::uuid[], '{00000000-0000-0000-0000-000000000001}') AS uuid,
       personalize.jaccard('{"(1,a)","(2,b)"}'::pair[], '{"(2,b)"}') AS composite,
       personalize.jaccard('{NaN,0}'::float8[], '{NaN,-0}') AS float;
DROP TYPE pair;

-- any shape
SELECT personalize.jaccard('{{1,2},{3,4}}'::int[], '{3,4}') AS dimensions,
       personalize.jaccard('[5:7]={1,2,3}'::int[], '{1,2,3}') AS lower_bound,
       personalize.jaccard(ARRAY[repeat('x', 100000)], ARRAY[repeat('x', 100000), 'y']) AS long;

-- the collation of the arguments decides what is equal
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT personalize.jaccard('{Ab,c}'::text[], '{aB,C}') AS exact,
       personalize.jaccard('{Ab,c}'::text[] COLLATE ignore_case, '{aB,C}') AS ignore_case;
DROP COLLATION ignore_case;

-- against plain SQL
SELECT count(*) AS pairs,
       bool_and(personalize.jaccard(a, b) = common / (size_a + size_b - common)) AS jaccard,
       bool_and(personalize.cosine(a, b) = common / sqrt(size_a * size_b)) AS cosine,
       bool_and(personalize.dice(a, b) = 2 * common / (size_a + size_b)) AS dice,
       bool_and(personalize.overlap(a, b) = common / least(size_a, size_b)) AS overlap
FROM (SELECT a, b,
             (SELECT count(DISTINCT x) FROM unnest(a) AS x)::float8 AS size_a,
             (SELECT count(DISTINCT x) FROM unnest(b) AS x)::float8 AS size_b,
             (SELECT count(*) FROM (SELECT unnest(a) INTERSECT SELECT unnest(b)) AS i)::float8 AS common
      FROM (SELECT ARRAY(SELECT hashint4(i * 31 + x) % 10 FROM generate_series(0, i % 15) AS x) AS a,
                   ARRAY(SELECT hashint4(i * 37 + x) % 10 FROM generate_series(0, i % 11) AS x) AS b
            FROM generate_series(1, 200) AS i) AS r) AS s;

SELECT personalize.jaccard(NULL::int[], '{1}') IS NULL AS strict;

SELECT personalize.jaccard(ARRAY[point(1, 2)], ARRAY[point(1, 2)]);
SELECT personalize.jaccard(ARRAY[1], ARRAY['a'::text]);
