#include "base/prefix_trie.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* A walk looks at one line of memory for each. */
struct node {
        uint64_t words[2], masks[2]; /* the prefix */
        const void *value;           /* NULL: a fork only */
        struct node *child[2];
        uint8_t length;
        uint8_t half, shift;         /* where the bit behind it stands, which tells the child; with all bits given, there is none */
} __attribute__((aligned(64)));

struct prefix_trie {
        struct node *root;
};

struct prefix_trie *prefix_trie_create(void)
{
        return calloc(1, sizeof(struct prefix_trie));
}

static void node_destroy(struct node *node)
{
        if (node == NULL)
                return;
        node_destroy(node->child[0]); /* at most 129 deep: each level is a longer prefix */
        node_destroy(node->child[1]);
        free(node);
}

void prefix_trie_destroy(struct prefix_trie *trie)
{
        if (trie == NULL)
                return;
        node_destroy(trie->root);
        free(trie);
}

static unsigned bit_at(const struct address *a, unsigned position)
{
        return a->bytes[position / 8] >> (7 - position % 8) & 1U;
}

static unsigned common_length(const struct prefix *a, const struct prefix *b)
{
        unsigned limit = a->length < b->length ? a->length : b->length;
        unsigned length = 0;
        while (length < limit && bit_at(&a->address, length) == bit_at(&b->address, length))
                length++;
        return length;
}

static struct prefix prefix_of(const struct node *node)
{
        struct prefix prefix = {.length = node->length};
        for (unsigned i = 0; i < 16; i++)
                prefix.address.bytes[i] = (uint8_t)(node->words[i / 8] >> (56 - i % 8 * 8));
        return prefix;
}

static struct node *node_create(const struct prefix *prefix, const void *value)
{
        struct node *node = aligned_alloc(64, sizeof *node);
        unsigned high = prefix->length > 64 ? 64 : prefix->length, low = prefix->length - high;
        if (node != NULL)
                *node = (struct node){.words = {address_word(&prefix->address, 0), address_word(&prefix->address, 1)},
                                      .masks = {high ? UINT64_MAX << (64 - high) : 0, low ? UINT64_MAX << (64 - low) : 0},
                                      .value = value, .length = prefix->length, .half = high == 64,
                                      .shift = (uint8_t)(63 - prefix->length % 64)};
        return node;
}

static bool holds(const struct node *node, const uint64_t words[2])
{
        return (((words[0] ^ node->words[0]) & node->masks[0]) | ((words[1] ^ node->words[1]) & node->masks[1])) == 0;
}

static struct prefix shortened(const struct prefix *prefix, unsigned length)
{
        struct prefix fork = {.length = (uint8_t)length};
        for (unsigned i = 0; i < length; i++)
                fork.address.bytes[i / 8] |= (uint8_t)(bit_at(&prefix->address, i) << (7 - i % 8));
        return fork;
}

int prefix_trie_insert(struct prefix_trie *trie, const struct prefix *prefix, const void *value)
{
        struct node **link = &trie->root;
        while (*link != NULL) {
                struct node *node = *link;
                struct prefix of_node = prefix_of(node);
                unsigned common = common_length(&of_node, prefix);
                if (common == node->length && common == prefix->length) {
                        node->value = value;
                        return 0;
                }
                if (common < node->length) {
                        struct prefix fork_prefix = shortened(prefix, common);
                        struct node *fork = node_create(&fork_prefix, NULL);
                        if (fork == NULL)
                                return -ENOMEM;
                        fork->child[bit_at(&of_node.address, common)] = node;
                        *link = fork;
                        if (common == prefix->length) {
                                fork->value = value;
                                return 0;
                        }
                        node = fork;
                }
                link = &node->child[bit_at(&prefix->address, node->length)];
        }
        *link = node_create(prefix, value);
        return *link ? 0 : -ENOMEM;
}

static inline const void *find_below(const struct node *node, const struct address *a, unsigned length_limit)
{
        const uint64_t words[2] = {address_word(a, 0), address_word(a, 1)};
        const void *best = NULL;
        while (node != NULL && holds(node, words) && node->length < length_limit) {
                best = node->value ? node->value : best;
                node = node->child[words[node->half] >> node->shift & 1];
        }
        return best;
}

const void *prefix_trie_find_below(const struct prefix_trie *trie, const struct address *a, unsigned length_limit)
{
        return trie ? find_below(trie->root, a, length_limit) : NULL;
}

const void *prefix_trie_find(const struct prefix_trie *trie, const struct address *a)
{
        return trie ? find_below(trie->root, a, UINT_MAX) : NULL;
}

const void *prefix_trie_get(const struct prefix_trie *trie, const struct prefix *prefix)
{
        const uint64_t words[2] = {address_word(&prefix->address, 0), address_word(&prefix->address, 1)};
        const struct node *node = trie ? trie->root : NULL;
        while (node != NULL && node->length < prefix->length && holds(node, words))
                node = node->child[bit_at(&prefix->address, node->length)];
        bool is_it = node != NULL && node->length == prefix->length && node->words[0] == words[0] && node->words[1] == words[1];
        return is_it ? node->value : NULL;
}

bool prefix_trie_is_empty(const struct prefix_trie *trie)
{
        return trie == NULL || trie->root == NULL;
}
