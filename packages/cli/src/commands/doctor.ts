import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import { getBuildInfo, getUser, watchInboxNotifications } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { jsonOption, type OutputFlags } from '../output.ts'
import { type Probe, probe } from '../probe.ts'
import { openSession } from '../session.ts'
import { openTunnel } from '../tunnel.ts'
import { openWebSocket } from '../web-socket.ts'
import { chooseAgent, findWorkspace, parseWorkspaceName } from '../workspace-name.ts'
import { ping } from './ping.ts'

const PING_MS = 5_000

/** One hop of the way to the server or to a workspace. */
interface Hop {
  readonly hop: string
  readonly ok: boolean
  readonly ms?: number
  readonly detail: string
}

/** What is wrong with a hop, and what to do about it; nothing beyond it can be reached. */
class Obstacle extends Error {
  override readonly name = 'Obstacle'
  readonly hop: string
  readonly next: string

  constructor(hop: string, cause: unknown, next: string) {
    super(reasonOf(cause))
    this.hop = hop
    this.next = next
  }
}

/** `doctor` (L-25, L-8). */
export function doctorCommand(program: Command): void {
  jsonOption(program.command('doctor [workspace]')).action(
    async (name: string | undefined, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const hops: Hop[] = []
      const tell = (hop: Hop): void => {
        hops.push(hop)
        if (own.output !== 'json') process.stdout.write(line(hop))
      }
      let obstacle: Obstacle | undefined
      try {
        await toServer(client, tell)
        if (name !== undefined) await toWorkspace(client, name, tell)
      } catch (error) {
        if (!(error instanceof Obstacle)) throw error
        obstacle = error
        tell({ hop: error.hop, ok: false, detail: error.message })
      }
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(hops, null, 2)}\n`)
      if (obstacle !== undefined) throw new CommandError(obstacle.next)
      const [slowest] = hops.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0))
      if (own.output !== 'json' && slowest !== undefined)
        process.stdout.write(`\nAll of it works. The slowest: ${slowest.hop}.\n`)
    },
  )
}

async function toServer(client: Connection, tell: (hop: Hop) => void): Promise<void> {
  const proxies = proxiesFor(client.url)
  tell({
    hop: 'settings',
    ok: true,
    detail: proxies.length === 0 ? `${client.url}, no proxy is set` : `${client.url}, ${proxies.join(', ')}`,
  })
  const ask = (address: string): Promise<Probe> =>
    probe(client.transport, address, client.headers).catch((error: unknown) => {
      throw new Obstacle(
        'connection',
        error,
        'The server is not reached: check the URL, the proxy settings above, and --client-tls-ca-file.',
      )
    })
  const first = await ask(client.address(getBuildInfo, {}))
  for (const { name, ms } of first.phases)
    tell({
      hop: name,
      ok: true,
      ms,
      detail: name === 'connection' ? `to ${first.peer}` : name === 'answer' ? `status ${first.status}` : '',
    })
  const second = await ask(client.address(getUser, { params: { user: 'me' } }))
  if (second.status !== 200)
    throw new Obstacle(
      'session',
      `the server answers with status ${second.status}`,
      second.status === 401
        ? `Sign in again: slipway login ${client.url}`
        : 'Something answers at this URL that is no Slipway server, or the server has a fault: ask who runs it.',
    )
  const ms = second.phases.reduce((sum, phase) => sum + phase.ms, 0)
  const [, within] = /app;dur=([\d.]+)/.exec(String(second.headers['server-timing'])) ?? []
  const server = Math.min(Number(within ?? 0), ms)
  tell({ hop: 'server', ok: true, ms: server, detail: 'what the server itself takes for a request' })
  tell({ hop: 'network', ok: true, ms: ms - server, detail: 'what the way there and back takes' })
  await timed('WebSocket', tell, 'A proxy on the way must let WebSockets pass (HTTP Upgrade).', async () => {
    const socket = await openWebSocket(client, client.address(watchInboxNotifications, {}))
    socket.terminate()
  })
}

async function toWorkspace(client: Connection, name: string, tell: (hop: Hop) => void): Promise<void> {
  const workspace = await findWorkspace(client, name)
  const { status } = workspace.latest_build
  if (status !== 'running')
    throw new Obstacle(
      'workspace',
      `it is ${status}`,
      status === 'failed' || status === 'canceled'
        ? `Read why: slipway logs ${name}`
        : `Start it: slipway start ${name}`,
    )
  const agent = chooseAgent(workspace, parseWorkspaceName(name).agent)
  if (agent.status !== 'connected')
    throw new Obstacle(
      'agent',
      `${agent.name} is ${agent.status}`,
      `It must reach the server by itself. Read its log: slipway logs ${name}; or: slipway restart ${name}`,
    )
  tell({ hop: 'agent', ok: true, detail: `${agent.name} is connected, ${agent.lifecycle_state}` })
  const next = `Try again in a moment, else: slipway restart ${name}`
  using tunnel = await timed('tunnel', tell, next, () => openTunnel(client, agent.id))
  await timed('workspace', tell, next, async () => {
    const answer = await ping(tunnel, PING_MS)
    if (typeof answer === 'string') throw new Error(answer)
  })
}

async function timed<T>(
  hop: string,
  tell: (hop: Hop) => void,
  next: string,
  work: () => Promise<T>,
): Promise<T> {
  const since = performance.now()
  try {
    const done = await work()
    tell({ hop, ok: true, ms: performance.now() - since, detail: '' })
    return done
  } catch (error) {
    throw new Obstacle(hop, error, next)
  }
}

/** Variables that lead requests through a proxy or around it, without passwords. */
function proxiesFor(url: string): string[] {
  const scheme = url.startsWith('https:') ? 'https' : 'http'
  return [`${scheme}_proxy`, 'no_proxy'].flatMap((lower) =>
    [lower, lower.toUpperCase()].flatMap((name) => {
      const value = process.env[name] ?? ''
      return value === '' ? [] : [`${name}=${value.replace(/\/\/[^/@]*@/, '//')}`]
    }),
  )
}

function line({ hop, ok, ms, detail }: Hop): string {
  const time = ms === undefined ? '' : `${ms.toFixed(1)} ms`
  return `${`${ok ? 'ok    ' : 'FAILED'}  ${hop.padEnd(10)}  ${time.padStart(10)}  ${detail}`.trimEnd()}\n`
}

function reasonOf(cause: unknown): string {
  if (cause instanceof ApiFailure) return `status ${cause.status}: ${cause.message}`
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause.cause
  return inner instanceof Error && inner.message !== '' ? `${cause.message}: ${inner.message}` : cause.message
}
