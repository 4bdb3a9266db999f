import { mkdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import type { Duplex } from 'node:stream'

import type { AgentManifest } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import { TunnelRefusal } from '@slipway/tunnel'
import { AgentSocket, agentSocketPath } from './agent-socket.ts'
import { agentApi } from './api/api.ts'
import { ChatPaths } from './api/chat-paths.ts'
import { FileFinder } from './api/find-files.ts'
import { Processes } from './api/processes.ts'
import { AppHealth } from './app-health.ts'
import { ChatContext } from './chat-context/chat-context.ts'
import { mcpConfigFile } from './chat-context/scan.ts'
import { stayConnected } from './connection.ts'
import { ConnectionReports } from './connection-reports.ts'
import { type ControlPlane, untilSuccess } from './control-plane.ts'
import { expandDirectory, processEnvironment, shellOf } from './environment.ts'
import { GitAskpass } from './git-askpass.ts'
import { GitKeyAgent } from './git-key-agent.ts'
import { GitWatch } from './git-watch/git-watch.ts'
import { Lifecycle } from './lifecycle.ts'
import { LogSender } from './log-sender.ts'
import { MetadataCollector } from './metadata.ts'
import { ScriptRunner } from './scripts/script-runner.ts'
import { writeSecretFiles } from './secret-files.ts'
import { speedEnd } from './speed.ts'
import { hostKey } from './ssh/host-key.ts'
import { SshServer } from './ssh/ssh-server.ts'
import { openStateDirectory } from './state-directory.ts'
import { streamPair } from './stream-pair.ts'
import { acceptOnPort, acceptsPort } from './tailnet/ports.ts'
import { keepTaskLog } from './task-log.ts'
import { Terminals } from './terminals/terminals.ts'
import { WorkspaceMcp } from './workspace-mcp/workspace-mcp.ts'

const FIRST_PORT = 9
/** The last reports may take this long once the agent was asked to end. */
const FAREWELL_MS = 10_000

/** What an agent is started with. */
export interface AgentOptions {
  readonly controlPlane: ControlPlane
  readonly token: string
  readonly version: string
  readonly log: Logger
  /** Asks the agent to end: its shutdown scripts run, then `runAgent` resolves. */
  readonly stop: AbortSignal
  readonly inherited: NodeJS.ProcessEnv
}

/** Runs the agent of a workspace until `stop`: connects, starts what the template asks for, serves, and ends in order (AC-119). */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { controlPlane, log, stop } = options
  const manifest = await untilSuccess(() => controlPlane.manifest(), {
    signal: stop,
    onFailure: (error, waitMs) =>
      log.info('the manifest cannot be fetched, trying again', {
        error: describeError(error),
        wait_ms: waitMs,
      }),
  })
  const ended = new AbortController()
  await using parts = new AsyncDisposableStack()
  // Scripts may hold secrets: others on the machine see nothing of it, and nothing is left.
  const stateDirectory = await openStateDirectory(
    manifest.agent_id,
    options.inherited.SLIPWAY_AGENT_DIRECTORY,
  )
  parts.defer(() => rm(stateDirectory, { recursive: true, force: true }))
  const binDirectory = path.join(stateDirectory, 'bin')
  await mkdir(binDirectory, { recursive: true, mode: 0o700 })
  const gitKey = parts.use(new GitKeyAgent(controlPlane, log, stateDirectory))
  const agentSocket = agentSocketPath(options.inherited, stateDirectory)
  parts.use(await AgentSocket.open(agentSocket, controlPlane, log))
  const askpass =
    manifest.git_auth_configs > 0 ? parts.use(new GitAskpass(controlPlane, log, stateDirectory)) : undefined
  const env = processEnvironment({
    manifest,
    accessUrl: controlPlane.url,
    token: options.token,
    gitSshCommand: gitKey.command,
    gitAskpass: askpass?.command,
    agentSocket,
    binDirectory,
    inherited: options.inherited,
  })
  await writeSecretFiles(manifest.secrets, env.HOME ?? '/', log)
  const directory = expandDirectory(manifest.directory, env.HOME ?? '/')
  await mkdir(directory, { recursive: true }).catch(() => undefined)
  const motdFile = manifest.motd_file === '' ? '' : expandDirectory(manifest.motd_file, env.HOME ?? '/')
  const sessions = parts.use(new ConnectionReports(controlPlane, log))
  const surroundings = {
    env: () => env,
    directory: () => directory,
    shell: () => shellOf(env),
    motdFile: () => motdFile,
    sessions,
  }
  const terminals = parts.use(new Terminals(surroundings))
  const ssh = parts.use(
    new SshServer({
      ...surroundings,
      log,
      hostKey: () => hostKey(manifest.owner_username, manifest.workspace_name, manifest.agent_name),
    }),
  )
  const chatPaths = new ChatPaths()
  const processes = parts.use(new Processes({ ...surroundings, chats: chatPaths }))
  const places = { home: env.HOME ?? '/', directory }
  const context = parts.use(new ChatContext({ places, controlPlane, log }))
  const mcp = parts.use(new WorkspaceMcp({ file: mcpConfigFile(places), env, directory, log }))
  const files = parts.use(new FileFinder({ directory, env: () => env }))
  const gitWatch = parts.use(new GitWatch({ paths: chatPaths, directory, env: () => env }))
  const tailnet = (link: Duplex): void => void serveTailnet(link, manifest.agent_id, ssh, log)
  const connected = stayConnected({
    controlPlane,
    log,
    signal: ended.signal,
    handlers: {
      request: agentApi({
        log,
        processes,
        home: () => env.HOME ?? '/',
        chats: { paths: chatPaths, context, mcp, files },
      }),
      connect: (authority, headers, signal) =>
        dial(authority, headers, signal, { ssh, terminals, gitWatch, tailnet }),
    },
  })
  parts.defer(async () => {
    ended.abort()
    await connected
  })
  const logs = parts.use(new LogSender(controlPlane, log))
  await startUp(options, manifest, directory, log)
  parts.use(
    new MetadataCollector({
      items: manifest.metadata,
      env,
      directory,
      shell: shellOf(env),
      controlPlane,
      log,
    }),
  )
  parts.use(new AppHealth({ apps: manifest.apps, controlPlane, log }))
  parts.use(
    reportStats(controlPlane, log, () => ({
      ssh: ssh.connections,
      reconnecting_pty: terminals.viewed,
    })),
  )
  const scripts = parts.use(
    new ScriptRunner({
      scripts: manifest.scripts,
      controlPlane,
      log,
      around: {
        env,
        directory,
        shell: shellOf(env),
        logDirectory: env.CODER_AGENT_LOG_DIR ?? stateDirectory,
        dataDirectory: path.join(stateDirectory, 'scripts'),
        onLine: (sourceId, line) => logs.write(sourceId, line),
      },
    }),
  )
  const farewell = new AbortController()
  const lifecycle = new Lifecycle(controlPlane, log, farewell.signal)
  const last = await runLife(scripts, lifecycle, ssh, stop, () => keepTaskLog(manifest, controlPlane, log))
  const late = setTimeout(() => farewell.abort(), FAREWELL_MS)
  await Promise.all([logs.finish(), lifecycle.report(last)])
  clearTimeout(late)
}

/**
 * The states of an agent from its start scripts to the end of its stop scripts (AC §2.2).
 *
 * @param beforeEnd is done while everything still runs.
 * @returns the last state, which is still to be reported.
 */
async function runLife(
  scripts: ScriptRunner,
  lifecycle: Lifecycle,
  ssh: SshServer,
  stop: AbortSignal,
  beforeEnd: () => Promise<void>,
): Promise<'off' | 'shutdown_timeout' | 'shutdown_error'> {
  void lifecycle.report('starting')
  const result = stop.aborted ? 'ok' : await scripts.run('start', stop)
  if (!stop.aborted) {
    void lifecycle.report(result === 'ok' ? 'ready' : result === 'timeout' ? 'start_timeout' : 'start_error')
    scripts.schedule()
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }))
  }
  void lifecycle.report('shutting_down')
  await beforeEnd()
  await ssh.close()
  const ended = await scripts.run('stop')
  return ended === 'ok' ? 'off' : ended === 'timeout' ? 'shutdown_timeout' : 'shutdown_error'
}

async function startUp(
  { controlPlane, version, stop }: AgentOptions,
  manifest: AgentManifest,
  directory: string,
  log: Logger,
): Promise<void> {
  await untilSuccess(() => controlPlane.startup({ version, expanded_directory: directory }), {
    signal: stop,
    onFailure: (error) =>
      log.info('the start cannot be reported yet', {
        agent: manifest.agent_name,
        error: describeError(error),
      }),
  }).catch((error: unknown) => log.warn('the start was not reported', { error: describeError(error) }))
}

/** What serves the byte streams that are no ports. */
interface Ends {
  readonly ssh: SshServer
  readonly terminals: Terminals
  readonly gitWatch: GitWatch
  readonly tailnet: (link: Duplex) => void
}

/** Is a peer of a tailnet until the link ends; never rejects. */
async function serveTailnet(link: Duplex, agentId: string, ssh: SshServer, log: Logger): Promise<void> {
  try {
    // Few agents are asked for it, and it is a lot of code.
    const { joinTailnet } = await import('./tailnet/join-tailnet.ts')
    await joinTailnet(link, {
      agentId,
      accept: (stream, port) => acceptOnPort(stream, port, ssh),
      accepts: acceptsPort,
      log,
    })
  } catch (error) {
    log.info('the tailnet is over', { error: describeError(error) })
  } finally {
    link.destroy()
  }
}

/**
 * Opens what a byte stream of the tunnel asks for: SSH, a terminal, a watch of repositories, a measurement of speed, the
 * coordinator of a tailnet, or a port of the workspace.
 */
async function dial(
  authority: string,
  headers: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  { ssh, terminals, gitWatch, tailnet }: Ends,
): Promise<Duplex> {
  const match = /^(.+):(\d{1,5})$/.exec(authority)
  const [, host = '', portText = ''] = match ?? []
  if (host === 'ssh') {
    const [near, far] = streamPair()
    ssh.serve(far)
    return near
  }
  if (host === 'tailnet') {
    const [near, far] = streamPair()
    tailnet(far)
    return near
  }
  if (host === 'git') return gitWatch.connect(headers['coder-chat-id'])
  if (host === 'speed-down') return speedEnd('down')
  if (host === 'speed-up') return speedEnd('up')
  if (host === 'pty') return terminals.connect(headers['x-slipway-pty'])
  const port = Number(portText)
  if (match === null || port < FIRST_PORT || port > 65_535)
    throw new TunnelRefusal(400, `${JSON.stringify(authority)} is no address of this workspace`)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port })
    socket.setNoDelay(true)
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error) =>
      reject(new TunnelRefusal(502, `nothing answers on ${authority} in the workspace: ${error.message}`)),
    )
  })
}

function reportStats(
  controlPlane: ControlPlane,
  log: Logger,
  count: () => Readonly<Record<string, number>>,
): Disposable {
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const beat = async (): Promise<void> => {
    let seconds = 30
    try {
      const answer = await controlPlane.stats({ session_counts: { ...count() } })
      seconds = answer.report_interval_seconds
    } catch (error) {
      log.debug('statistics could not be sent', { error: describeError(error) })
    }
    if (!closed) timer = setTimeout(() => void beat(), seconds * 1_000).unref()
  }
  void beat()
  return {
    [Symbol.dispose]: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}
