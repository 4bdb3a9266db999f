import { constants, type Dirent, type Stats } from 'node:fs'
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
  utimes,
} from 'node:fs/promises'
import path from 'node:path'

import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp
const MAX_HANDLES = 256
const DIRECTORY_BATCH = 128

interface OpenFile {
  readonly kind: 'file'
  readonly file: FileHandle
  readonly append: boolean
}

interface OpenDirectory {
  readonly kind: 'directory'
  readonly path: string
  readonly entries: Dirent[]
}

/**
 * Serves SFTP version 3 (draft-ietf-secsh-filexfer-02) on the files of the workspace. Requests are answered in
 * the order in which they came: clients pipeline many, and some mix the answers up otherwise.
 */
export function serveSftp(sftp: SFTPWrapper, home: string): void {
  const handles = new Map<number, OpenFile | OpenDirectory>()
  let nextHandle = 0
  let queue: Promise<void> = Promise.resolve()
  const answer = (id: number, work: () => Promise<void>): void => {
    queue = queue.then(work).catch((error: unknown) => {
      sftp.status(id, statusOf(error), error instanceof Error ? error.message : String(error))
    })
  }
  const done = (id: number): void => sftp.status(id, STATUS_CODE.OK)
  const add = (handle: OpenFile | OpenDirectory): Buffer => {
    nextHandle += 1
    handles.set(nextHandle, handle)
    const name = Buffer.alloc(4)
    name.writeUInt32BE(nextHandle)
    return name
  }
  const handleOf = (name: Buffer): OpenFile | OpenDirectory => {
    const found = name.length === 4 ? handles.get(name.readUInt32BE()) : undefined
    if (found === undefined) throw Object.assign(new Error('the handle is not open'), { code: 'EBADF' })
    return found
  }
  const fileOf = (name: Buffer): OpenFile => {
    const handle = handleOf(name)
    if (handle.kind !== 'file') throw Object.assign(new Error('the handle is no file'), { code: 'EISDIR' })
    return handle
  }
  const at = (name: string): string => path.resolve(home, name)

  sftp.on('OPEN', (id, name, flags, attributes) =>
    answer(id, async () => {
      if (handles.size >= MAX_HANDLES) throw new Error('too many open files')
      const file = await open(at(name), openFlags(flags), attributes.mode ?? 0o666)
      sftp.handle(id, add({ kind: 'file', file, append: (flags & OPEN_MODE.APPEND) !== 0 }))
    }),
  )
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      const buffer = Buffer.allocUnsafe(Math.min(length, 256 * 1024))
      const { bytesRead } = await fileOf(handle).file.read(buffer, 0, buffer.length, offset)
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buffer.subarray(0, bytesRead))
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) =>
    answer(id, async () => {
      const { file, append } = fileOf(handle)
      for (let written = 0; written < data.length; ) {
        const place = append ? null : offset + written
        const { bytesWritten } = await file.write(data, written, data.length - written, place)
        written += bytesWritten
      }
      done(id)
    }),
  )
  sftp.on('CLOSE', (id, name) =>
    answer(id, async () => {
      const handle = handleOf(name)
      handles.delete(name.readUInt32BE())
      if (handle.kind === 'file') await handle.file.close()
      done(id)
    }),
  )
  sftp.on('OPENDIR', (id, name) =>
    answer(id, async () => {
      if (handles.size >= MAX_HANDLES) throw new Error('too many open folders')
      const entries = await readdir(at(name), { withFileTypes: true })
      sftp.handle(id, add({ kind: 'directory', path: at(name), entries }))
    }),
  )
  sftp.on('READDIR', (id, name) =>
    answer(id, async () => {
      const handle = handleOf(name)
      if (handle.kind !== 'directory') throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' })
      const batch = handle.entries.splice(0, DIRECTORY_BATCH)
      if (batch.length === 0) {
        sftp.status(id, STATUS_CODE.EOF)
        return
      }
      const names = await Promise.all(
        batch.map(async (entry) => {
          const stats = await lstat(path.join(handle.path, entry.name)).catch(() => undefined)
          return stats === undefined
            ? []
            : [{ filename: entry.name, longname: longName(entry.name, stats), attrs: attributesOf(stats) }]
        }),
      )
      sftp.name(id, names.flat())
    }),
  )
  sftp.on('STAT', (id, name) => answer(id, async () => sftp.attrs(id, attributesOf(await stat(at(name))))))
  sftp.on('LSTAT', (id, name) => answer(id, async () => sftp.attrs(id, attributesOf(await lstat(at(name))))))
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => sftp.attrs(id, attributesOf(await fileOf(handle).file.stat()))),
  )
  sftp.on('SETSTAT', (id, name, attributes) =>
    answer(id, async () => {
      const file = at(name)
      // The size first: cutting needs the mode from before, and sets the time of the last change.
      if (attributes.size !== undefined) {
        await using handle = await open(file, 'r+')
        await handle.truncate(attributes.size)
      }
      if (attributes.mode !== undefined) await chmod(file, attributes.mode & 0o7777)
      if (attributes.atime !== undefined && attributes.mtime !== undefined)
        await utimes(file, attributes.atime, attributes.mtime)
      if (attributes.uid !== undefined && attributes.gid !== undefined)
        await chown(file, attributes.uid, attributes.gid)
      done(id)
    }),
  )
  sftp.on('FSETSTAT', (id, handle, attributes) =>
    answer(id, async () => {
      const { file } = fileOf(handle)
      if (attributes.size !== undefined) await file.truncate(attributes.size)
      if (attributes.mode !== undefined) await file.chmod(attributes.mode & 0o7777)
      if (attributes.atime !== undefined && attributes.mtime !== undefined)
        await file.utimes(attributes.atime, attributes.mtime)
      done(id)
    }),
  )
  sftp.on('REMOVE', (id, name) =>
    answer(id, async () => {
      await unlink(at(name))
      done(id)
    }),
  )
  sftp.on('MKDIR', (id, name, attributes) =>
    answer(id, async () => {
      await mkdir(at(name), { mode: attributes.mode ?? 0o777 })
      done(id)
    }),
  )
  sftp.on('RMDIR', (id, name) =>
    answer(id, async () => {
      await rmdir(at(name))
      done(id)
    }),
  )
  sftp.on('RENAME', (id, from, to) =>
    answer(id, async () => {
      await rename(at(from), at(to))
      done(id)
    }),
  )
  sftp.on('REALPATH', (id, name) =>
    answer(id, async () => {
      const resolved = await realpath(at(name)).catch(() => at(name))
      sftp.name(id, [{ filename: resolved, longname: resolved, attrs: NO_ATTRIBUTES }])
    }),
  )
  sftp.on('READLINK', (id, name) =>
    answer(id, async () => {
      const target = await readlink(at(name))
      sftp.name(id, [{ filename: target, longname: target, attrs: NO_ATTRIBUTES }])
    }),
  )
  // OpenSSH sends the two paths the other way round than the draft says; the library puts them in its order.
  sftp.on('SYMLINK', (id, link, target) =>
    answer(id, async () => {
      await symlink(target, at(link))
      done(id)
    }),
  )
  // The library has ended the channel of a client that breaks the protocol.
  sftp.on('error', () => undefined)
  sftp.on('end', () => {
    // Without an exit status scp counts the transfer as failed.
    if (hasExitStatus(sftp)) sftp._protocol.exitStatus(sftp.outgoing.id, 0)
    sftp.end()
  })
  sftp.on('close', () => {
    for (const handle of handles.values())
      if (handle.kind === 'file') void handle.file.close().catch(() => undefined)
    handles.clear()
  })
}

/** The library's SFTP channel can send an exit status but has no method for it. */
interface ExitStatus {
  readonly _protocol: { exitStatus(channel: number, status: number): void }
  readonly outgoing: { readonly id: number }
}

function hasExitStatus(sftp: object): sftp is ExitStatus & SFTPWrapper {
  return (
    'outgoing' in sftp &&
    '_protocol' in sftp &&
    typeof sftp._protocol === 'object' &&
    sftp._protocol !== null &&
    'exitStatus' in sftp._protocol
  )
}

const NO_ATTRIBUTES: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 }

function openFlags(flags: number): number {
  const read = (flags & OPEN_MODE.READ) !== 0
  const write = (flags & OPEN_MODE.WRITE) !== 0
  return (
    (read && write ? constants.O_RDWR : write ? constants.O_WRONLY : constants.O_RDONLY) |
    ((flags & OPEN_MODE.APPEND) !== 0 ? constants.O_APPEND : 0) |
    ((flags & OPEN_MODE.CREAT) !== 0 ? constants.O_CREAT : 0) |
    ((flags & OPEN_MODE.TRUNC) !== 0 ? constants.O_TRUNC : 0) |
    ((flags & OPEN_MODE.EXCL) !== 0 ? constants.O_EXCL : 0)
  )
}

function attributesOf(stats: Stats): Attributes {
  return {
    mode: stats.mode,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    atime: Math.floor(stats.atimeMs / 1000),
    mtime: Math.floor(stats.mtimeMs / 1000),
  }
}

function longName(name: string, stats: Stats): string {
  const type = stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : '-'
  const bits = [6, 3, 0]
    .map((shift) => {
      const three = (stats.mode >> shift) & 7
      return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${three & 1 ? 'x' : '-'}`
    })
    .join('')
  return `${type}${bits} ${stats.nlink} ${stats.uid} ${stats.gid} ${stats.size} ${stats.mtime.toISOString().slice(0, 16)} ${name}`
}

function statusOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return STATUS_CODE.NO_SUCH_FILE
    case 'EACCES':
    case 'EPERM':
      return STATUS_CODE.PERMISSION_DENIED
    default:
      return STATUS_CODE.FAILURE
  }
}
