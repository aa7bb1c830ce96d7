-- Similarity by attributes: values of attributes are baskets of the products that have them.

CREATE FUNCTION personalize.create_content(name text, products regclass, item name, attributes name[] DEFAULT NULL,
	words name[] DEFAULT NULL, numbers name[] DEFAULT NULL, catalog regclass DEFAULT NULL,
	max_items integer DEFAULT 500, damping double precision DEFAULT 0.5, measure text DEFAULT 'cosine', neighbors integer DEFAULT 50,
	build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_content' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_content(text, regclass, name, name[], name[], name[], regclass, integer, double precision, text, integer, boolean)
    IS 'a maintained model of products that have attributes in common';

CREATE FUNCTION personalize.drop_content(model regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_content' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_content(regclass) IS 'drops a model that create_content made, with its history and view';
