-- Recency, frequency, monetary value.

CREATE TYPE personalize.rfm_model;

CREATE FUNCTION personalize.rfm_model_in(cstring)
    RETURNS personalize.rfm_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_in';
COMMENT ON FUNCTION personalize.rfm_model_in(cstring)
    IS 'text input of rfm_model';

CREATE FUNCTION personalize.rfm_model_out(personalize.rfm_model)
    RETURNS cstring
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_out';
COMMENT ON FUNCTION personalize.rfm_model_out(personalize.rfm_model)
    IS 'text output of rfm_model';

CREATE FUNCTION personalize.rfm_model_recv(internal)
    RETURNS personalize.rfm_model
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_recv';
COMMENT ON FUNCTION personalize.rfm_model_recv(internal)
    IS 'binary input of rfm_model';

CREATE FUNCTION personalize.rfm_model_send(personalize.rfm_model)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_send';
COMMENT ON FUNCTION personalize.rfm_model_send(personalize.rfm_model)
    IS 'binary output of rfm_model';

CREATE TYPE personalize.rfm_model (
    INPUT = personalize.rfm_model_in,
    OUTPUT = personalize.rfm_model_out,
    RECEIVE = personalize.rfm_model_recv,
    SEND = personalize.rfm_model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = plain
);
COMMENT ON TYPE personalize.rfm_model IS 'limits of scores of recency in days, frequency and monetary value: levels=3 r=60,14 f=1,3 m=50,199.5 customers=4338';

CREATE FUNCTION personalize.rfm_model_eq(personalize.rfm_model, personalize.rfm_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_eq';
COMMENT ON FUNCTION personalize.rfm_model_eq(personalize.rfm_model, personalize.rfm_model)
    IS 'whether both have the same limits, for the operator =';

CREATE FUNCTION personalize.rfm_model_ne(personalize.rfm_model, personalize.rfm_model)
    RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_ne';
COMMENT ON FUNCTION personalize.rfm_model_ne(personalize.rfm_model, personalize.rfm_model)
    IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.= (LEFTARG = personalize.rfm_model, RIGHTARG = personalize.rfm_model,
    FUNCTION = personalize.rfm_model_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.rfm_model, personalize.rfm_model) IS 'the same limits';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.rfm_model, RIGHTARG = personalize.rfm_model,
    FUNCTION = personalize.rfm_model_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.rfm_model, personalize.rfm_model) IS 'other limits';

CREATE FUNCTION personalize.rfm_thresholds_add(state internal, recency integer, frequency bigint, monetary double precision)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_add';
COMMENT ON FUNCTION personalize.rfm_thresholds_add(internal, integer, bigint, double precision)
    IS 'support of the aggregate rfm_thresholds';

CREATE FUNCTION personalize.rfm_thresholds_add(state internal, recency integer, frequency bigint, monetary double precision, levels integer)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_add';
COMMENT ON FUNCTION personalize.rfm_thresholds_add(internal, integer, bigint, double precision, integer)
    IS 'support of the aggregate rfm_thresholds';

CREATE FUNCTION personalize.rfm_thresholds_combine(state internal, other internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_combine';
COMMENT ON FUNCTION personalize.rfm_thresholds_combine(internal, internal)
    IS 'support of the aggregate rfm_thresholds';

CREATE FUNCTION personalize.rfm_thresholds_serialize(state internal)
    RETURNS bytea
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_serialize';
COMMENT ON FUNCTION personalize.rfm_thresholds_serialize(internal)
    IS 'support of the aggregate rfm_thresholds';

CREATE FUNCTION personalize.rfm_thresholds_deserialize(bytes bytea, state internal)
    RETURNS internal
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_deserialize';
COMMENT ON FUNCTION personalize.rfm_thresholds_deserialize(bytea, internal)
    IS 'support of the aggregate rfm_thresholds';

CREATE FUNCTION personalize.rfm_thresholds_final(state internal)
    RETURNS personalize.rfm_model
    LANGUAGE C IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_final';
COMMENT ON FUNCTION personalize.rfm_thresholds_final(internal)
    IS 'support of the aggregate rfm_thresholds';

CREATE AGGREGATE personalize.rfm_thresholds(recency integer, frequency bigint, monetary double precision) (
    STYPE = internal,
    SFUNC = personalize.rfm_thresholds_add,
    COMBINEFUNC = personalize.rfm_thresholds_combine,
    SERIALFUNC = personalize.rfm_thresholds_serialize,
    DESERIALFUNC = personalize.rfm_thresholds_deserialize,
    FINALFUNC = personalize.rfm_thresholds_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rfm_thresholds(integer, bigint, double precision)
    IS 'limits of five scores each of recency, frequency and monetary value: quantiles of the customers with an order';

CREATE AGGREGATE personalize.rfm_thresholds(recency integer, frequency bigint, monetary double precision, levels integer) (
    STYPE = internal,
    SFUNC = personalize.rfm_thresholds_add,
    COMBINEFUNC = personalize.rfm_thresholds_combine,
    SERIALFUNC = personalize.rfm_thresholds_serialize,
    DESERIALFUNC = personalize.rfm_thresholds_deserialize,
    FINALFUNC = personalize.rfm_thresholds_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rfm_thresholds(integer, bigint, double precision, integer)
    IS 'limits of three or five scores each of recency, frequency and monetary value: quantiles of the customers with an order';

CREATE FUNCTION personalize.rfm(a personalize.activity, event text DEFAULT 'purchase', within interval DEFAULT '365 days', as_of timestamp with time zone DEFAULT pg_catalog.now(), zone text DEFAULT 'UTC', OUT recency integer, OUT frequency bigint, OUT monetary numeric)
    RETURNS record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_numbers';
COMMENT ON FUNCTION personalize.rfm(personalize.activity, text, interval, timestamp with time zone, text)
    IS 'whole days of the zone since the last order, orders, and their amounts, of a window of time; NULL where it has no order';

CREATE FUNCTION personalize.rfm(b personalize.buyer, within interval DEFAULT '365 days', as_of date DEFAULT current_date, OUT recency integer, OUT frequency bigint, OUT monetary numeric)
    RETURNS record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_buyer';
COMMENT ON FUNCTION personalize.rfm(personalize.buyer, interval, date)
    IS 'days since the last order, days with one, and what was paid, of a window of days; NULL where it has no order';

CREATE FUNCTION personalize.rfm_score(model personalize.rfm_model, recency integer, frequency bigint, monetary double precision, OUT r integer, OUT f integer, OUT m integer)
    RETURNS record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_score';
COMMENT ON FUNCTION personalize.rfm_score(personalize.rfm_model, integer, bigint, double precision)
    IS 'scores from 1 to 3 or 5, by the share of customers that does worse';

CREATE FUNCTION personalize.rfm_score(model personalize.rfm_model, a personalize.activity, event text DEFAULT 'purchase', within interval DEFAULT '365 days', as_of timestamp with time zone DEFAULT pg_catalog.now(), zone text DEFAULT 'UTC', OUT r integer, OUT f integer, OUT m integer, OUT stable_until timestamp with time zone)
    RETURNS record
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_score_activity';
COMMENT ON FUNCTION personalize.rfm_score(personalize.rfm_model, personalize.activity, text, interval, timestamp with time zone, text)
    IS 'scores at a time, and until when they hold without a new event';

CREATE FUNCTION personalize.rfm_group(r integer, f integer, m integer, levels integer DEFAULT 5)
    RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'personalize_rfm_group';
COMMENT ON FUNCTION personalize.rfm_group(integer, integer, integer, integer)
    IS 'name of a group of customers by their scores';

CREATE FUNCTION personalize.rfm_groups(levels integer DEFAULT 5)
    RETURNS TABLE (r integer, f integer, m integer, "group" text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 125
    AS $$
    SELECT x.r, y.f, z.m, personalize.rfm_group(x.r, y.f, z.m, levels)
      FROM pg_catalog.generate_series(1, levels) AS x(r), pg_catalog.generate_series(1, levels) AS y(f), pg_catalog.generate_series(1, levels) AS z(m)
     ORDER BY x.r, y.f, z.m
    $$;
COMMENT ON FUNCTION personalize.rfm_groups(integer)
    IS 'the group of every combination of scores';
