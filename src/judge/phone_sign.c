#include "judge/phone_sign.h"

#include <stdbool.h>
#include <string.h>

/* A dot in front: names below it as well. */
static const char *const hosts[] = {
        "connectivitycheck.gstatic.com", "connectivitycheck.android.com", "android.clients.google.com", "mtalk.google.com",
        "alt1-mtalk.google.com", "play.googleapis.com", "android.apis.google.com",
        "captive.apple.com", ".push.apple.com", "init.itunes.apple.com", "gs-loc.apple.com", "iphone-ld.apple.com", "mesu.apple.com",
        "connect.rom.miui.com", "connectivitycheck.platform.hicloud.com", "connectivitycheck.cbg-app.huawei.com",
        "conn1.oppomobile.com", "conn1.coloros.com", "wifi.vivo.com.cn"};

static const char *const agents[] = {"Dalvik/", "(Linux; U; Android", "(Linux; Android", "(iPhone;", "(iPad;", "CaptiveNetworkSupport",
                                     "CFNetwork/", "AndroidDownloadManager"};

static bool is_host_of_phones(const char *name)
{
        size_t length = strlen(name);
        for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++) {
                size_t own = strlen(hosts[i]);
                bool fits = hosts[i][0] == '.' ? length > own : length == own;
                if (fits && strcmp(name + length - own, hosts[i]) == 0)
                        return true;
        }
        return false;
}

static bool is_agent_of_phone(const char *user_agent)
{
        for (unsigned i = 0; i < sizeof agents / sizeof *agents; i++)
                if (strstr(user_agent, agents[i]) != NULL)
                        return true;
        return false;
}

const char *phone_sign_of_event(const event_t *event)
{
        const Apnwatch__V1__Transfer *transfer = event->body_case == APNWATCH__V1__EVENT__BODY_TRANSFER ? event->transfer : NULL;
        const char *name = transfer ? transfer->host : event->flow->name;
        if (transfer && transfer->user_agent && !transfer->pushed && is_agent_of_phone(transfer->user_agent))
                return transfer->user_agent;
        return name && is_host_of_phones(name) ? name : NULL;
}
