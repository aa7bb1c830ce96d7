-- Several widgets at once; and why an item is, or is not, in the list of one.

CREATE FUNCTION personalize.page(widgets text[], customer "any" DEFAULT NULL, item "any" DEFAULT NULL, cart "any" DEFAULT NULL, category text DEFAULT NULL,
	session "any" DEFAULT NULL, k integer DEFAULT NULL, exclude "any" DEFAULT NULL, as_of timestamptz DEFAULT NULL, seed bigint DEFAULT 0,
	query text DEFAULT NULL, segment text[] DEFAULT NULL)
	RETURNS TABLE (widget text, rank integer, item text, score double precision, source text, because text, reason text, propensity double precision)
    AS 'MODULE_PATHNAME', 'personalize_page' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.page(text[], "any", "any", "any", text, "any", integer, "any", timestamptz, bigint, text, text[])
    IS 'several widgets one after the other, with no item twice';

CREATE FUNCTION personalize.page_shelves(widgets integer[], titles text[], sizes integer[], customer "any", item "any", cart "any", category text,
	session "any", k integer, exclude "any", as_of timestamptz, seed bigint, query text, segment text[])
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_page_shelves' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION personalize.page_shelves(integer[], text[], integer[], "any", "any", "any", text, "any", integer, "any", timestamptz, bigint, text, text[])
    IS 'the shelves of a page: what functions made by create_page call';

CREATE FUNCTION personalize.create_page(name text, widgets jsonb) RETURNS regprocedure
    AS 'MODULE_PATHNAME', 'personalize_create_page' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_page(text, jsonb) IS 'makes a page of several widgets: a function with the shop''s own types';

CREATE FUNCTION personalize.explain_recommendation(widget text, customer "any", product "any", item "any" DEFAULT NULL, cart "any" DEFAULT NULL,
	category text DEFAULT NULL, session "any" DEFAULT NULL, k integer DEFAULT NULL, "offset" integer DEFAULT NULL, page integer DEFAULT NULL,
	exclude "any" DEFAULT NULL, among "any" DEFAULT NULL, as_of timestamptz DEFAULT NULL, seed bigint DEFAULT 0, query text DEFAULT NULL,
	segment text[] DEFAULT NULL)
	RETURNS TABLE (step text, source text, because text, amount double precision, detail text)
    AS 'MODULE_PATHNAME', 'personalize_explain_recommendation' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 20;
COMMENT ON FUNCTION personalize.explain_recommendation(text, "any", "any", "any", "any", text, "any", integer, integer, integer, "any", "any", timestamptz, bigint, text, text[])
    IS 'why a product is, or is not, in the list of a widget: contributions, rules, rank';
