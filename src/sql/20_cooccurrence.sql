-- The co-occurrence matrix: a type, the aggregates that make and merge it, and what is read from it.

CREATE TYPE personalize.cooccurrence;

CREATE FUNCTION personalize.cooccurrence_in(cstring) RETURNS personalize.cooccurrence
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_out(personalize.cooccurrence) RETURNS cstring
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_recv(internal) RETURNS personalize.cooccurrence
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_send(personalize.cooccurrence) RETURNS bytea
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- EXTERNAL: varints do not compress, and the head of an uncompressed value can be read alone.
CREATE TYPE personalize.cooccurrence (
    INPUT = personalize.cooccurrence_in, OUTPUT = personalize.cooccurrence_out,
    RECEIVE = personalize.cooccurrence_recv, SEND = personalize.cooccurrence_send,
    ALIGNMENT = double, STORAGE = external);

COMMENT ON FUNCTION personalize.cooccurrence_in(cstring) IS 'text input';
COMMENT ON FUNCTION personalize.cooccurrence_out(personalize.cooccurrence) IS 'text output';
COMMENT ON FUNCTION personalize.cooccurrence_recv(internal) IS 'binary input';
COMMENT ON FUNCTION personalize.cooccurrence_send(personalize.cooccurrence) IS 'binary output';
COMMENT ON TYPE personalize.cooccurrence IS 'mergeable co-occurrence matrix of items in baskets';

-- Aggregates: one set of support functions; the number of arguments says which options there are.

CREATE FUNCTION personalize.cooccurrence_trans(internal, "any", "any") RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_trans(internal, "any", "any", bigint) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_trans(internal, "any", "any", double precision, integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_trans(internal, "any", "any", bigint, double precision, integer) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION personalize.cooccurrence_final(internal) RETURNS personalize.cooccurrence
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION personalize.cooccurrence_trans(internal, "any", "any") IS 'aggregate support: one row';
COMMENT ON FUNCTION personalize.cooccurrence_trans(internal, "any", "any", bigint) IS 'aggregate support: one row';
COMMENT ON FUNCTION personalize.cooccurrence_trans(internal, "any", "any", double precision, integer) IS 'aggregate support: one row';
COMMENT ON FUNCTION personalize.cooccurrence_trans(internal, "any", "any", bigint, double precision, integer) IS 'aggregate support: one row';
COMMENT ON FUNCTION personalize.cooccurrence_combine(internal, internal) IS 'aggregate support: two states into one';
COMMENT ON FUNCTION personalize.cooccurrence_serialize(internal) IS 'aggregate support: a state for another process';
COMMENT ON FUNCTION personalize.cooccurrence_deserialize(bytea, internal) IS 'aggregate support: a state from another process';
COMMENT ON FUNCTION personalize.cooccurrence_final(internal) IS 'aggregate support: the matrix';

CREATE AGGREGATE personalize.cooccurrence(basket "any", item "any") (
    SFUNC = personalize.cooccurrence_trans, STYPE = internal, SSPACE = 65536,
    FINALFUNC = personalize.cooccurrence_final, COMBINEFUNC = personalize.cooccurrence_combine,
    SERIALFUNC = personalize.cooccurrence_serialize, DESERIALFUNC = personalize.cooccurrence_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE personalize.cooccurrence("any", "any") IS 'co-occurrence matrix of the items of baskets; an item counts once in a basket';

CREATE AGGREGATE personalize.cooccurrence(basket "any", item "any", weight bigint) (
    SFUNC = personalize.cooccurrence_trans, STYPE = internal, SSPACE = 65536,
    FINALFUNC = personalize.cooccurrence_final, COMBINEFUNC = personalize.cooccurrence_combine,
    SERIALFUNC = personalize.cooccurrence_serialize, DESERIALFUNC = personalize.cooccurrence_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE personalize.cooccurrence("any", "any", bigint) IS 'the same with weights, which add up inside a basket';

CREATE AGGREGATE personalize.cooccurrence(basket "any", item "any", damping double precision, max_basket integer) (
    SFUNC = personalize.cooccurrence_trans, STYPE = internal, SSPACE = 65536,
    FINALFUNC = personalize.cooccurrence_final, COMBINEFUNC = personalize.cooccurrence_combine,
    SERIALFUNC = personalize.cooccurrence_serialize, DESERIALFUNC = personalize.cooccurrence_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE personalize.cooccurrence("any", "any", double precision, integer) IS 'the same with baskets damped by 2^(-damping * floor(log2(size))) and cut to their max_basket largest items';

CREATE AGGREGATE personalize.cooccurrence(basket "any", item "any", weight bigint, damping double precision, max_basket integer) (
    SFUNC = personalize.cooccurrence_trans, STYPE = internal, SSPACE = 65536,
    FINALFUNC = personalize.cooccurrence_final, COMBINEFUNC = personalize.cooccurrence_combine,
    SERIALFUNC = personalize.cooccurrence_serialize, DESERIALFUNC = personalize.cooccurrence_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE personalize.cooccurrence("any", "any", bigint, double precision, integer) IS 'the same with weights, damping and cut';

-- Merging.

CREATE FUNCTION personalize.cooccurrence_add(personalize.cooccurrence, personalize.cooccurrence) RETURNS personalize.cooccurrence
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_add(personalize.cooccurrence, personalize.cooccurrence) IS 'implementation of + operator';
CREATE OPERATOR personalize.+ (
    LEFTARG = personalize.cooccurrence, RIGHTARG = personalize.cooccurrence,
    FUNCTION = personalize.cooccurrence_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.cooccurrence, personalize.cooccurrence) IS 'matrix of the baskets of both';

CREATE FUNCTION personalize.cooccurrence_eq(personalize.cooccurrence, personalize.cooccurrence) RETURNS boolean
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_eq(personalize.cooccurrence, personalize.cooccurrence) IS 'implementation of = operator';
CREATE FUNCTION personalize.cooccurrence_ne(personalize.cooccurrence, personalize.cooccurrence) RETURNS boolean
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_ne(personalize.cooccurrence, personalize.cooccurrence) IS 'implementation of <> operator';
CREATE OPERATOR personalize.= (
    LEFTARG = personalize.cooccurrence, RIGHTARG = personalize.cooccurrence,
    FUNCTION = personalize.cooccurrence_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>), HASHES);
COMMENT ON OPERATOR personalize.= (personalize.cooccurrence, personalize.cooccurrence) IS 'same baskets';
CREATE OPERATOR personalize.<> (
    LEFTARG = personalize.cooccurrence, RIGHTARG = personalize.cooccurrence,
    FUNCTION = personalize.cooccurrence_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=));
COMMENT ON OPERATOR personalize.<> (personalize.cooccurrence, personalize.cooccurrence) IS 'different baskets';

CREATE FUNCTION personalize.cooccurrence_hash(personalize.cooccurrence) RETURNS integer
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_hash(personalize.cooccurrence) IS 'hash of the stored bytes';
CREATE OPERATOR CLASS personalize.cooccurrence_ops DEFAULT FOR TYPE personalize.cooccurrence USING hash AS
    OPERATOR 1 personalize.= (personalize.cooccurrence, personalize.cooccurrence),
    FUNCTION 1 personalize.cooccurrence_hash(personalize.cooccurrence);

CREATE FUNCTION personalize.cooccurrence_rollup_trans(internal, personalize.cooccurrence) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_rollup_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_rollup_trans(internal, personalize.cooccurrence) IS 'aggregate support: one matrix';
CREATE FUNCTION personalize.cooccurrence_rollup_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_rollup_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_rollup_combine(internal, internal) IS 'aggregate support: two states into one';
CREATE FUNCTION personalize.cooccurrence_rollup_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_rollup_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_rollup_serialize(internal) IS 'aggregate support: a state for another process';
CREATE FUNCTION personalize.cooccurrence_rollup_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_rollup_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_rollup_deserialize(bytea, internal) IS 'aggregate support: a state from another process';
CREATE FUNCTION personalize.cooccurrence_rollup_final(internal) RETURNS personalize.cooccurrence
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_rollup_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cooccurrence_rollup_final(internal) IS 'aggregate support: the matrix';
CREATE AGGREGATE personalize.rollup(m personalize.cooccurrence) (
    SFUNC = personalize.cooccurrence_rollup_trans, STYPE = internal, SSPACE = 65536,
    FINALFUNC = personalize.cooccurrence_rollup_final, COMBINEFUNC = personalize.cooccurrence_rollup_combine,
    SERIALFUNC = personalize.cooccurrence_rollup_serialize, DESERIALFUNC = personalize.cooccurrence_rollup_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE personalize.rollup(personalize.cooccurrence) IS 'matrix of the baskets of all';

-- Accessors.

CREATE FUNCTION personalize.num_baskets(m personalize.cooccurrence) RETURNS bigint
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_num_baskets' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.num_baskets(personalize.cooccurrence) IS 'baskets in the matrix';
CREATE FUNCTION personalize.num_items(m personalize.cooccurrence) RETURNS bigint
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_num_items' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.num_items(personalize.cooccurrence) IS 'items in the matrix';
CREATE FUNCTION personalize.num_pairs(m personalize.cooccurrence) RETURNS bigint
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_num_pairs' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION personalize.num_pairs(personalize.cooccurrence) IS 'unordered pairs of different items that share a basket';
CREATE FUNCTION personalize.damping(m personalize.cooccurrence) RETURNS double precision
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_damping' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.damping(personalize.cooccurrence) IS 'basket damping that the matrix was made with, 0 for none';
CREATE FUNCTION personalize.item_count(m personalize.cooccurrence, item "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_item_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION personalize.item_count(personalize.cooccurrence, "any") IS 'baskets with the item, 0 for an unknown one';
CREATE FUNCTION personalize.pair_count(m personalize.cooccurrence, a "any", b "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_pair_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION personalize.pair_count(personalize.cooccurrence, "any", "any") IS 'baskets with both items';

-- Sets.  Each twice: items as bigint, or of the type of the second argument.  One function with a default
-- for that argument is not possible: the row type is settled before defaults are filled in.

CREATE FUNCTION personalize.pairs(m personalize.cooccurrence)
    RETURNS TABLE (item bigint, neighbor bigint, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_pairs' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 100000;
COMMENT ON FUNCTION personalize.pairs(personalize.cooccurrence) IS 'all pairs of items with their counts, each pair once, item before neighbor';
CREATE FUNCTION personalize.neighbors(m personalize.cooccurrence,
    k integer DEFAULT 20, measure text DEFAULT 'cosine', min_count double precision DEFAULT 0,
    shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
    p double precision DEFAULT NULL, z double precision DEFAULT NULL)
    RETURNS TABLE (item bigint, neighbor bigint, rank integer, score double precision,
                   n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_neighbors' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 100000;
COMMENT ON FUNCTION personalize.neighbors(personalize.cooccurrence, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the k best neighbors of every item by a measure';

CREATE FUNCTION personalize.pairs(m personalize.cooccurrence, item_type anyelement)
    RETURNS TABLE (item anyelement, neighbor anyelement, n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_pairs' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 100000;
COMMENT ON FUNCTION personalize.pairs(personalize.cooccurrence, anyelement) IS 'all pairs of items with their counts, each pair once, item before neighbor';
CREATE FUNCTION personalize.neighbors(m personalize.cooccurrence, item_type anyelement,
    k integer DEFAULT 20, measure text DEFAULT 'cosine', min_count double precision DEFAULT 0,
    shrinkage double precision DEFAULT NULL, a double precision DEFAULT NULL, b double precision DEFAULT NULL,
    p double precision DEFAULT NULL, z double precision DEFAULT NULL)
    RETURNS TABLE (item anyelement, neighbor anyelement, rank integer, score double precision,
                   n_ab double precision, n_a double precision, n_b double precision, n double precision)
    AS 'MODULE_PATHNAME', 'personalize_cooccurrence_neighbors' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 100000;
COMMENT ON FUNCTION personalize.neighbors(personalize.cooccurrence, anyelement, integer, text, double precision, double precision, double precision, double precision, double precision, double precision)
    IS 'the k best neighbors of every item by a measure';
