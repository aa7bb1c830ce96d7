# Who may do what: models belong to those who make them, and neither definitions nor logs let anybody act as somebody else.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('roles');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sub fails
{
	my ($role, $statement, $error, $name) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', "SET ROLE $role;\n$statement");
	isnt($status, 0, "$name: refused");
	like($stderr, $error, "$name: says why");
}

sql('CREATE EXTENSION personalize; CREATE ROLE owner; CREATE ROLE reader; CREATE ROLE thief; CREATE ROLE colleague IN ROLE owner; CREATE ROLE shopkeeper;'
	. 'GRANT CREATE ON DATABASE postgres TO owner, thief');
create_shop($node, 'postgres', 200);
sql('ALTER SCHEMA shop OWNER TO owner; ALTER TABLE shop.order_lines OWNER TO owner; ALTER TABLE shop.views OWNER TO owner; ALTER TABLE shop.views_0 OWNER TO owner; ALTER TABLE shop.views_1 OWNER TO owner');

# ---------------------------------------------------------------- an ordinary role, on its own tables

create_models($node, 'postgres', 'owner');
is(not_exact($node, 'postgres', 1), '', 'an ordinary role makes models');
sql('SET ROLE owner;' . buys(1, 20));
sql('SET ROLE owner; CALL personalize.refresh()');
is(not_exact($node, 'postgres', 1), '', 'and refreshes them');
sql(q{SET ROLE owner; SELECT personalize.alter_model('shop.damped', measure => 'jaccard'); DELETE FROM shop.order_lines WHERE order_id = 7});
like(sql(q{SET ROLE owner; SELECT personalize.erase('shop.orders_h', 7::bigint)}), qr/^[1-9]\d*$/, 'and erases a basket');
is(sql('SELECT count(*) FROM shop.orders_h WHERE basket = 7'), '0', 'which is gone');
is(not_exact($node, 'postgres', 1), '', 'and exact');
sql(q{SET ROLE owner; SELECT * FROM personalize.verify('shop.damped')});
is( sql(q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'shop'::regnamespace}), 'owner', 'everything belongs to it');
sql(q{SET ROLE colleague; CALL personalize.refresh('shop.orders_h')});
is(sql(q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'shop'::regnamespace}), 'owner', 'also after a refresh by a member of the role');

# ---------------------------------------------------------------- readers

sql('GRANT USAGE ON SCHEMA shop TO reader, thief');
fails('reader', 'SELECT * FROM shop.bought_together', qr/permission denied for table bought_together/, 'reading without a grant');
fails('reader', q{SELECT * FROM personalize.neighbors('shop.bought_together', 1)}, qr/permission denied for table bought_together/, 'neighbors() without a grant');
fails('reader', q{SELECT personalize.pair_count('shop.bought_together', 1, 2)}, qr/permission denied for table bought_together/, 'pair_count() without a grant');
sql('GRANT SELECT ON shop.bought_together, shop.bought_together_pairs TO reader');
is(sql('SET ROLE reader; SELECT count(*) > 0 FROM shop.bought_together'), 't', 'with a grant, a reader reads');
is(sql(q{SET ROLE reader; SELECT count(*) FROM personalize.status WHERE relation = 'shop.bought_together'::regclass}), '1', 'and sees its status');
is(sql(q{SET ROLE reader; SELECT count(*) FROM personalize.status WHERE relation = 'shop.damped'::regclass}), '0', 'and not that of others');

# ---------------------------------------------------------------- others

for my $case (
	[ 'refresh', q{CALL personalize.refresh('shop.orders_h')} ],
	[ 'refresh of a model', q{CALL personalize.refresh('shop.bought_together')} ],
	[ 'alter_model', q{SELECT personalize.alter_model('shop.bought_together', neighbors => 1)} ],
	[ 'drop_model', q{SELECT personalize.drop_model('shop.bought_together')} ],
	[ 'drop_history', q{SELECT personalize.drop_history('shop.orders_h', cascade => true)} ],
	[ 'drop_catalog', q{SELECT personalize.drop_catalog('shop.orders_h_items')} ],
	[ 'erase', q{SELECT personalize.erase('shop.orders_h', 1::bigint)} ])
{
	fails($_, $case->[1], qr/must be owner of table/, "$case->[0] by $_") for qw(reader thief);
}
fails('thief', q{INSERT INTO shop.orders_h_log VALUES (1)}, qr/permission denied/, 'writing into a log');
fails('thief', q{UPDATE personalize.history SET interactions = 'pg_class'}, qr/permission denied/, 'writing into the registry');
fails('thief', q{INSERT INTO personalize.watch VALUES (1, 'pg_class', 'x', true)}, qr/permission denied/, 'writing into the registry');
fails('thief', q{SELECT setval('personalize.registry_id', 1)}, qr/permission denied/, 'setting the ids');
sql('CREATE SCHEMA thief AUTHORIZATION thief; CREATE TABLE thief.lines (order_id bigint, product_id int); ALTER TABLE thief.lines OWNER TO thief');
fails('thief', q{SELECT personalize.create_history('thief.h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id')}, qr/permission denied for table (shop\.)?order_lines/, 'a history of what cannot be read');
sql('GRANT SELECT ON shop.order_lines TO thief');
fails('thief', q{SELECT personalize.create_history('thief.h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id')}, qr/permission denied for table (shop\.)?order_lines/, 'a history of what cannot have triggers');
sql('REVOKE SELECT ON shop.order_lines FROM thief');
fails('thief', q{SELECT personalize.create_cooccurrence('thief.m', history => 'shop.orders_h')}, qr/permission denied|must be owner/, 'a model of a history that cannot be read');
fails('thief', q{SELECT personalize.create_history('shop.h', interactions => 'thief.lines', basket => 'order_id', item => 'product_id')}, qr/permission denied for schema shop/, 'a history in a foreign schema');

# The trigger names the history by its id; on a table of one's own it may name somebody else's.
my $id = sql(q{SELECT id FROM personalize.history WHERE relation = 'shop.orders_h'::regclass});
sql('SET ROLE owner; CALL personalize.refresh()');
sql(qq{SET ROLE thief;
CREATE TRIGGER t AFTER INSERT ON thief.lines REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION personalize.log_changes('$id')});
my ($inserted, undef, $why) = $node->psql('postgres', 'SET ROLE thief; INSERT INTO thief.lines VALUES (1, 1)');
is(sql(q{SELECT pending FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), '0', 'a foreign trigger writes nothing into the log');
is(sql('SELECT count(*) FROM shop.orders_h_log'), '0', 'really nothing');
note("the insert with a foreign trigger: $inserted $why");
fails('thief', q{SELECT personalize.log_changes()}, qr/trigger/, 'the trigger function called as a function');

# A writer of the shop's table needs no privilege on log or history.
sql('GRANT USAGE ON SCHEMA shop TO shopkeeper; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON shop.order_lines TO shopkeeper; GRANT USAGE ON SEQUENCE shop.order_lines_line_seq TO shopkeeper');
sql(q{SET ROLE shopkeeper; INSERT INTO shop.order_lines (order_id, product_id) VALUES (9, 1), (9, 2); UPDATE shop.order_lines SET product_id = 3 WHERE order_id = 10; DELETE FROM shop.order_lines WHERE order_id = 11});
is(sql(q{SELECT pending FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), '3', 'who may write the table writes the log through it');
fails('shopkeeper', 'SELECT * FROM shop.orders_h_log', qr/permission denied/, 'but does not read it');
sql('SET ROLE owner; CALL personalize.refresh()');
is(not_exact($node, 'postgres', 1), '', 'exact');

# Code that somebody hides where a refresh by the superuser would run it is run as the owner of the history.
sql(q{CREATE TABLE thief.proof (who text); GRANT INSERT ON thief.proof TO PUBLIC; GRANT USAGE ON SCHEMA thief TO PUBLIC;
SET ROLE thief;
CREATE FUNCTION thief.sneak(b bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN INSERT INTO thief.proof VALUES (current_user); RETURN b; EXCEPTION WHEN read_only_sql_transaction OR insufficient_privilege THEN RETURN b; END $$;
CREATE TABLE thief.base (order_id bigint, product_id int);
CREATE INDEX ON thief.base (order_id);
CREATE VIEW thief.trap AS SELECT thief.sneak(order_id) AS order_id, product_id FROM thief.base;
SELECT personalize.create_history('thief.h', interactions => 'thief.trap', basket => 'order_id', item => 'product_id', watch => '{"thief.base": "order_id"}');
SELECT personalize.create_cooccurrence('thief.m', history => 'thief.h')});
sql('INSERT INTO thief.base VALUES (1, 1), (1, 2)');
sql('CALL personalize.refresh()');
is(sql(q{SELECT count(*) FROM thief.proof WHERE who <> 'thief'}), '0', 'nothing of it ran as anybody but its owner');
is(sql('SELECT count(*) FROM thief.m'), '2', 'and the model is refreshed');
fails('owner', 'SELECT * FROM thief.m', qr/permission denied/, "and others' models are not for owner");

# refresh() without an argument is for what is one's own.
sql('SET ROLE owner;' . buys(2, 10));
sql('SET ROLE thief; INSERT INTO thief.base VALUES (2, 1), (2, 3); CALL personalize.refresh()');
is(sql('SELECT n FROM thief.m WHERE item = 3'), '1', 'refresh() does all of one role');
like(sql(q{SELECT pending FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), qr/^[1-9]/, 'and nothing of another');
sql('SET ROLE owner; CALL personalize.refresh()');

# ---------------------------------------------------------------- row level security

sql(q{SET ROLE owner; CREATE SCHEMA rls; CREATE TABLE rls.lines (order_id bigint, product_id int, private boolean);
CREATE INDEX ON rls.lines (order_id);
INSERT INTO rls.lines SELECT o, i, i = 3 FROM generate_series(1, 5) AS o, generate_series(1, 3) AS i;
ALTER TABLE rls.lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE rls.lines FORCE ROW LEVEL SECURITY;
CREATE POLICY open ON rls.lines USING (NOT private) WITH CHECK (true);
SELECT personalize.create_history('rls.h', interactions => 'rls.lines', basket => 'order_id', item => 'product_id');
SELECT personalize.create_cooccurrence('rls.m', history => 'rls.h', measure => 'count')});
is(sql('SELECT string_agg(item::text, $$,$$ ORDER BY item) FROM rls.m'), '1,2', 'a history holds what its owner sees');
sql(q{SET ROLE owner; INSERT INTO rls.lines VALUES (6, 1, false), (6, 3, true)});
sql(q{CALL personalize.refresh('rls.h')});
is(sql('SELECT string_agg(item::text, $$,$$ ORDER BY item) FROM rls.m'), '1,2', 'also where a superuser refreshes');
sql(q{CALL personalize.refresh('rls.h', rebuild => true)});
is(sql('SELECT string_agg(item::text, $$,$$ ORDER BY item) FROM rls.m'), '1,2', 'or rebuilds');
is(sql(q{SET ROLE owner; SELECT count(*) FROM personalize.verify('rls.m')}), '0', 'and verify agrees');

# ---------------------------------------------------------------- names

sql(<<'END');
CREATE SCHEMA "Bobby's"";DROP TABLE x"; GRANT ALL ON SCHEMA "Bobby's"";DROP TABLE x" TO owner;
SET ROLE owner;
SET search_path = "Bobby's"";DROP TABLE x";
CREATE TABLE "Lines; --'""" ("the ""order""" text, "the 'item'" text, "select" timestamptz, "from" int);
CREATE INDEX ON "Lines; --'""" ("the ""order""");
INSERT INTO "Lines; --'""" VALUES ('a''b', '$1', now(), 1), ('a''b', '\x', now(), 2), ('"', '$1', now(), 1);
SELECT personalize.create_history('"History'' ""H"" that has a name as long as names can be at all"', interactions => '"Lines; --''"""',
	basket => 'the "order"', item => 'the ''item''', happened => 'select', weight => 'from');
SELECT personalize.create_cooccurrence('"Model'' ""M"" that has a name as long as names can be at all ."', history => '"History'' ""H"" that has a name as long as names can be at all"');
INSERT INTO "Lines; --'""" VALUES ('"', '\x', now(), 1), ('new', '{', now(), 1), ('new', '', now(), 1), ('new', '\x', now(), 1);
UPDATE "Lines; --'""" SET "the 'item'" = '%s' WHERE "the ""order""" = 'a''b' AND "from" = 2;
CALL personalize.refresh();
END
is( sql(q{SET search_path = "Bobby's"";DROP TABLE x"; SELECT string_agg(item || '=' || n, ' ' ORDER BY item COLLATE "C") FROM "Model' ""M"" that has a name as long as names can be at all ."}),
	'=1 $1=2 %s=4 \x=2 {=1', 'names and keys that look like code are only names and keys');
is( sql(q{SELECT count(*) FROM personalize.model AS m, personalize.verify(m.relation)}), '0', 'and verify agrees');
sql(q{SET ROLE owner; SET search_path = "Bobby's"";DROP TABLE x"; SELECT personalize.drop_history('"History'' ""H"" that has a name as long as names can be at all"', cascade => true)});
is( sql(q{SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname LIKE 'Bobby%') AND relkind = 'r'}),
	q{Lines; --'"}, 'all of it is dropped');
is( sql(q{SELECT count(*) FROM pg_trigger WHERE tgrelid = (SELECT oid FROM pg_class WHERE relname LIKE 'Lines; --%' AND relkind = 'r') AND NOT tgisinternal}), '0', 'triggers, too');

# ---------------------------------------------------------------- sources that go

fails('owner', 'DROP TABLE shop.order_lines', qr/cannot drop table shop\.order_lines because other objects depend on it/, 'DROP of a source');
sql(q{SET ROLE owner; DROP TABLE shop.damped});
is(sql(q{SELECT count(*) FROM personalize.model WHERE pairs::text ~ 'damped'}), '0', 'a model that is dropped as a table is forgotten');
is(sql(q{SELECT to_regclass('shop.damped_pairs') IS NULL}), 't', 'and so are its counts');

# Partitions.
my $needs = q{SELECT needs_rebuild IS NOT NULL FROM personalize.status WHERE relation = 'shop.views_h'::regclass};
sub partition_change
{
	my ($statement, $name) = @_;
	sql("SET ROLE owner; $statement");
	is(sql($needs), 't', "$name: status says that a rebuild is needed");
	sql(q{SET ROLE owner; CALL personalize.refresh('shop.views_h')});
	is(sql($needs), 'f', "$name: not any more after a refresh");
	is( sql(q{SELECT (SELECT count(*) FROM shop.views_h) - (SELECT count(DISTINCT session_id) FROM shop.views WHERE product IS NOT NULL AND seen IS NOT NULL)}), '0', "$name: with as many baskets as there are");
	is( sql(q{SELECT count(*) FROM personalize.verify('shop.seen_together')}), '0', "$name: exact");
}
partition_change('ALTER TABLE shop.views DETACH PARTITION shop.views_1', 'DETACH');
sql(q{SET ROLE owner; INSERT INTO shop.views_1 SELECT session_id, 'product ' || session_id, seen FROM shop.views_1});
partition_change('ALTER TABLE shop.views ATTACH PARTITION shop.views_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)', 'ATTACH');
sql(q{SET ROLE owner; INSERT INTO shop.views_1 SELECT session_id, 'product x', timestamptz '2026-12-01' FROM shop.views_1 LIMIT 3; CALL personalize.refresh('shop.views_h')});
is(sql(q{SELECT n > 0 FROM shop.seen_together WHERE item = 'product x'}), 't', 'direct DML on an attached partition is noticed');
partition_change('DROP TABLE shop.views_0', 'DROP of a partition');
sql(q{SET ROLE owner; CREATE TABLE shop.views_0 PARTITION OF shop.views FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	INSERT INTO shop.views_0 SELECT s, p, now() FROM (SELECT session_id AS s FROM generate_series(1, 500) AS session_id WHERE satisfies_hash_partition('shop.views'::regclass, 2, 0, session_id::bigint) LIMIT 20) AS s, (VALUES ('product 1'), ('product y')) AS p (p);
	CALL personalize.refresh('shop.views_h')});
is(sql(q{SELECT n FROM shop.seen_together WHERE item = 'product y'}), '20', 'direct DML on a new partition is noticed');

# Definitions follow renamed tables and columns.
sql('SET ROLE owner; ALTER TABLE shop.order_lines RENAME COLUMN quantity TO pieces; ALTER TABLE shop.order_lines RENAME COLUMN product_id TO product; ALTER TABLE shop.order_lines RENAME TO lines;' .
	'INSERT INTO shop.lines (order_id, product) VALUES (1, 50), (2, 50)');
is(sql(q{SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), '', 'a renamed column is no problem');
sql(q{SET ROLE owner; CALL personalize.refresh('shop.orders_h', rebuild => false)});
is(sql(q{SELECT count(*) FROM personalize.verify('shop.bought_together')}), '0', 'exact with other names');
sql('SET ROLE owner; ALTER TABLE shop.lines RENAME COLUMN product TO product_id; ALTER TABLE shop.lines RENAME TO order_lines');
is(not_exact($node, 'postgres', 1), '', 'and with those it had');

# A definition that no longer fits is said, and is an error of the refresh only.
sql('SET ROLE owner; ALTER TABLE shop.order_lines DROP COLUMN product_id');
like(sql(q{SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), qr/no column "product_id"/, 'status says which column is missing');
sql('SET ROLE shopkeeper; INSERT INTO shop.order_lines (order_id) VALUES (1)');
fails('owner', q{CALL personalize.refresh('shop.orders_h')}, qr/product_id/, 'a refresh without its column');
sql('SET ROLE owner; ALTER TABLE shop.order_lines ADD COLUMN product_id int; UPDATE shop.order_lines SET product_id = line % 10');
sql(q{SET ROLE owner; CALL personalize.refresh('shop.orders_h')});
is(sql(q{SELECT problem FROM personalize.status WHERE relation = 'shop.orders_h'::regclass}), '', 'when it is back, there is no problem');
is(not_exact($node, 'postgres', 1), '', 'and all is exact');

$node->stop;
done_testing();
