/*
 * session.c
 *		Connections whose statements may wait for each other's locks.
 */
#include "interleave.h"

#include <errno.h>
#include <sys/select.h>
#include <time.h>

Session		monitor;
Session		checker;
Session		writer[NUM_WRITERS];
int			num_writers;
int			server_version;

#define HANGS_AFTER_MS 60000
/* A statement that is over by then costs no look at the locks. */
#define FIRST_LOOK_MS 6

static double
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
ignore_notice(void *arg, const PGresult *result)
{
}

void
session_open(Session *s, const char *name, const char *conninfo)
{
	memset(s, 0, sizeof(*s));
	s->name = name;
	s->conn = PQconnectdb(conninfo);
	if (PQstatus(s->conn) != CONNECTION_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(s->conn));
		exit(2);
	}
	PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
	s->pid = PQbackendPID(s->conn);
	server_version = PQserverVersion(s->conn);
}

void
session_close(Session *s)
{
	PQfinish(s->conn);
	s->conn = NULL;
}

bool
session_in_transaction(const Session *s)
{
	return PQtransactionStatus(s->conn) != PQTRANS_IDLE;
}

/*
 * Errors that a writer may meet through no fault of the models: conflicts, constraints, and what partitions that come
 * and go bring about.
 */
static bool
is_allowed(const Session *s, const char *state)
{
	static const char *const allowed[] = {
		"40001", "40P01", "55P03", "25P02", "23505", "23503", "23514", "21000",
		"42P01", "42P07", "42809", "42P17", "55006", "0A000"
	};
	static const char *const conflicts[] = {"40001", "40P01", "55P03"};

	if (s->trusted)
	{
		for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
			if (s->lenient && strcmp(state, conflicts[i]) == 0)
				return true;
		return false;
	}
	/* an erasure of what is still there */
	if (strstr(s->statement, "personalize.erase") && state[0] == '5' && state[1] == '5')
		return true;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcmp(state, allowed[i]) == 0)
			return shop.source == SOURCE_PARTITIONED || i < 8;
	return false;
}

static void
take_result(Session *s, PGresult *result)
{
	const char *state;

	switch (PQresultStatus(result))
	{
		case PGRES_COPY_IN:
			PQputCopyData(s->conn, s->copy, (int) strlen(s->copy));
			PQputCopyEnd(s->conn, NULL);
			break;
		case PGRES_FATAL_ERROR:
			state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
			snprintf(s->sqlstate, sizeof(s->sqlstate), "%s", state ? state : "08006");
			note("%s: -> %s", s->name, PQresultErrorMessage(result));
			if (!is_allowed(s, s->sqlstate))
				fail("%s: unexpected error %s in %s\n%s%s", s->name, s->sqlstate, s->statement, PQresultErrorMessage(result),
					 PQresultErrorField(result, PG_DIAG_CONTEXT) ? PQresultErrorField(result, PG_DIAG_CONTEXT) : "");
			break;
		default:
			note("%s: -> %s", s->name, PQcmdStatus(result));
	}
	PQclear(result);
}

/* Takes what has arrived; true where the statement is over. */
static bool
session_over(Session *s)
{
	PQflush(s->conn);
	if (!PQconsumeInput(s->conn))
	{
		fail("%s: %s", s->name, PQerrorMessage(s->conn));
		return true;
	}
	while (!PQisBusy(s->conn))
	{
		PGresult   *result = PQgetResult(s->conn);

		if (result == NULL)
			return true;
		take_result(s, result);
	}
	return false;
}

static void
wait_for_input(Session *s, double ms)
{
	int			socket = PQsocket(s->conn);
	struct timeval t = {.tv_usec = (long) (ms * 1000)};
	fd_set		set;

	FD_ZERO(&set);
	FD_SET(socket, &set);
	select(socket + 1, &set, NULL, NULL, &t);
}

static bool
is_blocked(const Session *s)
{
	char	   *pids = text("%d", checker.pid);

	for (int i = 0; i < num_writers; i++)
		pids = text("%s,%d", pids, writer[i].pid);
	return strcmp(session_value(&monitor, text("SELECT pg_catalog.pg_isolation_test_session_is_blocked(%d, '{%s}')", s->pid, pids)), "t") == 0;
}

/* Until it is over or waits for a lock. */
static void
session_wait(Session *s)
{
	double		began = milliseconds();
	bool		looked = false;
	bool		waited = s->busy;

	s->busy = false;
	while (!session_over(s))
	{
		double		passed = milliseconds() - began;

		if (passed >= FIRST_LOOK_MS && !s->trusted && is_blocked(s))
		{
			/* once more, for a deadlock whose detection is under way */
			if (looked)
			{
				if (!waited)
					note("%s: waits", s->name);
				s->busy = true;
				return;
			}
			looked = true;
		}
		if (passed > HANGS_AFTER_MS)
		{
			fail("%s: hangs in %s", s->name, s->statement);
			return;
		}
		wait_for_input(s, passed < FIRST_LOOK_MS ? FIRST_LOOK_MS : 4);
	}
}

void
session_send(Session *s, const char *statement)
{
	note("%s: %s", s->name, statement);
	s->statement = statement;
	s->sqlstate[0] = 0;
	if (!PQsendQuery(s->conn, statement))
		fail("%s: %s", s->name, PQerrorMessage(s->conn));
	else
		session_wait(s);
}

void
sessions_settle(void)
{
	for (int i = 0; i < num_writers; i++)
		if (writer[i].busy && !failed())
			session_wait(&writer[i]);
}

bool
session_do(Session *s, const char *statement)
{
	if (failed())
		return false;
	session_send(s, statement);
	return s->sqlstate[0] == 0 && !failed();
}

void
session_expect_no_rows(Session *s, const char *what, const char *query)
{
	PGresult   *result;

	if (failed())
		return;
	note("%s: check %s", s->name, what);
	result = PQexec(s->conn, query);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

		/* a writer has the table for itself; all later checks of the transaction fail, too */
		if (s->lenient && state && (strcmp(state, "55P03") == 0 || strcmp(state, "25P02") == 0))
			note("%s: -> %s", s->name, PQresultErrorMessage(result));
		else
			fail("%s: %s\n%s", what, PQresultErrorMessage(result), query);
	}
	else if (PQntuples(result) > 0)
	{
		fail("%s: %d rows that must not be", what, PQntuples(result));
		for (int row = 0; row < PQntuples(result) && row < 12; row++)
			for (int c = 0; c < PQnfields(result); c++)
				fail("\t%s%s: %s", c == 0 ? "- " : "  ", PQfname(result, c), PQgetisnull(result, row, c) ? "NULL" : PQgetvalue(result, row, c));
	}
	PQclear(result);
}

char *
session_value(Session *s, const char *query)
{
	PGresult   *result = PQexec(s->conn, query);
	char	   *value = "";

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail("%s\n%s", PQresultErrorMessage(result), query);
	else if (PQntuples(result) > 0)
		value = text("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return value;
}
