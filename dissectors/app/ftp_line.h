/* Commands and replies of FTP (RFC 959, 2428, 3659). Pure; spans borrow. */
#pragma once

#include "dissectors/dissector.h"

enum ftp_verb {
        FTP_OTHER, FTP_USER, FTP_PASS, FTP_CWD, FTP_CDUP, FTP_PWD, FTP_RETR, FTP_STOR, FTP_APPE, FTP_STOU, FTP_LIST, FTP_NLST, FTP_MLSD,
        FTP_PORT, FTP_EPRT, FTP_PASV, FTP_EPSV, FTP_REST, FTP_SIZE, FTP_AUTH, FTP_QUIT
};

struct ftp_command {
        enum ftp_verb verb;
        struct cursor name;     /* the verb as written */
        struct cursor argument; /* empty: none */
};

struct ftp_reply {
        uint16_t code;          /* 100 to 659 */
        bool goes_on;           /* "123-": more lines of this reply follow */
        struct cursor text;
};

/* One line, its end consumed. NO_MATCH: letters and blanks are not where a command has them. */
enum dissect_result ftp_parse_command(struct cursor *cursor, struct ftp_command *out);

/* A line of a reply. NO_MATCH: no three digits; inner lines of a long reply may be anything. */
enum dissect_result ftp_parse_reply(struct cursor *cursor, struct ftp_reply *out);

/* "h1,h2,h3,h4,p1,p2", of PORT's argument and anywhere within 227's text. */
bool ftp_parse_port(struct cursor text, struct address *address, uint16_t *port);

/* "|1|192.0.2.1|6275|", "|2|2001:db8::1|6275|" of EPRT, "(|||6446|)" of 229: there `*has_address` is false. */
bool ftp_parse_extended(struct cursor text, bool *has_address, struct address *address, uint16_t *port);

/* Decimal digits at the start; false: none. */
bool ftp_parse_number(struct cursor text, uint64_t *number);

const char *ftp_verb_name(enum ftp_verb verb);
