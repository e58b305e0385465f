/* Telling the supervisor how we are: systemd's notification socket, sd_notify(3). */
#ifndef MAIN_NOTIFY_H
#define MAIN_NOTIFY_H

/** notify() - send "READY=1", "STOPPING=1" …; nothing happens without NOTIFY_SOCKET. */
void notify(const char *state);

#endif
