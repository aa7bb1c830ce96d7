-- Arrays as sets: NULLs and repeated elements do not count.
CREATE FUNCTION personalize.jaccard(a anyarray, b anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_set_jaccard';
COMMENT ON FUNCTION personalize.jaccard(anyarray, anyarray)
    IS 'of two arrays as sets: size of the intersection / size of the union';

CREATE FUNCTION personalize.cosine(a anyarray, b anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_set_cosine';
COMMENT ON FUNCTION personalize.cosine(anyarray, anyarray)
    IS 'of two arrays as sets: size of the intersection / sqrt(product of the sizes)';

CREATE FUNCTION personalize.dice(a anyarray, b anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_set_dice';
COMMENT ON FUNCTION personalize.dice(anyarray, anyarray)
    IS 'of two arrays as sets: 2 * size of the intersection / sum of the sizes';

CREATE FUNCTION personalize.overlap(a anyarray, b anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_set_overlap';
COMMENT ON FUNCTION personalize.overlap(anyarray, anyarray)
    IS 'of two arrays as sets: size of the intersection / size of the smaller set';
