-- ---------------------------------------------------------------- when to send

CREATE FUNCTION personalize.best_send_time(hours personalize.response_hours, population personalize.response_model, within tstzrange, time_zone text, segment personalize.response_model DEFAULT NULL, valid_for interval DEFAULT '48 hours', message text DEFAULT NULL, quiet text DEFAULT NULL, legal text DEFAULT NULL, weekdays text DEFAULT NULL, slot interval DEFAULT '60 minutes', explore double precision DEFAULT 0.05, control double precision DEFAULT 0, salt text DEFAULT '', default_hour integer DEFAULT 10, expires_at timestamp with time zone DEFAULT NULL, as_of timestamp with time zone DEFAULT pg_catalog.now(), OUT send_at timestamp with time zone, OUT p_response double precision, OUT policy text, OUT propensity double precision, OUT source text, OUT n_eff double precision, OUT p_at_default double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_best_send_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.best_send_time(personalize.response_hours, personalize.response_model, tstzrange, text, personalize.response_model, interval, text, text, text, text, interval, double precision, double precision, text, integer, timestamp with time zone, timestamp with time zone) IS 'when in a window a message to a customer is most likely to be answered';

CREATE FUNCTION personalize.response_log_loss(hours personalize.response_hours, population personalize.response_model, after timestamp with time zone, as_of timestamp with time zone DEFAULT pg_catalog.now(), segment personalize.response_model DEFAULT NULL, OUT messages bigint, OUT log_loss double precision, OUT log_loss_global double precision, OUT log_loss_population double precision) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_response_log_loss' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.response_log_loss(personalize.response_hours, personalize.response_model, timestamp with time zone, timestamp with time zone, personalize.response_model) IS 'how well messages after a time are foretold by what was known then: sums of -log likelihood by the customers rates, one rate for all hours, the populations hours';

CREATE TYPE personalize.snips_estimate AS (estimate double precision, effective_size double precision, n bigint, enough boolean);
COMMENT ON TYPE personalize.snips_estimate IS 'what a policy would have brought; NULL where the effective sample is below 200';

CREATE FUNCTION personalize.snips_add(bytea, double precision, double precision, double precision) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_snips_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.snips_add(bytea, double precision, double precision, double precision) IS 'transition of snips()';

CREATE FUNCTION personalize.snips_merge(bytea, bytea) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_snips_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.snips_merge(bytea, bytea) IS 'combines two states of snips()';

CREATE FUNCTION personalize.snips_final(bytea) RETURNS personalize.snips_estimate
AS 'MODULE_PATHNAME', 'personalize_snips_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.snips_final(bytea) IS 'value of a state of snips()';

CREATE AGGREGATE personalize.snips(evaluated double precision, logged double precision, outcome double precision) (
	SFUNC = personalize.snips_add,
	STYPE = bytea,
	FINALFUNC = personalize.snips_final,
	COMBINEFUNC = personalize.snips_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.snips(double precision, double precision, double precision) IS 'mean outcome under a policy, from a log of another: the propensity of the logged time under both, and what came of it';

CREATE FUNCTION personalize.channel_value(delivered bigint, responses bigint, population_rate double precision, margin double precision, cost double precision DEFAULT 0, fatigue double precision DEFAULT 0) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_channel_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.channel_value(bigint, bigint, double precision, double precision, double precision, double precision) IS 'what a message through a channel is worth: its chance of a response, shrunk by 10 messages to that of all, times the margin, less cost and fatigue';

CREATE FUNCTION personalize.best_channel_add(bytea, text, double precision, timestamp with time zone) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_best_channel_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.best_channel_add(bytea, text, double precision, timestamp with time zone) IS 'transition of best_channel()';

CREATE FUNCTION personalize.best_channel_merge(bytea, bytea) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_best_channel_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.best_channel_merge(bytea, bytea) IS 'combines two states of best_channel()';

CREATE FUNCTION personalize.best_channel_final(bytea) RETURNS text
AS 'MODULE_PATHNAME', 'personalize_best_channel_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.best_channel_final(bytea) IS 'value of a state of best_channel()';

CREATE AGGREGATE personalize.best_channel(channel text, value double precision, last_response timestamp with time zone) (
	SFUNC = personalize.best_channel_add,
	STYPE = bytea,
	FINALFUNC = personalize.best_channel_final,
	COMBINEFUNC = personalize.best_channel_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE personalize.best_channel(text, double precision, timestamp with time zone) IS 'the channel of most value; of equal ones that of the latest response';
