
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
