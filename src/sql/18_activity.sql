
-- ---------------------------------------------------------------- activity

CREATE TYPE personalize.activity;

CREATE FUNCTION personalize.activity_in(cstring) RETURNS personalize.activity
AS 'MODULE_PATHNAME', 'personalize_activity_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_in(cstring) IS 'text input of activity';

CREATE FUNCTION personalize.activity_out(personalize.activity) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_activity_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_out(personalize.activity) IS 'text output of activity';

CREATE FUNCTION personalize.activity_recv(internal) RETURNS personalize.activity
AS 'MODULE_PATHNAME', 'personalize_activity_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_recv(internal) IS 'binary input of activity';

CREATE FUNCTION personalize.activity_send(personalize.activity) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_activity_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_send(personalize.activity) IS 'binary output of activity';

CREATE TYPE personalize.activity (
	INPUT = personalize.activity_in,
	OUTPUT = personalize.activity_out,
	RECEIVE = personalize.activity_recv,
	SEND = personalize.activity_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE personalize.activity IS 'what one customer did: {purchase: 2026-01-05T10:20:00Z=19.99}';

CREATE FUNCTION personalize.activity_add(personalize.activity, personalize.activity) RETURNS personalize.activity
AS 'MODULE_PATHNAME', 'personalize_activity_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_add(personalize.activity, personalize.activity) IS 'events of both, for the operator +';

CREATE FUNCTION personalize.activity_eq(personalize.activity, personalize.activity) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_activity_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_eq(personalize.activity, personalize.activity) IS 'whether both have the same events, for the operator =';

CREATE FUNCTION personalize.activity_ne(personalize.activity, personalize.activity) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_activity_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_ne(personalize.activity, personalize.activity) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.activity, RIGHTARG = personalize.activity,
	FUNCTION = personalize.activity_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.activity, personalize.activity) IS 'events of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.activity, RIGHTARG = personalize.activity,
	FUNCTION = personalize.activity_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.activity, personalize.activity) IS 'the same events';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.activity, RIGHTARG = personalize.activity,
	FUNCTION = personalize.activity_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.activity, personalize.activity) IS 'other events';

CREATE FUNCTION personalize.count_events(a personalize.activity, event text DEFAULT NULL, since timestamp with time zone DEFAULT NULL, until timestamp with time zone DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_activity_count' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.count_events(personalize.activity, text, timestamp with time zone, timestamp with time zone) IS 'number of events of a kind, or of all, after since and up to until';

CREATE FUNCTION personalize.sum_amount(a personalize.activity, event text DEFAULT NULL, since timestamp with time zone DEFAULT NULL, until timestamp with time zone DEFAULT NULL) RETURNS numeric
AS 'MODULE_PATHNAME', 'personalize_activity_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.sum_amount(personalize.activity, text, timestamp with time zone, timestamp with time zone) IS 'sum of amounts of a kind, or of all, after since and up to until';

CREATE FUNCTION personalize.frequency(a personalize.activity, event text DEFAULT 'purchase', since timestamp with time zone DEFAULT NULL, until timestamp with time zone DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_activity_count' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.frequency(personalize.activity, text, timestamp with time zone, timestamp with time zone) IS 'number of purchases: the F of RFM';

CREATE FUNCTION personalize.monetary(a personalize.activity, event text DEFAULT 'purchase', since timestamp with time zone DEFAULT NULL, until timestamp with time zone DEFAULT NULL) RETURNS numeric
AS 'MODULE_PATHNAME', 'personalize_activity_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.monetary(personalize.activity, text, timestamp with time zone, timestamp with time zone) IS 'sum of amounts of purchases: the M of RFM';

CREATE FUNCTION personalize.last_event(a personalize.activity, event text DEFAULT NULL) RETURNS timestamp with time zone
AS 'MODULE_PATHNAME', 'personalize_activity_last' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.last_event(personalize.activity, text) IS 'time of the latest event of a kind, or of all';

CREATE FUNCTION personalize.first_event(a personalize.activity, event text DEFAULT NULL) RETURNS timestamp with time zone
AS 'MODULE_PATHNAME', 'personalize_activity_first' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.first_event(personalize.activity, text) IS 'time of the first event of a kind, or of all';

CREATE FUNCTION personalize.days_since(a personalize.activity, event text DEFAULT NULL, as_of timestamp with time zone DEFAULT pg_catalog.now()) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_activity_days_since' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.days_since(personalize.activity, text, timestamp with time zone) IS 'days that have passed since the latest event of a kind, or of all';

CREATE FUNCTION personalize.recency(a personalize.activity, event text DEFAULT 'purchase', as_of timestamp with time zone DEFAULT pg_catalog.now()) RETURNS integer
AS 'MODULE_PATHNAME', 'personalize_activity_recency' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.recency(personalize.activity, text, timestamp with time zone) IS 'whole days since the latest purchase: the R of RFM';

CREATE FUNCTION personalize.unnest(a personalize.activity, OUT event text, OUT at timestamp with time zone, OUT amount numeric, OUT count bigint, OUT exact boolean) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_activity_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION personalize.unnest(personalize.activity) IS 'one row per event, latest first, kind by kind; of compacted ones per day and amount';

CREATE FUNCTION personalize.activity_accum(internal, text, timestamp with time zone) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_accum(internal, text, timestamp with time zone) IS 'transition of activity(text, timestamptz)';

CREATE FUNCTION personalize.activity_accum(internal, text, timestamp with time zone, numeric) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_accum_numeric' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_accum(internal, text, timestamp with time zone, numeric) IS 'transition of activity(text, timestamptz, numeric)';

CREATE FUNCTION personalize.activity_accum(internal, text, timestamp with time zone, double precision) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_accum_float' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_accum(internal, text, timestamp with time zone, double precision) IS 'transition of activity(text, timestamptz, double precision)';

CREATE FUNCTION personalize.activity_accum(internal, personalize.activity) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_accum_activity' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_accum(internal, personalize.activity) IS 'transition of rollup(activity)';

CREATE FUNCTION personalize.activity_merge(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_merge(internal, internal) IS 'combines two states of activity() or rollup()';

CREATE FUNCTION personalize.activity_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_activity_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_serialize(internal) IS 'serializes a state of activity() or rollup()';

CREATE FUNCTION personalize.activity_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_activity_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_deserialize(bytea, internal) IS 'deserializes a state of activity() or rollup()';

CREATE FUNCTION personalize.activity_final(internal) RETURNS personalize.activity
AS 'MODULE_PATHNAME', 'personalize_activity_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_final(internal) IS 'activity of a state of activity() or rollup()';

CREATE AGGREGATE personalize.activity(event text, at timestamp with time zone) (
	SFUNC = personalize.activity_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.activity_final,
	COMBINEFUNC = personalize.activity_merge,
	SERIALFUNC = personalize.activity_serialize,
	DESERIALFUNC = personalize.activity_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.activity(text, timestamp with time zone) IS 'what was done: events with their times';

CREATE AGGREGATE personalize.activity(event text, at timestamp with time zone, amount numeric) (
	SFUNC = personalize.activity_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.activity_final,
	COMBINEFUNC = personalize.activity_merge,
	SERIALFUNC = personalize.activity_serialize,
	DESERIALFUNC = personalize.activity_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.activity(text, timestamp with time zone, numeric) IS 'what was done: events with their times and amounts';

CREATE AGGREGATE personalize.activity(event text, at timestamp with time zone, amount double precision) (
	SFUNC = personalize.activity_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.activity_final,
	COMBINEFUNC = personalize.activity_merge,
	SERIALFUNC = personalize.activity_serialize,
	DESERIALFUNC = personalize.activity_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.activity(text, timestamp with time zone, double precision) IS 'what was done: events with their times and amounts';

CREATE AGGREGATE personalize.rollup(a personalize.activity) (
	SFUNC = personalize.activity_accum,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.activity_final,
	COMBINEFUNC = personalize.activity_merge,
	SERIALFUNC = personalize.activity_serialize,
	DESERIALFUNC = personalize.activity_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.activity) IS 'events of all';
