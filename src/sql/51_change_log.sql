-- The change log: triggers that append the keys of changed baskets, and the event triggers that notice DDL.

CREATE FUNCTION personalize.log_changes() RETURNS trigger
    AS 'MODULE_PATHNAME', 'personalize_log_changes' LANGUAGE C;
COMMENT ON FUNCTION personalize.log_changes() IS 'trigger: appends the keys of changed rows to the change log of a history or catalog';

CREATE FUNCTION personalize.ddl_end() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'personalize_ddl_end' LANGUAGE C;
COMMENT ON FUNCTION personalize.ddl_end() IS 'event trigger: notices commands that change what a history or catalog is made from';

CREATE FUNCTION personalize.sql_drop() RETURNS event_trigger
    AS 'MODULE_PATHNAME', 'personalize_sql_drop' LANGUAGE C;
COMMENT ON FUNCTION personalize.sql_drop() IS 'event trigger: notices that a history, a catalog, a model or a watched table is dropped';

CREATE EVENT TRIGGER personalize_ddl_end ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'ALTER FOREIGN TABLE', 'ALTER VIEW', 'ALTER POLICY', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE FOREIGN TABLE',
		'CREATE VIEW', 'CREATE RULE', 'CREATE POLICY')
	EXECUTE FUNCTION personalize.ddl_end();
COMMENT ON EVENT TRIGGER personalize_ddl_end IS 'personalize: notices commands that change what a history or catalog is made from';

CREATE EVENT TRIGGER personalize_sql_drop ON sql_drop EXECUTE FUNCTION personalize.sql_drop();
COMMENT ON EVENT TRIGGER personalize_sql_drop IS 'personalize: notices that a history, a catalog, a model or a watched table is dropped';
