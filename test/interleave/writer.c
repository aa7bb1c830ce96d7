/*
 * writer.c
 *		Random statements in random transactions.
 */
#include "interleave.h"

/* --- values --- */

static const char *
weight_literal(void)
{
	static const char *const weights[] = {"1", "1", "1", "2", "3", "5", "0", "-1", "-2", "NULL"};
	static const char *const opposite[] = {"1", "1", "-1", "-1", "2", "-2"};

	/* where events expire, baskets that are empty only until then */
	return shop.expiring ? pick(opposite) : pick(weights);
}

static const char *
event_literal(void)
{
	static const char *const events[] = {"'buy'", "'buy'", "'buy'", "'view'", "'view'", "'view'", "'junk'", "NULL"};

	return pick(events);
}

static int
line_number(void)
{
	return chance(85) ? ++shop.next_line : (int) below(shop.next_line + 1);
}

static const char *
or_null(const char *literal)
{
	return chance(2) ? "NULL" : literal;
}

static const char *
line_values(int part)
{
	return text("(%d, %d, %s, %s, %s, %s, %s)", line_number(), part, or_null(basket_literal()), or_null(item_literal()),
				or_null(time_literal()), weight_literal(), event_literal());
}

/* The table, or directly one of its partitions. */
static const char *
target(int *part)
{
	*part = (int) below(4);
	if (shop.source != SOURCE_PARTITIONED || chance(60))
		return "shop.lines";
	*part = (int) below(shop.expiring ? 3 : 4);
	return text("shop.p%d", *part);
}

/* Some of the lines. */
static const char *
condition(void)
{
	switch (below(5))
	{
		case 0:
			return text("b = %s", basket_literal());
		case 1:
			return text("i = %s", item_literal());
		case 2:
			return text("no %% %u = 0", 3 + below(9));
		case 3:
			return text("b = %s AND i = %s", basket_literal(), item_literal());
		default:
			return text("no = %u", below(shop.next_line + 1));
	}
}

static const char *
key_column_value(bool basket)
{
	return text("%s::%s", basket ? basket_literal() : item_literal(), key_type(basket ? shop.basket : shop.item));
}

/* --- statements on lines --- */

static const char *
insert_rows(const char *table, int part, int n)
{
	const char *values = line_values(part);

	while (--n > 0)
		values = text("%s, %s", values, line_values(part));
	return text("INSERT INTO %s VALUES %s", table, values);
}

static const char *
insert_lines(void)
{
	int			part;
	const char *table = target(&part);

	return insert_rows(table, part, chance(30) ? 1 : 2 + (int) below(10));
}

void
write_first_lines(Session *s)
{
	for (int part = 0; part < 4; part++)
		session_send(s, insert_rows("shop.lines", part, 1 + (int) below(24)));
}

static const char *
insert_on_conflict(void)
{
	static const char *const actions[] = {
		"UPDATE SET i = excluded.i", "UPDATE SET b = excluded.b, w = excluded.w", "UPDATE SET at = excluded.at WHERE lines.w > 0", "NOTHING"
	};
	int			part;

	target(&part);
	shop.next_line = shop.next_line > 8 && chance(70) ? shop.next_line - 1 : shop.next_line;
	return text("INSERT INTO shop.lines VALUES %s, %s ON CONFLICT (%s) DO %s", line_values(part), line_values(part),
				shop.source == SOURCE_PARTITIONED ? "part, no" : "no", pick(actions));
}

static const char *
update_lines(void)
{
	int			part;
	const char *table = target(&part);
	const char *set;

	switch (below(8))
	{
		case 0:
		case 1:
			set = text("b = %s", key_column_value(true));
			break;
		case 2:
		case 3:
			set = text("i = %s", key_column_value(false));
			break;
		case 4:
			set = text("w = %s, ev = %s", weight_literal(), event_literal());
			break;
		case 5:
			set = text("at = %s", time_literal());
			break;
		case 6:
			set = text("part = %u", below(4));
			break;
		default:
			set = text("b = %s, i = %s, no = no + 1000", or_null(key_column_value(true)), or_null(key_column_value(false)));
	}
	return text("UPDATE %s SET %s WHERE %s", table, set, condition());
}

static const char *
delete_lines(void)
{
	int			part;
	const char *table = target(&part);

	return chance(80) ? text("DELETE FROM %s WHERE %s", table, condition())
		: text("DELETE FROM %s AS l USING shop.orders AS o WHERE o.b = l.b AND o.status = 'cancelled'", table);
}

/* A literal as a value of COPY's csv format. */
static const char *
csv(const char *literal)
{
	char	   *out = text("\"%*s", 2 * (int) strlen(literal), "");
	char	   *to = out + 1;

	for (const char *from = literal + 1; from[1] != 0; from++)
	{
		if (*from == '"')
			*to++ = '"';
		else if (*from == '\'')
			from++;
		*to++ = *from;
	}
	strcpy(to, "\"");
	return out;
}

static const char *
copy_lines(Session *s)
{
	int			part;
	const char *table = target(&part);
	char	   *rows = "";

	for (int n = 1 + below(5); n > 0; n--)
		rows = text("%s%d,%d,%s,%s,2026-01-%02d 10:00+00,%u,%s\n", rows, ++shop.next_line, part,
					chance(5) ? "" : csv(basket_literal()), csv(item_literal()), 1 + (int) below(25), below(3), chance(50) ? "buy" : "view");
	s->copy = rows;
	return text("COPY %s (no, part, b, i, at, w, ev) FROM STDIN (FORMAT csv)", table);
}

static const char *
merge_lines(void)
{
	if (server_version < 150000)
		return insert_on_conflict();
	return text("MERGE INTO shop.lines AS l USING (VALUES %s, %s) AS v (no, part, b, i, at, w, ev) ON l.no = v.no"
				" WHEN MATCHED AND l.w > 1 THEN DELETE WHEN MATCHED THEN UPDATE SET i = v.i::%s, b = v.b::%s"
				" WHEN NOT MATCHED THEN INSERT VALUES (v.no, v.part, v.b::%s, v.i::%s, v.at::timestamptz, v.w::integer, v.ev)",
				line_values((int) below(4)), line_values((int) below(4)), key_type(shop.item), key_type(shop.basket), key_type(shop.basket), key_type(shop.item));
}

static const char *
rewrite_lines(void)
{
	switch (below(3))
	{
		case 0:
			return text("WITH gone AS (DELETE FROM shop.lines WHERE %s RETURNING *)"
						" INSERT INTO shop.lines SELECT no + 2000, part, b, %s, at, w, ev FROM gone", condition(), key_column_value(false));
		case 1:
			return text("INSERT INTO shop.lines SELECT no + 3000, part, b, %s, at, w, ev FROM shop.lines WHERE %s", key_column_value(false), condition());
		default:
			return text("WITH a AS (UPDATE shop.lines SET i = %s WHERE %s) UPDATE shop.orders SET status = 'paid' WHERE b = %s",
						key_column_value(false), condition(), basket_literal());
	}
}

/* --- other tables --- */

static const char *
change_orders(void)
{
	switch (below(9))
	{
		case 0:
			return text("INSERT INTO shop.orders VALUES (%s, %s, 'paid', %s) ON CONFLICT DO NOTHING", basket_literal(), basket_literal(), time_literal());
		case 1:
			return text("DELETE FROM shop.orders WHERE b = %s", basket_literal());
		case 2:
		case 3:
			return text("UPDATE shop.orders SET status = '%s' WHERE b = %s", chance(50) ? "paid" : "cancelled", basket_literal());
		case 4:
		case 5:
			return text("UPDATE shop.orders SET customer = %s WHERE b = %s", basket_literal(), basket_literal());
		case 6:
			return text("UPDATE shop.orders SET at = %s WHERE customer = %s", time_literal(), basket_literal());
		case 7:
			return text("UPDATE shop.orders SET b = %s WHERE b = %s", basket_literal(), basket_literal());
		default:
			return text("UPDATE shop.orders SET status = status WHERE customer = %s", basket_literal());
	}
}

static const char *
change_views(void)
{
	switch (below(4))
	{
		case 0:
			return text("DELETE FROM shop.views WHERE b = %s", basket_literal());
		case 1:
			return text("UPDATE shop.views SET i = %s WHERE no %% 3 = %u", item_literal(), below(3));
		default:
			return text("INSERT INTO shop.views SELECT no + %d, b, %s, coalesce(at, %s) FROM shop.lines WHERE %s ON CONFLICT DO NOTHING",
						(int) below(1000) * 10, key_column_value(false), time_literal(), condition());
	}
}

static const char *
truncate_something(void)
{
	if (shop.source == SOURCE_PARTITIONED && chance(50))
		return text("TRUNCATE shop.p%u", below(4));
	return shop.foreign_key && chance(30) ? "TRUNCATE shop.orders CASCADE" : chance(30) ? "TRUNCATE shop.views" : "TRUNCATE shop.lines";
}

static const char *
change_partitions(void)
{
	if (shop.source != SOURCE_PARTITIONED)
		return change_orders();
	switch (below(6))
	{
		case 0:
			return "CREATE TABLE shop.p3 PARTITION OF shop.lines FOR VALUES IN (3)";
		case 1:
			return text("ALTER TABLE shop.lines DETACH PARTITION shop.p%u", below(4));
		case 2:
			return text("ALTER TABLE shop.lines ATTACH PARTITION shop.p%u FOR VALUES IN (%u)", below(4), below(4));
		case 3:
			return "DROP TABLE shop.p3";
		case 4:
			return text("CREATE TABLE shop.p3 (LIKE shop.lines); INSERT INTO shop.p3 VALUES %s; ALTER TABLE shop.lines ATTACH PARTITION shop.p3 FOR VALUES IN (3)",
						line_values(3));
		default:
			return "ALTER TABLE shop.lines ATTACH PARTITION shop.p2 DEFAULT";
	}
}

/* --- refreshes among the writers --- */

static const char *
refresh_something(void)
{
	static const char *const ways[] = {
		"'shop.h'", "'shop.h', rebuild => false", "'shop.h', rebuild => false", "", "'shop.h', rebuild => true", "'shop.h', rebuild => false", "'shop.h', wait => false", "'shop.m0'"
	};

	if (chance(15))
		return text("SELECT personalize.erase('shop.h', %s)", key_column_value(true));
	return text("CALL personalize.refresh(%s)", pick(ways));
}

/* --- transactions --- */

static const char *
choose_statement(Session *s)
{
	uint32_t	choice = below(100);

	if (choice < 27)
		return insert_lines();
	if (choice < 36)
		return insert_on_conflict();
	if (choice < 52)
		return update_lines();
	if (choice < 59)
		return delete_lines();
	if (choice < 66)
		return copy_lines(s);
	if (choice < 72)
		return merge_lines();
	if (choice < 77)
		return rewrite_lines();
	if (choice < 86)
		return shop.foreign_key ? change_orders() : update_lines();
	if (choice < 90)
		return shop.num_histories > 1 ? change_views() : insert_lines();
	if (choice < 91)
		return truncate_something();
	if (choice < 94)
		return change_partitions();
	return shop.ready ? refresh_something() : insert_lines();
}

static void
end_transaction(Session *s)
{
	bool		error = PQtransactionStatus(s->conn) == PQTRANS_INERROR;

	s->savepoints = 0;
	session_send(s, error || chance(25) ? "ROLLBACK" : "COMMIT");
}

static void
move_savepoints(Session *s)
{
	if (s->savepoints == 0 || chance(40))
		session_send(s, text("SAVEPOINT s%d", ++s->savepoints));
	else if (chance(65))
		session_send(s, text("ROLLBACK TO s%d", s->savepoints));
	else
		session_send(s, text("RELEASE s%d", s->savepoints--));
}

static void
begin_transaction(Session *s)
{
	static const char *const levels[] = {"READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

	s->savepoints = 0;
	session_send(s, text("BEGIN ISOLATION LEVEL %s", pick(levels)));
}

void
write_something(Session *s)
{
	switch (PQtransactionStatus(s->conn))
	{
		case PQTRANS_IDLE:
			if (chance(55))
				begin_transaction(s);
			else
				session_send(s, choose_statement(s));
			break;
		case PQTRANS_INERROR:
			if (s->savepoints > 0 && chance(70))
				session_send(s, text("ROLLBACK TO s%d", s->savepoints));
			else
				end_transaction(s);
			break;
		default:
			if (chance(15))
				move_savepoints(s);
			else if (chance(22))
				end_transaction(s);
			else
				session_send(s, choose_statement(s));
	}
}

/* Ends all transactions, in random order; those that wait come when others have ended. */
void
finish_writers(void)
{
	int			left = 1;

	while (left > 0 && !failed())
	{
		Session    *s = &writer[below(num_writers)];

		if (!s->busy && session_in_transaction(s))
			end_transaction(s);
		sessions_settle();
		left = 0;
		for (int i = 0; i < num_writers; i++)
			left += writer[i].busy || session_in_transaction(&writer[i]);
	}
}
