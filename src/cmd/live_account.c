#include "config.h"

#include "cmd/live_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "judge/judge.h"
#include "probes/live.h"
#include "sense/classifier.h"

enum { NAME_SIZE = 64, COUNTERS = 96, SINKS = 64, FLEETS = 256, ALERTS = 512 };

/* One that a worker counts from its own start: `before` is the sum of the workers that are gone. */
struct total {
        uint64_t before, now;
};

struct link_account {
        char name[NAME_SIZE];
        struct total packets, bytes, kernel, interface;
        int64_t last_packet_ns;
        enum live_link_state state;
};

struct live_account {
        uint64_t memory_ceiling, outbox_limit;
        int64_t start_ns;
        struct link_account links[LIVE_INTERFACES];
        unsigned link_count;
        struct {
                char name[NAME_SIZE];
                struct total total;
        } counters[COUNTERS];
        unsigned counter_count;
        uint64_t events, pipe_losses, restarts;
};

struct live_account *live_account_create(uint64_t memory_ceiling, uint64_t outbox_limit)
{
        struct live_account *account = calloc(1, sizeof *account);
        struct timespec now;
        if (account == NULL)
                return NULL;
        clock_gettime(CLOCK_REALTIME, &now);
        account->memory_ceiling = memory_ceiling;
        account->outbox_limit = outbox_limit;
        account->start_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        return account;
}

void live_account_destroy(struct live_account *account)
{
        free(account);
}

static uint64_t sum(const struct total *total)
{
        return total->before + total->now;
}

static void restart(struct total *total)
{
        total->before += total->now;
        total->now = 0;
}

void live_account_restart(struct live_account *account)
{
        account->restarts++;
        for (unsigned i = 0; i < account->link_count; i++) {
                struct link_account *link = &account->links[i];
                restart(&link->packets);
                restart(&link->bytes);
                restart(&link->kernel);
                restart(&link->interface);
        }
        for (unsigned i = 0; i < account->counter_count; i++)
                restart(&account->counters[i].total);
}

static void take_link(struct live_account *account, const event_t *event)
{
        const Apnwatch__V1__Link *told = event->link;
        unsigned i = 0;
        while (i < account->link_count && strcmp(account->links[i].name, told->interface) != 0)
                i++;
        if (i == LIVE_INTERFACES)
                return;
        struct link_account *link = &account->links[i];
        if (i == account->link_count) {
                snprintf(link->name, sizeof link->name, "%s", told->interface);
                account->link_count++;
        }
        if (told->received > link->packets.now)
                link->last_packet_ns = (int64_t)event->clock;
        link->packets.now = told->received;
        link->bytes.now = told->bytes;
        link->kernel.now = told->dropped_kernel;
        link->interface.now = told->dropped_interface;
        link->state = told->state == APNWATCH__V1__LINK__STATE__UP     ? LIVE_LINK_UP
                      : told->state == APNWATCH__V1__LINK__STATE__DOWN ? LIVE_LINK_DOWN
                                                                       : LIVE_LINK_GONE;
}

static void take_counters(struct live_account *account, const Apnwatch__V1__Counters *told)
{
        for (size_t k = 0; k < told->n_counter; k++) {
                unsigned i = 0;
                while (i < account->counter_count && strcmp(account->counters[i].name, told->counter[k]->name) != 0)
                        i++;
                if (i == COUNTERS)
                        continue;
                if (i == account->counter_count) {
                        snprintf(account->counters[i].name, NAME_SIZE, "%s", told->counter[k]->name);
                        account->counter_count++;
                }
                account->counters[i].total.now = told->counter[k]->value;
        }
}

void live_account_event(struct live_account *account, const event_t *event)
{
        account->events++;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_LINK: take_link(account, event); break;
        case APNWATCH__V1__EVENT__BODY_COUNTERS: take_counters(account, event->counters); break;
        case APNWATCH__V1__EVENT__BODY_INCIDENT:
                if (event->incident->kind == APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS)
                        account->pipe_losses += event->incident->count;
                break;
        default: break;
        }
}

uint64_t live_account_packets(const struct live_account *account)
{
        uint64_t packets = 0;
        for (unsigned i = 0; i < account->link_count; i++)
                packets += sum(&account->links[i].packets);
        return packets;
}

/* What is gathered for one scrape. */
struct scrape {
        struct live_interface_numbers links[LIVE_INTERFACES];
        struct live_named_number counters[COUNTERS], fleets[FLEETS];
        struct live_alert_numbers alerts[ALERTS];
        struct delivery_sink sinks[SINKS];
        struct live_numbers numbers;
};

static void add_alerts(void *context, const char *type, const char *severity, uint64_t count)
{
        struct scrape *scrape = context;
        if (scrape->numbers.alert_count < ALERTS)
                scrape->alerts[scrape->numbers.alert_count++] = (struct live_alert_numbers){type, severity, count};
}

static void add_fleet(void *context, const char *fleet, uint64_t devices)
{
        struct scrape *scrape = context;
        if (scrape->numbers.fleet_count < FLEETS)
                scrape->fleets[scrape->numbers.fleet_count++] = (struct live_named_number){fleet, devices};
}

static void add_links(const struct live_account *account, struct scrape *scrape)
{
        for (unsigned i = 0; i < account->link_count; i++) {
                const struct link_account *link = &account->links[i];
                scrape->links[i] = (struct live_interface_numbers){
                        .name = link->name, .state = link->state, .packets = sum(&link->packets), .bytes = sum(&link->bytes),
                        .dropped_kernel = sum(&link->kernel), .dropped_interface = sum(&link->interface),
                        .last_packet_ns = link->last_packet_ns};
        }
        scrape->numbers.interfaces = scrape->links;
        scrape->numbers.interface_count = account->link_count;
}

static void add_counters(const struct live_account *account, struct scrape *scrape)
{
        for (unsigned i = 0; i < account->counter_count; i++) {
                scrape->counters[i] = (struct live_named_number){account->counters[i].name, sum(&account->counters[i].total)};
                if (strcmp(account->counters[i].name, "flows.now") == 0)
                        scrape->numbers.flows = account->counters[i].total.now;
        }
        scrape->numbers.sense = scrape->counters;
        scrape->numbers.sense_count = account->counter_count;
}

static uint64_t resident_bytes(void)
{
        unsigned long long pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        if (file == NULL)
                return 0;
        if (fscanf(file, "%*u %llu", &pages) != 1)
                pages = 0;
        fclose(file);
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void live_account_write(struct live_account *account, struct run *run, struct metrics_writer *writer)
{
        struct scrape *scrape = calloc(1, sizeof *scrape);
        if (scrape == NULL)
                return;
        struct live_numbers *numbers = &scrape->numbers;
        numbers->version = PACKAGE_VERSION;
        numbers->ndpi = classifier_version();
        numbers->start_ns = account->start_ns;
        add_links(account, scrape);
        add_counters(account, scrape);
        numbers->pipe_losses = account->pipe_losses;
        numbers->events = account->events;
        judge_count_alerts(run_judge(run), add_alerts, scrape);
        judge_count_devices(run_judge(run), add_fleet, scrape);
        numbers->alerts = scrape->alerts;
        numbers->fleets = scrape->fleets;
        outbox_numbers(delivery_outbox(run_delivery(run)), &numbers->outbox);
        numbers->outbox_limit = account->outbox_limit;
        numbers->sink_count = delivery_sinks(run_delivery(run), scrape->sinks, SINKS);
        numbers->sinks = scrape->sinks;
        numbers->worker_restarts = account->restarts;
        numbers->memory_ceiling = account->memory_ceiling;
        numbers->memory_resident = resident_bytes();
        live_metrics_collect(numbers, writer);
        free(scrape);
}
