-- Each measure over the counts of baskets with both items, with a, with b, and of all; then its parameters.
CREATE FUNCTION personalize.count(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_count';
COMMENT ON FUNCTION personalize.count(double precision, double precision, double precision, double precision)
    IS 'n_ab itself, the number of baskets with both items';

CREATE FUNCTION personalize.conditional(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_conditional';
COMMENT ON FUNCTION personalize.conditional(double precision, double precision, double precision, double precision, double precision)
    IS 'share of the baskets with item a that have item b too: n_ab / (n_a + shrinkage)';

CREATE FUNCTION personalize.confidence(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_conditional';
COMMENT ON FUNCTION personalize.confidence(double precision, double precision, double precision, double precision, double precision)
    IS 'another name of personalize.conditional';

CREATE FUNCTION personalize.cosine(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_cosine';
COMMENT ON FUNCTION personalize.cosine(double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab / (sqrt(n_a * n_b) + shrinkage)';

CREATE FUNCTION personalize.asymmetric_cosine(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0, a double precision DEFAULT 0.5)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_asymmetric_cosine';
COMMENT ON FUNCTION personalize.asymmetric_cosine(double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab / (n_a^a * n_b^(1 - a) + shrinkage)';

CREATE FUNCTION personalize.jaccard(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_jaccard';
COMMENT ON FUNCTION personalize.jaccard(double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab / (n_a + n_b - n_ab + shrinkage)';

CREATE FUNCTION personalize.dice(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_dice';
COMMENT ON FUNCTION personalize.dice(double precision, double precision, double precision, double precision, double precision)
    IS '2 * n_ab / (n_a + n_b + shrinkage)';

CREATE FUNCTION personalize.overlap(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_overlap';
COMMENT ON FUNCTION personalize.overlap(double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab / (least(n_a, n_b) + shrinkage)';

CREATE FUNCTION personalize.tversky(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0, a double precision DEFAULT 1, b double precision DEFAULT 1)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_tversky';
COMMENT ON FUNCTION personalize.tversky(double precision, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab / (n_ab + a * (n_a - n_ab) + b * (n_b - n_ab) + shrinkage)';

CREATE FUNCTION personalize.lift(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lift';
COMMENT ON FUNCTION personalize.lift(double precision, double precision, double precision, double precision, double precision)
    IS 'n_ab against what independent items would have: n_ab / (n_a * n_b / n + shrinkage)';

CREATE FUNCTION personalize.pmi(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_pmi';
COMMENT ON FUNCTION personalize.pmi(double precision, double precision, double precision, double precision)
    IS 'pointwise mutual information, the natural logarithm of lift';

CREATE FUNCTION personalize.npmi(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_npmi';
COMMENT ON FUNCTION personalize.npmi(double precision, double precision, double precision, double precision)
    IS 'pointwise mutual information between -1 and 1: pmi / ln(n / n_ab)';

CREATE FUNCTION personalize.conviction(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_conviction';
COMMENT ON FUNCTION personalize.conviction(double precision, double precision, double precision, double precision)
    IS 'n_a * (n - n_b) / (n * (n_a - n_ab))';

CREATE FUNCTION personalize.leverage(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_leverage';
COMMENT ON FUNCTION personalize.leverage(double precision, double precision, double precision, double precision)
    IS 'n_ab / n - n_a * n_b / n^2';

CREATE FUNCTION personalize.chi_square(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_chi_square';
COMMENT ON FUNCTION personalize.chi_square(double precision, double precision, double precision, double precision)
    IS 'Pearson''s chi-square of the 2 x 2 table, without correction';

CREATE FUNCTION personalize.llr(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_llr';
COMMENT ON FUNCTION personalize.llr(double precision, double precision, double precision, double precision)
    IS 'log-likelihood ratio of the 2 x 2 table (Dunning 1993)';

CREATE FUNCTION personalize.signed_root_llr(n_ab double precision, n_a double precision, n_b double precision, n double precision)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_signed_root_llr';
COMMENT ON FUNCTION personalize.signed_root_llr(double precision, double precision, double precision, double precision)
    IS 'root of the log-likelihood ratio, negative where there are fewer pairs than independent items would have';

CREATE FUNCTION personalize.lift_lower_bound(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    z double precision DEFAULT 1.96)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lift_lower_bound';
COMMENT ON FUNCTION personalize.lift_lower_bound(double precision, double precision, double precision, double precision, double precision)
    IS 'lower confidence bound of lift: exp(ln lift - z * sqrt(1/n_ab - 1/n_a - 1/n_b + 1/n))';

CREATE FUNCTION personalize.kernel(n_ab double precision, n_a double precision, n_b double precision, n double precision,
    shrinkage double precision DEFAULT 0, a double precision DEFAULT 0.6, b double precision DEFAULT 0.3, p double precision DEFAULT 1)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_kernel';
COMMENT ON FUNCTION personalize.kernel(double precision, double precision, double precision, double precision, double precision, double precision, double precision, double precision)
    IS '(n_ab / ((n_a + shrinkage)^a * n_b^b))^p';

CREATE FUNCTION personalize.measures(
    OUT name text, OUT alias text, OUT parameters text[], OUT weighted boolean, OUT formula text)
    RETURNS SETOF record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    ROWS 18
    AS 'MODULE_PATHNAME', 'personalize_measures';
COMMENT ON FUNCTION personalize.measures()
    IS 'the measures: name, second name, parameters with defaults, whether weighted pairs have it, formula';
