-- Nothing runs, so nothing is shown; the long calls' own tests look at rows.
SELECT * FROM personalize.progress;
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
  FROM pg_attribute a
 WHERE a.attrelid = 'personalize.progress'::regclass AND a.attnum > 0
 ORDER BY a.attnum;

-- Everybody may look, and nobody may write.
\set VERBOSITY terse
CREATE ROLE regress_personalize_progress;
SET ROLE regress_personalize_progress;
SELECT count(*) FROM personalize.progress;
SELECT count(*) FROM personalize.progress_rows();
DELETE FROM personalize.progress;
RESET ROLE;
DROP ROLE regress_personalize_progress;
