# Dump, restore and upgrade: widgets go along, answer the same, and depend on what they read from the first refresh on.
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
$node->safe_psql('postgres', 'CREATE ROLE clerk LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION personalize');
create_shop($node, 'shop', 300);
$node->safe_psql('shop', <<'END');
GRANT USAGE ON SCHEMA shop TO clerk;
ALTER TABLE shop.order_lines ADD customer int;
UPDATE shop.order_lines SET customer = order_id % 37;
CREATE INDEX ON shop.order_lines (customer);
CREATE TABLE shop.products (id int PRIMARY KEY, in_stock boolean, price numeric, category text, brand text);
INSERT INTO shop.products SELECT i, i % 5 > 0, i, 'category ' || i % 4, 'brand ' || i % 6 FROM generate_series(0, 99) AS i;
SELECT personalize.create_catalog('shop.catalog', products => 'shop.products', item => 'id', available => 'in_stock', price => 'price', category => 'category');
SELECT personalize.create_history('shop.orders_h', 'shop.order_lines', 'order_id', 'product_id', 'ordered_at', catalog => 'shop.catalog');
SELECT personalize.create_history('shop.customers_h', 'shop.order_lines', 'customer', 'product_id', 'ordered_at', catalog => 'shop.catalog');
SELECT personalize.create_cooccurrence('shop.bought_together', 'shop.orders_h');
SELECT personalize.create_cooccurrence('shop."Bought & ""Seen"""', 'shop.customers_h', measure => 'cosine');
SELECT personalize.create_widget('shop.product_page', '{"shop.bought_together": 0.6}', filter => 'in_stock', exclude => '{bought 90 days, cart}', max_per_category => 3);
SELECT personalize.create_widget('shop."Seite ""1""; --"', '[{"source": "also", "model": "shop.\"Bought & \"\"Seen\"\"\"", "weight": 2, "from": ["cart", "bought"], "slots": [2, 3]}, "shop.bought_together"]',
	histories => '{"bought": "shop.customers_h"}', mix => 'rrf', max_per => '{"brand": 2}', rules => '{"category": "other"}', fallback => '{shop.bought_together}', diversity => 0.2, shuffle => 2, k => 5);
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA shop FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.product_page TO clerk;
GRANT SELECT ON shop.bought_together, shop.customers_h, shop.products TO clerk;
COMMENT ON FUNCTION shop.product_page IS 'what goes well with it';
CREATE SCHEMA later;
ALTER FUNCTION shop.product_page SET SCHEMA later;
GRANT USAGE ON SCHEMA later TO clerk;
ALTER SCHEMA later RENAME TO pages;
END

# All that a person can see of widgets, and what they answer: the day of the dump is fixed, as exclusion counts days from now.
my $as_of = q{as_of => '2026-02-01 00:00+00'};
my $expected_of = qq{
	SELECT 'defined', to_jsonb(w)::text FROM personalize.widgets AS w UNION ALL
	SELECT 'function', pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') || coalesce(obj_description(p.oid), '') FROM pg_proc AS p WHERE p.prosrc ~ 'personalize.recommend' AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql') UNION ALL
	SELECT 'page of ' || i, (SELECT string_agg(r::text, ' ' ORDER BY rank) FROM pages.product_page(customer => i, item => i * 2, $as_of) AS r) FROM generate_series(1, 20) AS i UNION ALL
	SELECT 'cart of ' || i, (SELECT string_agg(r::text, ' ' ORDER BY rank) FROM shop."Seite ""1""; --"(customer => i, cart => ARRAY[i, i + 3], $as_of) AS r) FROM generate_series(1, 20) AS i
	ORDER BY 1, 2};
my $expected = $node->safe_psql('shop', $expected_of);
like($expected, qr/page of 7\|\(/, 'widgets answer');
is($node->safe_psql('shop', 'SELECT count(*) FROM personalize.widgets WHERE problem IS NOT NULL'), '0', 'no widget has a problem');

my $dependencies = q{SELECT objid::regproc, pg_describe_object(refclassid, refobjid, refobjsubid), deptype FROM pg_depend
	WHERE classid = 'pg_proc'::regclass AND objid IN (SELECT function FROM personalize.widgets) AND refclassid IN ('pg_class'::regclass, 'pg_extension'::regclass) ORDER BY 1::text, 2};
my $were_dependencies = $node->safe_psql('shop', $dependencies);
like($were_dependencies, qr/bought_together/, 'widgets depend on models');

sub works
{
	my ($server, $db, $name) = @_;
	is($server->safe_psql($db, $expected_of), $expected, "$name: widgets are defined and answer the same");
	my ($status, $out, $stderr) = $server->psql($db, 'SELECT count(*) FROM pages.product_page(item => 3)', connstr => $server->connstr($db) . ' user=clerk');
	is($out, '12', "$name: the clerk may call it");
	($status, $out, $stderr) = $server->psql($db, 'SELECT count(*) FROM shop."Seite ""1""; --"(item => 3)', connstr => $server->connstr($db) . ' user=clerk');
	like($stderr, qr/permission denied/, "$name: and not the other");
	($status, undef, $stderr) = $server->psql($db, q{SELECT personalize.drop_model('shop.bought_together')});
	like($stderr, qr/cannot drop table shop\.bought_together because other objects depend on it/, "$name: drop_model knows of widgets before any refresh");
	$server->safe_psql($db, q{CALL personalize.refresh('shop.orders_h')});
	is($server->safe_psql($db, $dependencies), $were_dependencies, "$name: dependencies are there after the first refresh");
	($status, undef, $stderr) = $server->psql($db, 'DROP TABLE shop.bought_together');
	isnt($status, 0, "$name: the model is not dropped under its widgets");
	like($stderr, qr/function pages\.product_page\(.*\) depends on table shop\.bought_together/, "$name: which it says");
	# names go on being followed, and new ids are not those of old ones
	$server->safe_psql($db, 'ALTER FUNCTION pages.product_page RENAME TO page2; ALTER SCHEMA pages RENAME TO pages2');
	$server->safe_psql($db, q{SELECT personalize.alter_widget('pages2.page2', k => 3); SELECT personalize.create_widget('shop.third', '{"shop.bought_together": 1}')});
	is($server->safe_psql($db, 'SELECT count(*), count(DISTINCT id), count(problem) FROM personalize.widgets'), '3|3|0', "$name: three widgets without a problem");
	is($server->safe_psql($db, 'SELECT count(*) FROM pages2.page2(item => 3)'), '3', "$name: altered under its new name");
	$server->safe_psql($db, 'DROP TABLE shop.order_lines CASCADE');
	is($server->safe_psql($db, 'SELECT count(*) FROM personalize.widget'), '0', "$name: CASCADE takes the widgets");
	is($server->safe_psql($db, q{SELECT count(*) FROM pg_proc WHERE pronamespace IN ('shop'::regnamespace, 'pages2'::regnamespace)}), '0', "$name: and their functions");
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
