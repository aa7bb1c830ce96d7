# The page of send times works as written: every statement runs, and makes rows.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('page');
my $docs = $node->config_data('--docdir');
chomp $docs;
plan skip_all => "$docs/personalize is not installed" unless -e "$docs/personalize/send-time.md";

$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION personalize; CREATE SCHEMA shop');
# Three months of messages to customers in two zones, ten of whom have had none.
$node->safe_psql('postgres', <<'END');
CREATE TABLE shop.customers AS SELECT i AS customer_id, (ARRAY['Europe/Berlin', 'America/New_York'])[1 + i % 2] AS tz FROM generate_series(1, 300) AS i;
CREATE TABLE shop.messages AS
	SELECT 1 + i % 290 AS customer_id, at AS delivered_at, CASE WHEN hashint4(i) % 3 = 0 THEN at + (hashint4(i + 1) & 127) * interval '1 minute' END AS opened_at,
		   CASE WHEN hashint4(i) % 9 = 0 THEN at + interval '3 hours' END AS clicked_at, i % 50 = 0 AS machine_opened
	  FROM generate_series(1, 9000) AS i, LATERAL (SELECT now() - i % 90 * interval '1 day' - (hashint4(i) & 7) * interval '1 hour' AS at) AS t;
CREATE TABLE shop.page_views AS SELECT customer_id, delivered_at - interval '3 hours' AS at FROM shop.messages;
CREATE TABLE shop.channels AS SELECT customer_id, channel, 10 AS delivered, customer_id % 3 AS responses, 0.01 AS cost, now() AS last_response, channel = 'mail' AS opted_in
	FROM shop.customers, unnest(ARRAY['mail', 'push']) AS channel;
END

for my $block (slurp_file("$docs/personalize/send-time.md") =~ /^```sql\n(.*?)^```$/msg)
{
	for my $statement (grep { /\S/ } split /;\s*(?:\n|$)/, $block)
	{
		my ($status, $stdout, $stderr) = $node->psql('postgres', $statement, on_error_stop => 1);
		my ($what) = $statement =~ /^([^-\s][^\n]{0,60})/m;
		is($status, 0, $what) or diag($stderr);
		isnt($stdout, '', "$what: has rows") if $statement =~ /^SELECT/m && $statement !~ /^CREATE/m;
	}
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM shop.customers AS c LEFT JOIN shop.hours AS h USING (customer_id), shop.response,
	personalize.best_send_time(h.hours, model, tstzrange(now(), now() + interval $$1 day$$), c.tz) WHERE send_at IS NOT NULL AND (source = $$population$$ OR c.customer_id <= 290)'),
	'300', 'everybody gets a time, and who is new gets that of all');

$node->stop;
done_testing();
