/* Names that are held once and counted: a number for a text. */
#pragma once

#include <stdint.h>

struct name_pool;

enum { NAME_NONE = UINT32_MAX };

struct name_pool *name_pool_create(void);
void name_pool_destroy(struct name_pool *pool);

/* The number of `text`, one more hold on it; NAME_NONE without memory. */
uint32_t name_pool_hold(struct name_pool *pool, const char *text);
void name_pool_hold_again(struct name_pool *pool, uint32_t name);
void name_pool_release(struct name_pool *pool, uint32_t name);

const char *name_pool_text(const struct name_pool *pool, uint32_t name);
void name_pool_each(const struct name_pool *pool, void (*each)(void *context, uint32_t name, const char *text), void *context);
uint32_t name_pool_size(const struct name_pool *pool); /* every number is below */
uint64_t name_pool_bytes(const struct name_pool *pool);
