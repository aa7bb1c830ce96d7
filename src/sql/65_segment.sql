-- Segments: which customers a rule holds for, kept exact at every instant.

CREATE TABLE personalize.segment (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	outside regclass NOT NULL UNIQUE,
	chunks regclass NOT NULL UNIQUE,
	changes regclass NOT NULL UNIQUE,
	activity_id integer NOT NULL,
	key_type regtype NOT NULL,
	-- alter_segment changes these three
	rule personalize.rule NOT NULL,
	version integer NOT NULL,
	uses regclass[] NOT NULL,
	-- state, as of the last refresh of the activity
	built boolean NOT NULL DEFAULT false,
	built_version integer NOT NULL DEFAULT 0,
	built_rfm integer,
	num_members bigint NOT NULL DEFAULT 0,
	refreshed timestamptz,
	rebuilt timestamptz,
	last_members bigint);
COMMENT ON TABLE personalize.segment IS 'segments: their rules, and the tables with their members';

CREATE TABLE personalize.rfm_fit (
	id integer PRIMARY KEY,
	relation regclass NOT NULL UNIQUE,
	version integer NOT NULL,
	event text NOT NULL,
	within bigint NOT NULL,
	zone text NOT NULL,
	model personalize.rfm_model NOT NULL,
	fitted timestamptz NOT NULL);
COMMENT ON TABLE personalize.rfm_fit IS 'limits of RFM scores for rules, fitted to all customers of an activity';

GRANT SELECT ON personalize.segment, personalize.rfm_fit TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('personalize.segment', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.rfm_fit', '');

CREATE FUNCTION personalize.create_segment(name text, customers regclass, key name, rule text, activity regclass DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_segment' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_segment(text, regclass, name, text, regclass, boolean)
    IS 'a segment: a table of the customers for whom a rule holds, kept exact at every instant';

CREATE FUNCTION personalize.create_segment(name text, customers regclass, key name, rule personalize.rule, activity regclass DEFAULT NULL, build boolean DEFAULT true)
	RETURNS regclass
    AS 'MODULE_PATHNAME', 'personalize_create_segment' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_segment(text, regclass, name, personalize.rule, regclass, boolean)
    IS 'a segment, from a rule as a value';

CREATE FUNCTION personalize.alter_segment(segment regclass, rule text) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_alter_segment' LANGUAGE C;
COMMENT ON FUNCTION personalize.alter_segment(regclass, text) IS 'gives a segment another rule, as its next version';

CREATE FUNCTION personalize.alter_segment(segment regclass, rule personalize.rule) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_alter_segment' LANGUAGE C;
COMMENT ON FUNCTION personalize.alter_segment(regclass, personalize.rule) IS 'gives a segment another rule, as its next version';

CREATE FUNCTION personalize.drop_segment(segment regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_segment' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_segment(regclass) IS 'drops a segment with its tables and its function';

CREATE FUNCTION personalize.segment_rows(OUT segment regclass, OUT activity regclass, OUT rule personalize.rule, OUT version integer,
	OUT members bigint, OUT customers bigint, OUT events text[], OUT refreshed timestamptz, OUT problem text)
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_segment_rows' LANGUAGE C VOLATILE ROWS 20;
COMMENT ON FUNCTION personalize.segment_rows() IS 'segments, as the view personalize.segments shows them';

CREATE VIEW personalize.segments AS SELECT * FROM personalize.segment_rows();
COMMENT ON VIEW personalize.segments IS 'segments that the current user may read: rule, size, the events that matter, what is wrong';
GRANT SELECT ON personalize.segments TO PUBLIC;

CREATE FUNCTION personalize.fit_rfm(activity regclass, levels integer DEFAULT 5, within interval DEFAULT '365 days', event text DEFAULT 'purchase')
	RETURNS personalize.rfm_model
    AS 'MODULE_PATHNAME', 'personalize_fit_rfm' LANGUAGE C;
COMMENT ON FUNCTION personalize.fit_rfm(regclass, integer, interval, text)
    IS 'fits the limits that rfm() in rules of segments has scores by, and looks at everybody whom they concern';
