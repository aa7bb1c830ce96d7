-- The first statement on purpose: it fails where somebody made the schema before, with whatever was planted in it.
CREATE SCHEMA personalize;
COMMENT ON SCHEMA personalize IS 'personalization of an online shop: types, aggregates, functions and catalogs';
GRANT USAGE ON SCHEMA personalize TO PUBLIC;
