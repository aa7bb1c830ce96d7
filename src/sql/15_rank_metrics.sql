-- Metrics of ranked lists, and of how lists share a catalog.

CREATE FUNCTION personalize.recall_at(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_recall_at';
COMMENT ON FUNCTION personalize.recall_at(anyarray, anyarray, integer)
    IS 'hits among the first k / relevant items';

CREATE FUNCTION personalize.precision_at(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_precision_at';
COMMENT ON FUNCTION personalize.precision_at(anyarray, anyarray, integer)
    IS 'hits among the first k / k';

CREATE FUNCTION personalize.hit_at(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_hit_at';
COMMENT ON FUNCTION personalize.hit_at(anyarray, anyarray, integer)
    IS '1 if there is a hit among the first k, 0 otherwise';

CREATE FUNCTION personalize.ndcg_at(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_ndcg_at';
COMMENT ON FUNCTION personalize.ndcg_at(anyarray, anyarray, integer)
    IS 'discounted gain of the first k / that of the best order, over min(k, relevant) positions';

CREATE FUNCTION personalize.average_precision(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_average_precision';
COMMENT ON FUNCTION personalize.average_precision(anyarray, anyarray, integer)
    IS 'mean precision at the hits among the first k, over min(k, relevant)';

CREATE FUNCTION personalize.reciprocal_rank(recommended anyarray, relevant anyarray, k integer)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_reciprocal_rank';
COMMENT ON FUNCTION personalize.reciprocal_rank(anyarray, anyarray, integer)
    IS '1 / position of the first hit among the first k, 0 without';

CREATE FUNCTION personalize.average_precision(recommended anyarray, relevant anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_average_precision';
COMMENT ON FUNCTION personalize.average_precision(anyarray, anyarray)
    IS 'mean precision at the hits of the whole list, over the relevant items';

CREATE FUNCTION personalize.reciprocal_rank(recommended anyarray, relevant anyarray)
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_reciprocal_rank';
COMMENT ON FUNCTION personalize.reciprocal_rank(anyarray, anyarray)
    IS '1 / position of the first hit of the whole list, 0 without';

CREATE FUNCTION personalize.tally_transition(state internal, list anyarray, catalog_size bigint)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_tally_transition';
COMMENT ON FUNCTION personalize.tally_transition(internal, anyarray, bigint)
    IS 'support of the aggregates coverage and gini';

CREATE FUNCTION personalize.tally_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_tally_combine';
COMMENT ON FUNCTION personalize.tally_combine(internal, internal)
    IS 'support of the aggregates coverage and gini';

CREATE FUNCTION personalize.tally_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_tally_serialize';
COMMENT ON FUNCTION personalize.tally_serialize(internal)
    IS 'support of the aggregates coverage and gini';

CREATE FUNCTION personalize.tally_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_tally_deserialize';
COMMENT ON FUNCTION personalize.tally_deserialize(bytea, internal)
    IS 'support of the aggregates coverage and gini';

CREATE FUNCTION personalize.coverage_final(state internal)
    RETURNS double precision
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_coverage';
COMMENT ON FUNCTION personalize.coverage_final(internal)
    IS 'support of the aggregate coverage';

CREATE FUNCTION personalize.gini_final(state internal)
    RETURNS double precision
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_gini';
COMMENT ON FUNCTION personalize.gini_final(internal)
    IS 'support of the aggregate gini';

CREATE FUNCTION personalize.novelty_transition(state internal, n double precision, total double precision)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_novelty_transition';
COMMENT ON FUNCTION personalize.novelty_transition(internal, double precision, double precision)
    IS 'support of the aggregate novelty';

CREATE FUNCTION personalize.novelty_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_novelty_combine';
COMMENT ON FUNCTION personalize.novelty_combine(internal, internal)
    IS 'support of the aggregate novelty';

CREATE FUNCTION personalize.novelty_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_novelty_serialize';
COMMENT ON FUNCTION personalize.novelty_serialize(internal)
    IS 'support of the aggregate novelty';

CREATE FUNCTION personalize.novelty_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_novelty_deserialize';
COMMENT ON FUNCTION personalize.novelty_deserialize(bytea, internal)
    IS 'support of the aggregate novelty';

CREATE FUNCTION personalize.novelty_final(state internal)
    RETURNS double precision
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_novelty';
COMMENT ON FUNCTION personalize.novelty_final(internal)
    IS 'support of the aggregate novelty';

-- Both have the same state, so that the executor keeps one for the pair.
CREATE AGGREGATE personalize.coverage(list anyarray, catalog_size bigint) (
    STYPE = internal,
    SSPACE = 8192,
    SFUNC = personalize.tally_transition,
    COMBINEFUNC = personalize.tally_combine,
    SERIALFUNC = personalize.tally_serialize,
    DESERIALFUNC = personalize.tally_deserialize,
    FINALFUNC = personalize.coverage_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.coverage(anyarray, bigint)
    IS 'share of a catalog that is in any of the lists';

CREATE AGGREGATE personalize.gini(list anyarray, catalog_size bigint) (
    STYPE = internal,
    SSPACE = 8192,
    SFUNC = personalize.tally_transition,
    COMBINEFUNC = personalize.tally_combine,
    SERIALFUNC = personalize.tally_serialize,
    DESERIALFUNC = personalize.tally_deserialize,
    FINALFUNC = personalize.gini_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.gini(anyarray, bigint)
    IS 'Gini coefficient of how often each item of a catalog is in the lists: 0 all the same, towards 1 always the same few';

CREATE AGGREGATE personalize.novelty(n double precision, total double precision) (
    STYPE = internal,
    SSPACE = 64,
    SFUNC = personalize.novelty_transition,
    COMBINEFUNC = personalize.novelty_combine,
    SERIALFUNC = personalize.novelty_serialize,
    DESERIALFUNC = personalize.novelty_deserialize,
    FINALFUNC = personalize.novelty_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.novelty(double precision, double precision)
    IS 'mean self-information of recommended items in bits: -log2(n / total), n of total baskets having the item';
