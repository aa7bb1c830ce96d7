
-- ---------------------------------------------------------------- response_hours: when one customer answered, and when around

CREATE TYPE personalize.response_hours;

CREATE FUNCTION personalize.response_hours_in(cstring) RETURNS personalize.response_hours
AS 'MODULE_PATHNAME', 'personalize_response_hours_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_in(cstring) IS 'text input of response_hours';

CREATE FUNCTION personalize.response_hours_out(personalize.response_hours) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_response_hours_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_out(personalize.response_hours) IS 'text output of response_hours';

CREATE FUNCTION personalize.response_hours_recv(internal) RETURNS personalize.response_hours
AS 'MODULE_PATHNAME', 'personalize_response_hours_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_recv(internal) IS 'binary input of response_hours';

CREATE FUNCTION personalize.response_hours_send(personalize.response_hours) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_response_hours_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_send(personalize.response_hours) IS 'binary output of response_hours';

CREATE TYPE personalize.response_hours (
	INPUT = personalize.response_hours_in,
	OUTPUT = personalize.response_hours_out,
	RECEIVE = personalize.response_hours_recv,
	SEND = personalize.response_hours_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE personalize.response_hours IS 'when one customer answered messages, and was around: {2026-01-05T10:00+01:00 open 35, visit 2026-01-05T20+01:00}';

CREATE FUNCTION personalize.response_hours_plus(personalize.response_hours, personalize.response_hours) RETURNS personalize.response_hours
AS 'MODULE_PATHNAME', 'personalize_response_hours_plus' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_plus(personalize.response_hours, personalize.response_hours) IS 'messages and visits of both, for the operator +';

CREATE FUNCTION personalize.response_hours_eq(personalize.response_hours, personalize.response_hours) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_eq(personalize.response_hours, personalize.response_hours) IS 'whether both are the same, for the operator =';

CREATE FUNCTION personalize.response_hours_ne(personalize.response_hours, personalize.response_hours) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_ne(personalize.response_hours, personalize.response_hours) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.response_hours, RIGHTARG = personalize.response_hours,
	FUNCTION = personalize.response_hours_plus, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.response_hours, personalize.response_hours) IS 'messages and visits of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.response_hours, RIGHTARG = personalize.response_hours,
	FUNCTION = personalize.response_hours_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.response_hours, personalize.response_hours) IS 'the same';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.response_hours, RIGHTARG = personalize.response_hours,
	FUNCTION = personalize.response_hours_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.response_hours, personalize.response_hours) IS 'not the same';

CREATE FUNCTION personalize.num_messages(hours personalize.response_hours) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_response_hours_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.num_messages(personalize.response_hours) IS 'messages that the customer has had';

CREATE FUNCTION personalize.observable(hours personalize.response_hours, as_of timestamp with time zone DEFAULT pg_catalog.now()) RETURNS text
AS 'MODULE_PATHNAME', 'personalize_response_hours_observable' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.observable(personalize.response_hours, timestamp with time zone) IS 'what is seen of the customer: open, or click, where machines opened 8 of the last 10 messages';

CREATE FUNCTION personalize.unnest(hours personalize.response_hours, OUT delivered_at timestamp with time zone, OUT local_time timestamp, OUT opened_at timestamp with time zone, OUT clicked_at timestamp with time zone, OUT machine_opened boolean) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_response_hours_unnest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 30;
COMMENT ON FUNCTION personalize.unnest(personalize.response_hours) IS 'the messages that are kept, latest first';

CREATE FUNCTION personalize.response_hours_add(internal, timestamp with time zone, timestamp with time zone, text) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_response_hours_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_add(internal, timestamp with time zone, timestamp with time zone, text) IS 'transition of response_hours(timestamptz, timestamptz, text)';

CREATE FUNCTION personalize.response_hours_add(internal, timestamp with time zone, timestamp with time zone, timestamp with time zone, boolean, text) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_response_hours_add_observed' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_add(internal, timestamp with time zone, timestamp with time zone, timestamp with time zone, boolean, text) IS 'transition of response_hours(timestamptz, timestamptz, timestamptz, boolean, text)';

CREATE FUNCTION personalize.visit_hours_add(internal, timestamp with time zone, text) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_visit_hours_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.visit_hours_add(internal, timestamp with time zone, text) IS 'transition of visit_hours(timestamptz, text)';

CREATE FUNCTION personalize.response_hours_rollup(internal, personalize.response_hours) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_response_hours_rollup' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_rollup(internal, personalize.response_hours) IS 'transition of rollup(response_hours)';

CREATE FUNCTION personalize.response_hours_merge(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_response_hours_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_merge(internal, internal) IS 'combines two states of response_hours(), visit_hours() or rollup()';

CREATE FUNCTION personalize.response_hours_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_response_hours_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_serialize(internal) IS 'serializes a state of response_hours(), visit_hours() or rollup()';

CREATE FUNCTION personalize.response_hours_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_response_hours_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_deserialize(bytea, internal) IS 'deserializes a state of response_hours(), visit_hours() or rollup()';

CREATE FUNCTION personalize.response_hours_final(internal) RETURNS personalize.response_hours
AS 'MODULE_PATHNAME', 'personalize_response_hours_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_hours_final(internal) IS 'value of a state of response_hours(), visit_hours() or rollup()';

CREATE AGGREGATE personalize.response_hours(delivered_at timestamp with time zone, responded_at timestamp with time zone, zone text) (
	SFUNC = personalize.response_hours_add,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.response_hours_final,
	COMBINEFUNC = personalize.response_hours_merge,
	SERIALFUNC = personalize.response_hours_serialize,
	DESERIALFUNC = personalize.response_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.response_hours(timestamp with time zone, timestamp with time zone, text) IS 'messages to one customer: delivery, the first response or NULL, the customers zone';

CREATE AGGREGATE personalize.response_hours(delivered_at timestamp with time zone, opened_at timestamp with time zone, clicked_at timestamp with time zone, machine_opened boolean, zone text) (
	SFUNC = personalize.response_hours_add,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.response_hours_final,
	COMBINEFUNC = personalize.response_hours_merge,
	SERIALFUNC = personalize.response_hours_serialize,
	DESERIALFUNC = personalize.response_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.response_hours(timestamp with time zone, timestamp with time zone, timestamp with time zone, boolean, text) IS 'messages to one customer: delivery, first open and first click by a human, whether a machine opened it, zone';

CREATE AGGREGATE personalize.visit_hours(visited_at timestamp with time zone, zone text) (
	SFUNC = personalize.visit_hours_add,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.response_hours_final,
	COMBINEFUNC = personalize.response_hours_merge,
	SERIALFUNC = personalize.response_hours_serialize,
	DESERIALFUNC = personalize.response_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.visit_hours(timestamp with time zone, text) IS 'hours in which one customer was around';

CREATE AGGREGATE personalize.rollup(hours personalize.response_hours) (
	SFUNC = personalize.response_hours_rollup,
	STYPE = internal,
	SSPACE = 512,
	FINALFUNC = personalize.response_hours_final,
	COMBINEFUNC = personalize.response_hours_merge,
	SERIALFUNC = personalize.response_hours_serialize,
	DESERIALFUNC = personalize.response_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.response_hours) IS 'messages and visits of all';

CREATE FUNCTION personalize.is_machine_open(delivered_at timestamp with time zone, opened_at timestamp with time zone, user_agent text DEFAULT NULL, flagged boolean DEFAULT false) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT COALESCE(flagged, false)
		OR COALESCE(opened_at OPERATOR(pg_catalog.<) (delivered_at OPERATOR(pg_catalog.+) '00:00:05'::pg_catalog.interval), false)
		OR COALESCE((user_agent OPERATOR(pg_catalog.=) 'Mozilla/5.0') OR (user_agent OPERATOR(pg_catalog.~*) '\mbot\M|bot/|crawler|spider|scanner|prefetch|barracuda|proofpoint|mimecast'), false)
$$;
COMMENT ON FUNCTION personalize.is_machine_open(timestamp with time zone, timestamp with time zone, text, boolean) IS 'whether a machine opened: by the provider''s flag, within 5 seconds of delivery, or by its user agent (that of Apple''s mail privacy, scanners, crawlers)';

CREATE FUNCTION personalize.is_machine_click(delivered_at timestamp with time zone, clicked_at timestamp with time zone, method text DEFAULT 'GET', links integer DEFAULT NULL, links_within_2s integer DEFAULT NULL) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT COALESCE(method OPERATOR(pg_catalog.~~*) 'HEAD', false)
		OR COALESCE(clicked_at OPERATOR(pg_catalog.<) (delivered_at OPERATOR(pg_catalog.+) '00:00:05'::pg_catalog.interval), false)
		OR COALESCE((links OPERATOR(pg_catalog.>) 1) AND (links_within_2s OPERATOR(pg_catalog.>=) links), false)
$$;
COMMENT ON FUNCTION personalize.is_machine_click(timestamp with time zone, timestamp with time zone, text, integer, integer) IS 'whether a machine clicked: a HEAD request, within 5 seconds of delivery, or on every link of several within 2 seconds';

-- ---------------------------------------------------------------- population_hours and response_model: when people answer

CREATE TYPE personalize.population_hours;

CREATE FUNCTION personalize.population_hours_in(cstring) RETURNS personalize.population_hours
AS 'MODULE_PATHNAME', 'personalize_population_hours_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_in(cstring) IS 'text input of population_hours';

CREATE FUNCTION personalize.population_hours_out(personalize.population_hours) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_population_hours_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_out(personalize.population_hours) IS 'text output of population_hours';

CREATE FUNCTION personalize.population_hours_recv(internal) RETURNS personalize.population_hours
AS 'MODULE_PATHNAME', 'personalize_population_hours_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_recv(internal) IS 'binary input of population_hours';

CREATE FUNCTION personalize.population_hours_send(personalize.population_hours) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_response_hours_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_send(personalize.population_hours) IS 'binary output of population_hours';

CREATE TYPE personalize.population_hours (
	INPUT = personalize.population_hours_in,
	OUTPUT = personalize.population_hours_out,
	RECEIVE = personalize.population_hours_recv,
	SEND = personalize.population_hours_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE personalize.population_hours IS 'responses and time at risk of many customers, by hour of the week and by lag; text is its bytes in hexadecimal digits';

CREATE FUNCTION personalize.population_hours_plus(personalize.population_hours, personalize.population_hours) RETURNS personalize.population_hours
AS 'MODULE_PATHNAME', 'personalize_population_hours_plus' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_plus(personalize.population_hours, personalize.population_hours) IS 'messages of both, for the operator +';

CREATE FUNCTION personalize.population_hours_eq(personalize.population_hours, personalize.population_hours) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_eq(personalize.population_hours, personalize.population_hours) IS 'whether both are the same, for the operator =';

CREATE FUNCTION personalize.population_hours_ne(personalize.population_hours, personalize.population_hours) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_ne(personalize.population_hours, personalize.population_hours) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.population_hours, RIGHTARG = personalize.population_hours,
	FUNCTION = personalize.population_hours_plus, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.population_hours, personalize.population_hours) IS 'messages of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.population_hours, RIGHTARG = personalize.population_hours,
	FUNCTION = personalize.population_hours_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.population_hours, personalize.population_hours) IS 'the same';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.population_hours, RIGHTARG = personalize.population_hours,
	FUNCTION = personalize.population_hours_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.population_hours, personalize.population_hours) IS 'not the same';

CREATE FUNCTION personalize.num_customers(population personalize.population_hours) RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_population_hours_customers' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.num_customers(personalize.population_hours) IS 'customers that were added up';

CREATE FUNCTION personalize.population_hours_add(internal, personalize.response_hours) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_add' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_add(internal, personalize.response_hours) IS 'transition of population_hours(response_hours)';

CREATE FUNCTION personalize.population_hours_add(internal, personalize.response_hours, timestamp with time zone) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_add(internal, personalize.response_hours, timestamp with time zone) IS 'transition of population_hours(response_hours, timestamptz)';

CREATE FUNCTION personalize.population_hours_add(internal, personalize.response_hours, timestamp with time zone, interval) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_add(internal, personalize.response_hours, timestamp with time zone, interval) IS 'transition of population_hours(response_hours, timestamptz, interval)';

CREATE FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_fit_response_model_add' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours) IS 'transition of fit_response_model(response_hours)';

CREATE FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours, timestamp with time zone) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_fit_response_model_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours, timestamp with time zone) IS 'transition of fit_response_model(response_hours, timestamptz)';

CREATE FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours, timestamp with time zone, interval) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_fit_response_model_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.fit_response_model_add(internal, personalize.response_hours, timestamp with time zone, interval) IS 'transition of fit_response_model(response_hours, timestamptz, interval)';

CREATE FUNCTION personalize.population_hours_rollup(internal, personalize.population_hours) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_rollup' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_rollup(internal, personalize.population_hours) IS 'transition of rollup(population_hours)';

CREATE FUNCTION personalize.population_hours_merge(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_merge(internal, internal) IS 'combines two states of population_hours(), fit_response_model() or rollup()';

CREATE FUNCTION personalize.population_hours_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_population_hours_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_serialize(internal) IS 'serializes a state of population_hours(), fit_response_model() or rollup()';

CREATE FUNCTION personalize.population_hours_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_population_hours_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_deserialize(bytea, internal) IS 'deserializes a state of population_hours(), fit_response_model() or rollup()';

CREATE FUNCTION personalize.population_hours_final(internal) RETURNS personalize.population_hours
AS 'MODULE_PATHNAME', 'personalize_population_hours_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.population_hours_final(internal) IS 'value of a state of population_hours() or rollup()';

CREATE TYPE personalize.response_model;

CREATE FUNCTION personalize.response_model_in(cstring) RETURNS personalize.response_model
AS 'MODULE_PATHNAME', 'personalize_response_model_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_in(cstring) IS 'text input of response_model';

CREATE FUNCTION personalize.response_model_out(personalize.response_model) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_response_model_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_out(personalize.response_model) IS 'text output of response_model';

CREATE FUNCTION personalize.response_model_recv(internal) RETURNS personalize.response_model
AS 'MODULE_PATHNAME', 'personalize_response_model_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_recv(internal) IS 'binary input of response_model';

CREATE FUNCTION personalize.response_model_send(personalize.response_model) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_response_model_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_send(personalize.response_model) IS 'binary output of response_model';

CREATE TYPE personalize.response_model (
	INPUT = personalize.response_model_in,
	OUTPUT = personalize.response_model_out,
	RECEIVE = personalize.response_model_recv,
	SEND = personalize.response_model_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE personalize.response_model IS 'when people answer: rates by hour of the week, weights of lags and of visits';

CREATE FUNCTION personalize.response_model_eq(personalize.response_model, personalize.response_model) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_eq(personalize.response_model, personalize.response_model) IS 'whether both are the same, for the operator =';

CREATE FUNCTION personalize.response_model_ne(personalize.response_model, personalize.response_model) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_response_hours_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model_ne(personalize.response_model, personalize.response_model) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.= (LEFTARG = personalize.response_model, RIGHTARG = personalize.response_model,
	FUNCTION = personalize.response_model_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.response_model, personalize.response_model) IS 'the same';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.response_model, RIGHTARG = personalize.response_model,
	FUNCTION = personalize.response_model_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.response_model, personalize.response_model) IS 'not the same';

CREATE FUNCTION personalize.fit_response_model_final(internal) RETURNS personalize.response_model
AS 'MODULE_PATHNAME', 'personalize_fit_response_model_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.fit_response_model_final(internal) IS 'value of a state of fit_response_model()';

CREATE AGGREGATE personalize.population_hours(hours personalize.response_hours) (
	SFUNC = personalize.population_hours_add,
	STYPE = internal,
	SSPACE = 300000,
	FINALFUNC = personalize.population_hours_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.population_hours(personalize.response_hours) IS 'counters of many customers as of now, with a half-life of 90 days';

CREATE AGGREGATE personalize.population_hours(hours personalize.response_hours, as_of timestamp with time zone) (
	SFUNC = personalize.population_hours_add,
	STYPE = internal,
	SSPACE = 300000,
	FINALFUNC = personalize.population_hours_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.population_hours(personalize.response_hours, timestamp with time zone) IS 'counters of many customers as of a time, with a half-life of 90 days';

CREATE AGGREGATE personalize.population_hours(hours personalize.response_hours, as_of timestamp with time zone, half_life interval) (
	SFUNC = personalize.population_hours_add,
	STYPE = internal,
	SSPACE = 300000,
	FINALFUNC = personalize.population_hours_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.population_hours(personalize.response_hours, timestamp with time zone, interval) IS 'counters of many customers as of a time; NULL: nothing fades';

CREATE AGGREGATE personalize.rollup(population personalize.population_hours) (
	SFUNC = personalize.population_hours_rollup,
	STYPE = internal,
	SSPACE = 300000,
	FINALFUNC = personalize.population_hours_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.population_hours) IS 'messages of all';

CREATE AGGREGATE personalize.fit_response_model(hours personalize.response_hours) (
	SFUNC = personalize.fit_response_model_add,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = personalize.fit_response_model_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_response_model(personalize.response_hours) IS 'when these customers answer, as of now, with the weight of visits chosen by held-out messages';

CREATE AGGREGATE personalize.fit_response_model(hours personalize.response_hours, as_of timestamp with time zone) (
	SFUNC = personalize.fit_response_model_add,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = personalize.fit_response_model_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_response_model(personalize.response_hours, timestamp with time zone) IS 'when these customers answer, as of a time';

CREATE AGGREGATE personalize.fit_response_model(hours personalize.response_hours, as_of timestamp with time zone, half_life interval) (
	SFUNC = personalize.fit_response_model_add,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = personalize.fit_response_model_final,
	COMBINEFUNC = personalize.population_hours_merge,
	SERIALFUNC = personalize.population_hours_serialize,
	DESERIALFUNC = personalize.population_hours_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.fit_response_model(personalize.response_hours, timestamp with time zone, interval) IS 'when these customers answer, as of a time; NULL: nothing fades';

CREATE FUNCTION personalize.response_model(population personalize.population_hours, as_of timestamp with time zone DEFAULT pg_catalog.now()) RETURNS personalize.response_model
AS 'MODULE_PATHNAME', 'personalize_response_model_of_counts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_model(personalize.population_hours, timestamp with time zone) IS 'a model fitted to counters; visits weigh 0.5';

CREATE FUNCTION personalize.response_rate(model personalize.response_model, response text DEFAULT 'open') RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_response_model_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_rate(personalize.response_model, text) IS 'mean rate of responses right after delivery, per hour';

CREATE FUNCTION personalize.lag_weights(model personalize.response_model, response text DEFAULT 'open') RETURNS real[]
AS 'MODULE_PATHNAME', 'personalize_response_model_lags' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.lag_weights(personalize.response_model, text) IS 'what is left of the rate d hours after delivery, 48 of them';

CREATE FUNCTION personalize.visit_weight(model personalize.response_model, response text DEFAULT 'open') RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_response_model_visit_weight' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.visit_weight(personalize.response_model, text) IS 'what a visit counts beside a response';

CREATE FUNCTION personalize.held_out(model personalize.response_model, response text DEFAULT 'open') RETURNS bigint
AS 'MODULE_PATHNAME', 'personalize_response_model_held_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.held_out(personalize.response_model, text) IS 'messages by which the weight of visits was chosen, from 2,000 on';

CREATE FUNCTION personalize.response_profile(hours personalize.response_hours, population personalize.response_model, segment personalize.response_model DEFAULT NULL, as_of timestamp with time zone DEFAULT pg_catalog.now(), OUT weekday integer, OUT hour integer, OUT responses double precision, OUT hours_at_risk double precision, OUT visits double precision, OUT rate double precision, OUT group_rate double precision) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_response_profile' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 168;
COMMENT ON FUNCTION personalize.response_profile(personalize.response_hours, personalize.response_model, personalize.response_model, timestamp with time zone) IS 'the hours of the week, Monday is 1: what was seen of the customer (without one, of all), the rate that is expected, that of the segment or of all';
