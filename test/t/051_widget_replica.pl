# A streaming replica answers calls of widgets, pages and explanations as its primary does, and writes nothing for it.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize');
create_shop($node, 'postgres', 600);
create_widgets($node, 'postgres');

$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;

sub same
{
	my ($name) = @_;
	$node->wait_for_catchup($replica);
	my $answers = widget_answers($node, 'postgres');
	like($answers, qr/^call \d{3,}/, "$name: there are answers");
	is(widget_answers($replica, 'postgres'), $answers, "$name: the replica gives the same");
}
same('at first');

# What is pending counts on both sides; so it does after a refresh.
$node->safe_psql('postgres', 'INSERT INTO shop.order_lines (order_id, product_id, ordered_at) SELECT g % 40 + 1, (g * 29) % 97, timestamptz \'2026-01-09\' FROM generate_series(1, 120) AS g');
my $before = widget_answers($node, 'postgres');
same('with pending changes');
$node->safe_psql('postgres', 'CALL personalize.refresh()');
same('after a refresh');
isnt(widget_answers($node, 'postgres'), $before, 'which has changed answers');
$node->safe_psql('postgres', 'UPDATE shop.products SET available = NOT available WHERE id % 5 = 0');
same('after products are sold out');

# One backend that has called a widget before notices that another definition has come by.
my $session = $replica->background_psql('postgres');
my $call = q{SELECT string_agg(item::text, ',' ORDER BY rank) FROM shop.for_you(3, k => 4)};
is($session->query_safe($call), $replica->safe_psql('postgres', $call), 'a session that stays');
$node->safe_psql('postgres', q{SELECT personalize.alter_widget('shop.for_you', filter => 'id < 40')});
$node->wait_for_catchup($replica);
is($session->query_safe($call), $node->safe_psql('postgres', $call), 'sees a widget altered');
is($session->query_safe(q{SELECT count(*) FROM shop.for_you(3, k => 30) WHERE item >= 40}), '0', 'with its new filter');
$node->safe_psql('postgres', q{DROP FUNCTION shop.home; SELECT personalize.drop_widget('shop.again')});
$node->wait_for_catchup($replica);
my ($status, undef, $stderr) = $replica->psql('postgres', q{SELECT * FROM shop.again(3)});
like($stderr, qr/function shop\.again\(integer\) does not exist/, 'and one that is dropped is gone');
$session->quit;

# ---------------------------------------------------------------- nothing is written

is($replica->safe_psql('postgres', 'BEGIN READ ONLY; SELECT count(*) FROM shop.for_you(3, k => 5); COMMIT'), '5', 'a READ ONLY transaction');
is($node->safe_psql('postgres', 'BEGIN READ ONLY; SELECT count(*) FROM shop.for_you(3, k => 5); COMMIT'), '5', 'also on the primary');
is( $node->safe_psql('postgres', q{BEGIN; SELECT count(*) > 0 FROM personalize.page('{shop.for_you, shop.cart_tip}', 3, cart => ARRAY[4]); SELECT count(*) > 0 FROM personalize.explain_recommendation('shop.for_you', 3, 7);
	SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT}), "t\nt\nt", 'a call takes no transaction id');
for my $case (
	[ 'create_widget', q{create_widget('shop.other', sources => '{"shop.together": 1}')} ],
	[ 'alter_widget', q{alter_widget('shop.for_you', k => 3)} ],
	[ 'drop_widget', q{drop_widget('shop.for_you')} ],
	[ 'create_page', q{create_page('shop.other', widgets => '["shop.for_you"]')} ])
{
	(undef, undef, $stderr) = $replica->psql('postgres', "SELECT personalize.$case->[1]");
	like($stderr, qr/cannot execute personalize\.$case->[0]\(\) during recovery/, "a replica does no $case->[0]");
}

$replica->promote;
$replica->safe_psql('postgres', 'INSERT INTO shop.order_lines (order_id, product_id, ordered_at) VALUES (3, 11, now()); CALL personalize.refresh()');
is($replica->safe_psql('postgres', q{SELECT count(*) FROM shop.for_you(3, k => 96) WHERE item = 11}), '0', 'promoted, it takes over');

$replica->stop;
$node->stop;
done_testing();
