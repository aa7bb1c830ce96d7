-- What there is, and how it stands.

CREATE FUNCTION personalize.status_rows(OUT relation regclass, OUT kind text, OUT source regclass, OUT built boolean,
	OUT pending bigint, OUT needs_rebuild text, OUT problem text, OUT baskets bigint, OUT items bigint, OUT bytes bigint,
	OUT refreshed timestamptz, OUT rebuilt timestamptz, OUT last_baskets bigint,
	OUT last_pairs bigint, OUT last_items bigint, OUT last_ms double precision, OUT definition text)
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_status_rows' LANGUAGE C VOLATILE ROWS 10;
COMMENT ON FUNCTION personalize.status_rows() IS 'catalogs, histories and models, as the view personalize.status shows them';

CREATE VIEW personalize.status AS SELECT * FROM personalize.status_rows();
COMMENT ON VIEW personalize.status IS 'catalogs, histories and models that the current user may read: size, pending changes, last refresh';
GRANT SELECT ON personalize.status TO PUBLIC;
