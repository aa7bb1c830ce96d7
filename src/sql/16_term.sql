-- Search terms.

CREATE FUNCTION personalize.normalize_term(term text) RETURNS text
    AS 'MODULE_PATHNAME', 'personalize_normalize_term' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION personalize.normalize_term(text) IS 'a search term in lower case, words apart by one space, without punctuation: the form in which terms are kept and looked up';
