import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'

import type { Command } from 'commander'

import { getWorkspace, reportUsage, type Workspace } from '@slipway/contract'
import type { TunnelClient } from '@slipway/tunnel'
import type { Connection } from '../connection.ts'
import { duration } from '../duration.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, listOption, option } from '../flags.ts'
import { NetworkInfo } from '../network-info.ts'
import { pairs } from '../parameter-flags.ts'
import { patiently } from '../patience.ts'
import { openSession } from '../session.ts'
import { parseRemoteForward, runSession } from '../ssh-session.ts'
import { openTunnel } from '../tunnel.ts'
import { readyAgent, type WaitMode } from '../wait-for-agent.ts'
import { findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

/** How long a server that does not answer is asked again before a session begins (AC-243). */
const RETRY_MS = 20_000

interface SshFlags extends GlobalFlags {
  readonly stdio?: boolean
  readonly tty?: boolean
  readonly forwardAgent?: boolean
  readonly forwardGpg?: boolean
  readonly identityAgent?: string
  readonly env?: readonly string[]
  readonly remoteForward?: readonly string[]
  readonly wait: string | boolean
  readonly logDir?: string
  readonly disableAutostart?: boolean
  readonly sshHostPrefix?: string
  readonly hostnameSuffix?: string
  readonly networkInfoDir?: string
  readonly networkInfoInterval: string
  readonly workspacePollInterval: string
}

/** `ssh` (AC-243). */
export function sshCommand(program: Command): void {
  program
    .command('ssh <workspace> [command...]')
    .addOption(
      option('--stdio', 'carry SSH over standard input and output, for ProxyCommand', 'CODER_SSH_STDIO'),
    )
    .option('-t, --tty', 'ask for a terminal also for a command without one')
    .addOption(
      option('-A, --forward-agent', 'let the workspace use your SSH agent', 'CODER_SSH_FORWARD_AGENT'),
    )
    .addOption(
      option('-G, --forward-gpg', 'not supported: use -R for a socket or a port', 'CODER_SSH_FORWARD_GPG'),
    )
    .addOption(
      option(
        '--identity-agent <socket>',
        'socket of the SSH agent to use instead of SSH_AUTH_SOCK',
        'CODER_SSH_IDENTITY_AGENT',
      ),
    )
    .addOption(
      listOption(
        '-R, --remote-forward <ports>',
        'remote_port:local_address:local_port: lets the workspace reach an address of this machine',
        'CODER_SSH_REMOTE_FORWARD',
      ),
    )
    .addOption(
      listOption(
        '-e, --env <name=value>',
        'variable for the session; may be given several times',
        'CODER_SSH_ENV',
      ),
    )
    .addOption(option('--wait <yes|no|auto>', 'wait for startup scripts', 'CODER_SSH_WAIT').default('auto'))
    .option('--no-wait', 'do not wait for startup scripts')
    .addOption(option('-l, --log-dir <folder>', 'folder for a log of the connection', 'CODER_SSH_LOG_DIR'))
    .addOption(
      option('--disable-autostart', 'do not start a stopped workspace', 'CODER_SSH_DISABLE_AUTOSTART'),
    )
    .addOption(
      option(
        '--ssh-host-prefix <prefix>',
        'prefix that a host name in ~/.ssh/config has',
        'CODER_SSH_SSH_HOST_PREFIX',
      ),
    )
    .addOption(
      option(
        '--hostname-suffix <suffix>',
        'suffix that a host name in ~/.ssh/config has',
        'CODER_SSH_HOSTNAME_SUFFIX',
      ),
    )
    .addOption(
      option(
        '--network-info-dir <folder>',
        'folder for a file that tells editors how good the connection is',
        'CODER_SSH_NETWORK_INFO_DIR',
      ),
    )
    .addOption(
      option(
        '--network-info-interval <duration>',
        'how often that file is written',
        'CODER_SSH_NETWORK_INFO_INTERVAL',
      ).default('5s'),
    )
    .addOption(
      option(
        '--workspace-poll-interval <duration>',
        'how often to look whether the workspace is being stopped',
        'CODER_SSH_WORKSPACE_POLL_INTERVAL',
      ).default('1m'),
    )
    .addOption(option('--usage-app <app>', 'what the session is used for', 'CODER_SSH_USAGE_APP'))
    .passThroughOptions()
    .action(async (text: string, given: string[], _own: unknown, command: Command) => {
      // `--` may stand before the command, as everywhere.
      const rest = given[0] === '--' ? given.slice(1) : given
      const flags = flagsOf<SshFlags>(command)
      if (flags.forwardGpg === true)
        throw new CommandError('GPG agents are not forwarded: use --remote-forward, or -A for an SSH agent')
      const environment = pairs(flags.env, '--env')
      const remoteForwards = (flags.remoteForward ?? []).map(parseRemoteForward)
      const poll = duration(flags.workspacePollInterval, '--workspace-poll-interval')
      const infoInterval = duration(flags.networkInfoInterval, '--network-info-interval')
      const say = speaker(flags)
      const client = await openSession(command)
      const name = hostName(text, flags)
      const again = {
        forMs: RETRY_MS,
        onFailure: () => say(`${client.url} does not answer; trying again …`),
      }
      const workspace = await patiently(() => findWorkspace(client, name), again)
      const ready = await readyAgent(client, workspace, {
        agent: parseWorkspaceName(name).agent,
        autostart: flags.disableAutostart !== true,
        wait: waitMode(flags.wait),
        say,
      })
      using tunnel = await patiently(() => openTunnel(client, ready.agent.id), again)
      say(`Connected to agent ${ready.agent.name} of ${ready.workspace.name}`, 'log')
      using _watch = new SessionWatch(client, ready.workspace, tunnel, poll, say)
      using _info =
        flags.networkInfoDir === undefined
          ? undefined
          : new NetworkInfo(client, flags.networkInfoDir, infoInterval)
      try {
        const stream = await tunnel.connect('ssh:22')
        if (flags.stdio === true) {
          process.stdin.pipe(stream)
          stream.pipe(process.stdout)
          stream.on('error', () => stream.destroy())
          await Promise.race([once(stream, 'close'), tunnel.closed])
          process.exitCode = 0
        } else {
          process.exitCode = await runSession(stream, {
            command: rest.join(' '),
            environment: Object.fromEntries(environment.map((entry) => [entry.name, entry.value])),
            forceTerminal: flags.tty === true,
            agent:
              flags.forwardAgent === true ? (flags.identityAgent ?? process.env.SSH_AUTH_SOCK) : undefined,
            remoteForwards,
          })
        }
        say(`Ended with ${process.exitCode}`, 'log')
      } finally {
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
  return suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
}

function waitMode(text: string | boolean): WaitMode {
  if (text === false) return 'no'
  if (text === 'yes' || text === 'no' || text === 'auto') return text
  throw new CommandError(`--wait must be yes, no or auto, not ${JSON.stringify(text)}`)
}

/**
 * Tells the person at the keyboard, and the log that `--log-dir` asks for; `log` is for the log only. With `--stdio`
 * the log's name ends in the process id of OpenSSH, by which editors find it (AC-244).
 */
function speaker(flags: SshFlags): (line: string, where?: 'log') => void {
  let file: string | undefined
  if (flags.logDir !== undefined && flags.logDir !== '') {
    mkdirSync(flags.logDir, { recursive: true })
    const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
    const parent = flags.stdio === true ? `-${process.ppid}` : ''
    file = path.join(flags.logDir, `coder-ssh-${time}-${randomBytes(3).toString('hex')}${parent}.log`)
  }
  return (line, where) => {
    if (where !== 'log') process.stderr.write(`${line}\n`)
    if (file !== undefined) appendFileSync(file, `${new Date().toISOString()} ${line}\n`, { mode: 0o600 })
  }
}

const USAGE_MS = 60_000

/** Says every minute that somebody works in the workspace (AC-103), and ends the session when it is being stopped. */
class SessionWatch implements Disposable {
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(
    client: Connection,
    workspace: Workspace,
    tunnel: TunnelClient,
    poll: number,
    say: (line: string) => void,
  ) {
    const at = { params: { workspace: workspace.id } }
    this.#timers = [
      // A report that is lost costs nothing; the next one follows in a minute.
      setInterval(() => client.call(reportUsage, at).catch(() => undefined), USAGE_MS).unref(),
      setInterval(() => {
        client.call(getWorkspace, at).then(
          ({ latest_build: build }) => {
            if (build.transition === 'start') return
            say(`Workspace ${workspace.name} is ${build.status}`)
            tunnel[Symbol.dispose]()
          },
          // A server that cannot be asked has not stopped the workspace.
          () => undefined,
        )
      }, poll).unref(),
    ]
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
