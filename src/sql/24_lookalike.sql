-- Customers who have in common what those of a seed set have.

CREATE TYPE personalize.lookalike_model;

CREATE FUNCTION personalize.lookalike_model_in(cstring)
    RETURNS personalize.lookalike_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_in';
COMMENT ON FUNCTION personalize.lookalike_model_in(cstring)
    IS 'text input of lookalike_model';

CREATE FUNCTION personalize.lookalike_model_out(personalize.lookalike_model)
    RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_out';
COMMENT ON FUNCTION personalize.lookalike_model_out(personalize.lookalike_model)
    IS 'text output of lookalike_model';

CREATE FUNCTION personalize.lookalike_model_recv(internal)
    RETURNS personalize.lookalike_model
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_recv';
COMMENT ON FUNCTION personalize.lookalike_model_recv(internal)
    IS 'binary input of lookalike_model';

CREATE FUNCTION personalize.lookalike_model_send(personalize.lookalike_model)
    RETURNS bytea
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_send';
COMMENT ON FUNCTION personalize.lookalike_model_send(personalize.lookalike_model)
    IS 'binary output of lookalike_model';

CREATE TYPE personalize.lookalike_model (
    INPUT = personalize.lookalike_model_in,
    OUTPUT = personalize.lookalike_model_out,
    RECEIVE = personalize.lookalike_model_recv,
    SEND = personalize.lookalike_model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE personalize.lookalike_model IS 'how many of a seed set, and of all customers, have each feature: 10/100 {"category shoes":7/30,"price 2":4/50}';

CREATE FUNCTION personalize.lookalike_model_eq(personalize.lookalike_model, personalize.lookalike_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_eq';
COMMENT ON FUNCTION personalize.lookalike_model_eq(personalize.lookalike_model, personalize.lookalike_model)
    IS 'whether both have the same counts, for the operator =';

CREATE FUNCTION personalize.lookalike_model_ne(personalize.lookalike_model, personalize.lookalike_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_ne';
COMMENT ON FUNCTION personalize.lookalike_model_ne(personalize.lookalike_model, personalize.lookalike_model)
    IS 'whether they differ, for the operator <>';

CREATE FUNCTION personalize.lookalike_model_merge(personalize.lookalike_model, personalize.lookalike_model)
    RETURNS personalize.lookalike_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_merge';
COMMENT ON FUNCTION personalize.lookalike_model_merge(personalize.lookalike_model, personalize.lookalike_model)
    IS 'the customers of both, for the operator +';

CREATE OPERATOR personalize.= (LEFTARG = personalize.lookalike_model, RIGHTARG = personalize.lookalike_model,
    FUNCTION = personalize.lookalike_model_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.lookalike_model, personalize.lookalike_model) IS 'the same counts';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.lookalike_model, RIGHTARG = personalize.lookalike_model,
    FUNCTION = personalize.lookalike_model_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.lookalike_model, personalize.lookalike_model) IS 'other counts';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.lookalike_model, RIGHTARG = personalize.lookalike_model,
    FUNCTION = personalize.lookalike_model_merge, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.lookalike_model, personalize.lookalike_model) IS 'the customers of both';

CREATE FUNCTION personalize.lookalike_model_add(state internal, features text[], in_seed boolean)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_add';
COMMENT ON FUNCTION personalize.lookalike_model_add(internal, text[], boolean)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE FUNCTION personalize.lookalike_model_rollup(state internal, m personalize.lookalike_model)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_rollup';
COMMENT ON FUNCTION personalize.lookalike_model_rollup(internal, personalize.lookalike_model)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE FUNCTION personalize.lookalike_model_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_combine';
COMMENT ON FUNCTION personalize.lookalike_model_combine(internal, internal)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE FUNCTION personalize.lookalike_model_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_serialize';
COMMENT ON FUNCTION personalize.lookalike_model_serialize(internal)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE FUNCTION personalize.lookalike_model_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_deserialize';
COMMENT ON FUNCTION personalize.lookalike_model_deserialize(bytea, internal)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE FUNCTION personalize.lookalike_model_final(state internal)
    RETURNS personalize.lookalike_model
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_final';
COMMENT ON FUNCTION personalize.lookalike_model_final(internal)
    IS 'support of the aggregates lookalike_model and rollup';

CREATE AGGREGATE personalize.lookalike_model(features text[], in_seed boolean) (
    STYPE = internal,
    SFUNC = personalize.lookalike_model_add,
    COMBINEFUNC = personalize.lookalike_model_combine,
    SERIALFUNC = personalize.lookalike_model_serialize,
    DESERIALFUNC = personalize.lookalike_model_deserialize,
    FINALFUNC = personalize.lookalike_model_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.lookalike_model(text[], boolean)
    IS 'how many of a seed set, and of all customers, have each feature';

CREATE AGGREGATE personalize.rollup(m personalize.lookalike_model) (
    STYPE = internal,
    SFUNC = personalize.lookalike_model_rollup,
    COMBINEFUNC = personalize.lookalike_model_combine,
    SERIALFUNC = personalize.lookalike_model_serialize,
    DESERIALFUNC = personalize.lookalike_model_deserialize,
    FINALFUNC = personalize.lookalike_model_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.lookalike_model)
    IS 'the customers of all';

CREATE FUNCTION personalize.lookalike_score(m personalize.lookalike_model, features text[])
    RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_score';
COMMENT ON FUNCTION personalize.lookalike_score(personalize.lookalike_model, text[])
    IS 'log-odds that a customer with these features is like the seed set, against all customers';

CREATE FUNCTION personalize.lookalike_features(m personalize.lookalike_model, OUT feature text, OUT customers bigint, OUT seeds bigint, OUT weight double precision)
    RETURNS SETOF record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100
    AS 'MODULE_PATHNAME', 'personalize_lookalike_features';
COMMENT ON FUNCTION personalize.lookalike_features(personalize.lookalike_model)
    IS 'features with their counts, and what each adds to a score';

CREATE FUNCTION personalize.num_customers(m personalize.lookalike_model)
    RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_customers';
COMMENT ON FUNCTION personalize.num_customers(personalize.lookalike_model)
    IS 'customers of a lookalike_model';

CREATE FUNCTION personalize.num_seeds(m personalize.lookalike_model)
    RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_lookalike_seeds';
COMMENT ON FUNCTION personalize.num_seeds(personalize.lookalike_model)
    IS 'customers of the seed set of a lookalike_model';

CREATE FUNCTION personalize.lookalike(seed anyarray, features regclass, k integer DEFAULT 100, key_column name DEFAULT 'key', features_column name DEFAULT 'features', OUT key anyelement, OUT score double precision, OUT rank bigint)
    RETURNS SETOF record
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 ROWS 100
    AS 'MODULE_PATHNAME', 'personalize_lookalike';
COMMENT ON FUNCTION personalize.lookalike(anyarray, regclass, integer, name, name)
    IS 'the customers of a table of features that are most like those of the seed set, which are left out';

CREATE FUNCTION personalize.lookalike_lift(seed anyarray, features regclass, k integer DEFAULT 100, hidden double precision DEFAULT 0.2, hash_seed bigint DEFAULT 0, key_column name DEFAULT 'key', features_column name DEFAULT 'features', OUT seeds bigint, OUT hidden_seeds bigint, OUT candidates bigint, OUT found bigint, OUT recall double precision, OUT random double precision, OUT lift double precision)
    RETURNS SETOF record
    LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 10000 ROWS 1
    AS 'MODULE_PATHNAME', 'personalize_lookalike_lift';
COMMENT ON FUNCTION personalize.lookalike_lift(anyarray, regclass, integer, double precision, bigint, name, name)
    IS 'how many of the seeds that were hidden from the model it finds among the first k, against chance';
