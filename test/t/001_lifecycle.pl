# What happens to the extension's objects outside of queries: dump and restore, a replica, a crash, DROP, other roles.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A value of every type, from 2,000 baskets of three items.
my $baskets = q{(SELECT b, (b * 7 + i * i * 31 + b % 5) % 97 AS i FROM generate_series(1, 2000) AS b, generate_series(0, 2) AS i) AS line};
my %value_of = (
	activity => q{(SELECT personalize.activity(CASE b % 3 WHEN 0 THEN 'purchase' ELSE 'view' END, timestamptz '2026-01-01 00:00+00' + b * interval '1 hour', b / 3.0) FROM generate_series(1, 700) AS b)},
	buyer => q{(SELECT personalize.buyer(date '2026-01-01' + b, b / 3.0) FROM generate_series(1, 40, 3) AS b)},
	buyer_model => q{(SELECT personalize.fit_buyers(CASE b % 5 WHEN 0 THEN 1 ELSE 0 END, CASE b % 5 WHEN 0 THEN 20 ELSE 0 END, 30, b, 1) FROM generate_series(1, 90) AS b)},
	cooccurrence => "(SELECT personalize.cooccurrence(b, i) FROM $baskets)",
	population_hours => q{(SELECT personalize.population_hours(h, '2026-06-01') FROM (SELECT personalize.response_hours(timestamptz '2026-01-01 00:00+00' + b * interval '31 hours', timestamptz '2026-01-01 03:00+00' + b * interval '31 hours', 'Europe/Berlin') AS h FROM generate_series(1, 300) AS b GROUP BY b % 7) AS s)},
	response_model => q{(SELECT personalize.fit_response_model(h, '2026-06-01') FROM (SELECT personalize.response_hours(timestamptz '2026-01-01 00:00+00' + b * interval '31 hours', timestamptz '2026-01-01 03:00+00' + b * interval '31 hours', 'Europe/Berlin') AS h FROM generate_series(1, 300) AS b GROUP BY b % 7) AS s)},
	response_hours => q{(SELECT personalize.response_hours(timestamptz '2026-01-01 00:00+00' + b * interval '31 hours', timestamptz '2026-01-01 03:00+00' + b * interval '31 hours', 'Europe/Berlin') OPERATOR(personalize.+) personalize.visit_hours(timestamptz '2026-01-01 00:00+00' + b * interval '17 hours', 'Europe/Berlin') FROM generate_series(1, 300) AS b)},
	cset => q{(SELECT personalize.cset_agg(b * b % 40000 + b % 3 * 100000) FROM generate_series(1, 20000) AS b)},
	itemvec => "(SELECT personalize.itemvec(i::bigint, b / 3.0) FROM $baskets)",
	lookalike_model => q{(SELECT personalize.lookalike_model(ARRAY['a' || b % 7, 'b ' || b % 11], b % 5 = 0) FROM generate_series(1, 400) AS b)},
	rfm_model => q{(SELECT personalize.rfm_thresholds(b % 90, b % 7 + 1, b / 3.0) FROM generate_series(1, 400) AS b)},
	dropoff => q{(SELECT personalize.dropoff(b * 7 % 97 / 3.0, (array['exit', 'advance', 'convert', 'open'])[1 + b % 4], timestamptz '2026-01-01 00:00+00' + b * interval '1 day') FROM generate_series(1, 700) AS b)},
	trigger_efficacy => q{(SELECT personalize.trigger_efficacy(CASE WHEN b % 2 = 0 THEN b % 30 END, b % 97, b % 7 = 0) FROM generate_series(1, 700) AS b)},
	km => q{(SELECT personalize.km(b * 7 % 97 / 8.0, b % 3 > 0) FROM generate_series(1, 700) AS b)},
	rule => q{personalize.rule 'count(purchase, 365 days) >= 4 and not (did(purchase, this month) or attr(country) in (IN, ''G B''))'});

my $neighbors = q{SELECT n.* FROM shop.summary, personalize.neighbors(cooccurrence, NULL::integer, k => 5) AS n};

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->start;

sub sql
{
	my ($server, $db, $text) = @_;
	return $server->safe_psql($db, $text);
}

sub fails
{
	my ($db, $text, $error, $name) = @_;
	my ($status, undef, $stderr) = $node->psql($db, $text);
	isnt($status, 0, "$name: fails");
	like($stderr, $error, "$name: says why");
}

# A schema that somebody made first may hold anything: it is not adopted.
sql($node, 'postgres', 'CREATE DATABASE planted');
sql($node, 'planted', 'CREATE SCHEMA personalize; CREATE FUNCTION personalize.planted() RETURNS int LANGUAGE sql AS $$SELECT 1$$');
fails('planted', 'CREATE EXTENSION personalize', qr/schema "personalize" already exists/, 'CREATE EXTENSION over a planted schema');
is(sql($node, 'planted', q{SELECT count(*) FROM pg_extension WHERE extname = 'personalize'}), '0', 'and leaves nothing behind');

# The other tests' database. Every type must be among the values above, so that a new type gets its tests.
sql($node, 'postgres', 'CREATE DATABASE shop');
sql($node, 'shop', 'CREATE EXTENSION personalize; CREATE SCHEMA shop');
my @types = split /\n/, sql($node, 'shop',
	q{SELECT typname FROM pg_type WHERE typnamespace = 'personalize'::regnamespace AND typtype = 'b' AND typcategory <> 'A' ORDER BY typname COLLATE "C"});
is_deeply(\@types, [ sort keys %value_of ], 'every type has a value in this test');

sql($node, 'shop', 'CREATE TABLE shop.summary (id int, ' . join(', ', map { "$_ personalize.$_" } @types) . ')');
sql($node, 'shop', 'INSERT INTO shop.summary SELECT 1, ' . join(', ', @value_of{@types}));
sql($node, 'shop', "CREATE MATERIALIZED VIEW shop.bought_together AS $neighbors; CREATE UNIQUE INDEX ON shop.bought_together (item, neighbor)");
sql($node, 'shop', 'REFRESH MATERIALIZED VIEW CONCURRENTLY shop.bought_together');

# One text that changes with anything stored, and with anything computed from it.
my $fingerprint = 'SELECT md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")) FROM shop.summary AS r'
	. qq{ UNION ALL SELECT count(*) || md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")) FROM ($neighbors) AS r}
	. q{ UNION ALL SELECT count(*) || md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")) FROM shop.bought_together AS r};
my $expected = sql($node, 'shop', $fingerprint);
my ($stored, $computed, $view) = split /\n/, $expected;
like($computed, qr/^[1-9]\d\d/, 'there are neighbors to compare');
is($view, $computed, 'the materialized view holds what the query answers');

# Dump and restore, as one transaction so that nothing fails unnoticed.
my $dump = $node->backup_dir . '/shop.sql';
mkdir $node->backup_dir;
command_ok([ 'pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('shop') ], 'pg_dump');
sql($node, 'postgres', 'CREATE DATABASE restored');
command_ok([ 'psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restore');
is(sql($node, 'restored', $fingerprint), $expected, 'a restored database answers the same');
unlike(slurp_file($dump), qr/CREATE FUNCTION|CREATE TYPE/, "the dump leaves the extension's own objects to the extension");

# A replica answers, too.
$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;
sql($node, 'shop', 'INSERT INTO shop.summary SELECT 2, ' . join(', ', map { "NULL" } @types) . '; REFRESH MATERIALIZED VIEW CONCURRENTLY shop.bought_together');
$expected = sql($node, 'shop', $fingerprint);
$node->wait_for_catchup($replica);
is(sql($replica, 'shop', 'SELECT pg_is_in_recovery()'), 't', 'the replica is one');
is(sql($replica, 'shop', $fingerprint), $expected, 'a replica answers the same');
$replica->stop;

# Everything is in heap tables, so a crash takes nothing.
$node->stop('immediate');
$node->start;
is(sql($node, 'shop', $fingerprint), $expected, 'after a crash, the same');

# A role without any privilege can use everything on its own data.
sql($node, 'shop', 'CREATE ROLE clerk LOGIN; CREATE SCHEMA clerk AUTHORIZATION clerk');
is( sql($node, 'shop', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'personalize'::regnamespace AND NOT has_function_privilege('clerk', oid, 'EXECUTE')}),
	'0', 'every function is for everybody');
is( sql($node, 'shop', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'personalize'::regnamespace AND relkind = 'v' AND NOT has_table_privilege('clerk', oid, 'SELECT')}),
	'0', 'every view is for everybody');
my $as_clerk = "SET ROLE clerk; CREATE TABLE clerk.summary AS SELECT 1 AS id, " . join(', ', map { "$value_of{$_} AS $_" } @types)
	. '; SELECT count(*) FROM clerk.summary, personalize.neighbors(cooccurrence, NULL::integer, k => 5); SELECT count(*) >= 0 FROM personalize.progress';
like(sql($node, 'shop', $as_clerk), qr/^[1-9]\d\d+\nt$/, 'an ordinary role aggregates, stores and reads');
fails('shop', 'SET ROLE clerk; SELECT * FROM shop.bought_together', qr/permission denied for schema shop/, 'and sees nothing of others');

# DROP EXTENSION.
fails('shop', 'DROP EXTENSION personalize', qr/column cooccurrence of table shop\.summary depends on type/, 'DROP EXTENSION with dependents');
is(sql($node, 'shop', $fingerprint), $expected, 'and nothing is gone');
sql($node, 'shop', 'SET client_min_messages = error; DROP EXTENSION personalize CASCADE');
is( sql($node, 'shop', q{SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = 'shop.summary'::regclass AND attnum > 0 AND NOT attisdropped}),
	'id', 'CASCADE takes the columns and leaves the table');
is(sql($node, 'shop', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'personalize'}), '0', 'the schema is gone');
sql($node, 'shop', 'CREATE EXTENSION personalize');
is( sql($node, 'shop', 'SELECT count(*) > 0 FROM personalize.neighbors(' . $value_of{cooccurrence} . ', NULL::integer, k => 5)'),
	't', 'and it can be created again');

$node->stop;
done_testing();
