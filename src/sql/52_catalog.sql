-- Catalogs: item key and dense code, and attributes from the shop's product table.

CREATE FUNCTION personalize.create_catalog(name text, products regclass DEFAULT NULL, item name DEFAULT NULL,
	available name DEFAULT NULL, price name DEFAULT NULL, category name DEFAULT NULL, created name DEFAULT NULL, item_group name DEFAULT NULL,
	item_type regtype DEFAULT NULL, watch jsonb DEFAULT NULL, replica boolean DEFAULT false)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_catalog' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_catalog(text, regclass, name, name, name, name, name, name, regtype, jsonb, boolean)
    IS 'a table of items and their codes, which histories can share, kept from the shop''s products';

CREATE FUNCTION personalize.drop_catalog(catalog regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_catalog' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_catalog(regclass) IS 'drops a catalog that no history uses';
