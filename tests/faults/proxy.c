/* Stands between a client and a server and spoils what the server says.
 *
 *     proxy PORT dribble        what the server says arrives byte by byte
 *     proxy PORT cut N          the connection ends after N, 2 N, 3 N... bytes of the server, in the middle of whatever comes then
 *
 * Listens on any port of 127.0.0.1 and says which in a line on standard output. One process a connection; all end with the first. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct way {
        int client, server;
        bool dribbles;
        size_t left;             /* bytes of the server until the cut */
};

static struct sockaddr_in loopback(int port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
}

static bool send_all(int to, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
                if (sent <= 0)
                        return false;
                bytes += sent;
                length -= (size_t)sent;
        }
        return true;
}

static bool pass_to_server(const struct way *way)
{
        char bytes[65536];
        ssize_t length = recv(way->client, bytes, sizeof bytes, 0);
        return length > 0 && send_all(way->server, bytes, (size_t)length);
}

static bool pass_to_client(struct way *way)
{
        char bytes[4096];
        ssize_t length = recv(way->server, bytes, sizeof bytes, 0);
        if (length <= 0)
                return false;
        bool is_cut = (size_t)length >= way->left;
        size_t passed = is_cut ? way->left : (size_t)length;
        way->left -= passed;
        size_t step = way->dribbles ? 1 : passed;
        for (size_t i = 0; i < passed; i += step)
                if (!send_all(way->client, bytes + i, step))
                        return false;
        return !is_cut;
}

static void carry(struct way *way)
{
        struct pollfd files[2] = {{way->client, POLLIN, 0}, {way->server, POLLIN, 0}};
        while (poll(files, 2, -1) > 0 || errno == EINTR) {
                if (files[0].revents && !pass_to_server(way))
                        return;
                if (files[1].revents && !pass_to_client(way))
                        return;
        }
}

int main(int argc, char **argv)
{
        bool dribbles = argc == 3 && strcmp(argv[2], "dribble") == 0;
        if (!dribbles && (argc != 4 || strcmp(argv[2], "cut") != 0))
                return 2;
        size_t step = dribbles ? 0 : strtoul(argv[3], NULL, 10);
        struct sockaddr_in address = loopback(0), server = loopback(atoi(argv[1]));
        socklen_t length = sizeof address;
        int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
        if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
            getsockname(listener, (struct sockaddr *)&address, &length) != 0)
                return 1;
        printf("%d\n", ntohs(address.sin_port));
        fflush(stdout);
        signal(SIGCHLD, SIG_IGN);
        for (size_t count = 1;; count++) {
                struct way way = {.client = accept(listener, NULL, NULL), .dribbles = dribbles,
                                  .left = dribbles ? SIZE_MAX : step * count};
                if (way.client < 0)
                        return 1;
                if (fork() == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        close(listener);
                        way.server = socket(AF_INET, SOCK_STREAM, 0);
                        setsockopt(way.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                        if (connect(way.server, (struct sockaddr *)&server, sizeof server) == 0)
                                carry(&way);
                        _exit(0);
                }
                close(way.client);
        }
}
