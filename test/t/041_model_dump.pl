# Dump, restore and upgrade: models, triggers and what the log holds go along.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('old');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION personalize');
create_shop($node, 'shop', 500);
create_models($node, 'shop');
$node->safe_psql('shop', <<'END');
CREATE TABLE shop.products (id int PRIMARY KEY, in_stock boolean, price numeric);
INSERT INTO shop.products SELECT i, i % 3 > 0, i FROM generate_series(1, 20) AS i;
SELECT personalize.create_catalog('shop.catalog', products => 'shop.products', item => 'id', available => 'in_stock', price => 'price');
SELECT personalize.create_history('shop.with_catalog', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id', catalog => 'shop.catalog');
SELECT personalize.create_cooccurrence('shop."Bought & ""Seen"""', history => 'shop.with_catalog', measure => 'lift');
END

# What is pending belongs to what is dumped.
$node->safe_psql('shop', buys(5, 40));
$node->safe_psql('shop', 'UPDATE shop.products SET price = price + 1 WHERE id < 5');
my $pending = 'SELECT relation, pending FROM personalize.status WHERE pending > 0 ORDER BY relation::text';
my $was_pending = $node->safe_psql('shop', $pending);
like($was_pending, qr/orders_h\|\d/, 'there is something pending');
my $expected = fingerprint($node, 'shop');
is(not_exact($node, 'shop', 0), '', 'models are exact as of the last refresh');

my $triggers = q{SELECT tgrelid::regclass, tgname, tgenabled, encode(tgargs, 'escape') FROM pg_trigger WHERE tgfoid = 'personalize.log_changes'::regproc ORDER BY tgrelid::regclass::text, 2};
my $dependencies = q{SELECT DISTINCT classid::regclass, pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype
	FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid IN (SELECT relation FROM personalize.history UNION ALL SELECT interactions FROM personalize.history
		UNION ALL SELECT relation FROM personalize.model UNION ALL SELECT relation FROM personalize.catalog) AND deptype IN ('n', 'a')
		AND pg_describe_object(classid, objid, objsubid) !~ '^(type|index|constraint|toast|default)' ORDER BY 2, 3};
my ($was_triggers, $was_dependencies) = ($node->safe_psql('shop', $triggers), $node->safe_psql('shop', $dependencies));

sub works
{
	my ($server, $db, $name) = @_;
	is(fingerprint($server, $db), $expected, "$name: models answer the same");
	is($server->safe_psql($db, $pending), $was_pending, "$name: the same is pending");
	is($server->safe_psql($db, $triggers), $was_triggers, "$name: the triggers are there");
	is(not_exact($server, $db, 0), '', "$name: models are exact as of the last refresh");
	$server->safe_psql($db, buys(6, 30));
	$server->safe_psql($db, q{CALL personalize.refresh('shop.orders_h', rebuild => false)});
	$server->safe_psql($db, 'CALL personalize.refresh()');
	is(not_exact($server, $db, 1), '', "$name: a refresh takes what was pending and what came after it");
	is($server->safe_psql($db, $pending), '', "$name: nothing is pending then");
	is($server->safe_psql($db, $dependencies), $was_dependencies, "$name: dependencies are there again");
	my ($status, undef, $stderr) = $server->psql($db, 'DROP TABLE shop.order_lines');
	isnt($status, 0, "$name: the source is not dropped under its history");
	like($stderr, qr/depend on it/, "$name: which it says");
	is( $server->safe_psql($db, q{SELECT count(*) FROM shop.products AS p JOIN shop.catalog AS c ON c.item = p.id WHERE c.price = p.price AND c.available = p.in_stock}),
		'20', "$name: attributes are up to date");
	# new ids must not be those of old ones
	$server->safe_psql($db, q{SELECT personalize.create_cooccurrence('shop.another', history => 'shop.orders_h')});
	is($server->safe_psql($db, q{SELECT count(*) - count(DISTINCT id) FROM (SELECT id FROM personalize.catalog UNION ALL SELECT id FROM personalize.history UNION ALL SELECT id FROM personalize.model) AS i}),
		'0', "$name: ids are unique");
	$server->safe_psql($db, q{SELECT personalize.drop_history('shop.with_catalog', cascade => true); SELECT personalize.drop_catalog('shop.catalog')});
	$server->safe_psql($db, 'DROP TABLE shop.order_lines CASCADE');
	is($server->safe_psql($db, q{SELECT relation FROM personalize.history}), 'shop.views_h', "$name: CASCADE takes the history");
	is($server->safe_psql($db, q{SELECT count(*) FROM personalize.model WHERE relation::text ~ 'seen'}), '2', "$name: and leaves others' models");
	is($server->safe_psql($db, q{SELECT count(*) FROM personalize.model}), '2', "$name: and takes its own");
}

# Text, in one transaction so that nothing fails unnoticed; and the custom format with two jobs.
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

# DROP EXTENSION: refused while there are models; CASCADE takes them and leaves the shop's tables, without triggers.
my ($status, undef, $stderr) = $node->psql('shop', 'BEGIN; DROP EXTENSION personalize');
isnt($status, 0, 'DROP EXTENSION is refused');
like($stderr, qr/table shop\.bought_together depends on extension personalize/, 'because of the models');
my $lines = $node->safe_psql('shop', 'SELECT count(*) FROM shop.order_lines');
is( $node->safe_psql('shop', q{SET client_min_messages = error; BEGIN; DROP EXTENSION personalize CASCADE;
		INSERT INTO shop.order_lines (order_id, product_id) VALUES (1, 1); SELECT count(*) - 1 FROM shop.order_lines;
		SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'p');
		SELECT count(*) FROM pg_trigger WHERE tgname ~ 'personalize' OR tgrelid = 'shop.order_lines'::regclass;
		SELECT count(*) FROM pg_namespace WHERE nspname = 'personalize'; ROLLBACK}),
	"$lines\norder_lines products views views_0 views_1\n0\n0", 'CASCADE takes models, triggers and registry, and leaves the shop');
is($node->safe_psql('shop', $triggers), $was_triggers, 'rolled back, all is there');
is(fingerprint($node, 'shop'), $expected, 'and the same');

# Upgrade, into the same version.
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
my $bindir = $node->config_data('--bindir');
chomp $bindir;
my @upgrade = ('pg_upgrade', '--no-sync', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
	'-s', $node->host, '-p', $node->port, '-P', $new->port);
@upgrade = grep { $_ ne '--no-sync' } @upgrade if $node->pg_version < 15;
$node->stop;
chdir $PostgreSQL::Test::Utils::tmp_check;
command_ok([ @upgrade, '--check' ], 'pg_upgrade --check');
command_ok(\@upgrade, 'pg_upgrade');
$new->start;
works($new, 'shop', 'upgraded');
$new->stop;

done_testing();
