-- Refresh, erasure and proof.

CREATE PROCEDURE personalize.refresh(relation regclass DEFAULT NULL, rebuild boolean DEFAULT NULL, wait boolean DEFAULT true)
    AS 'MODULE_PATHNAME', 'personalize_refresh' LANGUAGE C;
COMMENT ON PROCEDURE personalize.refresh(regclass, boolean, boolean)
    IS 'brings a history and all of its models, or an activity table and all of its segments, up to date, or everything that the caller owns';

CREATE FUNCTION personalize.erase(history regclass, basket "any") RETURNS bigint
    AS 'MODULE_PATHNAME', 'personalize_erase' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.erase(regclass, "any") IS 'takes a basket, or customer, whose rows are deleted out of history and models, or activity table and segments, now; returns the directed pairs, or memberships, touched';

CREATE FUNCTION personalize.verify(model regclass, sample double precision DEFAULT 1,
	OUT what text, OUT item text, OUT neighbor text, OUT stored double precision, OUT expected double precision)
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_verify' LANGUAGE C;
COMMENT ON FUNCTION personalize.verify(regclass, double precision) IS 'counts again and returns what differs in a model, activity table or segment: no rows, if it is exact';
