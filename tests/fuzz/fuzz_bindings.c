/* Signalling in any order, repeated, with halves that never come: no binding that was never signalled, no count that is
 * off.
 *
 * The first byte chooses. Even: what honest nodes say of sixteen users, whose SIMs, addresses and tunnels differ, step
 * after step as the bytes have it: whoever is found at a user's address or tunnel is that user, or nobody in particular.
 * Odd: nonsense, any message with any value out of a few, so that everything collides with everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { USERS = 16, SGW = 1, PGW = 2, SMF = 10, UPF = 11, PCRF = 12, NAS = 13, RADIUS_SERVER = 14, STEPS_MOST = 400 };

#define PROTOCOL(name) .protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE

static void expect(bool holds, const char *what)
{
        if (holds)
                return;
        fprintf(stderr, "fuzz_bindings: %s\n", what);
        abort();
}

struct user {
        unsigned number;
        char imsi[17], imei[17], session[16];
        uint32_t ipv4, teid;     /* teid + 0 SGW control, 1 SGW user, 2 PGW control, 3 PGW user, 4 and 5 dedicated, 6 and 7 PFCP, 8 UPF user */
};

static struct user user_of(unsigned number)
{
        struct user user = {.number = number, .ipv4 = 0x0a140001u + number, .teid = 16 * (number + 1)};
        snprintf(user.imsi, sizeof user.imsi, "26201000000%04u", number);
        snprintf(user.imei, sizeof user.imei, "8612340500%04u01", number);
        snprintf(user.session, sizeof user.session, "session-%u", number);
        return user;
}

static void say_gtp(struct binding_scene *scene, const struct user *u, unsigned step, uint32_t sequence, bool with_imsi)
{
        const char *imsi = with_imsi ? u->imsi : NULL;
        switch (step) {
        case 0:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(CREATE), .from = SGW, .to = PGW, .sequence = sequence, .imsi = imsi, .imei = u->imei,
                    .apn = "apn", .bearer = 5, .endpoints = {{SGW, u->teid, .interface = 7}, {SGW, u->teid + 1, .user = true, .bearer = 5}});
                break;
        case 1:
        case 2:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = u->teid,
                    .cause = step == 2, .bearer = 5, .ipv4 = u->ipv4,
                    .endpoints = {{PGW, u->teid + 2, .interface = 8}, {PGW, u->teid + 3, .user = true, .of_network = true, .bearer = 5}});
                break;
        case 3:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(MODIFY), .from = SGW, .to = PGW, .sequence = sequence, .key = u->teid + 2,
                    .eci = 1 + sequence);
                break;
        case 4:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = u->teid);
                break;
        case 5:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(DELETE), .from = SGW, .to = PGW, .sequence = sequence, .key = u->teid + 2,
                    .linked_bearer = 5);
                break;
        case 6:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = u->teid);
                break;
        case 7:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(BEARER), .from = PGW, .to = SGW, .sequence = sequence, .key = u->teid, .linked_bearer = 5,
                    .endpoints = {{PGW, u->teid + 4, .user = true, .of_network = true}});
                break;
        default:
                SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(BEARER), RESPONSE, .from = SGW, .to = PGW, .sequence = sequence, .key = u->teid + 2,
                    .bearer = 6, .endpoints = {{SGW, u->teid + 5, .user = true, .bearer = 6}, {PGW, u->teid + 4, .user = true, .of_network = true, .bearer = 6}});
                break;
        }
}

static void say_other(struct binding_scene *scene, const struct user *u, unsigned step, uint32_t sequence)
{
        switch (step) {
        case 9:
                SAY(scene, PROTOCOL(PFCP), PROCEDURE(CREATE), .from = SMF, .to = UPF, .sequence = sequence, .ipv4 = u->ipv4, .apn = "apn",
                    .endpoints = {{.node = SMF, .key = u->teid + 6}});
                break;
        case 10:
                SAY(scene, PROTOCOL(PFCP), PROCEDURE(CREATE), RESPONSE, .from = UPF, .to = SMF, .sequence = sequence, .key = u->teid + 6,
                    .endpoints = {{.node = UPF, .key = u->teid + 7}, {UPF, u->teid + 8, .user = true, .of_network = true}});
                break;
        case 11: SAY(scene, PROTOCOL(PFCP), PROCEDURE(DELETE), .from = SMF, .to = UPF, .sequence = sequence, .key = u->teid + 7); break;
        case 12:
                SAY(scene, PROTOCOL(RADIUS), PROCEDURE(CREATE), .message = 4, .from = NAS, .to = RADIUS_SERVER, .sequence = sequence,
                    .session = u->session, .node = "nas", .imsi = u->imsi, .imei = u->imei, .ipv4 = u->ipv4, .apn = "apn");
                break;
        case 13:
                SAY(scene, PROTOCOL(RADIUS), PROCEDURE(DELETE), .message = 4, .from = NAS, .to = RADIUS_SERVER, .sequence = sequence,
                    .session = u->session, .node = "nas");
                break;
        case 14:
                SAY(scene, PROTOCOL(GX), PROCEDURE(CREATE), .from = PGW, .to = PCRF, .sequence = sequence, .session = u->session, .node = "pgw",
                    .imsi = u->imsi, .ipv4 = u->ipv4, .apn = "apn", .recovery = sequence);
                break;
        default:
                SAY(scene, PROTOCOL(GX), PROCEDURE(CREATE), RESPONSE, .from = PCRF, .to = PGW, .sequence = sequence, .session = u->session);
                break;
        }
}

static bool is_user(const struct binding *binding, const struct user *user)
{
        char ipv4[ADDRESS_TEXT_SIZE], wanted[ADDRESS_TEXT_SIZE];
        snprintf(wanted, sizeof wanted, "10.20.0.%u", 1 + user->number);
        return binding == NULL || ((binding->imsi[0] == '\0' || strcmp(binding->imsi, user->imsi) == 0) &&
                                   (binding->imei[0] == '\0' || strcmp(binding->imei, user->imei) == 0) &&
                                   (address_is_unspecified(&binding->ipv4) || strcmp(address_text(&binding->ipv4, ipv4), wanted) == 0));
}

static void check_users(struct binding_scene *scene)
{
        for (unsigned i = 0; i < USERS; i++) {
                struct user user = user_of(i);
                const struct binding *found = scene_who(scene, user.ipv4);
                expect(is_user(found, &user), "an address is somebody else's");
                for (unsigned offset = 0; offset < 9; offset++)
                        for (uint8_t node = SGW; node <= UPF; node++) {
                                enum tunnel_knowledge known = scene_tunnel(scene, node, user.teid + offset, &found);
                                bool is_user_plane = offset == 1 || offset == 3 || offset == 4 || offset == 5 || offset == 8;
                                expect(is_user(found, &user), "a tunnel is somebody else's");
                                expect(known == TUNNEL_UNKNOWN || is_user_plane, "a control TEID is a tunnel");
                        }
        }
}

static void run_honest(struct binding_scene *scene, struct cursor *at)
{
        for (unsigned i = 0; i < STEPS_MOST && cursor_left(at) >= 2; i++) {
                uint8_t who = cursor_u8(at), how = cursor_u8(at);
                struct user user = user_of(who % USERS);
                unsigned step = how % 16;
                /* What belongs together has one number; once more, another. */
                static const uint8_t kinds[16] = {0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8};
                uint32_t sequence = 1 + kinds[step] * 1000U + who % 32U;
                if (step < 9)
                        say_gtp(scene, &user, step, sequence, who < 0x80);
                else
                        say_other(scene, &user, step, sequence);
                if (how & 0x80)
                        scene_pass(scene, (how >> 4 & 7) * 7.5);
        }
        check_users(scene);
}

static const char *pick(struct cursor *at, const char *const *list, unsigned count)
{
        unsigned number = cursor_u8(at) % (count + 1);
        return number < count ? list[number] : NULL;
}

static struct told nonsense(struct cursor *at)
{
        static const char *const imsis[] = {"262010000000001", "262010000000002", "26201", "000000000000000"};
        static const char *const imeis[] = {"8612340500000101", "86123405000001", "000000000000000"}, *const apns[] = {"apn", "other"};
        static const char *const prefixes[] = {"2001:db8::", "2001:db8:0:1::", "2001::"}, *const routes[] = {"192.168.0.0/16", "2001:db8::/32"};
        static const char *const names[] = {"one", "two"};
        struct told told = {.protocol = cursor_u8(at) % 8, .procedure = cursor_u8(at) % 12, .phase = cursor_u8(at) % 3,
                            .from = (uint8_t)(1 + cursor_u8(at) % 3), .to = (uint8_t)(1 + cursor_u8(at) % 3),
                            .sequence = cursor_u8(at) % 4, .key = cursor_u8(at) % 4, .cause = cursor_u8(at) % 4 == 0};
        uint8_t bits = cursor_u8(at);
        told.imsi = pick(at, imsis, 4);
        told.imei = pick(at, imeis, 3);
        told.apn = pick(at, apns, 2);
        told.session = pick(at, names, 2);
        told.node = pick(at, names, 2);
        told.ipv4 = bits & 1 ? 0x0a140001u + (bits >> 1 & 3) : 0;
        told.ipv6 = bits & 8 ? pick(at, prefixes, 3) : NULL;
        told.ipv6_length = bits & 16 ? cursor_u8(at) : 64;
        told.route = bits & 32 ? pick(at, routes, 2) : NULL;
        told.teardown = bits & 64;
        told.eci = cursor_u8(at) % 3;
        told.bearer = cursor_u8(at) % 4;
        told.linked_bearer = cursor_u8(at) % 4;
        told.ended_bearer = cursor_u8(at) % 4;
        told.recovery = cursor_u8(at) % 3;
        told.context = bits >> 7;
        told.message = cursor_u8(at) % 2 ? 179 : 4;
        for (unsigned i = 0, count = cursor_u8(at) % 5; i < count; i++) {
                uint8_t what = cursor_u8(at);
                told.endpoints[i] = (struct told_endpoint){.node = (uint8_t)(1 + what % 3), .key = what >> 2 & 3, .user = what & 16,
                                                           .of_network = what & 32, .bearer = what >> 6, .interface = cursor_u8(at) % 13};
        }
        return told;
}

static void run_nonsense(struct binding_scene *scene, struct cursor *at)
{
        struct binding found[4];
        for (unsigned i = 0; i < STEPS_MOST && cursor_left(at) >= 8; i++) {
                struct told told = nonsense(at);
                uint8_t time = cursor_u8(at);
                scene_say(scene, &told);
                if (time > 200)
                        scene_pass(scene, time - 200);
                const struct binding *binding = scene_who(scene, 0x0a140001u + time % 4);
                if (binding != NULL && binding->ipv4.bytes[15] != 0)
                        (void)binding_may_send(scene->bindings, binding, &binding->ipv4, scene->now_ns);
                (void)bindings_of_imsi(scene->bindings, "262010000000001", found, 4);
                (void)bindings_of_imei(scene->bindings, "86123405000001", found, 4);
        }
        expect(scene_who(scene, 0x0a140077u) == NULL, "an address that nobody told is somebody's");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct binding_scene scene;
        struct cursor at = cursor_of(data, size);
        uint8_t mode = cursor_u8(&at);
        scene_open(&scene, (struct bindings_settings){.session_limit = mode & 2 ? 3 : 64, .idle_s = mode & 4 ? 60 : 0});
        if (mode & 1)
                run_nonsense(&scene, &at);
        else
                run_honest(&scene, &at);
        scene_close(&scene); /* nothing lives, and as many have closed as opened */
        return 0;
}
