
-- -------------------------------------------------------------------- cset

CREATE TYPE personalize.cset;

CREATE FUNCTION personalize.cset_in(cstring) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_in(cstring) IS 'text input of cset';

CREATE FUNCTION personalize.cset_out(personalize.cset) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_cset_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_out(personalize.cset) IS 'text output of cset';

CREATE FUNCTION personalize.cset_recv(internal) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_recv(internal) IS 'binary input of cset';

CREATE FUNCTION personalize.cset_send(personalize.cset) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_cset_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_send(personalize.cset) IS 'binary output of cset';

CREATE TYPE personalize.cset (
	INPUT = personalize.cset_in,
	OUTPUT = personalize.cset_out,
	RECEIVE = personalize.cset_recv,
	SEND = personalize.cset_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = external
);
COMMENT ON TYPE personalize.cset IS 'set of customers by number: {1,5,9-12}';

CREATE FUNCTION personalize.cset_or(personalize.cset, personalize.cset) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_or' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_or(personalize.cset, personalize.cset) IS 'members of either, for the operator |';

CREATE FUNCTION personalize.cset_and(personalize.cset, personalize.cset) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_and' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_and(personalize.cset, personalize.cset) IS 'members of both, for the operator &';

CREATE FUNCTION personalize.cset_minus(personalize.cset, personalize.cset) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_minus' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_minus(personalize.cset, personalize.cset) IS 'members of the left one that are not in the right one, for the operator -';

CREATE FUNCTION personalize.cset_has(personalize.cset, bigint) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_has' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_has(personalize.cset, bigint) IS 'whether the number is a member, for the operator @>';

CREATE FUNCTION personalize.cset_member(bigint, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_member' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_member(bigint, personalize.cset) IS 'whether the number is a member, for the operator <@';

CREATE FUNCTION personalize.cset_contains(personalize.cset, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_contains' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_contains(personalize.cset, personalize.cset) IS 'whether all members of the right one are in the left one, for the operator @>';

CREATE FUNCTION personalize.cset_contained(personalize.cset, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_contained' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_contained(personalize.cset, personalize.cset) IS 'whether all members of the left one are in the right one, for the operator <@';

CREATE FUNCTION personalize.cset_overlaps(personalize.cset, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_overlaps' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_overlaps(personalize.cset, personalize.cset) IS 'whether any member is in both, for the operator &&';

CREATE FUNCTION personalize.cset_eq(personalize.cset, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_eq(personalize.cset, personalize.cset) IS 'whether both have the same members, for the operator =';

CREATE FUNCTION personalize.cset_ne(personalize.cset, personalize.cset) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_cset_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_ne(personalize.cset, personalize.cset) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.| (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_or, COMMUTATOR = OPERATOR(personalize.|));
COMMENT ON OPERATOR personalize.| (personalize.cset, personalize.cset) IS 'members of either';

CREATE OPERATOR personalize.& (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_and, COMMUTATOR = OPERATOR(personalize.&));
COMMENT ON OPERATOR personalize.& (personalize.cset, personalize.cset) IS 'members of both';

CREATE OPERATOR personalize.- (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_minus);
COMMENT ON OPERATOR personalize.- (personalize.cset, personalize.cset) IS 'members of the left one that are not in the right one';

CREATE OPERATOR personalize.@> (LEFTARG = personalize.cset, RIGHTARG = bigint,
	FUNCTION = personalize.cset_has, COMMUTATOR = OPERATOR(personalize.<@), RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel);
COMMENT ON OPERATOR personalize.@> (personalize.cset, bigint) IS 'whether the number is a member';

CREATE OPERATOR personalize.<@ (LEFTARG = bigint, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_member, COMMUTATOR = OPERATOR(personalize.@>), RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel);
COMMENT ON OPERATOR personalize.<@ (bigint, personalize.cset) IS 'whether the number is a member';

CREATE OPERATOR personalize.@> (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_contains, COMMUTATOR = OPERATOR(personalize.<@), RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR personalize.@> (personalize.cset, personalize.cset) IS 'whether all members of the right one are in the left one';

CREATE OPERATOR personalize.<@ (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_contained, COMMUTATOR = OPERATOR(personalize.@>), RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR personalize.<@ (personalize.cset, personalize.cset) IS 'whether all members of the left one are in the right one';

CREATE OPERATOR personalize.&& (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_overlaps, COMMUTATOR = OPERATOR(personalize.&&), RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR personalize.&& (personalize.cset, personalize.cset) IS 'whether any member is in both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>), RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.cset, personalize.cset) IS 'whether both have the same members';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.cset, RIGHTARG = personalize.cset,
	FUNCTION = personalize.cset_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=), RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.cset, personalize.cset) IS 'whether they differ';

CREATE FUNCTION personalize.cardinality(s personalize.cset) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_cset_cardinality' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cardinality(personalize.cset) IS 'number of members';

CREATE FUNCTION personalize.count(s personalize.cset) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_cset_cardinality' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.count(personalize.cset) IS 'number of members, as cardinality()';

CREATE FUNCTION personalize.overlap_count(a personalize.cset, b personalize.cset) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_cset_overlap_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.overlap_count(personalize.cset, personalize.cset) IS 'number of members of both';

CREATE FUNCTION personalize.jaccard(a personalize.cset, b personalize.cset) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_cset_jaccard' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.jaccard(personalize.cset, personalize.cset) IS 'number of members of both / of either';

CREATE FUNCTION personalize.unnest(s personalize.cset) RETURNS SETOF bigint
AS 'MODULE_PATHNAME', 'personalize_cset_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.unnest(personalize.cset) IS 'members, ascending';

CREATE FUNCTION personalize.cset(members bigint[]) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset(bigint[]) IS 'set of the elements of an array';

CREATE FUNCTION personalize.cset_to_array(personalize.cset) RETURNS bigint[]
AS 'MODULE_PATHNAME', 'personalize_cset_to_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_to_array(personalize.cset) IS 'members as an array, ascending, for the cast';

CREATE CAST (bigint[] AS personalize.cset) WITH FUNCTION personalize.cset(bigint[]);

CREATE CAST (personalize.cset AS bigint[]) WITH FUNCTION personalize.cset_to_array(personalize.cset);

CREATE FUNCTION personalize.cset_accum(internal, bigint) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_cset_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_accum(internal, bigint) IS 'state with one more member, for cset_agg';

CREATE FUNCTION personalize.cset_accum(internal, personalize.cset) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_cset_accum_cset' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_accum(internal, personalize.cset) IS 'state with the members of one more set, for cset_or_agg';

CREATE FUNCTION personalize.cset_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_cset_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_combine(internal, internal) IS 'state of both, for cset_agg';

CREATE FUNCTION personalize.cset_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_cset_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_serialize(internal) IS 'state on its way between processes, for cset_agg';

CREATE FUNCTION personalize.cset_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_cset_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_deserialize(bytea, internal) IS 'state on its way between processes, for cset_agg';

CREATE FUNCTION personalize.cset_final(internal) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_cset_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.cset_final(internal) IS 'set of a state, for cset_agg';

CREATE AGGREGATE personalize.cset_agg(ordinal bigint) (
	SFUNC = personalize.cset_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = personalize.cset_final,
	COMBINEFUNC = personalize.cset_combine,
	SERIALFUNC = personalize.cset_serialize,
	DESERIALFUNC = personalize.cset_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.cset_agg(bigint) IS 'set of numbers';

CREATE AGGREGATE personalize.cset_or_agg(s personalize.cset) (
	SFUNC = personalize.cset_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = personalize.cset_final,
	COMBINEFUNC = personalize.cset_combine,
	SERIALFUNC = personalize.cset_serialize,
	DESERIALFUNC = personalize.cset_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.cset_or_agg(personalize.cset) IS 'members of any';

CREATE AGGREGATE personalize.cset_and_agg(s personalize.cset) (
	SFUNC = personalize.cset_and,
	STYPE = personalize.cset,
	COMBINEFUNC = personalize.cset_and,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.cset_and_agg(personalize.cset) IS 'members of all';
