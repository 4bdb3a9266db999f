import { execFile } from 'node:child_process'
import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Above everything that distributions and container runtimes give out. */
const FIRST_UID = 1_048_576
const REGISTRY = 'accounts.json'

/** The account that a workspace runs under. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

/**
 * Accounts of workspaces, when the server runs as root: one each, so that no workspace can read another's
 * files, nor the server's. Numbers are never used twice, because files of the old owner might be left.
 */
export class Accounts {
  readonly #directory: string
  #queue: Promise<unknown> = Promise.resolve()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The account of this workspace; made at the first call. */
  of(workspaceId: string): Promise<Account> {
    return this.#exclusive(async () => {
      const known = await this.#read()
      const found = known[workspaceId]
      const uid = found ?? Math.max(FIRST_UID - 1, ...Object.values(known)) + 1
      if (found === undefined) await this.#write({ ...known, [workspaceId]: uid })
      return { uid, gid: uid, name: nameOf(workspaceId) }
    })
  }

  /**
   * Gives the account a name on this machine, which OpenSSH and git insist on.
   *
   * @returns false when the machine has no way to do it; the account works, but nameless.
   */
  async announce(account: Account, home: string): Promise<boolean> {
    try {
      await run('getent', ['passwd', String(account.uid)])
      return true
    } catch {
      // Not there yet.
    }
    try {
      await run('groupadd', ['--gid', String(account.gid), account.name]).catch(() => undefined)
      await run('useradd', [
        '--uid',
        String(account.uid),
        '--gid',
        String(account.gid),
        '--no-create-home',
        '--home-dir',
        home,
        '--shell',
        '/bin/bash',
        '--no-log-init',
        account.name,
      ])
      return true
    } catch {
      return false
    }
  }

  /** Takes the name of an account away again. */
  async retire(workspaceId: string): Promise<void> {
    const name = nameOf(workspaceId)
    await run('userdel', ['--force', name]).catch(() => undefined)
    await run('groupdel', [name]).catch(() => undefined)
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #read(): Promise<Readonly<Record<string, number>>> {
    try {
      const value: unknown = JSON.parse(await readFile(path.join(this.#directory, REGISTRY), 'utf8'))
      return typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([id, uid]) => [id, Number(uid)]))
        : {}
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
      throw error
    }
  }

  async #write(known: Readonly<Record<string, number>>): Promise<void> {
    const file = path.join(this.#directory, REGISTRY)
    await writeFile(`${file}.new`, JSON.stringify(known), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
}

function nameOf(workspaceId: string): string {
  return `slipway-${workspaceId.replaceAll('-', '').slice(0, 16)}`
}
