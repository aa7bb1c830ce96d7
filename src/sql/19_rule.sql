
-- -------------------------------------------------------------------- rule

CREATE TYPE personalize.rule;

CREATE FUNCTION personalize.rule_in(cstring) RETURNS personalize.rule
AS 'MODULE_PATHNAME', 'personalize_rule_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_in(cstring) IS 'text input of rule';

CREATE FUNCTION personalize.rule_out(personalize.rule) RETURNS cstring
AS 'MODULE_PATHNAME', 'personalize_rule_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_out(personalize.rule) IS 'text output of rule';

CREATE FUNCTION personalize.rule_recv(internal) RETURNS personalize.rule
AS 'MODULE_PATHNAME', 'personalize_rule_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_recv(internal) IS 'binary input of rule';

CREATE FUNCTION personalize.rule_send(personalize.rule) RETURNS bytea
AS 'MODULE_PATHNAME', 'personalize_rule_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_send(personalize.rule) IS 'binary output of rule';

CREATE TYPE personalize.rule (
	INPUT = personalize.rule_in,
	OUTPUT = personalize.rule_out,
	RECEIVE = personalize.rule_recv,
	SEND = personalize.rule_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE personalize.rule IS 'which customers: did(cart, 1 day) and not did(purchase, 1 day)';

CREATE FUNCTION personalize.rule_eq(personalize.rule, personalize.rule) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_rule_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_eq(personalize.rule, personalize.rule) IS 'whether both are the same rule, for the operator =';

CREATE FUNCTION personalize.rule_ne(personalize.rule, personalize.rule) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_rule_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_ne(personalize.rule, personalize.rule) IS 'whether they differ, for the operator <>';

CREATE OPERATOR personalize.= (LEFTARG = personalize.rule, RIGHTARG = personalize.rule,
	FUNCTION = personalize.rule_eq, COMMUTATOR = OPERATOR(personalize.=), NEGATOR = OPERATOR(personalize.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel);
COMMENT ON OPERATOR personalize.= (personalize.rule, personalize.rule) IS 'the same rule';

CREATE OPERATOR personalize.<> (LEFTARG = personalize.rule, RIGHTARG = personalize.rule,
	FUNCTION = personalize.rule_ne, COMMUTATOR = OPERATOR(personalize.<>), NEGATOR = OPERATOR(personalize.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel);
COMMENT ON OPERATOR personalize.<> (personalize.rule, personalize.rule) IS 'another rule';

CREATE FUNCTION personalize.matches(a personalize.activity, r personalize.rule) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_rule_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.matches(personalize.activity, personalize.rule) IS 'whether the rule holds for the activity as of the start of the statement, for the operator @@';

CREATE FUNCTION personalize.matches(a personalize.activity, r personalize.rule, attributes jsonb, as_of timestamp with time zone DEFAULT NULL, zone text DEFAULT NULL) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_rule_matches_full' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.matches(personalize.activity, personalize.rule, jsonb, timestamp with time zone, text) IS 'whether the rule holds for the activity and attributes at a time';

CREATE FUNCTION personalize.evaluate(a personalize.activity, r personalize.rule, attributes jsonb DEFAULT NULL, as_of timestamp with time zone DEFAULT NULL, zone text DEFAULT NULL, OUT member boolean, OUT stable_until timestamp with time zone) RETURNS record
AS 'MODULE_PATHNAME', 'personalize_rule_evaluate' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION personalize.evaluate(personalize.activity, personalize.rule, jsonb, timestamp with time zone, text) IS 'whether the rule holds at a time, and until when at least that goes on without a new event';

CREATE OPERATOR personalize.@@ (LEFTARG = personalize.activity, RIGHTARG = personalize.rule,
	FUNCTION = personalize.matches, RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR personalize.@@ (personalize.activity, personalize.rule) IS 'the rule holds';

CREATE FUNCTION personalize.rule(ast jsonb) RETURNS personalize.rule
AS 'MODULE_PATHNAME', 'personalize_rule_from_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule(jsonb) IS 'rule of a tree of conditions: {"all": [{"count": "purchase", "window": "365 days", "op": ">=", "value": 4}, ...]}';

CREATE CAST (jsonb AS personalize.rule) WITH FUNCTION personalize.rule(jsonb);
COMMENT ON CAST (jsonb AS personalize.rule) IS 'rule of a tree of conditions';

CREATE FUNCTION personalize.jsonb(r personalize.rule) RETURNS jsonb
AS 'MODULE_PATHNAME', 'personalize_rule_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.jsonb(personalize.rule) IS 'tree of conditions of a rule: what rule(jsonb) takes';

CREATE CAST (personalize.rule AS jsonb) WITH FUNCTION personalize.jsonb(personalize.rule);
COMMENT ON CAST (personalize.rule AS jsonb) IS 'tree of conditions of a rule';

CREATE FUNCTION personalize.rule_events(r personalize.rule) RETURNS text[]
AS 'MODULE_PATHNAME', 'personalize_rule_events' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_events(personalize.rule) IS 'kinds of events that the rule names';

CREATE FUNCTION personalize.rule_attributes(r personalize.rule) RETURNS text[]
AS 'MODULE_PATHNAME', 'personalize_rule_attributes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_attributes(personalize.rule) IS 'attributes that the rule asks for';

CREATE FUNCTION personalize.rule_segments(r personalize.rule) RETURNS text[]
AS 'MODULE_PATHNAME', 'personalize_rule_segments' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_segments(personalize.rule) IS 'segments that the rule asks about';

CREATE FUNCTION personalize.rule_scores(r personalize.rule) RETURNS text[]
AS 'MODULE_PATHNAME', 'personalize_rule_scores' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_scores(personalize.rule) IS 'scores that the rule asks for';

CREATE FUNCTION personalize.explain_rule(a personalize.activity, r personalize.rule, attributes jsonb DEFAULT NULL, as_of timestamp with time zone DEFAULT NULL, zone text DEFAULT NULL)
RETURNS TABLE (place integer, depth integer, condition text, value boolean, evidence text, stable_until timestamp with time zone)
AS 'MODULE_PATHNAME', 'personalize_rule_explain' LANGUAGE C STABLE PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION personalize.explain_rule(personalize.activity, personalize.rule, jsonb, timestamp with time zone, text) IS 'every condition of the rule: whether it holds (NULL: not known), what was found, and until when at least that stands';

CREATE FUNCTION personalize.lifecycle(a personalize.activity, as_of timestamp with time zone DEFAULT pg_catalog.now(), event text DEFAULT 'purchase') RETURNS text
AS 'MODULE_PATHNAME', 'personalize_lifecycle' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.lifecycle(personalize.activity, timestamp with time zone, text) IS 'prospect, new, active, at_risk, lapsed or lost, by number and age of purchases';
