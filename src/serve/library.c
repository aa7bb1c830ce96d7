/*
 * library.c
 *		The library's entry, in the uppermost storey: what lower ones call without knowing it is handed down here.
 */
#include "base/compat.h"

#include "base/module.h"
#include "model/setup.h"
#include "serve/segment_support.h"
#include "serve/widget.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	module_define_settings();
	setup_depend_hook = widget_depend_all;
	segment_support_install();
}
