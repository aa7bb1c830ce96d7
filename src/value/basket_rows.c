/*
 * basket_rows.c
 *		Rows of baskets: from a buffer to runs, from runs to baskets.
 *
 * A full buffer becomes a run: sorted, free of duplicates, a few bytes a row.  Runs
 * stay in memory up to a budget and go to a temporary file from there on.
 */
#include "base/compat.h"

#include "commands/tablespace.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "value/basket_rows.h"

#define FIRST_ROWS		64			/* of the buffer; it doubles until a run is worth its while */
#define MIN_RUN_ROWS	((Size) 4096)
#define MAX_RUN_ROWS	((Size) 512 * 1024)	/* larger ones sort slower, for want of cache */
#define MAX_READ_BYTES	65536		/* of a spilled run at a time */

void
basket_rows_init(BasketRows *rows, MemoryContext context, int words, uint64 max_weight, Size budget)
{
	*rows = (BasketRows) {.words = words, .max_weight = max_weight, .budget = budget};
	server_env_init(&rows->server, context);
	rows->owner = CurrentResourceOwner;
	rows->room = FIRST_ROWS;
	rows->row = env_alloc(&rows->server.env, rows->room * 2, words * sizeof(uint64));
	rows->runs_room = 4;
	rows->run = env_alloc(&rows->server.env, rows->runs_room, sizeof(BasketRun));
}

/* Temporary files go with the transaction, too; this is for those that go on. */
void
basket_rows_close(BasketRows *rows)
{
	if (rows->file != NULL)
		BufFileClose(rows->file);
	rows->file = NULL;
}

/* Before they are merged: duplicates between runs count twice. */
uint64
basket_rows_total(const BasketRows *rows)
{
	uint64		total = 0;

	for (uint32 r = 0; r < rows->num_runs; r++)
		total += rows->run[r].head.rows;
	return total;
}

/* In one place: rows meet in a buffer, in a merge of runs, or when states are put together. */
void
basket_rows_too_heavy(const BasketRows *rows)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("weight of an item in one basket is out of range"),
			 errdetail("Its sum must not exceed %llu.", (unsigned long long) rows->max_weight)));
}

/* --- the file ------------------------------------------------------------ */

/* Runs are read by turns, so nobody's place in the file is where the last one left it. */
static void
seek_file(BufFile *file, int fileno, off_t offset)
{
	if (BufFileSeek(file, fileno, offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file: %m")));
}

/* Behind the last one: runs are never changed, so a place in the file stays good. */
static void
write_run(BasketRows *rows, BasketRun *run)
{
	seek_file(rows->file, rows->end_fileno, rows->end_offset);
	run->fileno = rows->end_fileno;
	run->offset = rows->end_offset;
	BufFileWrite(rows->file, run->bytes, run->head.bytes);
	BufFileTell(rows->file, &rows->end_fileno, &rows->end_offset);
	rows->held -= run->head.bytes;
	pfree(run->bytes);
	run->bytes = NULL;
}

/* All of them go at once, which leaves the whole budget to those that come. */
static void
spill(BasketRows *rows)
{
	if (rows->file == NULL)
	{
		/* the file has to live as long as the rows, not as the one that was too many or the query that it came from */
		MemoryContext old = MemoryContextSwitchTo(rows->server.context);
		ResourceOwner current = CurrentResourceOwner;

		CurrentResourceOwner = rows->owner;
		PrepareTempTablespaces();
		rows->file = BufFileCreateTemp(false);
		CurrentResourceOwner = current;
		MemoryContextSwitchTo(old);
	}
	for (uint32 r = 0; r < rows->num_runs; r++)
		if (rows->run[r].bytes != NULL)
			write_run(rows, &rows->run[r]);
}

/* For those who pass runs on as they are. */
void
basket_rows_copy_run(const BasketRows *rows, const BasketRun *run, void *to)
{
	if (run->bytes != NULL)
		memcpy(to, run->bytes, run->head.bytes);
	else
	{
		seek_file(rows->file, run->fileno, run->offset);
		BufFileReadExact(rows->file, to, run->head.bytes);
	}
}

/* --- making runs --------------------------------------------------------- */

/* The check comes before the bytes are written anywhere. */
void
basket_rows_add_run(BasketRows *rows, RunHead head, unsigned char *bytes)
{
	if (rows->num_runs == rows->runs_room)
	{
		rows->runs_room *= 2;
		rows->run = env_resize(&rows->server.env, rows->run, rows->runs_room, sizeof(BasketRun));
	}
	rows->run[rows->num_runs++] = (BasketRun) {.head = head, .bytes = bytes};
	rows->held += head.bytes;
	if (rows->check)
		rows->check(rows->arg, rows->held);
	if (rows->may_spill && rows->held > rows->budget)
		spill(rows);
}

/* An empty buffer makes no run, so that flushing twice does no harm. */
void
basket_rows_flush(BasketRows *rows)
{
	Env		   *env = &rows->server.env;
	uint64		n = rows->num_rows;
	unsigned char *bytes;
	RunHead		head;

	if (n == 0)
		return;
	n = run_sort(rows->row, rows->row + n * rows->words, n, rows->words, rows->max_weight);
	if (n == UINT64_MAX)
		basket_rows_too_heavy(rows);
	/* the most that it could take; what is left over goes back below */
	bytes = env_alloc(env, run_max_bytes(n, rows->words), 1);
	head = run_pack(rows->row, n, rows->words, bytes);
	rows->num_rows = 0;
	basket_rows_add_run(rows, head, env_resize(env, bytes, head.bytes, 1));
}

/* Doubles while that is cheap; from a certain size on, sorting what is there frees more than it costs. */
void
basket_rows_make_room(BasketRows *rows)
{
	/* the buffer, its scratch and the packed run share the budget with the runs */
	Size		most = rows->budget / (8 * rows->words * sizeof(uint64));

	if (rows->room >= Min(Max(most, MIN_RUN_ROWS), MAX_RUN_ROWS))
		basket_rows_flush(rows);
	else
	{
		rows->room *= 2;
		rows->row = env_resize(&rows->server.env, rows->row, rows->room * 2, rows->words * sizeof(uint64));
	}
}

/* --- merging runs -------------------------------------------------------- */

/*
 * A run as the merge reads it.  The kernel knows bytes and a callback; where a run is in the
 * file, and that the file is shared, is known only here.
 */
typedef struct FileReader
{
	RunReader	reader;			/* first: a RunReader * is a FileReader * */
	BufFile    *file;
	int			fileno;
	off_t		offset;
	unsigned char *buffer;
	Size		room;
} FileReader;

/* Seeks each time, because all runs share one file; with blocks of this size that is lost in the reading. */
static void
refill_from_file(RunReader *reader)
{
	FileReader *r = (FileReader *) reader;
	Size		left = reader->in.end - reader->in.at;
	Size		more = Min(r->room - left, reader->unread);

	memmove(r->buffer, reader->in.at, left);
	seek_file(r->file, r->fileno, r->offset);
	BufFileReadExact(r->file, r->buffer + left, more);
	BufFileTell(r->file, &r->fileno, &r->offset);
	reader->in.at = r->buffer;
	reader->in.end = r->buffer + left + more;
	reader->unread -= more;
}

/* Runs in memory are read where they are; those in the file each get a buffer. */
static RunReader *
open_run(const BasketRows *rows, const BasketRun *run, Size room)
{
	FileReader *r = palloc0(sizeof(FileReader));

	r->reader.head = run->head;
	r->reader.item = run->item;
	if (run->bytes != NULL)
		r->reader.in = wire_reader(run->bytes, run->head.bytes);
	else
	{
		r->buffer = palloc(room);
		r->room = room;
		r->reader.in = wire_reader(r->buffer, 0);
		r->reader.unread = run->head.bytes;
		r->reader.refill = refill_from_file;
		r->file = rows->file;
		r->fileno = run->fileno;
		r->offset = run->offset;
	}
	return &r->reader;
}

/* Buffers and what is read ahead share the budget, however many runs there are. */
void
basket_rows_merge(BasketRows *rows, Env *env, RunMerge *merge)
{
	RunReader **readers = palloc((rows->num_runs + 1) * sizeof(RunReader *));
	Size		room = rows->budget / (rows->num_runs + 1);

	room = Min(Max(room, 1024), MAX_READ_BYTES);
	for (uint32 r = 0; r < rows->num_runs; r++)
		readers[r] = open_run(rows, &rows->run[r], room);
	run_merge_init(env, merge, readers, rows->num_runs, rows->words, rows->max_weight,
				   Min(Max(rows->budget / (4 * rows->words * sizeof(uint64)), MIN_RUN_ROWS), MAX_RUN_ROWS));
}
