
-- ---------------------------------------------------------------- drop-off

CREATE TYPE personalize.dropoff;

CREATE FUNCTION personalize.dropoff_in(cstring) RETURNS personalize.dropoff
AS 'MODULE_PATHNAME', 'personalize_dropoff_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_in(cstring) IS 'text input of dropoff';

CREATE FUNCTION personalize.dropoff_out(personalize.dropoff) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_dropoff_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_out(personalize.dropoff) IS 'text output of dropoff';

CREATE FUNCTION personalize.dropoff_recv(internal) RETURNS personalize.dropoff
AS 'MODULE_PATHNAME', 'personalize_dropoff_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_recv(internal) IS 'binary input of dropoff';

CREATE FUNCTION personalize.dropoff_send(personalize.dropoff) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_dropoff_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_send(personalize.dropoff) IS 'binary output of dropoff';

CREATE TYPE personalize.dropoff (
	INPUT = personalize.dropoff_in,
	OUTPUT = personalize.dropoff_out,
	RECEIVE = personalize.dropoff_recv,
	SEND = personalize.dropoff_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE personalize.dropoff IS 'how long page views last and how they end, by bin exit/advance/convert/open: {0:3/0/0/1, 61:2/1/0/0}';

CREATE FUNCTION personalize.dropoff_add(personalize.dropoff, personalize.dropoff) RETURNS personalize.dropoff
AS 'MODULE_PATHNAME', 'personalize_dropoff_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_add(personalize.dropoff, personalize.dropoff) IS 'views of both, for the operator +';

CREATE FUNCTION personalize.dropoff_eq(personalize.dropoff, personalize.dropoff) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_dropoff_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_eq(personalize.dropoff, personalize.dropoff) IS 'whether both have the same views, for the operator =';

CREATE FUNCTION personalize.dropoff_ne(personalize.dropoff, personalize.dropoff) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_dropoff_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_ne(personalize.dropoff, personalize.dropoff) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.dropoff, RIGHTARG = personalize.dropoff,
	FUNCTION = personalize.dropoff_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.dropoff, personalize.dropoff) IS 'views of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.dropoff, RIGHTARG = personalize.dropoff,
	FUNCTION = personalize.dropoff_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.dropoff, personalize.dropoff) IS 'the same views';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.dropoff, RIGHTARG = personalize.dropoff,
	FUNCTION = personalize.dropoff_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.dropoff, personalize.dropoff) IS 'other views';

CREATE FUNCTION personalize.views(d personalize.dropoff) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_dropoff_views' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.views(personalize.dropoff) IS 'number of page views, as they weigh at the latest';

CREATE FUNCTION personalize.survival_at(d personalize.dropoff, t double precision) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_dropoff_survival_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.survival_at(personalize.dropoff, double precision) IS 'share still on the page after t seconds';

CREATE FUNCTION personalize.hazard_at(d personalize.dropoff, t double precision) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_dropoff_hazard_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.hazard_at(personalize.dropoff, double precision) IS 'chance a second to leave the site at t seconds, of those still there; smoothed';

CREATE FUNCTION personalize.exit_incidence(d personalize.dropoff, t double precision, w double precision) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_dropoff_exit_incidence' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.exit_incidence(personalize.dropoff, double precision, double precision) IS 'share of all views that leave the site between t and t + w seconds';

CREATE FUNCTION personalize.mean_dwell(d personalize.dropoff) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_dropoff_mean' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.mean_dwell(personalize.dropoff) IS 'mean seconds on the page, of the first 3,286';

CREATE FUNCTION personalize.quantile(d personalize.dropoff, p double precision, level double precision DEFAULT 0.95, OUT estimate double precision, OUT lower double precision, OUT upper double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_dropoff_quantile' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.quantile(personalize.dropoff, double precision, double precision) IS 'seconds by which the share p has left the page, with confidence limits';

CREATE FUNCTION personalize.median(d personalize.dropoff, level double precision DEFAULT 0.95, OUT estimate double precision, OUT lower double precision, OUT upper double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_dropoff_median' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.median(personalize.dropoff, double precision) IS 'seconds by which half have left the page, with confidence limits';

CREATE FUNCTION personalize.life_table(d personalize.dropoff, level double precision DEFAULT 0.95, OUT start double precision, OUT "end" double precision, OUT at_risk double precision, OUT exits double precision, OUT advances double precision, OUT converts double precision, OUT opens double precision, OUT exit_hazard double precision, OUT other_hazard double precision, OUT survival double precision, OUT std_error double precision, OUT lower double precision, OUT upper double precision, OUT exit_share double precision) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_dropoff_life_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION personalize.life_table(personalize.dropoff, double precision) IS 'one row per bin: counts, chances, and the curve where the bin begins';

CREATE FUNCTION personalize.dropoff_accum(internal, double precision, text) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, double precision, text) IS 'transition of dropoff(double precision, text)';

CREATE FUNCTION personalize.dropoff_accum(internal, double precision, text, timestamp with time zone) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, double precision, text, timestamp with time zone) IS 'transition of dropoff(double precision, text, timestamp with time zone)';

CREATE FUNCTION personalize.dropoff_accum(internal, double precision, text, timestamp with time zone, interval) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, double precision, text, timestamp with time zone, interval) IS 'transition of dropoff(double precision, text, timestamp with time zone, interval)';

CREATE FUNCTION personalize.dropoff_accum(internal, interval, text) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, interval, text) IS 'transition of dropoff(interval, text)';

CREATE FUNCTION personalize.dropoff_accum(internal, interval, text, timestamp with time zone) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, interval, text, timestamp with time zone) IS 'transition of dropoff(interval, text, timestamp with time zone)';

CREATE FUNCTION personalize.dropoff_accum(internal, interval, text, timestamp with time zone, interval) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, interval, text, timestamp with time zone, interval) IS 'transition of dropoff(interval, text, timestamp with time zone, interval)';

CREATE FUNCTION personalize.dropoff_accum(internal, personalize.dropoff) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum_value' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_accum(internal, personalize.dropoff) IS 'transition of rollup(dropoff)';

CREATE FUNCTION personalize.dropoff_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_combine(internal, internal) IS 'combines two states of dropoff() or rollup()';

CREATE FUNCTION personalize.dropoff_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_dropoff_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_serialize(internal) IS 'serializes a state of dropoff() or rollup()';

CREATE FUNCTION personalize.dropoff_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_deserialize(bytea, internal) IS 'deserializes a state of dropoff() or rollup()';

CREATE FUNCTION personalize.dropoff_final(internal) RETURNS personalize.dropoff
AS 'MODULE_PATHNAME', 'personalize_dropoff_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.dropoff_final(internal) IS 'dropoff of a state of dropoff() or rollup()';

CREATE AGGREGATE personalize.dropoff(dwell double precision, ending text) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(double precision, text) IS 'page views by how long they lasted and whether they ended with exit, advance or convert, or are open';

CREATE AGGREGATE personalize.dropoff(dwell interval, ending text) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(interval, text) IS 'page views by how long they lasted and whether they ended with exit, advance or convert, or are open';

CREATE AGGREGATE personalize.dropoff(dwell double precision, ending text, at timestamp with time zone) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(double precision, text, timestamp with time zone) IS 'the same, of which older ones count less: half as much every 30 days';

CREATE AGGREGATE personalize.dropoff(dwell interval, ending text, at timestamp with time zone) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(interval, text, timestamp with time zone) IS 'the same, of which older ones count less: half as much every 30 days';

CREATE AGGREGATE personalize.dropoff(dwell double precision, ending text, at timestamp with time zone, half_life interval) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(double precision, text, timestamp with time zone, interval) IS 'the same with another half-life';

CREATE AGGREGATE personalize.dropoff(dwell interval, ending text, at timestamp with time zone, half_life interval) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.dropoff(interval, text, timestamp with time zone, interval) IS 'the same with another half-life';

CREATE AGGREGATE personalize.rollup(d personalize.dropoff) (
	SFUNC = personalize.dropoff_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.dropoff_final,
	COMBINEFUNC = personalize.dropoff_combine,
	SERIALFUNC = personalize.dropoff_serialize,
	DESERIALFUNC = personalize.dropoff_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.dropoff) IS 'views of all';

-- ---------------------------------------------------------------- triggers

CREATE TYPE personalize.trigger_efficacy;

CREATE FUNCTION personalize.trigger_efficacy_in(cstring) RETURNS personalize.trigger_efficacy
AS 'MODULE_PATHNAME', 'personalize_trigger_efficacy_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_in(cstring) IS 'text input of trigger_efficacy';

CREATE FUNCTION personalize.trigger_efficacy_out(personalize.trigger_efficacy) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_dropoff_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_out(personalize.trigger_efficacy) IS 'text output of trigger_efficacy';

CREATE FUNCTION personalize.trigger_efficacy_recv(internal) RETURNS personalize.trigger_efficacy
AS 'MODULE_PATHNAME', 'personalize_trigger_efficacy_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_recv(internal) IS 'binary input of trigger_efficacy';

CREATE FUNCTION personalize.trigger_efficacy_send(personalize.trigger_efficacy) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_dropoff_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_send(personalize.trigger_efficacy) IS 'binary output of trigger_efficacy';

CREATE TYPE personalize.trigger_efficacy (
	INPUT = personalize.trigger_efficacy_in,
	OUTPUT = personalize.trigger_efficacy_out,
	RECEIVE = personalize.trigger_efficacy_recv,
	SEND = personalize.trigger_efficacy_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE personalize.trigger_efficacy IS 'what a test of triggers has shown, by bin shown/shown, bought/control/control, bought: {10:90/12/0/0, 61:0/0/85/9}';

CREATE FUNCTION personalize.trigger_efficacy_add(personalize.trigger_efficacy, personalize.trigger_efficacy) RETURNS personalize.trigger_efficacy
AS 'MODULE_PATHNAME', 'personalize_dropoff_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_add(personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'views of both, for the operator +';

CREATE FUNCTION personalize.trigger_efficacy_eq(personalize.trigger_efficacy, personalize.trigger_efficacy) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_dropoff_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_eq(personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'whether both have the same views, for the operator =';

CREATE FUNCTION personalize.trigger_efficacy_ne(personalize.trigger_efficacy, personalize.trigger_efficacy) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_dropoff_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_ne(personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.+ (LEFTARG = personalize.trigger_efficacy, RIGHTARG = personalize.trigger_efficacy,
	FUNCTION = personalize.trigger_efficacy_add, COMMUTATOR = OPERATOR(personalize.+));
COMMENT ON OPERATOR personalize.+ (personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'views of both';

CREATE OPERATOR personalize.= (LEFTARG = personalize.trigger_efficacy, RIGHTARG = personalize.trigger_efficacy,
	FUNCTION = personalize.trigger_efficacy_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'the same views';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.trigger_efficacy, RIGHTARG = personalize.trigger_efficacy,
	FUNCTION = personalize.trigger_efficacy_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.trigger_efficacy, personalize.trigger_efficacy) IS 'other views';

CREATE FUNCTION personalize.efficacy_at(e personalize.trigger_efficacy, t double precision) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_efficacy_at' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.efficacy_at(personalize.trigger_efficacy, double precision) IS 'how well a trigger works at t seconds: as tested, shrunk to 1 - exp(-t / 8 s)';

CREATE FUNCTION personalize.efficacy_table(e personalize.trigger_efficacy, OUT start double precision, OUT "end" double precision, OUT shown double precision, OUT shown_converted double precision, OUT control double precision, OUT control_converted double precision, OUT difference double precision, OUT std_error double precision, OUT efficacy double precision) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_efficacy_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 16;
COMMENT ON FUNCTION personalize.efficacy_table(personalize.trigger_efficacy) IS 'one row per bucket of times in which triggers were shown: both arms, of views still present, and what follows';

CREATE FUNCTION personalize.trigger_efficacy_accum(internal, double precision, double precision, boolean) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_trigger_efficacy_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_accum(internal, double precision, double precision, boolean) IS 'transition of trigger_efficacy(double precision, double precision, boolean)';

CREATE FUNCTION personalize.trigger_efficacy_accum(internal, interval, interval, boolean) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_trigger_efficacy_accum_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_accum(internal, interval, interval, boolean) IS 'transition of trigger_efficacy(interval, interval, boolean)';

CREATE FUNCTION personalize.trigger_efficacy_accum(internal, personalize.trigger_efficacy) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_accum_value' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_accum(internal, personalize.trigger_efficacy) IS 'transition of rollup(trigger_efficacy)';

CREATE FUNCTION personalize.trigger_efficacy_combine(internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_combine(internal, internal) IS 'combines two states of trigger_efficacy() or rollup()';

CREATE FUNCTION personalize.trigger_efficacy_serialize(internal) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_dropoff_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_serialize(internal) IS 'serializes a state of trigger_efficacy() or rollup()';

CREATE FUNCTION personalize.trigger_efficacy_deserialize(bytea, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_dropoff_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_deserialize(bytea, internal) IS 'deserializes a state of trigger_efficacy() or rollup()';

CREATE FUNCTION personalize.trigger_efficacy_final(internal) RETURNS personalize.trigger_efficacy
AS 'MODULE_PATHNAME', 'personalize_dropoff_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_efficacy_final(internal) IS 'trigger_efficacy of a state of trigger_efficacy() or rollup()';

CREATE AGGREGATE personalize.trigger_efficacy(shown_at double precision, dwell double precision, converted boolean) (
	SFUNC = personalize.trigger_efficacy_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.trigger_efficacy_final,
	COMBINEFUNC = personalize.trigger_efficacy_combine,
	SERIALFUNC = personalize.trigger_efficacy_serialize,
	DESERIALFUNC = personalize.trigger_efficacy_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.trigger_efficacy(double precision, double precision, boolean) IS 'what a test of triggers has shown; shown_at is NULL in the control arm';

CREATE AGGREGATE personalize.trigger_efficacy(shown_at interval, dwell interval, converted boolean) (
	SFUNC = personalize.trigger_efficacy_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.trigger_efficacy_final,
	COMBINEFUNC = personalize.trigger_efficacy_combine,
	SERIALFUNC = personalize.trigger_efficacy_serialize,
	DESERIALFUNC = personalize.trigger_efficacy_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.trigger_efficacy(interval, interval, boolean) IS 'what a test of triggers has shown; shown_at is NULL in the control arm';

CREATE AGGREGATE personalize.rollup(e personalize.trigger_efficacy) (
	SFUNC = personalize.trigger_efficacy_accum,
	STYPE = internal,
	SSPACE = 3500,
	FINALFUNC = personalize.trigger_efficacy_final,
	COMBINEFUNC = personalize.trigger_efficacy_combine,
	SERIALFUNC = personalize.trigger_efficacy_serialize,
	DESERIALFUNC = personalize.trigger_efficacy_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.rollup(personalize.trigger_efficacy) IS 'views of all';

CREATE FUNCTION personalize.best_trigger(d personalize.dropoff, parents personalize.dropoff[] DEFAULT NULL, efficacy personalize.trigger_efficacy DEFAULT NULL, reading interval DEFAULT '10 seconds', cost double precision DEFAULT 0.02, t_min interval DEFAULT '3 seconds', t_max interval DEFAULT '10 minutes', fallback interval DEFAULT '20 seconds', pace double precision DEFAULT 1, OUT trigger_after interval, OUT still_here double precision, OUT leavers_reachable double precision, OUT rescued_per_1000 double precision, OUT utility double precision, OUT source text, OUT views double precision, OUT flagged boolean) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_best_trigger' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.best_trigger(personalize.dropoff, personalize.dropoff[], personalize.trigger_efficacy, interval, double precision, interval, interval, interval, double precision) IS 'when to show a message to somebody who may be about to leave; parents are the drop-offs of what the page is part of, nearest first';

CREATE FUNCTION personalize.trigger_arm(key text, seed text DEFAULT '', d personalize.dropoff DEFAULT NULL, random_share double precision DEFAULT 0.1, control_share double precision DEFAULT 0.1, OUT arm text, OUT trigger_after interval, OUT propensity double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_trigger_arm' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.trigger_arm(text, text, personalize.dropoff, double precision, double precision) IS 'arm of a test by hash of seed and key: best, random (at a time between the quantiles 0.2 and 0.8 of d) or control (none)';

CREATE FUNCTION personalize.pace(dwells double precision[], expected double precision[]) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_pace' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.pace(double precision[], double precision[]) IS 'how long a visitor takes of what is expected, from three views on; between 0.5 and 2';
