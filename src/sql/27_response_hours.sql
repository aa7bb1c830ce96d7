
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
