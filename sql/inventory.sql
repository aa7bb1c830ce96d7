\pset format unaligned
-- Everything that CREATE EXTENSION makes. Array and row types follow from their types, and versions differ in listing them.
SELECT pg_describe_object(d.classid, d.objid, 0) COLLATE "C" AS object
  FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
  LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
 WHERE d.deptype = 'e' AND e.extname = 'personalize' AND (t.oid IS NULL OR (t.typcategory <> 'A' AND t.typrelid = 0))
 ORDER BY 1;

-- From here on, what breaks a rule of the house. Public objects without a comment:
SELECT pg_describe_object(o.class, o.oid, 0) COLLATE "C" AS uncommented
  FROM (SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
		UNION ALL SELECT 'pg_type', oid, typnamespace FROM pg_type WHERE typcategory <> 'A' AND typrelid = 0
		UNION ALL SELECT 'pg_class', oid, relnamespace FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'S', 'c')
		UNION ALL SELECT 'pg_operator', oid, oprnamespace FROM pg_operator) AS o(class, oid, namespace)
 WHERE o.namespace = 'personalize'::regnamespace AND obj_description(o.oid, o.class::regclass::name) IS NULL
 ORDER BY 1;

-- Functions with rights or settings of their own:
SELECT p.oid::regprocedure AS definer_or_set
  FROM pg_proc AS p WHERE p.pronamespace = 'personalize'::regnamespace AND (p.prosecdef OR p.proconfig IS NOT NULL)
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Functions that are not parallel safe, or volatile; each is here on purpose:
SELECT p.oid::regprocedure AS function, p.proparallel, p.provolatile
  FROM pg_proc AS p WHERE p.pronamespace = 'personalize'::regnamespace AND (p.proparallel <> 's' OR p.provolatile = 'v')
 ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Aggregates that cannot be computed in parallel:
SELECT a.aggfnoid::regprocedure AS not_partial
  FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid
 WHERE p.pronamespace = 'personalize'::regnamespace
   AND (a.aggcombinefn = 0 OR (a.aggtranstype = 'internal'::regtype AND (a.aggserialfn = 0 OR a.aggdeserialfn = 0)))
 ORDER BY a.aggfnoid::regprocedure::text COLLATE "C";

-- Objects outside the schema, but for casts, operator families and event triggers, which have none:
SELECT pg_describe_object(d.classid, d.objid, 0) COLLATE "C" AS elsewhere
  FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
  CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
 WHERE d.deptype = 'e' AND e.extname = 'personalize' AND i.type NOT IN ('cast', 'schema', 'event trigger') AND i.schema IS DISTINCT FROM 'personalize'
 ORDER BY 1;
