import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'

import { type IPty, spawn as spawnPty } from '@lydell/node-pty'
import type { PseudoTtyInfo, ServerChannel, Session } from 'ssh2'

import type { EndSession, SessionReports, SessionType } from '../connection-reports.ts'
import { loginShell, type Program } from '../login-shell.ts'
import { PtyInput } from '../pty-input.ts'
import { PtyPace } from '../pty-pace.ts'
import type { ForwardedAgent } from './agent-forwarding.ts'
import { serveSftp } from './sftp.ts'

/** What sessions run in. */
export interface SessionSurroundings {
  readonly env: () => Readonly<Record<string, string>>
  readonly directory: () => string
  readonly shell: () => string
  /** Shown when a login shell starts in a terminal; empty for none. */
  readonly motdFile: () => string
  /** Hears of every session. */
  readonly sessions: SessionReports
}

const SIGNALS = new Set([
  'ABRT',
  'ALRM',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'PIPE',
  'QUIT',
  'SEGV',
  'TERM',
  'USR1',
  'USR2',
])
const MAX_ENV = 256
/** Exit code of a session that could not be started (AC-111). */
const SESSION_FAILURE = 229

/** Serves one session: a shell, a command or SFTP (RFC 4254 section 6). Disposing hangs its processes up. */
export function serveSession(
  session: Session,
  agent: ForwardedAgent,
  around: SessionSurroundings,
): Disposable {
  const given: Record<string, string> = {}
  let size: PseudoTtyInfo | undefined
  let running: { readonly resize: (size: Size) => void; readonly signal: (name: string) => void } | undefined

  session.on('env', (accept, _reject, info) => {
    if (Object.keys(given).length < MAX_ENV && /^\w+$/.test(info.key)) given[info.key] = info.val
    accept?.()
  })
  session.on('pty', (accept, _reject, info) => {
    size = info
    accept?.()
  })
  session.on('window-change', (accept, _reject, info) => {
    running?.resize(info)
    accept?.()
  })
  session.on('signal', (accept, _reject, info) => {
    if (SIGNALS.has(info.name)) running?.signal(`SIG${info.name}`)
    accept?.()
  })
  session.on('auth-agent', (accept, reject) => {
    const socket = agent.socket()
    if (socket === undefined) {
      reject?.()
      return
    }
    given.SSH_AUTH_SOCK = socket
    accept?.()
  })
  session.on('sftp', (accept) => {
    const { HOME = '/' } = around.env()
    const sftp = accept()
    const end = around.sessions.begin(sessionType(given))
    sftp.once('close', () => end())
    serveSftp(sftp, HOME)
  })
  const run = (channel: ServerChannel, command: string): void => {
    const end = around.sessions.begin(sessionType(given))
    // The client has left before the program has ended.
    channel.on('close', () => end({ reason: 'the client has left' }))
    // A client that leaves while something is written is no failure of the agent.
    channel.on('error', () => channel.destroy())
    try {
      start(channel, command, end)
    } catch (error) {
      // Arguments that are too long, or no terminal left: the system refuses before anything runs.
      channel.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      end({ exitCode: SESSION_FAILURE })
      finish(channel, SESSION_FAILURE)
    }
  }
  const start = (channel: ServerChannel, command: string, end: EndSession): void => {
    const env = { ...around.env(), ...sessionEnvironment(given) }
    const directory = existsSync(around.directory()) ? around.directory() : '/'
    const shell = around.shell()
    const login = loginShell(shell, size === undefined ? '' : around.motdFile(), env.HOME)
    const { program, args } = command === '' ? login : programOf(shell, command)
    running =
      size === undefined
        ? runPlain(channel, spawn(program, args, { cwd: directory, env, detached: true }), end)
        : runTerminal(
            channel,
            end,
            spawnPty(program, args, {
              name: size.term === undefined || size.term === '' ? 'xterm-256color' : size.term,
              cols: size.cols > 0 ? size.cols : 80,
              rows: size.rows > 0 ? size.rows : 24,
              cwd: directory,
              env: { ...env, SSH_TTY: '/dev/tty' },
              encoding: null,
            }),
          )
  }
  session.on('shell', (accept) => run(accept(), ''))
  session.on('exec', (accept, _reject, info) => run(accept(), info.command))
  return { [Symbol.dispose]: () => running?.signal('SIGHUP') }
}

/** What runs a command: the user's shell, or the interpreter that a script names in its first line (AC-111). */
function programOf(shell: string, command: string): Program {
  const words = /^#!([^\n]*)\n/.exec(command)?.[1]?.trim().split(/\s+/) ?? []
  const [program, ...args] = words[0] === '/usr/bin/env' ? words.slice(1) : words
  return program === undefined || program === ''
    ? { program: shell, args: ['-c', command] }
    : { program, args: [...args, '-c', command] }
}

interface Size {
  readonly cols: number
  readonly rows: number
}

/** What the client says that the session is for (AC-113). */
function sessionType({ CODER_SSH_SESSION_TYPE: said }: Readonly<Record<string, string>>): SessionType {
  const type = said?.toLowerCase()
  return type === 'vscode' || type === 'jetbrains' ? type : 'ssh'
}

/** AC-113: how the client calls itself is for us and not for the command. */
function sessionEnvironment(given: Readonly<Record<string, string>>): Record<string, string> {
  const { CODER_SSH_SESSION_TYPE: _type, PATH: _path, ...env } = given
  return { ...env, SSH_CLIENT: '127.0.0.1 0 22', SSH_CONNECTION: '127.0.0.1 0 127.0.0.1 22' }
}

function runPlain(channel: ServerChannel, child: ChildProcess, end: EndSession) {
  const { stdin, stdout, stderr } = child
  stdin?.on('error', () => stdin.destroy())
  if (stdin !== null) channel.pipe(stdin)
  if (stdout !== null) stdout.pipe(channel, { end: false })
  if (stderr !== null) stderr.pipe(channel.stderr, { end: false })
  child.on('error', (error) => {
    channel.stderr.write(`${error.message}\n`)
    end({ exitCode: 127 })
    finish(channel, 127)
  })
  // `close` comes after the last output, `exit` may come before it.
  child.on('close', (code, signal) => {
    const exitCode = code === null || code < 0 ? 255 : code
    end(signal === null ? { exitCode } : { reason: `ended by ${signal}` })
    if (signal !== null) channel.exit(signal.replace(/^SIG/, ''), false, '')
    else channel.exit(exitCode)
    channel.end()
  })
  // What a command has left in the background goes on after it, as with any SSH server.
  channel.on('close', () => {
    if (child.exitCode === null && child.signalCode === null) signalGroup(child.pid, 'SIGHUP')
  })
  return {
    resize: () => undefined,
    // Once the command has ended, its group is what it has left behind, or another's under the same number.
    signal: (name: string) => {
      if (child.exitCode === null && child.signalCode === null) signalGroup(child.pid, name)
    },
  }
}

function runTerminal(channel: ServerChannel, end: EndSession, pty: IPty) {
  let ended = false
  const pace = new PtyPace(pty)
  const input = new PtyInput(pty)
  // With `encoding: null` the data are buffers, whatever the types say.
  pty.onData((data: string | Buffer) => {
    if (!channel.write(data)) pace.pause()
  })
  channel.on('drain', () => pace.resume())
  channel.on('data', (data: Buffer) => {
    if (!ended) input.write(data, channel)
  })
  pty.onExit(({ exitCode, signal }) => {
    ended = true
    input.end()
    const name = hungUpByLibrary(exitCode, signal) ? undefined : signalName(signal)
    const code = exitCode < 0 ? 255 : exitCode
    end(name === undefined ? { exitCode: code } : { reason: `ended by SIG${name}` })
    if (name === undefined) finish(channel, code)
    else {
      channel.exit(name, false, '')
      channel.end()
    }
  })
  channel.on('close', () => {
    pace.resume()
    if (!ended) pty.kill('SIGHUP')
  })
  return {
    resize: (size: Size) => {
      if (!ended && size.cols > 0 && size.rows > 0) pty.resize(size.cols, size.rows)
    },
    signal: (name: string) => {
      if (!ended) pty.kill(name)
    },
  }
}

/**
 * The library closes the terminal as soon as nobody has it open, which hangs up a command that has closed its
 * output and is about to end: GNU programs do so. Such a command has done its work.
 */
function hungUpByLibrary(exitCode: number, signal: number | undefined): boolean {
  return exitCode === 0 && signal === constants.signals.SIGHUP
}

/** The name of a signal as SSH has it, without `SIG`; undefined for none. */
function signalName(signal: number | undefined): string | undefined {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal)
  return found?.[0].replace(/^SIG/, '')
}

function finish(channel: ServerChannel, code: number): void {
  channel.exit(code)
  channel.end()
}

function signalGroup(pid: number | undefined, name: string): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // It has ended already.
  }
}
