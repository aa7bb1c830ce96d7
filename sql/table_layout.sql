-- Tables of ours that their owner has changed: an error that says so, no crash, and no change is lost.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA layout;
CREATE TABLE layout.lines (o bigint, p bigint);
CREATE INDEX ON layout.lines (o);
INSERT INTO layout.lines SELECT g / 4, g * 7 % 23 FROM generate_series(1, 200) AS g;
SELECT personalize.create_history('layout.h', 'layout.lines', 'o', 'p');
SELECT personalize.create_cooccurrence('layout.m', 'layout.h', neighbors => 4);
\set try 'INSERT INTO layout.lines VALUES (1, 99); CALL personalize.refresh(''layout.h''); SELECT count(*) FROM personalize.verify(''layout.m''); SELECT count(*) > 0 AS neighbors FROM personalize.neighbors(''layout.m'', 1::bigint, 3, ''cosine''); SELECT personalize.pair_count(''layout.m'', 1, 2) >= 0 AS pair_count;'

-- the log: writers go on, and the next refresh knows that it has missed something
ALTER TABLE layout.h_log ALTER basket TYPE text;
INSERT INTO layout.lines VALUES (7, 1), (8, 2);
SELECT * FROM layout.h_log;
:try
ALTER TABLE layout.h_log ALTER basket TYPE bigint USING NULL;
:try

-- the history
ALTER TABLE layout.h ALTER items DROP NOT NULL;
:try
ALTER TABLE layout.h ALTER items SET NOT NULL;
ALTER TABLE layout.h ALTER basket TYPE text;
:try
ALTER TABLE layout.h ALTER basket TYPE bigint USING basket::bigint;
:try
BEGIN;
ALTER TABLE layout.h ALTER items TYPE integer USING 1;
CALL personalize.refresh('layout.h');
ROLLBACK;

-- the model
ALTER TABLE layout.m ALTER item TYPE text;
:try
ALTER TABLE layout.m ALTER item TYPE bigint USING item::bigint;
ALTER TABLE layout.m_pairs ALTER item TYPE text;
:try
ALTER TABLE layout.m_pairs ALTER item TYPE integer USING item::integer;
ALTER TABLE layout.m_pairs DROP CONSTRAINT m_pairs_pkey, ADD PRIMARY KEY (generation, item);
:try
ALTER TABLE layout.m_pairs DROP CONSTRAINT m_pairs_pkey, ADD PRIMARY KEY (item, generation);
UPDATE layout.m_pairs SET item = -1 WHERE item = 1;
:try
CALL personalize.refresh('layout.h', rebuild => true);
UPDATE layout.m_pairs SET item = 2000000000 WHERE item = 1;
:try
CALL personalize.refresh('layout.h', rebuild => true);
:try

-- the catalog
ALTER TABLE layout.h_items ALTER item TYPE text;
:try
ALTER TABLE layout.h_items ALTER item TYPE bigint USING item::bigint;
:try

-- Whose tables they are: an owner of the model must not lend himself the rights of the history's.
CREATE ROLE regress_layout;
GRANT USAGE, CREATE ON SCHEMA layout TO regress_layout;
ALTER TABLE layout.m OWNER TO regress_layout;
ALTER TABLE layout.lines OWNER TO regress_layout;
CALL personalize.refresh('layout.h');
SELECT personalize.alter_model('layout.m', neighbors => 3);
ALTER TABLE layout.m OWNER TO CURRENT_USER;
:try
SELECT personalize.drop_history('layout.h', cascade => true);

-- A writer needs no right to the registry, nor to what a watch expression looks up.
CREATE TABLE layout.orders (id bigint PRIMARY KEY, customer bigint);
CREATE VIEW layout.bought AS SELECT o.customer, l.p FROM layout.orders AS o JOIN layout.lines AS l ON l.o = o.id;
INSERT INTO layout.orders SELECT g, g % 5 FROM generate_series(0, 50) AS g;
SELECT personalize.create_history('layout.h', 'layout.bought', 'customer', 'p',
	watch => '{"layout.orders": "customer", "layout.lines": "(SELECT o.customer FROM layout.orders AS o WHERE o.id = lines.o FOR SHARE)"}');
CREATE ROLE regress_layout_writer;
GRANT USAGE ON SCHEMA layout TO regress_layout_writer;
GRANT INSERT ON layout.lines TO regress_layout_writer;
REVOKE USAGE ON SCHEMA personalize FROM PUBLIC;
REVOKE SELECT ON personalize.history, personalize.watch FROM PUBLIC;
SET ROLE regress_layout_writer;
INSERT INTO layout.lines VALUES (7, 1);
RESET ROLE;
GRANT USAGE ON SCHEMA personalize TO PUBLIC;
GRANT SELECT ON personalize.history, personalize.watch TO PUBLIC;
SELECT * FROM layout.h_log;
SELECT personalize.drop_history('layout.h', cascade => true);

-- A partition that came in unseen: nothing is trusted until it is watched.
CREATE TABLE layout.parted (o bigint, p bigint) PARTITION BY LIST (o);
CREATE INDEX ON layout.parted (o);
CREATE TABLE layout.part1 PARTITION OF layout.parted FOR VALUES IN (1, 2);
INSERT INTO layout.parted VALUES (1, 1), (1, 2), (2, 1), (2, 2);
SELECT personalize.create_history('layout.h', 'layout.parted', 'o', 'p');
SELECT personalize.create_cooccurrence('layout.m', 'layout.h');
CREATE SCHEMA layout2 CREATE TABLE part2 PARTITION OF layout.parted FOR VALUES IN (3);
INSERT INTO layout2.part2 VALUES (3, 1), (3, 2);
SELECT problem FROM personalize.status WHERE relation = 'layout.h'::regclass;
\set VERBOSITY default
CALL personalize.refresh('layout.h');
SELECT * FROM personalize.verify('layout.m');
SELECT personalize.pair_count('layout.m', 1, 2);
SELECT personalize.drop_history('layout.h', cascade => true);
DROP SCHEMA layout2 CASCADE;
DROP SCHEMA layout CASCADE;
DROP OWNED BY regress_layout, regress_layout_writer;
DROP ROLE regress_layout, regress_layout_writer;
