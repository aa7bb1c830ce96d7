/*
 * main.c
 *		Seeds, one after the other in each of several processes.
 *
 *		interleave		environment: FIRST (1), SEEDS (1000), JOBS (processors), VERBOSE, KEEP (what failed); and libpq's own.
 *
 * Needs a superuser for setup; everything else is done by a role without any privilege but to make schemas in its database.
 */
#include "interleave.h"

#include <sys/wait.h>
#include <unistd.h>

#define MAX_FAILURES 5

static uint64_t random_state;

static char **texts;
static size_t num_texts;
static size_t texts_room;

static char *report;
static size_t report_size;
static FILE *report_file;
static bool seed_failed;

/* --- chance and text --- */

/* splitmix64 */
static uint64_t
next_random(void)
{
	uint64_t	z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t
below(uint32_t n)
{
	return (uint32_t) (next_random() % n);
}

bool
chance(int percent)
{
	return (int) below(100) < percent;
}

char *
text(const char *format,...)
{
	char	   *result;
	va_list		args;

	va_start(args, format);
	if (vasprintf(&result, format, args) < 0)
		abort();
	va_end(args);
	if (num_texts == texts_room)
	{
		texts_room = texts_room ? texts_room * 2 : 1024;
		texts = realloc(texts, texts_room * sizeof(char *));
		if (texts == NULL)
			abort();
	}
	texts[num_texts++] = result;
	return result;
}

static void
forget_texts(void)
{
	while (num_texts > 0)
		free(texts[--num_texts]);
}

static void
write_line(const char *format, va_list args)
{
	char	   *line;

	if (vasprintf(&line, format, args) < 0)
		abort();
	fprintf(report_file, "%s%s", line, line[0] && line[strlen(line) - 1] == '\n' ? "" : "\n");
	if (getenv("VERBOSE"))
		fprintf(stderr, "%s%s", line, line[0] && line[strlen(line) - 1] == '\n' ? "" : "\n");
	free(line);
}

void
note(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	write_line(format, args);
	va_end(args);
}

void
fail(const char *format,...)
{
	va_list		args;

	if (!seed_failed)
		note("FAILED");
	seed_failed = true;
	va_start(args, format);
	write_line(format, args);
	va_end(args);
}

bool
failed(void)
{
	return seed_failed;
}

/* --- one seed --- */

static void
open_sessions(const char *database)
{
	static const char *const names[NUM_WRITERS] = {"w1", "w2", "w3", "w4"};
	char	   *owner = text("dbname=%s user=shopkeeper", database);

	num_writers = 0;
	session_open(&monitor, "monitor", text("dbname=%s", database));
	session_open(&checker, "checker", owner);
	monitor.trusted = checker.trusted = true;
	for (int i = 0; i < NUM_WRITERS; i++)
		session_open(&writer[i], names[i], owner);
}

static void
close_sessions(void)
{
	session_close(&monitor);
	session_close(&checker);
	for (int i = 0; i < NUM_WRITERS; i++)
		session_close(&writer[i]);
}

static void
one_step(void)
{
	Session    *s = &writer[below(num_writers)];

	if (chance(9))
		check_busy();
	else if (chance(2))
	{
		finish_writers();
		if (chance(50))
			alter_something();
		check_quiet();
	}
	else if (!s->busy)
		write_something(s);
	sessions_settle();
}

static void
run_seed(uint64_t seed)
{
	random_state = seed * UINT64_C(0x2545f4914f6cdd1d);
	num_writers = 2 + below(NUM_WRITERS - 1);
	shop_choose();
	if (shop_create() && oracle_create())
	{
		for (int steps = 15 + below(35); steps > 0 && !failed(); steps--)
			one_step();
		finish_writers();
		check_quiet();
		/* what nobody changes any more goes on expiring */
		for (int waits = shop.expiring ? 2 : 0; waits > 0 && !failed(); waits--)
		{
			session_do(&checker, "SELECT pg_catalog.pg_sleep(0.15)");
			check_quiet();
		}
	}
	if (!failed())
		shop_drop();
}

/* Returns whether it was good. */
static bool
try_seed(uint64_t seed, const char *database)
{
	report_file = open_memstream(&report, &report_size);
	seed_failed = false;
	run_seed(seed);
	fclose(report_file);
	if (seed_failed)
	{
		printf("seed %llu failed\n%s\n", (unsigned long long) seed, report);
		fflush(stdout);
		close_sessions();
		forget_texts();
		open_sessions(database);
		session_value(&monitor, "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity"
					  " WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend' AND state <> 'idle'"
					  " AND pid <> pg_catalog.pg_backend_pid()");
		if (!getenv("KEEP"))
			PQclear(PQexec(checker.conn, "DROP SCHEMA IF EXISTS shop CASCADE"));
	}
	free(report);
	forget_texts();
	return !seed_failed;
}

/* --- processes --- */

static long
setting(const char *name, long otherwise)
{
	return getenv(name) ? atol(getenv(name)) : otherwise;
}

static void
must(PGconn *conn, const char *statement)
{
	PGresult   *result = PQexec(conn, statement);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "%s\n%s", statement, PQerrorMessage(conn));
		exit(2);
	}
	PQclear(result);
}

static void
prepare_database(const char *database, bool first)
{
	PGconn	   *conn = PQconnectdb("dbname=postgres");

	if (first)
	{
		must(conn, "DO $$BEGIN CREATE ROLE shopkeeper LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$");
		/* so that deadlocks cost little, and the last to come is the one who fails */
		must(conn, "ALTER ROLE shopkeeper SET deadlock_timeout = 2");
		must(conn, "ALTER ROLE shopkeeper SET client_min_messages = error");
		must(conn, "ALTER ROLE shopkeeper SET timezone = 'UTC'");
		must(conn, "ALTER ROLE shopkeeper SET search_path = pg_catalog");
	}
	must(conn, text("DROP DATABASE IF EXISTS %s", database));
	must(conn, text("CREATE DATABASE %s", database));
	must(conn, text("GRANT CREATE ON DATABASE %s TO shopkeeper", database));
	PQfinish(conn);
	conn = PQconnectdb(text("dbname=%s", database));
	must(conn, "SET client_min_messages = warning; CREATE EXTENSION personalize");
	PQfinish(conn);
}

/* Every jobs-th seed; exits with the number of failures. */
static void
work(int job, int jobs)
{
	uint64_t	first = setting("FIRST", 1);
	uint64_t	seeds = setting("SEEDS", 1000);
	char		database[32];
	int			failures = 0;

	snprintf(database, sizeof(database), "interleave_%d", job);
	open_sessions(database);
	for (uint64_t i = job; i < seeds && failures < MAX_FAILURES; i += jobs)
		failures += !try_seed(first + i, database);
	close_sessions();
	exit(failures);
}

int
main(void)
{
	int			jobs = (int) setting("JOBS", sysconf(_SC_NPROCESSORS_ONLN));
	int			failures = 0;
	int			status;

	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	jobs = jobs > setting("SEEDS", 1000) ? (int) setting("SEEDS", 1000) : jobs;
	for (int job = 0; job < jobs; job++)
	{
		char		database[32];

		snprintf(database, sizeof(database), "interleave_%d", job);
		prepare_database(database, job == 0);
	}
	for (int job = 0; job < jobs; job++)
		if (fork() == 0)
			work(job, jobs);
	while (wait(&status) > 0)
		failures += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	printf("%ld seeds from %ld on: %d failed\n", setting("SEEDS", 1000), setting("FIRST", 1), failures);
	return failures > 0;
}
