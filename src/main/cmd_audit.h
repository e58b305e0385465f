/* Shared by cmd_audit.c and cmd_audit_export.c only. */
#ifndef MAIN_CMD_AUDIT_H
#define MAIN_CMD_AUDIT_H

#include "main/command.h"

/** audit_verify_export() - is the file at @path as `audit export` wrote it? Returns an exit code.
 */
int audit_verify_export(struct call *call, struct str path);

#endif
