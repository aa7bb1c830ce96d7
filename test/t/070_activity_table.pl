# Activity tables and their segments: an ordinary owner, dump and restore, upgrade, a streaming replica, logical replication, and crashes in the
# midst of refreshes.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PERSONALIZE_CRASHES} || 5;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "autovacuum_naptime = 1s\nlog_min_messages = error\ntimezone = 'UTC'");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner; CREATE ROLE stranger; CREATE DATABASE shop');
sub sql { return $node->safe_psql('shop', $_[0]); }

my $tables = <<'END';
CREATE TABLE shop.customers (id uuid PRIMARY KEY, country text, zone text);
CREATE TABLE shop.orders (customer uuid, at timestamptz, total numeric) PARTITION BY RANGE (at);
CREATE TABLE shop.orders_old PARTITION OF shop.orders FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE shop.orders_new PARTITION OF shop.orders FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE INDEX ON shop.orders (customer);
CREATE TABLE shop.clicks (customer uuid, kind text, at timestamptz);
CREATE INDEX ON shop.clicks (customer);
CREATE FUNCTION shop.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT md5(n::text)::uuid';
END
my $make = <<'END';
SELECT personalize.create_activity('shop.activity', customers => 'shop.customers', key => 'id', zone => 'zone', default_zone => 'UTC', events => '{
	"purchase": {"table": "shop.orders", "customer": "customer", "at": "at", "amount": "total"}, "*": {"table": "shop.clicks", "event": "kind", "customer": "customer", "at": "at"}}');
SELECT personalize.create_segment('shop.buyers', 'shop.customers', 'id', 'count(purchase) >= 2 and attr(country) = GB');
SELECT personalize.create_segment('shop.lookers', 'shop.customers', 'id', 'did(view, 3650 days) and not in(shop.buyers)');
END

# Random changes of both tables and of customers.
sub changes
{
	my ($seed, $n) = @_;
	return <<"END";
INSERT INTO shop.orders SELECT shop.key((g * 7 + $seed * 13) % 700), timestamptz '2025-06-01' + (g * 31 + $seed) % 500 * interval '1 day', g % 50 + 0.25 FROM generate_series(1, $n) AS g;
INSERT INTO shop.clicks SELECT shop.key((g * 11 + $seed * 17) % 700), CASE g % 3 WHEN 0 THEN 'view' WHEN 1 THEN 'cart' END, timestamptz '2026-02-01' + (g * 31 + $seed) % 90 * interval '1 hour' FROM generate_series(1, $n) AS g;
DELETE FROM shop.orders WHERE customer = shop.key($seed % 700);
UPDATE shop.clicks SET kind = 'view' WHERE customer = shop.key(($seed * 3) % 700);
DELETE FROM shop.customers WHERE id = shop.key(($seed * 5) % 600);
INSERT INTO shop.customers SELECT shop.key(g), 'GB' FROM generate_series(($seed * 7) % 600, ($seed * 7) % 600 + 3) AS g ON CONFLICT DO NOTHING;
END
}

my $rows = q{SELECT c.id, coalesce(personalize.activity(e.kind, e.at, e.total), '{}') AS activity FROM shop.customers AS c
	LEFT JOIN (SELECT customer AS id, 'purchase' AS kind, at, total FROM shop.orders UNION ALL SELECT customer, kind, at, NULL FROM shop.clicks) AS e USING (id) GROUP BY c.id};

# What is wrong as of the last refresh; with `now` also against the tables as they are.  Empty: nothing.
sub not_exact
{
	my ($server, $db, $now) = @_;
	my $wrong = $server->safe_psql($db, q{SELECT * FROM personalize.verify('shop.activity') LIMIT 5});
	return $wrong unless $now;
	return $wrong . $server->safe_psql($db, "SELECT id, a.activity, e.activity FROM shop.activity AS a FULL JOIN ($rows) AS e USING (id) WHERE (a.activity OPERATOR(personalize.=) e.activity) IS NOT TRUE LIMIT 5")
		. $server->safe_psql($db, "SELECT id FROM (SELECT id FROM ($rows) AS e JOIN shop.customers AS c USING (id) WHERE country = 'GB' AND personalize.count_events(activity, 'purchase') >= 2 EXCEPT SELECT id FROM shop.buyers) AS missing LIMIT 5");
}

sub fingerprint
{
	my ($server, $db) = @_;
	return $server->safe_psql($db, q{SELECT md5(string_agg(a::text, ' ' ORDER BY id)) FROM shop.activity AS a; SELECT md5(string_agg(b::text, ' ' ORDER BY id)) FROM shop.buyers AS b;
		SELECT md5(string_agg(b::text, ' ' ORDER BY id)) FROM shop.lookers AS b; SELECT count(*) FROM shop.buyers_changes});
}

# ---------------------------------------------------------------- an ordinary owner

sql('CREATE EXTENSION personalize; CREATE SCHEMA shop AUTHORIZATION owner; GRANT USAGE ON SCHEMA shop TO stranger');
sql("SET ROLE owner; $tables");
sql(q{INSERT INTO shop.customers SELECT shop.key(g), CASE WHEN g % 3 = 0 THEN 'GB' END FROM generate_series(1, 600) AS g});
sql(changes(1, 3000));

sub fails
{
	my ($role, $statement, $error, $name) = @_;
	my ($status, undef, $stderr) = $node->psql('shop', "SET ROLE $role;\n$statement");
	isnt($status, 0, "$name: refused");
	like($stderr, $error, "$name: says why");
}

fails('stranger', $make, qr/permission denied/, 'what one may not read');
sql('GRANT CREATE ON SCHEMA shop TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO stranger');
fails('stranger', $make, qr/permission denied for table/, 'what one may not have triggers on');
is(sql(q{SELECT count(*) FROM personalize.activity_table}) . sql(q{SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal}), '00', 'what was refused leaves nothing');
sql("SET ROLE owner; $make");
is(not_exact($node, 'shop', 1), '', 'an ordinary role makes one');
is(sql(q{SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'shop'::regnamespace}), 'owner', 'everything belongs to it');
fails('stranger', $_, qr/must be owner of table/, $_)
	for (q{CALL personalize.refresh('shop.activity')}, q{SELECT personalize.erase('shop.activity', shop.key(1))}, q{SELECT personalize.drop_activity('shop.activity')});
fails('stranger', q{SELECT * FROM personalize.verify('shop.activity')}, qr/permission denied/, 'proof without a grant');
fails('stranger', q{SELECT * FROM shop.activity}, qr/permission denied/, 'reading without a grant');
is(sql(q{SET ROLE stranger; SELECT count(*) FROM personalize.status WHERE kind = 'activity'}), '0', 'status shows what one may read');
# who writes needs no right to anything of it
sql(q{GRANT INSERT, UPDATE ON shop.clicks TO stranger; SET ROLE stranger; INSERT INTO shop.clicks VALUES (shop.key(7), 'view', '2026-03-03')});
is(sql(q{SELECT pending FROM personalize.status WHERE kind = 'activity'}), '1', 'anybody\'s change is noticed');
# a superuser refreshes as the owner: views and expressions run with no more rights than his
sql(q{CREATE FUNCTION shop.who() RETURNS text LANGUAGE plpgsql AS $$ BEGIN IF current_user <> 'owner' THEN RAISE 'as %', current_user; END IF; RETURN 'GB'; END $$;
	SET ROLE owner; CREATE VIEW shop.people AS SELECT id, shop.who() AS country FROM shop.customers;
	SELECT personalize.create_activity('shop.seen', customers => 'shop.people', key => 'id', watch => '{"shop.customers": "id"}', events => '{"view": {"table": "shop.clicks", "customer": "customer", "at": "at"}}');
	SELECT personalize.create_segment('shop.brits', NULL, NULL, 'attr(country) = GB', activity => 'shop.seen')});
sql(q{UPDATE shop.customers SET country = 'GB' WHERE id = shop.key(9); CALL personalize.refresh('shop.seen'); SELECT * FROM personalize.verify('shop.seen')});
sql(q{SET ROLE owner; SELECT personalize.drop_segment('shop.brits'); SELECT personalize.drop_activity('shop.seen'); DROP VIEW shop.people});
# a table of ours in other hands could run others' code as the owner
sql('ALTER TABLE shop.activity_log OWNER TO stranger');
fails('owner', q{CALL personalize.refresh('shop.activity')}, qr/different owners/, 'a log of somebody else');
sql('ALTER TABLE shop.activity_log OWNER TO owner');
sql(q{CALL personalize.refresh('shop.activity')});
is(not_exact($node, 'shop', 1), '', 'a refresh by a superuser is exact');

# ---------------------------------------------------------------- dump and restore

sql(changes(2, 40));
my $pending = q{SELECT relation, pending FROM personalize.status WHERE kind = 'activity'};
my $was_pending = sql($pending);
like($was_pending, qr/shop.activity\|\d{2}/, 'there is something pending');
my $expected = fingerprint($node, 'shop');
my $dependencies = q{SELECT DISTINCT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype FROM pg_depend
	WHERE refclassid = 'pg_class'::regclass AND refobjid IN (SELECT relation FROM personalize.activity_table UNION ALL SELECT relation FROM personalize.activity_source UNION ALL SELECT customers FROM personalize.activity_table)
	AND deptype IN ('n', 'a') AND pg_describe_object(classid, objid, objsubid) !~ '^(type|index|constraint|toast|default)' ORDER BY 1, 2};
my $was_dependencies = sql($dependencies);
my $ordinals = sql('SELECT max(ordinal) FROM shop.activity');

sub works
{
	my ($server, $db, $name) = @_;
	is(fingerprint($server, $db), $expected, "$name: the same rows");
	is($server->safe_psql($db, $pending), $was_pending, "$name: the same is pending");
	is(not_exact($server, $db, 0), '', "$name: exact as of the last refresh");
	$server->safe_psql($db, changes(3, 30));
	$server->safe_psql($db, q{CALL personalize.refresh('shop.activity', rebuild => false)});
	is(not_exact($server, $db, 1), '', "$name: a refresh takes what was pending and what came after it");
	is($server->safe_psql($db, $dependencies), $was_dependencies, "$name: dependencies are there again");
	is($server->safe_psql($db, 'SELECT count(*) = count(DISTINCT ordinal) FROM shop.activity'), 't', "$name: no ordinal is given twice");
	my ($status, undef, $stderr) = $server->psql($db, 'DROP TABLE shop.clicks');
	like($stderr, qr/depend on it/, "$name: a source is not dropped under it");
	$server->safe_psql($db, q{SELECT personalize.drop_segment('shop.lookers'); SELECT personalize.drop_segment('shop.buyers'); SELECT personalize.drop_activity('shop.activity')});
	is($server->safe_psql($db, q{SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal}), '0', "$name: dropped, it leaves no trigger");
}

my $dump = $node->backup_dir;
mkdir $dump;
command_ok([ 'pg_dump', '--no-sync', '-f', "$dump/shop.sql", '-d', $node->connstr('shop') ], 'pg_dump');
command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dump/shop.custom", '-d', $node->connstr('shop') ], 'pg_dump -Fc');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', "$dump/shop.sql", '-d', $node->connstr('restored') ], 'restore');
works($node, 'restored', 'restored');
$node->safe_psql('postgres', 'CREATE DATABASE jobs');
command_ok([ 'pg_restore', '-j', '2', '--exit-on-error', '-d', $node->connstr('jobs'), "$dump/shop.custom" ], 'pg_restore -j 2');
works($node, 'jobs', 'pg_restore -j 2');
$node->safe_psql('postgres', 'DROP DATABASE restored');
$node->safe_psql('postgres', 'DROP DATABASE jobs');

# ---------------------------------------------------------------- streaming

$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;
for my $seed (11 .. 13)
{
	sql(changes($seed, 40));
	sql(q{CALL personalize.refresh('shop.activity', rebuild => } . ($seed == 12 ? 'true)' : 'false)'));
	sql(changes($seed + 10, 5));
	$node->wait_for_catchup($replica);
	is(fingerprint($replica, 'shop'), fingerprint($node, 'shop'), "the replica has the same rows after refresh $seed");
	is(not_exact($replica, 'shop', 0), '', 'where verify proves it, too');
	is($replica->safe_psql('shop', $pending), sql($pending), 'and the same is pending');
}
for (q{CALL personalize.refresh('shop.activity')}, q{SELECT personalize.erase('shop.activity', shop.key(1))}, q{SELECT personalize.drop_activity('shop.activity')}, $make)
{
	my (undef, undef, $stderr) = $replica->psql('shop', $_);
	like($stderr, qr/cannot execute personalize\.\w+\(\) during recovery/, 'a replica does not change anything');
}
$replica->promote;
$replica->safe_psql('shop', q{CALL personalize.refresh('shop.activity')});
is(not_exact($replica, 'shop', 1), '', 'promoted, it goes on where the primary was');
$replica->stop;

# ---------------------------------------------------------------- logical replication

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', "timezone = 'UTC'");
$subscriber->start;
$subscriber->safe_psql('postgres', "CREATE EXTENSION personalize; CREATE SCHEMA shop; $tables");
$subscriber->safe_psql('postgres', 'ALTER TABLE shop.orders_old REPLICA IDENTITY FULL; ALTER TABLE shop.orders_new REPLICA IDENTITY FULL; ALTER TABLE shop.clicks REPLICA IDENTITY FULL');
sql('ALTER TABLE shop.orders_old REPLICA IDENTITY FULL; ALTER TABLE shop.orders_new REPLICA IDENTITY FULL; ALTER TABLE shop.clicks REPLICA IDENTITY FULL');
sql('CREATE PUBLICATION everything FOR TABLE shop.customers, shop.orders_old, shop.orders_new, shop.clicks');
(my $replicated = $make) =~ s/default_zone => 'UTC',/default_zone => 'UTC', replica => true,/;
$subscriber->safe_psql('postgres', $replicated);
(my $connection = $node->connstr('shop')) =~ s/'/''/g;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION follow CONNECTION '$connection' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($node, 'follow');
$subscriber->safe_psql('postgres', q{CALL personalize.refresh('shop.activity')});
is(not_exact($subscriber, 'postgres', 1), '', 'what a subscription brings at first is noticed');
for my $seed (21 .. 23)
{
	sql(changes($seed, 30));
	$node->wait_for_catchup('follow');
	$subscriber->safe_psql('postgres', q{CALL personalize.refresh('shop.activity', rebuild => false)});
	is(not_exact($subscriber, 'postgres', 1), '', "changes $seed that an apply worker makes are noticed");
}
sql('TRUNCATE shop.clicks');
$node->wait_for_catchup('follow');
$subscriber->safe_psql('postgres', q{CALL personalize.refresh('shop.activity', rebuild => false)});
is(not_exact($subscriber, 'postgres', 1), '', 'and so is TRUNCATE');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION follow');
$subscriber->stop;
sql(changes(24, 2000));
sql(q{CALL personalize.refresh('shop.activity')});

# ---------------------------------------------------------------- crashes

sql(<<'END');
CREATE PROCEDURE shop.write(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		INSERT INTO shop.orders SELECT shop.key((seed + i * 17 + g * 3) % 650), timestamptz '2026-03-01' + g * interval '1 min', g FROM generate_series(1, 3) AS g;
		UPDATE shop.orders SET total = total + 1 WHERE customer = shop.key((i * 31 + seed) % 650);
		INSERT INTO shop.clicks VALUES (shop.key((seed * i) % 650), 'view', now());
		DELETE FROM shop.clicks WHERE customer = shop.key((i * 57 + seed) % 650);
		IF i % 7 = 0 THEN
			DELETE FROM shop.customers WHERE id = shop.key((i + seed) % 600);
			INSERT INTO shop.customers VALUES (shop.key((i * 3 + seed) % 600), 'GB') ON CONFLICT DO NOTHING;
		END IF;
		IF i % 5 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
CREATE PROCEDURE shop.refresh(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		CALL personalize.refresh('shop.activity', (i + seed) % 3 = 0);
		COMMIT;
	END LOOP;
END $$;
END
my ($unfinished, $refreshes) = (0, 0);
for my $round (1 .. $rounds)
{
	my $before = sql('SELECT refreshes FROM personalize.activity_table');
	my @clients = map {
		start([ 'psql', '-X', '-q', '-d', $node->connstr('shop'), '-c', $_ ], '>', \my $out, '2>', \my $err)
	} ("CALL shop.write($round)", 'CALL shop.write(' . $round * 1000 . ')', "CALL shop.refresh($round)");
	sleep(0.3 + rand(0.7));
	$unfinished++ if sql(q{SELECT count(*) FROM personalize.progress}) > 0;
	$node->stop('immediate');
	$_->finish for @clients;
	$node->start;
	is(not_exact($node, 'shop', 0), '', "crash $round: what the last refresh left is whole");
	$refreshes += sql('SELECT refreshes FROM personalize.activity_table') - $before;
	# without a rebuild, so that what survived the crash is what counts
	sql(q{CALL personalize.refresh('shop.activity', rebuild => false)});
	is(not_exact($node, 'shop', 1), '', "crash $round: the next refresh makes it exact");
	is(sql('SELECT relation, pending, needs_rebuild, problem FROM personalize.status WHERE pending > 0 OR needs_rebuild IS NOT NULL OR problem IS NOT NULL'), '', "crash $round: nothing is left to do");
}
note("$refreshes refreshes committed, $unfinished were under way at a crash");
cmp_ok($refreshes, '>', 0, 'there were refreshes between the crashes');

# ---------------------------------------------------------------- upgrade, into the same version

sql('DROP PROCEDURE shop.write; DROP PROCEDURE shop.refresh; DROP PUBLICATION everything');
sql(changes(31, 20));
($expected, $was_pending, $was_dependencies) = (fingerprint($node, 'shop'), sql($pending), sql($dependencies));
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
my $bindir = $node->config_data('--bindir');
chomp $bindir;
my @upgrade = ('pg_upgrade', '--no-sync', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir, '-s', $node->host, '-p', $node->port, '-P', $new->port);
@upgrade = grep { $_ ne '--no-sync' } @upgrade if $node->pg_version < 15;
$node->stop;
chdir $PostgreSQL::Test::Utils::tmp_check;
command_ok(\@upgrade, 'pg_upgrade');
$new->append_conf('postgresql.conf', "timezone = 'UTC'");
$new->start;
works($new, 'shop', 'upgraded');
$new->stop;

done_testing();
