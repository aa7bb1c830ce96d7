
-- -------------------------------------------------------------- rule_index

-- The query arguments of GIN functions are declared as the indexed type, as its check of operator classes wants them; they get a rule.

CREATE FUNCTION personalize.rule_gin_extract_value(personalize.activity, internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_rule_gin_extract_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_gin_extract_value(personalize.activity, internal, internal) IS 'keys of an activity, for indexes of the class activity_ops';

CREATE FUNCTION personalize.rule_gin_extract_query(personalize.activity, internal, smallint, internal, internal, internal, internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_rule_gin_extract_query' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_gin_extract_query(personalize.activity, internal, smallint, internal, internal, internal, internal) IS 'ranges of keys that a rule needs, for indexes of the class activity_ops';

CREATE FUNCTION personalize.rule_gin_compare_partial(bytea, bytea, smallint, internal) RETURNS integer
AS 'MODULE_PATHNAME', 'personalize_rule_gin_compare_partial' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_gin_compare_partial(bytea, bytea, smallint, internal) IS 'whether a key lies in a range, for indexes of the class activity_ops';

CREATE FUNCTION personalize.rule_gin_consistent(internal, smallint, personalize.activity, integer, internal, internal, internal) RETURNS "char"
AS 'MODULE_PATHNAME', 'personalize_rule_gin_consistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_gin_consistent(internal, smallint, personalize.activity, integer, internal, internal, internal) IS 'whether a rule may hold with these keys, for indexes of the class activity_ops';

CREATE OPERATOR CLASS personalize.activity_ops DEFAULT FOR TYPE personalize.activity USING gin AS
	OPERATOR 1 personalize.@@ (personalize.activity, personalize.rule),
	FUNCTION 2 personalize.rule_gin_extract_value(personalize.activity, internal, internal),
	FUNCTION 3 personalize.rule_gin_extract_query(personalize.activity, internal, smallint, internal, internal, internal, internal),
	FUNCTION 5 personalize.rule_gin_compare_partial(bytea, bytea, smallint, internal),
	FUNCTION 6 personalize.rule_gin_consistent(internal, smallint, personalize.activity, integer, internal, internal, internal),
	STORAGE bytea;
COMMENT ON OPERATOR CLASS personalize.activity_ops USING gin IS 'index of activities by last and first times, counts and sums, for @@';

CREATE FUNCTION personalize.rule_selectivity(internal, oid, internal, integer) RETURNS double precision
AS 'MODULE_PATHNAME', 'personalize_rule_selectivity' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.rule_selectivity(internal, oid, internal, integer) IS 'share of customers for whom a rule holds, for the planner';

ALTER OPERATOR personalize.@@ (personalize.activity, personalize.rule) SET (RESTRICT = personalize.rule_selectivity);

CREATE FUNCTION personalize.activity_typanalyze(internal) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_activity_typanalyze' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.activity_typanalyze(internal) IS 'statistics of activities: a sample of them, for rule_selectivity';

ALTER TYPE personalize.activity SET (ANALYZE = personalize.activity_typanalyze);
