/*
 * build_item.c
 *		All of one item, on its way from whoever counted it to whoever writes it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "model/build_count.h"

/* Memory grows with the largest row and is kept for all. */
void
item_maker_init(ItemMaker *maker, MemoryContext context, ModelScorer *scorer)
{
	*maker = (ItemMaker) {.scorer = scorer};
	server_env_init(&maker->server, context);
}

/* Nothing is freed between items: the next one needs about as much. */
void
item_maker_begin(ItemMaker *maker, uint32 item)
{
	maker->item.item = item;
	maker->item.num_rows = 0;
	maker->item.num_pairs = 0;
	maker->num_bytes = 0;
	if (maker->scorer)
		model_scorer_begin(maker->scorer, item);
}

/* Bytes of earlier rows may move, which is why their places are kept and not their addresses. */
static void
reserve(ItemMaker *maker, Size bytes)
{
	Env		   *env = &maker->server.env;

	if (maker->num_bytes + bytes > maker->bytes_room)
	{
		maker->bytes_room = (maker->num_bytes + bytes) * 2;
		maker->bytes = env_resize(env, maker->bytes, maker->bytes_room, 1);
	}
	if (maker->item.num_rows == maker->rows_room)
	{
		maker->rows_room = maker->rows_room * 2 + 4;
		maker->item.row = env_resize(env, maker->item.row, maker->rows_room, sizeof(CountedRow));
		maker->base_at = env_resize(env, maker->base_at, maker->rows_room, sizeof(Size));
	}
}

/* Packed at once: as bytes a row is small enough to be sent, kept or written. */
void
item_maker_row(ItemMaker *maker, int32 generation, const uint32 *items, const int64 *counts, uint32 n)
{
	unsigned char *start;
	unsigned char *end;

	if (n == 0)
		return;
	reserve(maker, pair_row_encoded_room(n));
	start = maker->bytes + maker->num_bytes;
	end = pair_row_encode(items, counts, n, start);
	maker->base_at[maker->item.num_rows] = maker->num_bytes;
	maker->item.row[maker->item.num_rows++] = (CountedRow) {generation, (uint32) (end - start), NULL};
	maker->item.num_pairs += n;
	maker->num_bytes += end - start;
	if (maker->scorer)
		model_scorer_counts(maker->scorer, generation, items, counts, n);
}

/* Addresses are good only now that no row can be added any more. */
const CountedItem *
item_maker_finish(ItemMaker *maker)
{
	CountedItem *item = &maker->item;

	for (uint32 r = 0; r < item->num_rows; r++)
		item->row[r].base = maker->bytes + maker->base_at[r];
	item->scored = maker->scorer != NULL;
	if (maker->scorer)
		model_scorer_finish(maker->scorer, &item->face, &item->floor);
	return item;
}

/* --- as one message ------------------------------------------------------ */

/* Between processes of one server: fields as they are, what is of any length behind them. */
typedef struct MessageHead
{
	uint64		num_pairs;
	double		floor;
	double		n;
	uint32		item;
	uint32		num_rows;
	uint32		size;			/* of the list */
	bool		scored;
} MessageHead;

/* Whatever the size: a queue passes on messages larger than itself. */
void
counted_item_send(StringInfo out, const CountedItem *item)
{
	MessageHead head = {
		item->num_pairs, item->floor, item->face.n, item->item, item->num_rows,
		item->scored ? item->face.size : 0, item->scored
	};

	resetStringInfo(out);
	appendBinaryStringInfo(out, (char *) &head, sizeof(head));
	appendBinaryStringInfo(out, (char *) item->face.neighbor, head.size * sizeof(CooccurNeighbor));
	for (uint32 r = 0; r < item->num_rows; r++)
		appendBinaryStringInfo(out, (char *) &item->row[r], sizeof(CountedRow));
	for (uint32 r = 0; r < item->num_rows; r++)
		appendBinaryStringInfo(out, (char *) item->row[r].base, item->row[r].size);
}

static void *
take(const char **at, Size size)
{
	/* a copy, which is aligned */
	void	   *copy = palloc(size + 1);

	memcpy(copy, *at, size);
	*at += size;
	return copy;
}

/* Rows stay in the message; only what has to be aligned is copied. */
void
counted_item_receive(const void *bytes, Size size, CountedItem *item)
{
	const char *at = bytes;
	MessageHead head;

	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	*item = (CountedItem)
	{
		.item = head.item, .num_rows = head.num_rows, .num_pairs = head.num_pairs, .scored = head.scored, .floor = head.floor
	};
	item->face = (FaceRow) {head.item, head.n, head.size, take(&at, head.size * sizeof(CooccurNeighbor))};
	item->row = take(&at, head.num_rows * sizeof(CountedRow));
	for (uint32 r = 0; r < head.num_rows; r++)
	{
		item->row[r].base = (const unsigned char *) at;
		at += item->row[r].size;
	}
	Assert(at == (const char *) bytes + size);
}
