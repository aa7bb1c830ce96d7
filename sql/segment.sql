-- Segments: members of a rule, kept exact, and told of when they come and go.
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET client_min_messages = warning;
SET search_path = personalize, pg_catalog;
\pset null NULL

CREATE SCHEMA shop;
CREATE TABLE shop.customers (customer_id int PRIMARY KEY, country text, joined timestamptz, profile jsonb);
CREATE TABLE shop.orders (order_id bigserial PRIMARY KEY, customer_id int, ordered_at timestamptz, total numeric);
CREATE TABLE shop.clicks (customer_id int, kind text, at timestamptz);
CREATE INDEX ON shop.orders (customer_id);
CREATE INDEX ON shop.clicks (customer_id);
INSERT INTO shop.customers SELECT c, (ARRAY['IN', 'GB', 'US'])[1 + c % 3], now() - c * interval '10 days', jsonb_build_object('newsletter', c % 2 = 0) FROM generate_series(1, 12) AS c;
-- customer c has c orders, one a day up to yesterday
INSERT INTO shop.orders (customer_id, ordered_at, total) SELECT c, now() - d * interval '1 day', 10 * d FROM generate_series(1, 12) AS c, generate_series(1, c) AS d;
SELECT create_activity('shop.activity', customers => 'shop.customers', key => 'customer_id', events => '{"purchase": {"table": "shop.orders", "customer": "customer_id", "at": "ordered_at", "amount": "total"},
	"*": {"table": "shop.clicks", "customer": "customer_id", "at": "at", "event": "kind"}}') \g /dev/null

-- ---------------------------------------------------------------- making

SELECT create_segment('shop.regulars', customers => 'shop.customers', key => 'customer_id', rule => 'count(purchase, 30 days) >= 10');
SELECT create_segment('shop.quiet', NULL, NULL, 'not did(view, 1 day)'::rule, activity => 'shop.activity');
SELECT create_segment('shop.indians', 'shop.customers', 'customer_id', 'attr(country) in (IN) and did(purchase, 3650 days)');
SELECT create_segment('shop.later', 'shop.customers', 'customer_id', 'did(purchase, 7 days)', build => false);
SELECT segment, activity, rule, version, members, customers, events, refreshed IS NOT NULL AS refreshed, problem FROM segments ORDER BY segment::text;
SELECT customer_id, stable_until - (SELECT ordered_at FROM shop.orders AS o WHERE o.customer_id = r.customer_id ORDER BY ordered_at DESC OFFSET 9 LIMIT 1) AS after FROM shop.regulars AS r ORDER BY 1;
SELECT customer, change, cause, version, at = (SELECT min(refreshed) FROM segments WHERE segment = 'shop.regulars'::regclass) OR at < now() AS at, recorded <= now() AS recorded FROM shop.regulars_changes ORDER BY 1;
SELECT count(*), min(stable_until) = 'infinity' AS never FROM shop.quiet;
SELECT chunk, members FROM shop.regulars_set;
SELECT relation, kind, source, built, problem, items, definition FROM status WHERE kind = 'segment' ORDER BY relation::text;
CALL refresh('shop.later');
SELECT count(*) FROM shop.later;
SELECT n, v.* FROM unnest(ARRAY['shop.regulars', 'shop.quiet', 'shop.indians', 'shop.later']) AS n, verify(n::regclass) AS v;
SELECT proname, regexp_replace(prosrc, '\(\d+', '(id', 'g') AS body FROM pg_proc WHERE pronamespace = 'shop'::regnamespace ORDER BY 1;

-- ---------------------------------------------------------------- what cannot be made

\pset format unaligned
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT r, pg_temp.try(format('SELECT create_segment(%L, %L, %L, %L)', 'shop.no', 'shop.customers', 'customer_id', r))
  FROM unnest(ARRAY['', 'did(', 'attr(city) = x', 'attr(profile.city.name) = x and attr(nothing.at.all) = y', 'in(shop.nobody)', 'in(shop.orders)', 'in(shop.no)', 'consent(email)', 'score(churn) > 0.5', 'rfm(r 5)', NULL]) WITH ORDINALITY AS s(r, n) ORDER BY n;
SELECT pg_temp.try('SELECT create_segment(NULL, ''shop.customers'', ''customer_id'', ''true'')');
SELECT pg_temp.try('SELECT create_segment(''shop.no'', NULL, NULL, ''true'')');
SELECT pg_temp.try('SELECT create_segment(''shop.no'', ''shop.orders'', ''customer_id'', ''true'')');
SELECT pg_temp.try('SELECT create_segment(''shop.no'', ''shop.customers'', ''country'', ''true'')');
SELECT pg_temp.try('SELECT create_segment(''shop.no'', ''shop.orders'', NULL, ''true'', ''shop.activity'')');
SELECT pg_temp.try('SELECT create_segment(''shop.no'', NULL, NULL, ''true'', ''shop.orders'')');
SELECT pg_temp.try('SELECT create_segment(''shop.regulars'', ''shop.customers'', ''customer_id'', ''true'')');
SELECT pg_temp.try('SELECT create_segment(''pg_temp.no'', ''shop.customers'', ''customer_id'', ''true'')');
SELECT pg_temp.try('SELECT alter_segment(''shop.orders'', ''true'')'), pg_temp.try('SELECT alter_segment(NULL, ''true'')'), pg_temp.try('SELECT alter_segment(''shop.quiet'', NULL::text)');
SELECT pg_temp.try('SELECT drop_segment(''shop.orders'')'), pg_temp.try('SELECT verify(''shop.orders'')');
SELECT to_regclass('shop.no'), to_regclass('shop.no_set'), count(*) FROM personalize.segment;
\pset format aligned

-- ---------------------------------------------------------------- events, to the microsecond

-- times to come: who comes and goes does so then, whenever it is looked at
CREATE TABLE shop.told (n serial, segment text, customer int, change text, at timestamptz, cause text, version int);
CREATE FUNCTION shop.news(segment text) RETURNS TABLE (customer int, change text, at timestamptz, cause text, version int) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT customer, change, at, cause, version FROM %1$s_changes AS c WHERE NOT EXISTS (SELECT FROM shop.told AS t WHERE t.segment = %1$L AND (t.customer, t.change, t.at) = (c.customer, c.change, c.at))', segment);
	EXECUTE format('INSERT INTO shop.told (segment, customer, change, at, cause, version) SELECT %1$L, customer, change, at, cause, version FROM %1$s_changes AS c WHERE NOT EXISTS (SELECT FROM shop.told AS t WHERE t.segment = %1$L AND (t.customer, t.change, t.at) = (c.customer, c.change, c.at))', segment);
END $$;
SELECT create_segment('shop.now', 'shop.customers', 'customer_id', 'did(view, 1 second)') \g /dev/null
SELECT create_segment('shop.twice', 'shop.customers', 'customer_id', 'count(view, 1 second) >= 2') \g /dev/null
SELECT create_segment('shop.gone', 'shop.customers', 'customer_id', 'did_not_after(view, buy, 1 second)') \g /dev/null
SELECT create_segment('shop.chain', 'shop.customers', 'customer_id', 'in(shop.now) and not in(shop.twice)') \g /dev/null
SELECT n, (SELECT count(*) FROM shop.news('shop.' || n)) FROM unnest(ARRAY['quiet', 'regulars', 'indians', 'later']) AS n;
SELECT clock_timestamp() + interval '0.4 s' AS t0 \gset
-- equal times, out of order, and one in the past
INSERT INTO shop.clicks VALUES (1, 'view', :'t0'), (2, 'view', :'t0'::timestamptz + interval '0.3 s'), (2, 'view', :'t0'), (3, 'view', :'t0'), (3, 'view', :'t0'), (4, 'view', :'t0'), (4, 'buy', :'t0'::timestamptz + interval '0.2 s'), (5, 'view', now() - interval '1 hour');
CALL refresh('shop.activity');
DO $$ BEGIN PERFORM pg_sleep(greatest(0, extract(epoch FROM (SELECT min(at) FROM shop.clicks WHERE customer_id = 1) + interval '1.6 s' - clock_timestamp()))); END $$;
CALL refresh('shop.activity');
SELECT 'now' AS segment, customer, change, at - :'t0' AS at, cause FROM shop.news('shop.now')
UNION ALL SELECT 'twice', customer, change, at - :'t0', cause FROM shop.news('shop.twice')
UNION ALL SELECT 'gone', customer, change, at - :'t0', cause FROM shop.news('shop.gone') WHERE customer <> 5
UNION ALL SELECT 'chain', customer, change, at - :'t0', cause FROM shop.news('shop.chain') ORDER BY 1, 2, 4;
SELECT customer, change, cause, at < :'t0' AS correction FROM shop.told WHERE segment = 'shop.gone' AND customer = 5;
SELECT customer, change, cause FROM shop.news('shop.quiet') ORDER BY 1;
SELECT n, v.* FROM unnest(ARRAY['shop.now', 'shop.twice', 'shop.gone', 'shop.chain', 'shop.quiet']) AS n, verify(n::regclass) AS v;

-- events that go, change, and come late: as of the last refresh, and nothing is written where nothing changes
SELECT refreshed AS before FROM segments WHERE segment = 'shop.regulars'::regclass \gset
CREATE VIEW shop.places AS SELECT 'regulars' AS t, ctid::text AS place, xmin::text AS writer FROM shop.regulars UNION ALL SELECT 'indians', ctid::text, xmin::text FROM shop.indians UNION ALL SELECT 'regulars_set', ctid::text, xmin::text FROM shop.regulars_set;
CREATE TEMP TABLE places AS SELECT * FROM shop.places;
CALL refresh('shop.activity');
SELECT * FROM shop.places EXCEPT SELECT * FROM places;
DROP VIEW shop.places;
SELECT refreshed AS before FROM segments WHERE segment = 'shop.regulars'::regclass \gset
DELETE FROM shop.orders WHERE customer_id = 10 AND total = 10;
UPDATE shop.orders SET ordered_at = ordered_at - interval '300 days' WHERE customer_id = 11 AND total <= 20;
INSERT INTO shop.orders (customer_id, ordered_at) SELECT 9, now() - interval '29 days';
INSERT INTO shop.orders (customer_id, ordered_at) SELECT 99, now() FROM generate_series(1, 10);
UPDATE shop.orders SET customer_id = 8 WHERE customer_id = 7;
CALL refresh('shop.activity');
SELECT customer, change, at = :'before' AS as_of_last, cause FROM shop.news('shop.regulars') ORDER BY 1;
SELECT customer, change, at = :'before' AS as_of_last, cause FROM shop.news('shop.later') ORDER BY 1;

-- ---------------------------------------------------------------- customers

SELECT refreshed AS before FROM segments WHERE segment = 'shop.indians'::regclass \gset
UPDATE shop.customers SET country = 'IN' WHERE customer_id IN (1, 2);
UPDATE shop.customers SET country = NULL WHERE customer_id = 3;
UPDATE shop.customers SET profile = '{}' WHERE customer_id = 6;
DELETE FROM shop.customers WHERE customer_id = 9;
INSERT INTO shop.customers VALUES (13, 'IN'), (99, 'IN');
SELECT n, v.* FROM unnest(ARRAY['shop.regulars', 'shop.quiet', 'shop.indians', 'shop.later', 'shop.chain']) AS n, verify(n::regclass) AS v;
CALL refresh('shop.activity');
SELECT customer, change, at > :'before' AS now, cause FROM shop.news('shop.indians') ORDER BY 1;
SELECT customer, change, at > :'before' AS now, cause FROM shop.news('shop.quiet') ORDER BY 1;
SELECT customer, change, cause FROM shop.news('shop.regulars') ORDER BY 1;
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.indians;
SELECT n, v.* FROM unnest(ARRAY['shop.regulars', 'shop.quiet', 'shop.indians', 'shop.later', 'shop.chain']) AS n, verify(n::regclass) AS v;
SELECT segment, members, customers FROM segments ORDER BY segment::text;

-- paths into jsonb, and times in columns
SELECT create_segment('shop.readers', 'shop.customers', 'customer_id', 'attr(profile.newsletter) = true') \g /dev/null
SELECT create_segment('shop.fresh', 'shop.customers', 'customer_id', 'attr(joined) younger than 35 days') \g /dev/null
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.readers;
SELECT f.customer_id, f.stable_until - c.joined AS after FROM shop.fresh AS f JOIN shop.customers AS c USING (customer_id) ORDER BY 1;

-- ---------------------------------------------------------------- another rule

SELECT alter_segment('shop.now', 'did(purchase, 2 days) and attr(country) is null');
SELECT segment, rule, version, members FROM segments WHERE segment IN ('shop.now'::regclass, 'shop.chain'::regclass) ORDER BY 1;
SELECT customer, change, cause, version FROM shop.news('shop.now') UNION ALL SELECT customer, change, cause, version FROM shop.news('shop.chain') ORDER BY 1, 4;
\pset format unaligned
SELECT pg_temp.try('SELECT alter_segment(''shop.twice'', ''in(shop.chain)'')');
SELECT pg_temp.try('SELECT alter_segment(''shop.now'', ''in(shop.now)'')');
SELECT pg_temp.try('SELECT alter_segment(''shop.now'', ''attr(city) = x'')');
SELECT pg_temp.try('SELECT drop_segment(''shop.now'')'), pg_temp.try('DROP TABLE shop.now'), pg_temp.try('DROP TABLE shop.now_set');
\pset format aligned
SELECT segment, rule, version FROM segments WHERE segment = 'shop.now'::regclass;

-- ---------------------------------------------------------------- names

ALTER TABLE shop.customers RENAME COLUMN country TO land;
CREATE SCHEMA other;
ALTER TABLE shop.now RENAME TO today;
ALTER TABLE shop.today SET SCHEMA other;
ALTER TABLE other.today RENAME COLUMN customer_id TO who;
SELECT segment, rule, problem FROM segments WHERE segment IN ('shop.indians'::regclass, 'other.today'::regclass, 'shop.chain'::regclass) ORDER BY segment::text;
SELECT pronamespace::regnamespace, proname, regexp_replace(prosrc, '\(\d+', '(id', 'g') AS body FROM pg_proc WHERE prosrc LIKE '%today%';
UPDATE shop.customers SET land = 'US' WHERE customer_id = 1;
CALL refresh('shop.indians');
SELECT customer, change, cause FROM shop.news('shop.indians');
SELECT n, v.* FROM unnest(ARRAY['shop.indians', 'other.today', 'shop.chain']) AS n, verify(n::regclass) AS v;

-- ---------------------------------------------------------------- what others do to the tables

DELETE FROM shop.regulars WHERE customer_id = 12;
INSERT INTO shop.regulars VALUES (5, now(), 'infinity');
UPDATE shop.indians SET stable_until = now() + interval '300 years' WHERE customer_id = 2;
UPDATE shop.later_set SET members = '\x0000ffff';
SELECT n, what, item, stored, expected FROM unnest(ARRAY['shop.regulars', 'shop.indians', 'shop.later']) AS n, verify(n::regclass) AS v WHERE what <> 'stable_until' ORDER BY 1, 2, 3;
CALL refresh('shop.regulars', rebuild => true);
SELECT customer, change, cause FROM shop.news('shop.regulars') ORDER BY 1;
SELECT n, v.* FROM unnest(ARRAY['shop.regulars', 'shop.indians', 'shop.later', 'shop.chain']) AS n, verify(n::regclass) AS v;
ALTER TABLE shop.readers DROP COLUMN since;
ALTER TABLE shop.customers DROP COLUMN joined;
SET client_min_messages = error;
CALL refresh('shop.activity');
SET client_min_messages = warning;
\pset format unaligned
SELECT segment, problem FROM segments WHERE problem IS NOT NULL ORDER BY segment::text;
SELECT pg_temp.try('SELECT verify(''shop.fresh'')');
\pset format aligned
SELECT drop_segment('shop.readers'), alter_segment('shop.fresh', 'did(purchase, 3 days)');
SELECT segment, problem, version, members FROM segments WHERE problem IS NOT NULL OR segment = 'shop.fresh'::regclass;
SELECT n, v.* FROM unnest(ARRAY['shop.fresh', 'shop.chain']) AS n, verify(n::regclass) AS v;

-- ---------------------------------------------------------------- RFM and lifecycle

SELECT fit_rfm('shop.activity', levels => 3);
SELECT create_segment('shop.best', 'shop.customers', 'customer_id', 'rfm(f 3, m 2-3)') \g /dev/null
SELECT create_segment('shop.actives', 'shop.customers', 'customer_id', 'lifecycle(active)') \g /dev/null
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.best;
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.actives;
INSERT INTO shop.orders (customer_id, ordered_at, total) SELECT c, now() - interval '1 day', 1000 FROM generate_series(1, 6) AS c, generate_series(1, 30);
CALL refresh('shop.activity');
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.best;
SELECT fit_rfm('shop.activity');
SELECT array_agg(customer_id ORDER BY customer_id) FROM shop.best;
SELECT change, cause, count(*) FROM shop.best_changes GROUP BY 1, 2 ORDER BY 1, 2;
SELECT n, v.* FROM unnest(ARRAY['shop.best', 'shop.actives']) AS n, verify(n::regclass) AS v;
\pset format unaligned
SELECT pg_temp.try('SELECT fit_rfm(''shop.activity'', levels => 4)'), pg_temp.try('SELECT fit_rfm(''shop.activity'', within => ''1 month'')'), pg_temp.try('SELECT fit_rfm(''shop.activity'', event => ''nothing'')'), pg_temp.try('SELECT fit_rfm(''shop.orders'')');
\pset format aligned

-- ---------------------------------------------------------------- the end

SELECT drop_segment('shop.chain'), drop_segment('other.today');
DROP TABLE shop.twice;
SELECT count(*) FROM pg_class WHERE relname ~ '^(chain|today|now|twice)_' AND relkind = 'r';
SELECT proname FROM pg_proc WHERE pronamespace IN ('shop'::regnamespace, 'other'::regnamespace) AND proname IN ('chain', 'today', 'now', 'twice');
SET client_min_messages = error;
DROP SCHEMA shop CASCADE;
DROP SCHEMA other CASCADE;
SELECT count(*) FROM personalize.segment;
