#include "base/compat.h"
#include "model/apply.h"
ModelApply *apply_create(MemoryContext context, ModelDef *model, bool keep_pairs) { elog(ERROR, "not there yet"); }
void apply_changes(ModelApply *apply, PairChanges *changes) { elog(ERROR, "not there yet"); }
void apply_free(ModelApply *apply) { elog(ERROR, "not there yet"); }
