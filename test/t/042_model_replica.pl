# A streaming replica answers what its primary answers; changes that logical replication applies are noticed where the history asks for it.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 'logical');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize');
create_shop($node, 'postgres', 500);
create_models($node, 'postgres');

# ---------------------------------------------------------------- streaming

$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;

for my $seed (1 .. 3)
{
	$node->safe_psql('postgres', buys($seed, 50));
	$node->safe_psql('postgres', 'CALL personalize.refresh(rebuild => ' . ($seed == 2 ? 'true' : 'false') . ')');
	# and something that is pending
	$node->safe_psql('postgres', buys($seed + 10, 5));
	$node->wait_for_catchup($replica);
	is(fingerprint($replica, 'postgres'), fingerprint($node, 'postgres'), "the replica answers the same after refresh $seed");
	is(not_exact($replica, 'postgres', 0), '', 'where verify proves it, too');
}
my ($status, undef, $stderr) = $replica->psql('postgres', q{CALL personalize.refresh('shop.orders_h')});
isnt($status, 0, 'a replica does not refresh');
like($stderr, qr/cannot execute personalize\.refresh\(\) during recovery/, 'and says why');
for (q{erase('shop.orders_h', 1)}, q{create_history('shop.h', 'shop.order_lines', 'order_id', 'product_id')}, q{create_catalog('shop.c', item_type => 'text')},
	q{create_cooccurrence('shop.m', 'shop.orders_h')}, q{alter_model('shop.bought_together', neighbors => 3)},
	q{drop_model('shop.bought_together')}, q{drop_history('shop.orders_h')}, q{drop_catalog('shop.orders_h_items')})
{
	my ($function) = /^(\w+)/;
	(undef, undef, $stderr) = $replica->psql('postgres', "SELECT personalize.$_");
	like($stderr, qr/cannot execute personalize\.$function\(\) during recovery/, "nor does it $function");
}
$replica->promote;
(undef, undef, $stderr) = $replica->psql('postgres', q{CALL personalize.refresh()});
like($stderr, qr/NOTICE:  refreshed history shop\.orders_h: \d+ baskets, \d+ pairs, \d+ items in [\d.]+ ms$/m, 'a refresh says what it did');
is(not_exact($replica, 'postgres', 1), '', 'promoted, it goes on where the primary was');
$replica->stop;

# ---------------------------------------------------------------- logical replication

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE EXTENSION personalize');
create_shop($subscriber, 'postgres', 0);
$subscriber->safe_psql('postgres', <<'END');
SELECT personalize.create_history('shop.orders_h', interactions => 'shop.order_lines', basket => 'order_id', item => 'product_id', happened => 'ordered_at', replica => true);
SELECT personalize.create_history('shop.views_h', interactions => 'shop.views', basket => 'session_id', item => 'product', happened => 'seen', max_basket => 4, replica => true);
SELECT personalize.create_cooccurrence('shop.bought_together', history => 'shop.orders_h', measure => 'cosine', neighbors => 5);
SELECT personalize.create_cooccurrence('shop.seen_together', history => 'shop.views_h', measure => 'llr', neighbors => 10);
END
$node->safe_psql('postgres', 'ALTER TABLE shop.views_0 REPLICA IDENTITY FULL; ALTER TABLE shop.views_1 REPLICA IDENTITY FULL; ALTER TABLE shop.views REPLICA IDENTITY FULL');
$node->safe_psql('postgres', 'CREATE PUBLICATION shop FOR TABLE shop.order_lines, shop.views');
my $publisher = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION shop CONNECTION '$publisher' PUBLICATION shop");
$subscriber->wait_for_subscription_sync($node, 'shop');

sub is_exact_at_subscriber
{
	my ($what) = @_;
	$node->wait_for_catchup('shop');
	$subscriber->safe_psql('postgres', 'CALL personalize.refresh()');
	is(not_exact($subscriber, 'postgres', 1), '', "exact after $what");
	is( $subscriber->safe_psql('postgres', 'SELECT count(*), sum(product_id) FROM shop.order_lines'),
		$node->safe_psql('postgres', 'SELECT count(*), sum(product_id) FROM shop.order_lines'), 'with the same rows on both sides');
}
is_exact_at_subscriber('the first copy');
$node->safe_psql('postgres', buys(21, 40));
is_exact_at_subscriber('applied changes');
$node->safe_psql('postgres', q{BEGIN; UPDATE shop.order_lines SET order_id = order_id + 1 WHERE order_id % 20 = 0; SAVEPOINT s; DELETE FROM shop.order_lines; ROLLBACK TO s; COMMIT});
is_exact_at_subscriber('changed keys');
$subscriber->safe_psql('postgres', 'INSERT INTO shop.order_lines (line, order_id, product_id) VALUES (-1, 3, 96), (-2, 3, 95); DELETE FROM shop.order_lines WHERE line = -2');
$node->safe_psql('postgres', 'INSERT INTO shop.order_lines (order_id, product_id) VALUES (3, 94)');
$node->wait_for_catchup('shop');
$subscriber->safe_psql('postgres', 'CALL personalize.refresh()');
is(not_exact($subscriber, 'postgres', 1), '', 'exact after changes of both kinds');
$node->safe_psql('postgres', 'TRUNCATE shop.order_lines');
$node->wait_for_catchup('shop');
$subscriber->safe_psql('postgres', 'CALL personalize.refresh()');
is(not_exact($subscriber, 'postgres', 1), '', 'exact after TRUNCATE');

$subscriber->stop;
$node->stop;
done_testing();
