# Too little memory, cancellation, progress: what happens to long statements, as a role without any privilege.
use strict;
use warnings;

use IPC::Run qw(start pump finish);
use List::Util qw(max min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $limit_ms = 100;           # from the cancel to the error's arrival
my $loaded_limit_ms = 500;    # where other processes have the processors

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = 128MB\nmax_parallel_workers_per_gather = 0\nmaintenance_work_mem = 256MB");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sql(<<'END');
CREATE EXTENSION personalize;
CREATE ROLE clerk LOGIN;
CREATE SCHEMA clerk AUTHORIZATION clerk;
CREATE FUNCTION mix(x bigint, seed bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT pg_catalog.hashint8extended(x, seed) & 9223372036854775807';
SET ROLE clerk;
CREATE TABLE clerk.dense AS SELECT personalize.cooccurrence(r % 8000, (mix(r, 2) % 65536)::int) AS m FROM (SELECT generate_series(1, 5000000) AS r) AS s;
CREATE TABLE clerk.damped AS SELECT personalize.cooccurrence(r % 8000, (mix(r, 2) % 65536)::int, 0.5, NULL) AS m FROM (SELECT generate_series(1, 2500000) AS r) AS s;
END

# Waits until a process has been in a phase for some time, cancels it, and says when that was and what progress had shown.
sql(<<'END');
CREATE FUNCTION cancel_in(victim int, wanted text, delay float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text[] := '{}';
	since timestamptz;
	began timestamptz := clock_timestamp();
	most float8 := 0;
	p record;
BEGIN
	LOOP
		PERFORM pg_stat_clear_snapshot();
		SELECT * INTO p FROM personalize.progress WHERE pid = victim;
		IF p.phase IS NOT NULL AND p.phase <> ALL (seen) THEN
			seen := seen || p.phase;
		END IF;
		most := greatest(most, p.done / p.total::float8);
		IF p.phase = wanted OR wanted = 'any' THEN
			since := coalesce(since, clock_timestamp());
		END IF;
		EXIT WHEN clock_timestamp() > since + make_interval(secs => delay) OR clock_timestamp() > began + interval '15 s';
		PERFORM pg_sleep(0.002);
	END LOOP;
	RETURN format('cancelled %s %s %s %s %s', extract(epoch FROM clock_timestamp()), pg_cancel_backend(victim), replace(array_to_string(seen, '+'), ' ', '_'), round(most::numeric, 3),
				  (SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()));
END $$;
GRANT EXECUTE ON FUNCTION pg_ls_tmpdir() TO clerk;
END

# ---------------------------------------------------------------- sessions that stay

sub session
{
	my ($role) = @_;
	my $s = { in => '', out => '' };
	$s->{process} = start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres') . " user=$role" ], '<', \$s->{in}, '>', \$s->{out}, '2>', \$s->{errors});
	return $s;
}

# Everything up to the line that begins with `until`, which is returned.
sub wait_for
{
	my ($s, $until) = @_;
	pump $s->{process} until $s->{out} =~ s/\A.*?^(\Q$until\E[^\n]*)\n//ms;
	return $1;
}

sub give
{
	my ($s, $text) = @_;
	$s->{in} .= "$text\n";
	$s->{process}->pump_nb while length $s->{in};
}

sub ask
{
	my ($s, $text) = @_;
	give($s, "$text;\n\\echo asked");
	pump $s->{process} until $s->{out} =~ s/\A(.*?)\n?^asked\n//ms;
	return $1;
}

my $clerk = session('clerk');
my $superuser = $node->connstr('postgres') =~ /user=(\S+)/ ? $1 : sql('SELECT current_user');
my $watch = session($superuser);
my $pid = ask($clerk, 'SELECT pg_backend_pid()');

# ---------------------------------------------------------------- memory

sub fails_in_clerk
{
	my ($statement) = @_;
	$clerk->{errors} = '';
	ask($clerk, "\\set VERBOSITY verbose\n$statement");
	return $clerk->{errors};
}

for my $case (
	[ 'neighbors', 'SELECT count(*) FROM clerk.dense, personalize.neighbors(m)' ],
	[ 'pairs', 'SELECT count(*) FROM clerk.dense, personalize.pairs(m)' ],
	[ 'num_pairs', 'SELECT personalize.num_pairs(m) FROM clerk.dense' ],
	[ 'pair_count', 'SELECT personalize.pair_count(m, 1, 2) FROM clerk.dense' ],
	[ '+', 'SELECT m OPERATOR(personalize.+) m FROM clerk.dense' ],
	[ 'rollup', 'SELECT personalize.rollup(m) FROM clerk.dense' ],
	[ 'the aggregate', 'SELECT personalize.cooccurrence(r % 1000, r) FROM (SELECT generate_series(1, 500000) AS r) AS s' ])
{
	my ($name, $statement) = @$case;
	for my $memory ('1MB', '3MB')
	{
		like( fails_in_clerk("SET personalize.matrix_mem = '$memory';\n$statement"),
			qr/ERROR:  54000: .* needs \d+ .?B, personalize\.matrix_mem allows ${\ ($memory =~ s{(?=.B)}{ }r)}\b.*HINT: /s, "$name in $memory: says what it needs and what it may have");
	}
}
is(ask($clerk, "RESET personalize.matrix_mem;\nSELECT personalize.num_baskets(m) FROM clerk.dense"), '8000', 'nothing is lost');

# In a transaction that goes on.
like( ask($clerk, "BEGIN;\nSAVEPOINT s;\nSET LOCAL personalize.matrix_mem = '1MB';\nSELECT count(*) FROM clerk.dense, personalize.neighbors(m);\nROLLBACK TO s;\n"
		. 'SELECT personalize.num_items(m) FROM clerk.dense;COMMIT'), qr/^65536$/m, 'the transaction goes on after ROLLBACK TO');

# ---------------------------------------------------------------- cancellation

my $processors = () = (-r '/proc/cpuinfo' ? slurp_file('/proc/cpuinfo') : '') =~ /^processor/mg;
sub is_loaded { return -r '/proc/loadavg' && (split / /, slurp_file('/proc/loadavg'))[0] > ($processors || 1) * 0.75; }
sub no_temporary_files { return ask($watch, 'SELECT count(*) FROM pg_ls_tmpdir()') eq '0'; }

my (%phases, %latencies);

# One statement, cancelled once; the milliseconds it took to be gone.
sub cancelled_after
{
	my ($statement, $phase, $delay, $check_files) = @_;
	$clerk->{errors} = '';
	give($clerk, "$statement;\n\\echo :SQLSTATE\nSELECT 'over ' || extract(epoch FROM clock_timestamp());");
	give($watch, "SELECT cancel_in($pid, '$phase', $delay);");
	my (undef, $at, $sent, $phases, $done, $files) = split / /, wait_for($watch, 'cancelled');
	my (undef, $over) = split / /, wait_for($clerk, 'over');
	if ($clerk->{errors} eq '' && $over < $at && $delay > 0.05)
	{
		# it was done before anyone cancelled, which says nothing
		return cancelled_after($statement, $phase, $delay * 0.75, $check_files);
	}
	$phases{$_} = 1 for split /\+/, $phases;
	like($clerk->{errors}, qr/57014: canceling statement due to user request/, "cancelled in $phases");
	cmp_ok($files, '>', 0, 'there were temporary files') if $check_files;
	return 1000 * ($over - $at);
}

sub timed_out_after
{
	my ($statement, $ms) = @_;
	$clerk->{errors} = '';
	give($clerk, "SET statement_timeout = $ms;\nSELECT 'begun ' || extract(epoch FROM clock_timestamp());\n$statement;\nRESET statement_timeout;\nSELECT 'over ' || extract(epoch FROM clock_timestamp());");
	my (undef, $begun) = split / /, wait_for($clerk, 'begun');
	my (undef, $over) = split / /, wait_for($clerk, 'over');
	like($clerk->{errors}, qr/57014: canceling statement due to statement timeout/, "timed out after $ms ms");
	return 1000 * ($over - $begun) - $ms;
}

# A machine may stall once; what takes long without a look at interrupts does so each time.
sub answers_in_time
{
	my ($name, $measure) = @_;
	my $ms = $measure->();
	for (1 .. 4)
	{
		last if $ms <= $limit_ms;
		diag(sprintf '%s answered after %.0f ms, once more', $name, $ms);
		$ms = min($ms, $measure->());
	}
	push @{ $latencies{$name} }, $ms;
	cmp_ok($ms, '<=', is_loaded() ? $loaded_limit_ms : $limit_ms, sprintf '%s answers to a cancel, in %.0f ms', $name, $ms);
	ok(no_temporary_files(), "$name leaves no temporary file");
}

my $lines = 'SELECT generate_series(1, 9000000) AS r';
my %statement = (
	'aggregate' => "SELECT pg_column_size(personalize.cooccurrence((mix(r, 3) % 2500000)::int, (mix(r, 4) % 60000)::int)) FROM ($lines) AS s",
	'aggregate of texts' => "SET work_mem = '64kB';\nSELECT pg_column_size(personalize.cooccurrence('customer ' || mix(r, 3) % 500000, 'a product of ours ' || mix(r, 4) % 300000)) FROM (SELECT generate_series(1, 2000000) AS r) AS s",
	'aggregate of large baskets' => "RESET work_mem;\nSELECT pg_column_size(personalize.cooccurrence(r % 8000, (mix(r, 2) % 65536)::int)) FROM ($lines) AS s",
	'fused neighbors' => "RESET work_mem;\nSELECT count(*) FROM clerk.dense, personalize.neighbors(m, k => 100, measure => 'kernel')",
	'neighbors by rows' => "SELECT count(*) FROM clerk.dense, personalize.neighbors(m, measure => 'llr')",
	'damped neighbors' => 'SELECT count(*) FROM clerk.damped, personalize.neighbors(m, min_count => 0)',
	'pairs' => 'SELECT count(*) FROM clerk.dense, personalize.pairs(m)',
	'num_pairs' => 'SELECT personalize.num_pairs(m) FROM clerk.dense');

for my $plan (
	[ 'aggregate', 'merging', 0, 0.3, 0.6, 0.8, 1.0 ],
	[ 'aggregate of texts', 'merging', 0.02, 0.4, 0.7, 1.0 ],
	[ 'aggregate of large baskets', 'merging', 0.05, 0.3 ],
	[ 'fused neighbors', 'multiplying', 0, 0.2, 0.8, 1.5 ],
	[ 'neighbors by rows', 'multiplying', 0.05, 0.5, 1.5 ],
	[ 'damped neighbors', 'multiplying', 0.03, 0.3, 1.5 ],
	[ 'pairs', 'multiplying', 0.2, 0.5 ],
	[ 'num_pairs', 'multiplying', 0.3, 1 ])
{
	my ($name, $phase, @delays) = @$plan;
	for my $delay (@delays)
	{
		answers_in_time($name, sub { return cancelled_after($statement{$name}, $phase, $delay, $name =~ /texts/) });
	}
}
# this phase is short, and a loaded machine may look only before and after it
for (1 .. 5)
{
	answers_in_time('fused neighbors', sub { return cancelled_after($statement{'fused neighbors'}, 'returning rows', 0.3, 0) });
	last if $phases{returning_rows};
}
for my $name ('aggregate', 'fused neighbors', 'neighbors by rows', 'pairs')
{
	answers_in_time($name, sub { return timed_out_after($statement{$name}, $name eq 'pairs' ? 500 : 1500) });
}
diag(sprintf '%s: cancelled after %s ms', $_, join ', ', map { sprintf '%.0f', $_ } @{ $latencies{$_} }) for sort keys %latencies;
is(join(' ', sort keys %phases), 'merging multiplying returning_rows', 'personalize.progress showed every phase');

# ---------------------------------------------------------------- errors in the middle

$clerk->{errors} = '';
ask($clerk, "SET work_mem = '64kB';\nSELECT personalize.cooccurrence(mix(r, 3) % 100000, r, CASE WHEN r = 800000 THEN -1 ELSE 1 END) FROM (SELECT generate_series(1, 1000000) AS r) AS s");
like($clerk->{errors}, qr/22003: weight is out of range: -1/, 'an error after much work');
ok(no_temporary_files(), 'leaves no temporary file');
is(ask($watch, 'SELECT count(*) FROM personalize.progress'), '0', 'nothing is in progress any more');
is(ask($clerk, "RESET work_mem;\nSELECT personalize.num_baskets(m) FROM clerk.dense"), '8000', 'and the session goes on');

for my $s ($clerk, $watch)
{
	$s->{in} .= "\\q\n";
	finish $s->{process};
}
$node->stop;
done_testing();
