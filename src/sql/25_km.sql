
-- ---------------------------------------------------------------- Kaplan-Meier

CREATE TYPE personalize.km;

CREATE FUNCTION personalize.km_in(cstring) RETURNS personalize.km
AS 'MODULE_PATHNAME', 'personalize_km_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_in(cstring) IS 'text input of km';

CREATE FUNCTION personalize.km_out(personalize.km) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_km_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_out(personalize.km) IS 'text output of km';

CREATE FUNCTION personalize.km_recv(internal) RETURNS personalize.km
AS 'MODULE_PATHNAME', 'personalize_km_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_recv(internal) IS 'binary input of km';

CREATE FUNCTION personalize.km_send(personalize.km) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_km_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_send(personalize.km) IS 'binary output of km';

CREATE TYPE personalize.km (
	INPUT = personalize.km_in,
	OUTPUT = personalize.km_out,
	RECEIVE = personalize.km_recv,
	SEND = personalize.km_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE personalize.km IS 'how long things lasted, by duration events and + censored: {9:1, 13:1+1, 28:0+1}';

CREATE FUNCTION personalize.km_add(personalize.km, personalize.km) RETURNS personalize.km
AS 'MODULE_PATHNAME', 'personalize_km_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_add(personalize.km, personalize.km) IS 'observations of both, for the operator +';

CREATE FUNCTION personalize.km_eq(personalize.km, personalize.km) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_km_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_eq(personalize.km, personalize.km) IS 'whether both have the same observations, for the operator =';

CREATE FUNCTION personalize.km_ne(personalize.km, personalize.km) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_km_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_ne(personalize.km, personalize.km) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.km, RIGHTARG = personalize.km,
	FUNCTION = personalize.km_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.km, personalize.km) IS 'observations of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.km, RIGHTARG = personalize.km,
	FUNCTION = personalize.km_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.km, personalize.km) IS 'the same observations';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.km, RIGHTARG = personalize.km,
	FUNCTION = personalize.km_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.km, personalize.km) IS 'other observations';

CREATE FUNCTION personalize.survival_at(k personalize.km, t double precision) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_km_survival_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.survival_at(personalize.km, double precision) IS 'share that lasts longer than t; NULL beyond the last duration';

CREATE FUNCTION personalize.quantile(k personalize.km, p double precision, level double precision DEFAULT 0.95, conf_type text DEFAULT 'log', OUT estimate double precision, OUT lower double precision, OUT upper double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_km_quantile' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.quantile(personalize.km, double precision, double precision, text) IS 'duration by which the share p has ended, with confidence limits';

CREATE FUNCTION personalize.median(k personalize.km, level double precision DEFAULT 0.95, conf_type text DEFAULT 'log', OUT estimate double precision, OUT lower double precision, OUT upper double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_km_median' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.median(personalize.km, double precision, text) IS 'duration by which half have ended, with confidence limits';

CREATE FUNCTION personalize.survival_table(k personalize.km, level double precision DEFAULT 0.95, conf_type text DEFAULT 'log', OUT "time" double precision, OUT at_risk bigint, OUT events bigint, OUT censored bigint, OUT survival double precision, OUT std_error double precision, OUT lower double precision, OUT upper double precision) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_km_survival_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION personalize.survival_table(personalize.km, double precision, text) IS 'one row per distinct duration: Kaplan-Meier with Greenwood errors and confidence limits';

CREATE FUNCTION personalize.km_accum(internal, double precision, boolean) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_km_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_accum(internal, double precision, boolean) IS 'transition of km(double precision, boolean)';

CREATE FUNCTION personalize.km_accum(internal, interval, boolean) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_km_accum_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_accum(internal, interval, boolean) IS 'transition of km(interval, boolean)';

CREATE FUNCTION personalize.km_accum(internal, personalize.km) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_km_accum_km' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_accum(internal, personalize.km) IS 'transition of rollup(km)';

CREATE FUNCTION personalize.km_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_km_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_combine(internal, internal) IS 'combines two states of km() or rollup()';

CREATE FUNCTION personalize.km_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_km_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_serialize(internal) IS 'serializes a state of km() or rollup()';

CREATE FUNCTION personalize.km_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_km_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_deserialize(bytea, internal) IS 'deserializes a state of km() or rollup()';

CREATE FUNCTION personalize.km_final(internal) RETURNS personalize.km
AS 'MODULE_PATHNAME', 'personalize_km_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.km_final(internal) IS 'km of a state of km() or rollup()';

CREATE AGGREGATE personalize.km(duration double precision, event boolean) (
	SFUNC = personalize.km_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = personalize.km_final,
	COMBINEFUNC = personalize.km_combine,
	SERIALFUNC = personalize.km_serialize,
	DESERIALFUNC = personalize.km_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.km(double precision, boolean) IS 'Kaplan-Meier estimate: how long things last, where event is false for what has not ended';

CREATE AGGREGATE personalize.km(duration interval, event boolean) (
	SFUNC = personalize.km_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = personalize.km_final,
	COMBINEFUNC = personalize.km_combine,
	SERIALFUNC = personalize.km_serialize,
	DESERIALFUNC = personalize.km_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.km(interval, boolean) IS 'Kaplan-Meier estimate in seconds: how long things last, where event is false for what has not ended';

CREATE AGGREGATE personalize.rollup(k personalize.km) (
	SFUNC = personalize.km_accum,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = personalize.km_final,
	COMBINEFUNC = personalize.km_combine,
	SERIALFUNC = personalize.km_serialize,
	DESERIALFUNC = personalize.km_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.km) IS 'observations of all';
