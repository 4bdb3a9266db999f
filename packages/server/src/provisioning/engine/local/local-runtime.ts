import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

import type { LogLevel } from '../engine.ts'
import { EngineError } from '../engine.ts'
import { type Account, Accounts } from './accounts.ts'
import { limited, yieldMemory } from './limits.ts'
import {
  endProcess,
  hasProcesses,
  isRunning,
  killProcesses,
  type ProcessId,
  startTimeOf,
  WORKSPACE_MARK,
} from './processes.ts'

const run = promisify(execFile)

/** How long an agent may take to run its shutdown scripts, in milliseconds. */
const SHUTDOWN_MS = 60_000
/** Each agent's own files are in a folder that begins like this. */
const OWN_FILES = 'run-'
/** Paths of sockets have 107 bytes; the agent's own need some of them. */
const MAX_OWN_PATH = 86
/** What agents say is kept up to about twice this much. */
const MAX_LOG_BYTES = 4 * 1024 * 1024

/** Where workspaces live on this machine and how their agents are started. */
export interface LocalRuntimeOptions {
  /** Folder with one folder for each workspace. */
  readonly directory: string
  /** Program and arguments of the agent. */
  readonly agentCommand: readonly string[]
}

/** An agent to start. */
export interface LocalAgent {
  readonly name: string
  readonly token: string
}

/** What is kept of a running workspace. */
export interface LocalState {
  readonly agents: readonly (ProcessId & { readonly name: string })[]
}

/** What an agent is started with. */
interface Surroundings {
  readonly workspaceId: string
  readonly folder: string
  readonly home: string
  readonly ownFiles: string | undefined
  readonly agent: LocalAgent
  readonly accessUrl: string
  readonly account: Account | undefined
}

type Say = (level: LogLevel, output: string) => void

/**
 * Runs workspaces as processes of this machine, each with a home folder of its own. Agents are detached: they
 * outlive a crash of the server and connect again to the next one.
 */
export class LocalRuntime {
  readonly #options: LocalRuntimeOptions
  readonly #accounts: Accounts

  constructor(options: LocalRuntimeOptions) {
    this.#options = options
    this.#accounts = new Accounts(options.directory)
  }

  /** Starts the agents of a workspace; those that still run from before are ended first. @throws EngineError. */
  async start(
    workspaceId: string,
    agents: readonly LocalAgent[],
    accessUrl: string,
    previous: LocalState,
    say: Say,
    signal: AbortSignal,
  ): Promise<LocalState> {
    if (process.platform !== 'linux')
      throw new EngineError('the local runtime needs Linux: use another template on this machine')
    await this.stop(workspaceId, previous, say, signal)
    const folder = path.join(this.#options.directory, workspaceId)
    const home = path.join(folder, 'home')
    await mkdir(this.#options.directory, { recursive: true })
    // Others must be able to pass through to their own home, and to see nothing on the way.
    await chmod(this.#options.directory, 0o711)
    await mkdir(home, { recursive: true })
    await chmod(folder, 0o711)
    const account = await this.#account(workspaceId, home, say)
    await chmod(home, 0o700)
    const { command, told } = await limited(this.#options.agentCommand, account !== undefined)
    say(told.level, told.output)
    const started: LocalState['agents'][number][] = []
    try {
      for (const [i, agent] of agents.entries()) {
        signal.throwIfAborted()
        const ownFiles = await makeOwnFiles(path.join(folder, `${OWN_FILES}${i}`), account)
        started.push(
          await this.#spawn(command, { workspaceId, folder, home, ownFiles, agent, accessUrl, account }),
        )
        say('info', `Agent ${agent.name} runs as process ${started.at(-1)?.pid ?? 0}`)
      }
    } catch (error) {
      for (const process of started) await endProcess(process, 0)
      throw error instanceof EngineError
        ? error
        : new EngineError(`the agent could not be started: ${String(error)}`, { cause: error })
    }
    return { agents: started }
  }

  async #account(workspaceId: string, home: string, say: Say): Promise<Account | undefined> {
    if (process.getuid?.() !== 0) {
      say(
        'warn',
        'The server does not run as root, so this workspace shares its account: it is not isolated from the server and from other workspaces.',
      )
      return undefined
    }
    const account = await this.#accounts.of(workspaceId, home)
    // A new home, or one whose account has got another number.
    if ((await stat(home)).uid !== account.uid)
      await run('chown', ['-R', '-h', '-P', `${account.uid}:${account.gid}`, home])
    say(
      'info',
      account.named
        ? `Isolated by the account ${account.name} (uid ${account.uid}) with a home folder of its own; it sees the processes and the network of this machine`
        : `Isolated by uid ${account.uid}; it has no name here, so OpenSSH clients will refuse to run inside`,
    )
    return account
  }

  async #spawn(
    command: readonly string[],
    { workspaceId, folder, home, ownFiles, agent, accessUrl, account }: Surroundings,
  ): Promise<LocalState['agents'][number]> {
    const [program, ...args] = command
    if (program === undefined) throw new EngineError('no agent program is configured')
    const logFile = path.join(folder, `agent-${agent.name}.log`)
    const size = await stat(logFile).then(
      (found) => found.size,
      () => 0,
    )
    if (size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`)
    const log = await open(logFile, 'a', 0o600)
    try {
      const child = spawn(program, args, {
        cwd: home,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        // Nothing of the server's own environment: it may hold secrets.
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: home,
          USER: account?.name ?? process.env.USER ?? 'slipway',
          LOGNAME: account?.name ?? process.env.USER ?? 'slipway',
          SHELL: '/bin/bash',
          LANG: 'C.UTF-8',
          CODER_AGENT_URL: accessUrl,
          CODER_AGENT_TOKEN: agent.token,
          [WORKSPACE_MARK]: workspaceId,
          ...(ownFiles === undefined ? {} : { SLIPWAY_AGENT_DIRECTORY: ownFiles }),
          // The agent drops to this account once its code is loaded, which the account may not be able to read.
          ...(account === undefined ? {} : { SLIPWAY_AGENT_ACCOUNT: `${account.uid}:${account.gid}` }),
        },
      })
      await once(child, 'spawn')
      child.unref()
      const { pid } = child
      const startTime = pid === undefined ? undefined : startTimeOf(pid)
      if (pid === undefined || startTime === undefined)
        throw new EngineError(`agent ${agent.name} ended at once: see ${logFile}`)
      await yieldMemory(pid)
      return { name: agent.name, pid, startTime }
    } finally {
      await log.close()
    }
  }

  /**
   * Whether a workspace ran on this machine and nothing of it does any more, as after a restart of the machine (L-16).
   * While anything of it is left, somebody may need that more than its agent.
   */
  async isGone(workspaceId: string, { agents }: LocalState): Promise<boolean> {
    if (process.platform !== 'linux' || agents.length === 0 || agents.some(isRunning)) return false
    const home = path.join(this.#options.directory, workspaceId, 'home')
    if ((await stat(home).catch(() => undefined)) === undefined) return false
    return !hasProcesses(workspaceId, await this.#knownAccount(workspaceId))
  }

  async #knownAccount(workspaceId: string): Promise<Pick<Account, 'uid' | 'gid'> | undefined> {
    return process.getuid?.() === 0 ? this.#accounts.knownOf(workspaceId) : undefined
  }

  /** Ends the agents of a workspace and everything that still runs in it. */
  async stop(workspaceId: string, state: LocalState, say: Say, signal: AbortSignal): Promise<LocalState> {
    for (const agent of state.agents) {
      if (!isRunning(agent)) {
        say('warn', `Agent ${agent.name} did not run any more: it was killed, or this machine was restarted`)
        continue
      }
      const graceful = await endProcess(agent, SHUTDOWN_MS, signal)
      say(
        graceful ? 'info' : 'warn',
        graceful ? `Agent ${agent.name} has ended` : `Agent ${agent.name} did not end in time and was killed`,
      )
    }
    const left = await killProcesses(workspaceId, await this.#knownAccount(workspaceId))
    if (left > 0) say('info', `Ended ${left} processes that were left running`)
    await removeOwnFiles(path.join(this.#options.directory, workspaceId))
    return { agents: [] }
  }

  /** Ends a workspace and removes everything of it. */
  async destroy(workspaceId: string, state: LocalState, say: Say, signal: AbortSignal): Promise<LocalState> {
    const stopped = await this.stop(workspaceId, state, say, signal)
    await rm(path.join(this.#options.directory, workspaceId), { recursive: true, force: true })
    if (process.getuid?.() === 0) await this.#accounts.retire(workspaceId)
    say('info', 'The home folder was removed')
    return stopped
  }
}

/**
 * A folder for the agent's own files: it goes with the workspace even when the agent was killed, as the folder of
 * temporary files does not. Undefined where sockets would have too long a path, or commands would have to quote it.
 */
async function makeOwnFiles(folder: string, account: Account | undefined): Promise<string | undefined> {
  if (folder.length > MAX_OWN_PATH || !/^[\w./-]+$/.test(folder)) return undefined
  await mkdir(folder, { mode: 0o700 })
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  return folder
}

/** Removes what agents have left; none of them runs any more. */
async function removeOwnFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names)
    if (name.startsWith(OWN_FILES)) await rm(path.join(folder, name), { recursive: true, force: true })
}
