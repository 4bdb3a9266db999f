import { execFile } from 'node:child_process'
import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import { EngineError } from '../engine.ts'

const run = promisify(execFile)
/** Above everything that distributions and container runtimes give out. */
const FIRST_UID = 1_048_576
const REGISTRY = 'accounts.json'
const MAX_TRIES = 1_000
/** Exit code of useradd and groupadd for a number that is in use (their manual pages). */
const NUMBER_TAKEN = 4
/** The same for a name. */
const NAME_TAKEN = 9
const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 100

/** The account that a workspace runs under. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
  /** False when the machine has no way to name accounts; it works, but nameless. */
  readonly named: boolean
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

  /**
   * The account of this workspace with a name on this machine, which OpenSSH and git insist on; made at the
   * first call. Other servers on the machine give out numbers too, so the machine decides which are free; an
   * account whose number has become somebody else's gets another one.
   */
  of(workspaceId: string, home: string): Promise<Account> {
    return this.#exclusive(async () => {
      const known = await this.#read()
      const name = nameOf(workspaceId)
      const next = Math.max(FIRST_UID - 1, ...Object.values(known)) + 1
      for (let uid = known[workspaceId] ?? next, tries = 0; tries < MAX_TRIES; tries += 1) {
        const outcome = await announce(name, uid, home)
        if (outcome === 'taken') {
          uid = Math.max(uid + 1, next)
          continue
        }
        if (known[workspaceId] !== uid) await this.#write({ ...known, [workspaceId]: uid })
        return { uid, gid: uid, name, named: outcome === 'named' }
      }
      throw new EngineError(
        `no free account number was found from ${next} on: remove accounts that nobody uses`,
      )
    })
  }

  /** The account that this workspace and nobody else has on this machine; undefined when that is not sure. */
  async knownOf(workspaceId: string): Promise<Pick<Account, 'uid' | 'gid'> | undefined> {
    const uid = (await this.#read())[workspaceId]
    if (uid === undefined || uid < FIRST_UID) return undefined
    const name = nameOf(workspaceId)
    return (await entriesOf(String(uid))).some((entry) => entry.uid === uid && entry.name === name)
      ? { uid, gid: uid }
      : undefined
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

/**
 * Puts the account on the machine. The commands refuse numbers that are taken, also when two run at once. To start one
 * takes a large server as long as many requests, so that none runs without need.
 */
async function announce(name: string, uid: number, home: string): Promise<'named' | 'nameless' | 'taken'> {
  const entries = await entriesOf(String(uid), name)
  const holder = entries.find((entry) => entry.uid === uid)
  if (holder !== undefined) return holder.name === name ? 'named' : 'taken'
  // Left from an account that had another number.
  if (entries.length > 0) await run('userdel', ['--force', name]).catch(() => undefined)
  try {
    await addGroup(name, uid)
    await whenUnlocked('useradd', [
      ...['--uid', String(uid), '--gid', String(uid)],
      ...['--no-create-home', '--home-dir', home, '--shell', '/bin/bash', '--no-log-init'],
      name,
    ])
    return 'named'
  } catch (error) {
    await run('groupdel', [name]).catch(() => undefined)
    return exitCodeOf(error) === NUMBER_TAKEN ? 'taken' : 'nameless'
  }
}

/** Adds a group; one of the same name was left from an account that had another number, and goes. */
async function addGroup(name: string, gid: number): Promise<void> {
  const add = (): Promise<void> => whenUnlocked('groupadd', ['--gid', String(gid), name])
  try {
    await add()
  } catch (error) {
    if (exitCodeOf(error) !== NAME_TAKEN) throw error
    await run('groupdel', [name])
    await add()
  }
}

function exitCodeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** These commands give up at once while another one changes the same files. */
async function whenUnlocked(command: string, args: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await run(command, [...args])
      return
    } catch (error) {
      const locked = error instanceof Error && /lock/i.test(error.message)
      if (!locked || tries >= LOCK_TRIES) throw error
      await delay(LOCK_PAUSE_MS)
    }
  }
}

/** The accounts of these numbers and names, as far as there are any: names may come from elsewhere than `/etc/passwd`. */
async function entriesOf(
  ...keys: readonly string[]
): Promise<{ readonly name: string; readonly uid: number }[]> {
  // It gives what it has found also when it fails because it has not found all.
  const stdout = await run('getent', ['passwd', ...keys]).then(
    (done) => done.stdout,
    (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : ''),
  )
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', , uid] = line.split(':')
      return { name, uid: Number(uid) }
    })
}

function nameOf(workspaceId: string): string {
  return `slipway-${workspaceId.replaceAll('-', '').slice(0, 16)}`
}
