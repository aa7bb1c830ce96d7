# Segments through what a database goes through: crashes in the midst of refreshes, dump and restore, a replica, and people with other rights or odd names.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PERSONALIZE_CRASHES} || 6;

my $node = PostgreSQL::Test::Cluster->new('segments');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = 32MB\nlog_min_messages = error\ncheckpoint_timeout = 30s");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', <<'END');
CREATE EXTENSION personalize;
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id bigint PRIMARY KEY, country text, "E-mail" text);
CREATE TABLE shop.orders (customer bigint, at timestamptz NOT NULL DEFAULT now(), total numeric);
CREATE TABLE shop.views (customer bigint, kind text, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON shop.orders (customer);
CREATE INDEX ON shop.views (customer);
INSERT INTO shop.customers SELECT c, (ARRAY['IN', 'GB', 'US'])[1 + c % 3], 'c' || c FROM generate_series(1, 2000) AS c;
INSERT INTO shop.orders SELECT c, now() - (c * 7 % 90 + o * 11) * interval '1 day', c % 50 FROM generate_series(1, 2000) AS c, generate_series(0, c % 5) AS o;
SELECT personalize.create_activity('shop.activity', customers => 'shop.customers', key => 'id',
	events => '{"purchase": {"table": "shop.orders", "customer": "customer", "at": "at", "amount": "total"}, "*": {"table": "shop.views", "customer": "customer", "event": "kind", "at": "at"}}');
SELECT personalize.create_segment('shop.regulars', 'shop.customers', 'id', 'count(purchase, 60 days) >= 3');
SELECT personalize.create_segment('shop.here', 'shop.customers', 'id', 'did(view, 1 second)');
SELECT personalize.create_segment('shop.lapsing', 'shop.customers', 'id', 'in(shop.regulars) and not did(purchase, 20 days) and attr(country) in (IN, GB)');
SELECT personalize.create_segment('shop."Who ''said'' ""no"""', 'shop.customers', 'id', 'not in(shop.here) and attr("E-mail") in (c1, c2, c3)');
END

my @segments = ('shop.regulars', 'shop.here', 'shop.lapsing', 'shop."Who \'said\' ""no"""');

# What verify says of all of them, and of a log in which somebody comes twice, or is not where it says.
sub not_exact
{
	my ($server, $db) = @_;
	my $wrong = '';
	for my $name ($server->safe_psql($db, 'SELECT relation::oid FROM personalize.segment ORDER BY id') =~ /\d+/g)
	{
		$wrong .= $server->safe_psql($db, "SELECT $name, v.* FROM personalize.verify($name\::regclass) AS v LIMIT 3");
		my ($face, $changes) = split /\|/, $server->safe_psql($db, "SELECT relation, changes FROM personalize.segment WHERE relation = $name\::regclass");
		$wrong .= $server->safe_psql($db, "SELECT l FROM (SELECT *, lag(change) OVER w AS before, lead(change) OVER w IS NULL AS last FROM (SELECT *, ctid AS place FROM $changes) AS c WINDOW w AS (PARTITION BY customer ORDER BY at, recorded, place)) AS l"
			. " WHERE change = before OR before IS NULL AND change = 'left' OR last AND (change = 'entered') <> (customer IN (SELECT id FROM $face)) LIMIT 3");
	}
	return $wrong;
}

# Members and how they stand, without times that only say when.
sub fingerprint
{
	my ($server, $db) = @_;
	return join "\n", map { $server->safe_psql($db, "SELECT id, since, stable_until FROM $_ ORDER BY id") }
		split /\n/, $server->safe_psql($db, 'SELECT relation FROM personalize.segment ORDER BY id');
}

is(not_exact($node, 'shop'), '', 'segments are exact');

# ---------------------------------------------------------------- crashes

$node->safe_psql('shop', <<'END');
CREATE PROCEDURE shop.write(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		INSERT INTO shop.views SELECT 1 + (seed + i * 17 + g * 3) % 2100, (ARRAY['view', 'cart'])[1 + g % 2], now() - g * interval '300 ms' FROM generate_series(1, 3) AS g;
		INSERT INTO shop.orders VALUES (1 + (seed + i * 7) % 2100, now() - (i % 30) * interval '1 day', i % 90);
		DELETE FROM shop.orders WHERE customer = 1 + (i * 57 + seed) % 2100;
		UPDATE shop.customers SET country = (ARRAY['IN', 'GB', 'US'])[1 + (i + seed) % 3] WHERE id = 1 + (i * 13 + seed) % 2100;
		IF i % 9 = 0 THEN DELETE FROM shop.customers WHERE id = 1 + (i * 5 + seed) % 2100; INSERT INTO shop.customers VALUES (2100 + i % 100, 'IN') ON CONFLICT DO NOTHING; END IF;
		IF i % 5 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
CREATE PROCEDURE shop.refresh(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		CALL personalize.refresh('shop.activity', (i + seed) % 5 = 0);
		COMMIT;
		IF i % 7 = 0 THEN PERFORM personalize.alter_segment('shop.here', format('did(view, %s seconds)', 1 + i % 3)); COMMIT; END IF;
	END LOOP;
END $$;
END
my $refreshes = 0;
for my $round (1 .. $rounds)
{
	my $before = $node->safe_psql('shop', 'SELECT refreshes FROM personalize.activity_table');
	my @clients = map { start([ 'psql', '-X', '-q', '-d', $node->connstr('shop'), '-c', $_ ], '>', \my $out, '2>', \my $err) }
		("CALL shop.write($round)", 'CALL shop.write(' . $round * 1000 . ')', "CALL shop.refresh($round)");
	sleep(0.3 + rand(0.8));
	$node->stop('immediate');
	$_->finish for @clients;
	$node->start;
	is(not_exact($node, 'shop'), '', "crash $round: what the last refresh left is whole");
	$refreshes += $node->safe_psql('shop', 'SELECT refreshes FROM personalize.activity_table') - $before;
	$node->safe_psql('shop', q{CALL personalize.refresh('shop.activity', rebuild => false)});
	is(not_exact($node, 'shop'), '', "crash $round: and so is what the next one makes");
	is($node->safe_psql('shop', 'SELECT relation, problem, needs_rebuild FROM personalize.status WHERE problem IS NOT NULL OR needs_rebuild IS NOT NULL'), '', "crash $round: nothing is left to do");
}
cmp_ok($refreshes, '>', 0, "$refreshes refreshes were committed between the crashes");
$node->safe_psql('shop', q{CALL personalize.refresh('shop.activity', rebuild => true)});
is(not_exact($node, 'shop'), '', 'a rebuild finds nothing to mend');

# ---------------------------------------------------------------- a replica

$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;
$node->safe_psql('shop', q{INSERT INTO shop.orders SELECT c, now(), 5 FROM generate_series(1, 300) AS c; CALL personalize.refresh('shop.activity')});
$node->wait_for_catchup($replica);
is(fingerprint($replica, 'shop'), fingerprint($node, 'shop'), 'the replica has the same members');
is(not_exact($replica, 'shop'), '', 'and proves them');
for (q{create_segment('shop.no', 'shop.customers', 'id', 'true')}, q{alter_segment('shop.here', 'true')}, q{drop_segment('shop.here')}, q{fit_rfm('shop.activity')})
{
	my ($function) = /^(\w+)/;
	my (undef, undef, $stderr) = $replica->psql('shop', "SELECT personalize.$_");
	like($stderr, qr/cannot execute personalize\.$function\(\) during recovery/, "a replica does not $function");
}
$replica->stop;

# ---------------------------------------------------------------- dump and restore

$node->safe_psql('shop', q{SELECT personalize.fit_rfm('shop.activity')});
$node->safe_psql('shop', q{SELECT personalize.create_segment('shop.best', 'shop.customers', 'id', 'rfm(f 4-5) and bucket(x, 0, 50)')});
$node->safe_psql('shop', q{INSERT INTO shop.orders SELECT c, now(), 5 FROM generate_series(300, 400) AS c});
my $dump = PostgreSQL::Test::Utils::tempdir() . '/shop.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('shop'), '-f', $dump ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restored');
is(fingerprint($node, 'restored'), fingerprint($node, 'shop'), 'the same members');
is(not_exact($node, 'restored'), '', 'and exact');
$node->safe_psql('restored', q{CALL personalize.refresh('shop.regulars', rebuild => false)});
is(not_exact($node, 'restored'), '', 'and the next refresh takes what was pending');
is($node->safe_psql('restored', q{SELECT segment, problem FROM personalize.segments WHERE problem IS NOT NULL}), '', 'nothing is missing');
my ($status, undef, $stderr) = $node->psql('restored', 'DROP TABLE shop.regulars');
like($stderr, qr/depends on table shop\.regulars/, 'a segment that another one names is not dropped');
$node->safe_psql('restored', q{SELECT personalize.drop_segment('shop.lapsing')});
$node->safe_psql('restored', q{DROP TABLE shop.regulars});
is($node->safe_psql('restored', q{SELECT count(*) FROM pg_proc WHERE proname IN ('regulars', 'lapsing')}), '0', 'its function goes with it');
is($node->safe_psql('restored', q{SELECT count(*) FROM pg_class WHERE relname ~ '^(regulars|lapsing)_'}), '0', 'and its tables');

# ---------------------------------------------------------------- other people

$node->safe_psql('shop', <<'END');
CREATE ROLE shopkeeper;
CREATE ROLE clerk;
CREATE ROLE thief;
CREATE SCHEMA own AUTHORIZATION shopkeeper;
SET ROLE shopkeeper;
CREATE TABLE own.customers (id int PRIMARY KEY, region text);
CREATE TABLE own.orders (customer int, at timestamptz);
CREATE INDEX ON own.orders (customer);
INSERT INTO own.customers SELECT c, c % 2 FROM generate_series(1, 20) AS c;
INSERT INTO own.orders SELECT c, now() FROM generate_series(1, 10) AS c;
SELECT personalize.create_activity('own.activity', 'own.customers', 'id', events => '{"purchase": {"table": "own.orders", "customer": "customer", "at": "at"}}');
SELECT personalize.create_segment('own.buyers', 'own.customers', 'id', 'did(purchase, 1 day)');
GRANT USAGE ON SCHEMA own TO clerk, thief;
GRANT SELECT ON own.buyers TO clerk;
END
is($node->safe_psql('shop', 'SET ROLE clerk; SELECT count(*) FROM own.buyers; SELECT segment FROM personalize.segments'), "10\nown.buyers", 'who was granted the face reads it');
is($node->safe_psql('shop', 'SET ROLE thief; SELECT count(*) FROM personalize.segments'), '0', 'who was not does not see it');
for my $call (q{SELECT personalize.create_segment('own.mine', 'own.customers', 'id', 'true')}, q{SELECT personalize.create_segment('public.mine', NULL, NULL, 'true', 'own.activity')}, q{SELECT personalize.alter_segment('own.buyers', 'true')},
	q{SELECT personalize.drop_segment('own.buyers')}, q{CALL personalize.refresh('own.buyers')}, q{SELECT personalize.fit_rfm('own.activity')}, q{SELECT * FROM personalize.verify('own.buyers')}, q{SELECT * FROM own.buyers_changes},
	q{UPDATE personalize.segment SET version = 9})
{
	my ($code, undef, $error) = $node->psql('shop', "SET ROLE clerk; $call");
	like($error, qr/permission denied|must be owner/, "a clerk may not: $call");
}
$node->safe_psql('shop', q{SET ROLE shopkeeper;
CREATE FUNCTION own.spy(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE WARNING 'spy of %', current_user; RETURN id; END $$;
CREATE INDEX ON own.buyers (own.spy(id)); INSERT INTO own.orders VALUES (15, now())});
(undef, undef, $stderr) = $node->psql('shop', q{CALL personalize.refresh('own.activity')});
like($stderr, qr/spy of shopkeeper/, 'an index of the owner runs as the owner');
unlike($stderr, qr/spy of (?!shopkeeper)/, 'whoever refreshes');
$node->safe_psql('shop', 'DROP FUNCTION own.spy CASCADE');
# a table of the segment that is somebody else's is not written to
$node->safe_psql('shop', 'ALTER TABLE own.buyers_changes OWNER TO thief; INSERT INTO own.orders SELECT 16, now()');
(undef, undef, $stderr) = $node->psql('shop', q{CALL personalize.refresh('own.activity')});
like($stderr, qr/own\.buyers_changes and .*own\.activity have different owners/, 'nothing is written to a table that is somebody else\'s');
$node->safe_psql('shop', 'ALTER TABLE own.buyers_changes OWNER TO shopkeeper; CALL personalize.refresh()');
is(not_exact($node, 'shop'), '', 'and goes on when it is again');

# ---------------------------------------------------------------- hostile rules

for my $rule ('(' x 100000, 'not ' x 5000 . 'true', join(' and ', map { "did(k$_)" } 1 .. 300), "attr(id); DROP TABLE shop.orders", "attr('id\" IS NULL) OR (\"id') = 1", "in(\"shop\".\"orders\"\" --\")", "did('x'' OR 1 = 1 --')", "attr('\\') = '\\'", "in(shop.here.there.everywhere)")
{
	my ($code, undef, $error) = $node->psql('shop', 'SELECT personalize.create_segment(\'shop.hostile\', \'shop.customers\', \'id\', $rule$' . $rule . '$rule$)');
	my $made = $node->safe_psql('shop', q{SELECT to_regclass('shop.hostile') IS NOT NULL});
	ok($made eq 't' || $error =~ /ERROR/, 'made or refused: ' . substr($rule, 0, 40));
	is($made, $code == 0 ? 't' : 'f', 'and nothing is left of what was refused');
	$node->safe_psql('shop', q{SELECT personalize.drop_segment('shop.hostile')}) if $made eq 't';
}
is($node->safe_psql('shop', q{SELECT count(*) > 0 FROM shop.orders}), 't', 'the orders are there');

$node->stop;
done_testing();
