# The job of the documentation, run by pg_cron, where that is installed.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cron');
my $library = $node->config_data('--pkglibdir');
chomp $library;
plan skip_all => 'pg_cron is not installed' unless -e "$library/pg_cron.so";

$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.use_background_workers = on\nmax_worker_processes = 20");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; CREATE EXTENSION personalize');
create_shop($node, 'postgres', 100);
create_models($node, 'postgres');
$node->safe_psql('postgres', buys(1, 10));
$node->safe_psql('postgres', q{SELECT cron.schedule('refresh models', '* * * * *', 'CALL personalize.refresh()')});
ok( $node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}), 'the job has run');
is($node->safe_psql('postgres', q{SELECT return_message FROM cron.job_run_details WHERE status = 'failed'}), '', 'and not failed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM personalize.status WHERE pending > 0'), '0', 'nothing is pending any more');
is(not_exact($node, 'postgres', 1), '', 'and the models are exact');
$node->stop;
done_testing();
