
-- ---------------------------------------------------------------- progress

CREATE FUNCTION personalize.progress_rows(
	OUT pid integer, OUT datid oid, OUT usesysid oid, OUT phase text,
	OUT done bigint, OUT total bigint, OUT started timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'personalize_progress_rows'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION personalize.progress_rows() IS 'the running calls of personalize, as the view personalize.progress shows them';

CREATE VIEW personalize.progress AS
SELECT r.pid,
	   d.datname AS database,
	   u.rolname AS username,
	   r.phase,
	   r.done,
	   r.total,
	   r.started
  FROM personalize.progress_rows() AS r
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid OPERATOR(pg_catalog.=) r.datid
  LEFT JOIN pg_catalog.pg_roles AS u ON u.oid OPERATOR(pg_catalog.=) r.usesysid;
COMMENT ON VIEW personalize.progress IS 'what the running calls of personalize are doing: one row per backend, own backends only without pg_read_all_stats';
GRANT SELECT ON personalize.progress TO PUBLIC;
