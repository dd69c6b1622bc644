/* The closed list of `app`: the protocol names of nDPI 4.2 and those of dissectors that nDPI has no name for (DLMS, SUPL,
 * NMEA, LwM2M). A literal list, since judge does not include nDPI, and a policy means the same beside any version of it. */
#include "judge/policy.h"

#include <stdlib.h>
#include <strings.h>

struct app {
        const char *name;
        bool service; /* told by names on top of another protocol */
};

/* Sorted without regard to case. */
static const struct app apps[] = {
        {"AccuWeather", 1}, {"Activision", 1}, {"AFP", 0}, {"Aimini", 0}, {"AJP", 0}, {"Alibaba", 1}, {"Amazon", 1},
        {"AmazonAlexa", 1}, {"AmazonAWS", 1}, {"AmazonVideo", 1}, {"AmongUs", 0}, {"AMQP", 0}, {"AnyDesk", 1},
        {"Apple", 1}, {"AppleiCloud", 1}, {"AppleiTunes", 1}, {"AppleJuice", 0}, {"ApplePush", 1}, {"AppleSiri", 1},
        {"AppleStore", 1}, {"Armagetron", 0}, {"AVASTSecureDNS", 0}, {"Ayiya", 0}, {"Azure", 1}, {"Badoo", 1},
        {"BGP", 0}, {"BitTorrent", 0}, {"BJNP", 0}, {"Bloomberg", 1}, {"CAPWAP", 0}, {"Cassandra", 0}, {"CHECKMK", 0},
        {"CiscoSkinny", 0}, {"CiscoVPN", 0}, {"Citrix", 0}, {"Cloudflare", 1}, {"CNN", 1}, {"COAP", 0}, {"Collectd", 0},
        {"Corba", 0}, {"CPHA", 0}, {"Crashlytics", 1}, {"Crossfire", 0}, {"CSGO", 0}, {"DataSaver", 0}, {"DCE_RPC", 0},
        {"Deezer", 1}, {"DHCP", 0}, {"DHCPV6", 0}, {"Diameter", 0}, {"Direct_Download_Link", 0}, {"DirectConnect", 0},
        {"Discord", 1}, {"DisneyPlus", 1}, {"DLMS", 0}, {"DNP3", 0}, {"DNS", 0}, {"DNScrypt", 0}, {"Dofus", 0},
        {"DoH_DoT", 0}, {"DRDA", 0}, {"Dropbox", 1}, {"DTLS", 0}, {"EAQ", 0}, {"eBay", 1}, {"eDonkey", 0}, {"EGP", 0},
        {"EthernetIP", 0}, {"Facebook", 1}, {"FacebookVoip", 0}, {"FastTrack", 0}, {"Fiesta", 0}, {"FIX", 0},
        {"Florensia", 0}, {"FortiClient", 1}, {"FTP_CONTROL", 0}, {"FTP_DATA", 0}, {"Fuze", 1}, {"GenshinImpact", 0},
        {"Git", 0}, {"Github", 1}, {"GitLab", 1}, {"GMail", 1}, {"Gnutella", 0}, {"Google", 1}, {"GoogleClassroom", 1},
        {"GoogleDocs", 1}, {"GoogleDrive", 1}, {"GoogleHangoutDuo", 1}, {"GoogleMaps", 1}, {"GooglePlus", 1},
        {"GoogleServices", 1}, {"GRE", 0}, {"GTP", 0}, {"GTP_C", 0}, {"GTP_PRIME", 0}, {"GTP_U", 0}, {"Guildwars", 0},
        {"H323", 0}, {"HalfLife2", 0}, {"Hotmail", 1}, {"HotspotShield", 1}, {"HP_VIRTGRP", 0}, {"HTTP", 0},
        {"HTTP_Connect", 0}, {"HTTP_Proxy", 0}, {"Hulu", 1}, {"IAX", 0}, {"IceCast", 0}, {"iCloudPrivateRelay", 1},
        {"ICMP", 0}, {"ICMPV6", 0}, {"IEC60870", 0}, {"IFLIX", 1}, {"IGMP", 0}, {"IMAP", 0}, {"IMAPS", 0}, {"IMO", 1},
        {"Instagram", 1}, {"IP_in_IP", 0}, {"IPP", 0}, {"IPsec", 0}, {"IRC", 0}, {"Jabber", 0}, {"KakaoTalk", 1},
        {"KakaoTalk_Voice", 0}, {"Kerberos", 0}, {"Kontiki", 0}, {"LastFM", 1}, {"LDAP", 0}, {"Likee", 1},
        {"LinkedIn", 1}, {"LISP", 0}, {"LLMNR", 0}, {"LotusNotes", 0}, {"LwM2M", 0}, {"MapleStory", 0}, {"MDNS", 0},
        {"Megaco", 0}, {"Memcached", 0}, {"Messenger", 1}, {"MGCP", 0}, {"Microsoft", 1}, {"Microsoft365", 1},
        {"Mining", 0}, {"Modbus", 0}, {"MongoDB", 0}, {"MPEG_TS", 0}, {"MQTT", 0}, {"MS_OneDrive", 1}, {"MsSQL-TDS", 0},
        {"MySQL", 0}, {"Nats", 0}, {"NestLogSink", 0}, {"NetBIOS", 0}, {"NetFlix", 1}, {"NetFlow", 0}, {"NFS", 0},
        {"Nintendo", 1}, {"NMEA", 0}, {"NOE", 0}, {"ntop", 0}, {"NTP", 0}, {"OCS", 1}, {"OCSP", 0}, {"Ookla", 0},
        {"OpenDNS", 1}, {"OpenFT", 0}, {"OpenVPN", 0}, {"Oracle", 0}, {"OSPF", 0}, {"Pandora", 1}, {"Pastebin", 1},
        {"Pinterest", 1}, {"Playstation", 1}, {"PlayStore", 1}, {"POP3", 0}, {"POPS", 0}, {"PostgreSQL", 0},
        {"PPStream", 0}, {"PPTP", 0}, {"QQ", 1}, {"QQLive", 1}, {"QUIC", 0}, {"Radius", 0}, {"RDP", 0}, {"Reddit", 1},
        {"Redis", 0}, {"RemoteScan", 0}, {"RSYNC", 0}, {"RTCP", 0}, {"RTMP", 0}, {"RTP", 0}, {"RTSP", 0}, {"RX", 0},
        {"s7comm", 0}, {"Salesforce", 1}, {"SAP", 0}, {"SCTP", 0}, {"sFlow", 0}, {"ShoutCast", 0}, {"Signal", 1},
        {"SignalVoip", 0}, {"Sina(Weibo)", 1}, {"SIP", 0}, {"Skype_Teams", 1}, {"SkypeCall", 0}, {"Slack", 1},
        {"SMBv1", 0}, {"SMBv23", 0}, {"SMPP", 0}, {"SMTP", 0}, {"SMTPS", 0}, {"Snapchat", 1}, {"SnapchatCall", 0},
        {"SNMP", 0}, {"SOAP", 0}, {"SOCKS", 0}, {"SOMEIP", 0}, {"Sopcast", 0}, {"SoundCloud", 1}, {"Spotify", 1},
        {"SSDP", 0}, {"SSH", 0}, {"Starcraft", 0}, {"Stealthnet", 0}, {"Steam", 1}, {"STUN", 0}, {"SUPL", 0},
        {"Syslog", 0}, {"TargusDataspeed", 0}, {"Teams", 1}, {"TeamSpeak", 0}, {"TeamViewer", 1}, {"Telegram", 1},
        {"Telnet", 0}, {"Teredo", 0}, {"TFTP", 0}, {"Thunder", 0}, {"TikTok", 1}, {"TINC", 0}, {"TLS", 0}, {"Tor", 0},
        {"TruPhone", 1}, {"Tuenti", 1}, {"Tumblr", 1}, {"TVUplayer", 0}, {"Twitch", 1}, {"Twitter", 1}, {"UBNTAC2", 0},
        {"UbuntuONE", 1}, {"Usenet", 0}, {"Vevo", 1}, {"VHUA", 0}, {"Viber", 1}, {"Vimeo", 1}, {"VMware", 0},
        {"VNC", 0}, {"VRRP", 0}, {"Warcraft3", 0}, {"Waze", 1}, {"Webex", 1}, {"WebSocket", 0}, {"WeChat", 1},
        {"WhatsApp", 1}, {"WhatsAppCall", 0}, {"WhatsAppFiles", 1}, {"Whois-DAS", 0}, {"Wikipedia", 1},
        {"WindowsUpdate", 1}, {"WireGuard", 0}, {"WorldOfKungFu", 0}, {"WorldOfWarcraft", 0}, {"WSD", 0}, {"Xbox", 1},
        {"XDMCP", 0}, {"Yahoo", 1}, {"YouTube", 1}, {"YouTubeUpload", 1}, {"Z39.50", 0}, {"Zabbix", 0}, {"Zattoo", 0},
        {"ZeroMQ", 0}, {"Zoom", 1},
};

enum { APP_COUNT = sizeof apps / sizeof *apps };

static int compare_name(const void *name, const void *app)
{
        return strcasecmp(name, ((const struct app *)app)->name);
}

static const struct app *find(const char *name)
{
        return bsearch(name, apps, APP_COUNT, sizeof *apps, compare_name);
}

const char *app_find(const char *name)
{
        const struct app *app = find(name);
        return app ? app->name : NULL;
}

bool app_is_service(const char *name)
{
        const struct app *app = find(name);
        return app && app->service;
}

void app_print_all(FILE *out)
{
        for (unsigned i = 0; i < APP_COUNT; i++)
                fprintf(out, "%s\n", apps[i].name);
}
