# Crashes in the midst of refreshes and of writes: afterwards the models are those of the last refresh that committed, and the
# next one makes them those of the tables.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PERSONALIZE_CRASHES} || 10;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = 32MB\nautovacuum_naptime = 1s\nlog_min_messages = error\ncheckpoint_timeout = 30s");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize');
create_shop($node, 'postgres', 3000);
create_models($node, 'postgres');
is(not_exact($node, 'postgres', 1), '', 'models are exact');

# Without an end: each transaction writes into both tables, some roll back; refreshes, some of them from the start.
$node->safe_psql('postgres', <<'END');
CREATE PROCEDURE shop.write(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		INSERT INTO shop.order_lines (order_id, product_id) SELECT 1 + (seed + i * 17 + g * 3) % 3500, (seed + i + g * g) % 97 FROM generate_series(1, 3) AS g;
		UPDATE shop.order_lines SET product_id = (product_id + seed) % 97 WHERE order_id = 1 + (i * 31 + seed) % 3500;
		DELETE FROM shop.order_lines WHERE order_id = 1 + (i * 57 + seed) % 3500;
		INSERT INTO shop.views VALUES (i % 2000, 'product ' || (i + seed) % 45, now());
		IF i % 5 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
CREATE PROCEDURE shop.refresh(seed int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100000 LOOP
		CALL personalize.refresh('shop.orders_h', (i + seed) % 3 = 0);
		COMMIT;
		CALL personalize.refresh('shop.views_h', (i + seed) % 4 = 0);
		COMMIT;
	END LOOP;
END $$;
END

my ($unfinished, $refreshes) = (0, 0);

for my $round (1 .. $rounds)
{
	my $before = $node->safe_psql('postgres', 'SELECT sum(refreshes) FROM personalize.history');
	my @clients = map {
		start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', $_ ], '>', \my $out, '2>', \my $err)
	} ("CALL shop.write($round)", 'CALL shop.write(' . $round * 1000 . ')', "CALL shop.refresh($round)");
	sleep(0.15 + rand(0.7));
	$unfinished++ if $node->safe_psql('postgres', q{SELECT count(*) FROM personalize.progress}) > 0;
	$node->stop('immediate');
	$_->finish for @clients;
	$node->start;
	is(not_exact($node, 'postgres', 0), '', "crash $round: what the last refresh left is whole");
	$refreshes += $node->safe_psql('postgres', 'SELECT sum(refreshes) FROM personalize.history') - $before;
	# without a rebuild, so that what survived the crash is what counts
	$node->safe_psql('postgres', q{CALL personalize.refresh('shop.orders_h', rebuild => false)});
	$node->safe_psql('postgres', q{CALL personalize.refresh('shop.views_h', rebuild => false)});
	is(not_exact($node, 'postgres', 1), '', "crash $round: the next refresh makes it exact");
	is( $node->safe_psql('postgres', 'SELECT relation, pending, needs_rebuild, problem FROM personalize.status WHERE pending > 0 OR needs_rebuild IS NOT NULL OR problem IS NOT NULL'),
		'', "crash $round: nothing is left to do");
}
note("$refreshes refreshes committed, $unfinished were under way at a crash");
cmp_ok($refreshes, '>', 0, 'there were refreshes between the crashes');

$node->stop;
done_testing();
