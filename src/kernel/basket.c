/*
 * basket.c
 *		One basket, sorted and as bytes.
 */
#include "kernel/basket.h"

void
basket_reserve(Env *env, Basket *b, uint32_t room)
{
	if (b->room >= room)
		return;
	b->entry = env_resize(env, b->entry, room, sizeof(BasketEntry));
	b->room = room;
}

void
basket_release(Env *env, Basket *b)
{
	env_release(env, b->entry);
	*b = (Basket) {0, 0, NULL};
}

void
basket_sort(Basket *b)
{
}

size_t
basket_encoded_room(uint32_t size)
{
	return 16 + (size_t) size * 20;
}

unsigned char *
basket_encode(const Basket *b, unsigned char *out)
{
	return out;
}

bool
basket_decode(Env *env, WireReader *in, Basket *b)
{
	b->size = 0;
	return false;
}
