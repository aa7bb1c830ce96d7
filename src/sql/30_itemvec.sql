
-- ----------------------------------------------------------------- itemvec

CREATE TYPE personalize.itemvec;

CREATE FUNCTION personalize.itemvec_in(cstring) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_in(cstring) IS 'text input of itemvec';

CREATE FUNCTION personalize.itemvec_out(personalize.itemvec) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_itemvec_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_out(personalize.itemvec) IS 'text output of itemvec';

CREATE FUNCTION personalize.itemvec_recv(internal) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_recv(internal) IS 'binary input of itemvec';

CREATE FUNCTION personalize.itemvec_send(personalize.itemvec) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_itemvec_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_send(personalize.itemvec) IS 'binary output of itemvec';

CREATE TYPE personalize.itemvec (
	INPUT = personalize.itemvec_in,
	OUTPUT = personalize.itemvec_out,
	RECEIVE = personalize.itemvec_recv,
	SEND = personalize.itemvec_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE personalize.itemvec IS 'sparse vector of weights by item: {42:1.5,43:2}';

CREATE FUNCTION personalize.itemvec(items bigint[]) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_from_items' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec(bigint[]) IS 'sparse vector of a list of items, weight 1 per occurrence';

CREATE FUNCTION personalize.itemvec(items integer[]) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_from_items' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec(integer[]) IS 'sparse vector of a list of items, weight 1 per occurrence';

CREATE FUNCTION personalize.itemvec(items bigint[], weights double precision[]) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_from_arrays' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec(bigint[], double precision[]) IS 'sparse vector of items and their weights; weights of the same item add up';

CREATE FUNCTION personalize.itemvec(object jsonb) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_from_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec(jsonb) IS 'sparse vector of a jsonb object {"item": weight}';

CREATE FUNCTION personalize.to_jsonb(v personalize.itemvec) RETURNS jsonb
AS 'MODULE_PATHNAME', 'personalize_itemvec_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.to_jsonb(personalize.itemvec) IS 'jsonb object {"item": weight} of a sparse vector';

CREATE CAST (bigint[] AS personalize.itemvec) WITH FUNCTION personalize.itemvec(bigint[]) AS ASSIGNMENT;
CREATE CAST (integer[] AS personalize.itemvec) WITH FUNCTION personalize.itemvec(integer[]) AS ASSIGNMENT;
CREATE CAST (jsonb AS personalize.itemvec) WITH FUNCTION personalize.itemvec(jsonb);
CREATE CAST (personalize.itemvec AS jsonb) WITH FUNCTION personalize.to_jsonb(personalize.itemvec);

CREATE FUNCTION personalize.itemvec_add(personalize.itemvec, personalize.itemvec) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_add(personalize.itemvec, personalize.itemvec) IS 'sum of two vectors, for the operator +';

CREATE FUNCTION personalize.itemvec_subtract(personalize.itemvec, personalize.itemvec) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_subtract' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_subtract(personalize.itemvec, personalize.itemvec) IS 'difference of two vectors, for the operator -';

CREATE FUNCTION personalize.itemvec_multiply(personalize.itemvec, personalize.itemvec) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_multiply' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_multiply(personalize.itemvec, personalize.itemvec) IS 'product of two vectors item by item, for the operator *';

CREATE FUNCTION personalize.itemvec_multiply(personalize.itemvec, double precision) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_scale' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_multiply(personalize.itemvec, double precision) IS 'product of a vector and a number, for the operator *';

CREATE FUNCTION personalize.itemvec_multiply(double precision, personalize.itemvec) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_scale_by' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_multiply(double precision, personalize.itemvec) IS 'product of a number and a vector, for the operator *';

CREATE FUNCTION personalize.itemvec_negate(personalize.itemvec) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_negate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_negate(personalize.itemvec) IS 'vector with every weight negated, for the operator -';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.itemvec, personalize.itemvec) IS 'sum, item by item';

CREATE OPERATOR personalize.- (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_subtract);
COMMENT ON OPERATOR personalize.- (personalize.itemvec, personalize.itemvec) IS 'difference, item by item';

CREATE OPERATOR personalize.- (RIGHTARG = personalize.itemvec, FUNCTION = personalize.itemvec_negate);
COMMENT ON OPERATOR personalize.- (NONE, personalize.itemvec) IS 'every weight negated';

CREATE OPERATOR personalize.* (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_multiply, COMMUTATOR = OPERATOR(personalize.*));
COMMENT ON OPERATOR personalize.* (personalize.itemvec, personalize.itemvec) IS 'product, item by item';

CREATE OPERATOR personalize.* (LEFTARG = personalize.itemvec, RIGHTARG = double precision,
	FUNCTION = personalize.itemvec_multiply, COMMUTATOR = OPERATOR(personalize.*));
COMMENT ON OPERATOR personalize.* (personalize.itemvec, double precision) IS 'every weight times a number';

CREATE OPERATOR personalize.* (LEFTARG = double precision, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_multiply, COMMUTATOR = OPERATOR(personalize.*));
COMMENT ON OPERATOR personalize.* (double precision, personalize.itemvec) IS 'every weight times a number';

CREATE FUNCTION personalize.itemvec_lt(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_lt(personalize.itemvec, personalize.itemvec) IS 'whether one vector is before another, for the operator <';

CREATE FUNCTION personalize.itemvec_le(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_le(personalize.itemvec, personalize.itemvec) IS 'whether one vector is before or equal to another, for the operator <=';

CREATE FUNCTION personalize.itemvec_eq(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_eq(personalize.itemvec, personalize.itemvec) IS 'whether one vector is equal to another, for the operator =';

CREATE FUNCTION personalize.itemvec_ne(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_ne(personalize.itemvec, personalize.itemvec) IS 'whether one vector is not equal to another, for the operator <>';

CREATE FUNCTION personalize.itemvec_ge(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_ge(personalize.itemvec, personalize.itemvec) IS 'whether one vector is after or equal to another, for the operator >=';

CREATE FUNCTION personalize.itemvec_gt(personalize.itemvec, personalize.itemvec) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_gt(personalize.itemvec, personalize.itemvec) IS 'whether one vector is after another, for the operator >';

CREATE FUNCTION personalize.itemvec_cmp(personalize.itemvec, personalize.itemvec) RETURNS integer
AS 'MODULE_PATHNAME', 'personalize_itemvec_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_cmp(personalize.itemvec, personalize.itemvec) IS 'order of two vectors, for indexes and DISTINCT: a total order without further meaning';

CREATE FUNCTION personalize.itemvec_hash(personalize.itemvec) RETURNS integer
AS 'MODULE_PATHNAME', 'personalize_itemvec_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_hash(personalize.itemvec) IS 'hash of a vector';

CREATE FUNCTION personalize.itemvec_hash_extended(personalize.itemvec, bigint) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_itemvec_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_hash_extended(personalize.itemvec, bigint) IS 'hash of a vector with a seed';

CREATE OPERATOR personalize.< (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_lt, COMMUTATOR = OPERATOR(personalize.>), NEGATOR = OPERATOR(personalize.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel);
COMMENT ON OPERATOR personalize.< (personalize.itemvec, personalize.itemvec) IS 'before';

CREATE OPERATOR personalize.<= (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_le, COMMUTATOR = OPERATOR(personalize.>=), NEGATOR = OPERATOR(personalize.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel);
COMMENT ON OPERATOR personalize.<= (personalize.itemvec, personalize.itemvec) IS 'before or equal to';

CREATE OPERATOR personalize.= (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES, MERGES);
COMMENT ON OPERATOR personalize.= (personalize.itemvec, personalize.itemvec) IS 'equal to';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.itemvec, personalize.itemvec) IS 'not equal to';

CREATE OPERATOR personalize.>= (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_ge, COMMUTATOR = OPERATOR(personalize.<=), NEGATOR = OPERATOR(personalize.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel);
COMMENT ON OPERATOR personalize.>= (personalize.itemvec, personalize.itemvec) IS 'after or equal to';

CREATE OPERATOR personalize.> (LEFTARG = personalize.itemvec, RIGHTARG = personalize.itemvec,
	FUNCTION = personalize.itemvec_gt, COMMUTATOR = OPERATOR(personalize.<), NEGATOR = OPERATOR(personalize.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel);
COMMENT ON OPERATOR personalize.> (personalize.itemvec, personalize.itemvec) IS 'after';

CREATE OPERATOR CLASS personalize.itemvec_ops DEFAULT FOR TYPE personalize.itemvec USING btree AS
	OPERATOR 1 personalize.<, OPERATOR 2 personalize.<=, OPERATOR 3 personalize.=,
	OPERATOR 4 personalize.>=, OPERATOR 5 personalize.>,
	FUNCTION 1 personalize.itemvec_cmp(personalize.itemvec, personalize.itemvec);
COMMENT ON OPERATOR CLASS personalize.itemvec_ops USING btree IS 'for DISTINCT, GROUP BY and sorting';

CREATE OPERATOR CLASS personalize.itemvec_ops DEFAULT FOR TYPE personalize.itemvec USING hash AS
	OPERATOR 1 personalize.=,
	FUNCTION 1 personalize.itemvec_hash(personalize.itemvec),
	FUNCTION 2 personalize.itemvec_hash_extended(personalize.itemvec, bigint);
COMMENT ON OPERATOR CLASS personalize.itemvec_ops USING hash IS 'for DISTINCT, GROUP BY and joins';

CREATE FUNCTION personalize.dot(a personalize.itemvec, b personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_dot' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dot(personalize.itemvec, personalize.itemvec) IS 'dot product';

CREATE FUNCTION personalize.norm(v personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.norm(personalize.itemvec) IS 'Euclidean length: the root of the sum of squared weights';

CREATE FUNCTION personalize.norm1(v personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_norm1' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.norm1(personalize.itemvec) IS 'sum of absolute weights';

CREATE FUNCTION personalize.total(v personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_total' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.total(personalize.itemvec) IS 'sum of weights';

CREATE FUNCTION personalize.cosine(a personalize.itemvec, b personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_cosine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cosine(personalize.itemvec, personalize.itemvec) IS 'cosine of the angle between two vectors; 0 where one is empty';

CREATE FUNCTION personalize.jaccard(a personalize.itemvec, b personalize.itemvec) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_jaccard' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.jaccard(personalize.itemvec, personalize.itemvec) IS 'weighted Jaccard (Ruzicka) similarity: sum of minima over sum of maxima';

CREATE FUNCTION personalize.size(v personalize.itemvec) RETURNS integer
AS 'MODULE_PATHNAME', 'personalize_itemvec_size' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.size(personalize.itemvec) IS 'number of items';

CREATE FUNCTION personalize.weight(v personalize.itemvec, item bigint) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_itemvec_weight' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.weight(personalize.itemvec, bigint) IS 'weight of an item, 0 where it is absent';

CREATE FUNCTION personalize.contains(v personalize.itemvec, item bigint) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_itemvec_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.contains(personalize.itemvec, bigint) IS 'whether the vector has the item';

CREATE OPERATOR personalize.? (LEFTARG = personalize.itemvec, RIGHTARG = bigint,
	FUNCTION = personalize.contains, RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR personalize.? (personalize.itemvec, bigint) IS 'has the item';

CREATE FUNCTION personalize.top(v personalize.itemvec, k integer) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_top' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.top(personalize.itemvec, integer) IS 'the k heaviest items, equal weights by ascending item';

CREATE FUNCTION personalize.items(v personalize.itemvec) RETURNS bigint[]
AS 'MODULE_PATHNAME', 'personalize_itemvec_items' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.items(personalize.itemvec) IS 'items, ascending';

CREATE FUNCTION personalize.weights(v personalize.itemvec) RETURNS double precision[]
AS 'MODULE_PATHNAME', 'personalize_itemvec_weights' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.weights(personalize.itemvec) IS 'weights, in ascending order of their items';

CREATE FUNCTION personalize.unnest(v personalize.itemvec, OUT item bigint, OUT weight double precision) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_itemvec_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50;
COMMENT ON FUNCTION personalize.unnest(personalize.itemvec) IS 'one row per item, ascending';

CREATE FUNCTION personalize.itemvec_accum(internal, bigint) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_itemvec_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_accum(internal, bigint) IS 'transition of itemvec(bigint)';

CREATE FUNCTION personalize.itemvec_accum(internal, bigint, double precision) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_itemvec_accum_weight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_accum(internal, bigint, double precision) IS 'transition of itemvec(bigint, double precision)';

CREATE FUNCTION personalize.itemvec_accum(internal, personalize.itemvec) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_itemvec_accum_vector' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_accum(internal, personalize.itemvec) IS 'transition of sum(itemvec)';

CREATE FUNCTION personalize.itemvec_merge(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_itemvec_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_merge(internal, internal) IS 'combines two states of itemvec() or sum()';

CREATE FUNCTION personalize.itemvec_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_itemvec_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_serialize(internal) IS 'serializes a state of itemvec() or sum()';

CREATE FUNCTION personalize.itemvec_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_itemvec_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_deserialize(bytea, internal) IS 'deserializes a state of itemvec() or sum()';

CREATE FUNCTION personalize.itemvec_final(internal) RETURNS personalize.itemvec
AS 'MODULE_PATHNAME', 'personalize_itemvec_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.itemvec_final(internal) IS 'vector of a state of itemvec() or sum()';

CREATE AGGREGATE personalize.itemvec(item bigint) (
	SFUNC = personalize.itemvec_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.itemvec_final,
	COMBINEFUNC = personalize.itemvec_merge,
	SERIALFUNC = personalize.itemvec_serialize,
	DESERIALFUNC = personalize.itemvec_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.itemvec(bigint) IS 'sparse vector of items, weight 1 per row';

CREATE AGGREGATE personalize.itemvec(item bigint, weight double precision) (
	SFUNC = personalize.itemvec_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.itemvec_final,
	COMBINEFUNC = personalize.itemvec_merge,
	SERIALFUNC = personalize.itemvec_serialize,
	DESERIALFUNC = personalize.itemvec_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.itemvec(bigint, double precision) IS 'sparse vector of items, the weights of an item added up exactly';

CREATE AGGREGATE personalize.sum(v personalize.itemvec) (
	SFUNC = personalize.itemvec_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.itemvec_final,
	COMBINEFUNC = personalize.itemvec_merge,
	SERIALFUNC = personalize.itemvec_serialize,
	DESERIALFUNC = personalize.itemvec_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.sum(personalize.itemvec) IS 'sum of vectors, each item added up exactly';
