-- Histories: one compact row per basket.

CREATE FUNCTION personalize.create_history(name text, interactions regclass, basket name, item name,
	happened name DEFAULT NULL, weight name DEFAULT NULL,
	event name DEFAULT NULL, events text[] DEFAULT NULL, event_weights integer[] DEFAULT NULL,
	max_basket integer DEFAULT 500, horizon interval DEFAULT NULL, catalog regclass DEFAULT NULL,
	watch jsonb DEFAULT NULL, replica boolean DEFAULT false, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_history' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_history(text, regclass, name, name, name, name, name, text[], integer[], integer, interval, regclass, jsonb, boolean, boolean)
    IS 'a table of baskets, kept from a table or view of interactions';

CREATE FUNCTION personalize.drop_history(history regclass, cascade boolean DEFAULT false) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_history' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_history(regclass, boolean) IS 'drops a history, its log and its triggers; with cascade its models, too';

CREATE FUNCTION personalize.basket_items(items bytea, OUT code integer, OUT weight bigint, OUT day date, OUT place integer)
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_basket_items' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION personalize.basket_items(bytea) IS 'what the items column of a history holds: codes of the catalog, with weight, day and place in the sequence';
