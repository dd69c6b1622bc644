#include "deliver/redis_reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/text.h"

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

/* Takes from the bounds of the reply that is being read; false: it is too large. Each object counts with its own size. */
static bool take(const redisReadTask *task, size_t bytes, size_t elements)
{
        struct redis_replies *replies = task->privdata;
        replies->bytes += bytes + sizeof(redisReply);
        if (replies->bytes > REDIS_REPLY_BYTES_LIMIT || elements > REDIS_REPLY_ELEMENTS_LIMIT - replies->elements)
                replies->too_large = true;
        else
                replies->elements += (unsigned)elements;
        return !replies->too_large;
}

static redisReply *make(const redisReadTask *task, int type, size_t bytes, size_t elements)
{
        redisReply *reply = take(task, bytes, elements) ? calloc(1, sizeof *reply) : NULL;
        if (reply)
                reply->type = type;
        return reply;
}

/* A parent's elements are made in order; the reader frees the whole from its root when one cannot be made. */
static void *join(const redisReadTask *task, redisReply *reply)
{
        if (reply && task->parent)
                ((redisReply *)task->parent->obj)->element[task->idx] = reply;
        return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
        redisReply *reply = make(task, task->type, length + 1, 0);
        if (reply && (reply->str = malloc(length + 1)) == NULL) {
                free(reply);
                return NULL;
        }
        if (reply) {
                memcpy(reply->str, text, length);
                reply->str[length] = '\0';
                reply->len = length;
        }
        return join(task, reply);
}

static void *create_array(const redisReadTask *task, element_count given)
{
        size_t count = (size_t)given;
        redisReply *reply = make(task, REDIS_REPLY_ARRAY, count * sizeof reply, count);
        if (reply && count > 0 && (reply->element = calloc(count, sizeof *reply->element)) == NULL) {
                free(reply);
                return NULL;
        }
        if (reply)
                reply->elements = count;
        return join(task, reply);
}

static void *create_integer(const redisReadTask *task, long long value)
{
        redisReply *reply = make(task, REDIS_REPLY_INTEGER, 0, 0);
        if (reply)
                reply->integer = value;
        return join(task, reply);
}

static void *create_nil(const redisReadTask *task)
{
        return join(task, make(task, REDIS_REPLY_NIL, 0, 0));
}

#if HIREDIS_MAJOR >= 1 /* what RESP3 adds was not asked for: it ends the reading as a reply without memory would */
static void *refuse_double(const redisReadTask *task, double value, char *text, size_t length)
{
        (void)task, (void)value, (void)text, (void)length;
        return NULL;
}

static void *refuse_bool(const redisReadTask *task, int value)
{
        (void)task, (void)value;
        return NULL;
}
#endif

static void free_object(void *object)
{
        redisReply *reply = object;
        if (reply == NULL)
                return;
        for (size_t i = 0; reply->element && i < reply->elements; i++)
                free_object(reply->element[i]);
        free(reply->element);
        free(reply->str);
        free(reply);
}

static redisReplyObjectFunctions functions = {
        .createString = create_string,
        .createArray = create_array,
        .createInteger = create_integer,
        .createNil = create_nil,
#if HIREDIS_MAJOR >= 1
        .createDouble = refuse_double,
        .createBool = refuse_bool,
#endif
        .freeObject = free_object,
};

int redis_replies_open(struct redis_replies *replies)
{
        memset(replies, 0, sizeof *replies);
        replies->reader = redisReaderCreateWithFunctions(&functions);
        if (replies->reader == NULL)
                return -ENOMEM;
        replies->reader->privdata = replies;
        return 0;
}

void redis_replies_close(struct redis_replies *replies)
{
        if (replies->reader)
                redisReaderFree(replies->reader);
        replies->reader = NULL;
}

int redis_replies_feed(struct redis_replies *replies, const void *bytes, size_t length)
{
        return redisReaderFeed(replies->reader, bytes, length) == REDIS_OK ? 0 : -ENOMEM;
}

/* hiredis quotes the byte that it did not understand. */
static int fault(const struct redis_replies *replies, char *error, size_t error_size)
{
        char what[300];
        text_escape(replies->reader->errstr, strlen(replies->reader->errstr), what, sizeof what);
        if (replies->too_large)
                snprintf(error, error_size, "a reply is larger than the limit");
        else
                snprintf(error, error_size, "this is no Redis: %s", what);
        return -EPROTO;
}

int redis_replies_next(struct redis_replies *replies, struct redisReply **out, char *error, size_t error_size)
{
        void *reply = NULL;
        if (redisReaderGetReply(replies->reader, &reply) != REDIS_OK)
                return fault(replies, error, error_size);
        *out = reply;
        if (reply) {
                replies->bytes = replies->elements = 0;
                return 1;
        }
        if (replies->reader->len - replies->reader->pos > REDIS_REPLY_BYTES_LIMIT) {
                replies->too_large = true;
                return fault(replies, error, error_size);
        }
        return 0;
}

void redis_reply_free(struct redisReply *reply)
{
        free_object(reply);
}
