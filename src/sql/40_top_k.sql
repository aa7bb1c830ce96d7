CREATE FUNCTION personalize.top_k_transition(state internal, item anynonarray, score double precision, k integer)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_transition';
COMMENT ON FUNCTION personalize.top_k_transition(internal, anynonarray, double precision, integer)
    IS 'support of the aggregates top_k and top_k_scores';

CREATE FUNCTION personalize.top_k_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_combine';
COMMENT ON FUNCTION personalize.top_k_combine(internal, internal)
    IS 'support of the aggregates top_k and top_k_scores';

CREATE FUNCTION personalize.top_k_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_serialize';
COMMENT ON FUNCTION personalize.top_k_serialize(internal)
    IS 'support of the aggregates top_k and top_k_scores';

CREATE FUNCTION personalize.top_k_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_deserialize';
COMMENT ON FUNCTION personalize.top_k_deserialize(bytea, internal)
    IS 'support of the aggregates top_k and top_k_scores';

CREATE FUNCTION personalize.top_k_items_final(state internal, item anynonarray, score double precision, k integer)
    RETURNS anyarray
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_items';
COMMENT ON FUNCTION personalize.top_k_items_final(internal, anynonarray, double precision, integer)
    IS 'support of the aggregate top_k';

CREATE FUNCTION personalize.top_k_scores_final(state internal)
    RETURNS double precision[]
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_top_k_scores';
COMMENT ON FUNCTION personalize.top_k_scores_final(internal)
    IS 'support of the aggregate top_k_scores';

-- Everything but the final function is the same in both, so that the executor keeps one state for the pair.
CREATE AGGREGATE personalize.top_k(item anynonarray, score double precision, k integer) (
    STYPE = internal,
    SSPACE = 1024,
    SFUNC = personalize.top_k_transition,
    COMBINEFUNC = personalize.top_k_combine,
    SERIALFUNC = personalize.top_k_serialize,
    DESERIALFUNC = personalize.top_k_deserialize,
    FINALFUNC = personalize.top_k_items_final,
    FINALFUNC_EXTRA,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.top_k(anynonarray, double precision, integer)
    IS 'the k items of the highest scores, best first, ties in the order of the items';

CREATE AGGREGATE personalize.top_k_scores(item anynonarray, score double precision, k integer) (
    STYPE = internal,
    SSPACE = 1024,
    SFUNC = personalize.top_k_transition,
    COMBINEFUNC = personalize.top_k_combine,
    SERIALFUNC = personalize.top_k_serialize,
    DESERIALFUNC = personalize.top_k_deserialize,
    FINALFUNC = personalize.top_k_scores_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.top_k_scores(anynonarray, double precision, integer)
    IS 'the scores of the items that top_k returns, in the same order';
