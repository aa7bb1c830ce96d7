-- What every widget's function calls.

CREATE FUNCTION personalize.recommend(widget integer, customer "any", item "any", cart "any", category text, session "any", k integer, "offset" integer, page integer,
	exclude "any", among "any", as_of timestamptz, seed bigint, query text, segment text[])
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_recommend' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 12;
COMMENT ON FUNCTION personalize.recommend(integer, "any", "any", "any", text, "any", integer, integer, integer, "any", "any", timestamptz, bigint, text, text[])
    IS 'the recommendations of a widget: what its own function calls';
