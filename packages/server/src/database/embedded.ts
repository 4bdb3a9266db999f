import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import pg from 'pg'

import { describeError, type Logger } from '@slipway/request-log'
import { type Account, binaries, exists, libraryEnv, makeReachable } from './embedded-binaries.ts'
import { sqlState } from './naming-driver.ts'

/** A running embedded PostgreSQL. Disposing it stops the server; its data stays. */
export interface EmbeddedServer extends AsyncDisposable {
  /** By the shortest way: a socket in the file system, where there can be one. */
  readonly url: string
}

/** How to start an embedded PostgreSQL. */
export interface EmbeddedOptions {
  /** Folder that holds `data`, `port` and `password`. Made when missing. */
  readonly directory: string
  readonly log: Logger
  /** Further server settings, e.g. `fsync=off` for tests. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The account that the database runs under when we are root: PostgreSQL refuses to be root itself. */
const UNPRIVILEGED = { uid: 65534, gid: 65534 }
/** What the kernel allows for the name of a socket, in bytes; less on other systems than Linux. */
const MAX_SOCKET_NAME = 103

/**
 * Starts PostgreSQL from the binaries that npm installed, with its data below `directory` (OP-40): a random
 * loopback port, a random password, user and database `coder`. We ourselves come by a socket in the file system, which
 * takes a third less time for each statement than the loopback. A server that was left behind by a killed process is
 * stopped first, and one that dies while we run is started again.
 *
 * @throws Error when another live server process uses the directory, or the directory cannot be reached by
 * the unprivileged account that the database needs under root.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const directory = path.resolve(options.directory)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const lock = await lockDirectory(directory)
  try {
    const account = process.getuid?.() === 0 ? UNPRIVILEGED : undefined
    if (account !== undefined) await makeReachable(directory, account)
    const native = await binaries(directory, account)
    const data = path.join(directory, 'data')
    const password = await readOrCreate(path.join(directory, 'password'), () =>
      randomBytes(12).toString('base64url'),
    )
    if (!(await exists(path.join(data, 'PG_VERSION')))) await initialise(native, directory, data, account)
    const sockets = await socketDirectory(directory, account)
    const supervisor = new Supervisor({ ...options, directory, native, data, password, account, sockets })
    await supervisor.start()
    return {
      url: supervisor.url('coder'),
      [Symbol.asyncDispose]: async () => {
        await supervisor.stop()
        await lock[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await lock[Symbol.asyncDispose]()
    throw error
  }
}

interface SupervisorOptions extends EmbeddedOptions {
  readonly native: string
  readonly data: string
  readonly password: string
  readonly account: Account | undefined
  /** Folder of its socket; undefined where it can have none. */
  readonly sockets: string | undefined
}

class Supervisor {
  readonly #options: SupervisorOptions
  readonly #stop = new AbortController()
  #child: ChildProcess | undefined
  #port = 0
  #started = false
  #restart: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  url(database: string): string {
    const host = encodeURIComponent(this.#options.sockets ?? '127.0.0.1')
    return `postgres://coder:${this.#options.password}@${host}:${this.#port}/${database}`
  }

  /** @throws Error with the last lines of its log; nothing runs then. */
  async start(): Promise<void> {
    await stopLeftover(this.#options.data)
    const portFile = path.join(this.#options.directory, 'port')
    this.#port = await usablePort(Number(await readFile(portFile, 'utf8').catch(() => '0')))
    await writeFile(portFile, String(this.#port), { mode: 0o600 })
    try {
      await this.#spawn()
      await this.#createDatabase()
      this.#started = true
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async #spawn(): Promise<void> {
    this.#stop.signal.throwIfAborted()
    const { native, data, directory, account, sockets, settings = {} } = this.#options
    const all = {
      listen_addresses: '127.0.0.1',
      port: String(this.#port),
      // As a list of names, which a comma would part.
      unix_socket_directories: sockets === undefined ? '' : `"${sockets}"`,
      max_connections: '200',
      // The file is never cut while the server runs: refused statements and checkpoints would fill it.
      log_min_messages: 'log',
      log_checkpoints: 'off',
      ...settings,
    }
    const log = openSync(path.join(directory, 'postgres.log'), 'w', 0o600)
    try {
      const child = spawn(
        path.join(native, 'bin/postgres'),
        ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        { stdio: ['ignore', log, log], env: libraryEnv(native), cwd: directory, detached: true, ...account },
      )
      this.#child = child
      child.once('exit', (code, signal) => this.#exited(child, code, signal))
      child.once('error', (error) => this.#options.log.error('database could not be started', { error }))
    } finally {
      closeSync(log)
    }
    await this.#untilReady()
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + 60_000
    for (;;) {
      const client = new pg.Client({ connectionString: this.url('postgres'), connectionTimeoutMillis: 5_000 })
      client.on('error', () => undefined)
      try {
        await client.connect()
        return
      } catch (error) {
        // One that says that it is starting recovers from a crash, which takes as long as it takes.
        const late = performance.now() > deadline && sqlState(error) !== '57P03'
        if (!isRunning(this.#child) || late) {
          const said = await logTail(this.#options.directory)
          throw new Error(`the embedded database did not start: ${said || describeError(error)}`)
        }
        await delay(25)
      } finally {
        await client.end().catch(() => undefined)
      }
    }
  }

  async #createDatabase(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url('postgres') })
    await client.connect()
    try {
      const found = await client.query(`select 1 from pg_database where datname = 'coder'`)
      if (found.rowCount === 0) await client.query('create database coder')
    } finally {
      await client.end()
    }
  }

  #exited(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#started || this.#stop.signal.aborted) return
    if (child !== this.#child || this.#restart !== undefined) return
    this.#options.log.error('embedded database ended unexpectedly and is started again', { code, signal })
    this.#restart = this.#startAgain().finally(() => {
      this.#restart = undefined
    })
  }

  async #startAgain(): Promise<void> {
    const { signal } = this.#stop
    for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, 5_000)) {
      try {
        await stopLeftover(this.#options.data)
        await this.#spawn()
        return
      } catch (error) {
        if (signal.aborted) return
        this.#options.log.error('embedded database could not be started again', {
          error: describeError(error),
        })
        await delay(pause, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#end()
    // One that was just being started again may have come up meanwhile.
    await this.#restart
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#child
    if (child === undefined || !isRunning(child)) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    // "Fast" shutdown: open transactions are rolled back, nothing waits for clients.
    child.kill('SIGINT')
    const killer = setTimeout(() => child.kill('SIGQUIT'), 10_000)
    await ended
    clearTimeout(killer)
  }
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** The folder of the database's socket, which nobody else can enter; undefined where its name would be too long. */
async function socketDirectory(directory: string, account: Account | undefined): Promise<string | undefined> {
  const sockets = path.join(directory, 'socket')
  const isShort = Buffer.byteLength(path.join(sockets, '.s.PGSQL.65535')) <= MAX_SOCKET_NAME
  if (process.platform === 'win32' || !isShort || sockets.includes('"')) return undefined
  await mkdir(sockets, { recursive: true, mode: 0o700 })
  if (account !== undefined) await chown(sockets, account.uid, account.gid)
  return sockets
}

async function initialise(
  native: string,
  directory: string,
  data: string,
  account: Account | undefined,
): Promise<void> {
  const passwordFile = path.join(directory, 'password')
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid)
  await mkdir(data, { recursive: true, mode: 0o700 })
  if (account !== undefined) await chown(data, account.uid, account.gid)
  const args = [
    '-D',
    data,
    '-U',
    'coder',
    '-E',
    'UTF8',
    '--locale=C',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
  ]
  const child = spawn(path.join(native, 'bin/initdb'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: libraryEnv(native),
    cwd: directory,
    ...account,
  })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
  if (code !== 0) {
    await rm(data, { recursive: true, force: true })
    throw new Error(`the embedded database could not be initialised:\n${output}`)
  }
}

/** Stops a database server that a killed process of ours left running on this data. */
async function stopLeftover(data: string): Promise<void> {
  const pidFile = path.join(data, 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8').catch(() => undefined)
  const pid = Number(text?.split('\n', 1)[0])
  if (!Number.isInteger(pid) || pid <= 1 || !(await isPostgres(pid, data))) return
  process.kill(pid, 'SIGINT')
  for (let waited = 0; waited < 10_000 && (await isPostgres(pid, data)); waited += 20) await delay(20)
  if (await isPostgres(pid, data)) process.kill(pid, 'SIGQUIT')
  while (await isPostgres(pid, data)) await delay(20)
}

/** A pid may have been reused since; only a postgres on this very data counts. */
async function isPostgres(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  const command = await commandOf(pid)
  return command.includes('postgres') && command.includes(data)
}

/** The command line of a process; empty for one that is gone. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** One server process per directory: the file names the holder, and a dead holder's file is taken over. */
async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  const file = path.join(directory, 'lock')
  for (let attempt = 0; ; attempt += 1) {
    try {
      await writeFile(file, `${process.pid}\n${await startTime(process.pid)}`, { flag: 'wx', mode: 0o600 })
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST') || attempt > 3) throw error
      const [pidText = '', started = ''] = (await readFile(file, 'utf8').catch(() => '')).split('\n')
      const pid = Number(pidText)
      if (Number.isInteger(pid) && pid > 0 && isAlive(pid) && (await startTime(pid)) === started)
        throw new Error(
          `another server (process ${pid}) already uses the embedded database in ${directory}: stop it, or set CODER_PG_CONNECTION_URL to share one PostgreSQL between servers`,
        )
      await rm(file, { force: true })
    }
  }
}

/** Distinguishes a process from a later one with the same pid; empty where the system does not tell. */
async function startTime(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

async function usablePort(preferred: number): Promise<number> {
  const listen = (port: number): Promise<number | undefined> =>
    new Promise((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        server.close(() =>
          resolve(typeof address === 'object' && address !== null ? address.port : undefined),
        )
      })
    })
  const port = (preferred > 0 ? await listen(preferred) : undefined) ?? (await listen(0))
  if (port === undefined) throw new Error('no free loopback port for the embedded database')
  return port
}

async function readOrCreate(file: string, make: () => string): Promise<string> {
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found !== undefined && found !== '') return found.trim()
  const value = make()
  await writeFile(file, value, { mode: 0o600 })
  return value
}

async function logTail(directory: string): Promise<string> {
  const text = await readFile(path.join(directory, 'postgres.log'), 'utf8').catch(() => '')
  return text.slice(-2_000).trim()
}
