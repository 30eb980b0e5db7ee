// SPDX-License-Identifier: MIT
/* Reading folders: all of one is taken when it is read from its beginning. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "entries.h"
#include "path.h"

/* How much of a folder is asked for at once. */
#define READDIR_BYTES 16384

static void read_entries(struct session *session, fuse_req_t fuse, struct open_file *file,
			 size_t size, bool from_beginning);

/* How many of a manager's bytes are whole entries. */
static size_t whole_entries(const char *bytes, size_t len)
{
	const size_t head = offsetof(struct dirent, d_name);
	size_t at = 0;

	while (len - at > head) {
		const struct dirent *entry = (const struct dirent *)(bytes + at);
		size_t n = entry->d_reclen;

		if (n <= head || n > len - at || n % 8 || !memchr(entry->d_name, 0, n - head))
			break;
		at += n;
	}
	return at;
}

/*
 * As much as there is room for, from an entry on that the kernel names by where it begins. A client
 * may have sought anywhere: then from the next entry on.
 */
static void give_entries(fuse_req_t fuse, const struct open_file *file, size_t size, size_t from)
{
	char *answer = malloc(size);
	size_t used = 0, at = 0;

	if (!answer) {
		fuse_reply_err(fuse, ENOMEM);
		return;
	}
	while (at < from && at < file->entries_len)
		at += ((const struct dirent *)(file->entries + at))->d_reclen;
	while (at < file->entries_len) {
		const struct dirent *entry = (const struct dirent *)(file->entries + at);
		struct stat stat = {.st_ino = entry->d_ino};
		size_t next = at + entry->d_reclen,
		       n = fuse_add_direntry(fuse, answer + used, size - used, entry->d_name, &stat,
					     (off_t)next);

		if (n > size - used)
			break;
		used += n;
		at = next;
	}
	fuse_reply_buf(fuse, answer, used);
	free(answer);
}

static void reply_readdir(struct call *call, int error, long status, size_t len)
{
	struct open_file *file = call->file;
	size_t n = error || status < 0 ? 0 : (size_t)status;
	char *grown;

	(void)len;
	if (n > call->request.request.room_len)
		n = call->request.request.room_len;
	n = whole_entries(call->request.request.room, n);
	if (n) {
		grown = realloc(file->entries, file->entries_len + n);
		if (grown) {
			memcpy(grown + file->entries_len, call->request.request.room, n);
			file->entries = grown;
			file->entries_len += n;
			read_entries(call->session, call->fuse, file, call->asked, false);
			return;
		}
		error = ENOMEM;
	}
	if (error)
		call_refuse(call, error);
	else
		give_entries(call->fuse, file, call->asked, 0);
}

static void read_entries(struct session *session, fuse_req_t fuse, struct open_file *file,
			 size_t size, bool from_beginning)
{
	struct _io_read *message;
	struct call *call =
		call_make(session, fuse, file, NULL, sizeof(*message), _IO_READ, READDIR_BYTES);

	if (!call)
		return;
	message = call->io;
	message->nbytes = READDIR_BYTES;
	message->xtype = _IO_XTYPE_READDIR;
	call->request.positioned = from_beginning;
	call->asked = size;
	call->reply = reply_readdir;
	call_post(call);
}

void folder_readdir(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	struct open_file *file = file_of(info);

	(void)node;
	if (offset > 0) {
		give_entries(fuse, file, size, (size_t)offset);
		return;
	}
	file->entries_len = 0;
	read_entries(session_of(fuse), fuse, file, size, true);
}
