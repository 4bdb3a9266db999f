import { once } from 'node:events'
import type { Duplex } from 'node:stream'

import type { Command } from 'commander'
import ssh2 from 'ssh2'

import type { Client } from '@slipway/client'
import { reportUsage, type Workspace } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { repeat } from '../repeat.ts'
import { type GlobalFlags, openSession } from '../session.ts'
import { openTunnel } from '../tunnel.ts'
import { readyAgent, type WaitMode } from '../wait-for-agent.ts'
import { findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

const USAGE_MS = 60_000

interface SshFlags extends GlobalFlags {
  readonly stdio?: boolean
  readonly forwardAgent?: boolean
  readonly env?: readonly string[]
  readonly wait: string
  readonly disableAutostart?: boolean
  readonly sshHostPrefix?: string
  readonly hostnameSuffix?: string
}

/** `ssh`. */
export function sshCommand(program: Command): void {
  program
    .command('ssh <workspace> [command...]')
    .description('Open a shell in a workspace, or run a command there')
    .option(
      '--stdio',
      'carry SSH over standard input and output, for ProxyCommand',
      process.env.CODER_SSH_STDIO === 'true',
    )
    .option(
      '-A, --forward-agent',
      'let the workspace use your SSH agent',
      process.env.CODER_SSH_FORWARD_AGENT === 'true',
    )
    .option('-e, --env <name=value>', 'variable for the session; may be given several times', repeat)
    .option('--wait <yes|no|auto>', 'wait for startup scripts', process.env.CODER_SSH_WAIT ?? 'auto')
    .option(
      '--disable-autostart',
      'do not start a stopped workspace',
      process.env.CODER_SSH_DISABLE_AUTOSTART === 'true',
    )
    .option('--ssh-host-prefix <prefix>', 'prefix that a host name in ~/.ssh/config has')
    .option('--hostname-suffix <suffix>', 'suffix that a host name in ~/.ssh/config has')
    .option('--usage-app <app>', 'what the session is used for')
    .passThroughOptions()
    .action(async (text: string, given: string[], _own: unknown, command: Command) => {
      // `--` may stand before the command, as everywhere.
      const rest = given[0] === '--' ? given.slice(1) : given
      const flags = command.optsWithGlobals<SshFlags>()
      const client = await openSession(flags)
      const name = hostName(text, flags)
      const workspace = await findWorkspace(client, name)
      const ready = await readyAgent(client, workspace, {
        agent: parseWorkspaceName(name).agent,
        autostart: flags.disableAutostart !== true,
        wait: waitMode(flags.wait),
        say: (line) => process.stderr.write(`${line}\n`),
      })
      using tunnel = await openTunnel(client, ready.agent.id)
      const usage = keepUsed(client, ready.workspace)
      try {
        const stream = await tunnel.connect('ssh:22')
        if (flags.stdio === true) {
          process.stdin.pipe(stream)
          stream.pipe(process.stdout)
          stream.on('error', () => stream.destroy())
          await Promise.race([once(stream, 'close'), tunnel.closed])
          process.exitCode = 0
        } else {
          process.exitCode = await runSession(stream, rest.join(' '), flags)
        }
      } finally {
        clearInterval(usage)
        process.stdin.destroy()
      }
    })
}

/** Takes off what a host name in `~/.ssh/config` has around the workspace's name (AC-242). */
function hostName(text: string, flags: SshFlags): string {
  let name = text
  if (flags.sshHostPrefix !== undefined && name.startsWith(flags.sshHostPrefix))
    name = name.slice(flags.sshHostPrefix.length)
  const suffix = flags.hostnameSuffix === undefined ? '' : `.${flags.hostnameSuffix.replace(/^\./, '')}`
  if (suffix !== '' && name.endsWith(suffix)) {
    name = name.slice(0, -suffix.length)
    const parts = name.split('.')
    // `agent.workspace.owner`, as host names read.
    if (parts.length === 3) return `${parts[2]}/${parts[1]}.${parts[0]}`
  }
  return name
}

function waitMode(text: string): WaitMode {
  if (text === 'yes' || text === 'no' || text === 'auto') return text
  throw new CommandError(`--wait must be yes, no or auto, not ${JSON.stringify(text)}`)
}

/** Says every minute that somebody works in the workspace (AC-103). */
function keepUsed(client: Client, workspace: Workspace): NodeJS.Timeout {
  return setInterval(() => {
    // A report that is lost costs nothing; the next one follows in a minute.
    client.call(reportUsage, { params: { workspace: workspace.id } }).catch(() => undefined)
  }, USAGE_MS).unref()
}

/** Runs a shell or a command over SSH; resolves to its exit code. */
function runSession(stream: Duplex, command: string, flags: SshFlags): Promise<number> {
  const connection = new ssh2.Client()
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true
  const pty = {
    term: process.env.TERM ?? 'xterm-256color',
    cols: process.stdout.columns ?? 80,
    rows: process.stdout.rows ?? 24,
  }
  return new Promise((resolve, reject) => {
    connection.on('error', (error) => reject(new CommandError(`SSH has failed: ${error.message}`, 255)))
    connection.on('ready', () => {
      const options = { env: environment(flags), ...(terminal ? { pty } : {}), ...agentOption(flags) }
      const opened = (error: Error | undefined, channel: ssh2.ClientChannel): void => {
        if (error === undefined) resolve(attach(channel, terminal, connection))
        else reject(error)
      }
      if (command === '')
        connection.shell(terminal ? pty : false, { env: environment(flags), ...agentOption(flags) }, opened)
      else connection.exec(command, options, opened)
    })
    // The tunnel has proved who the other end is, so its host key has nothing to add.
    connection.connect({
      sock: stream,
      username: 'coder',
      hostVerifier: () => true,
      agentForward: flags.forwardAgent === true && process.env.SSH_AUTH_SOCK !== undefined,
      ...(process.env.SSH_AUTH_SOCK === undefined ? {} : { agent: process.env.SSH_AUTH_SOCK }),
      keepaliveInterval: 30_000,
      authHandler: ['none'],
    })
  })
}

function agentOption(flags: SshFlags): { agentForward?: boolean } {
  return flags.forwardAgent === true && process.env.SSH_AUTH_SOCK !== undefined ? { agentForward: true } : {}
}

function environment(flags: SshFlags): Record<string, string> {
  return Object.fromEntries(
    (flags.env ?? []).map((entry) => {
      const at = entry.indexOf('=')
      if (at < 1) throw new CommandError(`--env must be name=value, not ${JSON.stringify(entry)}`)
      return [entry.slice(0, at), entry.slice(at + 1)]
    }),
  )
}

async function attach(
  channel: ssh2.ClientChannel,
  terminal: boolean,
  connection: ssh2.Client,
): Promise<number> {
  let code = 255
  channel.on('exit', (status: number | null) => {
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
  await once(channel, 'close')
  if (terminal) {
    process.stdin.setRawMode(false)
    process.stdout.off('resize', resize)
  }
  connection.end()
  return code
}
