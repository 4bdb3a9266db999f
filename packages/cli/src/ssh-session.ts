import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'

import ssh2 from 'ssh2'

import { splice } from '@slipway/tunnel'
import { CommandError } from './errors.ts'

/** A port of the workspace that leads to an address of this machine (`-R`). */
export interface RemoteForward {
  readonly remotePort: number
  readonly host: string
  readonly port: number
}

/** What a session of `ssh` is to be like. */
export interface SessionOptions {
  /** Empty for a shell. */
  readonly command: string
  readonly environment: Readonly<Record<string, string>>
  /** Whether to ask for a terminal also when there is none here. */
  readonly forceTerminal: boolean
  /** Socket of an SSH agent that the workspace may use. */
  readonly agent: string | undefined
  readonly remoteForwards: readonly RemoteForward[]
}

/** Runs a shell or a command over SSH; resolves to its exit code, 255 when the connection ended before it did. */
export function runSession(stream: Duplex, session: SessionOptions): Promise<number> {
  const connection = new ssh2.Client()
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  const pty =
    terminal || session.forceTerminal
      ? {
          term: process.env.TERM ?? 'xterm-256color',
          cols: process.stdout.columns ?? 80,
          rows: process.stdout.rows ?? 24,
        }
      : undefined
  const options = {
    env: { ...session.environment },
    ...(session.agent === undefined ? {} : { agentForward: true }),
  }
  return new Promise((resolve, reject) => {
    connection.on('error', (error) => reject(new CommandError(`SSH has failed: ${error.message}`, 255)))
    connection.on('close', () => reject(new CommandError('the connection to the workspace has ended', 255)))
    connection.on('ready', () => {
      forwardBack(connection, session.remoteForwards).catch(reject)
      const opened = (error: Error | undefined, channel: ssh2.ClientChannel): void => {
        if (error === undefined) attach(channel, terminal, connection).then(resolve, reject)
        else reject(error)
      }
      if (session.command === '') connection.shell(pty ?? false, options, opened)
      else connection.exec(session.command, { ...options, ...(pty === undefined ? {} : { pty }) }, opened)
    })
    // The tunnel has proved who the other end is, so its host key has nothing to add.
    connection.connect({
      sock: stream,
      username: 'coder',
      hostVerifier: () => true,
      ...(session.agent === undefined ? {} : { agent: session.agent, agentForward: true }),
      keepaliveInterval: 30_000,
      authHandler: ['none'],
    })
  })
}

/** Reads `remote_port:local_address:local_port`. @throws CommandError for anything else. */
export function parseRemoteForward(text: string): RemoteForward {
  const match = /^(\d+):(\[[^\]]+\]|[^:]+):(\d+)$/.exec(text)
  const [remotePort, port] = [Number(match?.[1]), Number(match?.[3])]
  if (match === null || remotePort < 1 || remotePort > 65_535 || port < 1 || port > 65_535)
    throw new CommandError(
      `--remote-forward must be remote_port:local_address:local_port, not ${JSON.stringify(text)}`,
    )
  return { remotePort, host: (match[2] ?? '').replace(/^\[|\]$/g, ''), port }
}

async function forwardBack(connection: ssh2.Client, forwards: readonly RemoteForward[]): Promise<void> {
  connection.on('tcp connection', (details, accept) => {
    const forward = forwards.find(({ remotePort }) => remotePort === details.destPort)
    if (forward === undefined) return
    const channel = accept()
    const socket = connectTcp(forward.port, forward.host)
    socket.once('connect', () => splice(socket, channel))
    socket.once('error', (error) => {
      process.stderr.write(`${forward.host}:${forward.port} cannot be reached: ${error.message}\r\n`)
      channel.destroy()
    })
  })
  await Promise.all(
    forwards.map(
      ({ remotePort }) =>
        new Promise<void>((resolve, reject) => {
          connection.forwardIn('127.0.0.1', remotePort, (error) => {
            if (error === undefined) resolve()
            else
              reject(new CommandError(`port ${remotePort} of the workspace cannot be used: ${error.message}`))
          })
        }),
    ),
  )
}

async function attach(
  channel: ssh2.ClientChannel,
  terminal: boolean,
  connection: ssh2.Client,
): Promise<number> {
  let code: number | undefined
  channel.on('exit', (status: number | null) => {
    // A command that a signal has ended has no code of its own.
    code = status ?? 255
  })
  const resize = (): void => {
    channel.setWindow(process.stdout.rows ?? 24, process.stdout.columns ?? 80, 0, 0)
  }
  if (terminal) {
    process.stdin.setRawMode(true)
    process.stdout.on('resize', resize)
  }
  process.stdin.pipe(channel)
  channel.pipe(process.stdout, { end: false })
  channel.stderr.pipe(process.stderr, { end: false })
  try {
    await once(channel, 'close')
  } finally {
    if (terminal) {
      process.stdin.setRawMode(false)
      process.stdout.off('resize', resize)
    }
  }
  connection.end()
  if (code === undefined) throw new CommandError('the connection to the workspace has ended', 255)
  return code
}
