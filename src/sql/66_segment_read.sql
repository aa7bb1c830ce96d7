
-- ------------------------------------------------------ reading segments

CREATE FUNCTION personalize.segment_stands_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_segment_stands_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.segment_stands_support(internal) IS 'tells the planner about segment_stands()';

CREATE FUNCTION personalize.segment_stands(segment integer, customer anyelement) RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_segment_stands' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT personalize.segment_stands_support;
COMMENT ON FUNCTION personalize.segment_stands(integer, anyelement) IS 'whether who was a member at the last refresh still is one: for the functions that create_segment makes';

CREATE FUNCTION personalize.segment_entered_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_segment_entered_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.segment_entered_support(internal) IS 'tells the planner about segment_entered()';

CREATE FUNCTION personalize.segment_entered(segment integer, key_type anyelement) RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'personalize_segment_entered' LANGUAGE C STABLE PARALLEL SAFE ROWS 10 SUPPORT personalize.segment_entered_support;
COMMENT ON FUNCTION personalize.segment_entered(integer, anyelement) IS 'who has become a member since the last refresh: for the functions that create_segment makes';

CREATE FUNCTION personalize.in_segment_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_in_segment_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.in_segment_support(internal) IS 'tells the planner about in_segment()';

CREATE FUNCTION personalize.in_segment(segment regclass, customer "any") RETURNS boolean
AS 'MODULE_PATHNAME', 'personalize_in_segment' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT personalize.in_segment_support;
COMMENT ON FUNCTION personalize.in_segment(regclass, "any") IS 'whether the customer is a member of the segment now';

CREATE FUNCTION personalize.segment_support(internal) RETURNS internal
AS 'MODULE_PATHNAME', 'personalize_segment_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.segment_support(internal) IS 'tells the planner about segment()';

CREATE FUNCTION personalize.segment(segment regclass) RETURNS SETOF bigint
AS 'MODULE_PATHNAME', 'personalize_segment' LANGUAGE C STABLE PARALLEL SAFE ROWS 1000 SUPPORT personalize.segment_support;
COMMENT ON FUNCTION personalize.segment(regclass) IS 'members of the segment now, where customers are numbers';

CREATE FUNCTION personalize.segment(segment regclass, key_type anyelement) RETURNS SETOF anyelement
AS 'MODULE_PATHNAME', 'personalize_segment' LANGUAGE C STABLE PARALLEL SAFE ROWS 1000 SUPPORT personalize.segment_support;
COMMENT ON FUNCTION personalize.segment(regclass, anyelement) IS 'members of the segment now: segment(segment, NULL::uuid)';

CREATE FUNCTION personalize.segment_set(segment regclass) RETURNS personalize.cset
AS 'MODULE_PATHNAME', 'personalize_segment_set' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.segment_set(regclass) IS 'members of the segment now, as a set';

CREATE FUNCTION personalize.segment_overlap(segments regclass[]) RETURNS TABLE (a regclass, b regclass, customers_a bigint, customers_b bigint, customers bigint, jaccard double precision, lift double precision)
AS 'MODULE_PATHNAME', 'personalize_segment_overlap' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION personalize.segment_overlap(regclass[]) IS 'how many customers two segments share, for each pair of them';

CREATE FUNCTION personalize.segment_explain(segment regclass, customer "any")
RETURNS TABLE (place integer, depth integer, condition text, value boolean, evidence text, stable_until timestamp with time zone)
AS 'MODULE_PATHNAME', 'personalize_segment_explain' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION personalize.segment_explain(regclass, "any") IS 'every condition of the segment''s rule for a customer: whether it holds, what was found, and until when at least that stands';

CREATE FUNCTION personalize.segment_preview(rule text, customers regclass DEFAULT NULL, activity regclass DEFAULT NULL, sample double precision DEFAULT NULL)
RETURNS TABLE (members bigint, lower bigint, upper bigint, total bigint, exact boolean)
AS 'MODULE_PATHNAME', 'personalize_segment_preview' LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION personalize.segment_preview(text, regclass, regclass, double precision) IS 'how many customers a rule holds for, or about how many, without a segment';

CREATE FUNCTION personalize.segment_preview(rule personalize.rule, customers regclass DEFAULT NULL, activity regclass DEFAULT NULL, sample double precision DEFAULT NULL)
RETURNS TABLE (members bigint, lower bigint, upper bigint, total bigint, exact boolean)
AS 'MODULE_PATHNAME', 'personalize_segment_preview' LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION personalize.segment_preview(personalize.rule, regclass, regclass, double precision) IS 'how many customers a rule holds for, or about how many, without a segment';

CREATE FUNCTION personalize.segment_sql(segment regclass) RETURNS text
AS 'MODULE_PATHNAME', 'personalize_segment_sql' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.segment_sql(regclass) IS 'the segment as a query over the shop''s own tables, which reads nothing that is kept';
