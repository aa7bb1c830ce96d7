-- Nearest sessions: the model, its refreshes, and what widgets make of it.
\set VERBOSITY default
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA shop;
CREATE TABLE shop.click (session int, item int, at timestamptz);
CREATE INDEX ON shop.click (session);
INSERT INTO shop.click VALUES
	(1, 1, '2026-01-01 10:00'), (1, 2, '2026-01-01 10:01'), (1, 3, '2026-01-01 10:02'),
	(2, 2, '2026-01-01 11:00'), (2, 3, '2026-01-01 11:01'), (2, 4, '2026-01-01 11:02'), (2, 2, '2026-01-01 11:03'),
	(3, 1, '2026-01-01 12:00'), (3, 4, '2026-01-01 12:01'),
	(4, 5, '2026-01-01 12:00'), (4, 6, '2026-01-01 12:01'),
	(5, 6, NULL), (NULL, 6, '2026-01-01 12:01');
SELECT personalize.create_history('shop.visits', interactions => 'shop.click', basket => 'session', item => 'item', happened => 'at');
SELECT personalize.create_sessions('shop.nearest', history => 'shop.visits', recent => 2);
\d shop.nearest
SELECT * FROM shop.nearest ORDER BY item;
SELECT relation, history_id IS NOT NULL AS history, item_type, basket_type, recent, longest, built, num_sessions FROM personalize.sessions;
SELECT relation, kind, source, built, pending, problem, items, definition FROM personalize.status WHERE kind = 'sessions';
SELECT * FROM personalize.verify('shop.nearest');

-- Refreshes: a session goes on, one is new, one goes, one loses an item; equal times are ordered by key.
INSERT INTO shop.click VALUES (1, 6, '2026-01-01 12:01'), (7, 6, '2026-01-01 12:01'), (6, 6, '2026-01-01 12:01');
CALL personalize.refresh('shop.nearest', rebuild => false);
SELECT * FROM shop.nearest WHERE item IN (1, 6) ORDER BY item;
DELETE FROM shop.click WHERE session = 1 AND item = 6 OR session = 4;
CALL personalize.refresh('shop.visits', rebuild => false);
SELECT * FROM shop.nearest ORDER BY item;
SELECT * FROM personalize.verify('shop.nearest');
-- Erasure.
DELETE FROM shop.click WHERE session IN (6, 7);
SELECT personalize.erase('shop.visits', 6), personalize.erase('shop.visits', 7);
SELECT * FROM shop.nearest WHERE item = 6;
SELECT num_sessions FROM personalize.sessions;
-- A rebuild, and a model that is built by the first refresh; sessions of more items than `longest` do not count.
CALL personalize.refresh('shop.nearest', rebuild => true);
SELECT personalize.create_sessions('shop.short', history => 'shop.visits', longest => 2, build => false);
SELECT built, recent, longest FROM personalize.sessions WHERE relation = 'shop.short'::regclass;
SELECT count(*) FROM shop.short;
SELECT * FROM personalize.verify('shop.short');
CALL personalize.refresh('shop.short');
SELECT * FROM shop.short ORDER BY item;
SELECT relation, definition FROM personalize.status WHERE kind = 'sessions' ORDER BY 1;

-- What is tampered with is found, and a rebuild puts it right.
UPDATE shop.nearest SET sessions = '{2,1}', happened = '{2026-01-01 11:03, 2026-01-01 10:02}', n = 7 WHERE item = 4;
DELETE FROM shop.nearest WHERE item = 3;
INSERT INTO shop.nearest VALUES (99, 1, '{1}', '{2026-01-01}');
SELECT * FROM personalize.verify('shop.nearest') ORDER BY what, item, neighbor;
CALL personalize.refresh('shop.nearest', rebuild => true);
SELECT * FROM personalize.verify('shop.nearest');

-- Clicks on 1 and 2.  2 is one click back: 1 of similarity to session 1 and 2, 0.5 from item 1 to sessions 1 and 3; first matches weigh 0.9 and 0.8.
-- Sums: 3 has 1.5 * 0.9 + 1 * 0.9, 1 has 1.5 * 0.9 + 0.5 * 0.8, 4 has 1 * 0.9 + 0.5 * 0.8.  idf is the same for all, ln(3/2).
SELECT personalize.create_widget('shop.next', sources => '{"shop.nearest": {"recent": 100}}', k => 5) IS NOT NULL AS created;
SELECT item, rank, round((score * 2.25)::numeric, 6) AS score, source, because FROM shop.next(session => '{1,2}') WHERE score > 0;
-- Item 1 came by both clicks.
SELECT step, because, round((amount * 2.25)::numeric, 6) AS amount FROM personalize.explain_recommendation('shop.next', NULL::int, 1, session => '{1,2}'::int[]) WHERE step = 'contribution';
-- The item of the page is the last click, whether the session says so or not.
SELECT item, round((score * 2.25)::numeric, 6) AS score FROM shop.next(session => '{1,2}', item => 2) WHERE score > 0;
SELECT item, round((score * 2.25)::numeric, 6) AS score FROM shop.next(session => '{1}', item => 2) WHERE score > 0;
-- A click of long ago that is repeated counts where it was last.
SELECT item, round((score * 2.25)::numeric, 6) AS score FROM shop.next(session => '{2,1,2}') WHERE score > 0;
-- Other starting points.
SELECT item, because FROM shop.next(item => 5) WHERE score > 0;
SELECT item, because FROM shop.next(item => 4) WHERE score > 0;
SELECT item, because FROM shop.next(cart => '{1,2}') WHERE score > 0;
SELECT item, because FROM shop.next(customer => 3) WHERE score > 0;
-- Nothing known of it: no candidates, and the list goes on with the rest of the shop.
SELECT count(*) FILTER (WHERE score > 0) AS candidates, count(*) FROM shop.next(session => '{77,78}');
SELECT count(*) FILTER (WHERE score > 0) AS candidates, count(*) FROM shop.next();

-- Options.
CREATE FUNCTION shop.sums(options jsonb, session int[]) RETURNS TABLE (item int, score numeric) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM personalize.alter_widget('shop.next', sources => jsonb_build_object('shop.nearest', '{"recent": 100}' || options));
	RETURN QUERY SELECT n.item, round(n.score::numeric, 4) FROM shop.next(session => sums.session) AS n WHERE n.score > 0;
END $$;
SELECT * FROM shop.sums('{"k": 1}', '{1,2}');
SELECT * FROM shop.sums('{"last": 1}', '{1,2}');
SELECT * FROM shop.sums('{"recent": 1}', '{1,2}');
SELECT * FROM shop.sums('{"idf": 0, "decay": "same", "match": "same"}', '{1,2}');
SELECT * FROM shop.sums('{"decay": "inverse", "match": "log", "idf": 2}', '{1,2}');
SELECT * FROM shop.sums('{"decay": "quadratic", "match": "inverse"}', '{1,2}');

-- What is counted by a transaction counts in it, and is gone with it.
SELECT personalize.alter_widget('shop.next', sources => '{"shop.nearest": {"recent": 100}}') IS NOT NULL AS altered;
SELECT item, round(score::numeric, 4) AS score FROM shop.next(item => 1) WHERE score > 0;
BEGIN;
INSERT INTO shop.click VALUES (8, 1, '2026-01-02'), (8, 9, '2026-01-02'), (9, 3, '2026-01-02'), (10, 3, '2026-01-02'), (11, 3, '2026-01-02');
CALL personalize.refresh('shop.nearest', rebuild => false);
SELECT item, round(score::numeric, 4) AS score FROM shop.next(item => 1) WHERE score > 0;
ROLLBACK;
SELECT item, round(score::numeric, 4) AS score FROM shop.next(item => 1) WHERE score > 0;

-- Keys of other types.
CREATE TABLE shop.view (visit uuid, product text, at timestamptz, visitor text);
CREATE INDEX ON shop.view (visit);
CREATE INDEX ON shop.view (visitor);
INSERT INTO shop.view SELECT md5(session::text)::uuid, 'p' || item, at, 'Visitor ' || session FROM shop.click WHERE at IS NOT NULL AND session IS NOT NULL;
SELECT personalize.create_history('shop.views', interactions => 'shop.view', basket => 'visit', item => 'product', happened => 'at');
SELECT personalize.create_sessions('shop.near_views', history => 'shop.views');
SELECT personalize.create_history('shop.visitors', interactions => 'shop.view', basket => 'visitor', item => 'product', happened => 'at', catalog => 'shop.views_items');
SELECT personalize.create_sessions('shop.near_visitors', history => 'shop.visitors');
SELECT * FROM shop.near_views WHERE item = 'p2';
SELECT * FROM shop.near_visitors WHERE item = 'p2';
SELECT personalize.create_widget('shop.next_view', sources => '{"shop.near_views": 1}', histories => '{"viewed": "shop.visitors"}') IS NOT NULL AS created;
SELECT personalize.create_widget('shop.next_visitor', sources => '{"shop.near_visitors": 1}', histories => '{"viewed": "shop.visitors"}') IS NOT NULL AS created;
SELECT item, round((score * 2.25)::numeric, 6) AS score, because FROM shop.next_view(session => '{p1,p2}') WHERE score > 0;
SELECT item, round((score * 2.25)::numeric, 6) AS score, because FROM shop.next_visitor(session => '{p1,p2}') WHERE score > 0;
-- What one did himself says nothing of what others went on to.
SELECT item, round(score::numeric, 6) AS score FROM shop.next_visitor(customer => 'Visitor 1', session => '{p1,p2}') WHERE score > 0;

-- Whoever calls needs to read the model and its history.
CREATE ROLE regress_sessions_caller;
GRANT USAGE ON SCHEMA shop TO regress_sessions_caller;
SET ROLE regress_sessions_caller;
SELECT count(*) FROM shop.next(session => '{1,2}');
RESET ROLE;
GRANT SELECT ON shop.nearest TO regress_sessions_caller;
SET ROLE regress_sessions_caller;
SELECT count(*) FROM shop.next(session => '{1,2}');
RESET ROLE;
GRANT SELECT ON shop.visits TO regress_sessions_caller;
SET ROLE regress_sessions_caller;
SELECT count(*) > 0 AS answered FROM shop.next(session => '{1,2}');
SELECT personalize.create_sessions('shop.mine', 'shop.visits');
SELECT personalize.drop_model('shop.nearest');
RESET ROLE;

-- Errors.
CREATE TABLE shop.plain (session int, item int);
SELECT personalize.create_history('shop.timeless', interactions => 'shop.plain', basket => 'session', item => 'item');
SELECT personalize.create_sessions('shop.bad', 'shop.timeless');
SELECT personalize.create_sessions('shop.bad', 'shop.click');
SELECT personalize.create_sessions('shop.bad', NULL);
SELECT personalize.create_sessions(NULL, 'shop.visits');
SELECT personalize.create_sessions('shop.nearest', 'shop.visits');
SELECT personalize.create_sessions('shop.bad', 'shop.visits', recent => 0);
SELECT personalize.create_sessions('shop.bad', 'shop.visits', recent => 10001);
SELECT personalize.create_sessions('shop.bad', 'shop.visits', recent => NULL);
SELECT personalize.create_sessions('shop.bad', 'shop.visits', longest => 1);
SELECT personalize.create_sessions('shop.bad', 'shop.visits', longest => -5);
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"k": 0}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"k": 2.5}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"last": 101}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"recent": "all"}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"decay": "cubic"}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"idf": -1}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": {"neighbors": 5}}');
SELECT personalize.create_widget('shop.bad', sources => '{"shop.nearest": 1, "shop.near_views": 1}');
UPDATE shop.nearest SET happened = '{2026-01-01}' WHERE item = 2;
SELECT count(*) FROM shop.next(session => '{1,2}');
UPDATE shop.nearest SET sessions = ARRAY[1, NULL] WHERE item = 2;
SELECT count(*) FROM shop.next(session => '{1,2}');
INSERT INTO shop.click VALUES (1, 2, '2026-01-03');
CALL personalize.refresh('shop.nearest', rebuild => false);
CALL personalize.refresh('shop.nearest', rebuild => true);
SELECT count(*) FROM personalize.verify('shop.nearest');
-- A session that is gone from the history behind our back is none.
BEGIN;
DELETE FROM shop.visits WHERE basket IN (1, 2);
SELECT item FROM shop.next(session => '{1,2}') WHERE score > 0;
ROLLBACK;
BEGIN;
ALTER TABLE shop.nearest ALTER happened TYPE text[] USING happened::text[];
SELECT count(*) FROM shop.next(session => '{1,2}');
ROLLBACK;
BEGIN;
ALTER TABLE shop.nearest DROP CONSTRAINT nearest_pkey;
CALL personalize.refresh('shop.nearest');
ROLLBACK;

-- Going.
DROP TABLE shop.visits;
DROP TABLE shop.nearest;
SELECT personalize.drop_model('shop.short');
SELECT to_regclass('shop.short'), count(*) FROM personalize.sessions WHERE relation = 'shop.nearest'::regclass;
SELECT personalize.drop_widget('shop.next');
DROP TABLE shop.nearest;
SELECT relation FROM personalize.sessions ORDER BY id;
SELECT personalize.drop_widget('shop.next_visitor'), personalize.drop_widget('shop.next_view');
SELECT personalize.drop_history('shop.visitors');
SELECT personalize.drop_history('shop.visitors', cascade => true);
SELECT relation FROM personalize.sessions ORDER BY id;
DROP SCHEMA shop CASCADE;
SELECT count(*) FROM personalize.sessions;
DROP ROLE regress_sessions_caller;
