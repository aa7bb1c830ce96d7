-- Reading segments: every form gives what the rule gives over the shop's own tables, now.
SET client_min_messages = warning;
CREATE ROLE regress_personalize_reader;
CREATE SCHEMA sr;
GRANT USAGE ON SCHEMA sr TO regress_personalize_reader;
CREATE TABLE sr.customers (customer_id integer PRIMARY KEY, country text, tags jsonb);
CREATE TABLE sr.orders (order_id serial PRIMARY KEY, customer_id integer, ordered_at timestamptz, total numeric);
CREATE TABLE sr.events (customer_id integer, kind text, at timestamptz);
INSERT INTO sr.customers SELECT i, (ARRAY['IN', 'GB', 'US', NULL])[1 + i % 4], jsonb_build_object('plan', CASE WHEN i % 5 = 0 THEN 'gold' END) FROM generate_series(1, 200) AS i;
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT 1 + i * 7 % 190, now() - (i % 400) * interval '1 day' - interval '1 hour', i % 90 FROM generate_series(1, 800) AS i;
INSERT INTO sr.events SELECT 1 + i * 11 % 180, (ARRAY['view', 'cart'])[1 + i % 2], now() - (i % 300) * interval '1 hour' - interval '30 minutes' FROM generate_series(1, 900) AS i;
CREATE INDEX ON sr.orders (customer_id);
CREATE INDEX ON sr.events (customer_id);
SELECT personalize.create_activity('sr.activity', 'sr.customers', 'customer_id', '{
	"purchase": {"table": "sr.orders", "customer": "customer_id", "at": "ordered_at", "amount": "total"},
	"*": {"table": "sr.events", "event": "kind", "customer": "customer_id", "at": "at"}}', default_zone => 'UTC');
SELECT personalize.create_segment('sr.vips', 'sr.customers', 'customer_id', 'count(purchase, 365 days) >= 4');
SELECT personalize.create_segment('sr.lapsing', 'sr.customers', 'customer_id', 'did(purchase, 365 days) and not did(purchase, 30 days)');
SELECT personalize.create_segment('sr.british', 'sr.customers', 'customer_id', 'attr(country) = GB or attr(tags.plan) = gold');
SELECT personalize.create_segment('sr.carts', 'sr.customers', 'customer_id', 'did(cart, 1 day) and not did(purchase, 1 day)');
SELECT personalize.create_segment('sr.target', 'sr.customers', 'customer_id', '(in(sr.vips) or in(sr.carts)) and not in(sr.british)');
SELECT personalize.create_segment('sr.viewers', 'sr.customers', 'customer_id', 'not in(sr.target) and did(view)');
SELECT personalize.create_segment('sr.nobody', 'sr.customers', 'customer_id', 'did(cart) and not did(cart)');

-- What a rule says of everybody, from the tables; in() recursively.
CREATE FUNCTION sr.brute(segment regclass) RETURNS SETOF integer LANGUAGE plpgsql STABLE AS $$
DECLARE
	r personalize.rule := (SELECT s.rule FROM personalize.segment AS s WHERE s.relation = segment);
BEGIN
	RETURN QUERY
		WITH others AS MATERIALIZED (SELECT n AS name, b AS customer FROM unnest(personalize.rule_segments(r)) AS n, sr.brute(n::regclass) AS b),
		happened AS MATERIALIZED (SELECT e.customer_id, personalize.activity(e.event, e.at, e.amount) AS a
			FROM (SELECT customer_id, 'purchase', ordered_at, total FROM sr.orders UNION ALL SELECT customer_id, kind, at, NULL FROM sr.events) AS e(customer_id, event, at, amount) GROUP BY 1)
		SELECT c.customer_id FROM sr.customers AS c LEFT JOIN happened AS h USING (customer_id)
		 WHERE personalize.matches(coalesce(h.a, '{}'), r, to_jsonb(c) || jsonb_build_object('$key', c.customer_id, '$segments',
			   (SELECT coalesce(jsonb_agg(o.name), '[]') FROM others AS o WHERE o.customer = c.customer_id)), statement_timestamp(), 'UTC');
END $$;
-- All forms of a segment against that.
CREATE FUNCTION sr.agree(segment regclass) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	brute integer[] := ARRAY(SELECT b FROM sr.brute(segment) AS b ORDER BY b);
	ours integer[];
	differs text := '';
BEGIN
	IF brute IS DISTINCT FROM ARRAY(SELECT c.customer_id FROM sr.customers AS c WHERE personalize.in_segment(segment, c.customer_id) ORDER BY 1) THEN differs := differs || ' in_segment'; END IF;
	IF brute IS DISTINCT FROM ARRAY(SELECT s::integer FROM personalize.segment(segment) AS s ORDER BY 1) THEN differs := differs || ' segment'; END IF;
	IF brute IS DISTINCT FROM ARRAY(SELECT u::integer FROM personalize.unnest(personalize.segment_set(segment)) AS u ORDER BY 1) THEN differs := differs || ' segment_set'; END IF;
	EXECUTE format('SELECT ARRAY(SELECT f.customer_id FROM %s() AS f ORDER BY 1)', segment) INTO ours;
	IF brute IS DISTINCT FROM ours THEN differs := differs || ' function'; END IF;
	-- one by one, each in a statement of its own
	ours := '{}';
	FOR i IN 1 .. 20 LOOP
		IF personalize.in_segment(segment, i * 10) <> (i * 10 = ANY (brute)) THEN differs := differs || ' ' || i * 10; END IF;
	END LOOP;
	RETURN CASE differs WHEN '' THEN 'all agree' ELSE 'differ:' || differs END;
END $$;
CREATE VIEW sr.agreement AS SELECT s.relation AS segment, sr.agree(s.relation) FROM personalize.segment AS s WHERE s.relation::text LIKE 'sr.%' ORDER BY s.relation::text COLLATE "C";
SELECT relation, num_members > 0 AS has_members FROM personalize.segment WHERE relation::text LIKE 'sr.%' ORDER BY relation::text COLLATE "C";
SELECT * FROM sr.agreement;

-- ---------------------------------------------------------------- what this transaction has done
BEGIN;
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT i, now(), 10 FROM generate_series(1, 60) AS i, generate_series(1, 2);
SELECT * FROM sr.agreement;
DELETE FROM sr.orders WHERE customer_id BETWEEN 40 AND 80;
INSERT INTO sr.events SELECT i, 'cart', now() FROM generate_series(70, 90) AS i;
UPDATE sr.events SET customer_id = 195 WHERE customer_id = 3;
UPDATE sr.customers SET country = 'GB' WHERE customer_id % 3 = 0;
SELECT * FROM sr.agreement;
-- customers come, go, and change their key
INSERT INTO sr.customers SELECT i, 'GB' FROM generate_series(300, 310) AS i;
DELETE FROM sr.customers WHERE customer_id IN (8, 12, 16);
UPDATE sr.customers SET customer_id = 400 WHERE customer_id = 20;
SELECT * FROM sr.agreement;
SAVEPOINT before;
DELETE FROM sr.orders;
DELETE FROM sr.events;
SELECT * FROM sr.agreement;
ROLLBACK TO before;
SELECT * FROM sr.agreement;
ROLLBACK;
SELECT * FROM sr.agreement;
-- committed, and not refreshed; then refreshed
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT i, now(), 10 FROM generate_series(100, 130) AS i, generate_series(1, 4);
SELECT * FROM sr.agreement;
CALL personalize.refresh('sr.activity');
SELECT * FROM sr.agreement;

SET client_min_messages = notice;
-- One expression sees each change of its transaction, also what an exception takes back.
DO $$
DECLARE
	seen boolean[];
BEGIN
	FOR i IN 1 .. 3 LOOP
		seen := seen || personalize.in_segment('sr.nobody', 1) || personalize.in_segment('sr.vips', 196);
		BEGIN
			INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT 196, now(), 10 FROM generate_series(1, 10);
			seen := seen || personalize.in_segment('sr.vips', 196);
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
			seen := seen || personalize.in_segment('sr.vips', 196);
		END;
	END LOOP;
	RAISE NOTICE '%', seen;
END $$;
SET client_min_messages = warning;

-- ---------------------------------------------------------------- time
-- customer 199 has never bought; 30 days from the purchase are over in a moment, wherever this statement finds it
CREATE TABLE sr.flip AS SELECT clock_timestamp() + interval '2 seconds' AS at;
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT 199, at - interval '720 hours', 5 FROM sr.flip;
CALL personalize.refresh('sr.activity');
CREATE VIEW sr.exact AS SELECT personalize.in_segment('sr.lapsing', 199) = (statement_timestamp() >= at) AS in_segment,
	EXISTS (SELECT FROM sr.lapsing() AS l WHERE l.customer_id = 199) = (statement_timestamp() >= at) AS in_function FROM sr.flip;
SELECT * FROM sr.exact;
SELECT pg_sleep(0.7);
SELECT * FROM sr.exact;
SELECT pg_sleep(0.7);
SELECT * FROM sr.exact;
SELECT pg_sleep(0.7);
SELECT personalize.in_segment('sr.lapsing', 199) AS at_last, e.* FROM sr.exact AS e;
SELECT * FROM sr.agreement;
CALL personalize.refresh('sr.activity');
SELECT since = at AS since_then FROM sr.lapsing, sr.flip WHERE customer_id = 199;

-- A cursor has one snapshot and one instant.
BEGIN;
DECLARE members CURSOR FOR SELECT count(*) FILTER (WHERE personalize.in_segment('sr.vips', c.customer_id)) OVER (), personalize.in_segment('sr.vips', c.customer_id) AS is, c.customer_id FROM sr.customers AS c WHERE c.customer_id IN (198, 200) ORDER BY 3;
DECLARE later CURSOR FOR SELECT personalize.in_segment('sr.vips', c) AS is, c FROM unnest('{198,200}'::integer[]) AS c;
FETCH 1 FROM members;
FETCH 1 FROM later;
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT c, now(), 10 FROM generate_series(198, 200) AS c, generate_series(1, 4);
FETCH ALL FROM members;
FETCH ALL FROM later;
SELECT personalize.in_segment('sr.vips', 200) AS now;
ROLLBACK;

-- ---------------------------------------------------------------- arguments
SELECT personalize.in_segment('sr.vips', NULL::integer) AS null_key, personalize.in_segment(NULL, 7) AS null_segment,
	   personalize.in_segment('sr.vips', 100) AS integer, personalize.in_segment('sr.vips', 100::smallint) AS smallint, personalize.in_segment('sr.vips', 100::bigint) AS bigint,
	   personalize.in_segment('sr.vips', '100') AS literal, personalize.in_segment('sr.vips', 10000000100) AS too_large, personalize.in_segment('sr.vips', -1) AS unknown;
SELECT personalize.in_segment('sr.vips', 'x');
SELECT personalize.in_segment('sr.vips', '100'::text);
SELECT personalize.in_segment('sr.vips', 1.5);
SELECT personalize.in_segment('sr.customers', 1);
SELECT personalize.in_segment('sr.activity', 1);
SELECT personalize.in_segment('sr.nothing', 1);
SELECT * FROM personalize.segment('sr.vips', NULL::uuid);
SELECT * FROM personalize.segment(NULL);
SELECT count(*) AS as_smallint, bool_and(pg_typeof(s) = 'smallint'::regtype) FROM personalize.segment('sr.vips', NULL::smallint) AS s;
CREATE DOMAIN sr.customer_key AS integer CHECK (VALUE > 0);
SELECT count(*) > 0 AS as_domain, bool_and(pg_typeof(s) = 'sr.customer_key'::regtype) FROM personalize.segment('sr.vips', NULL::sr.customer_key) AS s;
SELECT personalize.segment_stands(-1, 7);
SELECT * FROM personalize.segment_entered(NULL, 7);
PREPARE one(regclass, integer) AS SELECT personalize.in_segment($1, $2);
EXECUTE one('sr.vips', 100);
EXECUTE one('sr.nobody', 100);
DEALLOCATE one;
-- segments from a column
SELECT s, count(*) FILTER (WHERE personalize.in_segment(s, c.customer_id)) = count(*) FILTER (WHERE c.customer_id IN (SELECT personalize.segment(s))) AS same
  FROM unnest('{sr.vips,sr.british,sr.nobody}'::regclass[]) AS s, sr.customers AS c GROUP BY s ORDER BY s::text COLLATE "C";

-- ---------------------------------------------------------------- plans
ANALYZE sr.customers;
ANALYZE sr.vips;
CREATE FUNCTION sr.plan(query text, OUT node text, OUT kind text, OUT estimate_is_right boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, TIMING off, SUMMARY off, COSTS on, FORMAT json) ' || query INTO plan;
	RETURN QUERY
		WITH RECURSIVE n(p) AS (SELECT plan->0->'Plan' UNION ALL SELECT c FROM n, json_array_elements(n.p->'Plans') AS c)
		SELECT CASE WHEN p->>'Node Type' LIKE '%Join' OR p->>'Node Type' = 'Nested Loop' THEN 'join' ELSE p->>'Node Type' END, regexp_replace(p->>'Join Type', 'Right (Semi|Anti)', '\1'),
			   abs((p->>'Plan Rows')::float8 - (p->>'Actual Rows')::float8) <= 0.05 * (p->>'Actual Rows')::float8 + 2
		  FROM n WHERE p->>'Node Type' IN ('Hash Join', 'Merge Join', 'Nested Loop', 'Append', 'Function Scan') OR p->>'Filter' LIKE '%in_segment%';
END $$;
SET max_parallel_workers_per_gather = 0;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT * FROM sr.plan('SELECT * FROM sr.customers WHERE customer_id IN (SELECT customer_id FROM sr.vips())');
SELECT * FROM sr.plan('SELECT * FROM sr.customers AS c WHERE EXISTS (SELECT FROM sr.vips() AS v WHERE v.customer_id = c.customer_id)');
SELECT * FROM sr.plan('SELECT * FROM sr.customers AS c WHERE NOT EXISTS (SELECT FROM sr.vips() AS v WHERE v.customer_id = c.customer_id)');
SELECT * FROM sr.plan('SELECT * FROM sr.customers AS c JOIN sr.vips() AS v USING (customer_id)');
SELECT * FROM sr.plan('SELECT * FROM sr.customers WHERE customer_id IN (SELECT s FROM personalize.segment(''sr.vips'') AS s)');
SELECT * FROM sr.plan('SELECT * FROM sr.customers WHERE personalize.in_segment(''sr.vips'', customer_id)');
SELECT * FROM sr.plan('SELECT * FROM sr.customers WHERE NOT personalize.in_segment(''sr.vips'', customer_id)');
RESET enable_nestloop;
RESET enable_mergejoin;
RESET max_parallel_workers_per_gather;

-- ---------------------------------------------------------------- sets, overlap, explanations
SELECT personalize.cardinality(personalize.segment_set('sr.vips') OPERATOR(personalize.-) personalize.segment_set('sr.british')) =
	   (SELECT count(*) FROM sr.customers WHERE personalize.in_segment('sr.vips', customer_id) AND NOT personalize.in_segment('sr.british', customer_id)) AS and_not;
SELECT a, b, customers_a = (SELECT count(*) FROM personalize.segment(a)) AS a_counts, customers = (SELECT count(*) FROM personalize.segment(a) AS s WHERE personalize.in_segment(b, s)) AS shared,
	   abs(jaccard - customers::float8 / nullif(customers_a + customers_b - customers, 0)) < 1e-12 AS jaccard_holds, abs(lift - customers * 200.0 / nullif(customers_a * customers_b, 0)) < 1e-9 AS lift_holds
  FROM personalize.segment_overlap('{sr.vips,sr.british,sr.nobody}');
SELECT * FROM personalize.segment_overlap('{}');
SELECT * FROM personalize.segment_overlap('{sr.vips}');
SELECT * FROM personalize.segment_overlap('{sr.vips,NULL}');
SELECT * FROM personalize.segment_overlap('{sr.vips,sr.customers}');
SELECT place, depth, condition, value, evidence FROM personalize.segment_explain('sr.british', 5);
SELECT place, depth, condition, value, evidence FROM personalize.segment_explain('sr.target', 5);
SELECT place, depth, condition, value, evidence FROM personalize.segment_explain('sr.carts', 196);
SELECT * FROM personalize.segment_explain('sr.carts', 5000);
SELECT bool_and(value = personalize.in_segment('sr.viewers', c.customer_id)) AS explains_all FROM sr.customers AS c, personalize.segment_explain('sr.viewers', c.customer_id) WHERE place = 1;
BEGIN;
INSERT INTO sr.events SELECT 196, 'view', '2026-01-01 UTC';
SELECT place, condition, value, evidence FROM personalize.segment_explain('sr.viewers', 196);
ROLLBACK;

-- ---------------------------------------------------------------- preview
SELECT * FROM personalize.segment_preview('attr(country) = GB', 'sr.customers');
SELECT members = (SELECT count(*) FROM personalize.segment('sr.target')) AS members, lower = members AND upper = members AS certain, total, exact FROM personalize.segment_preview('in(sr.target)', activity => 'sr.activity');
SELECT members = (SELECT count(*) FROM personalize.segment('sr.vips')) AS members FROM personalize.segment_preview('{"in": "sr.vips"}'::jsonb::personalize.rule, 'sr.customers');
SELECT abs(members - 100) < 60 AS near, lower < members AND members < upper AS within, lower > 20 AND upper < 180 AS tells, total, exact FROM personalize.segment_preview('attr(country) in (IN, GB)', 'sr.customers', sample => 0.5);
SELECT members, lower, upper < 60 AS few, total, exact FROM personalize.segment_preview('did(cart) and not did(cart)', 'sr.customers', sample => 0.5);
SELECT * FROM personalize.segment_preview('did(cart)', 'sr.customers', sample => 0);
SELECT * FROM personalize.segment_preview('did(cart)', 'sr.customers', sample => 'NaN');
SELECT * FROM personalize.segment_preview(NULL::text, 'sr.customers');
SELECT * FROM personalize.segment_preview('did(cart)');
SELECT * FROM personalize.segment_preview('attr(shoe_size) = 43', 'sr.customers');
SELECT * FROM personalize.segment_preview('in(sr.unknown)', 'sr.customers');

-- ---------------------------------------------------------------- rights
CREATE TABLE sr.keys AS SELECT customer_id FROM sr.customers;
GRANT SELECT ON sr.keys TO regress_personalize_reader;
SET ROLE regress_personalize_reader;
SELECT personalize.in_segment('sr.vips', 1);
SELECT * FROM personalize.segment('sr.vips');
SELECT * FROM sr.vips();
SELECT personalize.segment_set('sr.vips');
SELECT * FROM personalize.segment_overlap('{sr.vips}');
SELECT * FROM personalize.segment_explain('sr.vips', 1);
SELECT * FROM personalize.segment_preview('did(cart)', 'sr.customers');
RESET ROLE;
GRANT SELECT ON sr.vips, sr.target TO regress_personalize_reader;
-- the reader sees no order, and sees all the same who has become a member by one; target names segments that the reader may not read
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT 198, now(), 10 FROM generate_series(1, 4);
SET ROLE regress_personalize_reader;
SELECT personalize.in_segment('sr.vips', 198), EXISTS (SELECT FROM sr.vips() AS v WHERE v.customer_id = 198) AS in_function, 198 IN (SELECT personalize.segment('sr.vips')) AS in_set,
	   personalize.in_segment('sr.target', 198) AS target;
SELECT count(*) > 0 AS explained FROM personalize.segment_explain('sr.target', 198);
SELECT personalize.in_segment('sr.british', 198);
RESET ROLE;
ALTER TABLE sr.vips ENABLE ROW LEVEL SECURITY;
SET ROLE regress_personalize_reader;
SELECT personalize.in_segment('sr.vips', 1);
SELECT * FROM sr.vips();
RESET ROLE;
ALTER TABLE sr.vips DISABLE ROW LEVEL SECURITY;
CALL personalize.refresh('sr.activity');

-- ---------------------------------------------------------------- when everything may have changed, nothing was built, or it is gone
SET max_parallel_workers_per_gather = 0;
BEGIN;
TRUNCATE sr.events;
INSERT INTO sr.orders (customer_id, ordered_at, total) SELECT 197, now(), 10 FROM generate_series(1, 4);
SELECT personalize.in_segment('sr.vips', 197) AS keys_count_still, personalize.in_segment('sr.vips', 196) AS other;
ROLLBACK;
RESET max_parallel_workers_per_gather;
SELECT personalize.create_segment('sr.unbuilt', 'sr.customers', 'customer_id', 'did(cart)', build => false);
SELECT personalize.in_segment('sr.unbuilt', 1);
SELECT * FROM sr.unbuilt();
SELECT personalize.drop_segment('sr.unbuilt');
SELECT personalize.in_segment('sr.unbuilt', 1);
-- in memory that holds nothing
SET work_mem = '64kB';
SELECT * FROM sr.agreement;
RESET work_mem;

-- ---------------------------------------------------------------- as a query over the shop's own tables
SELECT personalize.segment_sql('sr.vips');
SELECT personalize.segment_sql('sr.customers');
SET ROLE regress_personalize_reader;
SELECT personalize.segment_sql('sr.vips') IS NOT NULL;
RESET ROLE;

DROP SCHEMA sr CASCADE;
DROP ROLE regress_personalize_reader;
