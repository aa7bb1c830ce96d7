# Builds and refreshes that do not come to their end, for lack of memory or disk or because they are cancelled: the old model stays.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use IPC::Run qw(start pump finish);
use List::Util qw(min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;
use Time::HiRes qw(sleep time);

my $limit_ms = 100;           # from the cancel to the error's arrival
my $loaded_limit_ms = 500;    # where other processes have the processors

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_buffers = 64MB\nmaintenance_work_mem = 64MB\nautovacuum = off\nmax_wal_size = 2GB");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

sql(<<'END');
CREATE EXTENSION personalize;
CREATE ROLE clerk LOGIN;
CREATE SCHEMA clerk AUTHORIZATION clerk;
CREATE FUNCTION mix(x bigint, seed bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT pg_catalog.hashint8extended(x, seed) & 9223372036854775807';
SET ROLE clerk;
CREATE TABLE clerk.lines AS SELECT r / 8 AS basket, ((mix(r, 1) % 20000) * (mix(r, 2) % 1000) / 1000)::int AS item FROM generate_series(1, 1200000) AS r;
CREATE INDEX ON clerk.lines (basket);
ANALYZE clerk.lines;
SELECT personalize.create_history('clerk.h', interactions => 'clerk.lines', basket => 'basket', item => 'item');
SELECT personalize.create_cooccurrence('clerk.m', history => 'clerk.h', measure => 'cosine');
END

my $face = q{SELECT count(*), md5(string_agg(m::text, '' ORDER BY item)) FROM clerk.m AS m};
my $old = sql($face);
my $changes = 0;
# other items each time, so that there is something to change
sub change_many
{
	$changes++;
	sql("SET ROLE clerk; INSERT INTO clerk.lines SELECT b, (b * 7 + $changes) % 15000 FROM generate_series(1, 60000) AS b");
}
my $refresh = q{CALL personalize.refresh('clerk.h', rebuild => false)};
my $rebuild = q{CALL personalize.refresh('clerk.h', rebuild => true)};
my $create = q{SELECT personalize.create_cooccurrence('clerk.other', history => 'clerk.h', measure => 'llr', damping => 0.5)};

# What an error leaves: the old model, its changes still pending, and no temporary file.
sub nothing_happened
{
	my ($name) = @_;
	is(sql($face), $old, "$name: the old model is there");
	is(sql(q{SELECT to_regclass('clerk.other') IS NULL AND NOT EXISTS (SELECT FROM personalize.model WHERE relation <> 'clerk.m'::regclass)}), 't', "$name: and no half of another");
	is(sql('SELECT count(*) FROM pg_ls_tmpdir()'), '0', "$name: no temporary file");
}

# ---------------------------------------------------------------- cancellation

sub session
{
	my $s = { in => '', out => '', errors => '' };
	$s->{process} = start([ 'psql', '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres') . ' user=clerk' ], '<', \$s->{in}, '>', \$s->{out}, '2>', \$s->{errors});
	return $s;
}

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

my $clerk = session();
give($clerk, q{SELECT 'pid ' || pg_backend_pid();});
my (undef, $pid) = split / /, wait_for($clerk, 'pid');
my $processors = () = (-r '/proc/cpuinfo' ? slurp_file('/proc/cpuinfo') : '') =~ /^processor/mg;
sub is_loaded { return -r '/proc/loadavg' && (split / /, slurp_file('/proc/loadavg'))[0] > ($processors || 1) * 0.75; }
my (%phases, @latencies);

# The milliseconds that a cancel takes; undef where the statement was over before it.
sub cancelled_after
{
	my ($statement, $delay) = @_;
	$clerk->{errors} = '';
	give($clerk, "$statement;\n\\echo :SQLSTATE\nSELECT 'over ' || extract(epoch FROM clock_timestamp());");
	sleep($delay);
	my ($phase, $sent) = split /\|/, sql("SELECT coalesce((SELECT phase FROM personalize.progress WHERE pid = $pid), 'none'), extract(epoch FROM clock_timestamp()), pg_cancel_backend($pid)");
	my (undef, $over) = split / /, wait_for($clerk, 'over');
	return undef if $clerk->{errors} !~ /canceling statement due to user request/;
	$phases{$phase}++;
	return 1000 * ($over - $sent);
}

# How long each takes when nobody cancels it, in a transaction that is rolled back.
sub seconds
{
	my ($statement) = @_;
	my $started = time;
	sql("SET ROLE clerk; BEGIN; $statement; ROLLBACK");
	return time - $started;
}

change_many();
for my $case ([ 'a rebuild', $rebuild, 12 ], [ 'a new model', $create, 8 ], [ 'a refresh', $refresh, 8 ])
{
	my ($name, $statement, $points) = @$case;
	my $length = seconds($statement);
	my ($worst, $times) = (0, 0);
	for my $point (1 .. $points)
	{
		my $ms;
		# a machine may stall once; what takes long without a look at interrupts does so each time
		for (1 .. 3)
		{
			my $once = cancelled_after($statement, $length * ($point - 0.5) / $points);
			if (defined $once)
			{
				$times++;
				$ms = defined $ms ? min($ms, $once) : $once;
			}
			else
			{
				# it ran to its end: back to what was
				sql('SET ROLE clerk; SELECT personalize.drop_model(\'clerk.other\')') if $statement eq $create;
				if ($statement ne $create)
				{
					$old = sql($face);
					change_many();
				}
			}
			last if !defined $ms || $ms <= $limit_ms;
		}
		$worst = $ms if defined $ms && $ms > $worst;
	}
	cmp_ok($times, '>', 0, "$name was cancelled");
	cmp_ok($worst, '<=', is_loaded() ? $loaded_limit_ms : $limit_ms, sprintf '%s of %.1f s answers to a cancel, at the latest in %.0f ms', $name, $length, $worst);
	nothing_happened("$name, cancelled");
}
note('cancelled in: ' . join ', ', map { "$_ ($phases{$_})" } sort keys %phases);

# ---------------------------------------------------------------- disk

sub fails_as_clerk
{
	my ($settings, $statement) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', "$settings; SET ROLE clerk; \\set VERBOSITY verbose\n$statement");
	isnt($status, 0, "$statement fails");
	return $stderr;
}

like(fails_as_clerk(q{SET temp_file_limit = '64kB'; SET maintenance_work_mem = '1MB'}, $rebuild), qr/53400: temporary file size exceeds/, 'out of room for temporary files');
nothing_happened('no room for temporary files');

# ---------------------------------------------------------------- memory

# A limit on the process, which the server's user may set for what is its own.
my $prlimit = `sh -c 'command -v prlimit'`;
chomp $prlimit;
SKIP:
{
	skip 'no prlimit to limit memory with', 10 unless $prlimit && -r "/proc/$pid/statm";
	for my $case ([ 'a rebuild', $rebuild ], [ 'a new model', $create ], [ 'a refresh', $refresh ])
	{
		my ($name, $statement) = @$case;
		# memory that a process has had, it has, the library's among it
		my $s = session();
		give($s, "SET maintenance_work_mem = '64MB';\nSELECT count(*) FROM personalize.progress;\nSELECT 'pid ' || pg_backend_pid();");
		my (undef, $process) = split / /, wait_for($s, 'pid');
		my $limit = (split / /, slurp_file("/proc/$process/statm"))[0] * 4096 + 2 * 1024 * 1024;
		is(system($prlimit, "--as=$limit:", '--pid', $process), 0, "limit set for $name");
		give($s, "\\set VERBOSITY verbose\n$statement;\n\\echo over");
		wait_for($s, 'over');
		like($s->{errors}, qr/ERROR:  53200: /, "$name without memory fails as it should");
		give($s, '\q');
		finish $s->{process};
		nothing_happened("$name, without memory");
	}
}

# Little memory is enough, and results are the same.
sql("SET maintenance_work_mem = '8MB'; SET ROLE clerk; $refresh");
my $new = sql($face);
isnt($new, $old, 'a refresh in 8 MB');
sql("SET maintenance_work_mem = '8MB'; SET ROLE clerk; $rebuild");
is(sql($face), $new, 'is what a rebuild in 8 MB makes');
sql("SET maintenance_work_mem = '256MB'; SET ROLE clerk; $rebuild");
is(sql($face), $new, 'and a rebuild in 256 MB');
is(sql(q{SELECT count(*) FROM personalize.verify('clerk.m', 0.05)}), '0', 'and exact');
is(sql('SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'no temporary file');

give($clerk, '\q');
finish $clerk->{process};
$node->stop;
done_testing();
