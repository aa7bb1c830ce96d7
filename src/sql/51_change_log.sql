-- The change log: triggers that append the keys of changed baskets, and the event triggers that notice DDL.

CREATE FUNCTION personalize.log_changes() RETURNS trigger
    AS 'MODULE_PATHNAME', 'personalize_log_changes' LANGUAGE C;
COMMENT ON FUNCTION personalize.log_changes() IS 'trigger: appends the keys of changed rows to the change log of a history or catalog';
