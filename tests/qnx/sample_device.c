// SPDX-License-Identifier: MIT
/*
 * sample_device PATH: a device that keeps what was last written to it, up to 4,096 bytes
 *
 * Reading gives it, once for each open file; two commands count writes and forget what was written.
 */
#include <devctl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>
#include <sys/iofunc.h>
#include <unistd.h>

#include "sample_device.h"

static char buffer[4096];
static int writes;

static int io_read(resmgr_context_t *ctp, io_read_t *msg, RESMGR_OCB_T *ocb)
{
	size_t left = 0, n;
	int status;

	if ((status = iofunc_read_verify(ctp, msg, ocb, NULL)) != EOK)
		return status;
	if ((msg->i.xtype & _IO_XTYPE_MASK) != _IO_XTYPE_NONE)
		return ENOSYS;
	if (ocb->offset < ocb->attr->nbytes)
		left = (size_t)(ocb->attr->nbytes - ocb->offset);
	n = left < (size_t)msg->i.nbytes ? left : (size_t)msg->i.nbytes;
	_IO_SET_READ_NBYTES(ctp, n);
	if (!n)
		return _RESMGR_NPARTS(0);
	SETIOV(ctp->iov, buffer + ocb->offset, n);
	ocb->offset += (off_t)n;
	ocb->attr->flags |= IOFUNC_ATTR_ATIME;
	return _RESMGR_NPARTS(1);
}

static int io_write(resmgr_context_t *ctp, io_write_t *msg, RESMGR_OCB_T *ocb)
{
	size_t n = (size_t)msg->i.nbytes;
	int status;

	if ((status = iofunc_write_verify(ctp, msg, ocb, NULL)) != EOK)
		return status;
	if ((msg->i.xtype & _IO_XTYPE_MASK) != _IO_XTYPE_NONE)
		return ENOSYS;
	if (n > sizeof(buffer))
		n = sizeof(buffer);
	if (resmgr_msgread(ctp, buffer, n, sizeof(msg->i)) == -1)
		return errno;
	writes++;
	ocb->attr->nbytes = (off_t)n;
	ocb->attr->flags |= IOFUNC_ATTR_MTIME | IOFUNC_ATTR_CTIME;
	_IO_SET_WRITE_NBYTES(ctp, n);
	return _RESMGR_NPARTS(0);
}

static int io_devctl(resmgr_context_t *ctp, io_devctl_t *msg, RESMGR_OCB_T *ocb)
{
	int *data = _DEVCTL_DATA(msg->i), status;

	if ((status = iofunc_devctl_default(ctp, msg, ocb)) != _RESMGR_DEFAULT)
		return status;
	switch (msg->i.dcmd) {
	case SAMPLE_WRITES:
		*data = writes;
		break;
	case SAMPLE_ADD:
		writes += *data;
		*data = writes;
		break;
	case SAMPLE_FORGET:
		ocb->attr->nbytes = 0;
		return EOK;
	default:
		return ENOSYS;
	}
	memset(&msg->o, 0, sizeof(msg->o));
	msg->o.nbytes = sizeof(*data);
	msg->o.ret_val = 0;
	return _RESMGR_PTR(ctp, &msg->o, sizeof(msg->o) + sizeof(*data));
}

int main(int argc, char *argv[])
{
	static resmgr_connect_funcs_t connect_funcs;
	static resmgr_io_funcs_t io_funcs;
	static iofunc_attr_t attr;
	resmgr_attr_t resmgr_attr;
	dispatch_context_t *ctp;
	dispatch_t *dpp;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s PATH\n", argv[0]);
		return EXIT_FAILURE;
	}
	dpp = dispatch_create();
	if (!dpp) {
		perror("dispatch_create");
		return EXIT_FAILURE;
	}
	memset(&resmgr_attr, 0, sizeof(resmgr_attr));
	resmgr_attr.nparts_max = 1;
	resmgr_attr.msg_max_size = 2048;

	iofunc_func_init(_RESMGR_CONNECT_NFUNCS, &connect_funcs, _RESMGR_IO_NFUNCS, &io_funcs);
	io_funcs.read = io_read;
	io_funcs.write = io_write;
	io_funcs.devctl = io_devctl;
	iofunc_attr_init(&attr, S_IFNAM | 0644, NULL, NULL);

	if (resmgr_attach(dpp, &resmgr_attr, argv[1], _FTYPE_ANY, 0, &connect_funcs, &io_funcs,
			  &attr) == -1) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	ctp = dispatch_context_alloc(dpp);
	if (!ctp) {
		perror("dispatch_context_alloc");
		return EXIT_FAILURE;
	}
	printf("%s is there\n", argv[1]);
	fflush(stdout);
	for (;;) {
		dispatch_context_t *next = dispatch_block(ctp);

		if (!next) {
			perror("dispatch_block");
			return EXIT_FAILURE;
		}
		ctp = next;
		dispatch_handler(ctp);
	}
}
