/* Written by tools/gen-ops.ts from src/kernel/plan/op-*.table.ts. Do not edit. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

void read_op_fields(struct reader *reader, struct op *op)
{
	switch (op->code) {
	case OP_CLONE:
		op->clone.flags = read_u64(reader);
		op->clone.into_cgroup_slot = read_optional_slot(reader);
		break;
	case OP_UNSHARE:
		op->unshare.flags = read_u32(reader);
		break;
	case OP_SETNS:
		op->setns.path = read_optional_string(reader);
		op->setns.slot = read_optional_slot(reader);
		op->setns.flags = read_u32(reader);
		break;
	case OP_PIDFD:
		op->pidfd.pid = read_u32(reader);
		op->pidfd.slot = read_slot(reader);
		break;
	case OP_AWAIT_START:
		break;
	case OP_AWAIT_BYTE:
		op->await_byte.slot = read_slot(reader);
		break;
	case OP_FIND_PROGRAM:
		op->find_program.candidates = read_string_list(reader);
		break;
	case OP_SETSID:
		break;
	case OP_EXEC:
		op->exec.candidates = read_string_list(reader);
		op->exec.argv = read_string_list(reader);
		op->exec.env = read_string_list(reader);
		break;
	case OP_SPAWN:
		op->spawn.path = read_string(reader);
		op->spawn.argv = read_string_list(reader);
		op->spawn.env = read_string_list(reader);
		op->spawn.stdin = read_string_list(reader);
		op->spawn.timeout_ms = read_u32(reader);
		op->spawn.cwd = read_optional_string(reader);
		op->spawn.pid_arg = read_u32(reader);
		break;
	case OP_OPEN:
		op->open.path = read_string(reader);
		op->open.root = read_optional_slot(reader);
		op->open.flags = read_u32(reader);
		op->open.mode = read_u32(reader);
		op->open.slot = read_slot(reader);
		break;
	case OP_CLOSE:
		op->close.slot = read_slot(reader);
		break;
	case OP_DUP_TO:
		op->dup_to.slot = read_slot(reader);
		op->dup_to.fd = read_u32(reader);
		break;
	case OP_CLOEXEC_FROM:
		op->cloexec_from.first = read_u32(reader);
		break;
	case OP_OPEN_PTY:
		op->open_pty.root = read_slot(reader);
		op->open_pty.master = read_slot(reader);
		op->open_pty.slave = read_slot(reader);
		break;
	case OP_SEND_FD:
		op->send_fd.slot = read_slot(reader);
		op->send_fd.kept = read_u32(reader);
		break;
	case OP_PASS_FD:
		op->pass_fd.path = read_string(reader);
		op->pass_fd.slot = read_optional_slot(reader);
		op->pass_fd.sent = read_u32(reader);
		op->pass_fd.parts = read_string_list(reader);
		break;
	case OP_RELAY_READINESS:
		op->relay_readiness.path = read_string(reader);
		op->relay_readiness.to = read_string(reader);
		op->relay_readiness.pid = read_u32(reader);
		op->relay_readiness.main = read_u32(reader);
		break;
	case OP_CONTROLLING_TTY:
		op->controlling_tty.slot = read_slot(reader);
		break;
	case OP_WINDOW_SIZE:
		op->window_size.slot = read_slot(reader);
		op->window_size.rows = read_u32(reader);
		op->window_size.cols = read_u32(reader);
		break;
	case OP_CHOWN_STDIO:
		op->chown_stdio.uid = read_u32(reader);
		op->chown_stdio.gid = read_u32(reader);
		break;
	case OP_MOUNT:
		op->mount.fstype = read_string(reader);
		op->mount.source = read_string(reader);
		op->mount.target = read_string(reader);
		op->mount.root = read_optional_slot(reader);
		op->mount.flags = read_u64(reader);
		op->mount.data = read_string(reader);
		op->mount.cwd = read_optional_string(reader);
		break;
	case OP_NEW_MOUNT:
		op->new_mount.fstype = read_string(reader);
		op->new_mount.keys = read_string_list(reader);
		op->new_mount.values = read_string_list(reader);
		op->new_mount.attributes = read_u32(reader);
		op->new_mount.slot = read_slot(reader);
		break;
	case OP_BIND:
		op->bind.source = read_optional_string(reader);
		op->bind.source_slot = read_optional_slot(reader);
		op->bind.target = read_string(reader);
		op->bind.root = read_optional_slot(reader);
		op->bind.recursive = read_u32(reader);
		op->bind.create_target = read_u32(reader);
		break;
	case OP_OPEN_TREE:
		op->open_tree.source = read_string(reader);
		op->open_tree.slot = read_slot(reader);
		op->open_tree.recursive = read_u32(reader);
		break;
	case OP_ATTACH_TREE:
		op->attach_tree.slot = read_slot(reader);
		op->attach_tree.target = read_string(reader);
		op->attach_tree.root = read_optional_slot(reader);
		op->attach_tree.create_target = read_u32(reader);
		op->attach_tree.keep_mode = read_u32(reader);
		break;
	case OP_MOVE_MOUNT:
		op->move_mount.source = read_string(reader);
		op->move_mount.target = read_string(reader);
		break;
	case OP_USER_NAMESPACE:
		op->user_namespace.uid_map = read_bytes(reader);
		op->user_namespace.gid_map = read_bytes(reader);
		op->user_namespace.slot = read_slot(reader);
		break;
	case OP_MOUNT_ATTR:
		op->mount_attr.target = read_string(reader);
		op->mount_attr.root = read_optional_slot(reader);
		op->mount_attr.set = read_u64(reader);
		op->mount_attr.clear = read_u64(reader);
		op->mount_attr.propagation = read_u64(reader);
		op->mount_attr.recursive = read_u32(reader);
		op->mount_attr.userns_slot = read_optional_slot(reader);
		op->mount_attr.missing_ok = read_u32(reader);
		break;
	case OP_UMOUNT:
		op->umount.target = read_string(reader);
		op->umount.flags = read_u32(reader);
		op->umount.missing_ok = read_u32(reader);
		break;
	case OP_PIVOT_ROOT:
		op->pivot_root.new_root = read_string(reader);
		break;
	case OP_CHROOT:
		op->chroot.path = read_string(reader);
		break;
	case OP_MASK_PATH:
		op->mask_path.path = read_string(reader);
		op->mask_path.root = read_slot(reader);
		break;
	case OP_READONLY_PATH:
		op->readonly_path.path = read_string(reader);
		op->readonly_path.root = read_slot(reader);
		break;
	case OP_MKDIR:
		op->mkdir.path = read_string(reader);
		op->mkdir.root = read_optional_slot(reader);
		op->mkdir.mode = read_u32(reader);
		op->mkdir.parents = read_u32(reader);
		break;
	case OP_TOUCH:
		op->touch.path = read_string(reader);
		op->touch.root = read_optional_slot(reader);
		op->touch.mode = read_u32(reader);
		break;
	case OP_WRITE:
		op->write.path = read_string(reader);
		op->write.root = read_optional_slot(reader);
		op->write.flags = read_u32(reader);
		op->write.mode = read_u32(reader);
		op->write.data = read_bytes(reader);
		op->write.fs_magic = read_u32(reader);
		op->write.missing_ok = read_u32(reader);
		break;
	case OP_INHERIT_FILE:
		op->inherit_file.from = read_string(reader);
		op->inherit_file.to = read_string(reader);
		break;
	case OP_BPF_DEVICE:
		op->bpf_device.path = read_string(reader);
		op->bpf_device.program = read_bytes(reader);
		break;
	case OP_READ:
		op->read.path = read_string(reader);
		op->read.root = read_optional_slot(reader);
		op->read.missing_ok = read_u32(reader);
		break;
	case OP_SYMLINK:
		op->symlink.target = read_string(reader);
		op->symlink.path = read_string(reader);
		op->symlink.root = read_optional_slot(reader);
		op->symlink.exists_ok = read_u32(reader);
		break;
	case OP_MKNOD:
		op->mknod.path = read_string(reader);
		op->mknod.root = read_optional_slot(reader);
		op->mknod.mode = read_u32(reader);
		op->mknod.major = read_u32(reader);
		op->mknod.minor = read_u32(reader);
		op->mknod.uid = read_u32(reader);
		op->mknod.gid = read_u32(reader);
		break;
	case OP_UNLINK:
		op->unlink.path = read_string(reader);
		op->unlink.missing_ok = read_u32(reader);
		break;
	case OP_RMDIR:
		op->rmdir.path = read_string(reader);
		op->rmdir.missing_ok = read_u32(reader);
		break;
	case OP_REMOVE_TREE:
		op->remove_tree.path = read_string(reader);
		op->remove_tree.root = read_optional_slot(reader);
		op->remove_tree.missing_ok = read_u32(reader);
		break;
	case OP_COPY_TREE:
		op->copy_tree.from = read_slot(reader);
		op->copy_tree.to = read_slot(reader);
		op->copy_tree.content_only = read_u32(reader);
		break;
	case OP_CHDIR:
		op->chdir.path = read_string(reader);
		break;
	case OP_UMASK:
		op->umask.mask = read_u32(reader);
		break;
	case OP_SETHOSTNAME:
		op->sethostname.name = read_string(reader);
		break;
	case OP_SETDOMAINNAME:
		op->setdomainname.name = read_string(reader);
		break;
	case OP_RLIMIT:
		op->rlimit.resource = read_u32(reader);
		op->rlimit.soft = read_u64(reader);
		op->rlimit.hard = read_u64(reader);
		break;
	case OP_SETGROUPS:
		op->setgroups.gids = read_u32_list(reader);
		break;
	case OP_SETGID:
		op->setgid.gid = read_u32(reader);
		break;
	case OP_SETUID:
		op->setuid.uid = read_u32(reader);
		break;
	case OP_CAP_BOUNDING:
		op->cap_bounding.mask = read_u64(reader);
		break;
	case OP_CAPSET:
		op->capset.effective = read_u64(reader);
		op->capset.permitted = read_u64(reader);
		op->capset.inheritable = read_u64(reader);
		break;
	case OP_CAP_AMBIENT:
		op->cap_ambient.mask = read_u64(reader);
		break;
	case OP_PRCTL:
		op->prctl.option = read_u32(reader);
		op->prctl.args = read_u32_list(reader);
		break;
	case OP_PERSONALITY:
		op->personality.persona = read_u32(reader);
		break;
	case OP_SCHED_SETATTR:
		op->sched_setattr.size = read_u32(reader);
		op->sched_setattr.policy = read_u32(reader);
		op->sched_setattr.flags = read_u64(reader);
		op->sched_setattr.nice = read_u32(reader);
		op->sched_setattr.priority = read_u32(reader);
		op->sched_setattr.runtime = read_u64(reader);
		op->sched_setattr.deadline = read_u64(reader);
		op->sched_setattr.period = read_u64(reader);
		break;
	case OP_SCHED_SETAFFINITY:
		op->sched_setaffinity.mask = read_bytes(reader);
		break;
	case OP_IOPRIO_SET:
		op->ioprio_set.value = read_u32(reader);
		break;
	case OP_SET_MEMPOLICY:
		op->set_mempolicy.mode = read_u32(reader);
		op->set_mempolicy.nodes = read_bytes(reader);
		op->set_mempolicy.max_node = read_u32(reader);
		break;
	case OP_JOIN_SESSION_KEYRING:
		op->join_session_keyring.name = read_string(reader);
		break;
	case OP_SECCOMP:
		op->seccomp.filter = read_bytes(reader);
		op->seccomp.flags = read_u32(reader);
		op->seccomp.listener_slot = read_optional_slot(reader);
		break;
	case OP_NETLINK:
		op->netlink.protocol = read_u32(reader);
		op->netlink.messages = read_bytes_list(reader);
		op->netlink.ignore_errno = read_u32_list(reader);
		op->netlink.pid_at = read_u32(reader);
		break;
	case OP_MAKE_FILE:
		op->make_file.root = read_slot(reader);
		op->make_file.path = read_string(reader);
		op->make_file.attributes = read_attributes(reader);
		op->make_file.size = read_u64(reader);
		break;
	case OP_FILE_DATA:
		op->file_data.data = read_bytes(reader);
		break;
	case OP_MAKE_DIR:
		op->make_dir.root = read_slot(reader);
		op->make_dir.path = read_string(reader);
		op->make_dir.attributes = read_attributes(reader);
		break;
	case OP_MAKE_SYMLINK:
		op->make_symlink.root = read_slot(reader);
		op->make_symlink.path = read_string(reader);
		op->make_symlink.target = read_string(reader);
		op->make_symlink.attributes = read_attributes(reader);
		break;
	case OP_MAKE_HARDLINK:
		op->make_hardlink.root = read_slot(reader);
		op->make_hardlink.path = read_string(reader);
		op->make_hardlink.target = read_string(reader);
		break;
	case OP_MAKE_NODE:
		op->make_node.root = read_slot(reader);
		op->make_node.path = read_string(reader);
		op->make_node.attributes = read_attributes(reader);
		op->make_node.major = read_u32(reader);
		op->make_node.minor = read_u32(reader);
		break;
	case OP_CLEAR_DIR:
		op->clear_dir.root = read_slot(reader);
		op->clear_dir.path = read_string(reader);
		break;
	case OP_SET_TIMES:
		op->set_times.root = read_slot(reader);
		op->set_times.path = read_string(reader);
		op->set_times.mtime = read_times(reader);
		break;
	case OP_CHECK_KIND:
		op->check_kind.root = read_slot(reader);
		op->check_kind.path = read_string(reader);
		op->check_kind.directory = read_u32(reader);
		break;
	case OP_STAT:
		op->stat.root = read_slot(reader);
		op->stat.path = read_string(reader);
		op->stat.missing_ok = read_u32(reader);
		break;
	case OP_READ_TREE:
		op->read_tree.root = read_slot(reader);
		op->read_tree.path = read_string(reader);
		op->read_tree.content = read_u32(reader);
		break;
	case OP_COUNT:
		reader->bad = true;
	}
}

int perform(struct context *context, const struct op *op)
{
	switch (op->code) {
	case OP_CLONE:
		return do_clone(context, &op->clone);
	case OP_UNSHARE:
		return checked(context, "unshare", syscall(SYS_unshare, (long)op->unshare.flags));
	case OP_SETNS:
		return do_setns(context, &op->setns);
	case OP_PIDFD:
		return do_pidfd(context, &op->pidfd);
	case OP_AWAIT_START:
		return do_await_start(context);
	case OP_AWAIT_BYTE:
		return do_await_byte(context, &op->await_byte);
	case OP_FIND_PROGRAM:
		return do_find_program(context, &op->find_program);
	case OP_SETSID:
		return checked(context, "setsid", syscall(SYS_setsid));
	case OP_EXEC:
		return do_exec(context, &op->exec);
	case OP_SPAWN:
		return do_spawn(context, &op->spawn);
	case OP_OPEN:
		return do_open(context, &op->open);
	case OP_CLOSE:
		return checked(context, "close", syscall(SYS_close, (long)(slot_fd(op->close.slot))));
	case OP_DUP_TO:
		return checked(context, "dup2", syscall(SYS_dup3, (long)(slot_fd(op->dup_to.slot)), (long)op->dup_to.fd, (long)0));
	case OP_CLOEXEC_FROM:
		return checked(context, "close_range", syscall(SYS_close_range, (long)op->cloexec_from.first, (long)(~0U), (long)CLOSE_RANGE_CLOEXEC));
	case OP_OPEN_PTY:
		return do_open_pty(context, &op->open_pty);
	case OP_SEND_FD:
		return do_send_fd(context, &op->send_fd);
	case OP_PASS_FD:
		return do_pass_fd(context, &op->pass_fd);
	case OP_RELAY_READINESS:
		return do_relay_readiness(context, &op->relay_readiness);
	case OP_CONTROLLING_TTY:
		return checked(context, "ioctl(TIOCSCTTY)", syscall(SYS_ioctl, (long)(slot_fd(op->controlling_tty.slot)), (long)TIOCSCTTY, (long)0));
	case OP_WINDOW_SIZE:
		return do_window_size(context, &op->window_size);
	case OP_CHOWN_STDIO:
		return do_chown_stdio(context, &op->chown_stdio);
	case OP_MOUNT:
		return do_mount(context, &op->mount);
	case OP_NEW_MOUNT:
		return do_new_mount(context, &op->new_mount);
	case OP_BIND:
		return do_bind(context, &op->bind);
	case OP_OPEN_TREE:
		return do_open_tree(context, &op->open_tree);
	case OP_ATTACH_TREE:
		return do_attach_tree(context, &op->attach_tree);
	case OP_MOVE_MOUNT:
		return checked(context, "move_mount", syscall(SYS_move_mount, (long)AT_FDCWD, (long)op->move_mount.source, (long)AT_FDCWD, (long)op->move_mount.target, (long)0));
	case OP_USER_NAMESPACE:
		return do_user_namespace(context, &op->user_namespace);
	case OP_MOUNT_ATTR:
		return unless_missing(do_mount_attr(context, &op->mount_attr), op->mount_attr.missing_ok);
	case OP_UMOUNT:
		return unless_missing(do_umount(context, &op->umount), op->umount.missing_ok);
	case OP_PIVOT_ROOT:
		return do_pivot_root(context, &op->pivot_root);
	case OP_CHROOT:
		return checked(context, "chroot", syscall(SYS_chroot, (long)op->chroot.path));
	case OP_MASK_PATH:
		return do_mask_path(context, &op->mask_path);
	case OP_READONLY_PATH:
		return do_readonly_path(context, &op->readonly_path);
	case OP_MKDIR:
		return do_mkdir(context, &op->mkdir);
	case OP_TOUCH:
		return do_touch(context, &op->touch);
	case OP_WRITE:
		return unless_missing(do_write(context, &op->write), op->write.missing_ok);
	case OP_INHERIT_FILE:
		return do_inherit_file(context, &op->inherit_file);
	case OP_BPF_DEVICE:
		return do_bpf_device(context, &op->bpf_device);
	case OP_READ:
		return unless_missing(do_read(context, &op->read), op->read.missing_ok);
	case OP_SYMLINK:
		return do_symlink(context, &op->symlink);
	case OP_MKNOD:
		return do_mknod(context, &op->mknod);
	case OP_UNLINK:
		return unless_missing(checked(context, "unlink", syscall(SYS_unlinkat, (long)AT_FDCWD, (long)op->unlink.path, (long)0)), op->unlink.missing_ok);
	case OP_RMDIR:
		return unless_missing(checked(context, "rmdir", syscall(SYS_unlinkat, (long)AT_FDCWD, (long)op->rmdir.path, (long)AT_REMOVEDIR)), op->rmdir.missing_ok);
	case OP_REMOVE_TREE:
		return unless_missing(do_remove_tree(context, &op->remove_tree), op->remove_tree.missing_ok);
	case OP_COPY_TREE:
		return do_copy_tree(context, &op->copy_tree);
	case OP_CHDIR:
		return do_chdir(context, &op->chdir);
	case OP_UMASK:
		return checked(context, "umask", syscall(SYS_umask, (long)op->umask.mask));
	case OP_SETHOSTNAME:
		return checked(context, "sethostname", syscall(SYS_sethostname, (long)op->sethostname.name, (long)(strlen(op->sethostname.name))));
	case OP_SETDOMAINNAME:
		return checked(context, "setdomainname", syscall(SYS_setdomainname, (long)op->setdomainname.name, (long)(strlen(op->setdomainname.name))));
	case OP_RLIMIT:
		return checked(context, "setrlimit", syscall(SYS_prlimit64, (long)0, (long)op->rlimit.resource, (long)(&op->rlimit.soft), (long)NULL));
	case OP_SETGROUPS:
		return checked(context, "setgroups", syscall(SYS_setgroups, (long)op->setgroups.gids.count, (long)op->setgroups.gids.items.at));
	case OP_SETGID:
		return checked(context, "setresgid", syscall(SYS_setresgid, (long)op->setgid.gid, (long)op->setgid.gid, (long)op->setgid.gid));
	case OP_SETUID:
		return checked(context, "setresuid", syscall(SYS_setresuid, (long)op->setuid.uid, (long)op->setuid.uid, (long)op->setuid.uid));
	case OP_CAP_BOUNDING:
		return do_cap_bounding(context, &op->cap_bounding);
	case OP_CAPSET:
		return do_capset(context, &op->capset);
	case OP_CAP_AMBIENT:
		return do_cap_ambient(context, &op->cap_ambient);
	case OP_PRCTL:
		return do_prctl(context, &op->prctl);
	case OP_PERSONALITY:
		return checked(context, "personality", syscall(SYS_personality, (long)op->personality.persona));
	case OP_SCHED_SETATTR:
		return checked(context, "sched_setattr", syscall(SYS_sched_setattr, (long)0, (long)(&op->sched_setattr.size), (long)0));
	case OP_SCHED_SETAFFINITY:
		return checked(context, "sched_setaffinity", syscall(SYS_sched_setaffinity, (long)0, (long)op->sched_setaffinity.mask.size, (long)op->sched_setaffinity.mask.data));
	case OP_IOPRIO_SET:
		return checked(context, "ioprio_set", syscall(SYS_ioprio_set, (long)1, (long)0, (long)op->ioprio_set.value));
	case OP_SET_MEMPOLICY:
		return checked(context, "set_mempolicy", syscall(SYS_set_mempolicy, (long)op->set_mempolicy.mode, (long)op->set_mempolicy.nodes.data, (long)op->set_mempolicy.max_node));
	case OP_JOIN_SESSION_KEYRING:
		return checked(context, "keyctl", syscall(SYS_keyctl, (long)KEYCTL_JOIN_SESSION_KEYRING, (long)op->join_session_keyring.name, (long)0, (long)0, (long)0));
	case OP_SECCOMP:
		return do_seccomp(context, &op->seccomp);
	case OP_NETLINK:
		return do_netlink(context, &op->netlink);
	case OP_MAKE_FILE:
		return do_make_file(context, &op->make_file);
	case OP_FILE_DATA:
		return do_file_data(context, &op->file_data);
	case OP_MAKE_DIR:
		return do_make_dir(context, &op->make_dir);
	case OP_MAKE_SYMLINK:
		return do_make_symlink(context, &op->make_symlink);
	case OP_MAKE_HARDLINK:
		return do_make_hardlink(context, &op->make_hardlink);
	case OP_MAKE_NODE:
		return do_make_node(context, &op->make_node);
	case OP_CLEAR_DIR:
		return do_clear_dir(context, &op->clear_dir);
	case OP_SET_TIMES:
		return do_set_times(context, &op->set_times);
	case OP_CHECK_KIND:
		return do_check_kind(context, &op->check_kind);
	case OP_STAT:
		return unless_missing(do_stat(context, &op->stat), op->stat.missing_ok);
	case OP_READ_TREE:
		return do_read_tree(context, &op->read_tree);
	case OP_COUNT:
		break;
	}
	return refuse(context, "run", ENOSYS);
}
