-- Widgets: functions in the shop's schema that return recommendations.  Their definitions stand in three tables, which only the functions
-- below write; everybody may read them.

CREATE TABLE personalize.widget (
	id integer PRIMARY KEY,
	schema name NOT NULL,
	name name NOT NULL,
	catalog regclass NOT NULL,
	mix text NOT NULL,
	filter text,
	exclude text[],
	rules jsonb,
	max_per_category integer,
	max_per jsonb,
	diversity double precision NOT NULL,
	shuffle integer NOT NULL,
	explore double precision NOT NULL,
	k integer NOT NULL,
	UNIQUE (schema, name));
COMMENT ON TABLE personalize.widget IS 'widgets: the functions that return recommendations, and what they were told';

CREATE TABLE personalize.widget_source (
	widget_id integer NOT NULL,
	place integer NOT NULL,
	level integer NOT NULL,
	kind text NOT NULL,
	name text,
	relation regclass,
	blend regclass,
	weight double precision NOT NULL,
	slots integer[],
	seeds text[],
	seed_history text,
	options jsonb,
	PRIMARY KEY (widget_id, place));
COMMENT ON TABLE personalize.widget_source IS 'where the candidates of a widget come from: level 0 is mixed, the others follow in order';

CREATE TABLE personalize.widget_history (
	widget_id integer NOT NULL,
	place integer NOT NULL,
	event text,
	history regclass NOT NULL,
	PRIMARY KEY (widget_id, place));
COMMENT ON TABLE personalize.widget_history IS 'what a widget knows of customers: histories by the event that they stand for';

GRANT SELECT ON personalize.widget, personalize.widget_source, personalize.widget_history TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('personalize.widget', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.widget_source', '');
SELECT pg_catalog.pg_extension_config_dump('personalize.widget_history', '');

CREATE FUNCTION personalize.create_widget(name text, sources jsonb DEFAULT '{}', histories jsonb DEFAULT NULL, catalog regclass DEFAULT NULL,
	mix text DEFAULT 'sum', filter text DEFAULT NULL, exclude text[] DEFAULT NULL, rules jsonb DEFAULT NULL,
	max_per_category integer DEFAULT NULL, max_per jsonb DEFAULT NULL, fallback text[] DEFAULT NULL,
	diversity double precision DEFAULT 0, shuffle integer DEFAULT 0, explore double precision DEFAULT 0, k integer DEFAULT 12)
	RETURNS regprocedure
    AS 'MODULE_PATHNAME', 'personalize_create_widget' LANGUAGE C;
COMMENT ON FUNCTION personalize.create_widget(text, jsonb, jsonb, regclass, text, text, text[], jsonb, integer, jsonb, text[], double precision, integer, double precision, integer)
    IS 'makes a function that returns recommendations';

CREATE FUNCTION personalize.alter_widget(widget text, sources jsonb DEFAULT NULL, histories jsonb DEFAULT NULL, catalog regclass DEFAULT NULL,
	mix text DEFAULT NULL, filter text DEFAULT NULL, exclude text[] DEFAULT NULL, rules jsonb DEFAULT NULL,
	max_per_category integer DEFAULT NULL, max_per jsonb DEFAULT NULL, fallback text[] DEFAULT NULL,
	diversity double precision DEFAULT NULL, shuffle integer DEFAULT NULL, explore double precision DEFAULT NULL, k integer DEFAULT NULL)
	RETURNS regprocedure
    AS 'MODULE_PATHNAME', 'personalize_alter_widget' LANGUAGE C;
COMMENT ON FUNCTION personalize.alter_widget(text, jsonb, jsonb, regclass, text, text, text[], jsonb, integer, jsonb, text[], double precision, integer, double precision, integer)
    IS 'changes what a widget was told; what is NULL stays';

CREATE FUNCTION personalize.drop_widget(widget text) RETURNS void
    AS 'MODULE_PATHNAME', 'personalize_drop_widget' LANGUAGE C STRICT;
COMMENT ON FUNCTION personalize.drop_widget(text) IS 'drops a widget and its function';

CREATE FUNCTION personalize.widget_rows(OUT function regprocedure, OUT id integer, OUT owner regrole, OUT catalog regclass,
	OUT item_type regtype, OUT customer_type regtype, OUT sources jsonb, OUT fallback text[], OUT histories jsonb, OUT mix text,
	OUT filter text, OUT exclude text[], OUT rules jsonb, OUT max_per_category integer, OUT max_per jsonb,
	OUT diversity double precision, OUT shuffle integer, OUT explore double precision, OUT k integer, OUT problem text)
	RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'personalize_widget_rows' LANGUAGE C VOLATILE ROWS 10;
COMMENT ON FUNCTION personalize.widget_rows() IS 'widgets, as the view personalize.widgets shows them';

CREATE VIEW personalize.widgets AS SELECT * FROM personalize.widget_rows();
COMMENT ON VIEW personalize.widgets IS 'widgets, with what create_widget would have to be told to make each again, and what is wrong with it';
GRANT SELECT ON personalize.widgets TO PUBLIC;

-- Event triggers: a widget follows its function when that is renamed, moved or dropped.
CREATE FUNCTION personalize.widget_ddl_end() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'personalize_widget_ddl_end' LANGUAGE C;
COMMENT ON FUNCTION personalize.widget_ddl_end() IS 'event trigger: notices that the function of a widget, or its schema, has another name';

CREATE FUNCTION personalize.widget_sql_drop() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'personalize_widget_sql_drop' LANGUAGE C;
COMMENT ON FUNCTION personalize.widget_sql_drop() IS 'event trigger: notices that the function of a widget is dropped';

CREATE EVENT TRIGGER personalize_widget_ddl_end ON ddl_command_end
	WHEN TAG IN ('ALTER FUNCTION', 'ALTER ROUTINE', 'ALTER SCHEMA')
	EXECUTE FUNCTION personalize.widget_ddl_end();
COMMENT ON EVENT TRIGGER personalize_widget_ddl_end IS 'personalize: notices that the function of a widget, or its schema, has another name';

CREATE EVENT TRIGGER personalize_widget_sql_drop ON sql_drop
	EXECUTE FUNCTION personalize.widget_sql_drop();
COMMENT ON EVENT TRIGGER personalize_widget_sql_drop IS 'personalize: notices that the function of a widget is dropped';
