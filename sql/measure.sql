-- the catalog, and that every name in it is a function
SELECT * FROM personalize.measures();
SELECT m.name
FROM personalize.measures() AS m
WHERE NOT EXISTS (
    SELECT FROM pg_proc AS p
    WHERE p.pronamespace = 'personalize'::regnamespace AND p.proname = m.name
      AND p.pronargs = 4 + cardinality(m.parameters)
      AND p.proargnames[5:] = ARRAY(SELECT split_part(t, ' ', 1) FROM unnest(m.parameters) WITH ORDINALITY AS u(t, i) ORDER BY i));

-- LLR: published vectors (Dunning 1993; Apache Mahout's tests), as cells
SELECT k11, k12, k21, k22,
       round(personalize.llr(k11, k11 + k12, k11 + k21, k11 + k12 + k21 + k22)::numeric, 5) AS llr,
       round(personalize.signed_root_llr(k11, k11 + k12, k11 + k21, k11 + k12 + k21 + k22)::numeric, 5) AS root
FROM (VALUES (1, 0, 0, 1), (10, 0, 0, 10), (5, 1995, 0, 100000), (1000, 1995, 1000, 100000), (1000, 1000, 1000, 100000),
             (1000, 1000, 1000, 99000), (110, 2442, 111, 29114), (29, 13, 123, 31612), (1, 999, 999, 9001))
     AS v(k11, k12, k21, k22);
SELECT personalize.signed_root_llr(6, 6 + 7567, 6 + 1924, 6 + 7567 + 1924 + 2426487) AS exactly_0;

-- groceries, 9835 baskets: pairs known from the association rules literature
SELECT pair, n_ab, n_a, n_b,
       round((n_ab / 9835.0), 8) AS support,
       round(personalize.confidence(n_ab, n_a, n_b, 9835)::numeric, 7) AS confidence,
       round(personalize.lift(n_ab, n_a, n_b, 9835)::numeric, 6) AS lift,
       round(personalize.lift_lower_bound(n_ab, n_a, n_b, 9835)::numeric, 6) AS at_least,
       round(personalize.llr(n_ab, n_a, n_b, 9835)::numeric, 4) AS llr
FROM (VALUES ('pot plants => whole milk', 68, 170, 2513), ('herbs => root vegetables', 69, 160, 1072),
             ('berries => whipped/sour cream', 89, 327, 705)) AS v(pair, n_ab, n_a, n_b);

-- every measure on one table
SELECT personalize.count(30, 100, 60, 1000) AS count,
       personalize.conditional(30, 100, 60, 1000) AS conditional,
       round(personalize.cosine(30, 100, 60, 1000)::numeric, 10) AS cosine,
       round(personalize.asymmetric_cosine(30, 100, 60, 1000, a => 0.8)::numeric, 10) AS asymmetric_cosine,
       round(personalize.jaccard(30, 100, 60, 1000)::numeric, 10) AS jaccard,
       personalize.dice(30, 100, 60, 1000) AS dice,
       personalize.overlap(30, 100, 60, 1000) AS overlap,
       round(personalize.tversky(30, 100, 60, 1000, a => 0.5, b => 0.1)::numeric, 10) AS tversky \gx
SELECT personalize.lift(30, 100, 60, 1000) AS lift,
       round(personalize.pmi(30, 100, 60, 1000)::numeric, 10) AS pmi,
       round(personalize.npmi(30, 100, 60, 1000)::numeric, 10) AS npmi,
       round(personalize.conviction(30, 100, 60, 1000)::numeric, 10) AS conviction,
       personalize.leverage(30, 100, 60, 1000) AS leverage,
       round(personalize.chi_square(30, 100, 60, 1000)::numeric, 8) AS chi_square,
       round(personalize.llr(30, 100, 60, 1000)::numeric, 8) AS llr,
       round(personalize.signed_root_llr(30, 100, 60, 1000)::numeric, 8) AS signed_root_llr,
       round(personalize.lift_lower_bound(30, 100, 60, 1000)::numeric, 8) AS lift_lower_bound,
       personalize.lift_lower_bound(30, 100, 60, 1000, z => 0) AS z_0,
       round(personalize.kernel(30, 100, 60, 1000)::numeric, 10) AS kernel,
       round(personalize.kernel(30, 100, 60, 1000, shrinkage => 5, a => 0.5, b => 0.5, p => 2)::numeric, 10) AS kernel_set \gx

-- shrinkage is part of the denominator
SELECT personalize.conditional(30, 100, 60, 1000, 50) AS conditional,
       personalize.cosine(30, 100, 36, 1000, 15) AS cosine,
       personalize.asymmetric_cosine(30, 100, 60, 1000, 50, 1) AS asymmetric_cosine,
       personalize.jaccard(30, 100, 60, 1000, 70) AS jaccard,
       personalize.dice(30, 100, 60, 1000, 40) AS dice,
       personalize.overlap(30, 100, 60, 1000, 40) AS overlap,
       personalize.tversky(30, 100, 60, 1000, 70) AS tversky,
       personalize.lift(30, 100, 60, 1000, 4) AS lift \gx

-- against plain SQL, on every table of 12 baskets with no empty cell, margin or complement
SELECT count(*) AS tables,
       max(abs(personalize.cosine(c, a, b, n) - c / sqrt(a * b))) < 1e-14 AS cosine,
       max(abs(personalize.jaccard(c, a, b, n) - c / (a + b - c))) < 1e-14 AS jaccard,
       max(abs(personalize.tversky(c, a, b, n, 0, 0.5, 0.5) - personalize.dice(c, a, b, n))) < 1e-14 AS dice,
       max(abs(personalize.pmi(c, a, b, n) - ln(c * n / (a * b)))) < 1e-14 AS pmi,
       max(abs(personalize.npmi(c, a, b, n) + ln(c * n / (a * b)) / ln(c / n))) < 1e-14 AS npmi,
       max(abs(personalize.conviction(c, a, b, n) - (1 - b / n) / (1 - c / a))) < 1e-13 AS conviction,
       max(abs(personalize.leverage(c, a, b, n) - (c / n - a / n * b / n))) < 1e-14 AS leverage,
       max(abs(personalize.chi_square(c, a, b, n) - n * (c * n - a * b) ^ 2 / (a * b * (n - a) * (n - b)))) < 1e-12 AS chi_square,
       max(abs(personalize.llr(c, a, b, n) - 2 * (c * ln(c * n / (a * b)) + (a - c) * ln((a - c) * n / (a * (n - b)))
           + (b - c) * ln((b - c) * n / (b * (n - a)))
           + (n - a - b + c) * ln((n - a - b + c) * n / ((n - a) * (n - b)))))) < 1e-12 AS llr,
       max(abs(personalize.lift_lower_bound(c, a, b, n)
           - c * n / (a * b) * exp(-1.96 * sqrt(greatest(1 / c - 1 / a - 1 / b + 1 / n, 0))))) < 1e-13 AS lift_lower_bound,
       max(abs(personalize.kernel(c, a, b, n, 2, 0.7, 0.2, 1.5) - (c / ((a + 2) ^ 0.7 * b ^ 0.2)) ^ 1.5)) < 1e-13 AS kernel
FROM (SELECT c::float8, a::float8, b::float8, 12::float8 AS n
      FROM generate_series(1, 11) AS a, generate_series(1, 11) AS b, generate_series(1, 11) AS c
      WHERE c < a AND c < b AND a + b - c < 12) AS t \gx

-- edges: nothing known, never together, always together, in every basket
SELECT edge,
       personalize.cosine(c, a, b, n)::real AS cosine, personalize.conditional(c, a, b, n) AS conditional,
       personalize.kernel(c, a, b, n)::real AS kernel, personalize.lift(c, a, b, n) AS lift, personalize.pmi(c, a, b, n)::real AS pmi,
       personalize.npmi(c, a, b, n)::real AS npmi, personalize.conviction(c, a, b, n) AS conviction,
       personalize.leverage(c, a, b, n) AS leverage, personalize.chi_square(c, a, b, n)::real AS chi_square,
       personalize.llr(c, a, b, n)::real AS llr, personalize.signed_root_llr(c, a, b, n)::real AS root,
       personalize.lift_lower_bound(c, a, b, n)::real AS at_least
FROM (VALUES ('no basket', 0, 0, 0, 0), ('a unknown', 0, 0, 4, 8), ('b unknown', 0, 4, 0, 8), ('never together', 0, 4, 2, 8),
             ('always together', 2, 2, 2, 8), ('a only with b', 2, 2, 4, 8), ('b in all', 2, 2, 8, 8), ('both in all', 8, 8, 8, 8),
             ('independent', 2, 4, 4, 8)) AS v(edge, c, a, b, n);
SELECT personalize.tversky(0, 2, 2, 8, a => 0, b => 0) AS tversky_0, personalize.tversky(1, 2, 2, 8, a => 0, b => 0) AS tversky_1,
       personalize.lift(0, 0, 2, 8, shrinkage => 5) AS lift;
SELECT personalize.cosine(NULL, 1, 1, 1) IS NULL AS null_count, personalize.cosine(1, 1, 1, 1, NULL) IS NULL AS null_parameter;

-- fractions of baskets, as damping leaves them
SELECT personalize.cosine(0.25, 0.5, 0.5, 0.75) AS cosine, personalize.overlap(0.1 + 0.2, 0.4, 0.5, 0.6)::real AS rounded;

-- no NaN comes out, whatever goes in
SELECT count(*) AS tables, bool_and(s <> 'NaN') AS all_numbers
FROM generate_series(0, 5) AS n, generate_series(0, n) AS a, generate_series(0, n) AS b,
     generate_series(greatest(0, a + b - n), least(a, b)) AS c,
     LATERAL (VALUES (personalize.count(c, a, b, n)), (personalize.conditional(c, a, b, n)), (personalize.cosine(c, a, b, n)),
                     (personalize.asymmetric_cosine(c, a, b, n, 0, 0)), (personalize.jaccard(c, a, b, n)),
                     (personalize.dice(c, a, b, n)), (personalize.overlap(c, a, b, n)), (personalize.tversky(c, a, b, n, 0, 0, 0)),
                     (personalize.lift(c, a, b, n)), (personalize.pmi(c, a, b, n)), (personalize.npmi(c, a, b, n)),
                     (personalize.conviction(c, a, b, n)), (personalize.leverage(c, a, b, n)), (personalize.chi_square(c, a, b, n)),
                     (personalize.llr(c, a, b, n)), (personalize.signed_root_llr(c, a, b, n)),
                     (personalize.lift_lower_bound(c, a, b, n)), (personalize.kernel(c, a, b, n, 0, 0, 0, 100))) AS v(s);

-- contradictions
SELECT personalize.cosine(3, 2, 5, 10);
SELECT personalize.cosine(3, 5, 2, 10);
SELECT personalize.llr(1, 11, 2, 10);
SELECT personalize.llr(1, 2, 11, 10);
SELECT personalize.lift(1, 6, 6, 10);
SELECT personalize.lift(-1, 6, 6, 10);
SELECT personalize.count('NaN', 6, 6, 10);
SELECT personalize.jaccard(1, 6, 6, 'Infinity');
SELECT personalize.jaccard(1e-30, 6, 6, 20);

-- parameters out of range
SELECT personalize.cosine(1, 2, 3, 4, shrinkage => -1);
SELECT personalize.cosine(1, 2, 3, 4, shrinkage => 'NaN');
SELECT personalize.asymmetric_cosine(1, 2, 3, 4, a => 1.5);
SELECT personalize.tversky(1, 2, 3, 4, b => -0.1);
SELECT personalize.kernel(1, 2, 3, 4, p => 0);
SELECT personalize.kernel(1, 2, 3, 4, a => 'Infinity');
SELECT personalize.lift_lower_bound(1, 2, 3, 4, z => -1.96);
